/* SPDX-License-Identifier: ISC */
#include "smtp/client.h"

#include "base/bug.h"
#include "base/num.h"
#include "smtp/client_part.h"

#include <string.h>

_Static_assert(CLIENT_HELLO_ROOM <= LIMIT_GATEWAY_OUT, "EHLO must fit an empty buffer");
_Static_assert(LIMIT_GATEWAY_OUT >= LIMIT_PATH + 128, "MAIL with its parameters must fit");

/* ---- commands that await their replies ---- */

void client_push(struct client *c, enum client_command cmd)
{
	if (c->waiting == CLIENT_WINDOW)
		gp_bug("client: window overrun");
	c->window[(c->first + c->waiting) % CLIENT_WINDOW] = (uint8_t)cmd;
	c->waiting++;
}

static enum client_command pop(struct client *c)
{
	enum client_command cmd = client_awaits(c);

	c->first = (uint8_t)((c->first + 1) % CLIENT_WINDOW);
	c->waiting--;
	return cmd;
}

enum client_command client_awaits(const struct client *c)
{
	return c->waiting > 0 ? (enum client_command)c->window[c->first] : CLIENT_CMD_NONE;
}

/* The command sent last, among those that await their replies. */
static enum client_command latest(const struct client *c)
{
	if (c->waiting == 0)
		return CLIENT_CMD_NONE;
	return (enum client_command)c->window[(c->first + c->waiting - 1) % CLIENT_WINDOW];
}

/* Could replies follow that one in one go, so that a command may be sent behind it? */
static bool can_be_followed(enum client_command cmd)
{
	switch (cmd) {
	case CLIENT_CMD_NONE:
	case CLIENT_CMD_MAIL:
	case CLIENT_CMD_RCPT:
	case CLIENT_CMD_RSET:
		return true;
	case CLIENT_CMD_GREETING:
	case CLIENT_CMD_EHLO:
	case CLIENT_CMD_HELO:
	case CLIENT_CMD_STARTTLS:
	case CLIENT_CMD_AUTH:
	case CLIENT_CMD_DATA:
	case CLIENT_CMD_END:
	case CLIENT_CMD_NOOP:
	case CLIENT_CMD_QUIT:
		return false;
	}
	return false;
}

static bool is_quiet(const struct client *c)
{
	return c->failed == CLIENT_OK && !c->in_body && !c->surplus;
}

bool client_may_send(const struct client *c)
{
	if (c->phase != CLIENT_PHASE_READY || !is_quiet(c))
		return false;
	if (c->waiting == 0)
		return reply_parser_idle(&c->parser);
	return c->pipelining && c->waiting < CLIENT_WINDOW && can_be_followed(latest(c));
}

/* Appends the pieces and CRLF, or nothing and false. */
static bool put_line(struct buf *out, const struct bytes *piece, unsigned n)
{
	size_t sum = 2;

	for (unsigned i = 0; i < n; i++)
		sum += piece[i].n;
	if (sum > buf_room(out))
		return false;
	for (unsigned i = 0; i < n; i++)
		buf_put(out, piece[i]);
	return buf_put(out, BYTES("\r\n"));
}

static bool send(struct client *c, struct buf *out, enum client_command cmd, struct bytes line)
{
	if (!client_may_send(c) || !put_line(out, &line, 1))
		return false;
	client_push(c, cmd);
	return true;
}

/* The last defence against a second command within an address. */
static void check_path(struct bytes path)
{
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] < 32 || path.p[i] == 127)
			gp_bug("client: control character in a path");
}

bool client_mail(
    struct client *c, struct buf *out, struct bytes sender, const struct smtp_mail_params *params)
{
	struct bytes piece[5] = { BYTES("MAIL FROM:<"), sender, BYTES(">") };
	unsigned n = 3;
	char size[32];
	struct fmt f;

	check_path(sender);
	fmt_init(&f, size, sizeof(size));
	if (c->offers_size && params->size > 0) {
		fmt_add(&f, " SIZE=%ju", params->size);
		piece[n++] = fmt_done(&f);
	}
	if (c->eightbitmime && params->body_8bit && c->smtputf8 && params->utf8)
		piece[n++] = BYTES(" BODY=8BITMIME SMTPUTF8");
	else if (c->eightbitmime && params->body_8bit)
		piece[n++] = BYTES(" BODY=8BITMIME");
	else if (c->smtputf8 && params->utf8)
		piece[n++] = BYTES(" SMTPUTF8");
	if (!client_may_send(c) || !put_line(out, piece, n))
		return false;
	client_push(c, CLIENT_CMD_MAIL);
	return true;
}

