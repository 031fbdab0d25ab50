/* SPDX-License-Identifier: ISC */
#include "run/gateway.h"

#include "base/esc.h"
#include "io/ifaces.h"
#include "io/ipc.h"
#include "io/log.h"
#include "run/keys.h"
#include "run/outbound.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define FRESH_MS 60000u /* addresses are not asked for again so soon */
/* addresses that worked serve so long while the name server is silent */
#define STALE_MS  (24u * 3600 * 1000)
#define ANSWER_MS 30000u /* the helper's deadline for one question */
#define OWN_MAX   64

static struct gateway table[CONFIG_GATEWAYS];
static const struct engine_args *args;
static struct watch names;
static uint32_t last_question;

static struct inet_addr own[OWN_MAX];
static unsigned nown;

static void probe_due(struct deadline *d);

static bool add_own(void *ctx, const struct iface_addr *a)
{
	(void)ctx;
	memset(&own[nown], 0, sizeof(own[nown]));
	memcpy(own[nown].a, a->a, sizeof(a->a));
	return ++nown < OWN_MAX;
}

/* Marks those of g's addresses on which the box itself listens. */
static void mark_self(struct gateway *g)
{
	bool asked = false;

	for (unsigned i = 0; i < g->naddr; i++) {
		struct inet_addr to = g->addr[i].a;

		to.port = g->port;
		g->self[i] = false;
		for (unsigned k = 0; k < args->nlisteners; k++) {
			const struct engine_listener *l = &args->listener[k];

			if (l->unix_socket || l->at.port != g->port)
				continue;
			if (!asked) {
				nown = 0;
				(void)ifaces_walk(add_own, NULL);
				asked = true;
			}
			g->self[i] = g->self[i] || route_is_self(&to, &l->at, own, nown);
		}
	}
}

static void set_why(struct gateway *g, struct bytes why)
{
	struct fmt f;

	fmt_init(&f, g->lookup_why, sizeof(g->lookup_why));
	fmt_bytes(&f, why);
}

static void say(enum log_level level, const struct gateway *g, const char *event, struct bytes why)
{
	static char line[LOG_LINE];
	struct fmt f;

	fmt_init(&f, line, sizeof(line));
	fmt_add(&f, "gateway gateway=");
	gateway_print(&f, g);
	fmt_add(&f, " state=%s", event);
	if (why.n) {
		fmt_add(&f, " reason=");
		esc_word(&f, why);
	}
	log_line(level, fmt_done(&f));
}

/* ---- look-ups ---- */

/*
 * The look-up is over: with addresses, or with what was known and worked within a day, or with
 * nothing.
 */
static void looked_up(struct gateway *g, const struct names_answer *a)
{
	bool ok = a->status == NAMES_OK && a->n > 0;

	loop_deadline_clear(&g->answer);
	g->question = 0;
	g->no_such_name = a->status == NAMES_NO_HOST;
	if (ok) {
		struct route_addr old[CONFIG_GATEWAY_ADDRESSES];
		unsigned nold = g->naddr;

		memcpy(old, g->addr, sizeof(old));
		g->naddr = 0;
		for (unsigned i = 0; i < a->n && i < CONFIG_GATEWAY_ADDRESSES; i++) {
			struct route_addr *to = &g->addr[g->naddr++];

			memset(to, 0, sizeof(*to));
			to->a = a->addr[i];
			for (unsigned k = 0; k < nold; k++)
				if (inet_same(old[k].a.a, to->a.a) && old[k].failed)
					*to = old[k];
		}
		mark_self(g);
		g->fresh_until = loop_now() + FRESH_MS;
	} else if (a->status == NAMES_TEMPORARY && g->naddr && g->worked_at &&
		   loop_now() - g->worked_at < STALE_MS) {
		ok = true;
		g->fresh_until = loop_now() + FRESH_MS / 4;
	} else {
		g->naddr = 0;
		set_why(g, bytes_of(a->text));
	}
	outbound_looked_up(g, ok);
}

static void fail_lookup(struct gateway *g, const char *why)
{
	struct names_answer a = { .status = NAMES_TEMPORARY };
	struct fmt f;

	fmt_init(&f, a.text, sizeof(a.text));
	fmt_str(&f, why);
	looked_up(g, &a);
}

static void answer_late(struct deadline *d)
{
	fail_lookup(
	    LOOP_OWNER(struct gateway, answer, d), PHRASE("the name server did not answer"));
}

static void no_helper(struct deadline *d)
{
	fail_lookup(LOOP_OWNER(struct gateway, answer, d), PHRASE("too many look-ups at once"));
}

