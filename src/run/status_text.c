/* SPDX-License-Identifier: ISC */
#include "run/status.h"

#include "io/clock.h"
#include "run/gateway.h"
#include "run/inbound.h"
#include "run/parted.h"
#include "run/stats.h"
#include "version.h"

#include <string.h>

#define ADDRESSES 8u /* of one gateway, in this form; json has all */

enum part { HEAD, LISTENERS, GATEWAYS, END };

static void state(struct fmt *f, const struct gateway *g, uint64_t ms)
{
	uint64_t probe = health_probe_at(&g->health);

	if (g->health.state == HEALTH_UNKNOWN) {
		fmt_add(f, "not tried yet");
		return;
	}
	fmt_str(f, health_name(&g->health));
	status_since(f, g->health.since);
	if (!health_is_down(&g->health))
		return;
	status_brackets(f, g->health.reason);
	if (probe == TIMER_NEVER)
		fmt_add(f, ", being tried now");
	else
		fmt_add(f, ", to be tried in %u s",
		    probe > ms ? (unsigned)(probe - ms + 999) / 1000 : 0);
}

static void gateway(struct fmt *f, const struct gateway *g, uint64_t ms)
{
	status_gateway(f, g);
	if (g->sending.login_user != NULL)
		fmt_add(f, " as %s", g->sending.login_user);
	fmt_str(f, ": ");
	state(f, g, ms);
	fmt_add(f, ", connections %u (%u idle), mails %u", g->connections, gateway_idle_count(g),
	    g->mails);
	if (g->tls != NULL) {
		fmt_add(f, ", %s", g->tls[0] == 'T' ? g->tls : "in clear");
		if (conf_has_login(&g->sending))
			fmt_add(f, ", login %s", g->auth);
	}
	for (unsigned i = 0; i < g->naddr && i < ADDRESSES && !g->literal; i++) {
		fmt_str(f, i == 0 ? ", at " : " ");
		inet_print_addr(f, &g->addr[i].a);
	}
	if (g->last_reply[0] != '\0' && strcmp(g->last_reply, g->health.reason) != 0)
		fmt_add(f, "; said last: %s", g->last_reply);
	fmt_char(f, '\n');
}

static void head(const struct status *s, struct fmt *f)
{
	const char *store = status_store(s);

	fmt_add(f, "%s\ngatepost " GATEPOST_VERSION ", configuration %u, running", s->reason,
	    s->args->generation);
	status_since(f, stats.started_wall);
	fmt_char(f, '\n');
	if (store[0] != '\0')
		fmt_add(f, "store: %s\n", store);
}

static void listener(const struct status *s, struct fmt *f, unsigned i)
{
	fmt_add(f, "listening on ");
	status_listener(f, s->args, i);
	fmt_add(f, ", sessions %u\n", inbound_count_at(i));
}

/* "3 mails (12k), oldest since 10:32, next try in 40 s" */
static void queue(const struct status *s, struct fmt *f)
{
	const struct disk_state *spool = s->spool;

	fmt_add(f, ": %u mail%s (", spool->mails, spool->mails == 1 ? "" : "s");
	status_size(f, spool->octets);
	fmt_char(f, ')');
	if (spool->oldest > 0) {
		fmt_add(f, ", oldest");
		status_since(f, spool->oldest);
	}
	if (s->next_s == 0)
		fmt_add(f, ", next try now");
	else if (s->next_s != UINT64_MAX)
		fmt_add(f, ", next try in %ju s", s->next_s);
	fmt_add(f, ", %u in doubt, %u being delivered", parted_count(), s->delivering);
	if (spool->corrupt > 0)
		fmt_add(f, ", %u in corrupt/", spool->corrupt);
}

static void spool(const struct status *s, struct fmt *f)
{
	const struct conf_global *g = &s->args->conf->global;
	bool no_room;
	const char *why;

	fmt_add(f, "spool: %s", status_spool(s->args));
	if (g->spool != CONF_SPOOL_OFF) {
		fmt_str(f, ", ");
		fmt_bytes(f, bytes_first(bytes_of(g->spoolbase), 300));
		queue(s, f);
		fmt_add(f, "%s; written today ",
		    s->spool->scanned ? "" : PHRASE(", still being looked through"));
		status_size(f, s->spool->today);
		fmt_add(f, ", ever ");
		status_size(f, s->spool->ever);
		if (!tee_can(&no_room, &why))
			fmt_add(f, "\nspool: cannot be used: %s", why);
	}
	if (s->spool->in_memory)
		fmt_add(f, "\nspool: in memory (Spool_Volatile): mail is lost with the power");
	fmt_char(f, '\n');
}

static void tail(const struct status *s, struct fmt *f)
{
	fmt_add(f, "mails: %ju sent", stats.mails_sent);
	if (s->args->conf->global.spool != CONF_SPOOL_OFF)
		fmt_add(f, ", %ju kept", stats.mails_queued);
	fmt_add(f,
	    ", %ju refused\nsessions: %u of %u now, %u at the most, %ju in all, %ju turned away\n",
	    stats.mails_refused, stats.sessions_now, (unsigned)CONFIG_SESSIONS, stats.sessions_high,
	    stats.sessions_total, stats.sessions_refused);
	spool(s, f);
	fmt_add(f, "clock: %s\n", clock_unset() ? "unset" : "set");
}

bool status_text(const struct status *s, struct status_walk *w, struct fmt *f)
{
	const struct gateway *g;

	switch ((enum part)w->part) {
	case HEAD:
		head(s, f);
		w->part = LISTENERS;
		return true;
	case LISTENERS:
		if (w->i < s->args->nlisteners) {
			listener(s, f, w->i++);
			return true;
		}
		w->part = GATEWAYS;
		w->i = 0;
		return status_text(s, w, f);
	case GATEWAYS:
		g = gateway_at(w->i++);
		if (g != NULL) {
			gateway(f, g, s->ms);
		} else {
			w->part = END;
			tail(s, f);
		}
		return true;
	case END:
		break;
	}
	return false;
}
