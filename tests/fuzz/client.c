/* SPDX-License-Identifier: ISC */
/*
 * What a gateway says to the session towards it, line by line; the owner sends mails as far as it
 * may. The first octet chooses among its habits, TLS and login among them (a handshake takes no
 * time). The same octet by octet gives the same events and the same commands; what is sent are
 * well-formed lines, and no login leaves in clear where TLS is required.
 */
#include "smtp/client.h"

#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void gp_stop(const char *what)
{
	fprintf(stderr, "gp_bug: %s\n", what);
	abort();
}

static void must(bool held, const char *what)
{
	if (!held)
		gp_stop(what);
}

#define WORK_MOST 3 /* slices of SCRAM's work: more takes too long */

enum { DO_MAIL, DO_RCPT, DO_SECOND_RCPT, DO_DATA, DO_BODY, DO_END, DO_RSET, DO_NOOP, DO_STEPS };

struct session {
	struct client client;
	struct buf out;
	uint8_t mem[4096];
	uint8_t habits;
	uint8_t todo;
	struct sasl sasl;
	unsigned logins, work;
	bool over;
	char log[60000]; /* all that was heard and sent */
	struct fmt f;
};

static struct session line_wise, octet_wise;

/* What was sent goes to the log. Before and behind the body it is made of whole lines. */
static void flush(struct session *s, bool commands)
{
	struct bytes x = buf_peek(&s->out);

	must(!commands || x.n == 0 || (x.n >= 2 && x.p[x.n - 1] == '\n' && x.p[x.n - 2] == '\r'),
	    "whole lines");
	for (size_t i = 0; commands && i < x.n; i++)
		must(x.p[i] >= 32 || x.p[i] == '\r' || x.p[i] == '\n', "no control characters");
	fmt_str(&s->f, "> ");
	fmt_bytes(&s->f, x);
	fmt_str(&s->f, "\n");
	buf_clear(&s->out);
}

/* One thing to do; true if it was done or is not to be done any more. */
static bool act(struct session *s)
{
	struct smtp_mail_params params = { 100, s->habits & 1, s->habits & 2 };
	struct bytes body = BYTES(".\r\nx\r\n..");
	struct client *c = &s->client;

	switch (s->todo) {
	case DO_MAIL:
		return client_mail(
		    c, &s->out, s->habits & 4 ? BYTES("") : BYTES("a@a.test"), &params);
	case DO_RCPT:
	case DO_SECOND_RCPT:
		return client_rcpt(c, &s->out, BYTES("\"b b\"@b.test"));
	case DO_DATA:
		return client_data(c, &s->out);
	case DO_BODY:
		if (client_awaits(c) != CLIENT_CMD_NONE)
			return false;
		flush(s, true);
		client_body(c, &body, &s->out);
		flush(s, false);
		return true;
	case DO_END:
		return client_end(c, &s->out) || client_awaits(c) == CLIENT_CMD_NONE;
	case DO_RSET:
		return client_rset(c, &s->out);
	case DO_NOOP:
		return s->habits & 8 ? client_noop(c, &s->out) : true;
	default:
		return true;
	}
}

static void log_in(struct session *s)
{
	struct client *c = &s->client;
	enum sasl_mechanism m = sasl_strongest(c->mechanisms, s->habits & 1);

	must(!client_may_send(c), "no mail before the login");
	flush(s, true);
	if (m == SASL_NONE || s->logins++ == 2) {
		if (s->habits & 2)
			client_no_login(c);
		else if (!client_quit(c, &s->out))
			s->over = true;
		return;
	}
	must(c->secure || !(s->habits & 0x20), "no login in clear");
	sasl_init(&s->sasl, m, BYTES("us,er"), BYTES("secret"), "abcdefghijklmnopqrst");
	client_login(c, &s->sasl, &s->out);
}

static void hear(struct session *s, enum client_event event, const struct client_what *what)
{
	const struct reply *r = client_last(&s->client);

	if (event == CLIENT_EARLY || event == CLIENT_FAILED)
		s->over = true;
	if (event == CLIENT_STARTTLS) {
		must(!s->client.secure, "TLS once");
		flush(s, true);
		client_secured(&s->client, &s->out);
	}
	if (event == CLIENT_LOGIN || event == CLIENT_LOGIN_REFUSED)
		log_in(s);
	if (event == CLIENT_READY)
		must(s->client.phase == CLIENT_PHASE_READY, "ready");
	if (event == CLIENT_REPLY)
		must(r->code >= 200 && r->code <= 599 && what->command >= CLIENT_CMD_MAIL, "reply");
	if (event == CLIENT_FAILED)
		must(what->why != CLIENT_OK, "why");
	fmt_u64(&s->f, (uint64_t)event);
	fmt_str(&s->f, client_command_name(what->command));
	fmt_u64(&s->f, (uint64_t)what->why);
	reply_line(&s->f, r);
	fmt_str(&s->f, "\n");
}

/* One piece arrives; when anything was heard, the owner does what it can. */
static void arrive(struct session *s, struct bytes piece)
{
	struct client_what what;
	enum client_event event;
	bool heard = false;

	while (!s->over) {
		event = client_step(&s->client, &piece, &s->out, &what);
		if (event == CLIENT_MORE)
			break;
		heard = true;
		if (event == CLIENT_WORK)
			s->over = ++s->work > WORK_MOST;
		else
			hear(s, event, &what);
	}
	must(s->over || piece.n == 0, "all is taken");
	for (unsigned i = 0; heard && !s->over && i < 20 && act(s); i++)
		s->todo = (uint8_t)((s->todo + 1) % DO_STEPS);
	flush(s, !s->client.in_body && client_awaits(&s->client) != CLIENT_CMD_END);
}

static void begin(struct session *s, uint8_t habits)
{
	memset(&s->client, 0x55, sizeof(s->client));
	buf_init(&s->out, s->mem, sizeof(s->mem));
	client_init(&s->client, &(struct client_params){ .ehlo_name = BYTES("box.test"),
				    .tls = habits >> 4 & 3, .login = habits & 0x40 });
	s->habits = habits;
	s->logins = s->work = 0;
	s->todo = DO_MAIL;
	s->over = false;
	fmt_init(&s->f, s->log, sizeof(s->log));
}

/* Empty notes of nothing sent differ between the two ways; they are left out. */
static struct bytes squeezed(struct session *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->f.n; i++) {
		if (s->f.n - i >= 3 && memcmp(s->log + i, "> \n", 3) == 0)
			i += 2;
		else
			s->log[n++] = s->log[i];
	}
	return (struct bytes){ (const uint8_t *)s->log, n };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest;

	if (size < 1 || size > 20000)
		return 0;
	begin(&line_wise, data[0]);
	begin(&octet_wise, data[0]);
	for (rest = (struct bytes){ data + 1, size - 1 }; rest.n > 0 && !line_wise.over;) {
		struct bytes line = bytes_first(rest, bytes_find(rest, '\n') + 1);

		rest = bytes_skip(rest, line.n);
		for (size_t i = 0; i < line.n && !octet_wise.over; i++)
			arrive(&octet_wise, (struct bytes){ line.p + i, 1 });
		arrive(&line_wise, line);
	}
	must(line_wise.over == octet_wise.over, "both over");
	if (!line_wise.f.cut && !octet_wise.f.cut)
		must(bytes_same(squeezed(&line_wise), squeezed(&octet_wise)),
		    "the same however cut");
	return 0;
}
