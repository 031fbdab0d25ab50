/* SPDX-License-Identifier: ISC */
#include "base/inet.h"

#include "base/num.h"

#include <string.h>

#define V4_BITS 96 /* length of the prefix of IPv4-mapped addresses */

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool parse_quad(struct bytes x, uint8_t out[4])
{
	for (unsigned i = 0; i < 4; i++) {
		size_t n = i < 3 ? bytes_find(x, '.') : x.n;
		struct bytes part = bytes_first(x, n);
		uint64_t v;

		if (i < 3 && n == x.n)
			return false;
		if (!num_u64(part, 255, &v) || (part.n > 1 && part.p[0] == '0'))
			return false;
		out[i] = (uint8_t)v;
		x = bytes_skip(x, n + 1);
	}
	return true;
}

bool inet_parse_v4(struct bytes x, struct inet_addr *out)
{
	uint8_t quad[4];

	if (!parse_quad(x, quad))
		return false;
	memset(out, 0, sizeof(*out));
	memcpy(out->a, mapped, sizeof(mapped));
	memcpy(out->a + 12, quad, sizeof(quad));
	return true;
}

static bool parse_group(struct bytes x, uint8_t out[2])
{
	unsigned v = 0;

	if (x.n == 0 || x.n > 4)
		return false;
	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = byte_lower(x.p[i]);

		if (byte_is_digit(c))
			v = v << 4 | (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (unsigned)(c - 'a' + 10);
		else
			return false;
	}
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
	return true;
}

/*
 * Groups of two octets joined by colons, where "::" stands for a run of zeros, once; the last may
 * be a dotted quad.
 */
static bool parse_v6_octets(struct bytes x, uint8_t out[16])
{
	size_t n = 0, gap = SIZE_MAX, behind;

	if (x.n >= 2 && x.p[0] == ':' && x.p[1] == ':') {
		gap = 0;
		x = bytes_skip(x, 2);
	}
	while (x.n > 0) {
		size_t colon = bytes_find(x, ':');
		struct bytes part = bytes_first(x, colon);

		if (colon == x.n && bytes_find(part, '.') < part.n) {
			if (n > 12 || !parse_quad(part, out + n))
				return false;
			n += 4;
			break;
		}
		if (n > 14 || !parse_group(part, out + n))
			return false;
		n += 2;
		if (colon + 1 == x.n)
			return false;
		x = bytes_skip(x, colon + 1);
		if (x.n > 0 && x.p[0] == ':') {
			if (gap != SIZE_MAX)
				return false;
			gap = n;
			x = bytes_skip(x, 1);
		}
	}
	if (gap == SIZE_MAX || n > 14)
		return gap == SIZE_MAX && n == 16;
	behind = n - gap;
	memmove(out + 16 - behind, out + gap, behind);
	memset(out + gap, 0, 16 - n);
	return true;
}

static bool zone_is_good(struct bytes zone)
{
	if (zone.n == 0 || zone.n >= INET_ZONE)
		return false;
	for (size_t i = 0; i < zone.n; i++) {
		uint8_t c = zone.p[i];

		if (c <= ' ' || c > 126 || c == '/' || c == '%' || c == '[' || c == ']')
			return false;
	}
	return true;
}

bool inet_parse_v6(struct bytes x, struct inet_addr *out)
{
	struct inet_addr got = { 0 };
	size_t percent = bytes_find(x, '%');
	struct bytes zone = bytes_skip(x, percent + 1);

	if (!parse_v6_octets(bytes_first(x, percent), got.a))
		return false;
	if (percent < x.n) {
		if (!zone_is_good(zone) || inet_is_v4(got.a) || !inet_is_link_local(got.a))
			return false;
		memcpy(got.zone, zone.p, zone.n);
	}
	*out = got;
	return true;
}

bool inet_parse_addr(struct bytes x, struct inet_addr *out)
{
	if (x.n >= 2 && x.p[0] == '[' && x.p[x.n - 1] == ']')
		return inet_parse_v6(bytes_first(bytes_skip(x, 1), x.n - 2), out);
	return inet_parse_v4(x, out) || inet_parse_v6(x, out);
}

bool inet_parse_port(struct bytes x, bool zero_ok, uint16_t *out)
{
	uint64_t v;

	if (!num_u64(x, 65535, &v) || (v == 0 && !zero_ok))
		return false;
	*out = (uint16_t)v;
	return true;
}

