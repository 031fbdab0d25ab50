/* SPDX-License-Identifier: ISC */
#include "run/tee_part.h"

#include "base/bug.h"

#include <string.h>

#define TICK_MS 500u

struct tee_all tee_all;

/* ---- telling owners ---- */

static void unlink_stirred(struct tee *t)
{
	struct tee **link = &tee_all.first;

	if (!t->stirred)
		return;
	while (*link != t)
		link = &(*link)->next;
	*link = t->next;
	if (!t->next)
		tee_all.last = link;
	t->stirred = false;
}

static void wake_owners(struct loop_task *task)
{
	unsigned n = 0;

	(void)task;
	tee_order_looks();
	for (const struct tee *t = tee_all.first; t; t = t->next)
		n++;
	/* Those that are stirred meanwhile have their turn in the next one. */
	for (; n > 0 && tee_all.first; n--) {
		struct tee *t = tee_all.first;

		unlink_stirred(t);
		t->wake(t);
	}
	if (tee_all.changed && tee_all.watcher) {
		tee_all.changed = false;
		tee_all.watcher();
	}
}

void tee_stir(struct tee *t, enum tee_event event)
{
	if (t) {
		if (event != TEE_NOTHING)
			t->events |= TEE_EVENT(event);
		if (!t->stirred) {
			t->stirred = true;
			t->next = NULL;
			*tee_all.last = t;
			tee_all.last = &t->next;
		}
	}
	loop_at_end(&tee_all.stir, wake_owners);
}

/* ---- what takes too long ---- */

static void look_at_time(struct deadline *d)
{
	bool again = false;

	(void)d;
	for (uint32_t i = 0; i < tee_all.fresh; i++) {
		struct tee_job *j = &tee_all.job[i];

		if (!j->used || j->ended || !j->owner)
			continue;
		if (!tee_is_hopeful())
			tee_fail(j, SPOOL_BROKEN, PHRASE("the spool's disk process ended"));
		else if (j->wants && !j->reading && loop_now() - j->since >= TEE_PATIENCE_MS)
			tee_fail(j, SPOOL_BROKEN, PHRASE("the spool's disk is too slow"));
		else if (j->asked && loop_now() - j->asked >= TEE_COMMIT_MS)
			tee_fail(j, SPOOL_BROKEN, PHRASE("the spool's disk does not answer"));
		else
			again = again || j->wants || j->asked || !tee_all.up;
	}
	if (again)
		loop_after(&tee_all.tick, TICK_MS, look_at_time);
}

static void watch_time(const struct tee_job *j)
{
	if ((j->wants || j->asked || !tee_all.up) && !timer_is_set(&tee_all.tick.timer))
		loop_after(&tee_all.tick, TICK_MS, look_at_time);
}

/* ---- answers ---- */

static const char *words(enum spool_status status)
{
	switch (status) {
	case SPOOL_FULL:
		return PHRASE("the spool is full");
	case SPOOL_WORN:
		return PHRASE("Spool_Write_Limit is reached");
	case SPOOL_ABSENT:
		return PHRASE("there is no such mail in the spool");
	case SPOOL_TORN:
		return PHRASE("the file is torn");
	case SPOOL_OK:
	case SPOOL_BROKEN:
		break;
	}
	return PHRASE("the spool's disk fails");
}

void tee_fail(struct tee_job *j, enum spool_status status, const char *why)
{
	struct tee *t = j->owner;
	enum tee_event event = TEE_LOST;

	if (t) {
		t->no_room = status == SPOOL_FULL || status == SPOOL_WORN;
		t->why = why ? why : words(status);
		if (status == SPOOL_TORN)
			event = TEE_TORN;
		else if (t->state == TEE_OPENING)
			event = TEE_REFUSED;
		else if (t->state == TEE_COMMITTING)
			event = TEE_UNSAFE;
		t->state = TEE_BROKEN;
		t->events = 0;
		tee_stir(t, event);
	}
	/* What was safe once is not ours to remove. */
	tee_job_end(j, j->safe ? DISK_RELEASE : DISK_DROP);
	j->reading = false;
	j->asked = 0;
	tee_job_unwant(j);
}

