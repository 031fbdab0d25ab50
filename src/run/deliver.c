/* SPDX-License-Identifier: ISC */
/* Which mail of the spool is delivered now, and what becomes of it. */
#include "run/deliver.h"

#include "base/bug.h"
#include "io/log.h"
#include "io/random.h"
#include "relay/retry.h"
#include "run/deliver_part.h"
#include "run/inbound.h"

#include <string.h>

#define HELD_MS    600000u /* between two looks at what waits for a gateway */
#define CROWDED_MS 1000u   /* memory is short: try again after so long */
#define LOOK_MS    60000u  /* the longest without a look at the queue */
#define UNSURE_MS  10000u  /* between two attempts to write marks */

static const struct conf *conf;
static struct delivery objects[CONFIG_DELIVERIES];
static struct loop_task kick;
static struct deadline again, unsure;
static unsigned count, seeking;
static bool draining, unsure_told;

static void seek(struct loop_task *t);

struct delivery *delivery_at(unsigned i)
{
	return i < CONFIG_DELIVERIES ? &objects[i] : NULL;
}

struct blk_arena *delivery_arena(void)
{
	return &inbound_env.envelopes;
}

const struct conf *delivery_conf(void)
{
	return conf;
}

static bool crowded(void)
{
	const struct blk_arena *a = delivery_arena();

	return a->used > a->count / 4 * 3;
}

static void seek_soon(void)
{
	loop_at_end(&kick, seek);
}

static void on_again(struct deadline *d)
{
	(void)d;
	seek_soon();
}

void delivery_look_in(uint64_t ms)
{
	uint64_t at = ms < UINT64_MAX / 2 ? loop_now() + ms : TIMER_NEVER;

	if (at != TIMER_NEVER && (!timer_is_set(&again.timer) || at < again.timer.when))
		loop_deadline(&again, at, on_again);
}

static void give_back(struct delivery *d)
{
	leg_cut(&d->leg);
	envelope_free(&d->envelope);
	blk_free(delivery_arena(), &d->words);
	d->state = DELIVER_FREE;
	count--;
	seek_soon();
}

/* ---- the end ---- */

void delivery_torn(struct delivery *d)
{
	log_add(LOG_LEVEL_ERROR,
	    "spool event=torn id=%s reason=\"its file is not what was written\"", d->id);
	tee_bury(&d->tee);
	give_back(d);
}

static void release(struct delivery *d, uint64_t wait_ms)
{
	tee_release(&d->tee, wait_ms);
	give_back(d);
}

/* What is left of the mail goes back to the queue. */
static void put_back(struct delivery *d)
{
	uint64_t wait = d->wait_ms;

	if (draining)
		d->tee.gateway = 0; /* means nothing to the next engine */
	if (envelope_count_of(&d->envelope, RCPT_NEW) || wait == UINT64_MAX)
		wait = 0;
	release(d, wait);
}

static void write_marks(struct delivery *d, enum deliver_state state)
{
	static uint8_t marks[CONFIG_RECIPIENTS_MAX];
	struct envelope_cursor cur;
	uint32_t n = 0;

	envelope_first(&d->envelope, &cur, NULL);
	while (envelope_next(&d->envelope, &cur) && n < CONFIG_RECIPIENTS_MAX)
		marks[n++] = (uint8_t)(cur.verdict == RCPT_TAKEN     ? RECORD_TAKEN
				       : cur.verdict == RCPT_REFUSED ? RECORD_FAILED
				       : cur.verdict == RCPT_KEPT    ? RECORD_REPORTED
								     : RECORD_NEW);
	d->state = (uint8_t)state;
	d->dirty = false;
	tee_commit(&d->tee, marks, n);
}

static void end(struct delivery *d)
{
	uint32_t open = envelope_count_of(&d->envelope, RCPT_NEW) +
			envelope_count_of(&d->envelope, RCPT_DEFERRED) +
			envelope_count_of(&d->envelope, RCPT_REFUSED);

	if (open == 0) {
		delivery_forget(d->tee.id);
		tee_drop(&d->tee);
		give_back(d);
	} else if (d->dirty) {
		write_marks(d, DELIVER_LAST);
	} else {
		put_back(d);
	}
}

static void retry_options_of(const struct conf_sending *s, struct retry_options *o)
{
	o->interval_s = s->retry_interval;
	o->interval_max_s = s->max_retry_interval;
	o->expiration_s = s->message_expiration;
}

