/* SPDX-License-Identifier: ISC */
#include "run/queue_part.h"

#include "base/date.h"
#include "base/esc.h"
#include "io/clock.h"
#include "relay/retry.h"
#include "run/gateway.h"
#include "run/status.h"

#define CHUNK     400u /* octets of what came from outside, in one piece: each may become six */
#define NOT_KNOWN UINT64_MAX

/* ---- values ---- */

/* The next piece of q->left; false: there is more of it. */
static bool put_left(struct queue_ask *q, struct fmt *f)
{
	struct bytes x = bytes_first(q->left, CHUNK);

	q->left = bytes_skip(q->left, x.n);
	if (q->json)
		esc_json(f, x);
	for (size_t i = 0; i < x.n && !q->json; i++) {
		if ((x.p[i] >= 32 && x.p[i] < 127) || x.p[i] == '\t') {
			fmt_char(f, (char)x.p[i]);
		} else if (x.p[i] == '\n') {
			fmt_str(f, "\n  ");
		} else if (x.p[i] != '\r') {
			fmt_add(f, "\\x%02x", x.p[i]);
		}
	}
	return q->left.n == 0;
}

/* "45s", "12m", "3h", "9d" */
static void put_span(struct fmt *f, uint64_t seconds)
{
	static const struct {
		uint32_t most, unit;
		char name;
	} units[] = { { 120, 1, 's' }, { 7200, 60, 'm' }, { 172800, 3600, 'h' },
		{ 0, 86400, 'd' } };
	unsigned i = 0;

	if (seconds == NOT_KNOWN) {
		fmt_char(f, '?');
		return;
	}
	while (units[i].most > 0 && seconds >= units[i].most)
		i++;
	fmt_add(f, "%ju%c", seconds / units[i].unit, units[i].name);
}

/* Blanks up to that column, which begins at octet `start`. */
static void pad(struct fmt *f, size_t start, size_t width)
{
	do
		fmt_char(f, ' ');
	while (f->n < start + width);
}

/* Seconds since it came, as far as that is known. */
static uint64_t age(const struct queue_ask *q)
{
	uint64_t now = loop_now() / 1000, wall = loop_wall();

	if (q->opened && q->tee.since != RETRY_UNCOUNTED)
		return (uint64_t)((int64_t)now - q->tee.since);
	if (!q->opened && q->look.stamp > 0 && !clock_unset() && wall > q->look.stamp)
		return wall - q->look.stamp;
	return NOT_KNOWN;
}

static uint64_t wait_s(const struct queue_ask *q)
{
	return ((q->opened ? q->tee.wait_ms : q->look.wait_ms) + 999) / 1000;
}

/* The gateway it waits for, or goes to, if it is known. */
static const struct gateway *gateway_of(const struct queue_ask *q)
{
	uint16_t number = q->tee.gateway > 0 ? q->tee.gateway : q->gateway;

	return q->opened && number > 0 ? gateway_numbered(number - 1u) : NULL;
}

/* Is it sent as soon as its gateway is up again? */
static bool waits_for_gateway(const struct queue_ask *q)
{
	const struct gateway *g = gateway_of(q);

	return g && q->tee.gateway > 0 && health_is_down(&g->health);
}

/* What it said last. */
static const char *reply_of(const struct gateway *g)
{
	return health_is_down(&g->health) && g->health.reason[0] ? g->health.reason : g->last_reply;
}

static const char *truth(bool x)
{
	return x ? "true" : "false";
}

/* ---- JSON ---- */

static void key_number(struct fmt *f, const char *key, uint64_t value)
{
	fmt_str(f, key);
	if (value == NOT_KNOWN)
		fmt_str(f, "null");
	else
		fmt_u64(f, value);
}

static void key_text(struct fmt *f, const char *key, const char *value)
{
	fmt_str(f, key);
	fmt_char(f, '"');
	esc_json(f, bytes_of(value));
	fmt_char(f, '"');
}

