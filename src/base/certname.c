/* SPDX-License-Identifier: ISC */
#include "base/certname.h"

#include <string.h>

/* Labels of letters, digits, hyphens and underscores with single dots between them. */
static bool is_name(struct bytes x)
{
	uint8_t before = '.';

	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (!byte_is_alnum(c) && c != '-' && c != '_' && (c != '.' || before == '.'))
			return false;
		before = c;
	}
	return before != '.';
}

bool certname_is_host(struct bytes dns_name, struct bytes host)
{
	size_t label;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (!is_name(host))
		return false;
	if (dns_name.n < 2 || dns_name.p[0] != '*' || dns_name.p[1] != '.')
		return is_name(dns_name) && bytes_same_fold(dns_name, host);
	dns_name = bytes_skip(dns_name, 2);
	label = bytes_find(host, '.');
	return is_name(dns_name) && bytes_find(dns_name, '.') < dns_name.n &&
	       bytes_same_fold(dns_name, bytes_skip(host, label + 1));
}

bool certname_is_address(struct bytes ip, const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (ip.n == 16)
		return memcmp(ip.p, address, 16) == 0;
	return ip.n == 4 && memcmp(address, mapped, sizeof(mapped)) == 0 &&
	       memcmp(address + sizeof(mapped), ip.p, 4) == 0;
}
