/* SPDX-License-Identifier: ISC */
/* What lies in the folder. */
#include "spool/spool_part.h"

#include <string.h>

#define TEMPORARY ".new"

enum look {
	LOOK_NEXT,  /* done with this name */
	LOOK_WAIT,  /* the index has no room for it */
	LOOK_FAILED /* the disk fails */
};

enum part_front part_read_front(struct spool *s, int file, uint64_t size, uint32_t *open)
{
	const struct disk *d = &s->p->disk;
	struct record_reader *r = &s->reader;
	struct bytes in = { 0 }, what;
	uint64_t at = 0;

	record_reader_init(r, size);
	*open = 0;
	for (uint64_t marks = 0;;) {
		enum record_event event = record_read(r, &in, &what);

		if (event == RECORD_MORE) {
			size_t n = at == 0 ? 512 : sizeof(s->scratch);

			if (d->port->read(d->self, file, at, s->scratch, &n) != DISK_OK)
				return FRONT_UNREADABLE;
			if (n == 0)
				return FRONT_BAD;
			at += n;
			in = (struct bytes){ s->scratch, n };
		} else if (event == RECORD_MARKS) {
			for (size_t i = 0; i < what.n; i++)
				*open += record_is_open(what.p[i]);
			marks += what.n;
			if (marks == r->info.recipients)
				return FRONT_WHOLE;
		} else if (event == RECORD_NEWER) {
			return FRONT_NEWER;
		} else if (event == RECORD_TORN || event == RECORD_FOREIGN) {
			return FRONT_BAD;
		}
	}
}

/* A file that is not in the index; its octets are known once the first turn is over. */
static void count_file(struct spool *s, uint64_t size)
{
	if (s->scanned)
		return;
	s->octets += size;
	s->turn_octets += size;
}

/* Once it lies in corrupt/ another turn does not see it. */
static void bury(struct spool *s, const char *name, uint64_t size)
{
	if (part_bury(s, name) && !s->scanned)
		s->turn_octets -= size;
}

/* A mail that is right becomes an entry. One that nobody waits for was to be removed. */
static void enter(struct spool *s, const char *name, const uint8_t *id, uint32_t open)
{
	const struct disk *d = &s->p->disk;
	const struct record_info *info = &s->reader.info;
	uint64_t size = record_size(info);
	struct spool_entry *e;

	if (open == 0) {
		if (d->port->remove(d->self, name) == DISK_OK) {
			s->ticket++;
			s->mails -= s->scanned;
			s->octets -= s->scanned ? size : 0;
			return;
		}
	}
	s->octets += s->scanned ? 0 : size;
	s->mails += !s->scanned;
	e = spool_at(s, index_take(s, id));
	e->state = SPOOL_QUEUED;
	e->listed = true;
	e->octets = (uint32_t)size;
	e->open = open;
	e->flags = (uint8_t)info->flags;
	e->stamp = (uint32_t)(info->flags & RECORD_CLOCK_SET ? info->came : info->stamp);
	s->indexed++;
	if (open == 0)
		index_retire(s, (uint32_t)(e - s->p->entries));
}

/* Does a failure tell of the disk, or the box, and not of that file alone? */
static bool is_general(enum disk_status status)
{
	return status == DISK_FULL || status == DISK_READ_ONLY || status == DISK_BUSY ||
	       status == DISK_GONE;
}

static enum look look_at_mail(struct spool *s, const char *name, const uint8_t id[RECORD_ID])
{
	const struct disk *d = &s->p->disk;
	uint32_t index = spool_find(s, id), open = 0;
	bool room = s->free != SPOOL_NONE || s->fresh < s->p->capacity;
	enum disk_status status;
	enum part_front front = FRONT_UNREADABLE;
	uint64_t size = 0;
	int file;

