/* SPDX-License-Identifier: ISC */
/*
 * The report that a mail was not delivered (RFC 3464, 6522, 6533), written piece by piece: the
 * gateway's words for people, the same for programs, the header of the mail. Canonical form: CRLF,
 * no dot-stuffing. All of it is 7-bit, but for the To and From of an address that is not.
 *
 * Whatever addresses, words and header hold, the report is well formed: text and header are
 * quoted-printable, with a boundary ("=_…") that quoted-printable text cannot hold; an address
 * that is not ASCII stands as utf-8-addr-xtext; words are folded.
 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "base/buf.h"
#include "base/limits.h"

#define DSN_ROOM       1280u  /* octets of room that a step wants in out */
#define DSN_ADDR       900u   /* octets of an address, as encoded, that are told to programs */
#define DSN_HEADER_MAX 65536u /* octets of the mail's header that are sent along */

/* Outlives the report, with its slices. Addresses are without angle brackets. */
struct dsn_params {
	struct bytes from;       /* Header_From; empty: mailer-daemon@ our name */
	struct bytes to;         /* who gets it */
	struct bytes hostname;   /* ours */
	struct bytes id;         /* of the report, letters and digits: for the boundary */
	struct bytes message_id; /* … with angle brackets */
	struct bytes date;       /* RFC 5322; empty: the clock is unset */
	struct bytes mail_id;    /* of the mail */
	struct bytes arrival;    /* when it came, RFC 5322; empty: not known */
	bool utf8;               /* it came with SMTPUTF8 */
};

/* What became of one recipient. The slices live until dsn_step asks again. */
struct dsn_rcpt {
	struct bytes path;     /* with or without angle brackets */
	uint16_t code;         /* the gateway's last reply; 0: there was none */
	struct bytes enhanced; /* "5.1.1", or empty */
	struct bytes text;     /* of the reply, lines parted by \n; with code 0: what is wrong */
	struct bytes remote;   /* name or address literal of the gateway; may be empty */
	bool expired;          /* given up after too long a time */
};

enum dsn_event {
	DSN_FULL,   /* out has less room than DSN_ROOM: drain it */
	DSN_RCPT,   /* dsn_rcpt is to be called for recipient number dsn.rcpt (from 0) */
	DSN_HEADER, /* dsn_header is to be called with the next of the mail */
	DSN_END     /* it is whole */
};

/* All private but rcpt. */
struct dsn {
	const struct dsn_params *params;
	uint32_t rcpt;
	uint8_t state; /* enum state in dsn.c */
	struct dsn_rcpt now;
	struct bytes rest; /* of what is being written */
	uint32_t header;   /* octets of the mail's header taken */
	uint16_t column;
	uint8_t blank; /* quoted-printable: held back until it is known what follows … */
	bool cr;       /* … and this */
	bool line;     /* the header's current line holds something */
};

/* Two passes are made over the recipients, in the same order. */
void dsn_init(struct dsn *d, const struct dsn_params *params);

/* Does it need SMTPUTF8? */
bool dsn_needs_utf8(const struct dsn_params *params);

/* Appends to out and returns one event. */
enum dsn_event dsn_step(struct dsn *d, struct buf *out);

/* The answer to DSN_RCPT; NULL: there are no more (at least one was given). */
void dsn_rcpt(struct dsn *d, const struct dsn_rcpt *rcpt);

/*
 * The answer to DSN_HEADER: the mail from its first octet on, in pieces; empty: it is over. x lives
 * until dsn_step asks again. What follows the header is not taken.
 */
void dsn_header(struct dsn *d, struct bytes x);

#endif
