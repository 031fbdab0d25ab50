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

static void count(struct fmt *f, const char *before, uint64_t n, const char *after)
{
	fmt_str(f, before);
	fmt_u64(f, n);
	fmt_str(f, after);
}

static void state(struct fmt *f, const struct gateway *g, uint64_t ms)
{
	uint64_t probe = health_probe_at(&g->health);

	if (g->health.state == HEALTH_UNKNOWN) {
		fmt_str(f, "not tried yet");
		return;
	}
	fmt_str(f, health_name(&g->health));
	if (g->health.since != 0) {
		fmt_str(f, " since ");
		status_time(f, g->health.since);
	}
	if (!health_is_down(&g->health))
		return;
	if (g->health.reason[0] != '\0') {
		fmt_str(f, " (");
		fmt_str(f, g->health.reason);
		fmt_char(f, ')');
	}
	if (probe == TIMER_NEVER)
		fmt_str(f, ", being tried now");
	else
		count(f, ", to be tried in ", probe > ms ? (probe - ms + 999) / 1000 : 0, " s");
}

static void gateway(struct fmt *f, const struct gateway *g, uint64_t ms)
{
	fmt_str(f, "gateway ");
	gateway_print(f, g);
	if (g->sending.login_user != NULL) {
		fmt_str(f, " as ");
		fmt_str(f, g->sending.login_user);
	}
	fmt_str(f, ": ");
	state(f, g, ms);
	count(f, ", connections ", g->connections, "");
	count(f, " (", gateway_idle_count(g), " idle)");
	count(f, ", mails ", g->mails, "");
	if (g->tls != NULL) {
		fmt_str(f, g->tls[0] == 'T' ? ", " : ", in clear");
		fmt_str(f, g->tls[0] == 'T' ? g->tls : "");
		fmt_str(f, conf_has_login(&g->sending) ? ", login " : "");
		fmt_str(f, conf_has_login(&g->sending) ? g->auth : "");
	}
	for (unsigned i = 0; i < g->naddr && i < ADDRESSES && !g->literal; i++) {
		fmt_str(f, i == 0 ? ", at " : " ");
		inet_print_addr(f, &g->addr[i].a);
	}
	if (g->last_reply[0] != '\0' && strcmp(g->last_reply, g->health.reason) != 0) {
		fmt_str(f, "; said last: ");
		fmt_str(f, g->last_reply);
	}
	fmt_char(f, '\n');
}

static void head(const struct status *s, struct fmt *f)
{
	fmt_str(f, s->reason);
	count(f, "\ngatepost " GATEPOST_VERSION ", configuration ", s->args->generation,
	      ", running since ");
	status_time(f, stats.started_wall);
	fmt_char(f, '\n');
	if (status_store(s)[0] != '\0') {
		fmt_str(f, "store: ");
		fmt_str(f, status_store(s));
		fmt_char(f, '\n');
	}
}

static void listener(const struct status *s, struct fmt *f, unsigned i)
{
	fmt_str(f, "listening on ");
	status_listener(f, s->args, i);
	count(f, ", sessions ", inbound_count_at(i), "\n");
}

/* "3 mails (12k), oldest since 10:32, next try in 40 s" */
static void queue(const struct status *s, struct fmt *f)
{
	const struct disk_state *spool = s->spool;

	count(f, ": ", spool->mails, spool->mails == 1 ? " mail (" : " mails (");
	status_size(f, spool->octets);
	fmt_char(f, ')');
	if (spool->oldest > 0) {
		fmt_str(f, ", oldest since ");
		status_time(f, spool->oldest);
	}
	if (s->next_s == 0)
		fmt_str(f, ", next try now");
	else if (s->next_s != UINT64_MAX)
		count(f, ", next try in ", s->next_s, " s");
	count(f, ", ", parted_count(), " in doubt");
	count(f, ", ", s->delivering, " being delivered");
	if (spool->corrupt > 0)
		count(f, ", ", spool->corrupt, " in corrupt/");
}

static void spool(const struct status *s, struct fmt *f)
{
	const struct conf_global *g = &s->args->conf->global;
	bool no_room;
	const char *why;

	fmt_str(f, "spool: ");
	fmt_str(f, status_spool(s->args));
	if (g->spool != CONF_SPOOL_OFF) {
		fmt_str(f, ", ");
		fmt_bytes(f, bytes_first(bytes_of(g->spoolbase), 300));
		queue(s, f);
		fmt_str(f, s->spool->scanned ? "" : ", still being looked through");
		fmt_str(f, "; written today ");
		status_size(f, s->spool->today);
		fmt_str(f, ", ever ");
		status_size(f, s->spool->ever);
	}
	if (g->spool != CONF_SPOOL_OFF && !tee_can(&no_room, &why)) {
		fmt_str(f, "\nspool: cannot be used: ");
		fmt_str(f, why);
	}
	if (s->spool->in_memory)
		fmt_str(f, "\nspool: in memory (Spool_Volatile): mail is lost with the power");
	fmt_char(f, '\n');
}

static void tail(const struct status *s, struct fmt *f)
{
	count(f, "mails: ", stats.mails_sent, " sent");
	if (s->args->conf->global.spool != CONF_SPOOL_OFF)
		count(f, ", ", stats.mails_queued, " kept");
	count(f, ", ", stats.mails_refused, " refused\n");
	count(f, "sessions: ", stats.sessions_now, "");
	count(f, " of ", CONFIG_SESSIONS, "");
	count(f, " now, ", stats.sessions_high, " at the most");
	count(f, ", ", stats.sessions_total, " in all");
	count(f, ", ", stats.sessions_refused, " turned away\n");
	spool(s, f);
	fmt_str(f, clock_unset() ? "clock: unset\n" : "clock: set\n");
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
