/* SPDX-License-Identifier: ISC */
#include "run/status.h"

#include "base/on.h"
#include "io/loop.h"
#include "relay/verdict.h"
#include "run/deliver.h"
#include "run/outbound.h"
#include "run/stats.h"

void status_time(struct fmt *f, uint64_t wall)
{
	fmt_add(f, "%c%ju%c", STATUS_TIME, wall, STATUS_TIME_END);
}

void status_since(struct fmt *f, uint64_t wall)
{
	if (wall != 0)
		fmt_add(f, " since %c%ju%c", STATUS_TIME, wall, STATUS_TIME_END);
}

static void submit_path(struct fmt *f, const struct conf *conf)
{
	struct bytes path = conf->global.control_socket;

	while (path.n > 0 && path.p[path.n - 1] != '/')
		path.n--;
	fmt_bytes(f, path);
	fmt_add(f, "submit.sock");
}

void status_listener(struct fmt *f, const struct engine_args *args, unsigned i)
{
	const struct engine_listener *l = &args->listener[i];

	if (l->unix_socket && l->index == ENGINE_SUBMIT) {
		submit_path(f, args->conf);
	} else if (l->unix_socket) {
		fmt_bytes(f, args->conf->listen[l->index].name);
	} else if (l->zone[0] != '\0') {
		fmt_add(f, "%s:%u", l->zone, l->at.port);
	} else {
		inet_print_port(f, &l->at);
	}
}

void status_size(struct fmt *f, uint64_t octets)
{
	static const char names[] = "kmg";
	unsigned i = 0;

	while (octets >= 1024 && i < 3) {
		octets = (octets + 1023) >> 10;
		i++;
	}
	fmt_u64(f, octets);
	if (i > 0)
		fmt_char(f, names[i - 1]);
}

const char *status_spool(const struct engine_args *args)
{
	static const char names[][9] = { [CONF_SPOOL_OFF] = "off",
		[CONF_SPOOL_FALLBACK] = "fallback",
		[CONF_SPOOL_ALWAYS] = "always" };

	return names[args->conf->global.spool];
}

const char *status_store(const struct status *s)
{
	return ON(CONFIG_STORE) && s->args->store != NULL ? s->args->store : "";
}

uint64_t status_uptime(const struct status *s)
{
	return s->wall > stats.started_wall ? s->wall - stats.started_wall : 0;
}

/* Another gateway of the same list of routes that takes g's mail, or NULL. */
static const struct gateway *stand_in(const struct gateway *g)
{
	const struct conf_routes *routes = g->sending.routes;

	for (uint32_t i = 0; routes != NULL && i < routes->n; i++) {
		const struct gateway *other = gateway_find(&routes->route[i], &g->sending);

		if (other != g && (other == NULL || !health_is_down(&other->health)))
			return other;
	}
	return NULL;
}

void status_gateway(struct fmt *f, const struct gateway *g)
{
	fmt_add(f, "gateway ");
	gateway_print(f, g);
}

void status_brackets(struct fmt *f, const char *why)
{
	if (why[0] != '\0')
		fmt_add(f, " (%s)", why);
}

/* "refuses the login since 10:32 (535 5.7.139 …)" */
static void tell_refused(struct fmt *f, const struct gateway *g)
{
	struct bytes why = bytes_of(g->health.reason), prefix = bytes_of(OUTBOUND_REFUSES);
	bool refused = bytes_begins_fold(why, prefix);

	fmt_str(f, refused ? PHRASE(" refuses the login") : PHRASE(" has no login"));
	status_since(f, g->health.since);
	status_brackets(f, g->health.reason + (refused ? prefix.n : 0));
	if (!g->health.accepted_once)
		fmt_add(f, "; it has taken none since the configuration was loaded");
}

/* Can mail be kept now? */
static bool can_keep(const struct status *s, const char **why)
{
	bool no_room;

	return tee_can(&no_room, why) && s->args->conf->global.spool != CONF_SPOOL_OFF;
}

/* Trouble that must not hide behind a 250 before the gateway has ever worked. */
static bool is_day_one(const struct gateway *g)
{
	if (g->health.accepted_once)
		return false;
	return g->wants_login || g->trouble == VERDICT_CERTIFICATE || g->trouble == VERDICT_LOGIN ||
	       (g->trouble == VERDICT_NO_NAME && g->no_such_name);
}

/* What becomes of mail for g, which no other gateway takes. */
static void tell_fate(const struct status *s, struct fmt *f, const struct gateway *g)
{
	bool always = s->args->conf->global.spool == CONF_SPOOL_ALWAYS;
	const char *why;

	if (!can_keep(s, &why) || (!always && is_day_one(g)))
		fmt_add(f, "; mails are refused");
	else if (s->spool->mails == 0)
		fmt_add(f, "; mails are kept");
}

