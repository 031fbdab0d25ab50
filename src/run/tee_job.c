/* SPDX-License-Identifier: ISC */
/* Jobs and blocks: what a file in use has under way. */
#include "run/tee_part.h"

#include "base/buf.h"
#include "base/bug.h"

#include <string.h>

#define READERS (DISK_BLOCKS / 2) /* blocks that may wait at gateways */
#define SPARE   (DISK_BLOCKS / 4) /* blocks that are free, or soon are, where that can be */

uint8_t *tee_block_at(uint16_t block)
{
	return tee_all.args.blocks + (size_t)block * DISK_BLOCK;
}

/* ---- blocks ---- */

static void hand_on(uint16_t block);

static uint32_t count_readers(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < tee_all.fresh; i++)
		n += tee_all.job[i].reading && tee_all.job[i].block != DISK_NOTHING;
	return n;
}

/* May it have one, if there is one? */
static bool may_have(const struct tee_job *j)
{
	return !j->reading || count_readers() < READERS;
}

static uint16_t find_free(void)
{
	const uint8_t *found = memchr(tee_all.uses, 0, DISK_BLOCKS);

	return found ? (uint16_t)(found - tee_all.uses) : DISK_NOTHING;
}

void tee_job_unwant(struct tee_job *j)
{
	tee_all.waiters -= j->wants;
	j->wants = false;
}

static void give(struct tee_job *j, uint16_t block)
{
	tee_all.uses[block] = 1;
	tee_job_unwant(j);
	if (j->full > 0) {
		tee_all.after[j->last] = block;
	} else {
		j->first = block;
		j->sent = 0;
	}
	j->block = j->last = block;
	j->filled = 0;
}

void tee_block_done(uint16_t block)
{
	if (tee_all.uses[block] == 0)
		return;
	tee_all.uses[block]--;
	if (tee_all.uses[block] == 0)
		hand_on(block);
}

static uint32_t count_blocks(const struct tee_job *j)
{
	return j->full + (j->block != DISK_NOTHING);
}

/* Octets in its blocks that were not ordered yet. */
static uint32_t count_octets(const struct tee_job *j)
{
	return count_blocks(j) == 0 ? 0 : j->full * DISK_BLOCK + j->filled - j->sent;
}

void tee_job_unblock(struct tee_job *j)
{
	uint32_t n = count_blocks(j);
	uint16_t block = j->first;

	j->block = DISK_NOTHING;
	j->full = j->filled = j->sent = 0;
	for (; n > 0; n--) {
		uint16_t next = tee_all.after[block];

		tee_block_done(block);
		block = next;
	}
}

/* `part` octets of its first block are the order's; is the block, too? */
static bool hand_over(struct tee_job *j, struct tee_order *o, uint32_t part)
{
	uint16_t block = j->first;

	o->octets += part;
	j->sent += part;
	if (j->sent < DISK_BLOCK) {
		tee_all.uses[block]++;
		return false;
	}
	j->first = tee_all.after[block];
	j->sent = 0;
	if (j->full > 0) {
		j->full--;
	} else {
		j->block = DISK_NOTHING;
		j->filled = 0;
	}
	return true;
}

/* Orders for the next n octets of its blocks. */
static void write_some(struct tee_job *j, uint32_t n)
{
	while (n > 0) {
		struct tee_order *o = tee_order(DISK_WRITE, j);

		o->block = j->first;
		o->at = j->sent;
		for (;;) {
			uint32_t part = DISK_BLOCK - j->sent < n ? DISK_BLOCK - j->sent : n;

			n -= part;
			if (!hand_over(j, o, part) || n == 0 || o->further == DISK_FURTHER)
				break;
			o->further++;
		}
	}
}

void tee_job_write(struct tee_job *j)
{
	uint32_t n = count_octets(j);

	if (n == 0)
		return;
	if (!j->begun)
		memcpy(tee_order(DISK_BEGIN, j)->id, j->record.info.id, RECORD_ID);
	if (!j->bodied) {
		uint32_t front = j->front_n < n ? j->front_n : n;

		write_some(j, front);
		j->front_n -= front;
		if (j->front_n > 0 || j->front < TEE_FRONT_FIRST)
			return;
		(void)tee_order(DISK_BODY, j);
		j->bodied = true;
		n -= front;
	}
	write_some(j, n);
}

void tee_job_flush(struct tee_job *j)
{
	tee_job_write(j);
	tee_job_unblock(j);
}

/* Blocks that are free, or come back soon by themselves. */
static uint32_t count_coming(void)
{
	uint32_t n = DISK_BLOCKS;

	for (uint32_t i = 0; i < tee_all.fresh; i++)
		n -= count_blocks(&tee_all.job[i]);
	return n;
}

