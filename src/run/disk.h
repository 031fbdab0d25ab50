/* SPDX-License-Identifier: ISC */
/*
 * The disk process: owns the spool's folder and makes every system call on it, so that nobody else
 * waits for a slow disk. Orders and answers of fixed size over a SOCK_SEQPACKET pair for each
 * engine; bodies pass through blocks of a mapping that is shared with that engine.
 *
 * A job is one file in use, numbered by the engine; its orders are worked through in their order and
 * each is answered once, but those that say otherwise. Commits, marks and removals that wait
 * together share the folder's sync.
 */
#ifndef RUN_DISK_H
#define RUN_DISK_H

#include "base/limits.h"
#include "spool/spool.h"

#define DISK_ENGINES 2u /* generations at one time, each with its half of jobs and blocks */

enum disk_op {
	DISK_BEGIN,   /* a new file for `id` */
	DISK_WRITE,   /* `octets` of block `block` behind what is there; the answer frees the block */
	DISK_BODY,    /* what follows is the content: `info`, `lazy` */
	/* block: octets of marks for its recipients (enum record_mark); none where octets is 0 */
	DISK_COMMIT,
	DISK_DROP,    /* the file goes, committed or not; the job ends */
	DISK_RELEASE, /* an entry goes (back) to the queue: `tries`, `wait_ms`; the job ends */
	DISK_NEXT,    /* opens the entry that is due first: `id`, `info`, `tries`; SPOOL_ABSENT: none, `wait_ms` to the next */
	DISK_OPEN,    /* opens the entry `id` */
	DISK_READ,    /* fills block `block` from octet `at` of the file; `octets`, 0 at its end */
	DISK_MARKS,   /* as with DISK_COMMIT, of an open entry: written and synced */
	DISK_BURY,    /* its content is torn: set aside; the job ends */
	DISK_WAKE,    /* entries that wait are due now: all, or that of `id`. No job */
	DISK_STATE,   /* how things are: `state`. No job; also unasked, when something has changed */
	DISK_LIST,    /* no job: the entry behind number `at` of the index, for the control socket */
};

/* How the spool is. */
struct disk_state {
	uint8_t usable;       /* mails can be stored */
	uint8_t full, worn;   /* … and if not: no room; Spool_Write_Limit */
	uint8_t trouble;      /* enum disk_status */
	uint8_t volatile_;    /* on tmpfs or ramfs */
	uint32_t mails, corrupt;
	uint64_t octets, today, ever;
	uint64_t oldest;      /* seconds since 1970 when it came; 0: none */
	uint64_t next_ms;     /* to the next try; UINT64_MAX: none */
	char why[80];         /* not usable: in words */
};

struct disk_message {
	uint8_t op;      /* enum disk_op */
	uint8_t status;  /* answers: enum spool_status */
	uint8_t lazy;
	uint8_t spare;
	uint16_t job;
	uint16_t block;
	uint32_t serial; /* of the job's present use: answers to an earlier one are dropped */
	uint32_t octets;
	uint32_t tries;
	uint64_t at;
	uint64_t wait_ms;
	uint8_t id[RECORD_ID];
	struct record_info info;
	struct disk_state state; /* DISK_STATE */
};

#endif
