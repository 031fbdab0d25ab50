/* SPDX-License-Identifier: ISC */
#include "run/status.h"

#include "io/loop.h"
#include "run/outbound.h"
#include "run/stats.h"

void status_time(struct fmt *f, uint64_t wall)
{
	fmt_char(f, STATUS_TIME);
	fmt_u64(f, wall);
	fmt_char(f, STATUS_TIME_END);
}

static void submit_path(struct fmt *f, const struct conf *conf)
{
	struct bytes path = conf->global.control_socket;

	while (path.n > 0 && path.p[path.n - 1] != '/')
		path.n--;
	fmt_bytes(f, path);
	fmt_str(f, "submit.sock");
}

void status_listener(struct fmt *f, const struct engine_args *args, unsigned i)
{
	const struct engine_listener *l = &args->listener[i];

	if (l->unix_socket && l->index == ENGINE_SUBMIT) {
		submit_path(f, args->conf);
	} else if (l->unix_socket) {
		fmt_bytes(f, args->conf->listen[l->index].name);
	} else if (l->zone[0] != '\0') {
		fmt_str(f, l->zone);
		fmt_char(f, ':');
		fmt_u64(f, l->at.port);
	} else {
		inet_print_port(f, &l->at);
	}
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

static void name(struct fmt *f, const struct gateway *g)
{
	fmt_str(f, "gateway ");
	gateway_print(f, g);
}

static void in_brackets(struct fmt *f, const char *why)
{
	if (why[0] == '\0')
		return;
	fmt_str(f, " (");
	fmt_str(f, why);
	fmt_char(f, ')');
}

/* "refuses the login since 10:32 (535 5.7.139 …)" */
static void tell_refused(struct fmt *f, const struct gateway *g)
{
	struct bytes why = bytes_of(g->health.reason), prefix = bytes_of(OUTBOUND_REFUSES);
	bool refused = bytes_begins_fold(why, prefix);

	fmt_str(f, refused ? " refuses the login since " : " has no login since ");
	status_time(f, g->health.since);
	in_brackets(f, g->health.reason + (refused ? prefix.n : 0));
	if (!g->health.accepted_once)
		fmt_str(f, "; it has taken none since the configuration was loaded");
}

static void tell_down(struct fmt *f, const struct gateway *g)
{
	const struct gateway *other = stand_in(g);

	name(f, g);
	if (g->health.login_wait_ms) {
		tell_refused(f, g);
	} else {
		fmt_str(f, " is down since ");
		status_time(f, g->health.since);
		in_brackets(f, g->health.reason);
	}
	if (other == NULL) {
		fmt_str(f, "; mails are refused");
	} else {
		fmt_str(f, "; mails go to ");
		name(f, other);
	}
}

/* It talks to us, but lets in no mail without a login: such a gateway is not down. */
static bool wants_login(const struct gateway *g)
{
	return g->health.state == HEALTH_UP && g->wants_login;
}

static void tell_login(struct fmt *f, const struct gateway *g)
{
	name(f, g);
	fmt_str(f, " takes no mail");
	in_brackets(f, g->last_reply);
	fmt_str(f, "; mails are refused");
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
	fmt_str(f, "working: ");
	if (best == NULL) {
		fmt_str(f, "no gateway has been tried yet");
		return;
	}
	name(f, best);
	if (best->health.state != HEALTH_UP) {
		fmt_str(f, " has not been tried yet");
	} else if (best->health.since != 0) {
		fmt_str(f, " up since ");
		status_time(f, best->health.since);
	} else {
		fmt_str(f, " is up");
	}
	if (n > 1) {
		fmt_str(f, n == 2 ? ", and 1 more gateway" : ", and ");
		if (n > 2) {
			fmt_u64(f, n - 1);
			fmt_str(f, " more gateways");
		}
	}
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
	fmt_init(&f, s->reason, sizeof(s->reason));
	if (worst != NULL && health_is_down(&worst->health)) {
		tell_down(&f, worst);
	} else if (stats.sessions_now >= CONFIG_SESSIONS) {
		fmt_str(&f, "all ");
		fmt_u64(&f, CONFIG_SESSIONS);
		fmt_str(&f, " client sessions are taken; further clients are turned away");
	} else if (worst != NULL) {
		tell_login(&f, worst);
	} else {
		s->trouble = false;
		tell_working(&f);
	}
	if (down > 1) {
		fmt_str(&f, "; gateways down in all: ");
		fmt_u64(&f, down);
	}
}
