/* SPDX-License-Identifier: ISC */
#include "spool/spool_part.h"

#include "base/bug.h"

#include <string.h>

void part_name(char name[PART_NAME], const uint8_t id[RECORD_ID], bool temporary)
{
	struct fmt f;

	fmt_init(&f, name, PART_NAME);
	trace_id(&f, id);
	if (temporary)
		fmt_str(&f, ".new");
}

enum disk_status part_remove(struct spool *s, const uint8_t id[RECORD_ID], bool temporary)
{
	char name[PART_NAME];

	part_name(name, id, temporary);
	return s->p->disk.port->remove(s->p->disk.self, name);
}

enum spool_status part_status(struct spool *s, enum disk_status status)
{
	if (status == DISK_OK)
		return SPOOL_OK;
	s->trouble = (uint8_t)status;
	if (status == DISK_FULL)
		return SPOOL_FULL;
	return status == DISK_NONE ? SPOOL_ABSENT : SPOOL_BROKEN;
}

const char *spool_status_name(enum spool_status status)
{
	static const char *const name[] = {
		[SPOOL_OK] = "ok",
		[SPOOL_FULL] = "full",
		[SPOOL_WORN] = "write limit",
		[SPOOL_ABSENT] = "absent",
		[SPOOL_TORN] = "torn",
		[SPOOL_BROKEN] = "broken",
	};

	return name[status];
}

enum spool_status spool_init(
    struct spool *s, const struct spool_params *params, uint64_t now_ms, uint64_t wall)
{
	enum disk_status status;

	memset(s, 0, sizeof(*s));
	s->p = params;
	index_init(s);
	wear_init(s, now_ms, wall);
	status = params->disk.port->buried(params->disk.self, &s->buried, &s->octets);
	return part_status(s, status);
}

void spool_tick(struct spool *s, uint64_t now_ms, uint64_t wall)
{
	wear_tick(s, now_ms, wall);
}

void spool_stop(struct spool *s, uint64_t wall)
{
	wear_save(s, wall);
}

const struct record_info *spool_info(const struct spool_mail *m)
{
	return &m->record.info;
}

struct spool_entry *part_entry(const struct spool *s, const struct spool_mail *m)
{
	struct spool_entry *e = spool_at(s, m->entry);

	if (e->state == SPOOL_FREE || e->state == SPOOL_REMOVED ||
	    memcmp(e->id, m->record.info.id, RECORD_ID) != 0)
		return NULL;
	return e;
}

bool part_bury(struct spool *s, const char *name)
{
	const struct disk *d = &s->p->disk;

	if (s->buried >= SPOOL_CORRUPT || d->port->bury(d->self, name) != DISK_OK) {
		s->skipped++;
		return false;
	}
	s->buried++;
	s->ticket++;
	return true;
}

/* ---- a mail of the queue ---- */

/* Its file is torn. */
static void bury_entry(struct spool *s, uint32_t index)
{
	char name[PART_NAME];

	part_name(name, spool_at(s, index)->id, false);
	part_bury(s, name);
	s->mails--;
	index_give(s, index);
}

/* Reads what stands before the content. */
static enum spool_status read_front(struct spool *s, struct spool_mail *m)
{
	const struct disk *d = &s->p->disk;
	enum disk_status status;
	struct bytes in, what;
	uint64_t size;
	size_t n = RECORD_ENVELOPE_AT;

	status = d->port->size(d->self, m->file, &size);
	if (status == DISK_OK)
		status = d->port->read(d->self, m->file, 0, s->scratch, &n);
	if (status != DISK_OK)
		return part_status(s, status);
	record_reader_init(&s->reader, size);
	in = (struct bytes){ s->scratch, n };
	if (record_read(&s->reader, &in, &what) != RECORD_INFO ||
	    memcmp(s->reader.info.id, spool_at(s, m->entry)->id, RECORD_ID) != 0)
		return SPOOL_TORN;
	m->record.info = s->reader.info;
	return SPOOL_OK;
}

