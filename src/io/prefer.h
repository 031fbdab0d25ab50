/* SPDX-License-Identifier: ISC */
/* Which of a host's addresses to try first. */
#ifndef IO_PREFER_H
#define IO_PREFER_H

#include "base/inet.h"

#define PREFER_MAX 32 /* addresses that can be sorted */

/*
 * RFC 6724 section 6, with the policy table of its section 2.1; without the rules 3, 4 and 7 (they
 * would need more than the kernel tells without asking). Addresses that are alike, and IPv4
 * addresses among themselves, stay in the order of the name server. n at most PREFER_MAX.
 */
void prefer_sort(struct inet_addr *a, unsigned n);

#endif