/* The job that has collected most gives its blocks to the disk earlier than it would. */
static void press(uint32_t wanted)
{
	struct tee_job *best = NULL;

	if (wanted == 0 || count_coming() >= wanted)
		return;
	for (uint32_t i = 0; i < tee_all.fresh; i++) {
		struct tee_job *j = &tee_all.job[i];

		if (j->used && !j->ended && !j->reading && !j->commit_due && count_blocks(j) > 0 &&
		    j->front == TEE_FRONT_DONE && (!best || count_octets(j) > count_octets(best)))
			best = j;
	}
	if (best)
		tee_job_flush(best);
}

void tee_job_full(struct tee_job *j)
{
	if (!j->lazy) {
		tee_job_flush(j);
		return;
	}
	j->full++;
	j->block = DISK_NOTHING;
	j->filled = 0;
	press(SPARE);
}

/* A block is free: the one that has waited longest gets it. */
static void hand_on(uint16_t block)
{
	struct tee_job *best = NULL;

	for (uint32_t i = 0; tee_all.waiters > 0 && i < tee_all.fresh; i++) {
		struct tee_job *j = &tee_all.job[i];

		if (j->wants && (!best || j->since < best->since) && may_have(j))
			best = j;
	}
	if (!best)
		return;
	give(best, block);
	if (!best->asking) {
		tee_job_advance(best);
		if (best->owner)
			tee_stir(best->owner, TEE_NOTHING);
	}
	press(tee_all.waiters);
}

bool tee_job_block(struct tee_job *j)
{
	uint16_t block;

	if (j->block != DISK_NOTHING)
		return true;
	if (j->wants)
		return false;
	block = may_have(j) ? find_free() : DISK_NOTHING;
	if (block != DISK_NOTHING) {
		give(j, block);
		return true;
	}
	j->wants = j->asking = true;
	j->since = loop_now();
	tee_all.waiters++;
	press(tee_all.waiters);
	j->asking = false;
	return j->block != DISK_NOTHING;
}

/* ---- composing ---- */

static struct bytes text_of(const struct tee_job *j, size_t at, size_t n)
{
	return (struct bytes){ j->text + at, n };
}

/* Of the recipient that is written just now. */
static uint8_t rcpt_text[LIMIT_PATH];

static void compose_begin(struct tee_job *j, struct buf *out)
{
	struct record_mail m = {
		.flags = j->flags,
		.came = j->came,
		.peer = text_of(j, 0, j->peer_n),
		.binding = text_of(j, j->peer_n, j->binding_n),
	};
	static uint8_t path[LIMIT_PATH];

	memcpy(m.id, j->record.info.id, RECORD_ID);
	for (unsigned v = 0; v < RCPT_VERDICTS; v++)
		if (tee_has((enum envelope_verdict)v))
			m.recipients += envelope_count_of(j->envelope, (enum envelope_verdict)v);
	if (!envelope_get_sender(j->envelope, path, &m.sender))
		gp_bug("tee: a mail without a sender");
	if (!record_front(&j->record, &m, out))
		gp_bug("tee: no room in an empty block");
	envelope_first(j->envelope, &j->cursor, rcpt_text);
	j->front = TEE_FRONT_RCPTS;
}

/* False: the block is full. */
static bool compose_rcpts(struct tee_job *j, struct buf *out)
{
	for (;;) {
		struct envelope_cursor before = j->cursor;

		if (!envelope_next(j->envelope, &j->cursor))
			break;
		if (tee_has(j->cursor.verdict) && !record_rcpt(&j->record, j->cursor.path, out)) {
			j->cursor = before;
			return false;
		}
	}
	j->front = TEE_FRONT_MARKS;
	return true;
}

/* What comes before the content, as far as blocks allow. True: it is all there. */
static bool compose(struct tee_job *j)
{
	while (j->front < TEE_FRONT_FIRST) {
		struct buf out;
		bool done = true;

		if (!tee_job_block(j))
			return false;
		buf_init(&out, tee_block_at(j->block) + j->filled, DISK_BLOCK - j->filled);
		if (j->front == TEE_FRONT_BEGIN)
			compose_begin(j, &out);
		if (j->front == TEE_FRONT_RCPTS)
			done = compose_rcpts(j, &out);
		if (j->front == TEE_FRONT_MARKS) {
			done = record_marks(&j->record, &out);
			if (done)
				j->front = TEE_FRONT_FIRST;
		}
		j->filled += (uint32_t)buf_used(&out);
		j->front_n += (uint32_t)buf_used(&out);
		if (!done)
			tee_job_flush(j);
		else if (!j->lazy)
			tee_job_write(j);
	}
	while (j->front == TEE_FRONT_FIRST) {
		struct bytes first = text_of(j, (size_t)j->peer_n + j->binding_n, j->first_n);

		first = bytes_skip(first, j->first_at);
		if (first.n > 0 && !tee_job_block(j))
			return false;
		if (first.n > DISK_BLOCK - j->filled)
			first.n = DISK_BLOCK - j->filled;
		if (first.n > 0)
			memcpy(tee_block_at(j->block) + j->filled, first.p, first.n);
		j->filled += (uint32_t)first.n;
		j->first_at = (uint16_t)(j->first_at + first.n);
		if (j->first_at == j->first_n)
			j->front = TEE_FRONT_DONE;
		if (j->filled == DISK_BLOCK)
			tee_job_full(j);
	}
	return true;
}

