/* SPDX-License-Identifier: ISC */
#include "smtp/server.h"

#include <string.h>

#include "base/bug.h"
#include "smtp/command.h"
#include "smtp/server_part.h"
#include "smtp/server_text.h"

void server_init(struct server *s, const struct server_params *params)
{
	memset(s, 0, sizeof(*s));
	s->params = params;
	s->size_limit = params->max_size;
}

static void check_room(bool good)
{
	if (!good)
		gp_bug("server: no room for a reply");
}

void server_put(struct buf *out, const char *format, ...)
{
	struct fmt f;
	va_list args;
	size_t room;
	char *p = (char *)buf_space(out, &room);

	fmt_init(&f, p, room);
	va_start(args, format);
	fmt_put_list(&f, format, args);
	va_end(args);
	check_room(!f.cut);
	buf_added(out, f.n);
}

void server_say(struct buf *out, const char *reply)
{
	server_print(out, "%s\r\n", reply);
}

void server_greet(struct server *s, struct buf *out, const struct reply *refusal)
{
	if (refusal) {
		check_room(reply_print(out, refusal));
		s->phase = PHASE_OVER;
		return;
	}
	server_print(out, "220 %.*s ESMTP Gatepost\r\n", SPAN(s->params->hostname));
}

static enum server_event close_session(
    struct server *s, struct server_what *what, const char *reason)
{
	s->phase = PHASE_OVER;
	what->reason = reason;
	return SERVER_CLOSE;
}

enum server_event server_fail(struct server *s, const struct server_call *c, const char *reply)
{
	server_say(c->out, reply);
	if (++s->errors < LIMIT_ERRORS)
		return SERVER_MORE;
	server_say(c->out, TEXT_TOO_MANY_ERRORS);
	return close_session(s, c->what, PHRASE("too many errors of the client"));
}

enum server_event server_ask(struct server *s, enum server_event question)
{
	s->parked = true;
	s->question = (uint8_t)question;
	return question;
}

uint64_t server_limit(const struct server *s)
{
	uint64_t ours = s->params->max_size;

	if (ours == 0 || (s->size_limit > 0 && s->size_limit < ours))
		return s->size_limit;
	return ours;
}

static void end_transaction(struct server *s)
{
	s->phase = PHASE_IDLE;
	s->recipients = 0;
	s->utf8 = false;
	s->mail_refused = false;
}

/* --- commands that need no other file --- */

static enum server_event do_hello(struct server *s, const struct server_call *c, bool esmtp)
{
	struct bytes name = s->params->hostname;

	s->good = true;
	s->esmtp = esmtp;
	s->hello_n = (uint8_t)bytes_first(c->args, LIMIT_HELLO).n;
	if (s->hello_n > 0)
		memcpy(s->hello, c->args.p, s->hello_n);
	end_transaction(s);
	if (!esmtp) {
		server_print(c->out, "250 %.*s\r\n", SPAN(name));
		return SERVER_RESET;
	}
	server_print(c->out, "250-%.*s\r\n250-PIPELINING\r\n250-SIZE", SPAN(name));
	if (server_limit(s) > 0)
		server_print(c->out, " %ju", (uintmax_t)server_limit(s));
	server_print(c->out, "\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n%s",
	    s->params->starttls && !s->secure ? PHRASE("250-STARTTLS\r\n") : "");
	server_auth_offer(s, c->out);
	server_say(c->out, PHRASE("250 ENHANCEDSTATUSCODES"));
	return SERVER_RESET;
}

static enum server_event do_starttls(struct server *s, const struct server_call *c)
{
	if (s->secure)
		return server_fail(s, c, TEXT_TLS_TWICE);
	if (!s->params->starttls)
		return server_fail(s, c, TEXT_NO_STARTTLS);
	if (c->args.n > 0)
		return server_fail(s, c, TEXT_TLS_ARGUMENT);
	if (s->phase != PHASE_IDLE)
		return server_fail(s, c, TEXT_NESTED);
	s->good = true;
	return server_ask(s, SERVER_STARTTLS);
}

static enum server_event say(const struct server_call *c, const char *reply)
{
	server_say(c->out, reply);
	return SERVER_MORE;
}

/* Behind a MAIL that was refused it is no error of a client that pipelines. */
static enum server_event no_mail(struct server *s, const struct server_call *c)
{
	return s->mail_refused ? say(c, TEXT_NO_MAIL) : server_fail(s, c, TEXT_NO_MAIL);
}

