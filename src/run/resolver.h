/* SPDX-License-Identifier: ISC */
/*
 * Questions to name servers, on the loop of this process: all servers of resolv.conf are asked at
 * the same time, by UDP, again after a while; what does not fit into a datagram is asked for by
 * TCP.
 */
#ifndef RUN_RESOLVER_H
#define RUN_RESOLVER_H

#include "base/dns.h"
#include "io/loop.h"
#include "io/resolv.h"

#define RESOLVER_ASKS 2 /* types asked for at the same time */
/* octets of an answer; of a longer one the whole records in them are used */
#define RESOLVER_MESSAGE 4096

struct resolver;

enum resolver_state {
	RESOLVER_WAITS,
	RESOLVER_ANSWERED,
	RESOLVER_NO_NAME, /* the name does not exist */
	RESOLVER_FAILED,  /* no answer, or every server says that it has none */
};

struct resolver_ask {
	struct resolver *owner;
	enum resolver_state state;
	uint8_t refusals[RESOLV_SERVERS];
	uint8_t tcp_server;
	uint16_t length;
	uint8_t question[DNS_QUESTION];
	struct watch tcp;
	uint32_t got; /* octets of the answer by TCP, its length in front */
	uint8_t reply[2 + RESOLVER_MESSAGE];
};

struct resolver_server {
	struct resolver *owner;
	struct watch udp;
};

/* All zeros before its first use. */
struct resolver {
	/* an answer without an error, before its question is settled */
	void (*answer)(struct resolver *r, struct bytes message);
	/* every question is settled; others may be asked now */
	void (*settled)(struct resolver *r);
	struct resolv conf;
	unsigned asks, tries;
	struct resolver_ask ask[RESOLVER_ASKS];
	struct resolver_server server[RESOLV_SERVERS];
	struct deadline again;
	struct loop_task task;
};

/*
 * Asks for the records of name, of n types; r->conf tells whom. r->settled is called once, later,
 * when the states of r->ask tell how each ended.
 */
void resolver_ask(struct resolver *r, struct bytes name, const enum dns_type *type, unsigned n);

#endif