static void stay(struct delivery *d, const struct conf_sending *s)
{
	struct retry_options o;
	uint32_t random;
	uint64_t wait;

	retry_options_of(s, &o);
	random_bytes(&random, sizeof(random));
	wait = (uint64_t)retry_wait_s(&o, d->tee.tries, random) * 1000;
	d->wait_ms = wait < d->wait_ms ? wait : d->wait_ms;
}

/* Is it older than so many times Message_Expiration? */
static bool is_expired(const struct delivery *d, unsigned times)
{
	struct retry_options o;

	retry_options_of(&d->key, &o);
	o.expiration_s = o.expiration_s > UINT32_MAX / times ? UINT32_MAX : o.expiration_s * times;
	return retry_is_expired(&o, d->tee.since, d->tee.taken, (uint32_t)(loop_now() / 1000));
}

/* A report that cannot be stored is given up after twice that. */
void delivery_reported(struct delivery *d, bool ok)
{
	if (ok || is_expired(d, 2)) {
		delivery_change(d, RCPT_REFUSED, RCPT_KEPT);
		d->dirty = true;
	} else {
		stay(d, &d->key);
	}
	end(d);
}

/* ---- passes ---- */

void delivery_judge(struct delivery *d)
{
	struct gateway *g;
	bool down;

	if (!is_expired(d, 1)) {
		stay(d, &d->key);
		if (d->key.routes && delivery_must_wait(&d->key, &g, &down) && down)
			delivery_wait_for(d, g);
		return;
	}
	delivery_keep_words(d, DELIVERY_EVERY, &d->saved, true);
	delivery_change_key(d, RCPT_DEFERRED, RCPT_REFUSED);
	d->dirty = true;
}

static void finish(struct delivery *d)
{
	struct bytes path;

	if (!delivery_find(d, RCPT_REFUSED, &path)) {
		end(d);
		return;
	}
	delivery_sending(d, path, &d->key);
	d->state = DELIVER_REPORT;
	report_begin(d);
}

static void next_pass(struct delivery *d);

void delivery_sent(struct delivery *d)
{
	if (d->taken && envelope_count_of(&d->envelope, RCPT_NEW))
		write_marks(d, DELIVER_MARK); /* before the gateway hears of it again */
	else
		next_pass(d);
}

static void say_held_back(struct delivery *d, struct gateway *g, bool down)
{
	static char text[LEG_WHY];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	if (!d->key.routes) {
		fmt_add(&f, "no gateway is set for this recipient");
	} else {
		fmt_add(&f, "gateway ");
		gateway_print(&f, g);
		fmt_add(
		    &f, ": %s", down ? g->health.reason : PHRASE("all connections to it are busy"));
	}
	reply_set(&d->saved, 0, "", fmt_done(&f));
}

/* Until the next look at it: it may be too old by then, or others wait for its place. */
static uint64_t wait_held(const struct delivery *d)
{
	uint64_t most = (uint64_t)d->key.max_retry_interval * 1000;

	most = most < HELD_MS ? most : HELD_MS;
	return most < d->wait_ms ? most : d->wait_ms;
}

static void count_try(struct delivery *d)
{
	if (!d->tried)
		d->tee.tries += d->tee.tries < UINT16_MAX;
	d->tried = true;
}

static void log_held_back(
    const struct delivery *d, uint32_t recipients, enum delivery_status status)
{
	struct delivery_line line = {
		.id = d->id,
		.envelope = &d->envelope,
		.recipients = recipients,
		.leg = &d->leg,
		.tries = d->tee.tries,
		.status = (uint8_t)status,
		.reply = { (const uint8_t *)d->saved.text, d->saved.n },
	};

	delivery_log(&line);
}

/*
 * Nothing can be sent just now to those of d->key, for want of a gateway that is up or of a place
 * there (then they are not asked how old they are), or of any.
 */
static void hold_back(struct delivery *d, struct gateway *g, bool down)
{
	uint32_t failed = envelope_count_of(&d->envelope, RCPT_REFUSED);

	d->leg.gateway = g;
	say_held_back(d, g, down);
	delivery_change_key(d, RCPT_NEW, RCPT_DEFERRED);
	if (!g)
		count_try(d);
	if ((!g || down) && is_expired(d, 1)) {
		delivery_judge(d);
		failed = envelope_count_of(&d->envelope, RCPT_REFUSED) - failed;
		log_held_back(d, failed, DELIVERY_BOUNCED);
	} else if (g) {
		d->wait_ms = wait_held(d);
		delivery_wait_for(d, g);
	} else {
		stay(d, &d->key);
		log_held_back(d, envelope_count_of(&d->envelope, RCPT_DEFERRED), DELIVERY_DEFERRED);
	}
}

