/* SPDX-License-Identifier: ISC */
#include "run/outbound.h"

#include "base/bug.h"
#include "io/listen.h"
#include "run/bulk.h"
#include "run/outbound_part.h"
#include "run/stats.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define SHORT_MS   5000u /* for RSET, QUIT and the first reply on a kept connection */
#define BODY_LOOKS 8     /* in the course of Body_Timeout */

static void on_event(struct watch *w, uint32_t events);
static void on_limit(struct deadline *d);

void outbound_limit(struct outbound *o, uint32_t ms)
{
	loop_after(&o->limit, ms, on_limit);
}

/* ---- the hunt ---- */

void outbound_gateway_failed(struct outbound *o)
{
	struct bytes why = bytes_of(o->why);

	if (o->refused_login)
		gateway_login_refused(o->gateway, why);
	else if (o->probe)
		gateway_probe_failed(o->gateway, o->trouble, why);
	else
		gateway_failed(o->gateway, o->trouble, why);
}

static void hunt_failed(struct outbound *o)
{
	struct leg *l = o->leg;

	if (o->probe) {
		outbound_gateway_failed(o);
		outbound_close(o, false);
		return;
	}
	if (!o->stood && !o->starved)
		outbound_gateway_failed(o);
	if (l)
		leg_hunt_failed(l);
	else
		outbound_close(o, false);
}

static void dial_failed(struct dial *d, unsigned index, int err)
{
	struct outbound *o = LOOP_OWNER(struct outbound, dial, d);

	o->spent |= 1u << index;
	o->present = (uint8_t)index;
	if (dial_is_starved(err))
		o->starved = true;
	else
		gateway_address_failed(o->gateway, o->order[index]);
	/*
	 * ECONNRESET comes of a gateway that took the connection and dropped it before it was
	 * noticed here
	 */
	outbound_blame(
	    o, err == ECONNRESET ? VERDICT_LOST : VERDICT_NO_CONNECT, "%s", dial_error(err));
}

static void dial_done(struct dial *d, int fd, unsigned index)
{
	struct outbound *o = LOOP_OWNER(struct outbound, dial, d);
	struct inet_addr local;
	struct bytes name = o->sending.ehlo_hostname;
	struct fmt f;

	if (fd < 0) {
		hunt_failed(o);
		return;
	}
	for (unsigned i = 0; i < index; i++) /* overtaken: tried last for the next mails */
		if (!(o->spent & (1u << i)))
			gateway_address_failed(o->gateway, o->order[i]);
	o->present = (uint8_t)index;
	listen_local(fd, &local);
	buf_init(&o->conn.in, o->in, sizeof(o->in));
	buf_init(&o->conn.out, o->out, sizeof(o->out));
	fmt_init(&f, o->ehlo, sizeof(o->ehlo));
	if (name.n)
		fmt_bytes(&f, name);
	else
		inet_print_literal(&f, &local);
	client_init(&o->client, &(struct client_params){ .ehlo_name = fmt_done(&f),
				    .tls = outbound_tls(o),
				    .login = conf_has_login(&o->sending) });
	o->state = OB_HELLO;
	o->auth = NULL;
	o->renewed = false;
	if (conn_open(&o->conn, fd, on_event) != 0)
		gp_bug("outbound: epoll refuses a connection");
	stats.gateway_connections_total++;
	stats.gateway_connections_now++;
	if (o->client.params.tls == CLIENT_TLS_IMPLICIT)
		outbound_secure(o);
	else
		outbound_limit(o, o->sending.ehlo_timeout * 1000);
}

static void dial(struct outbound *o)
{
	o->state = OB_DIAL;
	o->spent = 0;
	o->dial.addr = o->addr;
	o->dial.n = o->naddr;
	o->dial.source = o->sending.bind_address;
	o->dial.connect_ms = o->sending.connect_timeout * 1000;
	o->dial.failed = dial_failed;
	o->dial.done = dial_done;
	dial_start(&o->dial);
}

/* The gateway's addresses are known. */
static void begin(struct outbound *o)
{
	o->naddr = (uint8_t)gateway_order(o->gateway, &o->sending, o->addr, o->order);
	if (o->naddr == 0)
		outbound_blame(o, VERDICT_NO_CONNECT,
		    "every address of it is prohibited or this box itself");
	dial(o);
}

void outbound_hunt(struct outbound *o)
{
	o->stood = o->starved = false;
	if (gateway_resolve(o->gateway) == GATEWAY_KNOWN)
		begin(o);
	else
		o->state = OB_LOOKUP;
}

