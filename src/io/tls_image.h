/* SPDX-License-Identifier: ISC */
/* Sums and signatures of firmware images (image/image.h): SHA-256, ECDSA on P-256. */
#ifndef IO_TLS_IMAGE_H
#define IO_TLS_IMAGE_H

#include "base/digest.h"

#define TLS_IMAGE_POINT     65u /* octets of a public key: 4, x, y */
#define TLS_IMAGE_SIGNATURE 64u /* r, s */

struct tls_image_sums {
	uint8_t hash[DIGEST_SHA256]; /* of the first `head` octets and of all from `body` on */
	uint32_t crc;                /* of all from `body` on */
};

/*
 * Reads the file's first `total` octets, in pieces. 0, or -errno; -ENODATA where it has fewer.
 * total >= body >= head.
 */
int tls_image_sum(int fd, uint32_t head, uint32_t body, uint32_t total, struct tls_image_sums *out);

/* Did the key's owner sign this hash? tls_init comes first. */
bool tls_image_verify(const uint8_t hash[DIGEST_SHA256],
    const uint8_t signature[TLS_IMAGE_SIGNATURE], const uint8_t point[TLS_IMAGE_POINT]);

/*
 * Signs the hash with the private key of a PEM text (SEC1 or PKCS#8); the same key and hash give
 * the same signature (RFC 6979). Tells the key's public half. NULL, or what is wrong with the key.
 * tls_init comes first.
 */
const char *tls_image_sign(struct bytes pem, const uint8_t hash[DIGEST_SHA256],
    uint8_t signature[TLS_IMAGE_SIGNATURE], uint8_t point[TLS_IMAGE_POINT]);

#endif
