/* SPDX-License-Identifier: ISC */
/* Tokens of OAuth 2.0 for a command that may wait. One login per process. */
#ifndef CMD_GRANT_H
#define CMD_GRANT_H

#include "token/oauth.h"

struct grant {
	const char *file;               /* the configuration's; refresh tokens lie beside it … */
	const char *store;              /* … and in this store; NULL: in the usual one, if any */
	const struct conf_sending *key; /* the options in force; conf_wants_token */
};

/*
 * Makes ready to talk to the provider: its CAs, TLS. An exit status: EX_OK, or EX_CONFIG or
 * EX_SOFTWARE with the reason in why.
 */
int grant_begin(const struct grant *g, struct fmt *why);

/* Where the form for the next request is to be built. */
struct fmt grant_form(void);

/*
 * Posts it and waits for the answer, 30 s at the most. False where none came, the reason is in why;
 * else *status is HTTP's and *body the answer, valid until the next one.
 */
bool grant_post(const struct grant *g, enum oauth_address to, const struct fmt *form,
    unsigned *status, struct bytes *body, struct fmt *why);

/* The same for a form that asks for tokens; without an answer OAUTH_FAILED. */
enum oauth_outcome grant_tokens(const struct grant *g, const struct fmt *form, struct fmt *why);

/* What the last grant_tokens gave. */
const struct oauth_tokens *grant_given(void);

/*
 * An access token, as the relay gets one: with the stored refresh token, or with the client's
 * secret. It is in grant_given() then. A refresh token that comes along is stored. An exit status,
 * with the reason in why: EX_TEMPFAIL, EX_NOPERM (a person must log in again), EX_CONFIG.
 */
int grant_renew(const struct grant *g, struct fmt *why);

/* Stores the refresh token that was given. False: why says why not. */
bool grant_store(const struct grant *g, struct fmt *why);

/* Overwrites all that was sent and received. */
void grant_end(void);

#endif
