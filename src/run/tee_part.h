/* SPDX-License-Identifier: ISC */
/* What the files of the tee share. */
#ifndef RUN_TEE_PART_H
#define RUN_TEE_PART_H

#include "mail/trace.h"
#include "run/tee.h"

#define TEE_EVENT(e) ((uint8_t)(1u << ((e)-1)))

/* How far what comes before the content is composed. */
enum tee_front {
	TEE_FRONT_BEGIN,
	TEE_FRONT_RCPTS,
	TEE_FRONT_MARKS,
	TEE_FRONT_FIRST,
	TEE_FRONT_DONE
};

/*
 * A file in use. It is free again once nobody owns it, its last order was given (ended) and all of
 * its orders are answered.
 */
struct tee_job {
	struct tee *owner;
	uint32_t serial;
	uint16_t unanswered; /* orders, those that wait to be sent too */
	bool used, ended;
	bool begun;      /* the disk process knows of it */
	bool safe;       /* on the medium: never removed but by the owner's wish */
	bool lazy;       /* nothing is ordered before blocks become few */
	bool commit_due; /* a commit waits for a block, or for the front */
	bool marking;    /* the commit under way is one of marks alone */
	uint8_t front;   /* enum tee_front */
	bool asking;     /* it is in tee_job_block: whoever gets it one does not go on for it */
	bool wants;      /* a block, since … */
	uint64_t since;
	uint64_t asked; /* when the commit under way was asked for */
	/*
	 * Its blocks: `full` ones from `first` on, then the one that it works with (or
	 * DISK_NOTHING) with `filled` octets. Of the first one `sent` octets were ordered.
	 */
	uint16_t first, last, block;
	uint32_t full, filled, sent;
	uint32_t front_n; /* octets before the content that were not ordered yet */
	bool bodied;      /* all of them were, and DISK_BODY */
	/* reading */
	bool reading, under_way, stale, ready, given;
	uint32_t read_at, got;
	/* composing */
	const struct envelope *envelope;
	struct envelope_cursor cursor;
	struct record_writer record;
	uint32_t flags, came;
	uint16_t peer_n, binding_n, first_n, first_at;
	uint32_t marks_n;
	uint8_t marks[(CONFIG_RECIPIENTS_MAX + 1) / 2];      /* four bits each */
	uint8_t text[2 * RECORD_NAME + TRACE_RECEIVED_SIZE]; /* peer, binding, first */
};

struct tee_order {
	uint8_t op;
	uint16_t job, block; /* or DISK_NOTHING */
	uint16_t further;    /* blocks, linked by `after` */
	uint16_t tries, gateway;
	bool same;
	uint32_t serial, octets, at;
	uint64_t wait_ms;
	uint8_t id[RECORD_ID];
};

#define TEE_WAKES  16u /* that wait; more become one for all */
#define TEE_ORDERS (8u * DISK_JOBS + DISK_BLOCKS + TEE_WAKES + TEE_LOOKS + 1u)

struct tee_all {
	struct tee_args args;
	struct watch pair;
	bool up;             /* the disk process answers us */
	uint64_t hope_until; /* it ended: until then another one is waited for */
	bool changed;        /* tell `watcher` */
	uint32_t life, hello;
	uint32_t serials;
	uint32_t unanswered;       /* sent and not yet answered */
	uint32_t waiters;          /* jobs that want a block */
	uint32_t wakes;            /* in orders */
	uint32_t fresh;            /* jobs never used begin here */
	uint32_t order_at, orders; /* of order: a ring */
	bool wake_all;
	uint64_t state_at;
	void (*watcher)(void);
	struct tee *first, **last; /* stirred */
	struct loop_task stir, send;
	struct deadline tick;
	struct tee_look *look[TEE_LOOKS];
	struct disk_state state;
	uint8_t blocked[DISK_GATEWAYS / 8]; /* gateways: see tee_block */
	/* What is large comes last: what lies near the front is reached in fewer octets. */
	uint8_t uses[DISK_BLOCKS];   /* by a job, by orders; 0: free */
	uint16_t after[DISK_BLOCKS]; /* the next one of the same file */
	struct tee_job job[DISK_JOBS];
	struct tee_order order[TEE_ORDERS];
};

extern struct tee_all tee_all;

/* ---- tee_job.c: jobs and blocks ---- */

/* A job for t, or NULL. */
struct tee_job *tee_job_take(struct tee *t);

/* The owner has no more to do with it. */
void tee_job_leave(struct tee_job *j);

/* The job's last order: the disk process forgets it too. */
void tee_job_end(struct tee_job *j, enum disk_op op);

/* What can be done now: composes, commits, reads. */
void tee_job_advance(struct tee_job *j);

/* Has it a block now? If not it waits for one. */
bool tee_job_block(struct tee_job *j);

/* It wants none. */
void tee_job_unwant(struct tee_job *j);

/* What is in its blocks goes to the disk process … */
void tee_job_write(struct tee_job *j);

/* … and the blocks with it. */
void tee_job_flush(struct tee_job *j);

/* Its block is full. */
void tee_job_full(struct tee_job *j);

/* Gives up its blocks. */
void tee_job_unblock(struct tee_job *j);

/* An order no longer needs a block. */
void tee_block_done(uint16_t block);

uint8_t *tee_block_at(uint16_t block);

/* Gives it back where it has ended in all respects. */
void tee_job_free(struct tee_job *j);

/* The disk process is another one, or gone: all jobs fail. */
void tee_jobs_reset(void);

/* ---- tee_order.c: the pair ---- */

/* An order of a job (NULL: of none), to be completed by the caller; sent at the end of the turn. */
struct tee_order *tee_order(enum disk_op op, struct tee_job *j);

/* Is a disk process there, or about to be? */
bool tee_is_hopeful(void);

/* Looks that nobody answers end. */
void tee_order_looks(void);

/* ---- tee.c ---- */

/* Something to be told to the owner: an event (or TEE_NOTHING, room), at the turn's end. */
void tee_stir(struct tee *t, enum tee_event event);

/* An answer to an order of a job that is owned and not ended. */
void tee_answered(struct tee_job *j, const struct disk_message *m);

/* It can have no more: not its file, nor its block. */
void tee_fail(struct tee_job *j, enum spool_status status, const char *why);

#endif
