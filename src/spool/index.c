/* SPDX-License-Identifier: ISC */
#include "spool/spool_part.h"

#include "base/bug.h"

#include <string.h>

static uint32_t *head_of(const struct spool *s, const uint8_t id[RECORD_ID])
{
	uint32_t hash = 0;

	for (unsigned i = 0; i < 4; i++)
		hash = hash << 8 | id[i];

	return &s->p->heads[hash % SPOOL_HEADS(s->p->capacity)];
}

void index_init(struct spool *s)
{
	for (uint32_t i = 0; i < SPOOL_HEADS(s->p->capacity); i++)
		s->p->heads[i] = SPOOL_NONE;
	s->free = SPOOL_NONE;
	s->fresh = 0;
}

struct spool_entry *spool_at(const struct spool *s, uint32_t index)
{
	if (index >= s->p->capacity)
		gp_bug("spool: no such entry");
	return &s->p->entries[index];
}

uint32_t spool_find(const struct spool *s, const uint8_t id[RECORD_ID])
{
	uint32_t i = *head_of(s, id);

	while (i != SPOOL_NONE && memcmp(s->p->entries[i].id, id, RECORD_ID) != 0)
		i = s->p->entries[i].next;
	return i;
}

uint32_t index_take(struct spool *s, const uint8_t id[RECORD_ID])
{
	uint32_t i = s->free, *head = head_of(s, id);
	struct spool_entry *e;

	if (i != SPOOL_NONE)
		s->free = s->p->entries[i].next;
	else if (s->fresh < s->p->capacity)
		i = s->fresh++;
	else
		return SPOOL_NONE;
	e = &s->p->entries[i];
	*e = (struct spool_entry){ .next = *head };
	memcpy(e->id, id, RECORD_ID);
	*head = i;
	return i;
}

static void leave_state(struct spool *s, const struct spool_entry *e)
{
	if (e->state == SPOOL_QUEUED || e->state == SPOOL_RENAMED)
		s->indexed--;
	if (e->state == SPOOL_RENAMED)
		s->renamed--;
	if (e->state == SPOOL_REMOVED)
		s->removed--;
}

void index_retire(struct spool *s, uint32_t index)
{
	struct spool_entry *e = spool_at(s, index);

	if (e->state != SPOOL_STORING)
		s->mails--;
	leave_state(s, e);
	e->state = SPOOL_REMOVED;
	e->open = 0;
	e->held = false;
	s->removed++;
}

void index_give(struct spool *s, uint32_t index)
{
	struct spool_entry *e = spool_at(s, index);
	uint32_t *link = head_of(s, e->id);

	while (*link != index)
		link = &s->p->entries[*link].next;
	*link = e->next;
	leave_state(s, e);
	e->state = SPOOL_FREE;
	e->next = s->free;
	s->free = index;
}

/* Until all of the folder was counted, only what was counted can be found again rightly. */
static bool may_go(const struct spool *s, const struct spool_entry *e)
{
	return e->state == SPOOL_QUEUED && !e->held && (s->scanned || e->listed);
}

/* The turn under way may be past its file. */
static void leave(struct spool *s, uint32_t index)
{
	s->missed = true;
	if (!s->scanned) {
		s->turn_mails++;
		s->turn_octets += s->p->entries[index].octets;
	}
	index_give(s, index);
}

bool index_evict(struct spool *s)
{
	uint32_t best = SPOOL_NONE;

	for (uint32_t i = 0; i < s->fresh; i++) {
		const struct spool_entry *e = &s->p->entries[i];

		if (may_go(s, e) && (best == SPOOL_NONE || e->try_at > s->p->entries[best].try_at))
			best = i;
	}
	if (best == SPOOL_NONE)
		return false;
	leave(s, best);
	return true;
}

void spool_forget(struct spool *s, uint32_t index)
{
	const struct spool_entry *e = spool_at(s, index);

	if (e->state != SPOOL_QUEUED || e->held)
		gp_bug("spool_forget: in use");
	if (may_go(s, e))
		leave(s, index);
}
