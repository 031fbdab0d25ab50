/* SPDX-License-Identifier: ISC */
/* Values that are mail addresses and domains. */
#include "conf/build.h"

#include <string.h>

#define LOCAL_MAX 255u

bool value_is_mail_domain(struct bytes x)
{
	size_t label = 0;

	if (x.n == 0 || x.n > 253)
		return false;
	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (c == '.') {
			if (label == 0 || x.p[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!byte_is_alnum(c) && c != '_' && c < 0x80 && !(c == '-' && label > 0))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0 && x.p[x.n - 1] != '-';
}

bool value_is_literal(struct bytes x)
{
	struct bytes inner = x.n > 2 ? bytes_first(bytes_skip(x, 1), x.n - 2) : (struct bytes){ 0 };
	struct inet_addr addr;

	if (inner.n == 0 || x.p[0] != '[' || x.p[x.n - 1] != ']')
		return false;
	if (bytes_begins_fold(inner, BYTES("IPv6:")))
		return inet_parse_v6(bytes_skip(inner, 5), &addr) && addr.zone[0] == '\0';
	return inet_parse_v4(inner, &addr);
}

/* RFC 5321 4.1.2 Dot-string, RFC 6531: octets above 127 too */
static bool is_dot_string(struct bytes x)
{
	bool dot = true;

	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (c == '.' && dot)
			return false;
		dot = c == '.';
		if (!dot && !byte_is_alnum(c) && c < 0x80 && !memchr("!#$%&'*+-/=?^_`{|}~", c, 19))
			return false;
	}
	return !dot;
}

static bool is_quoted_string(struct bytes x)
{
	if (x.n < 2 || x.p[0] != '"' || x.p[x.n - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < x.n; i++) {
		bool escaped = x.p[i] == '\\';

		if (escaped && ++i + 1 >= x.n)
			return false;
		if ((x.p[i] == '"' && !escaped) || x.p[i] < ' ' || x.p[i] == 127)
			return false;
	}
	return true;
}

/* The place of the @ between local part and domain: the last one. x.n: none. */
static size_t find_at(struct bytes x)
{
	size_t i = x.n;

	while (i > 0 && x.p[i - 1] != '@')
		i--;
	return i > 0 ? i - 1 : x.n;
}

static bool is_mailbox(struct bytes x)
{
	size_t at = find_at(x);
	struct bytes local = bytes_first(x, at), domain = bytes_skip(x, at + 1);

	if (at == x.n || local.n == 0 || local.n > LOCAL_MAX)
		return false;
	return (is_dot_string(local) || is_quoted_string(local)) &&
	       (value_is_mail_domain(domain) || value_is_literal(domain));
}

const char *value_domain(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text;

	if (x.n > 0 && x.p[0] == '@')
		return PHRASE("is not a domain: write it without the @");
	if (!value_is_mail_domain(x) && !value_is_literal(x))
		return PHRASE("is not a domain");
	value_text(b, v, x);
	return NULL;
}

const char *value_mailbox(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text;

	if (x.n > 0 && x.p[0] == '<')
		return PHRASE("is not an address: write it without < and >");
	if (!is_mailbox(x))
		return PHRASE("is not an address like scanner@example.com");
	value_text(b, v, x);
	return NULL;
}

const char *value_allowed(struct build *b, struct build_value *v)
{
	size_t size = sizeof(struct conf_list) + v->n * sizeof(struct bytes);
	struct conf_list *list;
	bool good = true;

	if (v->n == 0) {
		build_error(b, &v->at,
		    "%s: an empty list would let nobody pass: write none to let all pass",
		    option_name(v->option));
		return value_said;
	}
	list = arena_temp(&b->arena, size);
	if (!list)
		return NULL;
	list->n = (uint32_t)v->n;
	for (size_t i = 0; i < v->n; i++) {
		struct bytes x = v->word[i].text;

		if (!is_mailbox(x) && !bytes_same(x, BYTES("<>")) &&
		    !(x.n > 1 && x.p[0] == '@' &&
			(value_is_mail_domain(bytes_skip(x, 1)) ||
			    value_is_literal(bytes_skip(x, 1)))))
			good = value_wrong(b, v, i,
			    PHRASE("is neither an address nor a domain like \"@example.com\""));
		list->item[i] = arena_string(&b->arena, x);
	}
	value_keep(b, v, list, size);
	return good ? NULL : value_said;
}