void outbound_looked_up(struct gateway *g, bool found)
{
	struct outbound *o;

	for (unsigned i = 0; (o = outbound_at(i)) != NULL; i++) {
		if (o->gateway != g || o->state != OB_LOOKUP || o->gone.queued)
			continue;
		if (found) {
			begin(o);
			continue;
		}
		o->naddr = 0;
		o->state = OB_DIAL;
		outbound_blame(o, VERDICT_NO_NAME, "%s", g->lookup_why);
		hunt_failed(o);
	}
}

/* Takes the failed addresses, and the present one, out of the list. */
static void compact(struct outbound *o, bool present_too)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->naddr; i++) {
		if ((o->spent & (1u << i)) || (present_too && i == o->present))
			continue;
		o->addr[n] = o->addr[i];
		o->order[n++] = o->order[i];
	}
	o->naddr = (uint8_t)n;
	o->spent = 0;
}

bool outbound_has_more(const struct outbound *o)
{
	if (o->refused_login)
		return false;
	for (unsigned i = 0; i < o->naddr; i++)
		if (i != o->present && !(o->spent & (1u << i)))
			return true;
	return false;
}

void outbound_same_address(struct outbound *o)
{
	struct inet_addr a = o->addr[o->present];
	uint8_t place = o->order[o->present];

	loop_deadline_clear(&o->limit);
	outbound_disconnect(o, false);
	compact(o, true);
	memmove(&o->addr[1], &o->addr[0], o->naddr * sizeof(o->addr[0]));
	memmove(&o->order[1], &o->order[0], o->naddr * sizeof(o->order[0]));
	o->addr[0] = a;
	o->order[0] = place;
	o->naddr++;
	dial(o);
}

bool outbound_next_address(struct outbound *o)
{
	loop_deadline_clear(&o->limit);
	o->told_later = o->waited = o->in_clear = false;
	outbound_disconnect(o, false);
	if (o->refused_login)
		o->naddr = 0;
	compact(o, true);
	if (o->naddr == 0)
		return false;
	dial(o);
	return true;
}

/* ---- the session ---- */

static void try_reset(struct outbound *o)
{
	if (o->reset_due && client_may_send(&o->client) && client_rset(&o->client, &o->conn.out))
		o->reset_due = false;
}

/* After RSET was wanted: replies to what was sent before it are of no interest any more. */
static enum outbound_event reset_answered(struct outbound *o, enum client_command command)
{
	if (command != CLIENT_CMD_RSET) {
		try_reset(o);
		return OUTBOUND_REPLY;
	}
	if (client_last(&o->client)->code / 100 != 2) {
		outbound_blame_reply(o, command, client_last(&o->client));
		return OUTBOUND_FAILS;
	}
	o->state = OB_READY;
	loop_deadline_clear(&o->limit);
	return OUTBOUND_STANDS;
}

/*
 * The body's deadline is looked at in parts: what the kernel holds may go while nothing is written.
 */
static void watch_body(struct outbound *o, bool written)
{
	if (written) {
		o->moved = loop_now();
		o->looked = false;
	}
	outbound_limit(o, o->sending.body_timeout * 1000 / BODY_LOOKS);
}

/* Has the gateway taken something of the body, its end included, within Body_Timeout? */
static bool body_moves(struct outbound *o)
{
	uint64_t taken = conn_taken(&o->conn);

	if (o->looked && taken != o->taken)
		o->moved = loop_now();
	o->looked = true;
	o->taken = taken;
	return loop_now() - o->moved < o->sending.body_timeout * 1000;
}

static uint32_t awaited_ms(const struct outbound *o)
{
	switch (client_awaits(&o->client)) {
	case CLIENT_CMD_MAIL:
		return o->sending.mailfrom_timeout * 1000;
	case CLIENT_CMD_RCPT:
	case CLIENT_CMD_DATA:
		return o->sending.rcptto_timeout * 1000;
	case CLIENT_CMD_END:
		return o->sending.body_timeout * 1000;
	case CLIENT_CMD_GREETING:
	case CLIENT_CMD_EHLO:
	case CLIENT_CMD_HELO:
	case CLIENT_CMD_STARTTLS:
	case CLIENT_CMD_AUTH:
		return o->sending.ehlo_timeout * 1000;
	case CLIENT_CMD_RSET:
	case CLIENT_CMD_NOOP:
	case CLIENT_CMD_QUIT:
		return SHORT_MS;
	case CLIENT_CMD_NONE:
		break;
	}
	return 0;
}

enum outbound_event outbound_step(struct outbound *o, enum client_command *command)
{
	struct client_what what = { CLIENT_CMD_NONE, CLIENT_OK };
	struct bytes in;
	size_t had;
	enum client_event ev;

