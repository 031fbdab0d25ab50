/* SPDX-License-Identifier: ISC */
/*
 * AUTH (RFC 4954): PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), in the forms in which devices send
 * them. The lines that answer a challenge are no commands, whatever stands in them.
 */
#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "smtp/server_part.h"
#include "smtp/server_text.h"

/* What the next line is. */
enum {
	STAGE_NONE, /* a command */
	STAGE_PLAIN,
	STAGE_USER,
	STAGE_PASSWORD,
	STAGE_CRAM,
};

_Static_assert(SERVER_SCRATCH >= BASE64_DECODED(LIMIT_COMMAND_LINE), "a line has to fit");

static bool takes_all(const struct server *s)
{
	return s->params->auth == SERVER_AUTH_ANY;
}

/* May a client log in just now, as far as TLS is concerned? */
static bool offered(const struct server *s)
{
	return takes_all(s) || (s->params->auth == SERVER_AUTH_USERS &&
				   (s->secure || !s->params->auth_requires_tls));
}

static bool offers_cram(const struct server *s)
{
	return s->params->auth == SERVER_AUTH_USERS && s->params->challenge.n > 0;
}

void server_auth_offer(const struct server *s, struct buf *out)
{
	if (!offered(s))
		return;
	/* The second is what clients knew before there was a standard. */
	server_print(out, "250-AUTH PLAIN LOGIN%s\r\n250-AUTH=PLAIN LOGIN\r\n",
	    offers_cram(s) ? " CRAM-MD5" : "");
}

/* Why nobody can log in now: a reply; NULL where one can. */
static const char *objection(const struct server *s)
{
	if (s->params->auth == SERVER_AUTH_NO)
		return TEXT_NO_AUTH;
	if (!offered(s))
		return TEXT_AUTH_TLS;
	if (s->phase != PHASE_IDLE)
		return TEXT_NESTED;
	if (s->authenticated)
		return TEXT_AUTH_TWICE;
	return NULL;
}

static enum server_event prompt(
    struct server *s, const struct server_call *c, uint8_t stage, const char *text)
{
	s->auth_stage = stage;
	server_say(c->out, text);
	return SERVER_MORE;
}

static enum server_event ask(struct server *s, const struct server_call *c, bool unreadable)
{
	c->what->login.unreadable = unreadable;
	return server_ask(s, SERVER_LOGIN);
}

/* What makes no sense is an error, but where everything is taken. */
static enum server_event nonsense(struct server *s, const struct server_call *c)
{
	return takes_all(s) ? ask(s, c, true) : server_fail(s, c, TEXT_AUTH_SYNTAX);
}

/* base64 into the owner's scratch. "=" means nothing at all. */
static bool decode(const struct server *s, struct bytes line, struct bytes *out)
{
	*out = (struct bytes){ s->params->scratch, 0 };
	return bytes_same(line, BYTES("=")) ||
	       base64_decode_lenient(line, s->params->scratch, SERVER_SCRATCH, &out->n);
}

/* authorization NUL user NUL password. Nobody acts for another. */
static enum server_event take_plain(
    struct server *s, struct bytes text, const struct server_call *c)
{
	struct server_login *login = &c->what->login;
	size_t first = bytes_find(text, 0);
	struct bytes as = bytes_first(text, first), rest = bytes_skip(text, first + 1);
	size_t second = bytes_find(rest, 0);

	login->user = bytes_first(rest, second);
	login->password = bytes_skip(rest, second + 1);
	if (second == rest.n || bytes_find(login->password, 0) < login->password.n)
		return nonsense(s, c);
	return ask(s, c, as.n > 0 && !bytes_same(as, login->user));
}

static enum server_event take_user(
    struct server *s, struct bytes user, bool good, const struct server_call *c)
{
	/* A name that is too long is nobody's: told like any other such. */
	s->user_lost = !good || user.n > sizeof(s->user);
	s->user_n = s->user_lost ? 0 : (uint8_t)user.n;
	if (s->user_n > 0)
		memcpy(s->user, user.p, user.n);
	return prompt(s, c, STAGE_PASSWORD, TEXT_ASK_PASSWORD);
}

