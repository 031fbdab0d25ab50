/* SPDX-License-Identifier: ISC */
#include "run/mx.h"

#include "base/dns.h"

_Static_assert(MX_NAME == DNS_NAME, "names are handed through");

unsigned mx_parse(struct bytes answer, struct mx_host out[MX_HOSTS])
{
	struct dns_records r;
	struct dns_record record;
	unsigned n = 0;

	dns_records(&r, answer);
	while (n < MX_HOSTS && dns_next(&r, &record)) {
		if (record.type != DNS_MX)
			continue;
		if (record.data.n < 3 || !dns_name(answer, record.at + 2, out[n].name))
			break;
		out[n++].preference = (uint16_t)(record.data.p[0] << 8 | record.data.p[1]);
	}
	return n;
}

void mx_sort(struct mx_host *host, unsigned n, const uint16_t shuffle[MX_HOSTS])
{
	uint32_t key[MX_HOSTS];

	for (unsigned i = 0; i < n; i++) {
		struct mx_host h = host[i];
		uint32_t k = (uint32_t)h.preference << 16 | shuffle[i];
		unsigned at = i;

		while (at > 0 && key[at - 1] > k) {
			key[at] = key[at - 1];
			host[at] = host[at - 1];
			at--;
		}
		key[at] = k;
		host[at] = h;
	}
}
