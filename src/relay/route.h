/* SPDX-License-Identifier: ISC */
/*
 * In which order gateways and their addresses are tried (DESIGN 3.1 Routes; section 2,
 * "Addresses").
 */
#ifndef RELAY_ROUTE_H
#define RELAY_ROUTE_H

#include "conf/conf.h"

#define ROUTE_ADDRS 64 /* most addresses of one name that can be put in order */

/*
 * The index of the i-th route to try (i < number of routes). Routes of equal preference take
 * turns: of k such routes the one to begin with moves on by one as turn grows by one. Each index
 * comes exactly once as i runs through all.
 */
unsigned route_pick(const struct conf_routes *routes, uint32_t turn, unsigned i);

/* One address of a gateway, and whether it lately failed. Zeroed: it has not. */
struct route_addr {
	struct inet_addr a;
	uint64_t failed_at_ms;
	bool failed;
};

void route_failed(struct route_addr *addr, uint64_t now_ms);
void route_worked(struct route_addr *addr);

/*
 * Puts n addresses (at most ROUTE_ADDRS) in the order in which to try them: as given, but those
 * that failed less than retry_ms ago come last, in the order given too. order[] gets n indices.
 * Returns how many of them, from the front, have not failed.
 */
unsigned route_order(
    const struct route_addr *list, unsigned n, uint64_t now_ms, uint64_t retry_ms, uint8_t *order);

/* Does a lie in one of the n blocks (Prohibited_Hosts)? */
bool route_prohibited(const struct inet_addr *a, const struct inet_net *nets, unsigned n);

/*
 * Would dialling `to` reach a socket that listens on `listener` (address and port)? A listener on
 * 0.0.0.0 or :: has every address in own (n addresses of this box; loopback always counts). ::
 * takes IPv4 too.
 */
bool route_is_self(const struct inet_addr *to, const struct inet_addr *listener,
    const struct inet_addr *own, unsigned n);

#endif
