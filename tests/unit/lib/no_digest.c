/* SPDX-License-Identifier: ISC */
/* Where TLS is left out there are no hashes: whoever calls one makes his test fail. */
#include "base/bug.h"
#include "base/digest.h"

void digest_sha256(struct bytes x, uint8_t out[DIGEST_SHA256])
{
	(void)x, (void)out;
	gp_bug("a hash without TLS");
}

void digest_hmac_md5(struct bytes key, struct bytes x, uint8_t out[DIGEST_MD5])
{
	(void)key, (void)x, (void)out;
	gp_bug("a hash without TLS");
}

void digest_hmac_sha256(struct bytes key, struct bytes x, uint8_t out[DIGEST_SHA256])
{
	(void)key, (void)x, (void)out;
	gp_bug("a hash without TLS");
}

void digest_pbkdf2_rounds(
    struct bytes key, uint8_t u[DIGEST_SHA256], uint8_t sum[DIGEST_SHA256], uint32_t n)
{
	(void)key, (void)u, (void)sum, (void)n;
	gp_bug("a hash without TLS");
}