/* The members that list and show have in common. */
static void put_members(const struct queue_ask *q, uint64_t size, uint32_t tries, struct fmt *f)
{
	const struct gateway *g = gateway_of(q);
	char store[NAMES_HOST + INET_TEXT];
	struct fmt name;
	bool waits = q->opened || !q->look.held;

	fmt_add(f, ",\"state\":\"%s\",\"came\":", waits ? "waiting" : PHRASE("under way"));
	if (q->opened && (q->tee.info.flags & RECORD_CLOCK_SET)) {
		fmt_char(f, '"');
		date_rfc3339(f, q->tee.info.came);
		fmt_char(f, '"');
	} else {
		fmt_str(f, "null");
	}
	key_number(f, ",\"age\":", age(q));
	fmt_add(f, ",\"size\":%ju,\"tries\":%u", size, tries);
	key_number(f, ",\"next\":", waits ? wait_s(q) : NOT_KNOWN);
	fmt_add(f, ",\"when_up\":%s", truth(waits_for_gateway(q)));
	fmt_init(&name, store, sizeof(store));
	if (g)
		gateway_print(&name, g);
	key_text(f, PHRASE(",\"gateway\":"), store);
	key_text(f, PHRASE(",\"last_reply\":"), g ? reply_of(g) : "");
}

/* ---- list ---- */

#define AT_AGE  22u
#define AT_SIZE 28u
#define AT_OPEN 35u
#define AT_TRY  41u
#define AT_NEXT 48u
#define AT_FROM 57u

void queue_print_begin(struct queue_ask *q, struct fmt *f)
{
	fmt_str(f, q->json ? PHRASE("0 queue\n{\"mails\":[") : PHRASE("0 queue\n"));
}

static void put_row(const struct queue_ask *q, struct fmt *f)
{
	size_t start;

	if (q->listed == 1)
		fmt_add(f, "ID                    AGE   SIZE   OPEN  TRIES  NEXT     FROM\n");
	start = f->n;
	trace_id(f, q->look.id);
	pad(f, start, AT_AGE);
	put_span(f, age(q));
	pad(f, start, AT_SIZE);
	status_size(f, q->look.octets);
	pad(f, start, AT_OPEN);
	fmt_u64(f, q->look.open);
	pad(f, start, AT_TRY);
	fmt_u64(f, q->look.tries);
	pad(f, start, AT_NEXT);
	if (q->look.held)
		fmt_str(f, "now");
	else if (waits_for_gateway(q))
		fmt_add(f, "when up");
	else if (wait_s(q) == 0)
		fmt_str(f, "due");
	else
		put_span(f, wait_s(q));
	pad(f, start, AT_FROM);
	fmt_str(f, q->opened ? "<" : q->look.held ? PHRASE("(being delivered, or in doubt)") : "?");
}

static void put_entry(const struct queue_ask *q, struct fmt *f)
{
	fmt_add(f, "%s\n {\"id\":\"", q->listed == 1 ? "" : ",");
	trace_id(f, q->look.id);
	fmt_char(f, '"');
	put_members(q, q->look.octets, q->look.tries, f);
	fmt_add(f, ",\"open\":%u,\"from\":%s", q->look.open, q->opened ? "\"" : "null");
}

static void put_reply(const struct queue_ask *q, struct fmt *f)
{
	const struct gateway *g = gateway_of(q);

	if (!g || reply_of(g)[0] == '\0')
		return;
	fmt_add(f, "    ");
	gateway_print(f, g);
	fmt_add(f, ": %s\n", reply_of(g));
}

bool queue_print_entry(struct queue_ask *q, struct fmt *f)
{
	if (!q->begun) {
		q->begun = true;
		if (q->json)
			put_entry(q, f);
		else
			put_row(q, f);
		return false;
	}
	if (q->left.n > 0) {
		put_left(q, f);
		return false;
	}
	if (q->json) {
		fmt_str(f, q->opened ? "\"}" : "}");
		return true;
	}
	fmt_str(f, q->opened ? ">\n" : "\n");
	put_reply(q, f);
	return true;
}

void queue_print_end(struct queue_ask *q, struct fmt *f)
{
	uint64_t at;
	const struct disk_state *s = tee_spool(&at);
	uint32_t rest = 0;

	/* what the index has no room for, not what has come or gone since that was told */
	if (s->mails > LIMIT_SPOOL_INDEX && s->mails > q->listed)
		rest = s->mails - q->listed;

	if (q->json) {
		fmt_add(f, "],\n\"listed\":%u,\"under_way\":%u,\"kept\":%u,\"complete\":%s",
		    q->listed, q->held, s->mails, truth(s->scanned));
		key_text(f, PHRASE(",\"trouble\":"), s->why);
		fmt_add(f, "}\n");
		return;
	}
	if (q->listed == 0) {
		fmt_add(f, "no mail is kept\n");
	} else {
		fmt_add(f, "%u mail%s, ", q->listed, q->listed == 1 ? "" : "s");
		status_size(f, q->octets);
		fmt_char(f, '\n');
	}
	if (rest > 0 && s->scanned)
		fmt_add(f,
		    "and %u more, which have their turn once there is room for them "
		    "(CONFIG_SPOOL_INDEX)\n",
		    rest);
	if (!s->usable || !s->scanned)
		fmt_add(f, "%s%s\n",
		    s->why[0] ? PHRASE("the spool cannot be used: ")
			      : PHRASE("the folder is still being looked through"),
		    s->why);
}

