/* SPDX-License-Identifier: ISC */
#include "cmd/fields.h"

/* The first line of text with its end; n = 0 if it has none. */
static struct bytes whole_line(struct bytes text)
{
	size_t n = bytes_find(text, '\n');

	return bytes_first(text, n < text.n ? n + 1 : 0);
}

/* Octets of the name with which a line begins; 0 if it begins no field (RFC 5322 2.2). */
static size_t name_length(struct bytes line)
{
	size_t n = 0, colon = bytes_find(line, ':');

	while (n < line.n && line.p[n] > 32 && line.p[n] < 127 && line.p[n] != ':')
		n++;
	if (colon == line.n || bytes_trim((struct bytes){line.p + n, colon - n}).n > 0)
		return 0;
	return n;
}

bool field_next(struct bytes *text, struct bytes *field)
{
	struct bytes line = whole_line(*text), rest;

	if (name_length(line) == 0)
		return false;
	field->p = text->p;
	field->n = 0;
	rest = *text;
	do {
		field->n += line.n;
		rest = bytes_skip(rest, line.n);
		line = whole_line(rest);
		if (line.n == 0 && rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t'))
			return false;
	} while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t'));
	*text = rest;
	return true;
}

bool field_none(struct bytes text)
{
	struct bytes line = whole_line(text);

	return line.n > 0 && name_length(line) == 0;
}

bool field_is(struct bytes field, const char *names)
{
	struct bytes own = bytes_first(field, name_length(field)), list = bytes_of(names), name;

	while ((name = bytes_word(&list)).n > 0) {
		if (bytes_same_fold(own, name))
			return true;
	}
	return false;
}

struct bytes field_value(struct bytes field)
{
	return bytes_skip(field, bytes_find(field, ':') + 1);
}

/* An address on its way. */
struct scan {
	struct bytes *in;
	struct fmt *out;
	bool angle;  /* within < > */
	bool closed; /* behind > : the rest of the element is no part of it */
	bool gap;    /* blanks or a comment since the last octet */
	bool phrase; /* words side by side: no address, but perhaps the name of one */
	bool bad;
};

static int next(struct scan *s)
{
	int c = s->in->n > 0 ? s->in->p[0] : -1;

	*s->in = bytes_skip(*s->in, 1);
	return c;
}

static void skip_comment(struct scan *s)
{
	unsigned depth = 1;

	while (depth > 0) {
		int c = next(s);

		if (c == '\\')
			c = next(s);
		else if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		if (c == -1) {
			s->bad = true;
			return;
		}
	}
	s->gap = true;
}

static bool joins(int c)
{
	return c == '.' || c == '@';
}

static void put(struct scan *s, int c)
{
	if (s->closed)
		return;
	if (s->gap && s->out->n > 0 && !joins(c) && !joins(s->out->p[s->out->n - 1]))
		s->phrase = true;
	s->gap = false;
	if (c < 32 || c == 127)
		s->bad = true;
	fmt_char(s->out, (char)c);
}

/* A quoted word or an address literal: as it is, but unfolded. The opening octet is taken. */
static void put_quoted(struct scan *s, int open, int close)
{
	int c = open;

	put(s, c);
	do {
		c = next(s);
		if (c == -1) {
			s->bad = true;
			return;
		}
		if (c == '\r' || c == '\n')
			continue;
		put(s, c);
		if (c == '\\' && (c = next(s)) != -1) {
			put(s, c);
			c = -1;
		}
	} while (c != close);
}

static void restart(struct scan *s)
{
	fmt_init(s->out, s->out->p, s->out->cap);
	s->gap = false;
	s->phrase = false;
}

/*
 * An encoded word (RFC 2047) of a name: some senders leave commas in it. The = is taken; false,
 * nothing more taken, if it is none.
 */
static bool skip_encoded(struct scan *s)
{
	unsigned marks = 0;

	for (size_t i = 0; i < s->in->n && s->in->p[i] > 32 && s->in->p[i] < 127; i++) {
		if (s->in->p[i] == '?' && ++marks == 4) {
			*s->in = bytes_skip(*s->in, i + 2);
			put(s, 'x');
			s->phrase = true;
			return true;
		}
		if (i == 0 && marks == 0)
			return false;
	}
	return false;
}

/* One octet outside quotes and comments; false behind the element. */
static bool take(struct scan *s, int c)
{
	switch (c) {
	case '<':
		restart(s);
		s->angle = true;
		return true;
	case '>':
		s->bad = s->bad || !s->angle;
		s->angle = false;
		s->closed = true;
		return true;
	case ':': /* the end of a group's name, or of a route */
		restart(s);
		s->closed = false;
		return true;
	case ';':
		return false;
	case ',':
		return s->angle; /* within a route */
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		s->gap = true;
		return true;
	case '=':
		if (!s->angle && skip_encoded(s))
			return true;
		put(s, c);
		return true;
	default:
		put(s, c);
		return true;
	}
}

static bool element(struct scan *s)
{
	int c;

	while ((c = next(s)) != -1) {
		if (c == '(')
			skip_comment(s);
		else if (c == '"')
			put_quoted(s, c, '"');
		else if (c == '[')
			put_quoted(s, c, ']');
		else if (!take(s, c))
			break;
	}
	s->bad = s->bad || s->angle || s->phrase || s->out->cut;
	return s->out->n > 0 || s->closed || s->bad;
}

enum address_status address_next(struct bytes *list, struct fmt *out)
{
	while (list->n > 0) {
		struct scan s = {.in = list, .out = out};

		fmt_init(out, out->p, out->cap);
		if (element(&s))
			return s.bad || out->n == 0 ? ADDRESS_BAD : ADDRESS_OK;
	}
	return ADDRESS_END;
}
