/* SPDX-License-Identifier: ISC */
/*
 * Between deliver.c (which mail, and what becomes of it), deliver_send.c (the dialogue with its
 * gateway), deliver_words.c (what was said) and report.c.
 */
#ifndef RUN_DELIVER_PART_H
#define RUN_DELIVER_PART_H

#include "mail/trace.h"
#include "relay/txn.h"
#include "run/deliver.h"
#include "run/deliver_log.h"
#include "run/outbound.h"
#include "run/tee.h"

enum deliver_state {
	DELIVER_FREE,
	DELIVER_SEEK,   /* an entry was asked for */
	DELIVER_FRONT,  /* its envelope is read */
	DELIVER_SEND,   /* the gateway is at it */
	DELIVER_MARK,   /* what was taken is written down; then come those that are left */
	DELIVER_REPORT, /* its report is written, or waits for others' */
	DELIVER_LAST,   /* the last marks are written */
	DELIVER_UNSURE, /* they could not be: they are written again in a while */
};

enum {
	DELIVER_DUE_MAIL = 1,
	DELIVER_DUE_RCPT = 2,
	DELIVER_DUE_AGAIN = 4,
	DELIVER_DUE_DATA = 8,
	DELIVER_DUE_END = 16,
};

/*
 * Verdicts of its recipients: RCPT_NEW (to be tried), RCPT_ACCEPTED (within a transaction),
 * RCPT_DEFERRED (stays in the queue), RCPT_TAKEN, RCPT_REFUSED (given up, a report is owed),
 * RCPT_KEPT (given up, and all is said).
 */
struct delivery {
	uint8_t state;   /* enum deliver_state */
	uint8_t due;    /* to be sent to the gateway: DELIVER_DUE_… */
	uint8_t asked;   /* enum txn_question: what the answer is to */
	uint8_t answer;  /* enum txn_action: what the transaction says; TXN_ACTIONS: nothing */
	uint8_t how;     /* enum txn_event: … because of this */
	bool ended;      /* of the file all was read */
	bool tried;      /* a gateway was asked, or could not be */
	bool dirty;      /* the marks in the file are not what became of the recipients */
	bool own_sender; /* a report's null sender was refused: Envelope_From in its place */
	bool taken;      /* this pass: the gateway has taken the mail */
	bool dotted;     /* this pass: the final dot went to the gateway … */
	bool doubt;      /* … and in one pass the reply did not come */
	struct gateway *rated;   /* whose Outbound_Throttle_Messages counts this pass */
	uint32_t binding;
	uint32_t marks;                      /* recipients whose marks were read */
	uint32_t first;                      /* index of the pass's first recipient … */
	uint32_t recipients;                 /* … and how many there are */
	uint32_t at;                         /* index of the one under question */
	uint32_t failed_before, stay_before; /* counts when the pass began */
	uint64_t began;                      /* milliseconds: the pass */
	uint64_t wait_ms;                    /* to the next try, for those that are RCPT_DEFERRED */
	struct loop_task turn;
	struct bytes block, piece; /* of the file; of that what the gateway has not taken yet */
	const struct reply *last;  /* valid within one event */
	struct delivery *next_report;
	struct blk_chain words; /* of gateways, to those that were refused */
	/* What is large comes last: what lies near the front is reached in fewer octets. */
	struct leg leg;
	struct tee tee;
	struct txn txn;
	struct envelope envelope;
	struct conf_sending key; /* of the present pass */
	char id[TRACE_ID + 1];
	struct reply saved;     /* the last refusal */
	struct record_reader reader;
};

/* ---- deliver.c ---- */

struct blk_arena *delivery_arena(void);
const struct conf *delivery_conf(void);

/* Each place for one, used or not; NULL behind the last. */
struct delivery *delivery_at(unsigned i);

/* Queues a turn of d. */
void delivery_wake(struct delivery *d);

