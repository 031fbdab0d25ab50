/* SPDX-License-Identifier: ISC */
/* What a name server may answer: it is read to its end and no farther. */
#include "base/dns.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

static void walk(struct bytes message)
{
	struct dns_records r;
	struct dns_record record;
	char name[DNS_NAME];
	size_t before = 0;

	dns_records(&r, message);
	while (dns_next(&r, &record)) {
		must(record.at > before && record.at + record.data.n <= message.n);
		before = record.at;
		for (size_t at = 0; at < record.data.n; at += 2) {
			if (dns_name(message, record.at + at, name))
				must(strlen(name) < DNS_NAME);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes message = {data, size};
	uint8_t question[DNS_QUESTION];
	size_t n = dns_ask(question, 0x1234, BYTES("mx.test"), DNS_MX);

	must(n == 12 + 9 + 4);
	if (dns_judge(message, (struct bytes){question, n}) != DNS_ALIEN)
		must(size >= n);
	walk(message);
	n = dns_ask(question, 1, message, DNS_A);
	must(n <= DNS_QUESTION);
	if (n > 0) {
		char name[DNS_NAME];

		if (dns_name((struct bytes){question, n}, 12, name))
			must(bytes_begins_fold(message, bytes_of(name)));
	}
	return 0;
}
