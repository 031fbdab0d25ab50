/* SPDX-License-Identifier: ISC */
/* Seconds since 1970 (UTC, no leap seconds) and text. */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include "base/fmt.h"

/*
 * RFC 5322 3.3, in UTC: "Wed, 25 Nov 2026 14:54:09 +0000". Years 1970 to 9999; what is later
 * prints as the last second of 9999.
 */
void date_rfc5322(struct fmt *f, uint64_t seconds);

/* RFC 3339, in UTC: "2026-11-25T14:54:09Z". */
void date_rfc3339(struct fmt *f, uint64_t seconds);

/* The year in which that is, 1970 to 9999. */
uint32_t date_year(uint64_t seconds);

/* Days from 1970-01-01 to the first of that month, 1 to 13 (January of the next year). */
uint32_t date_days(uint32_t year, uint32_t month);

#endif
