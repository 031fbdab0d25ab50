/* SPDX-License-Identifier: ISC */
/*
 * The tee: what a mail under way holds of its file in the spool. The engine makes no system call on
 * files: it puts octets into blocks of a mapping that it shares with the disk process and sends
 * orders (run/disk.h); answers come as events of the loop.
 *
 * Used by the mail of a client (relay/net.h), by reports (run/report.h) and, for reading and
 * marking, by deliveries (run/deliver.h). A struct tee lies in static storage and is zeroed before
 * its first use. `wake` is called at the end of a turn, never from within a call of these.
 */
#ifndef RUN_TEE_H
#define RUN_TEE_H

#include "base/blk.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "run/disk.h"

#define TEE_PATIENCE_MS 5000u  /* without a free block */
#define TEE_COMMIT_MS   60000u /* without an answer to a commit */

enum tee_state {
	TEE_NONE,
	TEE_OPENING,    /* envelope and marks are on their way; content may come, too */
	TEE_OPEN,       /* content may come */
	TEE_COMMITTING,
	TEE_SAFE,       /* committed, or an entry of the queue that is ours to deliver */
	TEE_BROKEN      /* nothing more goes; the file is gone, or not ours. As good as TEE_NONE */
};

enum tee_event {
	TEE_NOTHING,
	TEE_OPENED,
	TEE_REFUSED,    /* there is no file; no_room, why */
	/* took no block for 5 s, or the disk failed; the file is gone, or in the queue */
	TEE_LOST,
	TEE_COMMITTED,
	/* the commit failed; the file is gone. Of marks: the file stays, they are not sure */
	TEE_UNSAFE,
	TEE_READ,       /* content that tee_read asked for lies in *got */
	TEE_ENDED,      /* tee_read: behind the last octet */
	TEE_TORN        /* the file is not what it was; it was set aside */
};

/* Is a recipient with this verdict in the file? (Those that were answered 250.) */
static inline bool tee_has(enum envelope_verdict v)
{
	return v == RCPT_ACCEPTED || v == RCPT_TAKEN || v == RCPT_KEPT;
}

/* What is written about a mail, beside its envelope and content. */
struct tee_mail {
	const uint8_t *id;      /* RECORD_ID octets */
	uint32_t flags;         /* RECORD_UTF8 … */
	struct bytes peer, binding; /* at most RECORD_NAME octets of each go on */
	/*
	 * Both stay as they are, as far as tee_has tells, until TEE_OPENED or the end of the tee.
	 * All recipients that were answered 250 are stored, at least one.
	 */
	const struct envelope *envelope;
	/*
	 * It will hardly ever be committed (see spool_body): what there is room for stays in the
	 * blocks, without a file. TEE_OPENED may not come before tee_hurry or tee_commit.
	 */
	bool lazy;
	/* the first of the content, at most TRACE_RECEIVED_SIZE octets: our Received field */
	struct bytes first;
};

struct tee_job;

/* Private but state, no_room, why, id, info and those of the queue's entries. */
struct tee {
	uint8_t state;   /* enum tee_state */
	bool no_room;    /* TEE_REFUSED: full, or over Spool_Write_Limit */
	bool absent;     /* TEE_REFUSED of tee_find: there is no such mail … */
	bool held;       /* … or it is in use */
	bool stirred;
	uint8_t events;
	const char *why; /* of TEE_REFUSED, TEE_LOST, TEE_UNSAFE: in words (a phrase), static */
	/* Entries of the queue: valid after TEE_OPENED; set the first two before tee_release. */
	uint16_t tries;
	uint16_t gateway; /* the number that stands for where it waits, see tee_block; 0: none */
	int32_t since;    /* relay/retry.h: from when its age counts */
	uint32_t taken;   /* … and when that was found out, seconds of the monotonic clock */
	/* TEE_REFUSED of tee_next: to the next one (UINT64_MAX: none); TEE_OPENED: to it */
	uint64_t wait_ms;
	uint8_t id[RECORD_ID];
	struct record_info info; /* of what is TEE_SAFE */
	struct tee_job *job;
	struct tee *next;
	void (*wake)(struct tee *t);
};

struct tee_args {
	int disk;          /* this engine's end of its pair, or -1: there is no spool */
	uint8_t *blocks;   /* the shared mapping, DISK_MEMORY octets */
	uint32_t engine;   /* generation */
};

/* Deadlines of the loop in use. */
#define TEE_DEADLINES 1

void tee_init(const struct tee_args *args);

