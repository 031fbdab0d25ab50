/* SPDX-License-Identifier: ISC */
#include "smtp/path.h"

/* How much of x, from octet i on, is a quoted string: its octets, quotes included; 0 if it is
 * broken. */
static size_t quoted(struct bytes x, size_t i)
{
	size_t at = i + 1;

	while (at < x.n && x.p[at] != '"') {
		if (x.p[at] == '\\')
			at++;
		if (at >= x.n || x.p[at] < ' ' || x.p[at] == 127)
			return 0;
		at++;
	}
	return at < x.n ? at + 1 - i : 0;
}

/* What may stand in a local-part without quotes: printable, and none of the characters that part
 * addresses. */
static bool is_atom(uint8_t c)
{
	switch (c) {
	case '(':
	case ')':
	case '<':
	case '>':
	case '[':
	case ']':
	case ':':
	case ';':
	case '@':
	case '\\':
	case ',':
	case '"':
	case 127:
		return false;
	default:
		return c > ' ';
	}
}

static size_t local_length(struct bytes x)
{
	size_t n = 0;

	if (x.n > 0 && x.p[0] == '"')
		return quoted(x, 0);
	while (n < x.n && is_atom(x.p[n]))
		n++;
	return n;
}

static bool is_label(uint8_t c)
{
	return byte_is_alnum(c) || c == '-' || c == '_' || c > 127;
}

static bool is_domain(struct bytes x)
{
	if (x.n > 2 && x.p[0] == '[') {
		for (size_t i = 1; i < x.n - 1; i++) {
			if (x.p[i] <= ' ' || x.p[i] >= 127 || (x.p[i] >= '[' && x.p[i] <= ']'))
				return false;
		}
		return x.p[x.n - 1] == ']';
	}
	for (size_t i = 0; i < x.n; i++) {
		bool dot = x.p[i] == '.';

		if (dot && (i == 0 || x.p[i - 1] == '.'))
			return false;
		if (!dot && !is_label(x.p[i]))
			return false;
	}
	return x.n > 0;
}

/* x is all of a mailbox. */
static enum path_error parse_mailbox(struct bytes x, struct path *out)
{
	size_t n = local_length(x);

	*out = (struct path){ .mailbox = x, .local = bytes_first(x, n), .domain = { x.p, 0 } };
	if (n == 0)
		return PATH_SYNTAX;
	if (n < x.n) {
		out->domain = bytes_skip(x, n + 1);
		if (x.p[n] != '@' || !is_domain(out->domain))
			return PATH_SYNTAX;
	}
	for (size_t i = 0; i < x.n; i++)
		out->eight_bit |= x.p[i] > 127;
	return PATH_OK;
}

/* Octets of x up to the first of `stop` (a blank stands for HT too) outside of quotes; x.n if there
 * is none. */
static size_t up_to(struct bytes x, uint8_t stop)
{
	size_t i = 0;

	while (i < x.n && x.p[i] != stop && !(stop == ' ' && x.p[i] == '\t')) {
		size_t n = x.p[i] == '"' ? quoted(x, i) : 1;

		i += n > 0 ? n : 1;
	}
	return i;
}

/* Takes a source route (RFC 5321 appendix C) off the front of *x; false if it is broken. */
static bool drop_route(struct bytes *x)
{
	if (x->n == 0 || x->p[0] != '@')
		return true;

	size_t n = bytes_find(*x, ':');
	struct bytes rest = bytes_first(*x, n);

	if (n == x->n)
		return false;
	while (rest.n > 0) {
		size_t host = bytes_find(rest, ',');
		struct bytes name = bytes_trim(bytes_first(rest, host));

		if (name.n < 2 || name.p[0] != '@' || !is_domain(bytes_skip(name, 1)))
			return false;
		rest = bytes_skip(rest, host + 1);
	}
	*x = bytes_trim(bytes_skip(*x, n + 1));
	return true;
}