bool client_rcpt(struct client *c, struct buf *out, struct bytes recipient)
{
	struct bytes piece[3] = { BYTES("RCPT TO:<"), recipient, BYTES(">") };

	check_path(recipient);
	if (!client_may_send(c) || !put_line(out, piece, 3))
		return false;
	client_push(c, CLIENT_CMD_RCPT);
	return true;
}

bool client_data(struct client *c, struct buf *out)
{
	return c->waiting == 0 && send(c, out, CLIENT_CMD_DATA, BYTES("DATA"));
}

bool client_rset(struct client *c, struct buf *out)
{
	return send(c, out, CLIENT_CMD_RSET, BYTES("RSET"));
}

bool client_noop(struct client *c, struct buf *out)
{
	return send(c, out, CLIENT_CMD_NOOP, BYTES("NOOP"));
}

bool client_quit(struct client *c, struct buf *out)
{
	bool no_login = c->phase == CLIENT_PHASE_LOGIN && is_quiet(c) && c->waiting == 0;

	if (!no_login)
		return send(c, out, CLIENT_CMD_QUIT, BYTES("QUIT"));
	if (!put_line(out, &BYTES("QUIT"), 1))
		return false;
	client_push(c, CLIENT_CMD_QUIT);
	return true;
}

/* ---- content ---- */

/* May content go? Not where the gateway has spoken already: its owner shall hear that first. */
static bool body_open(const struct client *c)
{
	return c->in_body && c->failed == CLIENT_OK && !c->surplus;
}

void client_body(struct client *c, struct bytes *in, struct buf *out)
{
	if (body_open(c))
		data_out_put(&c->data, in, out);
}

bool client_end(struct client *c, struct buf *out)
{
	if (!body_open(c) || !data_out_end(&c->data, out))
		return false;
	c->in_body = false;
	client_push(c, CLIENT_CMD_END);
	return true;
}

/* ---- replies ---- */

void client_init(struct client *c, const struct client_params *params)
{
	if (params->ehlo_name.n == 0 || params->ehlo_name.n > LIMIT_HOSTNAME)
		gp_bug("client_init: name");
	memset(c, 0, sizeof(*c));
	reply_parser_init(&c->parser);
	c->params = *params;
	c->secure = params->tls == CLIENT_TLS_IMPLICIT;
	client_push(c, CLIENT_CMD_GREETING);
}

static void say_hello(struct client *c, struct buf *out, enum client_command cmd)
{
	bool esmtp = cmd == CLIENT_CMD_EHLO;
	struct bytes piece[2] = { esmtp ? BYTES("EHLO ") : BYTES("HELO "), c->params.ehlo_name };

	if (!put_line(out, piece, 2))
		gp_bug("client: no room for EHLO");
	c->parser.by_line = esmtp;
	client_push(c, cmd);
}

/* What the gateway has offered does not count any more. */
static void forget_offers(struct client *c)
{
	c->size_limit = 0;
	c->mechanisms = 0;
	c->offers_size = c->pipelining = c->eightbitmime = c->smtputf8 = c->enhanced = false;
	c->starttls = c->auth = c->esmtp = false;
}

void client_secured(struct client *c, struct buf *out)
{
	if (c->phase != CLIENT_PHASE_HANDSHAKE)
		gp_bug("client_secured: not asked for");
	forget_offers(c);
	reply_parser_init(&c->parser);
	c->secure = true;
	c->phase = CLIENT_PHASE_HELLO;
	say_hello(c, out, CLIENT_CMD_EHLO);
}

/* A line of the answer to EHLO: keyword, arguments behind a blank or (old servers) behind `=`. */
static void extension(struct client *c, struct bytes line)
{
	struct bytes keyword, rest = line;
	size_t end = 0;

	keyword = bytes_word(&rest);
	while (end < keyword.n && keyword.p[end] != '=')
		end++;
	if (end < keyword.n) {
		rest = bytes_skip(line, (size_t)(keyword.p - line.p) + end + 1);
		keyword = bytes_first(keyword, end);
	}
	if (bytes_same_fold(keyword, BYTES("PIPELINING"))) {
		c->pipelining = true;
	} else if (bytes_same_fold(keyword, BYTES("8BITMIME"))) {
		c->eightbitmime = true;
	} else if (bytes_same_fold(keyword, BYTES("SMTPUTF8"))) {
		c->smtputf8 = true;
	} else if (bytes_same_fold(keyword, BYTES("ENHANCEDSTATUSCODES"))) {
		c->enhanced = true;
	} else if (bytes_same_fold(keyword, BYTES("SIZE"))) {
		c->offers_size = true;
		num_u64(bytes_trim(rest), UINT64_MAX, &c->size_limit);
	} else if (bytes_same_fold(keyword, BYTES("STARTTLS"))) {
		c->starttls = true;
	} else if (bytes_same_fold(keyword, BYTES("AUTH"))) {
		c->auth = true;
		c->mechanisms |= sasl_offered(rest);
	}
}

