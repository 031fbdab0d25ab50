/* SPDX-License-Identifier: ISC */
#include "mail/mailbox.h"

struct parser {
	struct bytes x;
	size_t at;
	bool qualified;
};

/* What the words before a special octet are. */
struct words {
	size_t begin, end; /* from the first word to behind the last; equal if there are none */
	bool local;        /* they make a local-part: words with single dots between them */
};

static int peek(const struct parser *p)
{
	return p->at < p->x.n ? p->x.p[p->at] : -1;
}

static bool take(struct parser *p, uint8_t c)
{
	if (peek(p) != c)
		return false;
	p->at++;
	return true;
}

/* May stand within quotes or a comment, or behind a backslash. */
static bool is_text(int c)
{
	return c == '\t' || (c >= 32 && c != 127);
}

/* RFC 5322 3.2.3 and RFC 6532 3.2. */
static bool is_atext(int c)
{
	static const char specials[] = "()<>[]:;@\\,.\"";

	if (c <= 32 || c == 127)
		return false;
	for (size_t i = 0; i < sizeof(specials) - 1; i++) {
		if (c == specials[i])
			return false;
	}
	return true;
}

/* Behind an opening quote: text, backslash pairs as they are, and the octet that closes it. */
static bool skip_quoted(struct parser *p, int close)
{
	int c;

	while ((c = peek(p)) != -1) {
		p->at++;
		if (c == close)
			return true;
		if (c == '\\') {
			c = peek(p);
			p->at++;
		}
		if (!is_text(c))
			return false;
	}
	return false;
}

static bool skip_comment(struct parser *p)
{
	size_t depth = 0;

	do {
		int c = peek(p);

		p->at++;
		if (c == '\\') {
			c = peek(p);
			p->at++;
		} else if (c == '(') {
			depth++;
		} else if (c == ')') {
			depth--;
		}
		if (!is_text(c))
			return false;
	} while (depth > 0);
	return true;
}

/* Blanks and comments. */
static bool skip_cfws(struct parser *p)
{
	for (;;) {
		int c = peek(p);

		if (c == ' ' || c == '\t')
			p->at++;
		else if (c != '(')
			return true;
		else if (!skip_comment(p))
			return false;
	}
}

/* =?charset?encoding?text?= with whatever is printable for text: many senders put specials in. */
static bool skip_encoded(struct parser *p)
{
	size_t i = p->at + 2;
	unsigned marks = 0;

	if (!bytes_begins_fold(bytes_skip(p->x, p->at), BYTES("=?")))
		return false;
	for (; i < p->x.n && p->x.p[i] > 32 && p->x.p[i] != 127; i++) {
		if (p->x.p[i] != '?')
			continue;
		marks++;
		if (marks == 3 && i + 1 < p->x.n && p->x.p[i + 1] == '=') {
			p->at = i + 2;
			return true;
		}
		if (marks == 3)
			return false;
	}
	return false;
}

static bool skip_atom(struct parser *p)
{
	size_t from = p->at;

	if (skip_encoded(p))
		return true;
	while (is_atext(peek(p)))
		p->at++;
	return p->at > from;
}

/* As many words and dots as there are, blanks and comments behind them too. */
static bool parse_words(struct parser *p, struct words *w)
{
	bool want_word = true;

	w->begin = p->at;
	w->end = p->at;
	w->local = true;
	for (;;) {
		if (take(p, '.')) {
			w->local = w->local && !want_word;
			want_word = true;
		} else if (take(p, '"')) {
			if (!skip_quoted(p, '"'))
				return false;
			w->local = w->local && want_word;
			want_word = false;
		} else if (skip_atom(p)) {
			w->local = w->local && want_word;
			want_word = false;
		} else {
			break;
		}
		w->end = p->at;
		if (!skip_cfws(p))
			return false;
	}
	w->local = w->local && !want_word;
	return true;
}

/* Behind the @; *end gets the place behind it, blanks and comments are skipped. */
static bool parse_domain(struct parser *p, size_t *end)
{
	if (!skip_cfws(p))
		return false;
	if (take(p, '[')) {
		if (!skip_quoted(p, ']'))
			return false;
		*end = p->at;
		return skip_cfws(p);
	}
	for (;;) {
		size_t from = p->at;

		while (is_atext(peek(p)))
			p->at++;
		*end = p->at;
		if (p->at == from || !skip_cfws(p))
			return false;
		if (!take(p, '.'))
			return true;
		if (!skip_cfws(p))
			return false;
	}
}

/* RFC 5322 4.4: "@a,@b:" before the address in brackets. */
static bool skip_route(struct parser *p)
{
	size_t end;

	if (peek(p) != '@')
		return true;
	for (;;) {
		while (take(p, ',')) {
			if (!skip_cfws(p))
				return false;
		}
		if (take(p, ':'))
			return skip_cfws(p);
		if (!take(p, '@') || !parse_domain(p, &end))
			return false;
	}
}

/* Behind the <. */
static bool parse_angle(struct parser *p)
{
	struct words w;
	size_t end;

	if (!skip_cfws(p) || !skip_route(p) || !parse_words(p, &w) || !w.local)
		return false;
	if (!take(p, '@'))
		p->qualified = false;
	else if (!parse_domain(p, &end))
		return false;
	return take(p, '>');
}

/* One mailbox whose words were read already; box->begin is set. */
static bool parse_mailbox(struct parser *p, const struct words *w, struct mailbox *box)
{
	if (take(p, '<')) {
		box->addr_begin = p->at;
		if (!parse_angle(p))
			return false;
		box->addr_end = p->at - 1;
		if (!skip_cfws(p))
			return false;
	} else {
		if (!w->local)
			return false;
		box->addr_begin = w->begin;
		box->addr_end = w->end;
		if (!take(p, '@'))
			p->qualified = false;
		else if (!parse_domain(p, &box->addr_end))
			return false;
	}
	box->end = p->at;
	return true;
}

bool mailbox_parse(struct bytes value, struct mailbox *out)
{
	struct parser p = { .x = value, .qualified = true };
	bool group = false, found = false;

	while (p.at < value.n) {
		struct mailbox box = { .begin = p.at };
		struct words w;
		int c;

		if (!skip_cfws(&p) || !parse_words(&p, &w))
			return false;
		c = peek(&p);
		if (c == ':') {
			if (group || w.begin == w.end)
				return false;
			group = true;
			p.at++;
			continue;
		}
		if (w.begin != w.end || c == '<') {
			if (!parse_mailbox(&p, &w, &box))
				return false;
			if (!found)
				*out = box;
			found = true;
		}
		if (group && take(&p, ';')) {
			group = false;
			if (!skip_cfws(&p))
				return false;
		}
		if (p.at < value.n && !take(&p, ','))
			return false;
	}
	if (!found || group)
		return false;
	out->qualified = p.qualified;
	return true;
}