static void on_entry(struct tee_job *j, const struct disk_message *m)
{
	struct tee *t = j->owner;

	t->wait_ms = m->wait_ms;
	if (m->status != SPOOL_OK) {
		j->begun = false; /* nothing to be given back */
		t->held = m->held != 0;
		t->absent = m->status == SPOOL_ABSENT && !t->held;
		tee_fail(j, (enum spool_status)m->status,
		    m->held ? PHRASE("the mail is being delivered") : NULL);
		return;
	}
	memcpy(t->id, m->id, RECORD_ID);
	t->info = m->info;
	j->record.info = m->info;
	t->tries = m->tries;
	t->gateway = m->gateway;
	t->since = m->since;
	t->taken = m->taken;
	t->state = TEE_SAFE;
	tee_stir(t, TEE_OPENED);
}

static void on_commit(struct tee_job *j, const struct disk_message *m)
{
	struct tee *t = j->owner;

	j->asked = 0;
	if (m->status == SPOOL_OK) {
		t->state = TEE_SAFE;
		t->info = m->info;
		j->safe = true;
		tee_stir(t, TEE_COMMITTED);
	} else if (j->marking) {
		t->state = TEE_SAFE;
		t->why = words((enum spool_status)m->status);
		tee_stir(t, TEE_UNSAFE);
	} else {
		tee_fail(j, (enum spool_status)m->status, NULL);
	}
	j->marking = false;
}

static void on_read(struct tee_job *j, const struct disk_message *m)
{
	j->under_way = false;
	if (!j->reading)
		return;
	if (j->stale) {
		j->stale = false;
		tee_job_advance(j);
	} else if (m->status != SPOOL_OK || m->octets > DISK_BLOCK) {
		tee_fail(j, SPOOL_BROKEN, NULL);
	} else if (m->octets == 0) {
		j->reading = false;
		tee_job_unblock(j);
		tee_stir(j->owner, TEE_ENDED);
	} else {
		j->ready = true;
		j->got = m->octets;
		tee_stir(j->owner, TEE_READ);
	}
}

void tee_answered(struct tee_job *j, const struct disk_message *m)
{
	switch ((enum disk_op)m->op) {
	case DISK_NEXT:
	case DISK_OPEN:
		on_entry(j, m);
		break;
	case DISK_COMMIT:
		on_commit(j, m);
		break;
	case DISK_READ:
		on_read(j, m);
		break;
	case DISK_BEGIN:
	case DISK_WRITE:
	case DISK_BODY:
		if (m->status != SPOOL_OK) {
			tee_fail(j, (enum spool_status)m->status, NULL);
		} else if (m->op == DISK_BODY && j->owner->state == TEE_OPENING) {
			j->owner->state = TEE_OPEN;
			tee_stir(j->owner, TEE_OPENED);
		}
		break;
	case DISK_HELLO:
	case DISK_DROP:
	case DISK_RELEASE:
	case DISK_BURY:
	case DISK_WAKE:
	case DISK_STATE:
	case DISK_LIST:
	case DISK_OPS:
		break;
	}
}

/* ---- what the owner asks ---- */

const struct disk_state *tee_spool(uint64_t *at)
{
	*at = tee_all.state_at;
	return &tee_all.state;
}

void tee_when_changed(void (*fn)(void))
{
	tee_all.watcher = fn;
}

bool tee_can(bool *no_room, const char **why)
{
	const struct disk_state *s = &tee_all.state;

	*no_room = tee_is_hopeful() && (s->full || s->worn);
	*why = "";
	if (tee_is_hopeful() && s->usable)
		return true;
	*why = tee_is_hopeful() && s->why[0] ? s->why : "the spool is not ready";
	return false;
}

/* A new job in t; without one it is refused. */
static struct tee_job *begin(struct tee *t, void (*wake)(struct tee *t))
{
	struct tee_job *j = NULL;
	bool ready = tee_is_hopeful();

	if (t->state != TEE_NONE && t->state != TEE_BROKEN)
		gp_bug("tee: in use");
	if (t->job)
		tee_job_leave(t->job);
	unlink_stirred(t);
	memset(t, 0, sizeof(*t));
	t->wake = wake;
	t->wait_ms = UINT64_MAX;
	if (ready)
		j = tee_job_take(t);
	if (j) {
		t->state = TEE_OPENING;
		return j;
	}
	t->state = TEE_BROKEN;
	t->why = ready ? PHRASE("too much goes to the spool at the same time")
		       : PHRASE("the spool is not ready");
	tee_stir(t, TEE_REFUSED);
	return NULL;
}

