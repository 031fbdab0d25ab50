/* SPDX-License-Identifier: ISC */
/* How a mail comes into the spool: temporary name, write, sync, rename, sync of the folder. */
#include "spool/spool_part.h"

#include "base/bug.h"

#include <string.h>

#define ASK_EVERY (1u << 20) /* octets after which the disk is asked again for its room */

/* May n octets more be written? */
static enum spool_status check_room(struct spool *s, uint64_t n)
{
	const struct disk *d = &s->p->disk;
	enum disk_status status;
	uint64_t space;

	if (s->p->write_limit > 0 && spool_today(s) + n > s->p->write_limit)
		return SPOOL_WORN;
	if (n > s->p->max_size || s->octets > s->p->max_size - n)
		return SPOOL_FULL;
	if (n <= s->room)
		return SPOOL_OK;
	status = d->port->space(d->self, &space);
	if (status != DISK_OK)
		return part_status(s, status);
	s->room = space > s->p->reserve ? space - s->p->reserve : 0;
	if (s->room > ASK_EVERY + n)
		s->room = ASK_EVERY + n;
	return n <= s->room ? SPOOL_OK : SPOOL_FULL;
}

enum spool_status spool_begin(struct spool *s, struct spool_mail *m, const uint8_t id[RECORD_ID])
{
	const struct disk *d = &s->p->disk;
	enum spool_status result;
	enum disk_status status;
	char name[PART_NAME];
	uint32_t index;

	if (m->state != SPOOL_MAIL_CLOSED)
		gp_bug("spool_begin: in use");
	if (spool_find(s, id) != SPOOL_NONE)
		return part_status(s, DISK_EXISTS);
	result = check_room(s, RECORD_FRONT);
	if (result != SPOOL_OK)
		return result;
	index = index_take(s, id);
	if (index == SPOOL_NONE && index_evict(s))
		index = index_take(s, id);
	if (index == SPOOL_NONE)
		return SPOOL_FULL;
	part_name(name, id, true);
	status = d->port->create(d->self, name, &m->file);
	if (status != DISK_OK) {
		index_give(s, index);
		return part_status(s, status);
	}
	spool_at(s, index)->state = SPOOL_STORING;
	spool_at(s, index)->held = true;
	memset(&m->record, 0, sizeof(m->record));
	memcpy(m->record.info.id, id, RECORD_ID);
	m->entry = index;
	m->at = 0;
	m->lazy = false;
	m->state = SPOOL_MAIL_FRONT;
	return SPOOL_OK;
}

static enum spool_status put(struct spool *s, struct spool_mail *m, uint64_t at, struct bytes x)
{
	const struct disk *d = &s->p->disk;
	enum disk_status status = d->port->write(d->self, m->file, at, x);

	wear_add(s, x.n);
	s->room -= x.n < s->room ? x.n : s->room;
	return part_status(s, status);
}

enum spool_status spool_write(struct spool *s, struct spool_mail *m, struct bytes x)
{
	enum spool_status result;

	if (m->state != SPOOL_MAIL_FRONT && m->state != SPOOL_MAIL_BODY)
		return SPOOL_BROKEN;
	result = m->at + x.n > UINT32_MAX ? SPOOL_FULL : check_room(s, x.n);
	if (result == SPOOL_OK)
		result = put(s, m, m->at, x);
	if (result != SPOOL_OK) {
		m->state = SPOOL_MAIL_FAILED;
		return result;
	}
	m->at += x.n;
	s->octets += x.n;
	if (m->state == SPOOL_MAIL_BODY && !m->lazy)
		record_content(&m->record, x);
	return SPOOL_OK;
}

enum spool_status spool_body(
    struct spool *s, struct spool_mail *m, const struct record_info *info, bool lazy)
{
	struct spool_entry *e = spool_at(s, m->entry);

	if (m->state != SPOOL_MAIL_FRONT)
		return SPOOL_BROKEN;
	if (m->at != record_content_at(info) || info->content != 0 ||
	    memcmp(info->id, m->record.info.id, RECORD_ID) != 0) {
		m->state = SPOOL_MAIL_FAILED;
		return SPOOL_TORN;
	}
	m->record.info = *info;
	m->lazy = lazy;
	m->state = SPOOL_MAIL_BODY;
	e->open = info->recipients;
	e->flags = (uint8_t)info->flags;
	e->stamp = info->flags & RECORD_CLOCK_SET ? (uint32_t)info->came : 0;
	return SPOOL_OK;
}

