/* SPDX-License-Identifier: ISC */
/* Addresses, blocks and numbers: what is read prints, and is read again as the same. */
#include "base/inet.h"
#include "base/num.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

static void address(struct bytes x)
{
	struct inet_addr a, again;
	char text[INET_TEXT];
	struct fmt f;

	if (!inet_parse_addr(x, &a))
		return;
	fmt_init(&f, text, sizeof(text));
	inet_print_addr(&f, &a);
	must(!f.cut && inet_parse_addr(fmt_done(&f), &again));
	must(inet_same(a.a, again.a) && memcmp(a.zone, again.zone, sizeof(a.zone)) == 0);
}

static void block(struct bytes x)
{
	struct inet_net n, again;
	char text[INET_TEXT];
	struct fmt f;
	bool host_bits;

	if (!inet_parse_net(x, &n, &host_bits)) {
		must(!host_bits || bytes_find(x, '/') < x.n);
		return;
	}
	must(inet_in_net(n.a, &n));
	fmt_init(&f, text, sizeof(text));
	inet_print_net(&f, &n);
	must(!f.cut && inet_parse_net(fmt_done(&f), &again, &host_bits));
	must(inet_same(n.a, again.a) && n.bits == again.bits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes x = { data, size };
	struct num_rate rate;
	uint64_t v, max = size > 0 ? UINT64_MAX >> data[size - 1] % 64 : 0;

	address(x);
	block(x);
	must(!num_u64(x, max, &v) || v <= max);
	must(!num_duration(x, max, &v) || v <= max);
	must(!num_size(x, max, &v) || v <= max);
	must(!num_rate(x, &rate) || (rate.count > 0 && rate.seconds > 0));
	return 0;
}
