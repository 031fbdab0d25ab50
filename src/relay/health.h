/* SPDX-License-Identifier: ISC */
/*
 * What is known of each gateway: working, or down and since when, why, and when to ask again
 * (DESIGN section 2, "Down"). Never down because of one mail: only who saw every address fail at
 * connect, greeting, EHLO, TLS or login calls health_failed.
 */
#ifndef RELAY_HEALTH_H
#define RELAY_HEALTH_H

#include "base/bytes.h"

#define HEALTH_REASON         200 /* octets of reason, NUL included */
#define HEALTH_FIRST_PROBE_MS 2000u
#define HEALTH_LOGIN_MS       300000u  /* after the first refusal of a login … */
#define HEALTH_LOGIN_MAX_MS   3600000u /* … doubling to this */

enum health_state { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

struct health {
	uint64_t since;       /* wall clock, seconds: when the present state began; 0: unknown */
	uint64_t probe_at_ms; /* when down: the next probe */
	uint64_t wait_ms;     /* how long the present probe is waited for */
	uint64_t login_wait_ms; /* since its last refusal of a login; 0: none since one was taken */
	uint8_t state;        /* enum health_state */
	bool probing;
	bool accepted_once;         /* see health_accepted */
	char reason[HEALTH_REASON]; /* why it is down, printable; "" otherwise */
};

void health_init(struct health *h);

/*
 * All addresses failed. Down from now on; the first probe is due after 2 s (or retry_max_ms,
 * where less). When it was down already only the reason changes. wall: seconds. reason is cut to
 * what fits; octets that are not printable become `?`.
 */
void health_failed(
    struct health *h, uint64_t now_ms, uint64_t wall, uint64_t retry_max_ms, struct bytes reason);

/*
 * One probe at a time: health_probe_at is TIMER_NEVER between these two, and whenever the gateway
 * is not down. A probe that worked is health_ok; one that failed doubles the wait, up to
 * retry_max_ms (Host_Failure_Retry; at least 1 s is kept).
 */
uint64_t health_probe_at(const struct health *h);
void health_probe_begin(struct health *h);
void health_probe_failed(
    struct health *h, uint64_t now_ms, uint64_t retry_max_ms, struct bytes reason);

/*
 * It refuses the login (5xx): down, and each further try is one step nearer to a locked account.
 * The first probe is due after 5 min, doubling to 1 h.
 */
void health_login_refused(struct health *h, uint64_t now_ms, uint64_t wall, struct bytes reason);

/* Greeting, EHLO, TLS and login went well (by a mail or a probe). */
void health_ok(struct health *h, uint64_t wall);

/*
 * Since the configuration was loaded it accepted a login, or MAIL where there is no login: day
 * one is over.
 */
void health_accepted(struct health *h);

bool health_is_down(const struct health *h);
const char *health_name(const struct health *h); /* "unknown", "up", "down" */

#endif
