/* SPDX-License-Identifier: ISC */
/*
 * What the control socket tells of the mail that waits in the spool, and does to it (`gatepost
 * queue`). Entries are looked at one by one, so that a spool of any size takes the same room.
 * queue_none.c where the spool is left out.
 */
#ifndef RUN_QUEUE_H
#define RUN_QUEUE_H

#include "base/fmt.h"
#include "conf/conf.h"
#include "mail/trace.h"
#include "run/tee.h"

#define QUEUE_PIECE 3072u /* room that any piece fits */

enum queue_step {
	QUEUE_WAIT,  /* nothing now: wake will be called */
	QUEUE_MORE,  /* a piece was written */
	QUEUE_ENDED, /* that was all */
	QUEUE_BROKEN /* … and it is not whole */
};

/* One request. Lies in static storage, zeroed before its first use. All private. */
struct queue_ask {
	uint8_t what, state; /* enums in queue.c */
	uint8_t part;        /* of what is being written */
	bool json, answered;
	bool opened;    /* tee had the entry: what it tells is known */
	bool ended;     /* of the file all was read */
	bool begun;     /* the event's beginning is written … */
	bool in_header; /* … and all before the header */
	uint8_t status; /* of an answer of one line … */
	const char *line; /* … and its words */
	const struct conf *conf;
	void (*wake)(struct queue_ask *q);
	struct tee tee;
	struct tee_look look;
	struct record_reader reader;
	struct bytes got, left; /* of the file; of that what is not yet written */
	uint16_t gateway;      /* that its first recipient goes to, see tee; 0: not known */
	uint32_t binding;
	uint32_t seen, marks;  /* recipients */
	uint32_t lines;        /* ends of lines in a row */
	uint32_t listed, held; /* entries */
	uint64_t octets;       /* of those; of the header */
	char id[TRACE_ID + 1];
	size_t sender_n;
	uint8_t sender[LIMIT_PATH];
};

/*
 * Begins with what stands behind "queue" in the request. trusted: it is root or the relay's own
 * user. wake is called at the end of a turn, when queue_step has something. conf outlives it.
 */
void queue_begin(struct queue_ask *q, const struct conf *conf, struct bytes request, bool trusted,
    void (*wake)(struct queue_ask *q));

/*
 * Goes on. out is empty and has room for QUEUE_PIECE. The first piece begins with the answer's
 * first line (run/control.h).
 */
enum queue_step queue_step(struct queue_ask *q, struct fmt *out);

/* Whoever asked is gone, or the answer has ended: lets go of what it held. May be called twice. */
void queue_stop(struct queue_ask *q);

#endif
