/* SPDX-License-Identifier: ISC */
/* Names in certificates: what is taken for a host is a name of letters, digits and dots. */
#include "base/certname.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

/* The input is two names with an octet between that tells how long the first is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes pattern, host, all = {data, size};
	uint8_t address[16] = {0};

	if (size == 0)
		return 0;
	pattern = bytes_first(bytes_skip(all, 1), data[0]);
	host = bytes_skip(all, 1 + pattern.n);
	if (certname_is_host(pattern, host)) {
		must(host.n > 0 && pattern.n > 0);
		for (size_t i = 0; i < pattern.n; i++)
			must((pattern.p[i] > ' ' && pattern.p[i] < 0x7f) &&
			     (pattern.p[i] != '*' || i == 0));
		must(memchr(host.p, 0, host.n) == NULL && memchr(host.p, '*', host.n) == NULL);
	}
	if (host.n <= sizeof(address))
		memcpy(address, host.p, host.n);
	if (certname_is_address(pattern, address))
		must(pattern.n == 4 || pattern.n == 16);
	return 0;
}