static enum server_event run_verb(
    struct server *s, enum smtp_verb verb, const struct server_call *c)
{
	switch (verb) {
	case SMTP_HELO:
	case SMTP_EHLO:
		return do_hello(s, c, verb == SMTP_EHLO);
	case SMTP_MAIL:
		return s->phase == PHASE_IDLE ? server_do_mail(s, c)
					      : server_fail(s, c, TEXT_NESTED);
	case SMTP_RCPT:
		return s->phase == PHASE_IDLE ? no_mail(s, c) : server_do_rcpt(s, c);
	case SMTP_DATA:
		if (s->phase == PHASE_IDLE)
			return no_mail(s, c);
		if (s->phase == PHASE_MAIL)
			return server_fail(s, c, TEXT_NO_RCPT);
		if (c->args.n > 0)
			return server_fail(s, c, TEXT_NO_ARGUMENT);
		return server_ask(s, SERVER_DATA);
	case SMTP_RSET:
		s->good = true;
		end_transaction(s);
		(void)say(c, TEXT_OK);
		return SERVER_RESET;
	case SMTP_NOOP:
		s->good = true;
		return say(c, TEXT_OK);
	case SMTP_QUIT:
		s->phase = PHASE_OVER;
		(void)say(c, TEXT_BYE);
		return SERVER_QUIT;
	case SMTP_VRFY:
		return say(c, TEXT_VRFY);
	case SMTP_HELP:
		return say(c, TEXT_HELP);
	case SMTP_AUTH:
		return server_do_auth(s, c);
	case SMTP_STARTTLS:
		return do_starttls(s, c);
	case SMTP_BDAT:
		return server_do_bdat(s, c);
	case SMTP_EXPN:
	case SMTP_ETRN:
	case SMTP_TURN:
	case SMTP_XCLIENT:
	case SMTP_XFORWARD:
		return server_fail(s, c, TEXT_NOT_OFFERED);
	case SMTP_UNKNOWN:
		break;
	}
	return server_fail(s, c, TEXT_UNKNOWN);
}

/* --- lines --- */

static enum server_event run_line(struct server *s, struct bytes line, struct server_call *c)
{
	enum smtp_verb verb = command_parse(line, &c->args);

	if (verb == SMTP_UNKNOWN && !s->good) {
		const char *foreign = server_foreign_line(line);

		if (foreign)
			return close_session(s, c->what, foreign);
	}
	/* MAIL and RCPT tell of bad octets themselves; what is not known has no args. */
	if (verb != SMTP_MAIL && verb != SMTP_RCPT && command_has_controls(c->args))
		return server_fail(s, c, TEXT_CONTROLS);
	return run_verb(s, verb, c);
}

/* Drops the rest of an overlong line. Told of as soon as it is too long, it ends the session if it
 * goes on and on. */
static enum server_event skip_line(struct server *s, struct bytes *in, const struct server_call *c)
{
	size_t n = bytes_find(*in, '\n');
	bool whole = n < in->n;

	if (n > 0)
		s->skip_cr = in->p[n - 1] == '\r';
	*in = bytes_skip(*in, n + 1);
	if (n > LIMIT_SKIPPED_LINE + 1 - s->skipped)
		n = LIMIT_SKIPPED_LINE + 1 - s->skipped;
	s->skipped += (uint32_t)n;
	s->skipping = !whole;
	s->secret = s->secret || s->skip_auth;
	if (s->skip_auth && s->skipped > LIMIT_AUTH_LINE + (whole ? s->skip_cr : 1u)) {
		s->skip_auth = false;
		s->auth_stage = 0;
		if (server_fail(s, c, TEXT_LINE_TOO_LONG) == SERVER_CLOSE)
			return SERVER_CLOSE;
	}
	if (s->skipped > LIMIT_SKIPPED_LINE) {
		server_say(c->out, TEXT_ENDLESS);
		return close_session(s, c->what, PHRASE("a command line of more than 1 MiB"));
	}
	return s->skip_auth && whole ? server_auth_skipped(s, c) : SERVER_MORE;
}

static enum server_event begin_skip(
    struct server *s, struct bytes front, const struct server_call *c)
{
	s->skipping = true;
	s->skipped = 0;
	s->skip_auth = s->auth_stage != 0 || command_begun(front) == SMTP_AUTH;
	return s->skip_auth ? SERVER_MORE : server_fail(s, c, TEXT_LINE_TOO_LONG);
}

static enum server_event command(struct server *s, struct bytes *in, struct server_call *c)
{
	struct bytes line = bytes_first(*in, LIMIT_COMMAND_LINE + 2);
	size_t whole = line.n, n = bytes_find(line, '\n');
	const char *foreign = s->good ? NULL : server_foreign(*in);

