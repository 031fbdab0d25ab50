/* SPDX-License-Identifier: ISC */
#include "mail/trace.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

#define ID "0123456789abcdefghjk"

static struct inet_addr v4, v6;

static char out[TRACE_RECEIVED_SIZE];

static struct trace usual(void)
{
	return (struct trace){
		.hello = BYTES("scan.example"),
		.peer = &v4,
		.hostname = BYTES("gatepost.example"),
		.esmtp = true,
		.id = BYTES(ID),
		.rcpt = BYTES("<a@b.example>"),
		.seconds = 1795618449,
	};
}

static const char *received(const struct trace *t)
{
	struct fmt f;

	fmt_init(&f, out, sizeof(out));
	trace_received(&f, t);
	return f.cut ? "cut" : out;
}

#define BY   "\r\n\tby gatepost.example with ESMTP id " ID
#define FOR  "\r\n\tfor <a@b.example>"
#define WHEN ";\r\n\tWed, 25 Nov 2026 14:54:09 +0000\r\n"

static void from_whom(void)
{
	struct trace t = usual();

	is_str(
	    received(&t), "Received: from scan.example ([192.168.3.7])" BY FOR WHEN, "the usual");
	t.peer = &v6;
	is_str(received(&t), "Received: from scan.example ([IPv6:2001:db8::7])" BY FOR WHEN,
	    "by IPv6");
	t.hello = BYTES("[IPv6:2001:db8::7]");
	is_str(received(&t), "Received: from [IPv6:2001:db8::7] ([IPv6:2001:db8::7])" BY FOR WHEN,
	    "an address literal");
	t.peer = &v4;
	t.hello = BYTES("192.168.3.7");
	is_str(received(&t), "Received: from 192.168.3.7 ([192.168.3.7])" BY FOR WHEN,
	    "a bare address");
	t.hello = BYTES("x");
	is_str(
	    received(&t), "Received: from x ([192.168.3.7])" BY FOR WHEN, "a name of one letter");
	t.hello = BYTES("");
	is_str(received(&t),
	    "Received: from [192.168.3.7] ([192.168.3.7])\r\n\t(EHLO \"\")" BY FOR WHEN, "no name");
	t.esmtp = false;
	t.hello = BYTES("my_scanner");
	is_str(received(&t),
	    "Received: from [192.168.3.7] ([192.168.3.7])\r\n\t(HELO \"my_scanner\")\r\n\tby "
	    "gatepost.example with SMTP id " ID FOR WHEN,
	    "an underscore, after HELO");
	t = usual();
	t.peer = NULL;
	is_str(received(&t), "Received: from scan.example" BY FOR WHEN, "over a Unix socket");
	t.hello = BYTES("a b");
	is_str(received(&t), "Received: from localhost\r\n\t(EHLO \"a b\")" BY FOR WHEN,
	    "over a Unix socket, with no good name");
}

static void said(struct bytes hello, const char *comment)
{
	struct trace t = usual();
	char want[1024];

	t.hello = hello;
	snprintf(want, sizeof(want),
	    "Received: from [192.168.3.7] ([192.168.3.7])\r\n\t(EHLO \"%s\")" BY FOR WHEN, comment);
	is_str(received(&t), want, "a bad name is told as %s", comment);
}

static void hostile(void)
{
	uint8_t longest[LIMIT_HELLO];
	char want[128];

	memset(longest, 'a', sizeof(longest));
	memset(want, 'a', sizeof(want));
	strcpy(want + TRACE_SAID, "...");
	said(BYTES("my scanner"), "my scanner");
	said(BYTES("a) by evil (b"), "a%29 by evil %28b");
	said(BYTES("a\\"), "a%5c");
	said(BYTES("a\r\nX: y"), "a%0d%0aX: y");
	said(BYTES("B\xfc"
		   "ro\x80\0"),
	    "B%fcro%80%00");
	said(BYTES("100%"), "100%25");
	said(BYTES("a;b"), "a;b");
	said(BYTES("<a@b>"), "<a@b>");
	said(BYTES("-a"), "-a");
	said(BYTES("a-"), "a-");
	said(BYTES("a..b"), "a..b");
	said(BYTES(".a"), ".a");
	said(BYTES("a."), "a.");
	said(BYTES("[10.0.0.1"), "[10.0.0.1");
	said(BYTES("[10.0.0.256]"), "[10.0.0.256]");
	said(BYTES("[::1]"), "[::1]");
	said(BYTES("[IPv6:fe80::1%eth0]"), "[IPv6:fe80::1%25eth0]");
	said((struct bytes){ longest, 65 }, want);
	said((struct bytes){ longest, sizeof(longest) }, want);
}

