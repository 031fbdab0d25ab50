/* SPDX-License-Identifier: ISC */
/* How the spool is, and why it cannot be used. */
#include "run/disk_part.h"

#include "base/fmt.h"
#include "io/log.h"
#include "io/random.h"
#include "mail/trace.h"

#include <string.h>

static const char *words(enum disk_status status)
{
	switch (status) {
	case DISK_FULL:
		return PHRASE("no space left");
	case DISK_READ_ONLY:
		return PHRASE("read-only file system");
	case DISK_DENIED:
		return PHRASE("permission denied");
	case DISK_FOREIGN:
		return PHRASE("no folder");
	case DISK_BUSY:
		return PHRASE("another process uses it, or the system has no more descriptors");
	case DISK_GONE:
		return PHRASE("no such folder");
	case DISK_OK:
	case DISK_NONE:
	case DISK_EXISTS:
	case DISK_BROKEN:
		break;
	}
	return PHRASE("input/output error");
}

/* A file is made, written to, synced and removed again: under a name that a start removes. */
static enum disk_status probe(const struct disk *d)
{
	static char name[TRACE_ID + 5]; /* of the last one, while it could not be removed */
	enum disk_status status = DISK_NONE, removed;
	uint8_t id[RECORD_ID];
	struct fmt f;
	int file;

	if (name[0])
		status = d->port->remove(d->self, name);
	if (status != DISK_OK && status != DISK_NONE)
		return status;
	random_bytes(id, sizeof(id));
	fmt_init(&f, name, sizeof(name));
	trace_id(&f, id);
	fmt_str(&f, ".new");
	status = d->port->create(d->self, name, &file);
	if (status != DISK_OK) {
		name[0] = '\0';
		return status;
	}
	status = d->port->write(d->self, file, 0, BYTES("?"));
	if (status == DISK_OK)
		status = d->port->sync(d->self, file);
	d->port->close(d->self, file);
	removed = d->port->remove(d->self, name);
	if (removed == DISK_OK)
		name[0] = '\0';
	return status == DISK_OK ? removed : status;
}

static void set(const char *why, enum disk_status trouble)
{
	struct disk_state *s = &disk_all.state;
	struct fmt f;

	s->usable = why == NULL;
	s->trouble = (uint8_t)trouble;
	s->why[0] = '\0';
	if (!why)
		return;
	fmt_init(&f, s->why, sizeof(s->why));
	fmt_add(&f, "%s: %s", disk_all.args->name, why);
}

/* No room left for the smallest mail? */
static bool is_full(enum disk_status *status)
{
	const struct spool_params *p = disk_all.spool.p;
	uint64_t space;

	if (disk_all.spool.octets + RECORD_FRONT > p->max_size)
		return true;
	*status = p->disk.port->space(p->disk.self, &space);
	return *status == DISK_OK && space < p->reserve + RECORD_FRONT;
}

static void judge(bool look)
{
	struct disk_state *s = &disk_all.state;
	const struct spool *spool = &disk_all.spool;
	enum disk_status status = DISK_OK;

	s->full = s->worn = 0;
	if (!disk_all.ready) {
		set(disk_all.args->why ? disk_all.args->why : words((enum disk_status)s->trouble),
		    (enum disk_status)s->trouble);
		return;
	}
	if (spool->p->write_limit > 0 &&
	    spool_today(spool) + RECORD_FRONT > spool->p->write_limit) {
		s->worn = 1;
		set(PHRASE("Spool_Write_Limit is reached"), DISK_OK);
		return;
	}
	s->full = is_full(&status);
	if (!s->full && status == DISK_OK && look) {
		status = probe(&spool->p->disk);
		s->full = status == DISK_FULL;
	}
	if (s->full)
		set(PHRASE("the spool is full"), DISK_FULL);
	else if (status != DISK_OK)
		set(words(status), status);
	else
		set(NULL, DISK_OK);
}

static void log_change(bool usable)
{
	if (usable)
		log_add(LOG_LEVEL_INFO, "spool event=usable");
	else
		log_add(
		    LOG_LEVEL_WARNING, "spool event=unusable reason=\"%s\"", disk_all.state.why);
}

void disk_look(bool look)
{
	static bool looked;
	struct disk_state before = disk_all.state;
	bool usable;

	judge(look);
	usable = disk_all.state.usable != 0;
	disk_all.changed = true;
	if (looked ? strcmp(before.why, disk_all.state.why) != 0
		   : !usable && disk_all.state.trouble != disk_all.args->known)
		log_change(usable);
	looked = true;
}

static uint64_t find_oldest(const struct spool *s)
{
	uint32_t oldest = UINT32_MAX;

	for (uint32_t i = 0; i < s->fresh; i++) {
		const struct spool_entry *e = spool_at(s, i);

		if (e->state == SPOOL_QUEUED && e->stamp != 0 && e->stamp < oldest)
			oldest = e->stamp;
	}
	return oldest == UINT32_MAX ? 0 : oldest;
}

void disk_fill_state(struct disk_state *s)
{
	const struct spool *spool = &disk_all.spool;

	*s = disk_all.state;
	s->next_ms = UINT64_MAX;
	if (!disk_all.ready)
		return;
	s->scanned = spool->scanned;
	s->mails = spool->mails;
	s->corrupt = spool->buried;
	s->octets = spool->octets;
	s->today = spool_today(spool);
	s->ever = spool->ever;
	s->oldest = find_oldest(spool);
	s->next_ms = disk_next_ms();
}
