/* SPDX-License-Identifier: ISC */
#include "io/tls_image.h"

#include "base/pem.h"
#include "io/random.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/pk.h>

#define KEY_DER 512u /* octets of a key on P-256 are 138 at the most */

static int sign_random(void *ctx, unsigned char *out, size_t n)
{
	(void)ctx;
	random_bytes(out, n);
	return 0;
}

static bool is_key(struct bytes label)
{
	return bytes_same(label, BYTES("PRIVATE KEY")) ||
	       bytes_same(label, BYTES("EC PRIVATE KEY"));
}

/* The block with the key, from a text that may hold others. */
static const char *read_key(struct bytes pem, mbedtls_pk_context *key)
{
	uint8_t der[KEY_DER];
	struct pem block;
	size_t n = 0;
	int ret = -1;

	do {
		if (!pem_next(&pem, &block))
			return "there is no private key in it";
	} while (!is_key(block.label));
	if (pem_is_locked(&block))
		return "the key is locked by a passphrase";
	if (pem_decode(&block, der, sizeof(der), &n))
		ret = mbedtls_pk_parse_key(key, der, n, NULL, 0, sign_random, NULL);
	digest_wipe(der, sizeof(der));
	if (ret != 0)
		return "the key cannot be read";
	if (mbedtls_pk_get_type(key) != MBEDTLS_PK_ECKEY || mbedtls_pk_get_bitlen(key) != 256)
		return "it is not a key on the curve P-256";
	return NULL;
}

/* On P-256, by the library's own interface to what is in a key. */
static bool sign(mbedtls_ecp_keypair *pair, const uint8_t hash[DIGEST_SHA256],
    uint8_t signature[TLS_IMAGE_SIGNATURE], uint8_t point[TLS_IMAGE_POINT])
{
	const size_t half = TLS_IMAGE_SIGNATURE / 2;
	mbedtls_ecp_group group;
	mbedtls_ecp_point public;
	mbedtls_mpi d, r, s;
	size_t n;
	bool good;

	mbedtls_ecp_group_init(&group);
	mbedtls_ecp_point_init(&public);
	mbedtls_mpi_init(&d);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	good = mbedtls_ecp_export(pair, &group, &d, &public) == 0 &&
	       group.id == MBEDTLS_ECP_DP_SECP256R1 &&
	       mbedtls_ecp_mul(&group, &public, &d, &group.G, sign_random, NULL) == 0 &&
	       mbedtls_ecp_point_write_binary(
		   &group, &public, MBEDTLS_ECP_PF_UNCOMPRESSED, &n, point, TLS_IMAGE_POINT) == 0 &&
	       mbedtls_ecdsa_sign_det_ext(&group, &r, &s, &d, hash, DIGEST_SHA256,
		   MBEDTLS_MD_SHA256, sign_random, NULL) == 0 &&
	       mbedtls_mpi_write_binary(&r, signature, half) == 0 &&
	       mbedtls_mpi_write_binary(&s, signature + half, half) == 0;
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_mpi_free(&d);
	mbedtls_ecp_point_free(&public);
	mbedtls_ecp_group_free(&group);
	return good;
}

const char *tls_image_sign(struct bytes pem, const uint8_t hash[DIGEST_SHA256],
    uint8_t signature[TLS_IMAGE_SIGNATURE], uint8_t point[TLS_IMAGE_POINT])
{
	mbedtls_pk_context key;
	const char *wrong;

	mbedtls_pk_init(&key);
	wrong = read_key(pem, &key);
	if (!wrong && !(sign(mbedtls_pk_ec(key), hash, signature, point) &&
			  tls_image_verify(hash, signature, point)))
		wrong = "it does not sign on the curve P-256";
	mbedtls_pk_free(&key);
	return wrong;
}
