/* SPDX-License-Identifier: ISC */
/* Reading DER (X.690): elements one after the other, never beyond what was given. */
#ifndef BASE_DER_H
#define BASE_DER_H

#include "base/bytes.h"

enum {
	DER_INTEGER = 0x02,
	DER_BITS = 0x03,
	DER_SEQUENCE = 0x30,
	DER_PART_0 = 0xa0, /* [0], constructed */
};

struct der {
	uint8_t tag;
	struct bytes whole; /* with tag and length */
	struct bytes value;
};

/*
 * Cuts the next element off the front of *at. False at the end, and where what follows is none:
 * tags of more than one octet, indefinite lengths, lengths longer than needed or above 65535.
 */
bool der_next(struct bytes *at, struct der *e);

/* The same, but false too where its tag is another. */
bool der_take(struct bytes *at, uint8_t tag, struct der *e);

/*
 * The subject of a certificate (RFC 5280 4.1), a whole Name, where `cert` is wholly one as far as
 * its outer structure goes.
 */
bool der_subject(struct bytes cert, struct bytes *subject);

#endif