static void begin_pass(struct delivery *d)
{
	const struct num_rate *limit = &d->key.outbound_throttle_messages;

	count_try(d);
	d->rated = limit->count ? gateway_get(&d->key.routes->route[0], &d->key) : NULL;
	if (d->rated && !policy_rate_take(&d->rated->rate, limit, loop_now()))
		d->rated = NULL;
	delivery_send(d);
}

/* The next ones that can be tried now; else it ends. */
static void next_pass(struct delivery *d)
{
	struct bytes path;

	while (!draining && delivery_find(d, RCPT_NEW, &path)) {
		struct gateway *g = NULL;
		bool down = false;

		delivery_sending(d, path, &d->key);
		if (d->key.routes && !delivery_must_wait(&d->key, &g, &down)) {
			begin_pass(d);
			return;
		}
		hold_back(d, g, down);
	}
	finish(d);
}

/* ---- the envelope ---- */

static void step_front(struct delivery *d)
{
	switch (delivery_front(d)) {
	case DELIVERY_FRONT_MORE:
		break;
	case DELIVERY_FRONT_READ:
		next_pass(d);
		break;
	case DELIVERY_FRONT_CROWDED:
		delivery_look_in(CROWDED_MS);
		release(d, CROWDED_MS);
		break;
	case DELIVERY_FRONT_TORN:
		delivery_torn(d);
		break;
	}
}

static void begin_front(struct delivery *d)
{
	struct fmt f;

	d->state = DELIVER_FRONT;
	d->tee.gateway = 0;
	d->wait_ms = UINT64_MAX;
	fmt_init(&f, d->id, sizeof(d->id));
	trace_id(&f, d->tee.id);
	delivery_read_again(d);
}

/* ---- turns ---- */

static void step_seek(struct delivery *d)
{
	struct bytes got;
	uint64_t wait;

	switch (tee_step(&d->tee, &got)) {
	case TEE_OPENED:
		seeking--;
		if (draining) {
			release(d, 0);
			return;
		}
		begin_front(d);
		seek_soon();
		break;
	case TEE_REFUSED:
	case TEE_LOST:
	case TEE_TORN:
		wait = d->tee.wait_ms;
		seeking--;
		count--;
		d->state = DELIVER_FREE;
		delivery_look_in(wait < LOOK_MS ? wait : LOOK_MS);
		break;
	case TEE_NOTHING:
	case TEE_COMMITTED:
	case TEE_UNSAFE:
	case TEE_READ:
	case TEE_ENDED:
		break;
	}
}

static void mark_again(struct deadline *unused)
{
	(void)unused;
	for (unsigned i = 0; i < CONFIG_DELIVERIES; i++)
		if (objects[i].state == DELIVER_UNSURE)
			write_marks(&objects[i], DELIVER_LAST);
}

/*
 * Its file does not tell who has the mail, so it does not go back to the queue: those would get it
 * again. Nor are others begun while that is so.
 */
static void wait_unsure(struct delivery *d)
{
	if (!unsure_told)
		log_add(LOG_LEVEL_ERROR,
		    "spool event=unmarked id=%s reason=\"who has the mail cannot be written "
		    "down: no other mail is delivered from the spool until it is\"",
		    d->id);
	unsure_told = true;
	if (!timer_is_set(&unsure.timer))
		loop_after(&unsure, UNSURE_MS, mark_again);
	d->state = DELIVER_UNSURE;
}

static bool any_unsure(void)
{
	for (unsigned i = 0; i < CONFIG_DELIVERIES; i++)
		if (objects[i].state == DELIVER_UNSURE)
			return true;
	return false;
}

static void step_marks(struct delivery *d)
{
	struct bytes got;
	enum tee_event ev = tee_step(&d->tee, &got);

	if (ev == TEE_NOTHING)
		return;
	if (ev == TEE_UNSAFE && !draining && d->tee.state == TEE_SAFE) {
		wait_unsure(d);
		return;
	}
	unsure_told = false;
	if (ev == TEE_UNSAFE) /* nobody knows which are written */
		stay(d, &d->key);
	if (d->state == DELIVER_MARK && ev == TEE_COMMITTED)
		next_pass(d);
	else
		put_back(d);
}

