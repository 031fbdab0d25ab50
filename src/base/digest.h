/* SPDX-License-Identifier: ISC */
/*
 * Hashes that the pure folders need, as a port: supplied by io/digest_mbedtls.c, by tests where
 * they want others. Pure functions of their arguments.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/bytes.h"

#define DIGEST_MD5 16u    /* octets */
#define DIGEST_SHA256 32u

void digest_sha256(struct bytes x, uint8_t out[DIGEST_SHA256]);

/* RFC 2104. Key and text of any length. */
void digest_hmac_md5(struct bytes key, struct bytes x, uint8_t out[DIGEST_MD5]);
void digest_hmac_sha256(struct bytes key, struct bytes x, uint8_t out[DIGEST_SHA256]);

/*
 * n rounds of PBKDF2 (RFC 8018 5.2): n times u = HMAC-SHA-256(key, u), sum ^= u. The cost of
 * preparing the key is paid once per call.
 */
void digest_pbkdf2_rounds(
    struct bytes key, uint8_t u[DIGEST_SHA256], uint8_t sum[DIGEST_SHA256], uint32_t n);

/* Overwrites n octets so that no compiler leaves it out. */
void digest_wipe(void *p, size_t n);

#endif
