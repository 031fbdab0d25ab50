/* SPDX-License-Identifier: ISC */
/*
 * Every number that bounds the relay: those of Kconfig, those of the RFCs and of the contract, and
 * what must hold between them.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include "config.h"

/* The dialogue towards the LAN. */
#define LIMIT_COMMAND_LINE 2048u       /* octets of a command line without CRLF */
#define LIMIT_AUTH_LINE 12288u         /* the same for AUTH and its answers */
/* octets of one overlong line after which the session is closed */
#define LIMIT_SKIPPED_LINE (1u << 20)
#define LIMIT_ERRORS 20u               /* a client's own errors that end a session */
#define LIMIT_LOGINS 3u                /* refused logins that do */
/* octets of a reverse-path or forward-path with its brackets (RFC 5321 has 256) */
#define LIMIT_PATH 1024u
#define LIMIT_HELLO 255u               /* octets of the name a client gives that are kept */
#define LIMIT_HOPS 30u                 /* Received fields a mail may come with */
#define LIMIT_HOSTNAME 255u

/* Replies. */
/* octets of one line of a reply to a client, CRLF included (RFC 5321 4.5.3.1.5) */
#define LIMIT_REPLY_LINE 512u
/* octets of text of a gateway's reply that go on, codes aside */
#define LIMIT_REPLY_TEXT 800u
#define LIMIT_REPLY_TEXT_LINES 8u
#define LIMIT_REPLY_SIZE 8192u         /* octets of a gateway's reply, beyond which it fails */
#define LIMIT_REPLY_LINES CONFIG_REPLY_LINES
/* octets that any reply to a client takes at the most, codes and line ends included */
#define LIMIT_REPLY_PRINTED 1024u

/* The spool. */
#define LIMIT_SPOOL_INDEX CONFIG_SPOOL_INDEX   /* mails known at the same time */
#define LIMIT_SPOOL_BLOCKS CONFIG_SPOOL_BLOCKS /* between engine and disk … */
#define LIMIT_SPOOL_BLOCK (CONFIG_SPOOL_BLOCK_KIB * 1024u) /* … of so many octets */

/* Buffers of one connection. */
#define LIMIT_IN 4096u
#define LIMIT_OUT 2048u
#define LIMIT_GATEWAY_IN 1024u
#define LIMIT_GATEWAY_OUT 4096u

_Static_assert(LIMIT_IN > LIMIT_COMMAND_LINE + 2,
	       "a command line must fit the buffer it is read into");
_Static_assert(LIMIT_OUT >= LIMIT_REPLY_PRINTED, "a reply must fit the buffer it is written to");
_Static_assert(LIMIT_REPLY_PRINTED >= LIMIT_REPLY_TEXT + LIMIT_REPLY_TEXT_LINES * 18 + 2 * 18,
	       "text, codes and line ends, and two more lines where one is split");
_Static_assert(LIMIT_GATEWAY_OUT >= 2 * (LIMIT_PATH + 64), "MAIL and RCPT must fit together");

#endif