/* Behind whatever the first line says. */
static void tell_spool(const struct status *s, struct fmt *f)
{
	bool fallback = s->args->conf->global.spool == CONF_SPOOL_FALLBACK;
	const char *why;

	if (s->spool->mails > 0)
		fmt_add(f, "; %u mail%s kept", s->spool->mails, s->spool->mails == 1 ? "" : "s");
	if (!fallback || can_keep(s, &why))
		return;
	fmt_add(f, "; the net is gone");
	status_brackets(f, why);
	if (!s->trouble)
		fmt_add(f, ": mail passes through without it");
}

static void tell_down(const struct status *s, struct fmt *f, const struct gateway *g)
{
	const struct gateway *other = stand_in(g);

	status_gateway(f, g);
	if (g->health.login_wait_ms) {
		tell_refused(f, g);
	} else {
		fmt_add(f, " is down");
		status_since(f, g->health.since);
		status_brackets(f, g->health.reason);
	}
	if (other == NULL) {
		tell_fate(s, f, g);
	} else {
		fmt_add(f, "; mails go to ");
		status_gateway(f, other);
	}
}

/* It talks to us, but lets in no mail without a login: such a gateway is not down. */
static bool wants_login(const struct gateway *g)
{
	return g->health.state == HEALTH_UP && g->wants_login;
}

static void tell_login(const struct status *s, struct fmt *f, const struct gateway *g)
{
	status_gateway(f, g);
	fmt_add(f, " takes no mail");
	status_brackets(f, g->last_reply);
	tell_fate(s, f, g);
}

/* Whatever the gateways do, no mail goes to them. False: it does. */
static bool tell_kept_back(const struct status *s, struct fmt *f)
{
	const struct conf_global *g = &s->args->conf->global;
	const char *why;

	if (s->args->setup != NULL) {
		fmt_add(f, "not set up yet, mails are refused: %s", s->args->setup);
	} else if (g->spool == CONF_SPOOL_ALWAYS && !can_keep(s, &why)) {
		fmt_add(f, "the spool cannot be used");
		status_brackets(f, why);
		fmt_add(f, "; mails are refused");
	} else if (g->suspend_delivery) {
		fmt_add(f, "delivery is suspended (Suspend_Delivery)");
	} else {
		return false;
	}
	return true;
}

/* As of now. */
static void look_at_spool(struct status *s)
{
	uint64_t at, next;

	s->spool = tee_spool(&at);
	s->delivering = s->spool->mails > 0 ? deliver_under_way() : 0;
	next = s->spool->next_ms;
	s->next_s = UINT64_MAX;
	if (s->spool->mails > 0 && next != UINT64_MAX && !s->args->conf->global.suspend_delivery)
		s->next_s = at + next > s->ms ? (at + next - s->ms + 999) / 1000 : 0;
}

/* The worst gateway: down without another one in its place, down, closed to us. NULL: none. */
static const struct gateway *worst_gateway(unsigned *down)
{
	const struct gateway *worst = NULL, *g;
	unsigned rank = 0;

	*down = 0;
	for (unsigned i = 0; (g = gateway_at(i)) != NULL; i++) {
		unsigned is = wants_login(g) ? 1 : 0;

		if (health_is_down(&g->health)) {
			is = stand_in(g) != NULL ? 2 : 3;
			++*down;
		}
		if (is > rank) {
			rank = is;
			worst = g;
		}
	}
	return worst;
}

static void tell_working(struct fmt *f)
{
	const struct gateway *best = NULL, *g;
	unsigned n = 0;

	for (; (g = gateway_at(n)) != NULL; n++) {
		if (best == NULL ||
		    (g->health.state == HEALTH_UP && best->health.state != HEALTH_UP))
			best = g;
	}
	fmt_add(f, "working: ");
	if (best == NULL) {
		fmt_add(f, "no gateway has been tried yet");
		return;
	}
	status_gateway(f, best);
	if (best->health.state != HEALTH_UP)
		fmt_add(f, " has not been tried yet");
	else if (best->health.since != 0)
		fmt_add(f, " up");
	else
		fmt_add(f, " is up");
	if (best->health.state == HEALTH_UP)
		status_since(f, best->health.since);
	if (n > 1)
		fmt_add(f, ", and %u more gateway%s", n - 1, n == 2 ? "" : "s");
}

void status_judge(struct status *s, const struct engine_args *args, uint64_t pid)
{
	unsigned down;
	const struct gateway *worst = worst_gateway(&down);
	struct fmt f;

	s->args = args;
	s->wall = loop_wall();
	s->ms = loop_now();
	s->pid = pid;
	s->trouble = true;
	look_at_spool(s);
	fmt_init(&f, s->reason, sizeof(s->reason));
	if (tell_kept_back(s, &f)) {
		/* nothing else matters as much */
	} else if (worst != NULL && health_is_down(&worst->health)) {
		tell_down(s, &f, worst);
	} else if (stats.sessions_now >= CONFIG_SESSIONS) {
		fmt_add(&f, "all %u client sessions are taken; further clients are turned away",
		    (unsigned)CONFIG_SESSIONS);
	} else if (worst != NULL) {
		tell_login(s, &f, worst);
	} else {
		s->trouble = false;
		tell_working(&f);
	}
	if (down > 1)
		fmt_add(&f, "; gateways down in all: %u", down);
	tell_spool(s, &f);
}
