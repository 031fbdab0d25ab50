/* SPDX-License-Identifier: ISC */
/* Our addresses and the kernel's. */
#ifndef IO_SOCKADDR_H
#define IO_SOCKADDR_H

#include "base/inet.h"

#include <sys/socket.h>

/*
 * AF_INET for an IPv4-mapped address, else AF_INET6 (zone by name or number; scope 0 where it is
 * empty or unknown). Returns the length.
 */
socklen_t sockaddr_from(const struct inet_addr *a, struct sockaddr_storage *out);

/*
 * An AF_INET or AF_INET6 address with port; the zone, where there is one, by number. All zero for
 * others.
 */
void sockaddr_to(const struct sockaddr_storage *in, struct inet_addr *out);

/* Index of an interface by name or number; 0: none. Needs no file system. */
uint32_t sockaddr_zone(const char *zone);

#endif