static bool at_blank(struct bytes x)
{
	return x.n == 0 || x.p[0] == ' ' || x.p[0] == '\t';
}

enum path_error path_parse(struct bytes *args, bool null_ok, struct path *out)
{
	struct bytes all = bytes_trim(*args), x, rest;
	size_t n, whole;

	*out = (struct path){ .eight_bit = false };
	if (all.n > 0 && all.p[0] == '<') {
		n = up_to(all, '>');
		if (n == all.n)
			return PATH_SYNTAX;
		x = bytes_trim(bytes_skip(bytes_first(all, n), 1));
		whole = n + 1;
		rest = bytes_skip(all, whole);
		if (!at_blank(rest))
			return PATH_SYNTAX;
	} else {
		n = up_to(all, ' ');
		x = bytes_first(all, n);
		whole = n + 2; /* as it would be with its brackets */
		rest = bytes_skip(all, n);
		null_ok = false;
	}
	*args = bytes_trim(rest);
	if (whole > LIMIT_PATH)
		return PATH_TOO_LONG;
	if (x.n == 0) {
		*out = (struct path){ .mailbox = x, .local = x, .domain = x };
		return null_ok ? PATH_OK : PATH_SYNTAX;
	}
	return drop_route(&x) ? parse_mailbox(x, out) : PATH_SYNTAX;
}

enum path_error path_parse_mailbox(struct bytes text, struct path *out)
{
	enum path_error e = path_parse(&text, false, out);

	return e == PATH_OK && text.n > 0 ? PATH_SYNTAX : e;
}

bool path_param(struct bytes *args, struct bytes *keyword, struct bytes *value, bool *ok)
{
	struct bytes word = bytes_word(args);
	size_t n = bytes_find(word, '=');

	*keyword = bytes_first(word, n);
	*value = bytes_skip(word, n + 1);
	*ok = n > 0 && byte_is_alnum(word.p[0]) && (n == word.n || value->n > 0);
	for (size_t i = 0; i < keyword->n; i++)
		*ok &= byte_is_alnum(keyword->p[i]) || keyword->p[i] == '-';
	for (size_t i = 0; i < value->n; i++)
		*ok &= value->p[i] > ' ' && value->p[i] != '=' && value->p[i] != 127;
	return word.n > 0;
}

/* The octets of one character of UTF-8 at the front of x; 0 if it is none. */
static size_t utf8_length(struct bytes x)
{
	uint8_t c = x.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	if (n == 0 || n > x.n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((x.p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Longer than needed, surrogates, above U+10FFFF. */
	if ((c == 0xe0 && x.p[1] < 0xa0) || (c == 0xed && x.p[1] > 0x9f))
		return 0;
	if ((c == 0xf0 && x.p[1] < 0x90) || (c == 0xf4 && x.p[1] > 0x8f))
		return 0;
	return n;
}

bool path_is_utf8(struct bytes x)
{
	while (x.n > 0) {
		size_t n = utf8_length(x);

		if (n == 0)
			return false;
		x = bytes_skip(x, n);
	}
	return true;
}

/* Where the domain of a mailbox begins, its @ included; x.n if it has none. */
static size_t at_sign(struct bytes x)
{
	size_t n = local_length(x);

	return n < x.n && x.p[n] == '@' ? n : x.n;
}

/* What stands behind the local-part, a trailing dot aside. */
static struct bytes domain_of(struct bytes x, size_t at)
{
	x = bytes_skip(x, at);
	return x.n > 0 && x.p[x.n - 1] == '.' ? bytes_first(x, x.n - 1) : x;
}

bool path_matches(struct bytes mailbox, struct bytes pattern)
{
	bool any_local = pattern.n > 0 && pattern.p[0] == '@';
	size_t a = at_sign(mailbox), b = any_local ? 0 : at_sign(pattern);

	if (!bytes_same_fold(domain_of(mailbox, a), domain_of(pattern, b)))
		return false;
	return any_local || bytes_same_fold(bytes_first(mailbox, a), bytes_first(pattern, b));
}
