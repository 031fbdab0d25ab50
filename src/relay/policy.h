/* SPDX-License-Identifier: ISC */
/* Who may relay, and how much (DESIGN 3.3, 3.4). Times are milliseconds of the monotonic clock. */
#ifndef RELAY_POLICY_H
#define RELAY_POLICY_H

#include "conf/conf.h"

/* The networks that the word `local` and the default of Relay_Hosts stand for. */
struct policy_local {
	const struct inet_net *nets; /* of the interfaces listened on */
	unsigned n;
	bool interface_named; /* a Listen does so: the default is loopback and `local` */
};

/*
 * May a client at this address relay? By Relay_Hosts of the options in force for it. (Auth_User
 * and Unix sockets are the owner's to know.)
 */
bool policy_may_relay(
    const struct conf_receive *rc, const uint8_t peer[16], const struct policy_local *local);

/*
 * N events in S seconds, in constant memory: no span of S seconds sees more than N let through.
 * Exact for bursts, and while no more than POLICY_SPANS events are remembered; else neighbouring
 * events are joined, and each counts until the youngest of those it was joined with is S seconds
 * old.
 */
#define POLICY_SPANS 5

struct policy_rate {
	uint64_t first[POLICY_SPANS], last[POLICY_SPANS]; /* oldest first */
	uint32_t count[POLICY_SPANS];
	uint32_t n;
};

void policy_rate_init(struct policy_rate *r);

/*
 * Counts one event and says true, or says false (then it is not counted). limit:
 * Inbound_Throttle_Messages or Outbound_Throttle_Messages; count 0: none.
 */
bool policy_rate_take(struct policy_rate *r, const struct num_rate *limit, uint64_t now_ms);

/* Gives the latest event back: the mail was not sent after all. */
void policy_rate_untake(struct policy_rate *r);

/* When the next event would be let through: now_ms or later. */
uint64_t policy_rate_free_at(
    const struct policy_rate *r, const struct num_rate *limit, uint64_t now_ms);

/*
 * What is known of one client. A client is one address, in IPv6 too: all devices of a LAN share
 * one /64, so counting by that would make them one client.
 */
struct policy_peer {
	struct policy_rate rate;
	uint64_t throttled_until_ms; /* in the past: it is not */
	/* when all its refused logins are forgiven; in the past: it has none */
	uint64_t logins_until_ms;
	uint8_t a[16];
	uint32_t sessions;
	uint32_t chain;          /* the next one with the same hash, as in bucket */
	uint32_t older, younger; /* list of those that hold no session */
};

struct policy_peers {
	struct policy_peer *peer; /* owner's storage */
	uint32_t *bucket;         /* owner's storage; 0: empty, else 1 + index */
	uint32_t n, fresh;        /* entries from `fresh` on were never used */
	uint32_t oldest, youngest;
	uint32_t seed;
};

#define POLICY_UNTRACKED UINT32_MAX

/* n entries (CONFIG_PEERS_TRACKED) of peer, n zeroed ones of bucket; seed: any random number. */
void policy_peers_init(
    struct policy_peers *t, struct policy_peer *peer, uint32_t *bucket, uint32_t n, uint32_t seed);

enum policy_admission {
	POLICY_ADMITTED,
	POLICY_PEER_FULL, /* Peer_Sessions */
	POLICY_POOL_FULL, /* none is free; or only of the last eighth, and this address holds one */
};

struct policy_load {
	uint32_t used, size;    /* sessions of the pool */
	uint32_t peer_sessions; /* Peer_Sessions; 0: none */
};

/*
 * A new session from this address. When admitted it is counted, and *who names the client until
 * policy_leave. Where the table is full of clients that hold sessions *who is POLICY_UNTRACKED:
 * such a one gets in only while more than an eighth of the pool is free. To make room the client
 * without a session that was seen longest ago is forgotten; one that is throttled, or has refused
 * logins, comes after all that are and have not.
 */
enum policy_admission policy_enter(struct policy_peers *t, const uint8_t a[16],
    const struct policy_load *load, uint64_t now_ms, uint32_t *who);

/* The session ended. */
void policy_leave(struct policy_peers *t, uint32_t who);

/*
 * A mail begins: false if it is over Inbound_Throttle_Messages (count 0: none). A client that is
 * not tracked is not throttled.
 */
bool policy_mail(
    struct policy_peers *t, uint32_t who, const struct num_rate *limit, uint64_t now_ms);

/*
 * Guessing of passwords. A refused login is forgiven after POLICY_LOGIN_MS, one after the other;
 * with POLICY_LOGINS that are not, a client may not try at all. So no ten minutes see more than
 * twenty tries of one address. A login that is right changes nothing: else a guesser with an
 * account of his own could go on.
 */
#define POLICY_LOGINS      10u
#define POLICY_LOGIN_MS    60000u
#define POLICY_LOGIN_DELAY 8000u /* the longest */

/* May this client try to log in? One that is not tracked may. */
bool policy_may_login(const struct policy_peers *t, uint32_t who, uint64_t now_ms);

/*
 * A login was refused. Returns for how many milliseconds the refusal is to be held back: 1000,
 * doubling with each one not forgiven up to POLICY_LOGIN_DELAY.
 */
uint32_t policy_login_failed(struct policy_peers *t, uint32_t who, uint64_t now_ms);

/* Sessions that this address holds. */
uint32_t policy_sessions(const struct policy_peers *t, const uint8_t a[16]);

#endif