enum spool_status spool_open(struct spool *s, struct spool_mail *m, uint32_t index)
{
	const struct disk *d = &s->p->disk;
	struct spool_entry *e = spool_at(s, index);
	enum spool_status result;
	enum disk_status status;
	char name[PART_NAME];

	if (e->state != SPOOL_QUEUED || e->held || m->state != SPOOL_MAIL_CLOSED)
		gp_bug("spool_open: in use");
	part_name(name, e->id, false);
	status = d->port->open(d->self, name, &m->file);
	if (status != DISK_OK) {
		result = part_status(s, status);
		if (result == SPOOL_ABSENT) {
			s->mails--;
			s->octets -= e->octets;
			index_give(s, index);
		}
		return result;
	}
	m->entry = index;
	result = read_front(s, m);
	if (result != SPOOL_OK) {
		d->port->close(d->self, m->file);
		if (result == SPOOL_TORN)
			bury_entry(s, index);
		return result;
	}
	e->held = true;
	m->at = record_size(&m->record.info);
	m->state = SPOOL_MAIL_OPEN;
	return SPOOL_OK;
}

enum spool_status spool_read(
    struct spool *s, struct spool_mail *m, uint64_t at, uint8_t *to, size_t *n)
{
	const struct disk *d = &s->p->disk;
	enum disk_status status = d->port->read(d->self, m->file, at, to, n);

	return part_status(s, status);
}

static enum spool_status write_at(
    struct spool *s, struct spool_mail *m, uint64_t at, struct bytes x)
{
	const struct disk *d = &s->p->disk;
	enum disk_status status = d->port->write(d->self, m->file, at, x);

	wear_add(s, x.n);
	return part_status(s, status);
}

/* Where the mark of a recipient of m stands, and what it is now. */
static enum spool_status read_mark(
    struct spool *s, struct spool_mail *m, uint32_t recipient, uint8_t *mark)
{
	size_t n = 1;
	enum spool_status status;

	if (m->state != SPOOL_MAIL_BODY && m->state != SPOOL_MAIL_OPEN)
		gp_bug("spool_mark: not open");
	if (recipient >= m->record.info.recipients)
		return SPOOL_ABSENT;
	status = spool_read(s, m, record_mark_at(&m->record.info, recipient), mark, &n);
	if (status == SPOOL_OK && (n != 1 || !record_is_mark(*mark)))
		return SPOOL_TORN;
	return status;
}

enum spool_status spool_mark(
    struct spool *s, struct spool_mail *m, uint32_t recipient, enum record_mark mark)
{
	struct spool_entry *e = part_entry(s, m);
	uint8_t before, after = (uint8_t)mark;
	enum spool_status status = read_mark(s, m, recipient, &before);

	if (status != SPOOL_OK || before == after)
		return status;
	status = spool_mark_again(s, m, recipient, mark);
	if (status == SPOOL_OK && e)
		e->open += (uint32_t)record_is_open(after) - (uint32_t)record_is_open(before);
	return status;
}

enum spool_status spool_mark_again(
    struct spool *s, struct spool_mail *m, uint32_t recipient, enum record_mark mark)
{
	uint8_t octet = (uint8_t)mark;

	if (recipient >= m->record.info.recipients || !record_is_mark(octet))
		return SPOOL_ABSENT;
	return write_at(
	    s, m, record_mark_at(&m->record.info, recipient), (struct bytes){ &octet, 1 });
}

enum spool_status spool_stamp(struct spool *s, struct spool_mail *m, uint64_t wall)
{
	struct spool_entry *e = part_entry(s, m);
	uint8_t stamp[RECORD_STAMP];

	if (m->state != SPOOL_MAIL_OPEN || !e || e->stamp != 0)
		return SPOOL_OK;
	e->stamp = (uint32_t)wall;
	m->record.info.stamp = wall;
	record_stamp(wall, stamp);
	return write_at(s, m, RECORD_STAMP_AT, (struct bytes){ stamp, sizeof(stamp) });
}