static void protocol(void)
{
	static const struct {
		bool esmtp, utf8, tls, auth;
		const char *name;
	} row[] = {
		{ false, false, false, false, "SMTP" },
		{ true, false, false, false, "ESMTP" },
		{ true, false, true, false, "ESMTPS" },
		{ true, false, false, true, "ESMTPA" },
		{ true, false, true, true, "ESMTPSA" },
		{ false, false, false, true, "ESMTPA" },
		{ true, true, false, false, "UTF8SMTP" },
		{ true, true, true, true, "UTF8SMTPSA" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct trace t = usual();
		char want[64];

		t.esmtp = row[i].esmtp;
		t.utf8 = row[i].utf8;
		t.tls = row[i].tls;
		t.auth = row[i].auth;
		snprintf(want, sizeof(want), " with %s id ", row[i].name);
		ok(strstr(received(&t), want), "%s", row[i].name);
		t.tls_version = "TLSv1.3";
		snprintf(want, sizeof(want), " with %s%s id ", row[i].name,
		    t.tls ? " (TLSv1.3)" : "");
		ok(strstr(received(&t), want), "%s, with the version where there is one",
		    row[i].name);
	}
}

static void for_whom(void)
{
	struct trace t = usual();
	char path[TRACE_FOR + 2];

	t.rcpt = BYTES("");
	is_str(received(&t), "Received: from scan.example ([192.168.3.7])" BY WHEN,
	    "not one recipient");
	t.rcpt = BYTES("<\"a b\"@c>");
	ok(strstr(received(&t), "\r\n\tfor <\"a b\"@c>;"), "a quoted local-part");
	t.rcpt = BYTES("<j\xc3\xbc@b>");
	ok(!strstr(received(&t), "for"), "no 8-bit path without SMTPUTF8");
	t.utf8 = true;
	ok(strstr(received(&t), "\r\n\tfor <j\xc3\xbc@b>;"), "but with it");
	t.rcpt = BYTES("<a\r\nb@c>");
	ok(!strstr(received(&t), "for"), "never one with control characters");
	memset(path, 'x', sizeof(path));
	path[0] = '<';
	path[TRACE_FOR - 1] = '>';
	t.rcpt = (struct bytes){ (const uint8_t *)path, TRACE_FOR };
	ok(strstr(received(&t), "\r\n\tfor <xxx"), "the longest path");
	path[TRACE_FOR - 1] = 'x';
	path[TRACE_FOR] = '>';
	t.rcpt.n++;
	ok(!strstr(received(&t), "for"), "not a longer one");
}

/* Reads the field as RFC 5322 does: unfolds, takes comments out. NULL if it is not well-formed. */
static const char *without_comments(const char *field)
{
	static char text[TRACE_RECEIVED_SIZE];
	size_t n = 0, line = 0;
	int depth = 0;

	for (const char *p = field; *p; p++) {
		line = *p == '\n' ? 0 : line + 1;
		if (*p == '\r') {
			if (p[1] != '\n' || (p[2] != '\t' && p[2] != '\0'))
				return NULL;
			p++;
			line = 0;
			continue;
		}
		if ((*p < 32 && *p != '\t') || *p > 126 || *p == '\\' || line > 998)
			return NULL;
		depth += *p == '(';
		if (depth == 0)
			text[n++] = *p == '\t' ? ' ' : *p;
		depth -= *p == ')';
		if (depth < 0 || depth > 1)
			return NULL;
	}
	text[n] = '\0';
	return depth == 0 ? text : NULL;
}

static void random_names(void)
{
	static const char piece[] = "abz09-._[]:;()\\\"<>@% \t\r\n\0\x7f\x80\xff";
	bool good = true;

	srand(11);
	for (int i = 0; i < 100000 && good; i++) {
		uint8_t hello[LIMIT_HELLO], path[40], host[LIMIT_HOSTNAME];
		struct trace t = usual();
		const char *text;
		int used = -1;

		t.hello = (struct bytes){ hello, (size_t)rand() % (i % 2 ? 6 : sizeof(hello) + 1) };
		for (size_t k = 0; k < t.hello.n; k++)
			hello[k] = (uint8_t)piece[(size_t)rand() % (sizeof(piece) - 1)];
		t.rcpt = (struct bytes){ path, (size_t)rand() % sizeof(path) };
		memset(path, 'x', sizeof(path));
		memset(host, 'h', sizeof(host));
		t.hostname = (struct bytes){ host, sizeof(host) };
		path[0] = '<';
		if (t.rcpt.n > 2) {
			path[1] = (uint8_t)rand() % 128;
			path[1] = path[1] == '(' || path[1] == ')' || path[1] == '\\' ? 'x'
										      : path[1];
			path[t.rcpt.n - 1] = '>';
		}
		t.peer = rand() % 3 ? rand() % 2 ? &v4 : &v6 : NULL;
		text = without_comments(received(&t));
		if (text)
			sscanf(text,
			    "Received: from %*[]a-z0-9.IPv:[-]%*[ ]by %*[h] with ESMTP id " ID "%n",
			    &used);
		good = used > 0;
		if (!good)
			printf("# %s\n", out);
	}
	ok(good, "100,000 hostile names all make a well-formed field");
}

static void largest(void)
{
	struct trace t = usual();
	uint8_t hello[LIMIT_HELLO], host[LIMIT_HOSTNAME], path[TRACE_FOR];

	memset(hello, 0xff, sizeof(hello));
	memset(host, 'h', sizeof(host));
	memset(path, 'x', sizeof(path));
	path[0] = '<';
	path[TRACE_FOR - 1] = '>';
	inet_parse_v6(BYTES("1111:1111:1111:1111:1111:1111:1111:1111"), &v6);
	t.peer = &v6;
	t.hello = (struct bytes){ hello, sizeof(hello) };
	t.hostname = (struct bytes){ host, sizeof(host) };
	t.rcpt = (struct bytes){ path, sizeof(path) };
	t.utf8 = t.tls = t.auth = true;
	t.tls_version = "TLSv1.3";
	t.seconds = 253402300799;
	ok(strcmp(received(&t), "cut") != 0, "the largest field fits, a name of garbage");
	for (size_t i = 0; i < sizeof(hello); i++)
		hello[i] = i % 64 == 63 ? '.' : 'a';
	ok(strcmp(received(&t), "cut") != 0 && !strchr(out, '"'), "or a good name of 255 octets");
}

static void ids(void)
{
	uint8_t random[TRACE_RANDOM] = { 0 }, back[TRACE_RANDOM];
	char p[TRACE_MESSAGE_ID_SIZE], q[TRACE_MESSAGE_ID_SIZE];
	bool differ = true;
	struct fmt f;

	fmt_init(&f, p, sizeof(p));
	trace_id(&f, random);
	is_str(p, "00000000000000000000", "an id of zeros");
	memset(random, 0xff, sizeof(random));
	fmt_init(&f, p, sizeof(p));
	trace_id(&f, random);
	is_str(p, "zzzzzzzzzzzzzzzzzzzg", "an id of ones");
	for (unsigned bit = 0; bit < 8 * TRACE_RANDOM; bit++) {
		random[bit / 8] ^= (uint8_t)(1 << bit % 8);
		fmt_init(&f, q, sizeof(q));
		trace_id(&f, random);
		random[bit / 8] ^= (uint8_t)(1 << bit % 8);
		differ = differ && f.n == TRACE_ID && strcmp(p, q) != 0;
	}
	ok(differ, "each bit of the randomness makes another id");
	for (unsigned i = 0; i < TRACE_RANDOM; i++)
		random[i] = (uint8_t)(i * 41 + 7);
	fmt_init(&f, p, sizeof(p));
	trace_id(&f, random);
	ok(trace_id_parse(fmt_done(&f), back) && memcmp(random, back, sizeof(back)) == 0, "and back");
	ok(!trace_id_parse(bytes_first(fmt_done(&f), TRACE_ID - 1), back), "one digit less is none");
	p[TRACE_ID - 1] = '1';
	ok(!trace_id_parse(fmt_done(&f), back), "nor is what no octets make");
	ok(!trace_id_parse(BYTES("0123456789ABCDEFGHJ0"), back), "nor upper case");
	fmt_init(&f, p, sizeof(p));
	trace_message_id(&f, BYTES(ID), BYTES("gatepost.example"));
	is_str(p, "<" ID "@gatepost.example>", "a Message-ID");
}

int main(void)
{
	inet_parse_v4(BYTES("192.168.3.7"), &v4);
	inet_parse_v6(BYTES("2001:db8::7"), &v6);
	from_whom();
	hostile();
	protocol();
	for_whom();
	random_names();
	largest();
	ids();
	return done();
}
