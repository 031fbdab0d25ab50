/* SPDX-License-Identifier: ISC */
/*
 * Access tokens, on the side of the names helper: fetched over HTTPS for the engine, which asks and
 * is answered over a SOCK_SEQPACKET pair.
 */
#ifndef RUN_TOKEN_HELPER_H
#define RUN_TOKEN_HELPER_H

#include "run/https.h"
#include "run/names.h"
#include "run/tokens.h"
#include "token/oauth.h"

#define TOKEN_FETCHES  2     /* under way at the same time; others wait */
#define TOKEN_FETCH_MS 30000 /* for one of them, from its first step to its end */
#define TOKEN_WHY      240   /* octets of a reason, NUL included */

struct token_question {
	uint32_t id; /* chosen by the asker, given back */
	uint32_t unused;
	struct conf_sending sending; /* its pointers lead into the configuration of both */
};

/*
 * The id of what a helper says first of all: what was asked of one before it may be lost. Asked
 * again it is not fetched twice at a time.
 */
#define TOKEN_HELLO 0u

struct token_answer {
	uint32_t id;
	uint32_t life;  /* seconds from now until it expires */
	uint8_t status; /* enum token_status */
	uint8_t spare;
	uint16_t n; /* octets of token */
	char why[TOKEN_WHY];
	uint8_t token[OAUTH_TOKEN];
};

/* Deadlines of the loop that it needs. */
#define TOKEN_HELPER_DEADLINES (TOKEN_FETCHES * (1 + HTTPS_DEADLINES))

/*
 * Answers at args->tokens, of refresh tokens that are kept at args->refresh. The loop stands. Does
 * nothing where there is no pair.
 */
void token_helper_init(const struct names_args *args);

#endif
