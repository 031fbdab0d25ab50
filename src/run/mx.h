/* SPDX-License-Identifier: ISC */
/* The MX records in a name server's answer. */
#ifndef RUN_MX_H
#define RUN_MX_H

#include "base/bytes.h"

#define MX_HOSTS 16  /* further ones are left out */
#define MX_NAME 256

struct mx_host {
	uint16_t preference;
	/* without a dot at its end; "" is the root: "takes no mail" (RFC 7505) */
	char name[MX_NAME];
};

/*
 * The records of answer (a whole DNS message, RFC 1035 section 4), in the order in which they
 * stand. Broken ones end the list.
 */
unsigned mx_parse(struct bytes answer, struct mx_host out[MX_HOSTS]);

/*
 * Lowest preference first; ones of equal preference in the order of shuffle, a random number for
 * each (RFC 5321 5.1).
 */
void mx_sort(struct mx_host *host, unsigned n, const uint16_t shuffle[MX_HOSTS]);

#endif