enum spool_status spool_sync(struct spool *s, struct spool_mail *m)
{
	const struct disk *d = &s->p->disk;
	enum disk_status status = d->port->sync(d->self, m->file);

	return part_status(s, status);
}

void spool_recount(struct spool *s, struct spool_mail *m)
{
	struct spool_entry *e = part_entry(s, m);
	uint32_t open;

	if (e)
		e->open = part_read_front(s, m->file, m->at, &open) == FRONT_WHOLE
			      ? open
			      : m->record.info.recipients;
}

static void close_file(struct spool *s, struct spool_mail *m)
{
	s->p->disk.port->close(s->p->disk.self, m->file);
	m->state = SPOOL_MAIL_CLOSED;
}

/* Nobody waits for it, as far as that can be written down. */
static void mark_all(struct spool *s, struct spool_mail *m)
{
	for (uint32_t i = 0; i < m->record.info.recipients; i++)
		if (spool_mark_again(s, m, i, RECORD_TAKEN) != SPOOL_OK)
			return;
	(void)spool_sync(s, m);
}

enum spool_status spool_remove(struct spool *s, struct spool_mail *m)
{
	struct spool_entry *e = part_entry(s, m);
	enum disk_status status = DISK_OK;

	if (m->state != SPOOL_MAIL_OPEN)
		gp_bug("spool_remove: not open");
	if (e)
		status = part_remove(s, e->id, false);
	if (status == DISK_NONE)
		status = DISK_OK;
	if (status != DISK_OK) {
		mark_all(s, m);
		close_file(s, m);
		index_retire(s, m->entry);
		return part_status(s, status);
	}
	close_file(s, m);
	if (e) {
		s->ticket++;
		s->mails--;
		s->octets -= e->octets;
		index_give(s, m->entry);
	}
	return SPOOL_OK;
}

void spool_sweep(struct spool *s)
{
	for (uint32_t i = 0; s->removed > 0 && i < s->fresh; i++) {
		const struct spool_entry *e = spool_at(s, i);
		enum disk_status status;

		if (e->state != SPOOL_REMOVED)
			continue;
		/* Its storing may have ended under either name. */
		status = part_remove(s, e->id, false);
		if (status == DISK_OK || status == DISK_NONE)
			status = part_remove(s, e->id, true);
		if (status != DISK_OK && status != DISK_NONE) {
			part_status(s, status);
			continue;
		}
		s->ticket++;
		s->octets -= e->octets;
		index_give(s, i);
	}
}

bool spool_is_whole(struct spool *s, struct spool_mail *m)
{
	struct bytes in = { 0 }, what;
	uint64_t at = 0;

	record_reader_init(&s->reader, m->at);
	for (;;) {
		size_t n = sizeof(s->scratch);

		switch (record_read(&s->reader, &in, &what)) {
		case RECORD_MORE:
			if (spool_read(s, m, at, s->scratch, &n) != SPOOL_OK || n == 0)
				return false;
			at += n;
			in = (struct bytes){ s->scratch, n };
			break;
		case RECORD_INFO:
		case RECORD_PEER:
		case RECORD_BINDING:
		case RECORD_SENDER:
		case RECORD_RCPT:
		case RECORD_MARKS:
		case RECORD_CONTENT:
			break;
		case RECORD_END:
			return true;
		case RECORD_TORN:
		case RECORD_FOREIGN:
		case RECORD_NEWER:
			return false;
		}
	}
}

void spool_bury(struct spool *s, struct spool_mail *m)
{
	const struct spool_entry *e = part_entry(s, m);

	if (m->state != SPOOL_MAIL_OPEN)
		gp_bug("spool_bury: not open");
	close_file(s, m);
	if (e)
		bury_entry(s, m->entry);
}

void spool_close(struct spool *s, struct spool_mail *m)
{
	struct spool_entry *e = part_entry(s, m);

	if (m->state != SPOOL_MAIL_OPEN)
		gp_bug("spool_close: not open");
	close_file(s, m);
	if (e)
		e->held = false;
}