/* The sum that was not made while the content came. */
static enum spool_status sum_up(struct spool *s, struct spool_mail *m)
{
	uint64_t at = record_content_at(&m->record.info);

	while (at < m->at) {
		size_t n = sizeof(s->scratch);
		enum spool_status result;

		if (n > m->at - at)
			n = (size_t)(m->at - at);
		result = spool_read(s, m, at, s->scratch, &n);
		if (result == SPOOL_OK && n == 0)
			result = SPOOL_TORN;
		if (result != SPOOL_OK)
			return result;
		record_content(&m->record, (struct bytes){ s->scratch, n });
		at += n;
	}
	return SPOOL_OK;
}

/* Would the next start find it? What comes from another process is not taken on trust. */
static bool is_readable(struct spool *s, const struct spool_mail *m)
{
	struct spool_entry *e = spool_at(s, m->entry);

	return part_read_front(s, m->file, m->at, &e->open) == FRONT_WHOLE;
}

/* All of the file is on the medium. */
static enum spool_status seal(struct spool *s, struct spool_mail *m)
{
	enum spool_status result = m->lazy ? sum_up(s, m) : SPOOL_OK;
	uint8_t header[RECORD_HEADER];

	if (result != SPOOL_OK)
		return result;
	record_header(&m->record, header);
	result = put(s, m, 0, (struct bytes){ header, sizeof(header) });
	if (result == SPOOL_OK && !is_readable(s, m))
		result = SPOOL_TORN;
	return result == SPOOL_OK ? spool_sync(s, m) : result;
}

enum spool_status spool_commit(struct spool *s, struct spool_mail *m)
{
	const struct disk *d = &s->p->disk;
	struct spool_entry *e = spool_at(s, m->entry);
	char from[PART_NAME], to[PART_NAME];
	enum spool_status result = m->state == SPOOL_MAIL_BODY ? seal(s, m) : SPOOL_BROKEN;

	if (result == SPOOL_OK) {
		part_name(from, e->id, true);
		part_name(to, e->id, false);
		result = part_status(s, d->port->rename(d->self, from, to));
	}
	if (result != SPOOL_OK) {
		spool_abort(s, m);
		return result;
	}
	m->state = SPOOL_MAIL_OPEN;
	e->state = SPOOL_RENAMED;
	e->octets = (uint32_t)m->at;
	s->renamed++;
	s->indexed++;
	s->mails++;
	s->ticket++;
	return SPOOL_OK;
}

void spool_hurry(struct spool *s, struct spool_mail *m)
{
	const struct disk *d = &s->p->disk;

	if (m->state == SPOOL_MAIL_BODY && d->port->hurry)
		d->port->hurry(d->self, m->file);
}

void spool_abort(struct spool *s, struct spool_mail *m)
{
	const struct disk *d = &s->p->disk;
	struct spool_entry *e = spool_at(s, m->entry);

	if (m->state == SPOOL_MAIL_CLOSED || m->state == SPOOL_MAIL_OPEN)
		gp_bug("spool_abort: not being stored");
	d->port->close(d->self, m->file);
	if (part_remove(s, e->id, true) == DISK_OK) {
		s->octets -= m->at;
		index_give(s, m->entry);
	} else {
		e->octets = (uint32_t)m->at;
		index_retire(s, m->entry);
	}
	m->state = SPOOL_MAIL_CLOSED;
}

bool spool_is_unsettled(const struct spool *s)
{
	return s->ticket != s->settled;
}

/* None of the mails that wait for the sync of the folder is kept. */
static void give_up(struct spool *s)
{
	for (uint32_t i = 0; s->renamed > 0; i++) {
		const struct spool_entry *e = spool_at(s, i);

		if (e->state != SPOOL_RENAMED)
			continue;
		if (part_remove(s, e->id, false) == DISK_OK) {
			s->octets -= e->octets;
			s->mails--;
			index_give(s, i);
		} else {
			index_retire(s, i);
		}
	}
}

enum spool_status spool_settle(struct spool *s)
{
	const struct disk *d = &s->p->disk;
	uint32_t ticket = s->ticket;
	enum disk_status status;

	if (ticket == s->settled)
		return SPOOL_OK;
	status = d->port->sync_folder(d->self);
	if (status != DISK_OK) {
		give_up(s);
		return part_status(s, status);
	}
	s->settled = ticket;
	for (uint32_t i = 0; s->renamed > 0; i++) {
		if (spool_at(s, i)->state != SPOOL_RENAMED)
			continue;
		spool_at(s, i)->state = SPOOL_QUEUED;
		s->renamed--;
	}
	return SPOOL_OK;
}
