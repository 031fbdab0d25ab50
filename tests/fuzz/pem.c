/* SPDX-License-Identifier: ISC */
/* PEM and DER from a file: blocks lie within the text, one behind the other. */
#include "base/der.h"
#include "base/pem.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

static void elements(struct bytes der, unsigned depth)
{
	struct bytes all = der;
	struct der e;

	while (der_next(&der, &e)) {
		must(e.whole.p >= all.p && e.whole.n >= 2 && e.value.n < e.whole.n);
		must(e.value.p + e.value.n == e.whole.p + e.whole.n);
		must(der.p == e.whole.p + e.whole.n);
		if (depth < 8)
			elements(e.value, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = {data, size}, subject;
	const uint8_t *before = data;
	uint8_t *out = malloc(size + 1);
	struct pem block;
	size_t n;

	while (pem_next(&text, &block)) {
		must(block.label.p > before && block.body.p + block.body.n <= text.p);
		before = block.body.p;
		if (pem_decode(&block, out, size, &n)) {
			must(n > 0 && n <= PEM_DECODED(block.body.n));
			elements((struct bytes){out, n}, 0);
			if (der_subject((struct bytes){out, n}, &subject))
				must(subject.p > out && subject.p + subject.n < out + n);
		}
	}
	elements((struct bytes){data, size}, 0);
	free(out);
	return 0;
}
