/* SPDX-License-Identifier: ISC */
/* The text form that Prometheus reads: each metric with its HELP and TYPE, then its samples. */
#include "run/status.h"

#include "io/clock.h"
#include "run/gateway.h"
#include "run/inbound.h"
#include "run/parted.h"
#include "run/stats.h"
#include "version.h"

#define NOT_KNOWN   UINT64_MAX
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* What a metric counts, in the order in which they are told. */
enum what {
	UP,
	TROUBLE,
	BUILD,
	STARTED,
	GENERATION,
	CLOCK,
	SESSIONS,
	SESSIONS_LIMIT,
	SESSIONS_HIGH,
	SESSIONS_TOTAL,
	SESSIONS_REFUSED,
	LISTENER, /* of each listener */
	MAILS_SENT,
	MAILS_REFUSED,
	MAILS_QUEUED,
	RECIPIENTS_SENT,
	RECIPIENTS_REFUSED,
	OCTETS,
	CALLS,
	USABLE,
	QUEUE,
	QUEUE_OCTETS,
	OLDEST,
	NEXT,
	DOUBT,
	DELIVERING,
	CORRUPT,
	TODAY,
	EVER,
	/* of each gateway: */
	GATEWAY,
	SINCE,
	CONNECTIONS,
	IDLE,
	TAKEN,
	HANDSHAKES,
	RESUMED,
};

/*
 * Name without gatepost_, labels that are fixed, type, help. Without type and help: one more sample
 * of the metric before.
 */
static const char *const metrics[] = {
	[UP] = PHRASE("up gauge Whether the relay answers."),
	[TROUBLE] = PHRASE("trouble gauge Whether something keeps mail from flowing."),
	[BUILD] = PHRASE("build_info{version=\"" GATEPOST_VERSION "\"} gauge What runs."),
	[STARTED] = PHRASE("start_time_seconds gauge When this configuration was taken up."),
	[GENERATION] = PHRASE("generation gauge Configurations taken up since the start."),
	[CLOCK] = PHRASE("clock_set gauge Whether the clock is set."),
	[SESSIONS] = PHRASE("sessions gauge Clients that are connected."),
	[SESSIONS_LIMIT] = PHRASE("sessions_limit gauge Clients that may be connected."),
	[SESSIONS_HIGH] = PHRASE("sessions_high gauge The most clients that were connected."),
	[SESSIONS_TOTAL] = PHRASE("sessions_total counter Clients that were let in."),
	[SESSIONS_REFUSED] = PHRASE("sessions_refused_total counter Clients turned away."),
	[LISTENER] = PHRASE("listener_sessions gauge Clients connected, by listener."),
	[MAILS_SENT] = PHRASE("mails_total{status=\"sent\"} counter Mails that clients offered."),
	[MAILS_REFUSED] = PHRASE("mails_total{status=\"refused\"}"),
	[MAILS_QUEUED] = PHRASE("mails_total{status=\"queued\"}"),
	[RECIPIENTS_SENT] = PHRASE("recipients_total{status=\"sent\"} counter Their recipients."),
	[RECIPIENTS_REFUSED] = PHRASE("recipients_total{status=\"refused\"}"),
	[OCTETS] = PHRASE("sent_bytes_total counter Content of the mails sent."),
	[CALLS] = PHRASE("gateway_connects_total counter Connections made to gateways."),
	[USABLE] = PHRASE("spool_usable gauge Whether mail can be kept."),
	[QUEUE] = PHRASE("queue_messages gauge Mails that are kept."),
	[QUEUE_OCTETS] = PHRASE("queue_bytes gauge What they take."),
	[OLDEST] = PHRASE("queue_oldest_seconds gauge When the oldest of them came."),
	[NEXT] = PHRASE("queue_next_try_seconds gauge Until the next of them is tried."),
	[DOUBT] = PHRASE(
	    "queue_in_doubt gauge Those whose gateway has not said yet whether it has them."),
	[DELIVERING] = PHRASE("queue_delivering gauge Those that are being delivered."),
	[CORRUPT] = PHRASE("spool_corrupt_files gauge Files set aside."),
	[TODAY] = PHRASE("spool_written_today_bytes gauge Octets written in the last 24 hours."),
	[EVER] = PHRASE("spool_written_bytes_total counter Octets written."),
	[GATEWAY] = PHRASE("gateway_up gauge 1 up, 0 down; none while it was not tried."),
	[SINCE] = PHRASE("gateway_since_seconds gauge When that began."),
	[CONNECTIONS] = PHRASE("gateway_connections gauge Connections to the gateway."),
	[IDLE] = PHRASE("gateway_connections_idle gauge Those that are kept for later."),
	[TAKEN] = PHRASE("gateway_mails_total counter Mails that the gateway has taken."),
	[HANDSHAKES] = PHRASE(
	    "gateway_tls_handshakes_total counter TLS sessions with the gateway."),
	[RESUMED] = PHRASE(
	    "gateway_tls_resumed_total counter Those of them that resumed an earlier one."),
};

