/* SPDX-License-Identifier: ISC */
#include "run/mx.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

#define MX_HEADER 12
#define MX_FIXED 10 /* type, class, TTL, length of the data */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Steps over a name; NULL where it is broken. */
static const uint8_t *mx_skip_name(const uint8_t *p, const uint8_t *end)
{
	int n = dn_skipname(p, end);

	return n < 0 ? NULL : p + n;
}

static const uint8_t *mx_skip_questions(const uint8_t *p, const uint8_t *end, unsigned count)
{
	while (p != NULL && count-- > 0) {
		p = mx_skip_name(p, end);
		p = p != NULL && end - p >= 4 ? p + 4 : NULL;
	}
	return p;
}

unsigned mx_parse(struct bytes answer, struct mx_host out[MX_HOSTS])
{
	const uint8_t *start = answer.p, *end = answer.p + answer.n, *p;
	unsigned records, n = 0;

	if (answer.n < MX_HEADER)
		return 0;
	records = get16(start + 6);
	p = mx_skip_questions(start + MX_HEADER, end, get16(start + 4));
	while (p != NULL && records-- > 0 && n < MX_HOSTS) {
		unsigned type, class, length;

		p = mx_skip_name(p, end);
		if (p == NULL || end - p < MX_FIXED)
			break;
		type = get16(p);
		class = get16(p + 2);
		length = get16(p + 8);
		p += MX_FIXED;
		if ((size_t)(end - p) < length)
			break;
		if (type == ns_t_mx && class == ns_c_in) {
			if (length < 3 || dn_expand(start, end, p + 2, out[n].name, MX_NAME) < 0)
				break;
			out[n++].preference = get16(p);
		}
		p += length;
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
