/* SPDX-License-Identifier: ISC */
#include "io/tls_image.h"

#include "base/crc32.h"

#include <errno.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/sha256.h>
#include <unistd.h>

#define PIECE 4096u /* octets read at once */

int tls_image_sum(int fd, uint32_t head, uint32_t body, uint32_t total, struct tls_image_sums *out)
{
	static uint8_t piece[PIECE];
	mbedtls_sha256_context c;
	uint32_t at = 0;
	int error = 0;

	mbedtls_sha256_init(&c);
	mbedtls_sha256_starts(&c, 0);
	out->crc = 0;
	while (at < total) {
		uint32_t end = at < head ? head : total;
		ssize_t n = pread(fd, piece, end - at < PIECE ? end - at : PIECE, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			error = n < 0 ? -errno : -ENODATA;
			break;
		}
		mbedtls_sha256_update(&c, piece, (size_t)n);
		if (at >= body)
			out->crc = crc32_add(out->crc, (struct bytes){ piece, (size_t)n });
		at += (uint32_t)n;
		if (at == head)
			at = body;
	}
	mbedtls_sha256_finish(&c, out->hash);
	mbedtls_sha256_free(&c);
	return error;
}

bool tls_image_verify(const uint8_t hash[DIGEST_SHA256],
    const uint8_t signature[TLS_IMAGE_SIGNATURE], const uint8_t point[TLS_IMAGE_POINT])
{
	const size_t half = TLS_IMAGE_SIGNATURE / 2;
	mbedtls_ecp_group group;
	mbedtls_ecp_point key;
	mbedtls_mpi r, s;
	bool good;

	mbedtls_ecp_group_init(&group);
	mbedtls_ecp_point_init(&key);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	good = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
	       mbedtls_ecp_point_read_binary(&group, &key, point, TLS_IMAGE_POINT) == 0 &&
	       mbedtls_ecp_check_pubkey(&group, &key) == 0 &&
	       mbedtls_mpi_read_binary(&r, signature, half) == 0 &&
	       mbedtls_mpi_read_binary(&s, signature + half, half) == 0 &&
	       mbedtls_ecdsa_verify(&group, hash, DIGEST_SHA256, &key, &r, &s) == 0;
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_ecp_point_free(&key);
	mbedtls_ecp_group_free(&group);
	return good;
}
