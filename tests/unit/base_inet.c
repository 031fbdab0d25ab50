/* SPDX-License-Identifier: ISC */
#include "base/bug.h"
#include "base/inet.h"
#include "tap.h"

#include <arpa/inet.h>

TAP_GP_BUG

#define COUNT(a) (sizeof(a) / sizeof(a[0]))

static char out[INET_TEXT];

static const char *printed(struct bytes x)
{
	struct inet_addr addr;
	struct fmt f;

	if (!inet_parse_addr(x, &addr))
		return "refused";
	fmt_init(&f, out, sizeof(out));
	inet_print_addr(&f, &addr);
	return f.cut ? "cut" : out;
}

static void addresses(void)
{
	static const char *const row[][2] = {
		{ "10.0.0.1", "10.0.0.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "256.0.0.1", "refused" },
		{ "1.2.3", "refused" },
		{ "1.2.3.4.5", "refused" },
		{ "1.2.3.04", "refused" },
		{ "1.2.3.4 ", "refused" },
		{ "1..3.4", "refused" },
		{ "1.2.3.", "refused" },
		{ "[10.0.0.1]", "refused" },
		{ "10.0.0.1%eth0", "refused" },
		{ "", "refused" },
		{ "::", "::" },
		{ "[::]", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ ":", "refused" },
		{ ":::", "refused" },
		{ "1:::2", "refused" },
		{ "::1::", "refused" },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
		{ "1:2:3:4:5:6:7", "refused" },
		{ "1:2:3:4:5:6:7:8:9", "refused" },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "1:2:3:4:5:6:7:8::", "refused" },
		{ "1:2:3:4:5:6:7:", "refused" },
		{ ":1:2:3:4:5:6:7", "refused" },
		{ "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:db8:0:0:0:1:0:0", "2001:db8::1:0:0" },
		{ "1:0:0:2:0:0:0:3", "1:0:0:2::3" },
		{ "0001:00ab::", "1:ab::" },
		{ "12345::", "refused" },
		{ "g::", "refused" },
		{ "::ffff:10.0.0.1", "10.0.0.1" },
		{ "::FFFF:a00:1", "10.0.0.1" },
		{ "::10.0.0.1", "::a00:1" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
		{ "1:2:3:4:5:6:7:1.2.3.4", "refused" },
		{ "1.2.3.4::", "refused" },
		{ "::1.2.3", "refused" },
		{ "::1.2.3.4:5", "refused" },
		{ "fe80::a00%eth0", "fe80::a00%eth0" },
		{ "[fe80::a00%3]", "fe80::a00%3" },
		{ "fe80::1%", "refused" },
		{ "fe80::1%fifteenoctets12", "fe80::1%fifteenoctets12" },
		{ "fe80::1%sixteen.octets12", "refused" },
		{ "fe80::1%a/b", "refused" },
		{ "fe80::1%a b", "refused" },
		{ "fe80::1%a\x7f", "refused" },
		{ "fe80::1%a\xc3\xa4", "refused" },
		{ "fe80::1%a%b", "refused" },
		{ "fe80::1%a[b", "refused" },
		{ "fe80::1%a]b", "refused" },
		{ "2001:db8::1%eth0", "refused" },
		{ "::ffff:169.254.0.1%eth0", "refused" },
		{ "[::1", "refused" },
		{ "::1]", "refused" },
		{ "[[::1]]", "refused" },
		{ "[]", "refused" },
		{ "localhost", "refused" },
	};

	for (size_t i = 0; i < COUNT(row); i++)
		is_str(printed(bytes_of(row[i][0])), row[i][1], "address %s", row[i][0]);
}

static const char *printed_net(struct bytes x)
{
	struct inet_net net;
	struct fmt f;
	bool host_bits;

	if (!inet_parse_net(x, &net, &host_bits))
		return host_bits ? "host bits" : "refused";
	fmt_init(&f, out, sizeof(out));
	inet_print_net(&f, &net);
	return out;
}

static void nets(void)
{
	static const char *const row[][2] = {
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "10.0.0.1", "10.0.0.1/32" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "10.0.0.1/8", "host bits" },
		{ "10.128.0.0/9", "10.128.0.0/9" },
		{ "10.128.0.0/8", "host bits" },
		{ "10.0.0.0/33", "refused" },
		{ "10.0.0.0/", "refused" },
		{ "10.0.0/8", "refused" },
		{ "10.0.0.0/8/8", "refused" },
		{ "fd00::/8", "fd00::/8" },
		{ "[fd00::]/8", "fd00::/8" },
		{ "[fd00::1]", "fd00::1/128" },
		{ "::/0", "::/0" },
		{ "fd00::1/8", "host bits" },
		{ "fd00::/129", "refused" },
		{ "fe80::1%eth0", "refused" },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8" },
		{ "::ffff:0.0.0.0/96", "0.0.0.0/0" },
		{ "::ffff:0.0.0.0/95", "host bits" },
		{ "local", "refused" },
		{ "", "refused" },
		{ "/8", "refused" },
	};

	for (size_t i = 0; i < COUNT(row); i++)
		is_str(printed_net(bytes_of(row[i][0])), row[i][1], "block %s", row[i][0]);
}

