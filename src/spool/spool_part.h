/* SPDX-License-Identifier: ISC */
/* What the files of the spool share. */
#ifndef SPOOL_SPOOL_PART_H
#define SPOOL_SPOOL_PART_H

#include "mail/trace.h"
#include "spool/spool.h"

#define PART_NAME    (TRACE_ID + 5) /* "ID.new" and a NUL */
#define PART_COUNTER "written"

/* The names of a mail's file: final, and temporary. */
void part_name(char name[PART_NAME], const uint8_t id[RECORD_ID], bool temporary);

/* What the disk says means this here; a failure is remembered. */
enum spool_status part_status(struct spool *s, enum disk_status status);

/* Removes a mail's file. */
enum disk_status part_remove(struct spool *s, const uint8_t id[RECORD_ID], bool temporary);

/* ---- index.c ---- */

void index_init(struct spool *s);

/* A new entry for id, all else zero; SPOOL_NONE where there is none. */
uint32_t index_take(struct spool *s, const uint8_t id[RECORD_ID]);

/* Frees an entry, whatever its state. */
void index_give(struct spool *s, uint32_t index);

/* It leaves the queue, or never comes there, as SPOOL_REMOVED. */
void index_retire(struct spool *s, uint32_t index);

/* Frees one that can be found again; false: there is none. */
bool index_evict(struct spool *s);

/* ---- wear.c ---- */

void wear_init(struct spool *s, uint64_t now_ms, uint64_t wall);
void wear_tick(struct spool *s, uint64_t now_ms, uint64_t wall);
void wear_save(struct spool *s, uint64_t wall);
void wear_add(struct spool *s, uint64_t octets);

/* ---- scan.c ---- */

/* What stands before a file's content. */
enum part_front { FRONT_WHOLE, FRONT_BAD, FRONT_NEWER, FRONT_UNREADABLE };

/*
 * Reads it, into s->reader; size: of the file. *open gets the recipients for whose sake the mail
 * stays.
 */
enum part_front part_read_front(struct spool *s, int file, uint64_t size, uint32_t *open);

/* ---- spool.c ---- */

/* Moves a file to corrupt/, or counts it as skipped and returns false. */
bool part_bury(struct spool *s, const char *name);

/* The entry of a mail; NULL where it has lost it. */
struct spool_entry *part_entry(const struct spool *s, const struct spool_mail *m);

#endif
