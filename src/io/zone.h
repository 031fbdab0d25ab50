/* SPDX-License-Identifier: ISC */
/* The time zone of the user: the environment's TZ, else /etc/localtime, else UTC. */
#ifndef IO_ZONE_H
#define IO_ZONE_H

#include <stdint.h>

/* The time that local clocks show at `wall`, as if they were in UTC. */
uint64_t zone_local(uint64_t wall);

#endif