static bool in(const char *addr, const char *block)
{
	struct inet_addr a;
	struct inet_net n;
	bool host_bits;

	return inet_parse_addr(bytes_of(addr), &a) &&
	       inet_parse_net(bytes_of(block), &n, &host_bits) && inet_in_net(a.a, &n);
}

static void matches(void)
{
	ok(in("10.1.2.3", "10.0.0.0/8") && !in("11.0.0.0", "10.0.0.0/8"),
	    "inside and outside a /8");
	ok(in("10.127.255.255", "10.64.0.0/10") && !in("10.128.0.0", "10.64.0.0/10"),
	    "inside and outside a /10");
	ok(in("::ffff:10.1.2.3", "10.0.0.0/8"), "a mapped address counts as IPv4");
	ok(in("10.1.2.3", "::ffff:10.0.0.0/104"), "so does a mapped block");
	ok(in("1.2.3.4", "0.0.0.0/0") && !in("::1", "0.0.0.0/0"), "all of IPv4");
	ok(in("::1", "::/0") && !in("1.2.3.4", "::/0"), "all of IPv6");
	ok(!in("1.2.3.4", "::/80"), "no IPv6 block holds IPv4");
	ok(in("fd00::7", "fd00::7") && !in("fd00::8", "fd00::7"), "a single address");
}

static bool is(bool (*test)(const uint8_t *), const char *text)
{
	struct inet_addr a;

	return inet_parse_addr(bytes_of(text), &a) && test(a.a);
}

static void kinds(void)
{
	ok(is(inet_is_loopback, "127.0.0.1") && is(inet_is_loopback, "127.255.0.9") &&
		is(inet_is_loopback, "::1"),
	    "loopback");
	ok(!is(inet_is_loopback, "128.0.0.1") && !is(inet_is_loopback, "::2") &&
		!is(inet_is_loopback, "::127.0.0.1"),
	    "not loopback");
	ok(is(inet_is_link_local, "169.254.1.1") && is(inet_is_link_local, "febf::1"),
	    "link-local");
	ok(!is(inet_is_link_local, "169.253.1.1") && !is(inet_is_link_local, "fec0::1"),
	    "not link-local");
	ok(is(inet_is_any, "0.0.0.0") && is(inet_is_any, "::") && !is(inet_is_any, "::1"), "any");
	ok(is(inet_is_v4, "::ffff:1.2.3.4") && !is(inet_is_v4, "::1.2.3.4"), "IPv4");
}