/* ---- show ---- */

static void put_json_head(const struct queue_ask *q, struct fmt *f)
{
	fmt_add(f, "{\"id\":\"%s\"", q->id);
	put_members(q, record_size(&q->tee.info), q->tee.tries, f);
	fmt_add(f, ",\"utf8\":%s,\"report\":%s", truth(q->tee.info.flags & RECORD_UTF8),
	    truth(q->tee.info.flags & RECORD_REPORT));
}

void queue_print_head(struct queue_ask *q, struct fmt *f)
{
	const struct gateway *g = gateway_of(q);

	fmt_add(f, "0 found\n");
	if (q->json) {
		put_json_head(q, f);
		return;
	}
	fmt_add(f, "id:      %s%s\ncame:    ", q->id,
	    q->tee.info.flags & RECORD_REPORT ? PHRASE(" (a report of this relay)") : "");
	if (q->tee.info.flags & RECORD_CLOCK_SET) {
		status_time(f, q->tee.info.came);
		fmt_add(f, ", ");
	}
	put_span(f, age(q));
	fmt_add(f, " ago\nsize:    %ju\ntries:   %u", record_size(&q->tee.info), q->tee.tries);
	fmt_str(f, waits_for_gateway(q) ? PHRASE(", next when its gateway is up again, or in ")
		   : wait_s(q) == 0     ? PHRASE(", due now")
					: PHRASE(", next in "));
	if (wait_s(q) > 0)
		put_span(f, wait_s(q));
	fmt_char(f, '\n');
	if (!g)
		return;
	fmt_add(f, "gateway: ");
	gateway_print(f, g);
	fmt_add(f, "%s%s\n", reply_of(g)[0] ? ": " : "", reply_of(g));
}

/* What stands before the value; in JSON, in text. */
static const char *before(const struct queue_ask *q, enum record_event ev)
{
	switch ((int)ev) {
	case RECORD_PEER:
		return q->json ? PHRASE(",\"peer\":\"") : PHRASE("peer:    ");
	case RECORD_BINDING:
		return q->json ? PHRASE(",\"binding\":\"") : PHRASE("binding: ");
	case RECORD_SENDER:
		return q->json ? ",\"from\":\"" : PHRASE("from:    <");
	case RECORD_RCPT:
		if (q->json)
			return q->seen == 1 ? PHRASE(",\"to\":[{\"address\":\"")
					    : PHRASE(",{\"address\":\"");
		return PHRASE("to:      <");
	case RECORD_MARKS:
		if (q->in_header)
			return "";
		return q->json ? PHRASE("],\"header\":\"") : "\n  ";
	default:
		return "";
	}
}

static void put_behind(const struct queue_ask *q, enum record_event ev, uint8_t mark, struct fmt *f)
{
	switch ((int)ev) {
	case RECORD_PEER:
	case RECORD_BINDING:
		fmt_str(f, q->json ? "\"" : "\n");
		return;
	case RECORD_SENDER:
		fmt_str(f, q->json ? "\"" : ">\n");
		return;
	case RECORD_RCPT:
		fmt_put(f, q->json ? PHRASE("\",\"mark\":\"%s\"}") : PHRASE("> (%s)\n"),
		    record_mark_name(mark));
		return;
	default:
		return;
	}
}

bool queue_print_event(struct queue_ask *q, enum record_event ev, uint8_t mark, struct fmt *f)
{
	if (!q->begun) {
		q->begun = true;
		fmt_str(f, before(q, ev));
		if (ev == RECORD_MARKS) {
			q->in_header = true;
			q->left = (struct bytes){ 0 };
		}
		if (ev == RECORD_INFO)
			q->left = (struct bytes){ 0 };
	}
	if (!put_left(q, f))
		return false;
	put_behind(q, ev, mark, f);
	return true;
}

void queue_print_tail(struct queue_ask *q, struct fmt *f)
{
	fmt_str(f, q->json ? "\"}\n" : "\n");
}
