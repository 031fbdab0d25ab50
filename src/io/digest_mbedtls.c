/* SPDX-License-Identifier: ISC */
/*
 * The hashes of base/digest.h. Nothing is allocated, so they work before tls_init and in any
 * process.
 */
#include "base/digest.h"

#include <mbedtls/md5.h>
#include <mbedtls/sha256.h>
#include <string.h>

#define BLOCK 64u /* octets of MD5's and SHA-256's blocks */

/* HMAC-SHA-256 with the key's part done. */
struct keyed {
	mbedtls_sha256_context inner, outer;
};

static void block_xor(uint8_t block[BLOCK], uint8_t with)
{
	for (unsigned i = 0; i < BLOCK; i++)
		block[i] ^= with;
}

static void sha256_begin(mbedtls_sha256_context *c, const uint8_t *p, size_t n)
{
	mbedtls_sha256_init(c);
	mbedtls_sha256_starts(c, 0);
	mbedtls_sha256_update(c, p, n);
}

void digest_sha256(struct bytes x, uint8_t out[DIGEST_SHA256])
{
	mbedtls_sha256_context c;

	sha256_begin(&c, x.p, x.n);
	mbedtls_sha256_finish(&c, out);
	mbedtls_sha256_free(&c);
}

static void keyed_begin(struct keyed *k, struct bytes key)
{
	uint8_t block[BLOCK] = {0};

	if (key.n > BLOCK)
		digest_sha256(key, block);
	else if (key.n > 0)
		memcpy(block, key.p, key.n);
	block_xor(block, 0x36);
	sha256_begin(&k->inner, block, BLOCK);
	block_xor(block, 0x36 ^ 0x5c);
	sha256_begin(&k->outer, block, BLOCK);
	digest_wipe(block, sizeof(block));
}

/* x and out may be the same. */
static void keyed_hmac(const struct keyed *k, struct bytes x, uint8_t out[DIGEST_SHA256])
{
	mbedtls_sha256_context c = k->inner;

	mbedtls_sha256_update(&c, x.p, x.n);
	mbedtls_sha256_finish(&c, out);
	c = k->outer;
	mbedtls_sha256_update(&c, out, DIGEST_SHA256);
	mbedtls_sha256_finish(&c, out);
	mbedtls_sha256_free(&c);
}

void digest_hmac_sha256(struct bytes key, struct bytes x, uint8_t out[DIGEST_SHA256])
{
	struct keyed k;

	keyed_begin(&k, key);
	keyed_hmac(&k, x, out);
	digest_wipe(&k, sizeof(k));
}

void digest_pbkdf2_rounds(
    struct bytes key, uint8_t u[DIGEST_SHA256], uint8_t sum[DIGEST_SHA256], uint32_t n)
{
	struct keyed k;

	keyed_begin(&k, key);
	while (n-- > 0) {
		keyed_hmac(&k, (struct bytes){u, DIGEST_SHA256}, u);
		for (unsigned i = 0; i < DIGEST_SHA256; i++)
			sum[i] ^= u[i];
	}
	digest_wipe(&k, sizeof(k));
}

/* One half of HMAC-MD5: the hash of the key's block and x. */
static void md5_half(const uint8_t block[BLOCK], struct bytes x, uint8_t out[DIGEST_MD5])
{
	mbedtls_md5_context c;

	mbedtls_md5_init(&c);
	mbedtls_md5_starts(&c);
	mbedtls_md5_update(&c, block, BLOCK);
	mbedtls_md5_update(&c, x.p, x.n);
	mbedtls_md5_finish(&c, out);
	mbedtls_md5_free(&c);
}

void digest_hmac_md5(struct bytes key, struct bytes x, uint8_t out[DIGEST_MD5])
{
	uint8_t block[BLOCK] = {0};
	uint8_t inner[DIGEST_MD5];

	if (key.n > BLOCK)
		mbedtls_md5(key.p, key.n, block);
	else if (key.n > 0)
		memcpy(block, key.p, key.n);
	block_xor(block, 0x36);
	md5_half(block, x, inner);
	block_xor(block, 0x36 ^ 0x5c);
	md5_half(block, (struct bytes){inner, sizeof(inner)}, out);
	digest_wipe(block, sizeof(block));
	digest_wipe(inner, sizeof(inner));
}
