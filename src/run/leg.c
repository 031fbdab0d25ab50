/* SPDX-License-Identifier: ISC */
/* The leg: a transaction's way along routes, gateways, addresses and kept connections. */
#include "run/bulk.h"
#include "run/deliver.h"
#include "run/outbound_part.h"

#include <string.h>

static struct leg *waiting, **waiting_end = &waiting; /* first come, first served */
static struct loop_task serve;
static uint32_t turns;
static struct deadline quiet;

#define QUIET_MS      5000u /* without a command to the gateway */
#define QUIET_LOOK_MS 500u

static void set_why(struct leg *l, enum verdict_trouble trouble, const char *why)
{
	struct fmt f;

	l->trouble = (uint8_t)trouble;
	fmt_init(&f, l->why, sizeof(l->why));
	if (l->gateway) {
		fmt_add(&f, "gateway ");
		gateway_print(&f, l->gateway);
		fmt_str(&f, ": ");
	}
	fmt_str(&f, why);
}

static void take_why(struct leg *l)
{
	struct fmt f;

	set_why(l, (enum verdict_trouble)l->ob->trouble, l->ob->why);
	fmt_init(&f, l->gateway->last_reply, sizeof(l->gateway->last_reply));
	fmt_str(&f, l->ob->why);
}

static void stop_waiting(struct leg *l)
{
	struct leg **at = &waiting;

	while (*at && *at != l)
		at = &(*at)->next_waiting;
	if (!*at)
		return;
	*at = l->next_waiting;
	if (waiting_end == &l->next_waiting)
		waiting_end = at;
}

/*
 * Clients that keep a connection with nothing to do on it do not keep others out: those that have
 * been silent for QUIET_MS let go of theirs, one for each that waits, and get another when they go
 * on.
 */
static void look_for_quiet(struct deadline *d)
{
	uint64_t now = loop_now();
	struct outbound *o;
	struct leg *l = waiting;

	for (unsigned i = 0; l && (o = outbound_at(i)) != NULL; i++) {
		bool stands = o->gateway && o->leg && o->leg->state == LEG_READY && o->quiet_at;

		if (!stands || now - o->quiet_at < QUIET_MS || o->leg->wanted)
			continue;
		o->leg->wanted = true;
		l = l->next_waiting;
		o->leg->wake(o->leg);
	}
	if (waiting)
		loop_after(d, QUIET_LOOK_MS, look_for_quiet);
}

static void wait_for_place(struct leg *l)
{
	if (!timer_is_set(&quiet.timer))
		loop_after(&quiet, QUIET_LOOK_MS, look_for_quiet);
	l->state = LEG_WAITING;
	l->next_waiting = NULL;
	*waiting_end = l;
	waiting_end = &l->next_waiting;
	set_why(l, VERDICT_TIMEOUT, PHRASE("all connections to it are busy"));
}

/* How the mail goes, for the log: the connection itself may be given back before that. */
static void note_way(struct leg *l)
{
	l->tls = outbound_version(l->ob);
	l->auth = l->ob->auth;
}

/* Tries the present route: true when the leg is on its way (or stands, or waits). */
static bool try_route(struct leg *l)
{
	const struct conf_routes *routes = l->sending.routes;
	const struct conf_route *route = &routes->route[route_pick(routes, l->turn, l->route)];

	l->gateway = gateway_get(route, &l->sending);
	if (!l->gateway) {
		set_why(l, VERDICT_TIMEOUT,
		    PHRASE("more gateways are in use than there is room for (CONFIG_GATEWAYS)"));
		return false;
	}
	if (health_is_down(&l->gateway->health)) {
		set_why(l, (enum verdict_trouble)l->gateway->trouble, l->gateway->health.reason);
		return false;
	}
	l->ob = l->fresh ? NULL : outbound_take_idle(l->gateway, &l->sending);
	l->kept = l->ob != NULL;
	l->told = false;
	if (l->ob) {
		l->ob->leg = l;
		l->state = LEG_READY;
		note_way(l);
		return true;
	}
	l->ob = l->fresh ? NULL : outbound_take_resetting(l->gateway, &l->sending);
	l->kept = l->ob != NULL;
	if (l->ob) {
		l->ob->leg = l;
		l->state = LEG_OPENING;
		return true;
	}
	l->ob = outbound_new(l->gateway, &l->sending);
	if (!l->ob) {
		wait_for_place(l);
		return true;
	}
	l->ob->leg = l;
	l->state = LEG_OPENING;
	outbound_hunt(l->ob);
	return true;
}