static void answers(struct watch *w, uint32_t events)
{
	struct names_answer a;
	int got;

	(void)events;
	while ((got = ipc_take(w->fd, &a, sizeof(a))) == 1) {
		a.text[sizeof(a.text) - 1] = 0;
		for (unsigned i = 0; i < CONFIG_GATEWAYS; i++)
			if (table[i].used && table[i].question && table[i].question == a.id)
				looked_up(&table[i], &a);
	}
	if (got == 0)
		loop_close(w); /* the supervisor is gone; so is this process, soon */
}

static void ask(struct gateway *g)
{
	struct names_question q;
	bool sent;

	memset(&q, 0, sizeof(q));
	if (++last_question == 0)
		++last_question;
	q.id = last_question;
	q.allow_mx = g->allow_mx;
	memcpy(q.host, g->host.p, g->host.n < NAMES_HOST ? g->host.n : NAMES_HOST - 1);
	g->question = q.id;
	sent = names.fd >= 0 && ipc_send(names.fd, &q, sizeof(q)) == 0;
	loop_after(&g->answer, sent ? ANSWER_MS : 0, sent ? answer_late : no_helper);
}

enum gateway_lookup gateway_resolve(struct gateway *g)
{
	if (g->literal || (g->naddr && loop_now() < g->fresh_until))
		return GATEWAY_KNOWN;
	if (!g->question)
		ask(g);
	return GATEWAY_ASKED;
}

/* ---- the table ---- */

void gateway_init(const struct engine_args *a)
{
	args = a;
	names.fd = -1;
	if (a->names >= 0)
		(void)loop_watch(&names, a->names, EPOLLIN, answers);
}

static uint16_t port_of(const struct conf_route *route, const struct conf_sending *s)
{
	return route->port ? route->port : s->remote_smtp_port;
}

/* DNS must not choose who gets the password. */
static bool allows_mx(const struct conf_route *route, const struct conf_sending *s)
{
	return !route->literal && !route->explicit_port && !conf_has_login(s) &&
	       conf_tls_of(s, port_of(route, s)) != CONF_TLS_IMPLICIT;
}

/*
 * Another login or other TLS options make it another gateway: one that fails must not keep the
 * other from working.
 */
static bool same_way(const struct conf_sending *a, const struct conf_sending *b)
{
	size_t from = offsetof(struct conf_sending, tls);

	return memcmp((const char *)a + from, (const char *)b + from, sizeof(*a) - from) == 0;
}

struct gateway *gateway_find(const struct conf_route *route, const struct conf_sending *s)
{
	bool mx = allows_mx(route, s);

	for (unsigned i = 0; i < CONFIG_GATEWAYS; i++) {
		struct gateway *g = &table[i];

		if (g->used && g->port == port_of(route, s) && g->allow_mx == mx &&
		    same_way(&g->sending, s) &&
		    bytes_same_fold(g->host, route->host) &&
		    (!route->literal ||
			memcmp(g->addr[0].a.zone, route->addr.zone, INET_ZONE) == 0))
			return g;
	}
	return NULL;
}

/*
 * Is a, of which nobody has need just now, sooner given up than b? One that is down has more to
 * remember.
 */
static bool sooner(const struct gateway *a, const struct gateway *b)
{
	bool down = health_is_down(&a->health);

	return down == health_is_down(&b->health) ? a->worked_at < b->worked_at : !down;
}

/*
 * A place for a new entry: a free one, or one that has no other connections than idle ones, which
 * are closed.
 */
static struct gateway *place(void)
{
	struct gateway *best = NULL;

	for (unsigned i = 0; i < CONFIG_GATEWAYS; i++) {
		struct gateway *g = &table[i];

		if (!g->used)
			return g;
		if (!g->question && g->connections == gateway_idle_count(g) &&
		    (!best || sooner(g, best)))
			best = g;
	}
	if (best) {
		outbound_drop_idle(best);
		loop_deadline_clear(&best->probe);
	}
	return best;
}

struct gateway *gateway_get(const struct conf_route *route, const struct conf_sending *s)
{
	struct gateway *g = gateway_find(route, s);

	if (!g) {
		g = place();
		if (!g)
			return NULL;
		memset(g, 0, sizeof(*g));
		g->used = true;
		g->host = route->host;
		g->port = port_of(route, s);
		g->literal = route->literal;
		g->allow_mx = allows_mx(route, s);
		health_init(&g->health);
		policy_rate_init(&g->rate);
		if (route->literal) {
			g->addr[0].a = route->addr;
			g->naddr = 1;
			mark_self(g);
		}
	}
	g->sending = *s;
	return g;
}

unsigned gateway_order(
    const struct gateway *g, const struct conf_sending *s, struct inet_addr *addr, uint8_t *index)
{
	uint8_t order[CONFIG_GATEWAY_ADDRESSES];
	unsigned n = 0;

	(void)route_order(
	    g->addr, g->naddr, loop_now(), (uint64_t)s->host_failure_retry * 1000, order);
	for (unsigned i = 0; i < g->naddr; i++) {
		const struct route_addr *a = &g->addr[order[i]];

		if (g->self[order[i]])
			continue;
		if (s->prohibited_hosts &&
		    route_prohibited(&a->a, s->prohibited_hosts->net, s->prohibited_hosts->n))
			continue;
		addr[n] = a->a;
		addr[n].port = g->port;
		index[n++] = order[i];
	}
	return n;
}

