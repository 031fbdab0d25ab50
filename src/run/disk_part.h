/* SPDX-License-Identifier: ISC */
/* What the files of the disk process share. */
#ifndef RUN_DISK_PART_H
#define RUN_DISK_PART_H

#include "io/loop.h"
#include "run/disk.h"

struct disk_job {
	bool used;
	bool unsure;    /* a sync of its marks has failed */
	bool commits;   /* its commit waits for that of others */
	uint8_t status; /* enum spool_status: why it failed; else SPOOL_OK */
	uint32_t serial;
	struct spool_mail mail;
};

struct disk_engine {
	struct watch pair;
	uint8_t *blocks;
	uint32_t number; /* generation; 0: none has said hello */
	bool waits;      /* it found nothing that is due, and knows of nothing before … */
	uint64_t told;   /* … that, milliseconds of the monotonic clock */
	struct disk_job job[DISK_JOBS];
};

/* An answer that waits for the folder's sync. */
struct disk_pending {
	uint8_t engine;
	struct disk_message answer;
};

struct disk_all {
	const struct disk_args *args;
	bool ready;   /* spool stands */
	bool changed; /* engines are to be told how things are */
	bool earlier; /* an entry may be due earlier than they know */
	bool failed;  /* the disk did, since the last look at it */
	bool stop;
	uint32_t commits, pendings;
	struct disk_state state;
	struct spool spool;
	/* What is large comes last: what lies near the front is reached in fewer octets. */
	struct disk_engine engine[DISK_ENGINES];
	struct disk_pending commit[2 * DISK_WINDOW]; /* orders */
	struct disk_pending pending[2 * DISK_WINDOW];
};

extern struct disk_all disk_all;

/* ---- disk_job.c ---- */

/* An order of engine e: carried out, and answered (now, or once disk_settle was called). */
void disk_order(struct disk_engine *e, const struct disk_message *m);

/* Commits what waits for that, syncs the folder for all that wait for it. */
void disk_settle(void);

/* The engine has ended: what it stored is thrown away, what it had goes back to the queue. */
void disk_engine_ended(struct disk_engine *e);

/* ---- disk_queue.c ---- */

uint64_t disk_wall(void); /* 0: the clock is unset */

/* Milliseconds until the first of the queue is due; UINT64_MAX: none is there. */
uint64_t disk_next_ms(void);

/* When so much has passed, by the monotonic clock; UINT64_MAX: never. */
uint64_t disk_then(uint64_t wait_ms);

/*
 * The entry that is due, or that waits for a gateway that is not blocked (a bit for each number);
 * SPOOL_NONE where none is.
 */
uint32_t disk_due(const uint8_t *blocked);

/* A new engine counts its gateways anew: those that wait for one are due. */
void disk_unblock(void);

/* When an entry is due, as struct spool_entry has it. */
uint32_t disk_try_at(uint64_t wait_ms);
uint64_t disk_wait_ms(const struct spool_entry *e);

/* From when its age counts. */
void disk_take_up(struct spool_entry *e);

void disk_wake(const struct disk_message *m);
void disk_list(const struct disk_message *m, struct disk_message *answer);

/* ---- disk_state.c ---- */

/* How things are: looks at the disk where `look`. */
void disk_look(bool look);

/* state, with the numbers of this moment. */
void disk_fill_state(struct disk_state *s);

/* ---- disk.c ---- */

void disk_answer(struct disk_engine *e, struct disk_message *answer, enum spool_status status);
void disk_tell(struct disk_engine *e, uint32_t serial);

#endif
