/* SPDX-License-Identifier: ISC */
/* The parser of From: what it finds lies within, and a new address put there is found again. */
#include "mail/mailbox.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

static void append(uint8_t *out, size_t *n, struct bytes x)
{
	if (x.n > 0)
		memcpy(out + *n, x.p, x.n);
	*n += x.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes x = { data, size }, address = BYTES("n@gw.example");
	struct mailbox box, again;
	uint8_t *out;
	size_t n = 0;

	if (!mailbox_parse(x, &box))
		return 0;
	must(box.begin <= box.addr_begin && box.addr_begin < box.addr_end);
	must(box.addr_end <= box.end && box.end <= size);
	out = malloc(size + address.n);
	append(out, &n, bytes_skip(bytes_first(x, box.addr_begin), box.begin));
	append(out, &n, address);
	append(out, &n, bytes_skip(bytes_first(x, box.end), box.addr_end));
	must(mailbox_parse((struct bytes){ out, n }, &again));
	must(again.qualified && again.begin == 0 && again.end == n);
	must(again.addr_begin == box.addr_begin - box.begin);
	must(again.addr_end == again.addr_begin + address.n);
	for (size_t i = 0; i < n; i++)
		must(out[i] >= 32 ? out[i] != 127 : out[i] == '\t');
	free(out);
	return 0;
}
