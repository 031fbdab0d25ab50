/* SPDX-License-Identifier: ISC */
/* How far local time is from UTC, by a file of the zone database or a rule. */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/bytes.h"

/*
 * Seconds east of UTC at the time `wall` (seconds since 1970) by a rule as POSIX has it in TZ:
 * "CET-1CEST,M3.5.0,M10.5.0/3". False where it is none. Of days only the form M is known; with
 * others it is winter all the year.
 */
bool zone_by_rule(struct bytes rule, uint64_t wall, int32_t *offset);

/* The same by the content of a TZif file (RFC 8536), version 2 or later. */
bool zone_by_file(struct bytes file, uint64_t wall, int32_t *offset);

#endif
