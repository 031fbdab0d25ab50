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

/* A string; times for the asker to fill in pass as they are. */
static void text(struct fmt *f, struct bytes x)
{
	fmt_char(f, '"');
	for (size_t i = 0; i < x.n; i++) {
		struct bytes c = {x.p + i, 1};

		if (x.p[i] == STATUS_TIME || x.p[i] == STATUS_TIME_END)
			fmt_bytes(f, c);
		else
			esc_json(f, c);
	}
	fmt_char(f, '"');
}

static void key_text(struct fmt *f, const char *key, const char *value)
{
	fmt_str(f, key);
	text(f, bytes_of(value));
}

static void key_number(struct fmt *f, const char *key, uint64_t value)
{
	fmt_str(f, key);
	fmt_u64(f, value);
}

static void key_time(struct fmt *f, const char *key, uint64_t wall)
{
	fmt_str(f, key);
	if (wall == 0) {
		fmt_str(f, "null");
		return;
	}
	fmt_char(f, '"');
	date_rfc3339(f, wall);
	fmt_char(f, '"');
}

static void flag(struct fmt *f, const char *key, bool value)
{
	fmt_str(f, key);
	fmt_str(f, value ? "true" : "false");
}

static void head(const struct status *s, struct fmt *f)
{
	fmt_str(f, s->trouble ? "{\"state\":\"trouble\"" : "{\"state\":\"working\"");
	key_text(f, ",\n\"reason\":", s->reason);
	key_text(f, ",\n\"version\":", GATEPOST_VERSION);
	key_number(f, ",\n\"generation\":", s->args->generation);
	key_number(f, ",\n\"pid\":", s->pid);
	key_time(f, ",\n\"started\":", stats.started_wall);
	key_number(f, ",\n\"uptime\":", status_uptime(s));
	if (ON(CONFIG_STORE))
		key_text(f, ",\n\"store\":", status_store(s));
	if (ON(CONFIG_SETUP))
		flag(f, ",\n\"setup\":", s->args->setup != NULL);
	fmt_str(f, ",\n\"listeners\":[");
}

static void listener(const struct status *s, struct fmt *f, unsigned i)
{
	char store[INET_TEXT + 200];
	struct fmt name;

	fmt_init(&name, store, sizeof(store));
	status_listener(&name, s->args, i);
	fmt_str(f, i == 0 ? "\n {\"address\":" : ",\n {\"address\":");
	text(f, fmt_done(&name));
	key_number(f, ",\"sessions\":", inbound_count_at(i));
	fmt_char(f, '}');
}

static void sessions(struct fmt *f)
{
	key_number(f, "],\n\"sessions\":", stats.sessions_now);
	key_number(f, ",\n\"sessions_limit\":", CONFIG_SESSIONS);
	key_number(f, ",\n\"sessions_high\":", stats.sessions_high);
	key_number(f, ",\n\"sessions_total\":", stats.sessions_total);
	key_number(f, ",\n\"sessions_refused\":", stats.sessions_refused);
	fmt_str(f, ",\n\"gateways\":[");
}

static void gateway(const struct gateway *g, struct fmt *f, bool first)
{
	char store[NAMES_HOST + INET_TEXT];
	struct fmt name;

	fmt_init(&name, store, sizeof(store));
	gateway_print(&name, g);
	fmt_str(f, first ? "\n {\"gateway\":" : ",\n {\"gateway\":");
	text(f, fmt_done(&name));
	key_text(f, ",\"state\":", health_name(&g->health));
	key_time(f, ",\"since\":", g->health.since);
	key_text(f, ",\"reason\":", g->health.reason);
	key_text(f, ",\"last_reply\":", g->last_reply);
	if (g->sending.login_user != NULL)
		key_text(f, ",\"user\":", g->sending.login_user);
	if (g->tls != NULL) {
		key_text(f, ",\"tls\":", g->tls);
		key_text(f, ",\"auth\":", g->auth);
	}
	key_number(f, ",\"handshakes\":", g->handshakes);
	key_number(f, ",\"resumed\":", g->resumed);
	key_number(f, ",\"connections\":", g->connections);
	key_number(f, ",\"idle\":", gateway_idle_count(g));
	key_number(f, ",\"mails\":", g->mails);
	fmt_str(f, ",\"addresses\":[");
}

/* One address of the gateway w->i - 1, or the end of that gateway. */
static void address(struct status_walk *w, struct fmt *f)
{
	const struct gateway *g = gateway_at(w->i - 1);
	char store[INET_TEXT];
	struct fmt name;

	if (g == NULL || w->k >= g->naddr) {
		fmt_str(f, "]}");
		w->part = GATEWAYS;
		return;
	}
	fmt_init(&name, store, sizeof(store));
	inet_print_addr(&name, &g->addr[w->k].a);
	if (w->k > 0)
		fmt_char(f, ',');
	text(f, fmt_done(&name));
	w->k++;
}

static void spool(const struct status *s, struct fmt *f)
{
	const struct conf_global *g = &s->args->conf->global;
	const struct disk_state *d = s->spool;
	const char *why = "";
	bool no_room, usable = tee_can(&no_room, &why);

	key_text(f, ",\n\"spool\":", status_spool(s->args));
	fmt_str(f, ",\n\"queue\":");
	if (g->spool == CONF_SPOOL_OFF) {
		fmt_str(f, "null");
		return;
	}
	key_number(f, "{\"mails\":", d->mails);
	key_number(f, ",\"octets\":", d->octets);
	key_time(f, ",\"oldest\":", d->oldest);
	if (s->next_s == UINT64_MAX)
		fmt_str(f, ",\"next\":null");
	else
		key_number(f, ",\"next\":", s->next_s);
	key_number(f, ",\"in_doubt\":", parted_count());
	key_number(f, ",\"delivering\":", s->delivering);
	key_number(f, ",\"corrupt\":", d->corrupt);
	key_number(f, ",\"written_today\":", d->today);
	key_number(f, ",\"written\":", d->ever);
	flag(f, ",\"complete\":", d->scanned);
	flag(f, ",\"usable\":", usable);
	key_text(f, ",\"why\":", why);
	flag(f, ",\"in_memory\":", d->in_memory);
	flag(f, ",\"suspended\":", g->suspend_delivery);
	fmt_char(f, '}');
}

static void tail(const struct status *s, struct fmt *f)
{
	key_number(f, "],\n\"mails\":{\"sent\":", stats.mails_sent);
	key_number(f, ",\"refused\":", stats.mails_refused);
	key_number(f, ",\"queued\":", stats.mails_queued);
	key_number(f, "},\n\"recipients\":{\"sent\":", stats.recipients_sent);
	key_number(f, ",\"refused\":", stats.recipients_refused);
	key_number(f, "},\n\"octets_sent\":", stats.octets_sent);
	key_number(f, ",\n\"gateway_connections\":", stats.gateway_connections_now);
	key_number(f, ",\n\"gateway_connections_total\":", stats.gateway_connections_total);
	spool(s, f);
	key_text(f, ",\n\"clock\":", clock_unset() ? "unset" : "set");
	fmt_str(f, "}\n");
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