static uint16_t keep_text(struct tee_job *j, size_t *at, struct bytes x, size_t max)
{
	x = bytes_first(x, max);
	if (x.n > 0)
		memcpy(j->text + *at, x.p, x.n);
	*at += x.n;
	return (uint16_t)x.n;
}

void tee_open(struct tee *t, const struct tee_mail *m, void (*wake)(struct tee *t))
{
	struct tee_job *j = begin(t, wake);
	size_t at = 0;

	if (!j)
		return;
	memcpy(t->id, m->id, RECORD_ID);
	memcpy(j->record.info.id, m->id, RECORD_ID);
	j->flags = m->flags;
	j->came = (uint32_t)loop_wall();
	j->lazy = m->lazy;
	j->envelope = m->envelope;
	j->peer_n = keep_text(j, &at, m->peer, RECORD_NAME);
	j->binding_n = keep_text(j, &at, m->binding, RECORD_NAME);
	j->first_n = keep_text(j, &at, m->first, TRACE_RECEIVED_SIZE);
	tee_job_advance(j);
	watch_time(j);
}

void tee_hurry(struct tee *t)
{
	struct tee_job *j = t->job;

	if (!j || j->ended || !j->lazy)
		return;
	j->lazy = false;
	tee_job_flush(j);
}

/* Does the disk take content for it? */
static bool takes(const struct tee *t)
{
	return (t->state == TEE_OPENING || t->state == TEE_OPEN) && t->job && !t->job->safe;
}

size_t tee_room(struct tee *t)
{
	struct tee_job *j = t->job;

	if (!takes(t))
		return 0;
	if (j->front != TEE_FRONT_DONE || !tee_job_block(j)) {
		watch_time(j);
		return 0;
	}
	return DISK_BLOCK - j->filled;
}

void tee_put(struct tee *t, struct bytes x)
{
	struct tee_job *j = t->job;

	if (x.n == 0)
		return;
	if (x.n > tee_room(t))
		gp_bug("tee: more than there is room for");
	memcpy(tee_block_at(j->block) + j->filled, x.p, x.n);
	j->filled += (uint32_t)x.n;
	if (j->filled == DISK_BLOCK)
		tee_job_full(j);
}

static void keep_marks(struct tee_job *j, const uint8_t *mark, uint32_t n)
{
	static const char order[] = { RECORD_NEW, RECORD_TAKEN, RECORD_REFUSED, RECORD_FAILED,
		RECORD_REPORTED };

	for (uint32_t i = 0; i < n; i++) {
		const char *found = memchr(order, mark[i], sizeof(order));
		unsigned shift = 4 * (i % 2);

		if (!found)
			gp_bug("tee: no such mark");
		j->marks[i / 2] = (uint8_t)((j->marks[i / 2] & ~(15u << shift)) |
					    (unsigned)(found - order) << shift);
	}
	j->marks_n = n;
}

static bool all_new(const uint8_t *mark, uint32_t n)
{
	while (n > 0 && mark[n - 1] == RECORD_NEW)
		n--;
	return n == 0;
}

/* It broke before its owner could hear of it: this is what it hears. */
static void fails_again(struct tee *t, enum tee_event event)
{
	t->events = 0;
	tee_stir(t, event);
}

void tee_commit(struct tee *t, const uint8_t *mark, uint32_t n)
{
	struct tee_job *j = t->job;

	if (t->state == TEE_BROKEN) {
		fails_again(t, TEE_UNSAFE);
		return;
	}
	if (!j || (!takes(t) && t->state != TEE_SAFE) || n > CONFIG_RECIPIENTS_MAX)
		gp_bug("tee: nothing to commit");
	j->marking = t->state == TEE_SAFE;
	if (!j->marking && all_new(mark, n))
		n = 0;
	if (j->marking)
		tee_read_stop(t);
	keep_marks(j, mark, n);
	t->state = TEE_COMMITTING;
	t->events &= (uint8_t)~TEE_EVENT(TEE_OPENED);
	j->commit_due = true;
	j->asked = loop_now();
	tee_job_advance(j);
	watch_time(j);
}

/* Nothing is heard of it any more. */
static void leave(struct tee *t, enum disk_op op)
{
	if (t->job) {
		tee_job_end(t->job, op);
		tee_job_leave(t->job);
	}
	unlink_stirred(t);
	t->state = TEE_NONE;
	t->events = 0;
}

void tee_drop(struct tee *t)
{
	bool looking = t->job && t->job->safe && t->state == TEE_OPENING;

	leave(t, looking ? DISK_RELEASE : DISK_DROP);
}