/* From the present route on. */
static void go_on(struct leg *l)
{
	for (; l->route < l->sending.routes->n; l->route++, l->fresh = false)
		if (try_route(l))
			return;
	l->state = LEG_BROKEN;
	l->told = l->more = false;
}

void leg_dial(struct leg *l, const struct conf_sending *s, void (*wake)(struct leg *l))
{
	memset(l, 0, sizeof(*l));
	l->sending = *s;
	l->wake = wake;
	l->turn = turns++;
	go_on(l);
}

/* The connection is given up; the gateway's next address, else the next route. */
void leg_next(struct leg *l)
{
	struct outbound *o = l->ob;

	l->more = false;
	if (l->kept && o) {
		l->kept = false;
		l->fresh = true;
		l->ob = NULL;
		outbound_close(o, false);
		go_on(l);
		return;
	}
	if (o && outbound_next_address(o)) {
		l->state = LEG_OPENING;
		l->told = false;
		return;
	}
	l->ob = NULL;
	if (o)
		outbound_close(o, false);
	l->route++;
	l->fresh = false;
	go_on(l);
}

void leg_hunt_failed(struct leg *l)
{
	take_why(l);
	leg_next(l);
	if (l->state == LEG_BROKEN || l->state == LEG_READY)
		l->wake(l);
}

void leg_impatient(struct leg *l)
{
	char why[LEG_WHY];
	struct fmt f;
	bool opening = l->state == LEG_OPENING && l->ob;
	enum verdict_trouble trouble;
	const char *waits = opening ? outbound_waits(l->ob, &trouble) : NULL;

	if (l->state == LEG_WAITING) {
		l->busy = true;
		return;
	}
	fmt_init(&f, why, sizeof(why));
	if (opening && l->ob->state == OB_LOOKUP) {
		set_why(l, VERDICT_NO_NAME, PHRASE("the name server did not answer in time"));
	} else if (opening && l->ob->state == OB_DIAL) {
		fmt_add(&f, "no connection in time");
		if (l->ob->why[0]) {
			fmt_add(&f, " (%s)", l->ob->why);
		}
		set_why(l, VERDICT_NO_CONNECT, why);
	} else if (waits) {
		set_why(l, trouble, waits);
	} else {
		fmt_add(&f, "no answer in time to %s",
		    l->ob ? client_command_name(client_awaits(&l->ob->client))
			  : PHRASE("anything"));
		set_why(l, VERDICT_TIMEOUT, why);
	}
}

static void forget(struct leg *l)
{
	if (l->state == LEG_WAITING)
		stop_waiting(l);
	l->state = LEG_NONE;
	l->ob = NULL;
	l->wanted = false;
}

void leg_keep(struct leg *l)
{
	struct outbound *o = l->ob;

	forget(l);
	if (o)
		outbound_keep(o);
}

void leg_reset(struct leg *l)
{
	struct outbound *o = l->ob;

	forget(l);
	if (o)
		outbound_reset(o);
}

void leg_cut(struct leg *l)
{
	struct outbound *o = l->ob;

	forget(l);
	if (o)
		outbound_leave(o, o->client.in_body);
}

void leg_move(struct leg *to, struct leg *from, void (*wake)(struct leg *l))
{
	*to = *from;
	to->wake = wake;
	to->wanted = false;
	if (to->ob)
		to->ob->leg = to;
	from->state = LEG_NONE;
	from->ob = NULL;
	from->wanted = false;
}

/* ---- events ---- */

static enum leg_event fails(struct leg *l, bool doubt)
{
	struct outbound *o = l->ob;

	take_why(l);
	l->doubt = doubt;
	if (!l->kept)
		gateway_address_failed(l->gateway, o->order[o->present]);
	l->more = l->kept || outbound_has_more(o) || l->route + 1u < l->sending.routes->n;
	return LEG_FAILS;
}

static enum leg_event judge(struct leg *l, enum client_command command)
{
	const struct reply *r = client_last(&l->ob->client);
	enum verdict v = verdict_of(command, r);

	if (v == VERDICT_FAIL) {
		outbound_blame_reply(l->ob, command, r);
		l->gateway->wants_login = l->ob->trouble == VERDICT_LOGIN;
		return fails(l, false);
	}
	if (v != VERDICT_OK) {
		struct fmt f;

		fmt_init(&f, l->gateway->last_reply, sizeof(l->gateway->last_reply));
		reply_line(&f, r);
		return v == VERDICT_DEFER ? LEG_DEFER : LEG_REJECT;
	}
	if (command == CLIENT_CMD_MAIL)
		l->gateway->wants_login = false;
	if (command == CLIENT_CMD_MAIL && !l->ob->client.params.login)
		health_accepted(&l->gateway->health);
	return LEG_OK;
}

