/* SPDX-License-Identifier: ISC */
/*
 * Sessions towards a gateway, written as scripts, one line each:
 *   < text     the gateway sends it (\r\n is added; neighbouring lines go in one piece)
 *   <. text    the same without \r\n
 *   > text     the client has sent exactly this line next
 *   >. text    … this, without \r\n
 *   ! event    what the owner hears next
 *   = verb …   what the owner does; "= no verb …": it is refused
 *   # …        of the first line, words: `whole`: the pieces are not cut in this script, what came in
 *              one is the point; `offered`, `required`, `implicit`: TLS; `login`: a login is wanted;
 *              `small`: there is little room for what is sent
 * Each is played whole, octet by octet and in other cuts. At the end nothing may be left unheard or
 * unsent.
 */
#ifndef TESTS_CLIENT_PLAYER_H
#define TESTS_CLIENT_PLAYER_H

#include "smtp/client.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

struct player {
	struct client c;
	struct buf out;
	uint8_t mem[2048];
	struct sasl sasl;
	char secret[64];
	char events[2048]; /* heard, not yet expected; each ends in \n */
	char said[2048];   /* by the gateway, not yet fed */
	size_t cut;
	const char *wrong;
	char detail[600];
};

static const char *why_name(enum client_failure why)
{
	switch (why) {
	case CLIENT_OK:
		return "ok";
	case CLIENT_BAD_GREETING:
		return "bad greeting";
	case CLIENT_HELLO_REFUSED:
		return "hello refused";
	case CLIENT_BAD_REPLY:
		return "bad reply";
	case CLIENT_OUT_OF_STEP:
		return "out of step";
	case CLIENT_CLOSING:
		return "closing";
	case CLIENT_NO_STARTTLS:
		return "no STARTTLS";
	case CLIENT_BAD_LOGIN:
		return "bad login";
	}
	return "?";
}

static void hear(struct player *p, enum client_event event, const struct client_what *what)
{
	const struct reply *r = client_last(&p->c);
	char text[256];

	switch (event) {
	case CLIENT_MORE:
	case CLIENT_WORK:
		return;
	case CLIENT_READY:
		snprintf(text, sizeof(text), "ready\n");
		break;
	case CLIENT_STARTTLS:
		snprintf(text, sizeof(text), "starttls\n");
		break;
	case CLIENT_LOGIN:
		snprintf(text, sizeof(text), "login%s %x\n", p->c.secure ? " secure" : "",
		    p->c.mechanisms);
		break;
	case CLIENT_LOGIN_REFUSED:
		snprintf(text, sizeof(text), "refused %u\n", r->code);
		break;
	case CLIENT_REPLY:
		snprintf(text, sizeof(text), "reply %s %u\n", client_command_name(what->command),
		    r->code);
		break;
	case CLIENT_EARLY:
		snprintf(text, sizeof(text), "early %u\n", r->code);
		break;
	case CLIENT_FAILED:
		snprintf(text, sizeof(text), "failed %s: %s %u\n",
		    client_command_name(what->command), why_name(what->why), r->code);
		break;
	}
	strcat(p->events, text);
}

/* Lets the machine work through a piece until it wants more or gave up. */
static void step(struct player *p, struct bytes piece)
{
	struct client_what what;
	enum client_event event;

	do {
		event = client_step(&p->c, &piece, &p->out, &what);
		hear(p, event, &what);
	} while (event != CLIENT_MORE && event != CLIENT_EARLY && event != CLIENT_FAILED);
}

static void feed(struct player *p)
{
	struct bytes all = bytes_of(p->said);

	while (all.n > 0 && p->c.failed == CLIENT_OK) {
		struct bytes piece = bytes_first(all, p->cut);

		step(p, piece);
		all = bytes_skip(all, piece.n);
	}
	if (all.n > 0 && p->c.failed != CLIENT_OK && p->events[0] == '\0')
		step(p, all);
	p->said[0] = '\0';
}

#define PLAYER_NONCE "rOprNGfwEbeRWgbNEkqO"

/* What belongs to TLS and login. */
static bool act_secure(struct player *p, const char *verb, const char *arg, const char *secret)
{
	struct bytes nothing = { 0 };

	if (strcmp(verb, "secured") == 0) {
		client_secured(&p->c, &p->out);
		return true;
	}
	if (strcmp(verb, "login") == 0) {
		snprintf(p->secret, sizeof(p->secret), "%s", secret);
		sasl_init(&p->sasl, sasl_named(bytes_of(arg)), BYTES("user"), bytes_of(p->secret),
		    PLAYER_NONCE);
		client_login(&p->c, &p->sasl, &p->out);
		step(p, nothing);
		return true;
	}
	if (strcmp(verb, "nologin") == 0) {
		client_no_login(&p->c);
		step(p, nothing);
		return true;
	}
	if (strcmp(verb, "writing") == 0) {
		step(p, nothing);
		return client_is_writing(&p->c);
	}
	p->wrong = "a script has an unknown verb";
	return false;
}

