/* SPDX-License-Identifier: ISC */
/* PEM (RFC 7468): blocks of base64 between BEGIN and END lines, with anything around them. */
#ifndef BASE_PEM_H
#define BASE_PEM_H

#include "base/bytes.h"

struct pem {
	struct bytes label; /* "CERTIFICATE" */
	struct bytes body;  /* between the two lines */
};

/*
 * Cuts the next block, and all before it, off the front of *text. A BEGIN without its END before
 * the next BEGIN is skipped. False behind the last.
 */
bool pem_next(struct bytes *text, struct pem *block);

/* The next block of that label. */
bool pem_find(struct bytes *text, struct bytes label, struct pem *block);

/* Octets that a block holds at the most. */
#define PEM_DECODED(n) ((size_t)(n) / 4 * 3 + 3)

/* Is it a key under a passphrase, in the old form with header lines of its own (RFC 1421)? */
bool pem_is_locked(const struct pem *block);

/*
 * Decodes a block into out, which may be where the body lies; *n gets the octets. False where it is
 * not base64, empty, or does not fit cap octets.
 */
bool pem_decode(const struct pem *block, uint8_t *out, size_t cap, size_t *n);

#endif