static void ports(void)
{
	uint16_t port = 7;

	ok(inet_parse_port(BYTES("25"), false, &port) && port == 25, "port 25");
	ok(inet_parse_port(BYTES("65535"), false, &port) && port == 65535, "port 65535");
	ok(!inet_parse_port(BYTES("65536"), false, &port) &&
		!inet_parse_port(BYTES("0"), false, &port) &&
		!inet_parse_port(BYTES(""), true, &port) &&
		!inet_parse_port(BYTES("25 "), true, &port),
	    "no ports");
	ok(inet_parse_port(BYTES("0"), true, &port) && port == 0, "port 0 where it is let");
}

static void forms(void)
{
	struct inet_addr a = { 0 };
	struct fmt f;

	inet_parse_addr(BYTES("fe80::a00%eth0"), &a);
	a.port = 25;
	fmt_init(&f, out, sizeof(out));
	inet_print_port(&f, &a);
	is_str(out, "[fe80::a00%eth0]:25", "IPv6 with port");
	fmt_init(&f, out, sizeof(out));
	inet_print_literal(&f, &a);
	is_str(out, "[IPv6:fe80::a00]", "IPv6 literal has no zone");
	inet_parse_addr(BYTES("10.0.0.1"), &a);
	ok(a.port == 0 && a.zone[0] == '\0', "parsing leaves no port and no zone");
	a.port = 587;
	fmt_init(&f, out, sizeof(out));
	inet_print_port(&f, &a);
	is_str(out, "10.0.0.1:587", "IPv4 with port");
	fmt_init(&f, out, sizeof(out));
	inet_print_literal(&f, &a);
	is_str(out, "[10.0.0.1]", "IPv4 literal");
	inet_parse_addr(BYTES("fe80:1111:2222:3333:4444:5555:6666:7777%fifteenoctets12"), &a);
	a.port = 65535;
	fmt_init(&f, out, sizeof(out));
	inet_print_port(&f, &a);
	ok(!f.cut, "the longest text fits INET_TEXT");
}

/* Text of pieces that are likely to be nearly an address: accepted if and only if libc does. */
static void random_texts(void)
{
	static const char *const piece[] = { "0", "1", "ff", "abcd", "12345", ":", ":", ":", ":",
		"::", ".", "10.0.0.1", "255" };
	bool good = true;
	unsigned accepted = 0;

	srand(8);
	for (int i = 0; i < 400000 && good; i++) {
		char text[128] = "";
		uint8_t libc[16];
		struct inet_addr a;
		bool mine, want;

		for (int k = rand() % 18; k >= 0; k--)
			strcat(text, piece[(size_t)rand() % COUNT(piece)]);
		want = inet_pton(AF_INET6, text, libc) == 1;
		mine = inet_parse_v6(bytes_of(text), &a);
		good = mine == want && (!want || memcmp(a.a, libc, 16) == 0);
		accepted += want;
		if (!good)
			printf("# %s: %d, libc %d\n", text, mine, want);
	}
	ok(good, "400,000 random texts are accepted as libc does");
	ok(accepted > 1000, "and enough of them are addresses (%u)", accepted);
}

static void random_prints(void)
{
	bool good = true;

	srand(9);
	for (int i = 0; i < 200000 && good; i++) {
		struct inet_addr a = { 0 }, back;
		uint8_t libc[16];
		struct fmt f;

		for (int k = 0; k < 8; k++) {
			if (rand() % 2)
				a.a[2 * k + 1] = (uint8_t)rand();
			if (rand() % 4 == 0)
				a.a[2 * k] = (uint8_t)rand();
		}
		fmt_init(&f, out, sizeof(out));
		inet_print_addr(&f, &a);
		good = inet_parse_addr(fmt_done(&f), &back) && inet_same(a.a, back.a) &&
		       (inet_is_v4(a.a) ||
			   (inet_pton(AF_INET6, out, libc) == 1 && inet_same(a.a, libc)));
	}
	ok(good, "200,000 random addresses print and read back, by libc too");
}

int main(void)
{
	addresses();
	nets();
	matches();
	kinds();
	ports();
	forms();
	random_texts();
	random_prints();
	return done();
}
