/* SPDX-License-Identifier: ISC */
#include "mail/trace.h"

#include "base/date.h"

#include <string.h>

#define LABEL 63 /* octets of one label of a domain name */

/* RFC 5321 4.1.2: labels of letters, digits and inner hyphens. */
static bool is_domain(struct bytes x)
{
	if (x.n == 0 || x.n > LIMIT_HOSTNAME)
		return false;
	for (;;) {
		size_t n = bytes_find(x, '.');

		if (n == 0 || n > LABEL || x.p[0] == '-' || x.p[n - 1] == '-')
			return false;
		for (size_t i = 0; i < n; i++) {
			if (!byte_is_alnum(x.p[i]) && x.p[i] != '-')
				return false;
		}
		if (n == x.n)
			return true;
		x = bytes_skip(x, n + 1);
		if (x.n == 0)
			return false;
	}
}

/* RFC 5321 4.1.3, without the forms that are not addresses. */
static bool is_literal(struct bytes x)
{
	struct inet_addr addr;

	if (x.n < 3 || x.p[0] != '[' || x.p[x.n - 1] != ']')
		return false;
	x = bytes_first(bytes_skip(x, 1), x.n - 2);
	if (inet_parse_v4(x, &addr))
		return true;
	return bytes_begins_fold(x, BYTES("IPv6:")) && inet_parse_v6(bytes_skip(x, 5), &addr) &&
	       addr.zone[0] == '\0';
}

/* Comment text: what would end or bend the comment, and all that is not printable, as %HH. */
static void print_said(struct fmt *f, struct bytes said)
{
	struct bytes x = bytes_first(said, TRACE_SAID);

	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (c < 32 || c > 126 || c == '(' || c == ')' || c == '\\' || c == '%') {
			fmt_add(f, "%%%02x", c);
		} else {
			fmt_char(f, (char)c);
		}
	}
	if (x.n < said.n)
		fmt_str(f, "...");
}

static void print_from(struct fmt *f, const struct trace *t)
{
	bool good = is_domain(t->hello) || is_literal(t->hello);

	fmt_add(f, "Received: from ");
	if (good)
		fmt_bytes(f, t->hello);
	else if (t->peer)
		inet_print_literal(f, t->peer);
	else
		fmt_add(f, "localhost");
	if (t->peer) {
		fmt_add(f, " (");
		inet_print_literal(f, t->peer);
		fmt_add(f, ")");
	}
	if (good)
		return;
	fmt_add(f, "\r\n\t(%s \"", t->esmtp ? "EHLO" : "HELO");
	print_said(f, t->hello);
	fmt_add(f, "\")");
}

static void print_with(struct fmt *f, const struct trace *t)
{
	bool plain = !t->esmtp && !t->tls && !t->auth;

	fmt_add(f, " with %s%s%s",
	    t->utf8 ? "UTF8SMTP"
	    : plain ? "SMTP"
		    : "ESMTP",
	    t->tls ? "S" : "", t->auth ? "A" : "");
	if (t->tls && t->tls_version && t->tls_version[0])
		fmt_add(f, " (%s)", t->tls_version);
}

static bool may_be_told(const struct trace *t)
{
	struct bytes x = t->rcpt;

	if (x.n < 3 || x.n > TRACE_FOR || x.p[0] != '<' || x.p[x.n - 1] != '>')
		return false;
	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] < 32 || x.p[i] == 127 || (x.p[i] > 127 && !t->utf8))
			return false;
	}
	return true;
}

void trace_received(struct fmt *f, const struct trace *t)
{
	print_from(f, t);
	fmt_add(f, "\r\n\tby %.*s", SPAN(t->hostname));
	print_with(f, t);
	fmt_add(f, " id %.*s", SPAN(t->id));
	if (may_be_told(t))
		fmt_add(f, "\r\n\tfor %.*s", SPAN(t->rcpt));
	fmt_add(f, ";\r\n\t");
	date_rfc5322(f, t->seconds);
	fmt_add(f, "\r\n");
}

/* The digits of an id: no letter that looks like another digit. */
static const char digit[] = "0123456789abcdefghjkmnpqrstvwxyz";

void trace_id(struct fmt *f, const uint8_t random[TRACE_RANDOM])
{
	uint32_t hold = 0;
	unsigned bits = 0, next = 0;

	for (unsigned i = 0; i < TRACE_ID; i++) {
		if (bits < 5) {
			hold = hold << 8 | (next < TRACE_RANDOM ? random[next] : 0);
			next++;
			bits += 8;
		}
		bits -= 5;
		fmt_char(f, digit[hold >> bits & 31]);
	}
}

bool trace_id_parse(struct bytes text, uint8_t random[TRACE_RANDOM])
{
	uint32_t hold = 0;
	unsigned bits = 0, n = 0;

	if (text.n != TRACE_ID)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		const char *at = memchr(digit, text.p[i], sizeof(digit) - 1);

		if (!at)
			return false;
		hold = hold << 5 | (uint32_t)(at - digit);
		bits += 5;
		if (bits < 8 || n == TRACE_RANDOM)
			continue;
		bits -= 8;
		random[n++] = (uint8_t)(hold >> bits);
	}
	return (hold & ((1u << bits) - 1)) == 0;
}

void trace_message_id(struct fmt *f, struct bytes id, struct bytes hostname)
{
	fmt_add(f, "<%.*s@%.*s>", SPAN(id), SPAN(hostname));
}
