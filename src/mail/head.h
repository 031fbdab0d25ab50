/* SPDX-License-Identifier: ISC */
/*
 * The streaming header editor. The mail goes in as runs with CRLF line ends and no dot-stuffing,
 * cut anywhere; it comes out as runs that are slices of the input or of own storage. Constant
 * memory whatever the header's size; the body passes without being looked at.
 *
 * Received is put in front. At the end of the header block stand, where missing and wanted, From,
 * Reply-To, Date, Message-ID. Where a field is wanted, one that holds only blanks and folds is
 * removed and counts as missing. A line that is neither a field nor the continuation of one ends
 * the header, with an empty line put in before it.
 *
 * With header_from the address in the first From is replaced and its display name kept, if the
 * field is at most HEAD_FROM_FIELD octets unfolded and parses (mail/mailbox.h), else the whole
 * field is replaced; of several mailboxes the first remains. Any further From, Sender and
 * Return-Path are removed. With add_reply_to too the old From becomes Reply-To if there is none
 * and the old one was understood: it parsed, and each of its addresses has a domain.
 *
 * All else passes octet for octet. Bounds of what is understood: a line with HEAD_HOLD octets or
 * more before its colon is no field; of the blanks with which the value of a wanted field begins
 * no more are kept than fit HEAD_HOLD with its name.
 */
#ifndef MAIL_HEAD_H
#define MAIL_HEAD_H

#include "base/bytes.h"

#define HEAD_FROM_FIELD 512 /* octets of a From field, unfolded, with its name and colon */
#define HEAD_HOLD       480 /* octets held back until it is known what they are */
#define HEAD_QUEUE      5

/* Immutable; outlives the editor, but for received, which is not used again after the first run. */
struct head_params {
	struct bytes received;   /* the whole field, CRLF and all; may be empty */
	struct bytes date;       /* value, RFC 5322; empty: not wanted, or the clock is unset */
	struct bytes message_id; /* value with its angle brackets; empty: not wanted */
	struct bytes
	    header_from; /* address without angle brackets, at most 320 octets; empty: From stays */
	bool add_reply_to; /* counts only with header_from */
};

enum head_event {
	HEAD_RUN, /* *run is to be passed on; valid until the next call or while the input is */
	HEAD_MORE, /* *in is used up */
	HEAD_END   /* only from head_end: all is said */
};

/* All private; use the functions. */
struct head {
	uint8_t queued, sent;
	uint8_t state; /* enum state in head.c */
	uint8_t act;   /* what happens to the current field: enum act in head.c */
	uint8_t field; /* the current field: enum field in head.c */
	uint8_t tail;  /* which of the missing fields comes next */
	uint8_t seen;  /* bit set of fields that count as present */
	bool blank;    /* in a name: blanks were seen */
	bool filled;   /* From being captured: not only blanks */
	bool over;     /* … does not fit */
	bool answer;   /* the old From may stand as Reply-To */
	bool open;     /* the last line passed on has no end yet */
	uint16_t held;
	uint16_t from_len;
	uint32_t hops;
	const struct head_params *params;
	struct bytes queue[HEAD_QUEUE]; /* runs that are decided */
	uint8_t hold[HEAD_HOLD];
	uint8_t from[HEAD_FROM_FIELD - 5]; /* value of From, unfolded */
};

_Static_assert(sizeof(struct head) <= 1280, "one header editor per session");

void head_init(struct head *h, const struct head_params *params);

/*
 * Takes from the front of *in and returns one run, never an empty one, or HEAD_MORE. Call it until
 * it returns HEAD_MORE; an empty *in is fine (Received comes out even before the first octet).
 */
enum head_event head_step(struct head *h, struct bytes *in, struct bytes *run);

/*
 * The input is complete: call until it returns HEAD_END. Supplies what is missing: the end of the
 * last line, fields, the empty line. No head_step after the first head_end.
 */
enum head_event head_end(struct head *h, struct bytes *run);

/* Received fields seen in the input so far. */
uint32_t head_hops(const struct head *h);

/* Has the body begun? From then on head_step hands each input over as one run. */
bool head_in_body(const struct head *h);

#endif