/* Are there orders that the disk process was not given yet? The engine does not end before. */
bool tee_is_busy(void);

/*
 * Can the spool take a mail now? False: *no_room (full, or over Spool_Write_Limit), and why in
 * words ("the spool is full", "/var/spool/gatepost: no such folder"), static.
 */
bool tee_can(bool *no_room, const char **why);

/* Begins the file. wake: tee_step has something, or tee_room. */
void tee_open(struct tee *t, const struct tee_mail *m, void (*wake)(struct tee *t));

/* Octets of content that may be put now; 0: wait (wake is called when there is room). */
size_t tee_room(struct tee *t);
void tee_put(struct tee *t, struct bytes x);

/* It is lazy no more: it will most likely be committed. */
void tee_hurry(struct tee *t);

/*
 * Ends the file and makes it safe. mark: what each recipient is stored as (one octet each, enum
 * record_mark), at most CONFIG_RECIPIENTS_MAX; n = 0: all new. On TEE_SAFE: only the marks are
 * written and synced, all of them again where that failed before; reading ends. On TEE_BROKEN:
 * TEE_UNSAFE follows.
 */
void tee_commit(struct tee *t, const uint8_t *mark, uint32_t n);

/* The mail needs no file any more, in whatever state it is: nothing is heard of it again. */
void tee_drop(struct tee *t);

/*
 * It goes to the queue, to be tried in wait_ms, with t's tries and gateway. Nothing is heard of it
 * again. TEE_SAFE or TEE_BROKEN only (then nothing happens: it is there, or gone).
 */
void tee_release(struct tee *t, uint64_t wait_ms);

/* Moves it to another owner; to is TEE_NONE or TEE_BROKEN, from is TEE_NONE then. */
void tee_move(struct tee *to, struct tee *from, void (*wake)(struct tee *t));

/* One event, if there is one. got: of TEE_READ, valid until the next call for this tee. */
enum tee_event tee_step(struct tee *t, struct bytes *got);

/* ---- entries of the queue (TEE_SAFE after TEE_OPENED) ---- */

/*
 * Takes the next entry that is due: TEE_OPENED; TEE_REFUSED where there is none (wait_ms). `tries`,
 * since, taken, id and the record's info are in t.
 */
void tee_next(struct tee *t, void (*wake)(struct tee *t));

/*
 * An entry released with this gateway's number (from 1, below DISK_GATEWAYS) is taken before others
 * as soon as the number is not blocked, however long it was to wait.
 */
void tee_block(uint16_t gateway, bool blocked);

/* The same with that entry, due or not; TEE_REFUSED: there is none, or it is in use (why). */
void tee_find(struct tee *t, const uint8_t id[RECORD_ID], void (*wake)(struct tee *t));

/*
 * Reads the file's octets from `at` on, for record_read, block by block: TEE_READ, then TEE_ENDED.
 * Another tee_read takes the place of one under way. On TEE_BROKEN: TEE_LOST follows.
 */
void tee_read(struct tee *t, uint64_t at);

/* No more of it: gives the block back. */
void tee_read_stop(struct tee *t);

/* Its content is torn: it is set aside. Nothing is heard of it again. */
void tee_bury(struct tee *t);

/* ---- the whole spool ---- */

/* How it was told last; all zero while it is not known. next_ms is as of `at` (milliseconds). */
const struct disk_state *tee_spool(uint64_t *at);

/* fn is called at the end of a turn in which that has changed, or an entry came to be due. */
void tee_when_changed(void (*fn)(void));

/*
 * Entries that wait are due now: that of id (NULL: all), of that gateway (0: of all).
 */
void tee_wake(const uint8_t *id, uint16_t gateway);

/* A look at the index, entry by entry, for the control socket. Zeroed before its first use. */
struct tee_look {
	bool busy;       /* private */
	uint32_t serial; /* private */
	bool found;      /* false: there is no more; or the disk process ended */
	uint32_t at;     /* number of the entry; look at `at + 1` next */
	uint8_t id[RECORD_ID];
	uint32_t octets, open, stamp; /* struct spool_entry */
	uint16_t tries;
	bool held;
	uint64_t wait_ms; /* until it is due */
	void (*done)(struct tee_look *l);
};

#define TEE_LOOKS CONFIG_CONTROL_SESSIONS

/* The first entry from number `from` on: done is called in a later turn. At most TEE_LOOKS. */
void tee_look(struct tee_look *l, uint32_t from, void (*done)(struct tee_look *l));
void tee_look_stop(struct tee_look *l);

#endif
