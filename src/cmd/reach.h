/* SPDX-License-Identifier: ISC */
/* The way to a gateway for a command that may wait: addresses, and a connection to one of them. */
#ifndef CMD_REACH_H
#define CMD_REACH_H

#include "base/limits.h"
#include "conf/conf.h"

struct reach {
	const struct conf *conf;
	const struct conf_sending *key; /* the options in force */
	bool verbose;                   /* say on standard output what is tried */
	uint8_t n;                      /* addresses not tried yet */
	struct inet_addr addr[CONFIG_GATEWAY_ADDRESSES];
	struct inet_addr peer;          /* the one that reach_dial connected to */
};

/* host:port of the route as status and log have it. */
void reach_name(struct fmt *f, const struct conf_route *route, const struct conf_sending *key);

/*
 * Looks the gateway's addresses up as the relay does (RFC 6724 order, MX where the configuration
 * allows it) and leaves out Prohibited_Hosts and those on which this box itself listens. EX_OK; or,
 * with the reason in why, EX_NOHOST, EX_TEMPFAIL, EX_CONFIG (no address is left).
 */
int reach_look_up(struct reach *r, const struct conf_route *route, struct fmt *why);

/*
 * Connects to the first of the addresses that takes it (non-blocking descriptor), or -1 with the
 * reason of the last one in why. What was tried is taken out of r.
 */
int reach_dial(struct reach *r, struct fmt *why);

/* An address with its port in words; valid until the next one. */
const char *reach_text(const struct inet_addr *a);

/* Puts the address that was connected to last in front again. */
void reach_again(struct reach *r);

/* Ends the helper process, if there is one. */
void reach_end(void);

#endif
