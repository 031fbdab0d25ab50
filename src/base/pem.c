/* SPDX-License-Identifier: ISC */
#include "base/pem.h"

#include "base/base64.h"

#include <string.h>

#define BEGIN  "-----BEGIN "
#define END    "-----END "
#define DASHES "-----"

/* Where `what` begins in x, or x.n. */
static size_t find(struct bytes x, struct bytes what)
{
	for (size_t at = 0; at + what.n <= x.n; at++) {
		at += bytes_find(bytes_skip(x, at), what.p[0]);
		if (at + what.n <= x.n && memcmp(x.p + at, what.p, what.n) == 0)
			return at;
	}
	return x.n;
}

/*
 * Is there a line that begins with `head` and goes on with dashes? What lies between them is its
 * label, *rest what follows.
 */
static bool line(struct bytes x, struct bytes head, struct bytes *label, struct bytes *rest)
{
	struct bytes text, after;
	size_t n;

	if (x.n < head.n || memcmp(x.p, head.p, head.n) != 0)
		return false;
	text = bytes_skip(x, head.n);
	text = bytes_first(text, bytes_find(text, '\n'));
	n = find(text, BYTES(DASHES));
	if (n == text.n)
		return false;
	*label = bytes_first(text, n);
	after = bytes_skip(text, n + sizeof(DASHES) - 1);
	*rest = bytes_skip(x, (size_t)(after.p - x.p));
	return true;
}

bool pem_next(struct bytes *text, struct pem *block)
{
	struct bytes rest, label;
	size_t end;

	while (true) {
		*text = bytes_skip(*text, find(*text, BYTES(BEGIN)));
		if (text->n == 0)
			return false;
		if (!line(*text, BYTES(BEGIN), &block->label, &rest)) {
			*text = bytes_skip(*text, 1);
			continue;
		}
		*text = rest;
		end = find(rest, BYTES(DASHES));
		block->body = bytes_first(rest, end);
		if (line(bytes_skip(rest, end), BYTES(END), &label, &rest) &&
		    bytes_same(label, block->label)) {
			*text = rest;
			return true;
		}
	}
}

bool pem_find(struct bytes *text, struct bytes label, struct pem *block)
{
	do {
		if (!pem_next(text, block))
			return false;
	} while (!bytes_same(block->label, label));
	return true;
}

bool pem_is_locked(const struct pem *block)
{
	return bytes_find(block->body, ':') < block->body.n;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool pem_decode(const struct pem *block, uint8_t *out, size_t cap, size_t *n)
{
	uint8_t four[4];
	size_t have = 0, got;
	bool last = false;

	*n = 0;
	for (size_t i = 0; i < block->body.n; i++) {
		if (is_blank(block->body.p[i]))
			continue;
		if (last)
			return false;
		four[have++] = block->body.p[i];
		if (have < sizeof(four))
			continue;
		have = 0;
		if (!base64_decode((struct bytes){ four, sizeof(four) }, out + *n, cap - *n, &got))
			return false;
		*n += got;
		last = got < 3;
	}
	return have == 0 && *n > 0;
}
