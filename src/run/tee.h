/* SPDX-License-Identifier: ISC */
/*
 * The tee: what a mail under way holds of its file in the spool. The engine makes no system call on
 * files: it puts octets into blocks of a mapping that it shares with the disk process and sends
 * orders (run/disk.h); answers come as events of the loop.
 *
 * Used by the mail of a client (relay/net.h), by reports (run/report.h) and, for reading and
 * marking, by deliveries (run/deliver.h).
 */
#ifndef RUN_TEE_H
#define RUN_TEE_H

#include "base/blk.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "run/disk.h"

#define TEE_WHY 120

enum tee_state {
	TEE_NONE,
	TEE_OPENING,    /* envelope and marks are on their way */
	TEE_OPEN,       /* content may come */
	TEE_COMMITTING,
	TEE_SAFE,       /* committed, or an entry of the queue that is ours to deliver */
	TEE_BROKEN,     /* nothing more goes; the file is gone */
};

enum tee_event {
	TEE_NOTHING,
	TEE_OPENED,
	TEE_REFUSED,    /* there is no file; no_room, why */
	TEE_LOST,       /* took no block for 5 s, or the disk failed; the file is gone */
	TEE_COMMITTED,
	TEE_UNSAFE,     /* the commit failed; the file is gone. Of marks: the file stays, the marks are not sure */
	TEE_READ,       /* content that tee_read asked for lies in *got */
	TEE_ENDED,      /* tee_read: behind the last octet */
	TEE_TORN,       /* the file is not what it was; it was set aside */
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
	struct bytes peer, binding;
	const struct blk_arena *arena;
	const struct envelope *envelope; /* all its recipients that were answered 250 */
	bool lazy;              /* it will hardly ever be committed: see spool_body */
	struct bytes first;     /* the first of the content: our Received field */
};

/* Embedded in its owner; zeroed: TEE_NONE. Private but state, no_room, why, tries and info. */
struct tee {
	uint8_t state;   /* enum tee_state */
	bool no_room;    /* TEE_REFUSED: full, or over Spool_Write_Limit */
	bool told;
	const char *why; /* of TEE_REFUSED, TEE_LOST, TEE_UNSAFE: in words, static */
	uint32_t tries;
	struct record_info info;
	uint16_t job, block;
	uint32_t serial, filled;
	uint64_t moved;
	struct record_writer record;
	void (*wake)(struct tee *t);
};

/*
 * Can the spool take a mail now? False: *no_room (full, or over Spool_Write_Limit), and why in
 * words ("the spool is full", "/var/spool/gatepost: no such folder"), static.
 */
bool tee_can(bool *no_room, const char **why);

/* Begins the file. m and what it points to may change afterwards. wake: tee_step has something. */
void tee_open(struct tee *t, const struct tee_mail *m, void (*wake)(struct tee *t));

/* Octets of content that may be put now; 0: wait (wake is called when there is room). */
size_t tee_room(struct tee *t);
void tee_put(struct tee *t, struct bytes x);

/*
 * Ends the file and makes it safe. mark: what each recipient is stored as (one octet each, enum
 * record_mark), at most CONFIG_RECIPIENTS_MAX; n = 0: all new. On TEE_SAFE: only the marks are
 * written and synced.
 */
void tee_commit(struct tee *t, const uint8_t *mark, uint32_t n);

/* The mail needs no file any more, in whatever state it is: nothing is heard of it again. */
void tee_drop(struct tee *t);

/* It goes to the queue, to be tried in wait_ms. Nothing is heard of it again. */
void tee_release(struct tee *t, uint64_t wait_ms);

/* Moves it to another owner; from is TEE_NONE then. */
void tee_move(struct tee *to, struct tee *from, void (*wake)(struct tee *t));

/* One event, if there is one. got: of TEE_READ, valid until the next call for this tee. */
enum tee_event tee_step(struct tee *t, struct bytes *got);

/* ---- entries of the queue (TEE_SAFE after TEE_OPENED) ---- */

/*
 * Takes the next entry that is due; TEE_REFUSED where there is none. `tries` and the record's
 * info are in t.
 */
void tee_next(struct tee *t, void (*wake)(struct tee *t));

/* Reads the file's octets from `at` on, for record_read, block by block: TEE_READ, then TEE_ENDED. */
void tee_read(struct tee *t, uint64_t at);

#endif
