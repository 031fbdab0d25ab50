/* SPDX-License-Identifier: ISC */
/* The session towards a gateway: the exchange of AUTH (RFC 4954). */
#include "base/bug.h"
#include "smtp/client_part.h"

static enum client_event bad_login(struct client *c, struct client_what *what, const char *why)
{
	c->why = why;
	c->sasl = NULL;
	return client_fail(c, what, CLIENT_BAD_LOGIN);
}

const char *client_login_why(const struct client *c)
{
	return c->why != NULL ? c->why : "";
}

void client_speak(struct client *c, struct buf *out)
{
	c->writing = !sasl_write(c->sasl, out);
}

/* The line is awaited from its first octet on: what comes earlier was not asked for. */
static void begin_line(struct client *c, struct buf *out)
{
	client_push(c, CLIENT_CMD_AUTH);
	client_speak(c, out);
}

void client_login(struct client *c, struct sasl *sasl, struct buf *out)
{
	if (c->phase != CLIENT_PHASE_LOGIN || c->failed != CLIENT_OK)
		gp_bug("client_login: not asked for");
	if (c->surplus) /* the next step tells of it */
		return;
	c->phase = CLIENT_PHASE_AUTH;
	c->sasl = sasl;
	c->challenges = 0;
	begin_line(c, out);
}

bool client_is_writing(const struct client *c)
{
	return c->writing && c->failed == CLIENT_OK;
}

void client_no_login(struct client *c)
{
	if (c->phase != CLIENT_PHASE_LOGIN)
		gp_bug("client_no_login: not asked for");
	c->phase = CLIENT_PHASE_NO_LOGIN;
}

static struct bytes reply_text(const struct client *c)
{
	return (struct bytes){ (const uint8_t *)c->parser.reply.text, c->parser.reply.n };
}

static enum client_event go_on(
    struct client *c, enum sasl_event event, struct buf *out, struct client_what *what)
{
	c->working = event == SASL_WORK;
	if (event == SASL_WRONG)
		return bad_login(c, what, c->sasl->why);
	if (event == SASL_WRITE)
		begin_line(c, out);
	return c->working ? CLIENT_WORK : CLIENT_MORE;
}

static enum client_event on_challenge(struct client *c, struct buf *out, struct client_what *what)
{
	enum sasl_event event;

	if (c->surplus)
		return client_out_of_step(c, what);
	if (c->challenges++ == CLIENT_CHALLENGES)
		return bad_login(c, what, PHRASE("it asks on without end"));
	event = sasl_challenge(c->sasl, reply_text(c));
	return go_on(c, event, out, what);
}

enum client_event client_on_auth(struct client *c, struct buf *out, struct client_what *what)
{
	unsigned code = c->parser.reply.code;

	if (c->writing || (code >= 300 && code < 400 && code != 334))
		return client_fail(c, what, CLIENT_BAD_REPLY);
	if (code == 334)
		return on_challenge(c, out, what);
	if (code >= 400) {
		c->phase = CLIENT_PHASE_LOGIN;
		c->sasl = NULL;
		return CLIENT_LOGIN_REFUSED;
	}
	if (!sasl_accept(c->sasl, reply_text(c)))
		return bad_login(c, what, c->sasl->why);
	c->sasl = NULL;
	c->phase = CLIENT_PHASE_READY;
	return CLIENT_READY;
}

enum client_event client_work(struct client *c, struct buf *out, struct client_what *what)
{
	enum client_event event = go_on(c, sasl_work(c->sasl), out, what);

	return event == CLIENT_MORE ? CLIENT_WORK : event;
}
