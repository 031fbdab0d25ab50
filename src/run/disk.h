/* SPDX-License-Identifier: ISC */
/*
 * The disk process: owns the spool's folder and makes every system call on it, so that nobody else
 * waits for a slow disk. Orders and answers of one size over a SOCK_SEQPACKET pair for each engine;
 * bodies pass through blocks of a mapping that is shared with that engine.
 *
 * A job is one file in use, numbered by the engine. Its orders are worked through as they come, and
 * each order is answered once. Commits, marks and removals that wait together share the folder's
 * sync. An engine never has more than DISK_WINDOW orders unanswered.
 */
#ifndef RUN_DISK_H
#define RUN_DISK_H

#include "base/limits.h"
#include "spool/spool.h"

#define DISK_ENGINES 2u /* generations at one time, each with jobs and blocks of its own */
#define DISK_JOBS    CONFIG_SPOOL_JOBS
#define DISK_BLOCKS  LIMIT_SPOOL_BLOCKS
#define DISK_BLOCK   LIMIT_SPOOL_BLOCK
#define DISK_MEMORY  ((size_t)DISK_BLOCKS * DISK_BLOCK)
#define DISK_WINDOW  64u
#define DISK_NOTHING 0xffffu /* no block, no job */
#define DISK_WHY     96u
#define DISK_FURTHER 60u     /* blocks of one order, beside its first */

enum disk_op {
	/*
	 * an engine begins; what another had on its pair ends. Answered with DISK_STATE. A disk
	 * process begins with this too: whatever was asked of the one before it is lost
	 */
	DISK_HELLO,
	DISK_BEGIN,   /* a new file for `id` */
	/*
	 * `octets` of block `block`, from its octet `at` on, behind what is there; at its end they
	 * go on in `further` more blocks, `list`
	 */
	DISK_WRITE,
	DISK_BODY,    /* what follows is the content: `info`, `lazy` */
	/*
	 * makes the file safe; of one that is safe: only its marks. block: `octets` marks for its
	 * first recipients (enum record_mark). Answered with `info`
	 */
	DISK_COMMIT,
	DISK_DROP,    /* the file goes, safe or not; the job ends */
	/*
	 * an entry goes (back) to the queue: `tries`, `gateway` (`held`: these stay as they were),
	 * `wait_ms`; the job ends
	 */
	DISK_RELEASE,
	/*
	 * opens the entry that is due first, or one that waits for a gateway that is not in
	 * `blocked`: `id`, `info`, `tries`, `since`, `taken`; SPOOL_ABSENT: none, `wait_ms` to the
	 * next
	 */
	DISK_NEXT,
	DISK_OPEN,    /* the same with the entry `id`; SPOOL_ABSENT with `held`: it is in use */
	/* fills block `block` from octet `at` of the file; `octets`, 0 behind its end */
	DISK_READ,
	DISK_BURY,    /* its content is torn: set aside; the job ends */
	/*
	 * entries that wait are due now: that of `id`; id all zero: all, of `gateway` where that is
	 * not 0. No job
	 */
	DISK_WAKE,
	DISK_STATE,   /* how things are: `state`. No job; also unasked */
	/*
	 * no job: the first entry of the index from number `at` on, which becomes `at`: `id`,
	 * `octets`, `open`, `stamp`, `tries`, `wait_ms`, `held`. SPOOL_ABSENT: there is none
	 */
	DISK_LIST,
	DISK_OPS
};

/* Numbers that stand for where an entry waits are below: one for each gateway, from 1. */
#define DISK_GATEWAYS 1024u

_Static_assert(CONFIG_GATEWAYS < DISK_GATEWAYS, "each gateway has its number");

/* How the spool is. */
struct disk_state {
	uint8_t usable;       /* mails can be stored */
	uint8_t full, worn;   /* … and if not: no room; Spool_Write_Limit */
	uint8_t trouble;      /* enum disk_status */
	uint8_t in_memory;    /* on tmpfs or ramfs */
	uint8_t scanned;      /* all of the folder was seen */
	uint8_t spare[2];
	uint32_t mails;       /* in the folder */
	uint32_t corrupt;     /* files set aside */
	uint64_t octets;      /* of all files */
	uint64_t today, ever; /* octets written */
	uint64_t oldest;      /* seconds since 1970 when it came; 0: none, or not known */
	uint64_t next_ms;     /* to the next entry that is due; UINT64_MAX: none */
	char why[DISK_WHY];   /* not usable: in words, NUL-terminated */
};

struct disk_message {
	uint8_t op;       /* enum disk_op */
	uint8_t status;   /* answers: enum spool_status */
	uint8_t lazy;
	uint8_t held;
	uint32_t life;    /* of the disk process: an order to an earlier one is dropped */
	uint32_t engine;  /* its generation: what is for another one is dropped */
	uint32_t serial;  /* given back */
	uint16_t job, block;
	uint32_t octets;
	uint32_t at;
	uint16_t further;
	uint16_t tries, gateway; /* struct spool_entry */
	/* relay/retry.h, seconds of the monotonic clock */
	int32_t since;
	uint32_t taken;
	uint32_t open;
	uint64_t wait_ms;
	uint32_t stamp;
	uint8_t id[RECORD_ID];
	union {
		struct record_info info;
		struct disk_state state;
		uint8_t blocked[DISK_GATEWAYS / 8]; /* DISK_NEXT: a bit for each */
		uint16_t list[DISK_FURTHER];        /* DISK_WRITE */
	};
};

enum disk_order {
	DISK_ORDER_STOP = 'T',  /* all orders that wait are worked through, then it exits 0 */
	DISK_ORDER_RETRY = 'R', /* an unusable folder is tried again now */
	DISK_ORDER_GONE = 'G'   /* this engine has ended; another may have said hello on its pair */
};

/* What the supervisor tells the disk process. */
struct disk_word {
	uint32_t order;  /* enum disk_order */
	uint32_t engine; /* DISK_ORDER_GONE: its generation; else 0 */
};

struct disk_args {
	int engine[DISK_ENGINES];    /* its ends of the pairs */
	uint8_t *blocks[DISK_ENGINES]; /* DISK_MEMORY octets each, shared */
	int supervisor;              /* struct disk_word in */
	uint32_t life;               /* 1, 2, …: how many disk processes there were, this one too */
	struct disk disk;            /* port NULL: the folder cannot be used */
	uint8_t trouble;             /* enum disk_status: why … */
	uint8_t known;               /* … and that was logged before; DISK_OK: nothing was */
	const char *why;             /* … in words, or NULL */
	bool in_memory;
	const char *name;            /* of the folder, for messages */
	uint64_t max_size, reserve;  /* octets; max_size 0: 3/4 of what is free */
	uint64_t write_limit;        /* octets in 24 h; 0: none */
	void (*lock)(void);          /* the last step of the sandbox, or NULL */
};

/* Exit status of a process that had no folder, plus its trouble: it is to be started again. */
#define DISK_AGAIN 64

/*
 * The disk process. Returns its exit status: 0 after DISK_ORDER_STOP or the supervisor's end, or
 * DISK_AGAIN and more, a minute after it began (DISK_BUSY: a second) or at DISK_ORDER_RETRY.
 */
int disk_main(const struct disk_args *args);

#endif
