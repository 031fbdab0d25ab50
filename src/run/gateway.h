/* SPDX-License-Identifier: ISC */
/*
 * The table of gateways (host and port, as the configuration names them, with their login and TLS
 * options): addresses, health, connections, probes.
 */
#ifndef RUN_GATEWAY_H
#define RUN_GATEWAY_H

#include "base/limits.h"
#include "conf/conf.h"
#include "io/loop.h"
#include "relay/health.h"
#include "relay/policy.h"
#include "relay/route.h"
#include "run/engine.h"
#include "run/names.h"

struct outbound;

enum gateway_lookup {
	GATEWAY_KNOWN, /* addr[] may be dialled */
	/* the names helper is at it: whoever waits is told through outbound_looked_up */
	GATEWAY_ASKED,
	GATEWAY_NO_NAME, /* nothing to dial; lookup_why tells why */
};

struct gateway {
	bool used;
	bool literal; /* host is an address */
	bool allow_mx;
	bool no_such_name; /* the last answer was an authoritative no */
	struct bytes host; /* the configuration's storage */
	uint16_t port;
	uint8_t naddr;
	uint64_t fresh_until; /* milliseconds: until then addr[] needs no new look-up */
	/* milliseconds: when one of addr[] last took a connection; 0: never */
	uint64_t worked_at;
	uint32_t question;      /* id of the look-up under way, 0: none */
	uint8_t trouble; /* enum verdict_trouble: why it is down */
	/*
	 * Until a login was taken only one connection tries at a time: one try, not many, when the
	 * password is wrong.
	 */
	bool wants_login; /* it takes no mail without one (530 to MAIL) */
	bool login_proven;
	struct outbound *login_by;
	uint64_t clear_until; /* milliseconds: TLS failed where it was optional, none is tried */
	const char *tls;      /* of the last connection: "TLSv1.3", "no"; NULL: none yet */
	const char *auth;     /* the same: "PLAIN", "no" */
	uint32_t handshakes, resumed;
	/* outbounds that belong to it: dialling, in use, kept, ending */
	uint32_t connections;
	uint32_t mails;          /* accepted by it since the engine began */
	struct outbound *idle;   /* kept connections, the last used first */
	uint64_t size_limit;     /* SIZE that it announced last; 0: none or not known */
	/* What is large comes last: what lies near the front is reached in fewer octets. */
	struct deadline answer; /* for the look-up under way */
	struct deadline probe;
	struct health health;
	struct policy_rate rate; /* Outbound_Throttle_Messages */
	bool self[CONFIG_GATEWAY_ADDRESSES]; /* this box itself listens there: never dialled */
	struct route_addr addr[CONFIG_GATEWAY_ADDRESSES];
	struct conf_sending sending; /* the options of the last use: for probes */
	char lookup_why[80];
	char last_reply[160];    /* the last refusal or failure, printable, "" when none */
};

/* args outlive the engine. */
void gateway_init(const struct engine_args *args);

/*
 * The entry of this route; made if new (an unused one is given up for it when the table is full).
 * NULL when all are in use.
 */
struct gateway *gateway_get(const struct conf_route *route, const struct conf_sending *sending);

/* The entry if it exists. */
struct gateway *gateway_find(const struct conf_route *route, const struct conf_sending *sending);

/* What is known of its addresses; GATEWAY_ASKED begins a look-up if none is under way. */
enum gateway_lookup gateway_resolve(struct gateway *g);

/*
 * Puts the addresses that may be dialled (not prohibited, not ourselves) in the order in which to
 * try them: n of them as addresses with ports, and their index in g->addr.
 */
unsigned gateway_order(
    const struct gateway *g, const struct conf_sending *s, struct inet_addr *addr, uint8_t *index);

void gateway_address_failed(struct gateway *g, unsigned index);
void gateway_address_worked(struct gateway *g, unsigned index);

/*
 * Every address failed before mail could be sent: down; probes begin. trouble: enum
 * verdict_trouble; why: in words, without the gateway's name.
 */
void gateway_failed(struct gateway *g, uint8_t trouble, struct bytes why);

/* It refuses the login for good; tried again after minutes, not seconds. */
void gateway_login_refused(struct gateway *g, struct bytes why);

/* Greeting, EHLO, TLS and login went well. */
void gateway_worked(struct gateway *g);

/* A probe found no way. (One that worked is gateway_worked.) */
void gateway_probe_failed(struct gateway *g, uint8_t trouble, struct bytes why);

/* Probe a gateway that is down now (after `gatepost send` reached it). */
void gateway_probe_now(struct gateway *g);

/* host:port as in the configuration, IPv6 in brackets. */
void gateway_print(struct fmt *f, const struct gateway *g);

/* The entry with that place in the table, if it is in use. */
struct gateway *gateway_numbered(unsigned index);

/* Its place in the table: 0 to CONFIG_GATEWAYS - 1. */
unsigned gateway_index(const struct gateway *g);

/* The CA certificates in force for it, or NULL; the newest time that is known to have passed. */
const struct ca_set *gateway_ca(const struct gateway *g);
uint64_t gateway_least_time(void);

/* For status: the i-th entry in use, NULL behind the last. */
const struct gateway *gateway_at(unsigned i);
/* The first entry behind `after` (NULL: of all) that is printed as `text` (host:port), or NULL. */
struct gateway *gateway_named(struct bytes text, const struct gateway *after);

unsigned gateway_idle_count(const struct gateway *g);

#endif