/* ---- committing ---- */

static const char marks[] = { RECORD_NEW, RECORD_TAKEN, RECORD_REFUSED, RECORD_FAILED,
	RECORD_REPORTED };

static void put_marks(const struct tee_job *j, uint8_t *to)
{
	for (uint32_t i = 0; i < j->marks_n; i++)
		to[i] = (uint8_t)marks[j->marks[i / 2] >> 4 * (i % 2) & 15];
}

/* A thousand recipients fit; where a build takes more than a block holds, the rest comes before. */
static void commit(struct tee_job *j)
{
	struct tee_order *o;

	tee_job_write(j);
	if (j->marks_n > DISK_BLOCK - j->filled)
		tee_job_unblock(j);
	if (j->marks_n > 0 && !tee_job_block(j))
		return;
	o = tee_order(DISK_COMMIT, j);
	if (j->marks_n > 0) {
		put_marks(j, tee_block_at(j->block) + j->filled);
		o->block = j->block;
		o->at = j->filled;
		o->octets = j->marks_n;
		tee_all.uses[j->block]++;
	}
	j->commit_due = false;
	tee_job_unblock(j);
}

/* ---- reading ---- */

static void read_on(struct tee_job *j)
{
	struct tee_order *o;

	if (j->under_way || j->ready || j->given || !tee_job_block(j))
		return;
	o = tee_order(DISK_READ, j);
	o->block = j->block;
	o->at = j->read_at;
	o->octets = DISK_BLOCK;
	tee_all.uses[j->block]++;
	j->under_way = true;
}

void tee_job_advance(struct tee_job *j)
{
	if (j->ended || (!j->safe && !compose(j)))
		return;
	if (j->commit_due)
		commit(j);
	if (j->reading)
		read_on(j);
}

/* ---- jobs ---- */

struct tee_job *tee_job_take(struct tee *t)
{
	struct tee_job *j = NULL;

	for (uint32_t i = 0; i < tee_all.fresh && !j; i++)
		if (!tee_all.job[i].used)
			j = &tee_all.job[i];
	if (!j && tee_all.fresh < DISK_JOBS)
		j = &tee_all.job[tee_all.fresh++];
	if (!j)
		return NULL;
	memset(j, 0, offsetof(struct tee_job, marks));
	j->used = true;
	j->owner = t;
	j->block = DISK_NOTHING;
	j->serial = ++tee_all.serials;
	t->job = j;
	return j;
}

void tee_job_free(struct tee_job *j)
{
	if (j->used && j->ended && !j->owner && j->unanswered == 0)
		j->used = false;
}

void tee_job_leave(struct tee_job *j)
{
	tee_job_unwant(j);
	if (j->owner)
		j->owner->job = NULL;
	j->owner = NULL;
	tee_job_unblock(j);
	tee_job_free(j);
}

void tee_job_end(struct tee_job *j, enum disk_op op)
{
	if (j->ended)
		return;
	if (j->begun) {
		struct tee_order *o = tee_order(op, j);

		o->same = true;
		o->wait_ms = j->owner && j->owner->state == TEE_BROKEN ? TEE_COMMIT_MS : 0;
	}
	j->ended = true;
}

void tee_jobs_reset(void)
{
	for (uint32_t i = 0; i < tee_all.fresh; i++) {
		struct tee_job *j = &tee_all.job[i];

		if (!j->used)
			continue;
		j->begun = false;
		j->unanswered = 0;
		if (!j->ended)
			tee_fail(j, SPOOL_BROKEN, PHRASE("the spool's disk process ended"));
		j->ended = true;
		tee_job_unwant(j);
		tee_job_free(j);
	}
	memset(tee_all.uses, 0, sizeof(tee_all.uses));
	for (uint32_t i = 0; i < tee_all.fresh; i++) {
		const struct tee_job *j = &tee_all.job[i];
		uint16_t block = j->first;

		for (uint32_t n = j->used ? count_blocks(j) : 0; n > 0; n--) {
			tee_all.uses[block] = 1;
			block = tee_all.after[block];
		}
	}
}