	if (o->told_later)
		return OUTBOUND_FAILS;
	if (!conn_is_open(&o->conn) || o->conn.shaking)
		return OUTBOUND_NOTHING;
	do { /* a gateway may refuse, and reset the connection right behind its reply */
		in = buf_peek(&o->conn.in);
		had = in.n;
		ev = client_step(&o->client, &in, &o->conn.out, &what);
		buf_drop(&o->conn.in, had - in.n);
	} while (ev == CLIENT_MORE && o->conn.lost && conn_fill(&o->conn) > 0);
	*command = what.command;
	switch (ev) {
	case CLIENT_MORE:
		if (!o->conn.lost && !o->conn.eof)
			return OUTBOUND_NOTHING;
		if (!outbound_shaken_off(o))
			outbound_blame_lost(o);
		else if (outbound_go_on_in_clear(o))
			return OUTBOUND_NOTHING;
		return OUTBOUND_FAILS;
	case CLIENT_STARTTLS:
		outbound_secure(o);
		return OUTBOUND_NOTHING;
	case CLIENT_LOGIN:
		return outbound_login(o);
	case CLIENT_LOGIN_REFUSED:
		return outbound_login_refused(o);
	case CLIENT_WORK:
		conn_again(&o->conn);
		return OUTBOUND_NOTHING;
	case CLIENT_READY:
		if (o->client.params.login)
			outbound_login_taken(o);
		o->gateway->tls = outbound_version(o);
		o->gateway->auth = o->auth ? o->auth : "no";
		o->state = OB_READY;
		o->stood = true;
		o->gateway->size_limit = o->client.size_limit;
		loop_deadline_clear(&o->limit);
		gateway_address_worked(o->gateway, o->order[o->present]);
		gateway_worked(o->gateway);
		return OUTBOUND_STANDS;
	case CLIENT_REPLY:
		o->waited = false;
		if (client_awaits(&o->client) != CLIENT_CMD_NONE && buf_used(&o->conn.in) == 0)
			conn_acknowledge(&o->conn);
		if (o->state == OB_RESET)
			return reset_answered(o, what.command);
		if (awaited_ms(o)) /* each reply has its own time, pipelined or not */
			outbound_limit(o, awaited_ms(o));
		return OUTBOUND_REPLY;
	case CLIENT_EARLY:
		return OUTBOUND_EARLY;
	case CLIENT_FAILED:
		outbound_blame_failure(o, what.why, what.command);
		if (what.why == CLIENT_OUT_OF_STEP && what.command == CLIENT_CMD_STARTTLS &&
		    outbound_go_on_in_clear(o))
			return OUTBOUND_NOTHING;
		return OUTBOUND_FAILS;
	}
	return OUTBOUND_NOTHING;
}

size_t outbound_flush(struct outbound *o)
{
	size_t sent = 0;
	uint32_t wait;

	if (!conn_is_open(&o->conn))
		return 0;
	if (buf_used(&o->conn.out)) {
		sent = conn_flush(&o->conn);
		(void)bulk_shrink(&o->conn.out, o->out, sizeof(o->out));
	}
	if (sent && client_is_writing(&o->client))
		conn_again(&o->conn);
	if (o->state == OB_PLACE || o->state == OB_SECURE || o->state == OB_TURN ||
	    o->state == OB_TOKEN) {
		conn_rearm(&o->conn, o->state != OB_PLACE);
		return sent;
	}
	wait = awaited_ms(o);
	if (o->client.in_body || client_awaits(&o->client) == CLIENT_CMD_END) {
		if (sent || !timer_is_set(&o->limit.timer))
			watch_body(o, true);
	} else if (sent && wait) {
		if (o->waited && wait > SHORT_MS)
			wait = SHORT_MS;
		outbound_limit(o, wait);
	} else if (!wait && o->leg) {
		loop_deadline_clear(&o->limit);
	}
	if (wait || o->client.in_body || !o->leg)
		o->quiet_at = 0;
	else if (!o->quiet_at)
		o->quiet_at = loop_now();
	conn_rearm(&o->conn, true);
	return sent;
}

/* ---- connections that are nobody's ---- */

static void become_idle(struct outbound *o)
{
	struct gateway *g = o->gateway;

	if (o->sending.max_deliveries_per_connection &&
	    o->mails >= o->sending.max_deliveries_per_connection) {
		outbound_quit(o);
		return;
	}
	if (outbound_tls_wanted && o->conn.tls) {
		outbound_quit(o);
		return;
	}
	o->state = OB_READY;
	o->next_idle = g->idle;
	g->idle = o;
	outbound_limit(o, o->sending.idle_timeout * 1000);
	conn_rearm(&o->conn, true);
	leg_serve_waiting();
}

