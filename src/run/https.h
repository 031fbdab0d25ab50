/* SPDX-License-Identifier: ISC */
/*
 * One POST over HTTPS, on the loop of this process: look-up, connection, TLS with the server's name
 * verified, request, response. One deadline for all of it.
 */
#ifndef RUN_HTTPS_H
#define RUN_HTTPS_H

#include "io/dial.h"
#include "io/tls.h"
#include "run/lookup.h"
#include "token/http.h"

#define HTTPS_FORM 28672u /* octets of a form */
#define HTTPS_HEAD 2048u  /* of the head before it */
#define HTTPS_WHY  160u   /* octets of a reason, NUL included */

/* Deadlines of the loop that each struct needs: its own, of the look-up and of the dial. */
#define HTTPS_DEADLINES (1 + 1 + 1 + DIAL_PARALLEL)

_Static_assert(HTTPS_HEAD + HTTPS_FORM <= HTTP_BODY_MAX, "the form lies where the answer goes");

enum https_state {
	HTTPS_IDLE,
	HTTPS_LOOKUP,
	HTTPS_STALE, /* was given up during the look-up, whose end is awaited */
	HTTPS_DIAL,
	HTTPS_HANDSHAKE,
	HTTPS_SEND,
	HTTPS_RECEIVE,
};

/* In static storage, all zeros before its first use. */
struct https {
	/* set by the owner */
	const struct ca_set *ca;
	uint32_t limit_ms;
	void (*done)(struct https *h); /* called once for each https_post, never from within */

	/* may be NULL: called when one that had ended during its look-up can be used again */
	void (*freed)(struct https *h);

	/* what came of it, valid until the next https_form */
	bool good;       /* there was an answer, else `why` tells, below */
	unsigned status; /* of HTTP */
	struct bytes body;

	/* inner */
	enum https_state state;
	int dial_err;
	struct watch watch;
	struct tls *tls;
	struct deadline limit;
	struct loop_task task;
	struct bytes request;
	size_t used;                  /* octets of room */
	bool ended;                   /* done is to be called */
	/* What is large comes last: what lies near the front is reached in fewer octets. */
	struct url url;
	struct http http;
	struct lookup lookup;
	struct dial dial;
	char host[NAMES_HOST];
	char why[HTTPS_WHY]; /* where it is not good: the host's name, and what failed, in words */
	struct inet_addr addr[CONFIG_GATEWAY_ADDRESSES];
	char room[HTTP_BODY_MAX + 2]; /* the request, then the response */
};

/* Where the form is to be built (form_add); empty. Only while idle. */
struct fmt https_form(struct https *h);

/*
 * Posts it. url (a text that stays until done): refused in words where it is none. While the
 * look-up of one that was stopped goes on there is no other: false.
 */
bool https_post(struct https *h, const char *url, const struct fmt *form);

/* Overwrites what was sent and what came. */
void https_wipe(struct https *h);

#endif