static uint64_t of_box(const struct status *s, enum what what)
{
	const char *why;
	bool no_room;
	const uint64_t value[] = {
		[UP] = 1,
		[TROUBLE] = s->trouble,
		[BUILD] = 1,
		[STARTED] = stats.started_wall,
		[GENERATION] = s->args->generation,
		[CLOCK] = !clock_unset(),
		[SESSIONS] = stats.sessions_now,
		[SESSIONS_LIMIT] = CONFIG_SESSIONS,
		[SESSIONS_HIGH] = stats.sessions_high,
		[SESSIONS_TOTAL] = stats.sessions_total,
		[SESSIONS_REFUSED] = stats.sessions_refused,
		[MAILS_SENT] = stats.mails_sent,
		[MAILS_REFUSED] = stats.mails_refused,
		[MAILS_QUEUED] = stats.mails_queued,
		[RECIPIENTS_SENT] = stats.recipients_sent,
		[RECIPIENTS_REFUSED] = stats.recipients_refused,
		[OCTETS] = stats.octets_sent,
		[CALLS] = stats.gateway_connections_total,
		[USABLE] = tee_can(&no_room, &why),
		[QUEUE] = s->spool->mails,
		[QUEUE_OCTETS] = s->spool->octets,
		[OLDEST] = s->spool->oldest > 0 ? s->spool->oldest : NOT_KNOWN,
		[NEXT] = s->next_s,
		[DOUBT] = parted_count(),
		[DELIVERING] = s->delivering,
		[CORRUPT] = s->spool->corrupt,
		[TODAY] = s->spool->today,
		[EVER] = s->spool->ever,
	};

	if (what >= USABLE && s->args->conf->global.spool == CONF_SPOOL_OFF)
		return NOT_KNOWN;

	return value[what];
}

static uint64_t of_gateway(const struct gateway *g, enum what what)
{
	bool known = g->health.state != HEALTH_UNKNOWN;
	const uint64_t value[] = {
		[GATEWAY] = known ? !health_is_down(&g->health) : NOT_KNOWN,
		[SINCE] = known ? g->health.since : NOT_KNOWN,
		[CONNECTIONS] = g->connections,
		[IDLE] = gateway_idle_count(g),
		[TAKEN] = g->mails,
		[HANDSHAKES] = g->handshakes,
		[RESUMED] = g->resumed,
	};

	return value[what];
}

static void label(struct fmt *f, char before, const char *name, struct bytes value)
{
	fmt_char(f, before);
	fmt_str(f, name);
	fmt_str(f, "=\"");
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (c == '"' || c == '\\')
			fmt_char(f, '\\');
		fmt_char(f, c >= 32 && c != 127 ? (char)c : '?');
	}
	fmt_char(f, '"');
}

/*
 * Gateways of the same name differ in their login, or in their TLS options: their place among all
 * tells them apart.
 */
static void gateway_labels(struct fmt *f, const struct gateway *g)
{
	char store[NAMES_HOST + INET_TEXT];
	struct fmt name;
	const struct gateway *same;

	fmt_init(&name, store, sizeof(store));
	gateway_print(&name, g);
	same = gateway_named(fmt_done(&name), NULL);
	label(f, '{', "gateway", fmt_done(&name));
	if (g->sending.login_user != NULL)
		label(f, ',', "user", bytes_of(g->sending.login_user));
	if (same != g) {
		fmt_init(&name, store, sizeof(store));
		fmt_u64(&name, gateway_index(g));
		label(f, ',', "place", fmt_done(&name));
	}
	fmt_char(f, '}');
}

/* "name{labels} type help" without its labels, type and help */
static void about(struct fmt *f, struct bytes name, struct bytes rest)
{
	struct bytes type = bytes_word(&rest);

	name = bytes_first(name, bytes_find(name, '{'));
	if (type.n > 0)
		fmt_add(f, "# HELP gatepost_%.*s%.*s\n# TYPE gatepost_%.*s %.*s\n", SPAN(name),
		    SPAN(rest), SPAN(name), SPAN(type));
}

/* The i-th sample of what, where it is known; false behind the last. */
static bool put(const struct status *s, enum what what, unsigned i, struct fmt *f)
{
	const struct gateway *g = what >= GATEWAY ? gateway_at(i) : NULL;
	char store[NAMES_HOST + INET_TEXT], line[160];
	struct bytes rest, metric;
	struct fmt name;
	uint64_t value;

	if (what >= GATEWAY ? g == NULL : i >= (what == LISTENER ? s->args->nlisteners : 1))
		return false;
	fmt_init(&name, line, sizeof(line));
	fmt_str(&name, metrics[what]);
	rest = fmt_done(&name);
	metric = bytes_word(&rest);
	if (i == 0)
		about(f, metric, rest);
	value = g != NULL          ? of_gateway(g, what)
		: what == LISTENER ? inbound_count_at(i)
				   : of_box(s, what);
	if (value == NOT_KNOWN)
		return true;
	fmt_add(f, "gatepost_%.*s", SPAN(metric));
	if (g != NULL) {
		gateway_labels(f, g);
	} else if (what == LISTENER) {
		fmt_init(&name, store, sizeof(store));
		status_listener(&name, s->args, i);
		label(f, '{', "address", fmt_done(&name));
		fmt_char(f, '}');
	}
	fmt_add(f, " %ju\n", value);
	return true;
}

bool status_prometheus(const struct status *s, struct status_walk *w, struct fmt *f)
{
	while (w->part < COUNT(metrics)) {
		if (put(s, (enum what)w->part, w->i++, f))
			return true;
		w->part++;
		w->i = 0;
	}
	return false;
}
