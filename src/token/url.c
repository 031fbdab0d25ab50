/* SPDX-License-Identifier: ISC */
#include "token/url.h"

#include "base/inet.h"
#include "base/phrase.h"

#include <string.h>

#define HOST_MAX 253u /* octets of a host name (RFC 1035) */

static bool is_host(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (!byte_is_alnum(c) && c != '-' && c != '.' && c != '_')
			return false;
	}
	return x.n > 0 && x.n <= HOST_MAX && x.p[0] != '.' && x.p[0] != '-';
}

static bool is_web(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (c <= ' ' || c > '~' || memchr("\"<>\\^`{|}#", c, 10) != NULL)
			return false;
	}
	return true;
}

static bool parse_authority(struct url *u)
{
	struct bytes x = u->authority, rest;
	struct inet_addr a;

	if (x.n > 0 && x.p[0] == '[') {
		size_t end = bytes_find(x, ']');

		u->host = bytes_skip(bytes_first(x, end), 1);
		rest = bytes_skip(x, end + 1);
		if (end == x.n || !inet_parse_v6(u->host, &a))
			return false;
	} else {
		u->host = bytes_first(x, bytes_find(x, ':'));
		rest = bytes_skip(x, u->host.n);
		if (!is_host(u->host))
			return false;
	}
	u->port = 443;
	if (rest.n == 0)
		return true;
	return rest.p[0] == ':' && inet_parse_port(bytes_skip(rest, 1), false, &u->port);
}

bool url_parse(struct bytes x, struct url *out)
{
	static const struct bytes scheme = { (const uint8_t *)"https://", 8 };
	size_t end = 0;

	if (!bytes_begins_fold(x, scheme) || !is_web(x))
		return false;
	x = bytes_skip(x, scheme.n);
	while (end < x.n && x.p[end] != '/' && x.p[end] != '?')
		end++;
	out->authority = bytes_first(x, end);
	out->path = bytes_skip(x, end);
	return (out->path.n == 0 || out->path.p[0] == '/') && parse_authority(out);
}

static void form_octet(struct fmt *f, uint8_t c)
{
	if (byte_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
		fmt_char(f, (char)c);
		return;
	}
	fmt_char(f, '%');
	fmt_char(f, "0123456789ABCDEF"[c >> 4]);
	fmt_char(f, "0123456789ABCDEF"[c & 15]);
}

/* The value of the directive that begins at p, behind its %. */
static struct bytes form_value(struct phrase *p, va_list *args)
{
	struct bytes x = { 0 };
	const char *text;

	if (phrase_next(p) == '.') {
		phrase_next(p);
		phrase_next(p);
		x.n = (size_t)va_arg(*args, int);
		x.p = va_arg(*args, const uint8_t *);
		return x;
	}
	text = va_arg(*args, const char *);
	return text != NULL ? bytes_of(text) : x;
}

void form_put(struct fmt *f, const char *members, ...)
{
	struct fmt member = *f; /* where the last one begins */
	struct phrase p;
	va_list args;
	char c;

	va_start(args, members);
	phrase_open(&p, members);
	while ((c = phrase_next(&p)) != '\0') {
		struct bytes value;

		if (c == '&')
			member = *f;
		if (c != '%') {
			fmt_char(f, c);
			continue;
		}
		value = form_value(&p, &args);
		if (value.n == 0)
			*f = member;
		for (size_t i = 0; i < value.n; i++)
			form_octet(f, value.p[i]);
	}
	f->p[f->n] = '\0';
	va_end(args);
}

int hex_digit(uint8_t c)
{
	if (byte_is_digit(c))
		return c - '0';
	c = byte_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool form_decode(struct fmt *f, struct bytes x, bool plus)
{
	for (size_t i = 0; i < x.n; i++) {
		int high, low;

		if (x.p[i] != '%') {
			fmt_char(f, plus && x.p[i] == '+' ? ' ' : (char)x.p[i]);
			continue;
		}
		high = i + 2 < x.n ? hex_digit(x.p[i + 1]) : -1;
		low = i + 2 < x.n ? hex_digit(x.p[i + 2]) : -1;
		if (high < 0 || low < 0)
			return false;
		fmt_char(f, (char)(high << 4 | low));
		i += 2;
	}
	return !f->cut;
}

bool form_get(struct bytes form, const char *name, struct fmt *f)
{
	while (form.n > 0) {
		struct bytes member = bytes_first(form, bytes_find(form, '&'));
		size_t n = bytes_find(member, '=');

		if (bytes_same(bytes_first(member, n), bytes_of(name)))
			return form_decode(f, bytes_skip(member, n + 1), true);
		form = bytes_skip(form, member.n + 1);
	}
	return false;
}