/* The spool has lost the file, or it was set aside there. */
static void lost(struct delivery *d)
{
	if (d->state == DELIVER_SEND)
		delivery_send_stop(d);
	if (d->state == DELIVER_REPORT)
		report_stop(d);
	release(d, 0);
}

static void turn(struct loop_task *t)
{
	struct delivery *d = LOOP_OWNER(struct delivery, turn, t);

	if (d->state == DELIVER_FRONT)
		step_front(d);
	if (d->state == DELIVER_SEND && d->tee.state != TEE_BROKEN)
		while (delivery_send_step(d))
			;
	if (d->state == DELIVER_REPORT && d->tee.state != TEE_BROKEN)
		report_step(d);
	if (d->state == DELIVER_SEEK)
		step_seek(d);
	else if (d->state == DELIVER_MARK || d->state == DELIVER_LAST)
		step_marks(d);
	else if (d->state != DELIVER_FREE && d->tee.state == TEE_BROKEN)
		lost(d);
}

void delivery_wake(struct delivery *d)
{
	loop_at_end(&d->turn, turn);
}

static void tee_wakes(struct tee *t)
{
	delivery_wake(LOOP_OWNER(struct delivery, tee, t));
}

/* ---- all of them ---- */

/* Asks for an entry, if one could be delivered. */
static void seek(struct loop_task *t)
{
	struct delivery *d = objects;

	(void)t;
	delivery_unblock();
	if (draining || seeking || any_unsure() || count >= delivery_places())
		return;
	if (crowded()) {
		delivery_look_in(CROWDED_MS);
		return;
	}
	while (d->state != DELIVER_FREE)
		d++;
	envelope_init(&d->envelope, delivery_arena());
	blk_chain_init(&d->words);
	d->tried = d->dirty = d->own_sender = d->taken = d->ended = false;
	d->dotted = d->doubt = false;
	d->marks = 0;
	d->leg.gateway = NULL;
	d->leg.tls = d->leg.auth = NULL;
	d->saved.code = 0;
	d->state = DELIVER_SEEK;
	seeking++;
	count++;
	tee_next(&d->tee, tee_wakes);
}

void deliver_init(const struct engine_args *args)
{
	conf = args->conf;
	draining = conf->global.spool == CONF_SPOOL_OFF || conf->global.suspend_delivery;
	if (draining)
		return;
	tee_when_changed(seek_soon);
	seek_soon();
}

void deliver_wake(const struct gateway *g)
{
	(void)g;
	if (!draining)
		seek_soon();
}

unsigned deliver_under_way(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CONFIG_DELIVERIES; i++)
		n += objects[i].state > DELIVER_SEEK;
	return n;
}

unsigned deliver_count(void)
{
	return count;
}

/* The entry may have come, and not be seen yet: it is not ours to remove. */
static void stop_seeking(struct delivery *d)
{
	if (d->tee.state == TEE_OPENING) {
		tee_drop(&d->tee);
		give_back(d);
	} else {
		release(d, 0);
	}
}

enum { GIVE_UP_ENVELOPE, GIVE_UP_CONTENT, GIVE_UP_ALL };

static void give_up(unsigned how_far)
{
	for (unsigned i = 0; i < CONFIG_DELIVERIES; i++) {
		struct delivery *d = &objects[i];
		unsigned at = d->txn.phase == TXN_END_SENT ? GIVE_UP_ALL
			      : d->txn.phase == TXN_BODY   ? GIVE_UP_CONTENT
							   : GIVE_UP_ENVELOPE;

		if (d->state == DELIVER_SEEK) {
			seeking--;
			stop_seeking(d);
		} else if (d->state == DELIVER_FRONT) {
			release(d, 0);
		} else if (d->state == DELIVER_SEND && at <= how_far) {
			if (at == GIVE_UP_ALL)
				delivery_send_abandon(d);
			else
				delivery_send_stop(d);
			end(d);
		}
	}
}

void deliver_drain(void)
{
	draining = true;
	loop_deadline_clear(&again);
	loop_deadline_clear(&unsure);
	mark_again(NULL);
	give_up(GIVE_UP_ENVELOPE);
}

void deliver_give_up(bool all)
{
	give_up(all ? GIVE_UP_ALL : GIVE_UP_CONTENT);
}