void tee_release(struct tee *t, uint64_t wait_ms)
{
	struct tee_job *j = t->job;

	if (t->state != TEE_SAFE && t->state != TEE_BROKEN)
		gp_bug("tee: not an entry of the queue");
	if (j && !j->ended) {
		struct tee_order *o = tee_order(DISK_RELEASE, j);

		o->tries = t->tries;
		o->gateway = t->gateway;
		o->wait_ms = wait_ms;
		o->same = false;
		j->ended = true;
	}
	leave(t, DISK_RELEASE);
}

void tee_bury(struct tee *t)
{
	leave(t, DISK_BURY);
}

void tee_move(struct tee *to, struct tee *from, void (*wake)(struct tee *t))
{
	bool stirred = from->stirred;

	if (to->state != TEE_NONE && to->state != TEE_BROKEN)
		gp_bug("tee: in use");
	if (to->job)
		tee_job_leave(to->job);
	unlink_stirred(to);
	unlink_stirred(from);
	*to = *from;
	to->wake = wake;
	if (to->job)
		to->job->owner = to;
	memset(from, 0, sizeof(*from));
	if (stirred)
		tee_stir(to, TEE_NOTHING);
}

static void look_for(struct tee *t, enum disk_op op, const uint8_t *id, void (*wake)(struct tee *t))
{
	struct tee_job *j = begin(t, wake);
	struct tee_order *o;

	if (!j)
		return;
	j->safe = true;
	j->front = TEE_FRONT_DONE;
	o = tee_order(op, j);
	watch_time(j);
	if (id)
		memcpy(o->id, id, RECORD_ID);
}

void tee_next(struct tee *t, void (*wake)(struct tee *t))
{
	look_for(t, DISK_NEXT, NULL, wake);
}

void tee_block(uint16_t gateway, bool blocked)
{
	uint8_t *octet = &tee_all.blocked[gateway / 8], bit = (uint8_t)(1u << gateway % 8);

	*octet = (uint8_t)(blocked ? *octet | bit : *octet & ~bit);
}

void tee_find(struct tee *t, const uint8_t id[RECORD_ID], void (*wake)(struct tee *t))
{
	look_for(t, DISK_OPEN, id, wake);
}

void tee_read(struct tee *t, uint64_t at)
{
	struct tee_job *j = t->job;

	if (t->state == TEE_BROKEN) {
		fails_again(t, TEE_LOST);
		return;
	}
	if (!j || t->state != TEE_SAFE || at > UINT32_MAX)
		gp_bug("tee: nothing to read");
	t->events &= (uint8_t) ~(TEE_EVENT(TEE_READ) | TEE_EVENT(TEE_ENDED));
	j->stale = j->under_way;
	j->ready = j->given = false;
	j->read_at = (uint32_t)at;
	j->reading = true;
	tee_job_advance(j);
}

void tee_read_stop(struct tee *t)
{
	struct tee_job *j = t->job;

	t->events &= (uint8_t) ~(TEE_EVENT(TEE_READ) | TEE_EVENT(TEE_ENDED));
	if (!j || !j->reading)
		return;
	j->reading = j->ready = j->given = false;
	tee_job_unwant(j);
	tee_job_unblock(j);
}

/* What was given is used up. */
static void go_on(struct tee_job *j)
{
	if (!j->given)
		return;
	j->given = false;
	j->read_at += j->got;
	tee_job_advance(j);
}

enum tee_event tee_step(struct tee *t, struct bytes *got)
{
	static const uint8_t order[] = { TEE_TORN, TEE_LOST, TEE_REFUSED, TEE_UNSAFE, TEE_OPENED,
		TEE_COMMITTED, TEE_READ, TEE_ENDED };
	struct tee_job *j = t->job;

	*got = (struct bytes){ 0 };
	if (j)
		go_on(j);
	for (unsigned i = 0; i < sizeof(order); i++) {
		if (!(t->events & TEE_EVENT(order[i])))
			continue;
		t->events &= (uint8_t)~TEE_EVENT(order[i]);
		if (order[i] == TEE_READ) {
			j->ready = false;
			j->given = true;
			*got = (struct bytes){ tee_block_at(j->block), j->got };
		}
		if (t->state == TEE_BROKEN && j)
			tee_job_leave(j);
		return (enum tee_event)order[i];
	}
	return TEE_NOTHING;
}
