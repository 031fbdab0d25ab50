/* SPDX-License-Identifier: ISC */
/*
 * Reports about mail that could not be delivered (DESIGN section 2, "Reports"): written through a
 * tee as a mail of the spool, one after the other.
 */
#include "base/date.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/random.h"
#include "mail/dsn.h"
#include "run/deliver_part.h"
#include "run/say_path.h"

#include <string.h>

#define DATE 40 /* octets of one, at the most */

struct report {
	struct delivery *first; /* of those that want one: it has it */
	bool under_way;
	bool whole; /* composed; what is in out is the rest */
	bool committing;
	struct tee tee;
	struct envelope envelope;
	struct dsn dsn;
	struct dsn_params params;
	struct envelope_cursor rcpt;
	struct buf out;
	struct delivery_words words;
	struct loop_task turn;
	char id[TRACE_ID + 1];
	char text[TRACE_MESSAGE_ID_SIZE + 2 * DATE]; /* Message-ID, dates */
	uint8_t to[LIMIT_PATH], path[LIMIT_PATH];
	uint8_t mem[2 * DSN_ROOM];
};

static struct report report;

static void run(struct loop_task *t);

static void wake(void)
{
	loop_at_end(&report.turn, run);
}

static void tee_wakes(struct tee *t)
{
	(void)t;
	wake();
}

static void say(const struct delivery *d, const char *id, const char *why)
{
	static char line[LOG_LINE];
	struct fmt f;

	fmt_init(&f, line, sizeof(line));
	fmt_add(&f, "report id=%s of=%s", id, d->id);
	if (why)
		fmt_add(&f, " reason=\"%s\"", why);
	else
		say_path(&f, " to=", report.params.to.p, report.params.to.n);
	log_line(why ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, fmt_done(&f));
}

/* ---- to whom ---- */

/* Empty: there is nobody. */
static struct bytes find_to(const struct delivery *d, const struct conf_header *header)
{
	struct bytes to;

	(void)envelope_get_sender(&d->envelope, report.to, &to);
	if (to.n && !(d->tee.info.flags & RECORD_REWRITTEN))
		return to;
	if (d->key.mdn_failures_notify)
		to = bytes_of(d->key.mdn_failures_notify);
	else if (header->envelope_from.n)
		to = header->envelope_from; /* else that of then */
	return bytes_first(to, LIMIT_PATH);
}

/* Why there is to be no report, or NULL. */
static const char *why_none(const struct delivery *d)
{
	if (d->tee.info.flags & RECORD_REPORT)
		return PHRASE("a report could not be delivered; it is dropped");
	if (!d->key.generate_bounces)
		return PHRASE("Generate_Bounces = false");
	if (!report.params.to.n)
		return PHRASE("there is no address to send it to (MDN_Failures_Notify)");
	return NULL;
}

static void set_params(const struct delivery *d, uint8_t id[RECORD_ID])
{
	struct bytes hostname = delivery_conf()->global.hostname;
	struct dsn_params *p = &report.params;
	struct conf_header header;
	struct fmt f;
	size_t at;

	memset(p, 0, sizeof(*p));
	conf_header(delivery_conf(), d->binding, &header);
	p->to = find_to(d, &header);
	random_bytes(id, RECORD_ID);
	fmt_init(&f, report.id, sizeof(report.id));
	trace_id(&f, id);
	p->id = fmt_done(&f);
	fmt_init(&f, report.text, sizeof(report.text));
	trace_message_id(&f, p->id, hostname);
	p->message_id = fmt_done(&f);
	if (!clock_unset())
		date_rfc5322(&f, loop_wall());
	p->date = bytes_skip(fmt_done(&f), p->message_id.n);
	at = f.n;
	if (d->tee.info.flags & RECORD_CLOCK_SET)
		date_rfc5322(&f, d->tee.info.came);
	p->arrival = bytes_skip(fmt_done(&f), at);
	p->from = header.header_from;
	p->hostname = hostname;
	p->mail_id = bytes_of(d->id);
	p->utf8 = d->tee.info.flags & RECORD_UTF8;
}

/* ---- one after the other ---- */

static void start(void);

/* The first has had its turn. */
static void next(void)
{
	struct delivery *d = report.first;

	report.first = d->next_report;
	report.under_way = false;
	if (report.first)
		wake();
}

static void done(bool ok)
{
	struct delivery *d = report.first;

	envelope_free(&report.envelope);
	next();
	delivery_reported(d, ok);
}

static bool fill_envelope(void)
{
	if (!envelope_sender(&report.envelope, (struct bytes){ 0 }) ||
	    envelope_add(&report.envelope, report.params.to) == ENVELOPE_NONE)
		return false;
	envelope_change(&report.envelope, RCPT_NEW, RCPT_KEPT);
	return true;
}

