/* SPDX-License-Identifier: ISC */
/* What this box knows of names: /etc/resolv.conf and /etc/hosts, read afresh at each call. */
#ifndef IO_RESOLV_H
#define IO_RESOLV_H

#include "base/inet.h"

#define RESOLV_SERVERS 3

struct resolv {
	/* port 53; the box itself where the file names none */
	struct inet_addr server[RESOLV_SERVERS];
	uint8_t servers;
	uint8_t ndots;     /* a name with fewer dots is looked for in the search domains first */
	uint8_t timeout;   /* seconds for one question, all attempts together */
	uint8_t attempts;
	uint16_t nsearch;
	char search[256];  /* domains with blanks between them, nsearch octets */
};

/* resolv.conf(5): nameserver, search, domain, options ndots, timeout, attempts. */
void resolv_read(struct resolv *r);

/* The addresses of name in /etc/hosts, at most max, ports 0: their number. */
unsigned resolv_hosts(struct bytes name, struct inet_addr *out, unsigned max);

#endif
