/* SPDX-License-Identifier: ISC */
#include "run/parted.h"

#include "io/log.h"
#include "mail/trace.h"
#include "run/deliver_log.h"
#include "run/inbound.h"

#include <string.h>

struct parted {
	bool used;
	bool failed; /* refused: its marks say so, or soon will */
	struct net net;
	struct leg leg;
	struct tee tee;
	struct envelope envelope;
	const struct reply *last; /* valid within one event */
	uint64_t began;
	char id[TRACE_ID + 1];
};

static struct parted objects[CONFIG_DETACHED];
static unsigned count;

static struct parted *unused(void)
{
	for (unsigned i = 0; i < CONFIG_DETACHED; i++)
		if (!objects[i].used)
			return &objects[i];
	return NULL;
}

bool parted_has_room(void)
{
	return count < CONFIG_DETACHED;
}

unsigned parted_count(void)
{
	return count;
}

static void mark_all(struct parted *p, enum envelope_verdict verdict)
{
	envelope_change(&p->envelope, RCPT_ACCEPTED, verdict);
}

/* accepted: the mark of those that the gateway accepted. */
static void commit(struct parted *p, enum record_mark accepted)
{
	static uint8_t marks[CONFIG_RECIPIENTS_MAX];
	struct envelope_cursor cur;
	uint32_t n = 0;

	envelope_first(&p->envelope, &cur, NULL);
	while (envelope_next(&p->envelope, &cur)) {
		if (!tee_has(cur.verdict))
			continue;
		marks[n++] = (uint8_t)(cur.verdict == RCPT_TAKEN      ? RECORD_TAKEN
				       : cur.verdict == RCPT_ACCEPTED ? accepted
								      : RECORD_NEW);
	}
	tee_commit(&p->tee, marks, n);
}

static void release(struct parted *p, bool later)
{
	p->tee.tries = 1;
	tee_release(&p->tee, later ? (uint64_t)p->leg.sending.retry_interval * 1000 : 0);
}

static void over(struct parted *p)
{
	envelope_free(&p->envelope);
	p->used = false;
	count--;
}

static uint32_t first_accepted(const struct parted *p)
{
	struct envelope_cursor cur;

	envelope_first(&p->envelope, &cur, NULL);
	while (envelope_next(&p->envelope, &cur))
		if (cur.verdict == RCPT_ACCEPTED)
			break;
	return cur.index;
}

static void log_end(struct parted *p, enum delivery_status status)
{
	static char text[LOG_LINE / 4];
	struct delivery_line line = {
		.id = p->id,
		.envelope = &p->envelope,
		.first = first_accepted(p),
		.recipients = envelope_count_of(&p->envelope, RCPT_ACCEPTED),
		.leg = &p->leg,
		.delay_ms = loop_now() - p->began,
		.tries = 1,
		.status = status,
	};
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	if (p->last)
		reply_line(&f, p->last);
	else
		fmt_str(&f, p->leg.why);
	line.reply = fmt_done(&f);
	delivery_log(&line);
}

static void perform(struct parted *p, unsigned action)
{
	switch (action) {
	case TXN_LEG_KEEP:
		leg_keep(&p->leg);
		break;
	case TXN_LEG_RESET:
		leg_reset(&p->leg);
		break;
	case TXN_LEG_CUT:
		leg_cut(&p->leg);
		break;
	case TXN_OVER:
		if (!p->failed)
			over(p);
		break;
	case NET_COMMIT:
		commit(p, RECORD_NEW);
		break;
	case NET_DROP:
		tee_drop(&p->tee);
		break;
	case NET_RELEASE:
	case NET_RELEASE_LATER:
		release(p, action == NET_RELEASE_LATER);
		break;
	case NET_REPORT:
		p->failed = true;
		commit(p, RECORD_FAILED);
		break;
	case NET_KEEP_ALL:
		mark_all(p, RCPT_KEPT);
		break;
	case NET_TAKEN:
		mark_all(p, RCPT_TAKEN);
		break;
	default: /* there is nobody to say anything to */
		break;
	}
}

static void event(struct parted *p, unsigned what)
{
	struct net_do due;

	net_on(&p->net, what, 0, &due);
	for (unsigned i = 0; i < due.n; i++)
		perform(p, due.action[i]);
}

static bool step_leg(struct parted *p)
{
	enum client_command command;
	enum leg_event ev;

	if (p->failed || !net_has_leg(&p->net))
		return false;
	ev = leg_step(&p->leg, &command);
	p->last = ev == LEG_OK || ev == LEG_DEFER || ev == LEG_REJECT || ev == LEG_EARLY
		      ? leg_reply(&p->leg)
		      : NULL;
	switch (ev) {
	case LEG_NOTHING:
	case LEG_STANDS:
		return false;
	case LEG_OK:
		leg_delivered(&p->leg);
		log_end(p, DELIVERY_SENT);
		event(p, TXN_OK);
		break;
	case LEG_DEFER:
	case LEG_REJECT:
	case LEG_EARLY:
		log_end(p, p->last->code < 500 ? DELIVERY_DEFERRED : DELIVERY_BOUNCED);
		if (p->last->code >= 500)
			delivery_note(p->tee.id, p->leg.gateway, p->last);
		event(p, p->last->code < 500 ? TXN_DEFER : TXN_REJECT);
		break;
	case LEG_FAILS:
		log_end(p, DELIVERY_DEFERRED);
		event(p, TXN_FAIL);
		break;
	}
	return true;
}

static bool step_tee(struct parted *p)
{
	struct bytes got;
	enum tee_event ev = tee_step(&p->tee, &got);

	if (ev == TEE_NOTHING)
		return false;
	if (p->failed) {
		release(p, ev != TEE_COMMITTED);
		over(p);
	} else {
		event(p, ev == TEE_COMMITTED ? NET_SAFE : NET_UNSAFE);
	}
	return p->used;
}

static void run(struct parted *p)
{
	bool moved = true;

	while (moved && p->used) {
		moved = step_leg(p);
		moved = (p->used && step_tee(p)) || moved;
	}
	if (p->used && !p->failed && net_has_leg(&p->net))
		(void)leg_flush(&p->leg);
}

static void leg_wakes(struct leg *l)
{
	run(LOOP_OWNER(struct parted, leg, l));
}

static void tee_wakes(struct tee *t)
{
	run(LOOP_OWNER(struct parted, tee, t));
}

void parted_take(
    struct net *net, struct leg *leg, struct tee *tee, struct envelope *envelope, const char *id)
{
	struct parted *p = unused();
	struct fmt f;

	count++;
	p->used = true;
	p->failed = false;
	p->net = *net;
	net_init(net, (enum net_mode)net->mode);
	leg_move(&p->leg, leg, leg_wakes);
	tee_move(&p->tee, tee, tee_wakes);
	p->envelope = *envelope;
	envelope_init(envelope, envelope->arena);
	p->began = loop_now();
	fmt_init(&f, p->id, sizeof(p->id));
	fmt_str(&f, id);
	(void)leg_flush(&p->leg);
}

void parted_give_up(void)
{
	for (unsigned i = 0; i < CONFIG_DETACHED; i++) {
		struct parted *p = &objects[i];

		if (!p->used || p->failed || !net_has_leg(&p->net))
			continue;
		leg_impatient(&p->leg);
		p->last = NULL;
		log_end(p, DELIVERY_DEFERRED);
		event(p, TXN_FAIL);
	}
}