void outbound_keep(struct outbound *o)
{
	o->leg = NULL;
	if (!conn_is_open(&o->conn) || o->conn.lost || o->conn.eof || o->state != OB_READY)
		outbound_leave(o, false);
	else
		become_idle(o);
}

void outbound_reset(struct outbound *o)
{
	o->leg = NULL;
	if (!conn_is_open(&o->conn) || o->conn.lost || o->conn.eof || o->state != OB_READY ||
	    o->client.failed || o->client.in_body) {
		outbound_leave(o, false);
		return;
	}
	o->state = OB_RESET;
	o->reset_due = true;
	try_reset(o);
	(void)outbound_flush(o);
	outbound_limit(o, SHORT_MS);
}

void outbound_quit(struct outbound *o)
{
	outbound_not_idle(o);
	o->leg = NULL;
	if (!client_may_send(&o->client) || !client_quit(&o->client, &o->conn.out)) {
		outbound_close(o, false);
		return;
	}
	o->state = OB_QUIT;
	(void)outbound_flush(o);
	outbound_limit(o, SHORT_MS);
}

/*
 * An idle connection that says anything, or ends, is of no use any more; the client notices
 * nothing.
 */
static void step_unowned(struct outbound *o)
{
	enum client_command command = CLIENT_CMD_NONE;
	enum outbound_event ev;
	bool was_lost;

	while ((ev = outbound_step(o, &command)) != OUTBOUND_NOTHING) {
		if (ev == OUTBOUND_STANDS) {
			o->probe = false;
			become_idle(o);
			return;
		}
		if (o->state == OB_RESET && ev == OUTBOUND_REPLY)
			continue;
		if (o->state >= OB_PLACE && o->state <= OB_LOGIN && ev == OUTBOUND_FAILS) {
			gateway_address_failed(o->gateway, o->order[o->present]);
			if (!outbound_next_address(o))
				hunt_failed(o);
			return;
		}
		outbound_close(o, false);
		return;
	}
	was_lost = o->conn.lost;
	(void)outbound_flush(o);
	if (o->conn.lost && !was_lost)
		step_unowned(o);
}

static void on_event(struct watch *w, uint32_t events)
{
	struct conn *c = LOOP_OWNER(struct conn, watch, w);
	struct outbound *o = LOOP_OWNER(struct outbound, conn, c);

	if (c->shaking) {
		if (!outbound_shake(o))
			return;
	} else {
		conn_events(c, events);
		if (o->state != OB_PLACE && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
			(void)conn_fill(c);
	}
	outbound_wake(o);
}

void outbound_wake(struct outbound *o)
{
	if (o->leg)
		o->leg->wake(o->leg);
	else
		step_unowned(o);
}

static void on_limit(struct deadline *d)
{
	struct outbound *o = LOOP_OWNER(struct outbound, limit, d);
	enum client_command awaited = client_awaits(&o->client);
	enum verdict_trouble trouble;
	const char *waits;

	if (o->state == OB_READY && !o->leg) {
		outbound_quit(o);
		return;
	}
	if ((o->state == OB_RESET && !o->leg) || o->state == OB_QUIT) {
		outbound_close(o, false);
		return;
	}
	if (o->client.in_body && buf_used(&o->conn.out) == 0 && !o->client.surplus) {
		watch_body(o, true); /* it waits for the client, not for the gateway */
		return;
	}
	if ((o->client.in_body || awaited == CLIENT_CMD_END) && !o->client.surplus &&
	    body_moves(o)) {
		watch_body(o, false);
		return;
	}
	if (o->client.surplus)
		outbound_blame(o, VERDICT_PROTOCOL, "began a reply that was not asked for");
	else if (o->client.in_body)
		outbound_blame(o, VERDICT_TIMEOUT, "took nothing of the mail for too long");
	else if ((waits = outbound_waits(o, &trouble)) != NULL)
		outbound_blame(o, trouble, "%s", waits);
	else
		outbound_blame(o, VERDICT_TIMEOUT, "no answer in time to %s",
		    client_command_name(awaited));
	o->told_later = true;
	outbound_wake(o);
}

/* ---- probes, draining ---- */

bool outbound_probe(struct gateway *g)
{
	struct outbound *o = outbound_new(g, &g->sending);

	if (!o)
		return false;
	o->probe = true;
	g->fresh_until = 0;
	outbound_hunt(o);
	return true;
}