static bool host_bits_set(const struct inet_net *net)
{
	for (unsigned bit = net->bits; bit < 128; bit++) {
		if (net->a[bit / 8] & 0x80u >> bit % 8)
			return true;
	}
	return false;
}

bool inet_parse_net(struct bytes x, struct inet_net *out, bool *host_bits)
{
	size_t slash = bytes_find(x, '/');
	struct inet_addr addr;
	struct inet_net net;
	uint64_t bits = 128;

	*host_bits = false;
	if (inet_parse_v4(bytes_first(x, slash), &addr)) {
		if (slash < x.n) {
			if (!num_u64(bytes_skip(x, slash + 1), 32, &bits))
				return false;
			bits += V4_BITS;
		}
	} else {
		if (!inet_parse_addr(bytes_first(x, slash), &addr) || addr.zone[0] != '\0')
			return false;
		if (slash < x.n && !num_u64(bytes_skip(x, slash + 1), 128, &bits))
			return false;
	}
	memcpy(net.a, addr.a, sizeof(net.a));
	net.bits = (uint8_t)bits;
	if (host_bits_set(&net)) {
		*host_bits = true;
		return false;
	}
	*out = net;
	return true;
}

bool inet_is_v4(const uint8_t a[16])
{
	return memcmp(a, mapped, sizeof(mapped)) == 0;
}

bool inet_in_net(const uint8_t a[16], const struct inet_net *net)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (net->bits < V4_BITS && inet_is_v4(a))
		return false;
	if (memcmp(a, net->a, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ net->a[whole]) >> (8 - rest) == 0;
}

bool inet_same(const uint8_t a[16], const uint8_t b[16])
{
	return memcmp(a, b, 16) == 0;
}

bool inet_is_loopback(const uint8_t a[16])
{
	static const uint8_t one[16] = { [15] = 1 };

	return inet_is_v4(a) ? a[12] == 127 : inet_same(a, one);
}

bool inet_is_link_local(const uint8_t a[16])
{
	if (inet_is_v4(a))
		return a[12] == 169 && a[13] == 254;
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

bool inet_is_any(const uint8_t a[16])
{
	static const uint8_t zero[16];

	return inet_same(a, zero) || (inet_is_v4(a) && memcmp(a + 12, zero, 4) == 0);
}

static unsigned group_at(const uint8_t a[16], unsigned i)
{
	return (unsigned)(a[2 * i] << 8 | a[2 * i + 1]);
}

/* The longest run of at least two zero groups, the first of equals: *at and its length, or 0. */
static unsigned longest_gap(const uint8_t a[16], unsigned *at)
{
	unsigned best = 0, run = 0;

	*at = 8;
	for (unsigned i = 0; i < 8; i++) {
		run = group_at(a, i) == 0 ? run + 1 : 0;
		if (run >= 2 && run > best) {
			best = run;
			*at = i + 1 - run;
		}
	}
	return best;
}

static void print_v6(struct fmt *f, const uint8_t a[16])
{
	unsigned at, gap = longest_gap(a, &at);

	for (unsigned i = 0; i < 8; i++) {
		if (i == at) {
			fmt_str(f, "::");
			i += gap - 1;
			continue;
		}
		if (i > 0 && i != at + gap)
			fmt_char(f, ':');
		fmt_hex(f, group_at(a, i), 1);
	}
}

static void print_octets(struct fmt *f, const uint8_t a[16])
{
	if (inet_is_v4(a))
		fmt_add(f, "%u.%u.%u.%u", a[12], a[13], a[14], a[15]);
	else
		print_v6(f, a);
}

void inet_print_addr(struct fmt *f, const struct inet_addr *a)
{
	print_octets(f, a->a);
	if (a->zone[0] != '\0')
		fmt_add(f, "%%%s", a->zone);
}

void inet_print_port(struct fmt *f, const struct inet_addr *a)
{
	bool v4 = inet_is_v4(a->a);

	if (!v4)
		fmt_char(f, '[');
	inet_print_addr(f, a);
	fmt_add(f, "%s%u", v4 ? ":" : "]:", a->port);
}

void inet_print_literal(struct fmt *f, const struct inet_addr *a)
{
	fmt_str(f, inet_is_v4(a->a) ? "[" : "[IPv6:");
	print_octets(f, a->a);
	fmt_char(f, ']');
}

void inet_print_net(struct fmt *f, const struct inet_net *n)
{
	bool v4 = inet_is_v4(n->a) && n->bits >= V4_BITS;

	print_octets(f, n->a);
	fmt_add(f, "/%u", v4 ? n->bits - V4_BITS : n->bits);
}