static void start(void)
{
	struct delivery *d = report.first;
	uint8_t id[RECORD_ID];
	struct tee_mail m = { .id = id, .peer = BYTES("report"), .envelope = &report.envelope };
	const char *none;

	report.under_way = true;
	envelope_init(&report.envelope, delivery_arena());
	report.whole = report.committing = false;
	set_params(d, id);
	none = why_none(d);
	if (none) {
		say(d, "none", none);
		done(true);
		return;
	}
	if (!fill_envelope()) {
		done(false);
		return;
	}
	m.binding = conf_binding_name(delivery_conf(), d->binding);
	m.flags = RECORD_REPORT | (dsn_needs_utf8(&report.params) ? RECORD_UTF8 : 0) |
		  (clock_unset() ? 0 : RECORD_CLOCK_SET);
	dsn_init(&report.dsn, &report.params);
	buf_init(&report.out, report.mem, sizeof(report.mem));
	delivery_read_again(d);
	tee_open(&report.tee, &m, tee_wakes);
}

/* ---- composing ---- */

/* The next recipient that was given up. */
static void give_rcpt(const struct delivery *d)
{
	struct delivery_words *w = &report.words;
	struct dsn_rcpt r = { 0 };

	if (report.dsn.rcpt == 0)
		envelope_first(&d->envelope, &report.rcpt, report.path);
	do {
		if (!envelope_next(&d->envelope, &report.rcpt)) {
			dsn_rcpt(&report.dsn, NULL);
			return;
		}
	} while (report.rcpt.verdict != RCPT_REFUSED);
	delivery_get_words(d, report.rcpt.index, w);
	r.path = report.rcpt.path;
	r.code = w->reply.code;
	r.enhanced = bytes_of(w->reply.enhanced);
	r.text = (struct bytes){ (const uint8_t *)w->reply.text, w->reply.n };
	r.remote = bytes_of(w->remote);
	r.expired = w->expired;
	dsn_rcpt(&report.dsn, &r);
}

/* The next of the mail's content; false: it has not come yet. */
static bool give_header(struct delivery *d)
{
	struct bytes what;

	for (;;) {
		switch (delivery_read(d, &what)) {
		case RECORD_MORE:
			return false;
		case RECORD_INFO:
		case RECORD_PEER:
		case RECORD_BINDING:
		case RECORD_SENDER:
		case RECORD_RCPT:
		case RECORD_MARKS:
			continue;
		case RECORD_CONTENT:
			dsn_header(&report.dsn, what);
			return true;
		case RECORD_END:
		case RECORD_TORN:
		case RECORD_FOREIGN:
		case RECORD_NEWER:
			dsn_header(&report.dsn, (struct bytes){ 0 });
			return true;
		}
	}
}

static void drain(void)
{
	for (;;) {
		size_t room = buf_used(&report.out) ? tee_room(&report.tee) : 0;
		struct bytes x = bytes_first(buf_peek(&report.out), room);

		if (!x.n)
			return;
		tee_put(&report.tee, x);
		buf_drop(&report.out, x.n);
	}
}

/* As far as it goes now. */
static void compose(struct delivery *d)
{
	bool waits = false;

	while (!waits && !report.whole) {
		enum dsn_event ev = dsn_step(&report.dsn, &report.out);

		if (ev == DSN_RCPT)
			give_rcpt(d);
		else if (ev == DSN_HEADER)
			waits = !give_header(d);
		else if (ev == DSN_END)
			report.whole = true;
		drain();
		if (ev == DSN_FULL)
			waits = buf_room(&report.out) < DSN_ROOM;
	}
	drain();
	if (report.whole && !report.committing && !buf_used(&report.out)) {
		report.committing = true;
		tee_commit(&report.tee, NULL, 0);
	}
}

static void run(struct loop_task *t)
{
	struct bytes got;

	(void)t;
	if (!report.first)
		return;
	if (!report.under_way) {
		/* One whose file is lost has a turn of its own, which ends in report_stop. */
		if (report.first->tee.state == TEE_SAFE)
			start();
		return;
	}
	switch (tee_step(&report.tee, &got)) {
	case TEE_NOTHING:
	case TEE_OPENED:
	case TEE_READ:
	case TEE_ENDED:
		break;
	case TEE_COMMITTED:
		tee_release(&report.tee, 0);
		say(report.first, report.id, NULL);
		done(true);
		return;
	case TEE_REFUSED:
	case TEE_LOST:
	case TEE_UNSAFE:
	case TEE_TORN:
		tee_read_stop(&report.first->tee);
		done(false);
		return;
	}
	if (!report.committing)
		compose(report.first);
}

void report_step(struct delivery *d)
{
	if (d == report.first && report.under_way)
		wake();
}

void report_begin(struct delivery *d)
{
	struct delivery **at = &report.first;

	d->next_report = NULL;
	while (*at)
		at = &(*at)->next_report;
	*at = d;
	wake();
}

void report_stop(struct delivery *d)
{
	struct delivery **at = &report.first;

	if (d == report.first && report.under_way) {
		tee_drop(&report.tee);
		envelope_free(&report.envelope);
		next();
		return;
	}
	while (*at && *at != d)
		at = &(*at)->next_report;
	if (!*at)
		return;
	*at = d->next_report;
	if (report.first)
		wake();
}
