/* SPDX-License-Identifier: ISC */
/*
 * The names helper: look-ups need files and talk to strangers, so they have a process of their own.
 * Messages of fixed size over a SOCK_SEQPACKET pair.
 */
#ifndef RUN_NAMES_H
#define RUN_NAMES_H

#include "base/inet.h"
#include "base/limits.h"

#define NAMES_HOST 256

enum names_status {
	NAMES_OK,        /* n addresses, in order of preference (RFC 6724; MX preference first) */
	/*
	 * an authoritative no: the name does not exist, or has neither address nor (where asked)
	 * MX
	 */
	NAMES_NO_HOST,
	NAMES_TEMPORARY, /* no answer, or a server failure */
};

struct names_question {
	uint32_t id;         /* chosen by the asker, given back */
	uint8_t allow_mx;    /* MX where the name has neither A nor AAAA */
	char host[NAMES_HOST]; /* NUL-terminated */
};

struct names_answer {
	uint32_t id;
	uint8_t status;  /* enum names_status */
	uint8_t via_mx;
	uint8_t n;
	uint8_t spare;
	struct inet_addr addr[CONFIG_GATEWAY_ADDRESSES]; /* ports 0 */
	/* why not, in words, NUL-terminated ("no such host", "name server did not answer") */
	char text[80];
};

struct conf;
struct keys;

/* What the helper works with. All that is pointed to outlives it. */
struct names_args {
	int names;   /* its end of the pair that these messages go over */
	int tokens;  /* its end of the pair for access tokens (run/token_helper.h), or -1 */
	int refresh; /* its end of the pair for refresh tokens (run/refresh.h), or -1 */
	/* NULL: no token is fetched */
	const struct conf *conf;
	const struct keys *keys;
	/* called once its loop stands: the last step of the sandbox */
	void (*lock)(void);
};

/*
 * The helper's main. More questions than CONFIG_PENDING_LOOKUPS are answered NAMES_TEMPORARY at
 * once. Never returns but at the end of the pair (exit 0).
 */
_Noreturn void names_main(const struct names_args *args);

#endif
