/* SPDX-License-Identifier: ISC */
/* Base64 (RFC 4648 section 4, with padding). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"
#include "base/fmt.h"

/* Octets that n octets take when encoded; that n encoded octets hold at the most. */
#define BASE64_ENCODED(n) (((size_t)(n) + 2) / 3 * 4)
#define BASE64_DECODED(n) ((size_t)(n) / 4 * 3 + 3)

/* Appends all of x, encoded. */
void base64_encode(struct fmt *f, struct bytes x);

/* The same with the alphabet of RFC 4648 section 5 and without padding (RFC 7636). */
void base64_encode_url(struct fmt *f, struct bytes x);

/*
 * In slices: appends 3 octets, encoded to 4; fewer (1 or 2) only at the end of all. False, nothing
 * done, where out has no room.
 */
bool base64_put(struct buf *out, const uint8_t *p, size_t n);

/*
 * Decodes all of x to out (which may be where x lies: it is never written ahead of what was read);
 * *n gets the octets. False where x is not wholly base64 with its padding, spare bits zero, or does
 * not fit cap octets; out is then of no use.
 */
bool base64_decode(struct bytes x, uint8_t *out, size_t cap, size_t *n);

/*
 * The same for sloppy devices: blanks at both ends are skipped, padding may be missing, spare bits
 * may be anything.
 */
bool base64_decode_lenient(struct bytes x, uint8_t *out, size_t cap, size_t *n);

#endif
