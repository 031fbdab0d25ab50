/* SPDX-License-Identifier: ISC */
/* Which mail of the spool is due. */
#include "run/disk_part.h"

#include "io/clock.h"
#include "relay/retry.h"

#include <string.h>

#define UNIT_MS 100u /* of spool_entry.try_at */

uint64_t disk_wall(void)
{
	return clock_unset() ? 0 : loop_wall();
}

uint32_t disk_try_at(uint64_t wait_ms)
{
	uint64_t at;

	if (wait_ms > (uint64_t)UINT32_MAX * UNIT_MS / 2)
		wait_ms = (uint64_t)UINT32_MAX * UNIT_MS / 2;
	at = (loop_now() + wait_ms + UNIT_MS - 1) / UNIT_MS;
	return at > UINT32_MAX ? UINT32_MAX : (uint32_t)at;
}

uint64_t disk_wait_ms(const struct spool_entry *e)
{
	uint64_t at = (uint64_t)e->try_at * UNIT_MS, now = loop_now();

	/* within the unit in which it was told */
	return at > now + UNIT_MS ? at - now : 0;
}

static bool is_waiting(const struct spool_entry *e)
{
	return e->state == SPOOL_QUEUED && !e->held;
}

uint64_t disk_next_ms(void)
{
	const struct spool *s = &disk_all.spool;
	const struct spool_entry *best = NULL;

	for (uint32_t i = 0; disk_all.ready && i < s->fresh; i++) {
		const struct spool_entry *e = spool_at(s, i);

		if (is_waiting(e) && (!best || e->try_at < best->try_at))
			best = e;
	}
	return best ? disk_wait_ms(best) : UINT64_MAX;
}

uint64_t disk_then(uint64_t wait_ms)
{
	return wait_ms == UINT64_MAX ? UINT64_MAX : loop_now() + wait_ms;
}

/* What it waited for is there. */
static bool is_free(const struct spool_entry *e, const uint8_t *blocked)
{
	return e->gateway != 0 && e->gateway < DISK_GATEWAYS &&
	       !(blocked[e->gateway / 8] & 1u << e->gateway % 8);
}

/* The earliest of those that are free; of those that are due where blocked is NULL. */
static uint32_t find(const uint8_t *blocked)
{
	const struct spool *s = &disk_all.spool;
	uint32_t best = SPOOL_NONE;

	for (uint32_t i = 0; i < s->fresh; i++) {
		const struct spool_entry *e = spool_at(s, i);

		if (is_waiting(e) && (blocked ? is_free(e, blocked) : disk_wait_ms(e) == 0) &&
		    (best == SPOOL_NONE || e->try_at < spool_at(s, best)->try_at))
			best = i;
	}
	return best;
}

/*
 * While others wait for a place in the index, one that had its turn makes room for them, and comes
 * again once they had theirs.
 */
uint32_t disk_due(const uint8_t *blocked)
{
	struct spool *s = &disk_all.spool;
	uint32_t i = find(blocked);

	if (i != SPOOL_NONE)
		return i;
	while ((i = find(NULL)) != SPOOL_NONE && s->scanned && s->mails > s->indexed &&
	       (spool_at(s, i)->tries > 0 || spool_at(s, i)->gateway != 0))
		spool_forget(s, i);
	return i;
}

void disk_unblock(void)
{
	for (uint32_t i = 0; disk_all.ready && i < disk_all.spool.fresh; i++) {
		struct spool_entry *e = spool_at(&disk_all.spool, i);

		if (e->gateway == 0)
			continue;
		e->gateway = 0;
		e->try_at = 0;
	}
}

void disk_take_up(struct spool_entry *e)
{
	uint32_t now = (uint32_t)(loop_now() / 1000);
	bool again = e->since == RETRY_UNCOUNTED && disk_wall() != 0;

	if (e->taken != 0 && !again)
		return;
	e->taken = now > 0 ? now : 1;
	e->since = retry_since(e->stamp, disk_wall(), now);
}

void disk_wake(const struct disk_message *m)
{
	static const uint8_t all[RECORD_ID];
	struct spool *s = &disk_all.spool;
	bool one = memcmp(m->id, all, RECORD_ID) != 0;

	for (uint32_t i = 0; disk_all.ready && i < s->fresh; i++) {
		struct spool_entry *e = spool_at(s, i);

		if (!is_waiting(e) || (one && memcmp(m->id, e->id, RECORD_ID) != 0) ||
		    (m->gateway != 0 && m->gateway != e->gateway))
			continue;
		e->try_at = 0;
		disk_all.earlier = true;
	}
	disk_all.changed = true;
}

void disk_list(const struct disk_message *m, struct disk_message *answer)
{
	const struct spool *s = &disk_all.spool;

	answer->status = SPOOL_ABSENT;
	for (uint32_t i = m->at; disk_all.ready && i < s->fresh; i++) {
		const struct spool_entry *e = spool_at(s, i);

		if (e->state != SPOOL_QUEUED)
			continue;
		answer->status = SPOOL_OK;
		answer->at = i;
		answer->octets = e->octets;
		answer->open = e->open;
		answer->stamp = e->stamp;
		answer->tries = e->tries;
		answer->gateway = e->gateway;
		answer->held = e->held;
		answer->wait_ms = e->held ? 0 : disk_wait_ms(e);
		memcpy(answer->id, e->id, RECORD_ID);
		return;
	}
}