/* user SP digest, the digest in 32 hexadecimal digits. */
static enum server_event take_cram(struct server *s, struct bytes text, const struct server_call *c)
{
	struct server_login *login = &c->what->login;

	text = bytes_trim(text);
	if (text.n < 33 || text.p[text.n - 33] != ' ')
		return nonsense(s, c);
	login->user = bytes_first(text, text.n - 33);
	login->digest = bytes_skip(text, text.n - 32);
	login->challenge = s->params->challenge;
	return ask(s, c, false);
}

/* What answers a challenge, or came with AUTH itself. */
static enum server_event take(
    struct server *s, uint8_t stage, struct bytes line, const struct server_call *c)
{
	struct bytes text;
	bool good = decode(s, line, &text);

	if (!good && !(stage == STAGE_USER && takes_all(s)))
		return nonsense(s, c);
	switch (stage) {
	case STAGE_PLAIN:
		return take_plain(s, text, c);
	case STAGE_USER:
		return take_user(s, text, good, c);
	case STAGE_PASSWORD:
		c->what->login.user = (struct bytes){ (const uint8_t *)s->user, s->user_n };
		c->what->login.password = text;
		return ask(s, c, s->user_lost);
	default:
		return take_cram(s, text, c);
	}
}

static enum server_event begin_cram(struct server *s, const struct server_call *c)
{
	char text[8 + BASE64_ENCODED(SERVER_CHALLENGE)];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	fmt_add(&f, "334 ");
	base64_encode(&f, bytes_first(s->params->challenge, SERVER_CHALLENGE));
	return prompt(s, c, STAGE_CRAM, text);
}

enum server_event server_do_auth(struct server *s, const struct server_call *c)
{
	struct bytes first = c->args, mechanism = bytes_word(&first);
	const char *no = objection(s);
	bool empty;

	s->secret = mechanism.n > 0; /* and a password perhaps, whether it is looked at or not */
	if (no)
		return server_fail(s, c, no);
	if (mechanism.n == 0)
		return server_fail(s, c, TEXT_AUTH_FORM);
	s->good = true;
	first = bytes_trim(first);
	empty = first.n == 0 || bytes_same(first, BYTES("="));
	if (bytes_same_fold(mechanism, BYTES("PLAIN")))
		return first.n > 0 ? take(s, STAGE_PLAIN, first, c)
				   : prompt(s, c, STAGE_PLAIN, TEXT_ASK_PLAIN);
	if (bytes_same_fold(mechanism, BYTES("LOGIN")))
		return empty ? prompt(s, c, STAGE_USER, TEXT_ASK_USER)
			     : take(s, STAGE_USER, first, c);
	if (offers_cram(s) && bytes_same_fold(mechanism, BYTES("CRAM-MD5")))
		return empty ? begin_cram(s, c) : server_fail(s, c, TEXT_AUTH_FORM);
	return server_fail(s, c, TEXT_AUTH_UNKNOWN);
}

enum server_event server_auth_line(struct server *s, struct bytes line, const struct server_call *c)
{
	uint8_t stage = s->auth_stage;

	s->auth_stage = STAGE_NONE;
	s->secret = true;
	while (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	line = bytes_trim(line);
	if (bytes_same(line, BYTES("*")))
		return server_fail(s, c, TEXT_AUTH_CANCELLED);
	return take(s, stage, line, c);
}

enum server_event server_auth_skipped(struct server *s, const struct server_call *c)
{
	const char *no = s->auth_stage == STAGE_NONE ? objection(s) : NULL;

	s->auth_stage = STAGE_NONE;
	return no ? server_fail(s, c, no) : ask(s, c, true);
}

void server_auth_answer(struct server *s, struct buf *out, unsigned code)
{
	digest_wipe(s->user, sizeof(s->user));
	s->user_n = 0;
	if (code / 100 == 2) {
		s->authenticated = true;
		return;
	}
	s->auth_tries++;
	s->errors++;
	if (code == 421 || (s->auth_tries < LIMIT_LOGINS && s->errors < LIMIT_ERRORS))
		return;
	server_say(out, s->auth_tries < LIMIT_LOGINS ? TEXT_TOO_MANY_ERRORS : TEXT_TOO_MANY_LOGINS);
	s->phase = PHASE_OVER;
}
