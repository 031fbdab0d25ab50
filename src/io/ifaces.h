/* SPDX-License-Identifier: ISC */
/*
 * The addresses of this machine's interfaces, asked of the kernel over netlink: no file, no memory
 * but the stack.
 */
#ifndef IO_IFACES_H
#define IO_IFACES_H

#include "base/inet.h"

struct iface_addr {
	uint8_t a[16];
	uint8_t bits;   /* of the network, on the mapped form */
	bool tentative; /* not usable yet, or a duplicate of another machine's */
	uint32_t index; /* of the interface */
};

/* Returning false ends the walk. */
typedef bool iface_fn(void *ctx, const struct iface_addr *addr);

/* Calls fn for each address. 0, or -errno. */
int ifaces_walk(iface_fn *fn, void *ctx);

/*
 * A descriptor that is readable when interfaces or addresses changed, or -1; ifaces_drain takes
 * the news off it.
 */
int ifaces_watch(void);
void ifaces_drain(int fd);

enum iface_zone {
	IFACE_ZONE_FOUND,
	IFACE_ZONE_NONE,      /* no interface has a link-local IPv6 address */
	IFACE_ZONE_AMBIGUOUS, /* more than one has */
};

/* The one interface that a link-local IPv6 address without a zone can mean. */
enum iface_zone ifaces_zone(uint32_t *index);

#endif
