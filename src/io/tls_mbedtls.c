/* SPDX-License-Identifier: ISC */
/* What the library wants of the world: memory, randomness, its own beginning. */
#include "io/tls_part.h"

#include "io/random.h"

#include <mbedtls/platform.h>
#include <psa/crypto.h>

#include <string.h>

bool tls_is_there(void)
{
	return true;
}

int tls_random(void *ctx, unsigned char *out, size_t n)
{
	(void)ctx;
	random_bytes(out, n);
	return 0;
}

psa_status_t mbedtls_psa_external_get_random(
    mbedtls_psa_external_random_context_t *ctx, uint8_t *out, size_t n, size_t *got)
{
	(void)ctx;
	random_bytes(out, n);
	*got = n;
	return PSA_SUCCESS;
}

bool tls_init(struct fmt *why)
{
	psa_status_t status;

	random_forget();
	mbedtls_platform_set_calloc_free(tls_arena_calloc, tls_arena_free);
	tls_arena_charge(TLS_ARENA_LIBRARY, TLS_ARENA_FIXED);
	status = psa_crypto_init();
	if (status == PSA_SUCCESS)
		return true;
	fmt_add(why, "mbedTLS does not start: error %d", status);
	return false;
}