/* The queue is looked at again in so many milliseconds, or earlier. */
void delivery_look_in(uint64_t ms);

/* ---- deliver_file.c ---- */

/*
 * The file's next; RECORD_MORE: nothing has come yet, or it is lost (tee.state is TEE_BROKEN). Not
 * whole: RECORD_TORN or the like.
 */
enum record_event delivery_read(struct delivery *d, struct bytes *what);
void delivery_read_again(struct delivery *d); /* from its first octet */

enum delivery_front {
	DELIVERY_FRONT_MORE,    /* the rest has not come yet, or it is lost */
	DELIVERY_FRONT_READ,    /* the envelope is whole, with its verdicts */
	DELIVERY_FRONT_CROWDED, /* there is no memory for it now */
	DELIVERY_FRONT_TORN,
};

/* Goes on reading what comes before the content, after delivery_read_again. */
enum delivery_front delivery_front(struct delivery *d);

/* What is in force for this recipient (a path without brackets). */
void delivery_sending(const struct delivery *d, struct bytes path, struct conf_sending *s);

/* The path of the first recipient with that verdict, in static storage; false: there is none. */
bool delivery_find(const struct delivery *d, enum envelope_verdict verdict, struct bytes *path);

/* All with the verdict `from`; of these, those with d->key. */
void delivery_change(struct delivery *d, enum envelope_verdict from, enum envelope_verdict to);
void delivery_change_key(struct delivery *d, enum envelope_verdict from, enum envelope_verdict to);

/* ---- deliver_place.c ---- */

/* How many deliveries there may be at one time. */
unsigned delivery_places(void);

/* Must mail with this key wait? Then for *g; *down: it is down, and all others that could do. */
bool delivery_must_wait(const struct conf_sending *s, struct gateway **g, bool *down);

/* d's mail is to be tried as soon as g is up again, or has a place. */
void delivery_wait_for(struct delivery *d, const struct gateway *g);

/* Who waits for a gateway need not any more where that has a place. */
void delivery_unblock(void);

/* ---- deliver_send.c ---- */

/* Begins a pass: with all that are RCPT_NEW and have d->key (one at least). */
void delivery_send(struct delivery *d);
/* False: nothing moved. */
bool delivery_send_step(struct delivery *d);
/*
 * The pass ends as if it had not begun; or it fails, because the reply to its final dot is awaited
 * no longer. delivery_sent is not called.
 */
void delivery_send_stop(struct delivery *d);
void delivery_send_abandon(struct delivery *d);

/* deliver.c: of d->key some stay (RCPT_DEFERRED): for how long, or are they given up? */
void delivery_judge(struct delivery *d);

/* deliver.c: the pass has ended, the leg is let go of. */
void delivery_sent(struct delivery *d);
/* deliver.c: the file is not what it was; the leg was cut. */
void delivery_torn(struct delivery *d);

/* ---- deliver_words.c ---- */

#define DELIVERY_EVERY UINT32_MAX /* index: all that have no words of their own */

struct delivery_words {
	bool expired;
	char remote[LIMIT_HOSTNAME + 1]; /* name or address literal of the gateway; may be empty */
	struct reply reply;              /* code 0: none came, the text tells what was wrong */
};

/* Keeps them as far as there is room. */
void delivery_keep_words(struct delivery *d, uint32_t index, const struct reply *r, bool expired);
void delivery_get_words(const struct delivery *d, uint32_t index, struct delivery_words *w);

/* ---- report.c ---- */

/*
 * Writes the report about those that are RCPT_REFUSED, when those before it are written. The end is
 * told by delivery_reported. report_step: something may have come of d's own file.
 */
void report_begin(struct delivery *d);
void report_step(struct delivery *d);
/* Nothing is heard of it any more. */
void report_stop(struct delivery *d);

/* deliver.c. ok: all is said; else it could not be stored, and is still owed. */
void delivery_reported(struct delivery *d, bool ok);

#endif
