/* SPDX-License-Identifier: ISC */
#include "run/status.h"

#include "base/date.h"
#include "base/esc.h"
#include "base/on.h"
#include "io/clock.h"
#include "run/gateway.h"
#include "run/inbound.h"
#include "run/parted.h"
#include "run/stats.h"
#include "version.h"

enum part { HEAD, LISTENERS, GATEWAYS, ADDRESSES, END };

/*
 * A string, which may be a phrase; times for the asker to fill in pass as they are. Cut to what
 * fits a piece.
 */
static void text(struct fmt *f, const char *value)
{
	char store[STATUS_REASON];
	struct fmt plain;

	fmt_init(&plain, store, sizeof(store));
	fmt_str(&plain, value);
	fmt_char(f, '"');
	for (size_t i = 0; i < plain.n; i++) {
		if (store[i] == STATUS_TIME || store[i] == STATUS_TIME_END)
			fmt_char(f, store[i]);
		else
			esc_json(f, (struct bytes){ (const uint8_t *)&store[i], 1 });
	}
	fmt_char(f, '"');
}

static void key_text(struct fmt *f, const char *key, const char *value)
{
	fmt_str(f, key);
	text(f, value);
}

static void key_time(struct fmt *f, const char *key, uint64_t wall)
{
	fmt_str(f, key);
	fmt_str(f, wall == 0 ? "null" : "\"");
	if (wall == 0)
		return;
	date_rfc3339(f, wall);
	fmt_char(f, '"');
}

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

static void head(const struct status *s, struct fmt *f)
{
	fmt_add(f, "{\"state\":\"%s\"", s->trouble ? "trouble" : "working");
	key_text(f, PHRASE(",\n\"reason\":"), s->reason);
	fmt_add(f, ",\n\"version\":\"" GATEPOST_VERSION "\",\n\"generation\":%u,\n\"pid\":%ju",
	    s->args->generation, s->pid);
	key_time(f, PHRASE(",\n\"started\":"), stats.started_wall);
	fmt_add(f, ",\n\"uptime\":%ju", status_uptime(s));
	if (ON(CONFIG_STORE))
		key_text(f, PHRASE(",\n\"store\":"), status_store(s));
	if (ON(CONFIG_SETUP))
		fmt_add(f, ",\n\"setup\":%s", truth(s->args->setup != NULL));
	fmt_add(f, ",\n\"listeners\":[");
}

static void listener(const struct status *s, struct fmt *f, unsigned i)
{
	char store[INET_TEXT + 200];
	struct fmt name;

	fmt_init(&name, store, sizeof(store));
	status_listener(&name, s->args, i);
	fmt_add(f, "%s\n {\"address\":", i == 0 ? "" : ",");
	text(f, store);
	fmt_add(f, ",\"sessions\":%u}", inbound_count_at(i));
}

static void sessions(struct fmt *f)
{
	fmt_add(f,
	    "],\n\"sessions\":%u,\n\"sessions_limit\":%u,\n\"sessions_high\":%u,\n"
	    "\"sessions_total\":%ju,\n\"sessions_refused\":%ju,\n\"gateways\":[",
	    stats.sessions_now, (unsigned)CONFIG_SESSIONS, stats.sessions_high,
	    stats.sessions_total, stats.sessions_refused);
}

static void gateway(const struct gateway *g, struct fmt *f, bool first)
{
	char store[NAMES_HOST + INET_TEXT];
	struct fmt name;

	fmt_init(&name, store, sizeof(store));
	gateway_print(&name, g);
	fmt_add(f, "%s\n {\"gateway\":", first ? "" : ",");
	text(f, store);
	key_text(f, PHRASE(",\"state\":"), health_name(&g->health));
	key_time(f, PHRASE(",\"since\":"), g->health.since);
	key_text(f, PHRASE(",\"reason\":"), g->health.reason);
	key_text(f, PHRASE(",\"last_reply\":"), g->last_reply);
	if (g->sending.login_user != NULL)
		key_text(f, PHRASE(",\"user\":"), g->sending.login_user);
	if (g->tls != NULL) {
		key_text(f, PHRASE(",\"tls\":"), g->tls);
		key_text(f, PHRASE(",\"auth\":"), g->auth);
	}
	fmt_add(f,
	    ",\"handshakes\":%u,\"resumed\":%u,\"connections\":%u,\"idle\":%u,\"mails\":%u,"
	    "\"addresses\":[",
	    g->handshakes, g->resumed, g->connections, gateway_idle_count(g), g->mails);
}

/* One address of the gateway w->i - 1, or the end of that gateway. */
static void address(struct status_walk *w, struct fmt *f)
{
	const struct gateway *g = gateway_at(w->i - 1);

	if (g == NULL || w->k >= g->naddr) {
		fmt_str(f, "]}");
		w->part = GATEWAYS;
		return;
	}
	fmt_str(f, w->k > 0 ? ",\"" : "\"");
	inet_print_addr(f, &g->addr[w->k++].a);
	fmt_char(f, '"');
}

static void queue(const struct status *s, struct fmt *f)
{
	const struct disk_state *d = s->spool;
	const char *why = "";
	bool no_room, usable = tee_can(&no_room, &why);

	fmt_add(f, "{\"mails\":%u,\"octets\":%ju", d->mails, d->octets);
	key_time(f, PHRASE(",\"oldest\":"), d->oldest);
	if (s->next_s == UINT64_MAX)
		fmt_add(f, ",\"next\":null");
	else
		fmt_add(f, ",\"next\":%ju", s->next_s);
	fmt_add(f,
	    ",\"in_doubt\":%u,\"delivering\":%u,\"corrupt\":%u,\"written_today\":%ju,"
	    "\"written\":%ju,\"complete\":%s,\"usable\":%s",
	    parted_count(), s->delivering, d->corrupt, d->today, d->ever, truth(d->scanned),
	    truth(usable));
	key_text(f, PHRASE(",\"why\":"), why);
	fmt_add(f, ",\"in_memory\":%s,\"suspended\":%s}", truth(d->in_memory),
	    truth(s->args->conf->global.suspend_delivery));
}

static void tail(const struct status *s, struct fmt *f)
{
	fmt_add(f,
	    "],\n\"mails\":{\"sent\":%ju,\"refused\":%ju,\"queued\":%ju},\n"
	    "\"recipients\":{\"sent\":%ju,\"refused\":%ju},\n\"octets_sent\":%ju,\n"
	    "\"gateway_connections\":%u,\n\"gateway_connections_total\":%ju,\n"
	    "\"spool\":\"%s\",\n\"queue\":",
	    stats.mails_sent, stats.mails_refused, stats.mails_queued, stats.recipients_sent,
	    stats.recipients_refused, stats.octets_sent, stats.gateway_connections_now,
	    stats.gateway_connections_total, status_spool(s->args));
	if (s->args->conf->global.spool == CONF_SPOOL_OFF)
		fmt_str(f, "null");
	else
		queue(s, f);
	fmt_add(f, ",\n\"clock\":\"%s\"}\n", clock_unset() ? "unset" : "set");
}

bool status_json(const struct status *s, struct status_walk *w, struct fmt *f)
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
		sessions(f);
		w->part = GATEWAYS;
		w->i = 0;
		return true;
	case GATEWAYS:
		g = gateway_at(w->i++);
		if (g != NULL) {
			gateway(g, f, w->i == 1);
			w->part = ADDRESSES;
			w->k = 0;
		} else {
			tail(s, f);
			w->part = END;
		}
		return true;
	case ADDRESSES:
		address(w, f);
		return true;
	case END:
		break;
	}
	return false;
}