enum client_event client_fail(struct client *c, struct client_what *what, enum client_failure why)
{
	c->failed = (uint8_t)why;
	what->why = why;
	return CLIENT_FAILED;
}

/* No reply is to blame. */
static void forget_reply(struct client *c)
{
	c->parser.reply.code = 0;
	c->parser.reply.n = 0;
	c->parser.reply.enhanced[0] = '\0';
}

enum client_event client_out_of_step(struct client *c, struct client_what *what)
{
	forget_reply(c);
	return client_fail(c, what, CLIENT_OUT_OF_STEP);
}

/* CLIENT_MORE: go on, EHLO was sent. */
static enum client_event on_greeting(struct client *c, struct buf *out, struct client_what *what)
{
	if (c->parser.reply.code != 220)
		return client_fail(c, what, CLIENT_BAD_GREETING);
	if (c->surplus)
		return client_out_of_step(c, what);
	say_hello(c, out, CLIENT_CMD_EHLO);
	return CLIENT_MORE;
}

/* EHLO, and TLS where it was to be, are done. */
static enum client_event greeted(struct client *c, struct client_what *what)
{
	if (!c->params.login) {
		c->phase = CLIENT_PHASE_READY;
		return CLIENT_READY;
	}
	if (c->surplus)
		return client_out_of_step(c, what);
	c->phase = CLIENT_PHASE_LOGIN;
	return CLIENT_LOGIN;
}

/* EHLO (or HELO) was taken: TLS next, if it is not on already. */
static enum client_event welcome(struct client *c, struct buf *out, struct client_what *what)
{
	bool wanted = c->params.tls == CLIENT_TLS_OFFERED || c->params.tls == CLIENT_TLS_REQUIRED;

	if (c->secure || !wanted)
		return greeted(c, what);
	if (!c->starttls) {
		if (c->params.tls == CLIENT_TLS_OFFERED)
			return greeted(c, what);
		forget_reply(c);
		return client_fail(c, what, CLIENT_NO_STARTTLS);
	}
	if (c->surplus)
		return client_out_of_step(c, what);
	if (!put_line(out, &BYTES("STARTTLS"), 1))
		gp_bug("client: no room for STARTTLS");
	client_push(c, CLIENT_CMD_STARTTLS);
	return CLIENT_MORE;
}

static enum client_event on_hello(struct client *c, struct buf *out, struct client_what *what)
{
	unsigned class = c->parser.reply.code / 100;
	bool esmtp = what->command == CLIENT_CMD_EHLO;

	c->parser.by_line = false;
	if (class == 2) {
		c->esmtp = esmtp;
		return welcome(c, out, what);
	}
	if (class == 3)
		return client_fail(c, what, CLIENT_BAD_REPLY);
	if (class == 4 || !esmtp)
		return client_fail(c, what, CLIENT_HELLO_REFUSED);
	if (c->surplus)
		return client_out_of_step(c, what);
	say_hello(c, out, CLIENT_CMD_HELO);
	return CLIENT_MORE;
}

/* What came behind the 220 was sent by somebody who could not yet encrypt it: never believed. */
static enum client_event on_starttls(struct client *c, struct client_what *what)
{
	unsigned code = c->parser.reply.code;

	if (code == 220) {
		if (c->surplus)
			return client_out_of_step(c, what);
		c->phase = CLIENT_PHASE_HANDSHAKE;
		return CLIENT_STARTTLS;
	}
	if (code < 400)
		return client_fail(c, what, CLIENT_BAD_REPLY);
	if (c->params.tls == CLIENT_TLS_REQUIRED || code == 421)
		return client_fail(c, what, CLIENT_NO_STARTTLS);
	return greeted(c, what);
}

/* ---- events ---- */

/* What means something: 2xx, 4xx, 5xx; to DATA 354 in the place of 2xx. */
static enum client_event on_answer(struct client *c, struct client_what *what)
{
	unsigned class = c->parser.reply.code / 100;
	bool go = what->command == CLIENT_CMD_DATA && c->parser.reply.code == 354;

	if ((class == 3 && !go) || (class == 2 && what->command == CLIENT_CMD_DATA))
		return client_fail(c, what, CLIENT_BAD_REPLY);
	if (go) {
		c->in_body = true;
		data_out_init(&c->data);
	}
	return CLIENT_REPLY;
}