static bool act(struct player *p, const char *line)
{
	struct smtp_mail_params params = { 0 };
	char verb[32] = "", arg[512] = "", more[64] = "";
	struct bytes body;

	sscanf(line, "%31s %511s %63[^\n]", verb, arg, more);
	if (strcmp(arg, "<>") == 0)
		arg[0] = '\0';
	if (strcmp(verb, "mail") == 0) {
		params.body_8bit = strstr(more, "8bit") != NULL;
		params.utf8 = strstr(more, "utf8") != NULL;
		if (strstr(more, "size=") != NULL)
			params.size = strtoull(strstr(more, "size=") + 5, NULL, 10);
		return client_mail(&p->c, &p->out, bytes_of(arg), &params);
	}
	if (strcmp(verb, "rcpt") == 0)
		return client_rcpt(&p->c, &p->out, bytes_of(arg));
	if (strcmp(verb, "data") == 0)
		return client_data(&p->c, &p->out);
	if (strcmp(verb, "body") == 0) {
		body = bytes_of(line + 5);
		client_body(&p->c, &body, &p->out);
		return body.n == 0;
	}
	if (strcmp(verb, "end") == 0)
		return client_end(&p->c, &p->out);
	if (strcmp(verb, "rset") == 0)
		return client_rset(&p->c, &p->out);
	if (strcmp(verb, "noop") == 0)
		return client_noop(&p->c, &p->out);
	if (strcmp(verb, "quit") == 0)
		return client_quit(&p->c, &p->out);
	return act_secure(p, verb, arg, more);
}

static void expect_sent(struct player *p, const char *text, const char *end)
{
	struct bytes held = buf_peek(&p->out), want;
	char line[700];

	snprintf(line, sizeof(line), "%s%s", text, end);
	want = bytes_of(line);
	if (held.n < want.n || memcmp(held.p, want.p, want.n) != 0) {
		p->wrong = "it did not send what it should";
		snprintf(p->detail, sizeof(p->detail), "want %s, have %.*s", text,
		    (int)(held.n < 300 ? held.n : 300), (const char *)held.p);
		return;
	}
	buf_drop(&p->out, want.n);
}

static void expect_event(struct player *p, const char *text)
{
	size_t n = strcspn(p->events, "\n");

	if (strlen(text) != n || memcmp(text, p->events, n) != 0) {
		p->wrong = "the owner did not hear what it should";
		snprintf(
		    p->detail, sizeof(p->detail), "want %s, have %.*s", text, (int)n, p->events);
		return;
	}
	memmove(p->events, p->events + n + 1, strlen(p->events + n + 1) + 1);
}

static void play_line(struct player *p, const char *line)
{
	if (strncmp(line, "< ", 2) == 0 || strncmp(line, "<. ", 3) == 0) {
		strcat(p->said, line + (line[1] == '.' ? 3 : 2));
		if (line[1] != '.')
			strcat(p->said, "\r\n");
		return;
	}
	feed(p);
	if (strncmp(line, ">. ", 3) == 0)
		expect_sent(p, line + 3, "");
	else if (line[0] == '>')
		expect_sent(p, line + 2, "\r\n");
	else if (line[0] == '!')
		expect_event(p, line + 2);
	else if (line[0] == '#')
		return;
	else if (strncmp(line, "= no ", 5) == 0 && act(p, line + 5))
		p->wrong = "it did what it should refuse";
	else if (line[0] == '=' && strncmp(line, "= no ", 5) != 0 && !act(p, line + 2))
		p->wrong = "it refused what it should do";
}

/* What its first line says of the owner's wishes. */
static struct client_params wishes(const char *line)
{
	struct client_params params = { .ehlo_name = BYTES("box.test") };

	if (line[0] != '#')
		return params;
	params.login = strstr(line, "login") != NULL;
	if (strstr(line, "offered") != NULL)
		params.tls = CLIENT_TLS_OFFERED;
	if (strstr(line, "required") != NULL)
		params.tls = CLIENT_TLS_REQUIRED;
	if (strstr(line, "implicit") != NULL)
		params.tls = CLIENT_TLS_IMPLICIT;
	return params;
}

static bool play(struct player *p, const char *const *script, size_t cut)
{
	const struct client_params params = wishes(script[0]);
	bool small = script[0][0] == '#' && strstr(script[0], "small") != NULL;
	unsigned i;

	memset(p, 0, sizeof(*p));
	buf_init(&p->out, p->mem, small ? CLIENT_HELLO_ROOM : sizeof(p->mem));
	client_init(&p->c, &params);
	p->cut = cut;
	for (i = 0; script[i] != NULL && p->wrong == NULL; i++)
		play_line(p, script[i]);
	if (p->wrong == NULL) {
		feed(p);
		if (p->events[0] != '\0')
			p->wrong = "something was heard at the end that should not be";
		else if (buf_used(&p->out) > 0)
			p->wrong = "something was sent at the end that should not be";
		snprintf(p->detail, sizeof(p->detail), "%.300s", p->events);
	}
	if (p->wrong != NULL)
		printf("# cut %zu, line %u \"%s\": %s: %s\n", cut, i, script[i - 1], p->wrong,
		    p->detail);
	return p->wrong == NULL;
}

struct script {
	const char *name;
	const char *line[48];
};

static void play_all(const struct script *scripts, unsigned n)
{
	static const size_t cuts[] = { 10000, 1, 2, 3, 5, 7, 11, 20 };
	static struct player p;

	for (unsigned i = 0; i < n; i++) {
		const struct script *s = &scripts[i];
		bool whole = s->line[0][0] == '#' && strstr(s->line[0], "whole") != NULL;
		bool good = true;

		for (unsigned k = 0; k < (whole ? 1 : sizeof(cuts) / sizeof(cuts[0])) && good; k++)
			good = play(&p, s->line, cuts[k]);
		ok(good, "%s", s->name);
	}
}

#endif