	if (index != SPOOL_NONE) {
		spool_at(s, index)->listed = true;
		return LOOK_NEXT;
	}
	if (!room && s->scanned)
		return LOOK_WAIT;
	status = d->port->open(d->self, name, &file);
	if (status == DISK_NONE)
		return LOOK_NEXT;
	if (is_general(status)) {
		part_status(s, status);
		return LOOK_FAILED;
	}
	if (status == DISK_OK) {
		if (d->port->size(d->self, file, &size) == DISK_OK && room)
			front = part_read_front(s, file, size, &open);
		d->port->close(d->self, file);
	}
	if (status == DISK_OK && !room) {
		s->missed = true;
		s->mails++;
		s->turn_mails++;
		count_file(s, size);
	} else if (front == FRONT_WHOLE && memcmp(s->reader.info.id, id, RECORD_ID) == 0) {
		enter(s, name, id, open);
	} else {
		count_file(s, size);
		if (front == FRONT_NEWER)
			s->newer++;
		else if (front == FRONT_UNREADABLE && status != DISK_FOREIGN)
			s->skipped++;
		else
			bury(s, name, size);
	}
	return LOOK_NEXT;
}

/* Not a name that we give. */
static void look_at_foreign(struct spool *s, const char *name)
{
	const struct disk *d = &s->p->disk;
	uint64_t size = 0;
	int file;

	if (d->port->open(d->self, name, &file) == DISK_OK) {
		if (d->port->size(d->self, file, &size) != DISK_OK)
			size = 0;
		d->port->close(d->self, file);
	}
	count_file(s, size);
	bury(s, name, size);
}

static enum look look_at(struct spool *s, const char *name)
{
	const struct disk *d = &s->p->disk;
	struct bytes x = bytes_of(name), end;
	uint8_t id[RECORD_ID];
	uint32_t index;

	if (trace_id_parse(x, id))
		return look_at_mail(s, name, id);
	if (bytes_same(x, BYTES(PART_COUNTER)))
		return LOOK_NEXT;
	end = bytes_skip(x, TRACE_ID);
	if (!bytes_same(end, BYTES(TEMPORARY)) || !trace_id_parse(bytes_first(x, TRACE_ID), id)) {
		look_at_foreign(s, name);
		return LOOK_NEXT;
	}
	/* Half a mail of an earlier life. */
	index = spool_find(s, id);
	if (index == SPOOL_NONE || spool_at(s, index)->state != SPOOL_STORING) {
		enum disk_status status = d->port->remove(d->self, name);

		if (is_general(status)) {
			part_status(s, status);
			return LOOK_FAILED;
		}
	}
	return LOOK_NEXT;
}

/* All names were seen. */
static void end_turn(struct spool *s)
{
	/* What was counted and is nowhere was taken away by somebody else. */
	if (s->scanned && !s->missed && s->mails > s->indexed)
		s->mails = s->indexed;
	s->scanned = true;
	s->listing = false;
}

static enum disk_status begin_turn(struct spool *s)
{
	enum disk_status status = s->p->disk.port->list(s->p->disk.self);

	if (status != DISK_OK)
		return status;
	if (!s->scanned) {
		s->mails -= s->turn_mails;
		s->octets -= s->turn_octets;
		s->turn_mails = 0;
		s->turn_octets = 0;
	}
	s->listing = true;
	s->missed = false;
	s->skipped = 0;
	s->newer = 0;
	return DISK_OK;
}

static enum spool_scan scan_failed(struct spool *s, enum disk_status status)
{
	part_status(s, status);
	s->listing = false;
	s->pending = false;
	return SPOOL_SCAN_FAILED;
}

enum spool_scan spool_scan(struct spool *s, uint32_t names)
{
	const struct disk *d = &s->p->disk;
	enum disk_status status = DISK_OK;

	if (!s->listing) {
		status = begin_turn(s);
		if (status != DISK_OK)
			return scan_failed(s, status);
	}
	while (names-- > 0) {
		enum look look;

		if (!s->pending)
			status = d->port->next(d->self, s->name);
		if (status == DISK_NONE) {
			end_turn(s);
			return SPOOL_SCAN_DONE;
		}
		if (status != DISK_OK)
			return scan_failed(s, status);
		look = look_at(s, s->name);
		s->pending = look == LOOK_WAIT;
		if (look == LOOK_WAIT) {
			s->missed = true;
			return SPOOL_SCAN_PAUSED;
		}
		if (look == LOOK_FAILED)
			return scan_failed(s, (enum disk_status)s->trouble);
	}
	return SPOOL_SCAN_MORE;
}

bool spool_wants_scan(const struct spool *s)
{
	bool room = s->free != SPOOL_NONE || s->fresh < s->p->capacity;

	return !s->scanned || (s->mails > s->indexed && room);
}
