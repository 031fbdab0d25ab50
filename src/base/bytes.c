/* SPDX-License-Identifier: ISC */
#include "base/bytes.h"

#include <string.h>

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct bytes bytes_of(const char *text)
{
	return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

bool bytes_same(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool bytes_same_fold(struct bytes a, struct bytes b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (byte_lower(a.p[i]) != byte_lower(b.p[i]))
			return false;
	}
	return true;
}

bool bytes_begins_fold(struct bytes a, struct bytes b)
{
	return a.n >= b.n && bytes_same_fold(bytes_first(a, b.n), b);
}

bool bytes_ends_fold(struct bytes a, struct bytes b)
{
	return a.n >= b.n && bytes_same_fold(bytes_skip(a, a.n - b.n), b);
}

size_t bytes_find(struct bytes a, uint8_t c)
{
	const uint8_t *hit;

	if (a.n == 0)
		return 0;
	hit = memchr(a.p, c, a.n);
	return hit ? (size_t)(hit - a.p) : a.n;
}

struct bytes bytes_skip(struct bytes a, size_t n)
{
	if (n > a.n)
		n = a.n;
	a.p = (const uint8_t *)((uintptr_t)a.p + n); /* of no octets it may be NULL */
	a.n -= n;
	return a;
}

struct bytes bytes_first(struct bytes a, size_t n)
{
	if (n < a.n)
		a.n = n;
	return a;
}

struct bytes bytes_trim(struct bytes a)
{
	while (a.n > 0 && is_blank(a.p[0]))
		a = bytes_skip(a, 1);
	while (a.n > 0 && is_blank(a.p[a.n - 1]))
		a.n--;
	return a;
}

struct bytes bytes_word(struct bytes *a)
{
	struct bytes word;
	size_t n = 0;

	while (a->n > 0 && is_blank(a->p[0]))
		*a = bytes_skip(*a, 1);
	while (n < a->n && !is_blank(a->p[n]))
		n++;
	word = bytes_first(*a, n);
	*a = bytes_skip(*a, n);
	return word;
}

bool byte_is_alpha(uint8_t c)
{
	c = byte_lower(c);
	return c >= 'a' && c <= 'z';
}

bool byte_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

bool byte_is_alnum(uint8_t c)
{
	return byte_is_alpha(c) || byte_is_digit(c);
}

uint8_t byte_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}
