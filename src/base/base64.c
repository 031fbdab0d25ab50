/* SPDX-License-Identifier: ISC */
#include "base/base64.h"

#include "base/bug.h"

static char digit(uint32_t v, bool url)
{
	if (v < 52)
		return (char)(v < 26 ? 'A' + v : 'a' + (v - 26));
	if (v < 62)
		return (char)('0' + (v - 52));
	if (v == 62)
		return url ? '-' : '+';
	return url ? '_' : '/';
}

/* 64: not of the alphabet. */
static uint32_t value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - (uint32_t)'A';
	if (c >= 'a' && c <= 'z')
		return c - (uint32_t)'a' + 26;
	if (byte_is_digit(c))
		return c - (uint32_t)'0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* The digits of n (1 to 3) octets: n + 1, and `=` up to 4. */
static void quantum(char text[4], const uint8_t *p, size_t n, bool url)
{
	uint32_t bits = (uint32_t)p[0] << 16;

	if (n > 1)
		bits |= (uint32_t)p[1] << 8;
	if (n > 2)
		bits |= p[2];
	for (unsigned i = 0; i < 4; i++)
		text[i] = i <= n ? digit(bits >> (18 - 6 * i) & 63, url) : '=';
}

static void encode(struct fmt *f, struct bytes x, bool url)
{
	char text[4];

	while (x.n > 0) {
		size_t n = x.n < 3 ? x.n : 3;

		quantum(text, x.p, n, url);
		fmt_bytes(f, (struct bytes){ (const uint8_t *)text, url ? n + 1 : 4 });
		x = bytes_skip(x, n);
	}
}

void base64_encode(struct fmt *f, struct bytes x)
{
	encode(f, x, false);
}

void base64_encode_url(struct fmt *f, struct bytes x)
{
	encode(f, x, true);
}

bool base64_put(struct buf *out, const uint8_t *p, size_t n)
{
	char text[4];

	if (n == 0 || n > 3)
		gp_bug("base64_put: octets");
	quantum(text, p, n, false);
	return buf_put(out, (struct bytes){ (const uint8_t *)text, 4 });
}

static bool decode(struct bytes x, uint8_t *out, size_t cap, size_t *n, bool lenient)
{
	uint32_t bits = 0;
	size_t digits, padding, held;

	*n = 0;
	for (padding = 0; padding < 2 && x.n > 0 && x.p[x.n - 1] == '='; padding++)
		x.n--;
	digits = x.n;
	/* What is left over of whole quanta: 2 digits hold an octet, 3 hold two, 1 holds none. */
	if (digits % 4 == 1 || (digits % 4 == 0 && padding > 0) || (digits + padding) % 4 == 1)
		return false;
	if (!lenient && (digits + padding) % 4 != 0)
		return false;
	held = digits / 4 * 3 + (digits % 4 > 0 ? digits % 4 - 1 : 0);
	if (held > cap)
		return false;
	for (size_t i = 0; i < digits; i++) {
		uint32_t v = value(x.p[i]);

		if (v > 63)
			return false;
		bits = bits << 6 | v;
		if (i % 4 > 0)
			out[(*n)++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	if (lenient || digits % 4 == 0)
		return true;
	return (bits & (digits % 4 == 2 ? 15u : 3u)) == 0;
}

bool base64_decode(struct bytes x, uint8_t *out, size_t cap, size_t *n)
{
	return decode(x, out, cap, n, false);
}

bool base64_decode_lenient(struct bytes x, uint8_t *out, size_t cap, size_t *n)
{
	return decode(bytes_trim(x), out, cap, n, true);
}