static enum client_event on_unasked(struct client *c, struct client_what *what)
{
	what->command = CLIENT_CMD_NONE;
	if (c->unasked_in_body) {
		c->failed = CLIENT_OUT_OF_STEP;
		return CLIENT_EARLY;
	}
	if (c->parser.reply.code == 421)
		return client_fail(c, what, CLIENT_CLOSING);
	return client_out_of_step(c, what);
}

static enum client_event on_reply(
    struct client *c, bool surplus, struct buf *out, struct client_what *what)
{
	if (c->unasked)
		return on_unasked(c, what);
	what->command = pop(c);
	c->surplus = surplus && c->waiting == 0;
	switch (what->command) {
	case CLIENT_CMD_GREETING:
		return on_greeting(c, out, what);
	case CLIENT_CMD_EHLO:
	case CLIENT_CMD_HELO:
		return on_hello(c, out, what);
	case CLIENT_CMD_STARTTLS:
		return on_starttls(c, what);
	case CLIENT_CMD_AUTH:
		return client_on_auth(c, out, what);
	case CLIENT_CMD_MAIL:
	case CLIENT_CMD_RCPT:
	case CLIENT_CMD_DATA:
	case CLIENT_CMD_END:
	case CLIENT_CMD_RSET:
	case CLIENT_CMD_NOOP:
	case CLIENT_CMD_QUIT:
		return on_answer(c, what);
	case CLIENT_CMD_NONE:
		break;
	}
	gp_bug("client: reply to nothing");
}

/* Of what nobody asked for only a 421 is waited for; all else is known by its first octets. */
static bool may_be_421(const struct reply_parser *p)
{
	static const uint16_t prefix[] = { 0, 4, 42, 421 };

	if (p->lines > 0)
		return p->reply.code == 421;
	return p->line_code == prefix[p->line_at < 3 ? p->line_at : 3];
}

/* Takes replies until one is an event, or all is taken. */
static enum client_event take(
    struct client *c, struct bytes *in, struct buf *out, struct client_what *what)
{
	enum client_event event = CLIENT_MORE;
	enum reply_status status;
	uint32_t number;

	do {
		bool begins = reply_parser_idle(&c->parser) && in->n > 0;

		if (begins) {
			c->unasked = c->waiting == 0;
			c->unasked_in_body = c->in_body;
		}
		status = reply_parse(&c->parser, in);
		what->command = client_awaits(c);
		if (status == REPLY_BAD) {
			if (c->unasked && !c->unasked_in_body)
				return client_out_of_step(c, what);
			return client_fail(c, what, CLIENT_BAD_REPLY);
		}
		if (status == REPLY_LINE) {
			struct bytes line = reply_parser_line(&c->parser, &number);

			if (number > 0)
				extension(c, line);
		}
		if (status == REPLY_DONE)
			event = on_reply(c, in->n > 0, out, what);
	} while (event == CLIENT_MORE && status != REPLY_MORE);
	if (event == CLIENT_MORE && !reply_parser_idle(&c->parser) && c->unasked &&
	    !c->unasked_in_body && !may_be_421(&c->parser))
		return client_out_of_step(c, what);
	return event;
}

enum client_event client_step(
    struct client *c, struct bytes *in, struct buf *out, struct client_what *what)
{
	enum client_event event;

	*what = (struct client_what){ client_awaits(c), (enum client_failure)c->failed };
	if (c->failed != CLIENT_OK)
		return CLIENT_FAILED;
	if (c->phase == CLIENT_PHASE_HANDSHAKE)
		return CLIENT_MORE;
	if (c->phase == CLIENT_PHASE_NO_LOGIN) {
		c->phase = CLIENT_PHASE_READY;
		return CLIENT_READY;
	}
	if (c->writing)
		client_speak(c, out);
	event = take(c, in, out, what);
	return event == CLIENT_MORE && c->working ? client_work(c, out, what) : event;
}

const struct reply *client_last(const struct client *c)
{
	return &c->parser.reply;
}

const char *client_command_name(enum client_command cmd)
{
	static const char *const names[] = { [CLIENT_CMD_NONE] = "nothing",
		[CLIENT_CMD_GREETING] = "greeting",
		[CLIENT_CMD_EHLO] = "EHLO",
		[CLIENT_CMD_HELO] = "HELO",
		[CLIENT_CMD_STARTTLS] = "STARTTLS",
		[CLIENT_CMD_AUTH] = "AUTH",
		[CLIENT_CMD_MAIL] = "MAIL",
		[CLIENT_CMD_RCPT] = "RCPT",
		[CLIENT_CMD_DATA] = "DATA",
		[CLIENT_CMD_END] = "end of data",
		[CLIENT_CMD_RSET] = "RSET",
		[CLIENT_CMD_NOOP] = "NOOP",
		[CLIENT_CMD_QUIT] = "QUIT" };

	return names[cmd];
}