	if (foreign)
		return close_session(s, c->what, foreign);
	if (n == whole && whole < LIMIT_COMMAND_LINE + 2)
		return SERVER_MORE;
	line = bytes_first(line, n);
	if (n < whole && n > 0 && line.p[n - 1] == '\r')
		line.n--;
	if (line.n > LIMIT_COMMAND_LINE) {
		enum server_event ev = begin_skip(s, line, c);

		return ev == SERVER_MORE ? skip_line(s, in, c) : ev;
	}
	*in = bytes_skip(*in, n + 1);
	return s->auth_stage != 0 ? server_auth_line(s, line, c) : run_line(s, line, c);
}

static enum server_event swallow(struct server *s, struct bytes *in)
{
	size_t n = s->swallow < in->n ? (size_t)s->swallow : in->n;

	*in = bytes_skip(*in, n);
	s->swallow -= n;
	return SERVER_MORE;
}

static enum server_event body(
    struct server *s, struct bytes *in, size_t room, struct server_what *what)
{
	if (room < 2 && s->data.fault == DATA_OK)
		return SERVER_FULL;
	switch (data_in_step(&s->data, in, room, &what->run)) {
	case DATA_IN_MORE:
		break;
	case DATA_IN_RUN:
		return SERVER_BODY;
	case DATA_IN_END:
		what->fault = s->data.fault;
		return server_ask(s, SERVER_EOM);
	}
	return SERVER_MORE;
}

enum server_event server_step(
    struct server *s, struct bytes *in, struct buf *out, size_t body_room, struct server_what *what)
{
	struct server_call c = { .out = out, .what = what };

	memset(what, 0, sizeof(*what));
	if (s->phase == PHASE_OVER)
		return close_session(s, what,
		    s->auth_tries < LIMIT_LOGINS ? PHRASE("the session is over")
						 : PHRASE("too many failed logins"));
	if (s->parked)
		return SERVER_PARKED;
	while (in->n > 0) {
		size_t before = in->n;
		enum server_event ev;

		memset(what, 0, sizeof(*what));
		if (buf_room(out) < LIMIT_REPLY_PRINTED)
			return SERVER_FULL;
		if (s->phase == PHASE_BODY)
			ev = body(s, in, body_room, what);
		else if (s->swallow > 0)
			ev = swallow(s, in);
		else if (s->skipping)
			ev = skip_line(s, in, &c);
		else
			ev = command(s, in, &c);
		if (ev != SERVER_MORE || in->n == before)
			return ev;
	}
	return SERVER_MORE;
}

/* --- answers --- */

static void begin_body(struct server *s)
{
	s->data_params = (struct data_in_params){
		.lone_lf_ends_data = s->params->data_lone_lf_ends_data,
		.pedantic_headers = s->params->data_pedantic_headers,
		.pedantic_body = s->params->data_pedantic_body,
		.max_size = server_limit(s),
	};
	data_in_init(&s->data, &s->data_params);
	s->phase = PHASE_BODY;
}

void server_answer(struct server *s, struct buf *out, const struct reply *r)
{
	bool yes = r->code >= 200 && r->code < 300;

	if (!s->parked)
		gp_bug("server: an answer without a question");
	s->parked = false;
	check_room(reply_print(out, r));
	if (s->question == SERVER_MAIL) {
		s->phase = yes ? PHASE_MAIL : PHASE_IDLE;
		s->mail_refused = !yes;
	} else if (s->question == SERVER_RCPT) {
		s->recipients += yes;
	} else if (s->question == SERVER_DATA && r->code == 354) {
		begin_body(s);
	} else if (s->question == SERVER_LOGIN) {
		server_auth_answer(s, out, r->code);
	} else if (s->question == SERVER_STARTTLS) {
		s->parked = yes;
	} else {
		end_transaction(s);
	}
	if (r->code == 421)
		s->phase = PHASE_OVER;
}

void server_secured(struct server *s)
{
	s->parked = false;
	s->esmtp = false;
	s->authenticated = false;
	s->hello_n = 0;
	s->secure = true;
	end_transaction(s);
}

bool server_idle(const struct server *s)
{
	return s->phase == PHASE_IDLE && !s->parked && s->swallow == 0;
}

bool server_in_data(const struct server *s)
{
	return s->phase == PHASE_BODY && !s->parked;
}

bool server_almost_ended(const struct server *s)
{
	return server_in_data(s) && s->data.almost_ended;
}

bool server_line_begun(const struct server *s, struct bytes in)
{
	if (s->parked || s->phase == PHASE_BODY || s->phase == PHASE_OVER)
		return false;
	return in.n > 0 || s->skipping || s->swallow > 0;
}