void gateway_address_failed(struct gateway *g, unsigned index)
{
	if (index < g->naddr)
		route_failed(&g->addr[index], loop_now());
}

void gateway_address_worked(struct gateway *g, unsigned index)
{
	if (index < g->naddr)
		route_worked(&g->addr[index]);
	g->worked_at = loop_now();
}

/* ---- health ---- */

static void arm_probe(struct gateway *g)
{
	uint64_t at = health_probe_at(&g->health);

	if (at == TIMER_NEVER)
		loop_deadline_clear(&g->probe);
	else
		loop_deadline(&g->probe, at, probe_due);
}

static void probe_due(struct deadline *d)
{
	struct gateway *g = LOOP_OWNER(struct gateway, probe, d);

	if (!health_is_down(&g->health) || g->health.probing)
		return;
	if (outbound_probe(g))
		health_probe_begin(&g->health);
	else
		loop_after(&g->probe, 1000, probe_due);
}

static uint64_t retry_max(const struct gateway *g)
{
	return (uint64_t)g->sending.host_failure_retry * 1000;
}

void gateway_failed(struct gateway *g, uint8_t trouble, struct bytes why)
{
	bool was = health_is_down(&g->health);

	g->trouble = trouble;
	health_failed(&g->health, loop_now(), loop_wall(), retry_max(g), why);
	if (!was) {
		say(LOG_LEVEL_WARNING, g, "down", why);
		arm_probe(g);
		outbound_gateway_changed(g);
	}
}

void gateway_login_refused(struct gateway *g, struct bytes why)
{
	bool was = health_is_down(&g->health);

	g->trouble = VERDICT_LOGIN;
	g->login_proven = false;
	health_login_refused(&g->health, loop_now(), loop_wall(), why);
	say(LOG_LEVEL_WARNING, g, "down", why);
	arm_probe(g);
	if (!was)
		outbound_gateway_changed(g);
}

void gateway_worked(struct gateway *g)
{
	bool was = health_is_down(&g->health);

	health_ok(&g->health, loop_wall());
	arm_probe(g);
	if (was) {
		say(LOG_LEVEL_INFO, g, "up", (struct bytes){ 0 });
		outbound_gateway_changed(g);
	}
}

void gateway_probe_failed(struct gateway *g, uint8_t trouble, struct bytes why)
{
	g->trouble = trouble;
	health_probe_failed(&g->health, loop_now(), retry_max(g), why);
	arm_probe(g);
}

void gateway_probe_now(struct gateway *g)
{
	if (health_is_down(&g->health) && !g->health.probing)
		loop_after(&g->probe, 0, probe_due);
}

/* ---- for status ---- */

void gateway_print(struct fmt *f, const struct gateway *g)
{
	if (g->literal) {
		struct inet_addr a = g->addr[0].a;

		a.port = g->port;
		inet_print_port(f, &a);
	} else {
		fmt_add(f, "%.*s:%u", SPAN(g->host), g->port);
	}
}

const struct gateway *gateway_at(unsigned i)
{
	for (unsigned k = 0; k < CONFIG_GATEWAYS; k++)
		if (table[k].used && i-- == 0)
			return &table[k];
	return NULL;
}

struct gateway *gateway_numbered(unsigned index)
{
	return table[index].used ? &table[index] : NULL;
}

unsigned gateway_index(const struct gateway *g)
{
	return (unsigned)(g - table);
}

const struct ca_set *gateway_ca(const struct gateway *g)
{
	return args->keys && g->sending.tls_ca ? keys_ca(args->keys, g->sending.tls_ca) : NULL;
}

uint64_t gateway_least_time(void)
{
	return loop_wall() > args->build_date ? loop_wall() : args->build_date;
}

struct gateway *gateway_named(struct bytes text, const struct gateway *after)
{
	for (unsigned k = after ? gateway_index(after) + 1 : 0; k < CONFIG_GATEWAYS; k++) {
		char name[NAMES_HOST + 16];
		struct fmt f;

		fmt_init(&f, name, sizeof(name));
		if (!table[k].used)
			continue;
		gateway_print(&f, &table[k]);
		if (bytes_same_fold(fmt_done(&f), text))
			return &table[k];
	}
	return NULL;
}

unsigned gateway_idle_count(const struct gateway *g)
{
	unsigned n = 0;

	for (const struct outbound *o = g->idle; o; o = o->next_idle)
		n++;
	return n;
}
