/* SPDX-License-Identifier: ISC */
/*
 * Access tokens of OAuth 2.0, for the engine: asked of the names process, kept in memory until
 * shortly before they expire.
 */
#ifndef RUN_TOKENS_H
#define RUN_TOKENS_H

#include "conf/conf.h"
#include "io/loop.h"

enum token_status {
	TOKEN_OK,
	TOKEN_TEMPORARY, /* the endpoint could not be reached, or failed: later */
	TOKEN_FINAL, /* only a new login by a person helps (invalid_grant, none was ever made) */
};

/* Embedded in whoever waits. Zeroed: idle. */
struct token_wait {
	void (*done)(struct token_wait *w); /* set by the owner; called once for each tokens_get */
	struct token_wait *next;
	struct token *token; /* NULL: nothing is held */
	uint32_t serial;     /* of the token that was given last; the owner may set it to 0 */
	uint8_t status;      /* enum token_status */
	struct bytes text;   /* TOKEN_OK: the token, valid until tokens_drop; else empty */
	/*
	 * else: in words, valid within done: "log in again: gatepost login (invalid_grant: …)"
	 */
	const char *why;
};

#define TOKENS_DEADLINES 2u /* of the loop that they need */

/* fd: the engine's end of the pair to the names process, or -1. */
void tokens_init(int fd);

/*
 * A token for this login (conf_wants_token). done is called later, never from within. renew: the
 * one that w was given last was refused by the gateway, so another is fetched, unless that has
 * happened since. What failed is not tried again at once: until then the answer is the same.
 */
void tokens_get(struct token_wait *w, const struct conf_sending *s, bool renew);

/* Lets go of the token, or of the wait (done is not called any more). Harmless when idle. */
void tokens_drop(struct token_wait *w);

#endif
