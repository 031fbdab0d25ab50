/* SPDX-License-Identifier: ISC */
/* What the relay writes into a mail about its passage: the Received field, ids. */
#ifndef MAIL_TRACE_H
#define MAIL_TRACE_H

#include "base/fmt.h"
#include "base/inet.h"
#include "base/limits.h"

#define TRACE_RANDOM 12 /* octets of randomness in an id */
#define TRACE_ID     20 /* octets of an id's text */

#define TRACE_SAID 64u  /* octets of a malformed HELO name that are told in the comment */
#define TRACE_FOR  256u /* a longer forward-path (RFC 5321 4.5.3.1.3) gets no "for" */

/* Storage that always holds the whole field, the NUL included. */
#define TRACE_RECEIVED_SIZE (2 * LIMIT_HOSTNAME + 3 * TRACE_SAID + TRACE_FOR + INET_TEXT * 2 + 208)

/* The same for a Message-ID with its angle brackets. */
#define TRACE_MESSAGE_ID_SIZE (TRACE_ID + LIMIT_HOSTNAME + 4)

struct trace {
	struct bytes hello;           /* what came after HELO or EHLO, as it came */
	const struct inet_addr *peer; /* NULL: it came over a Unix socket */
	struct bytes hostname;        /* ours, a domain name of at most LIMIT_HOSTNAME octets */
	bool esmtp;                   /* EHLO, not HELO */
	bool utf8;                    /* the mail came with SMTPUTF8 */
	bool tls;
	const char *tls_version;      /* "TLSv1.3", told in a comment; "" or NULL: not told */
	bool auth;
	struct bytes id;   /* from trace_id */
	struct bytes rcpt; /* the only recipient's path in its brackets, or empty */
	uint64_t seconds;  /* the time, since 1970 */
};

/*
 * The whole field with its name, folded, with CRLF at each line's end (RFC 5321 4.4, RFC 3848 and
 * 6531 for the protocol's name). A HELO name that is neither a domain nor an address literal is
 * replaced by the literal of the peer's address, and what was said stands, escaped and cut, in a
 * comment.
 */
void trace_received(struct fmt *f, const struct trace *t);

/*
 * TRACE_ID lower-case letters and digits: an atom, a file name, the same on file systems that
 * ignore case.
 */
void trace_id(struct fmt *f, const uint8_t random[TRACE_RANDOM]);

/* Back from an id's text, exactly as trace_id writes it; false if it is none. */
bool trace_id_parse(struct bytes text, uint8_t random[TRACE_RANDOM]);

/* "<ID@hostname>" (RFC 5322 3.6.4). */
void trace_message_id(struct fmt *f, struct bytes id, struct bytes hostname);

#endif
