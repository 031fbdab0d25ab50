/* SPDX-License-Identifier: ISC */
/* Names in certificates against hosts: RFC 9525 section 6. */
#include "base/certname.h"

#include "base/inet.h"

#include "tap.h"

TAP_GP_BUG

static void hosts(void)
{
	static const struct { const char *pattern, *host; bool want; } t[] = {
		{"mail.example.net", "mail.example.net", true},
		{"MAIL.example.NET", "mail.EXAMPLE.net", true},
		{"mail.example.net", "mail.example.net.", true},
		{"mail.example.net.", "mail.example.net", false},
		{"mail.example.net", "mail.example.net..", false},
		{"mail.example.net", "smtp.example.net", false},
		{"example.net", "mail.example.net", false},
		{"mail.example.net", "example.net", false},
		{"localhost", "localhost", true},
		{"*.example.net", "mail.example.net", true},
		{"*.EXAMPLE.net", "mail.example.net.", true},
		{"*.example.net", "example.net", false},
		{"*.example.net", ".example.net", false},
		{"*.example.net", "a.b.example.net", false},
		{"*.example.net", "*.example.net", false},
		{"*.net", "example.net", false},
		{"*", "localhost", false},
		{"*.", "localhost.", false},
		{"*.*.net", "a.b.net", false},
		{"m*.example.net", "mail.example.net", false},
		{"*mail.example.net", "mail.example.net", false},
		{"mail.*.net", "mail.example.net", false},
		{"xn--*.example.net", "xn--a.example.net", false},
		{"mail_1.example.net", "mail_1.example.net", true},
		{"mail example.net", "mail example.net", false},
		{"m\xc3\xa4il.example.net", "m\xc3\xa4il.example.net", false},
		{"", "", false},
		{"", ".", false},
		{"a..b", "a..b", false},
		{".a.b", ".a.b", false},
		{"*.example.net.", "mail.example.net", false},
		{"*..net", "mail..net", false},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		is_num(certname_is_host(bytes_of(t[i].pattern), bytes_of(t[i].host)), t[i].want,
		       "\"%s\" %s \"%s\"", t[i].pattern, t[i].want ? "is" : "is not", t[i].host);
	ok(!certname_is_host(BYTES("mail.example.net\0.evil"), BYTES("mail.example.net")),
	   "a NUL ends no name");
	ok(!certname_is_host(BYTES("mail.example.net"), BYTES("mail.example.net\0")),
	   "nor in the host");
	ok(!certname_is_host(BYTES("mail.example.net\0"), BYTES("mail.example.net\0")),
	   "nor in both");
}

static void addresses(void)
{
	struct inet_addr v4, v6;

	ok(inet_parse_addr(BYTES("127.0.0.1"), &v4) && inet_parse_addr(BYTES("fd00::7f00:1"), &v6),
	   "two addresses");
	ok(certname_is_address(BYTES("\x7f\x00\x00\x01"), v4.a), "IPv4");
	ok(!certname_is_address(BYTES("\x7f\x00\x00\x02"), v4.a), "another");
	ok(!certname_is_address(BYTES("\x7f\x00\x00"), v4.a), "a stump");
	ok(!certname_is_address(BYTES("\x7f\x00\x00\x01\xff\xff\xff\xff"), v4.a), "a network");
	ok(!certname_is_address(BYTES("127.0.0.1"), v4.a), "its text");
	ok(certname_is_address((struct bytes){v4.a, 16}, v4.a), "IPv4 in the form of IPv6");
	ok(certname_is_address((struct bytes){v6.a, 16}, v6.a), "IPv6");
	ok(!certname_is_address(BYTES("\x7f\x00\x00\x01"), v6.a), "IPv6 that ends like IPv4");
	ok(!certname_is_address(BYTES(""), v6.a), "nothing");
}

int main(void)
{
	hosts();
	addresses();
	return done();
}