/*
 * Before the connection stands: a failed greeting or EHLO is the address's failure, and the hunt
 * goes on by itself.
 */
static enum leg_event step_hello(struct leg *l, enum outbound_event ev)
{
	if (ev == OUTBOUND_STANDS) {
		l->state = LEG_READY;
		l->told = true;
		note_way(l);
		return LEG_STANDS;
	}
	if (ev == OUTBOUND_FAILS && l->kept) {
		take_why(l);
		leg_next(l);
	} else if (ev == OUTBOUND_FAILS) {
		gateway_address_failed(l->gateway, l->ob->order[l->ob->present]);
		take_why(l);
		if (!outbound_has_more(l->ob) && (!l->ob->stood || l->ob->refused_login))
			outbound_gateway_failed(l->ob);
		leg_next(l);
	}
	return LEG_NOTHING;
}

enum leg_event leg_step(struct leg *l, enum client_command *command)
{
	enum outbound_event ev;

	*command = CLIENT_CMD_NONE;
	if (l->state == LEG_OPENING && l->ob) {
		enum leg_event e = step_hello(l, outbound_step(l->ob, command));

		if (e != LEG_NOTHING)
			return e;
	}
	if (l->state == LEG_BROKEN && !l->told) {
		l->told = true;
		return LEG_FAILS;
	}
	if (l->state != LEG_READY)
		return LEG_NOTHING;
	if (!l->told) {
		l->told = true;
		return LEG_STANDS;
	}
	ev = outbound_step(l->ob, command);
	if (ev == OUTBOUND_REPLY)
		return judge(l, *command);
	if (ev == OUTBOUND_FAILS)
		return fails(l, true);
	if (ev == OUTBOUND_EARLY) {
		enum verdict v = verdict_of(CLIENT_CMD_END, client_last(&l->ob->client));

		if (v == VERDICT_DEFER || v == VERDICT_REJECT)
			return LEG_EARLY;
		outbound_blame_reply(l->ob, CLIENT_CMD_NONE, client_last(&l->ob->client));
		return fails(l, false);
	}
	return LEG_NOTHING;
}

bool leg_turned(struct leg *l, enum client_command command)
{
	outbound_blame_reply(l->ob, command, client_last(&l->ob->client));
	(void)fails(l, false);
	return l->more;
}

const struct reply *leg_reply(const struct leg *l)
{
	return client_last(&l->ob->client);
}

struct client *leg_client(struct leg *l)
{
	return &l->ob->client;
}

struct buf *leg_out(struct leg *l)
{
	return &l->ob->conn.out;
}

void leg_grow(struct leg *l)
{
	bulk_grow(&l->ob->conn.out, l->ob->out);
}

size_t leg_flush(struct leg *l)
{
	return l->ob ? outbound_flush(l->ob) : 0;
}

void leg_body_begins(struct leg *l)
{
	l->ob->body_at = l->ob->conn.sent;
}

bool leg_objects(struct leg *l)
{
	struct conn *c = &l->ob->conn;

	if (c->sent == l->ob->body_at)
		return false;
	l->ob->body_at = c->sent;
	return conn_fill(c) > 0 || c->eof || c->lost;
}

void leg_delivered(struct leg *l)
{
	l->ob->mails++;
	l->gateway->mails++;
}

/* ---- waiting for a place ---- */

/* Each that waits tries again, in its order; who finds none goes to the end of the new queue. */
static void serve_all(struct loop_task *t)
{
	struct leg *old = waiting;

	(void)t;
	waiting = NULL;
	waiting_end = &waiting;
	while (old) {
		struct leg *l = old;

		old = l->next_waiting;
		l->next_waiting = NULL;
		go_on(l);
		if (l->state == LEG_READY || l->state == LEG_BROKEN)
			l->wake(l);
	}
	if (!waiting)
		deliver_wake(NULL);
}

void leg_serve_waiting(void)
{
	if (waiting)
		loop_at_end(&serve, serve_all);
	else
		deliver_wake(NULL);
}

void outbound_gateway_changed(struct gateway *g)
{
	leg_serve_waiting();
	deliver_wake(g);
}
