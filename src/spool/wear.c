/* SPDX-License-Identifier: ISC */
/*
 * How much is written: in each of the last 24 hours, and ever. The latter is kept in the file
 * "written", two slots that are written in turn; one that was torn leaves the other. It is written
 * without a sync, once a day or each SPOOL_SAVE_EVERY octets, and at the end.
 */
#include "spool/spool_part.h"

#include "base/crc32.h"

#include <string.h>

#define HOUR_MS 3600000u
#define DAY_S   86400u
#define SLOT    64u /* sequence 4, ever 8, today 8, wall 8, zeros, CRC-32 of all before 4 */

uint64_t spool_today(const struct spool *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SPOOL_HOURS; i++)
		sum += s->hour[i];
	return sum;
}

void wear_add(struct spool *s, uint64_t octets)
{
	s->hour[s->now % SPOOL_HOURS] += octets;
	s->ever += octets;
}

/* What was written on the day before the restart counts until that day is over. */
static void restore(struct spool *s, uint64_t today, uint64_t then, uint64_t wall)
{
	if (then == 0 || wall < then || wall - then >= DAY_S)
		return;
	s->hour[(s->now + SPOOL_HOURS - (uint32_t)(wall - then) / 3600) % SPOOL_HOURS] = today;
}

void wear_init(struct spool *s, uint64_t now_ms, uint64_t wall)
{
	const struct disk *d = &s->p->disk;
	uint8_t slots[2 * SLOT] = { 0 };
	size_t n = sizeof(slots);
	int file;

	s->now = (uint32_t)(now_ms / HOUR_MS);
	s->saved_at = s->now;
	if (d->port->open(d->self, PART_COUNTER, &file) != DISK_OK)
		return;
	if (d->port->read(d->self, file, 0, slots, &n) != DISK_OK)
		n = 0;
	d->port->close(d->self, file);
	for (const uint8_t *p = slots; p + SLOT <= slots + n; p += SLOT) {
		uint32_t sequence = record_get32(p);

		if (record_get32(p + SLOT - 4) != crc32_add(0, (struct bytes){ p, SLOT - 4 }) ||
		    sequence <= s->sequence)
			continue;
		memset(s->hour, 0, sizeof(s->hour));
		s->sequence = sequence;
		s->ever = record_get64(p + 4);
		restore(s, record_get64(p + 12), record_get64(p + 20), wall);
	}
	s->saved = s->ever;
}

void wear_save(struct spool *s, uint64_t wall)
{
	const struct disk *d = &s->p->disk;
	uint8_t slot[SLOT] = { 0 };
	enum disk_status status;
	int file;

	s->saved_at = s->now;
	if (s->saved == s->ever)
		return;
	status = d->port->open(d->self, PART_COUNTER, &file);
	if (status == DISK_NONE)
		status = d->port->create(d->self, PART_COUNTER, &file);
	if (status != DISK_OK)
		return;
	record_put32(slot, s->sequence + 1);
	record_put64(slot + 4, s->ever);
	record_put64(slot + 12, spool_today(s));
	record_put64(slot + 20, wall);
	record_put32(slot + SLOT - 4, crc32_add(0, (struct bytes){ slot, SLOT - 4 }));
	status = d->port->write(
	    d->self, file, SLOT * ((s->sequence + 1) % 2), (struct bytes){ slot, sizeof(slot) });
	d->port->close(d->self, file);
	s->sequence++;
	if (status == DISK_OK)
		s->saved = s->ever;
}

void wear_tick(struct spool *s, uint64_t now_ms, uint64_t wall)
{
	uint32_t now = (uint32_t)(now_ms / HOUR_MS);

	if (now >= s->now + SPOOL_HOURS) {
		memset(s->hour, 0, sizeof(s->hour));
		s->now = now;
	}
	while (s->now < now) {
		s->now++;
		s->hour[s->now % SPOOL_HOURS] = 0;
	}
	if (s->ever - s->saved >= SPOOL_SAVE_EVERY || s->now - s->saved_at >= SPOOL_HOURS)
		wear_save(s, wall);
}
