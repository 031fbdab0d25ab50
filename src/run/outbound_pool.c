/* SPDX-License-Identifier: ISC */
/* Connections to gateways: taking them and giving them back. */
#include "base/pool.h"
#include "run/bulk.h"
#include "run/outbound_part.h"
#include "run/stats.h"

#include <string.h>

static struct outbound objects[CONFIG_GATEWAY_CONNECTIONS];
static uint32_t links[CONFIG_GATEWAY_CONNECTIONS];
static struct pool pool;

void outbound_init(void)
{
	pool_init(&pool, objects, sizeof(objects[0]), links, CONFIG_GATEWAY_CONNECTIONS);
}

struct outbound *outbound_at(unsigned i)
{
	return i < pool.fresh ? &objects[i] : NULL;
}

void outbound_disconnect(struct outbound *o, bool reset)
{
	if (!conn_is_open(&o->conn))
		return;
	outbound_login_over(o);
	conn_close(&o->conn, reset);
	bulk_drop(&o->conn.out, o->out, sizeof(o->out));
	stats.gateway_connections_now--;
}

void outbound_not_idle(struct outbound *o)
{
	struct outbound **at = &o->gateway->idle;

	while (*at && *at != o)
		at = &(*at)->next_idle;
	if (*at)
		*at = o->next_idle;
	o->next_idle = NULL;
}

static void give_back(struct loop_task *t)
{
	struct outbound *o = LOOP_OWNER(struct outbound, gone, t);

	if (o->conn.again.queued) { /* not before it has run */
		loop_at_end(t, give_back);
		return;
	}
	o->gateway = NULL;
	pool_give(&pool, o);
	leg_serve_waiting();
}

void outbound_close(struct outbound *o, bool reset)
{
	outbound_not_idle(o);
	dial_stop(&o->dial);
	loop_deadline_clear(&o->limit);
	outbound_disconnect(o, reset);
	o->leg = NULL;
	o->gateway->connections--;
	loop_at_end(&o->gone, give_back);
}

void outbound_drop_idle(struct gateway *g)
{
	while (g->idle)
		outbound_close(g->idle, false);
}

/*
 * The idle connection that nobody has used for the longest time, of g or (NULL) of all; tls: that
 * has a TLS session.
 */
static struct outbound *oldest_idle(const struct gateway *g, bool tls)
{
	struct outbound *oldest = NULL;

	for (unsigned i = 0; i < pool.fresh; i++) {
		struct outbound *o = &objects[i];
		bool idle = o->gateway && conn_is_open(&o->conn) && !o->leg &&
			    o->state == OB_READY && (!tls || o->conn.tls);

		if (idle && (!g || o->gateway == g) &&
		    (!oldest || o->limit.timer.when < oldest->limit.timer.when))
			oldest = o;
	}
	return oldest;
}

void outbound_drop_idle_tls(void)
{
	struct outbound *o = oldest_idle(NULL, true);

	if (o)
		outbound_quit(o);
}

struct outbound *outbound_new(struct gateway *g, const struct conf_sending *s)
{
	struct outbound *o;

	if (outbound_tls_is_full(g, s))
		return NULL;
	if (s->max_outbound_connections && g->connections >= s->max_outbound_connections) {
		o = oldest_idle(g, false);
		if (!o)
			return NULL;
		outbound_quit(o);
		return NULL; /* its place is free when it has ended */
	}
	o = pool_take(&pool);
	if (!o) {
		o = oldest_idle(NULL, false);
		if (o)
			outbound_close(o, false);
		return NULL;
	}
	memset(o, 0, offsetof(struct outbound, in));
	o->conn.watch.fd = -1;
	o->gateway = g;
	o->sending = *s;
	g->connections++;
	return o;
}

struct outbound *outbound_take_idle(struct gateway *g, const struct conf_sending *s)
{
	for (struct outbound *o = g->idle; o; o = o->next_idle) {
		if (memcmp(&o->sending, s, sizeof(*s)) != 0)
			continue;
		outbound_not_idle(o);
		loop_deadline_clear(&o->limit);
		o->waited = true;
		o->quiet_at = 0;
		return o;
	}
	return NULL;
}

struct outbound *outbound_take_resetting(struct gateway *g, const struct conf_sending *s)
{
	for (unsigned i = 0; i < pool.fresh; i++) {
		struct outbound *o = &objects[i];

		if (o->gateway != g || o->state != OB_RESET || o->leg || o->gone.queued ||
		    memcmp(&o->sending, s, sizeof(*s)) != 0)
			continue;
		o->waited = true;
		o->quiet_at = 0;
		return o;
	}
	return NULL;
}

void outbound_close_idle(void)
{
	for (unsigned i = 0; i < pool.fresh; i++) {
		struct outbound *o = &objects[i];

		if (o->gateway && !o->gone.queued && !o->leg && o->state == OB_READY &&
		    conn_is_open(&o->conn))
			outbound_quit(o);
	}
}
