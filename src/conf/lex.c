/* SPDX-License-Identifier: ISC */
#include "conf/lex.h"

#include <string.h>

void lex_init(struct lexer *l, struct build *b, const char *file, uint8_t *mem, size_t n)
{
	memset(l, 0, sizeof(*l));
	l->build = b;
	l->p = mem;
	l->n = n;
	l->file = file;
	l->line = 1;
	if (n >= 3 && memcmp(mem, "\xef\xbb\xbf", 3) == 0)
		l->pos = l->line_start = 3;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Octets that may stand in a bare word; a slash is looked at apart. */
static bool is_bare(uint8_t c, bool in_list)
{
	return c > ' ' && c != 127 && !memchr("#\"'={}[]()/", c, 11) && !(in_list && c == ',');
}

static struct conf_place place(const struct lexer *l, size_t pos)
{
	return (struct conf_place){ l->file, l->line, (uint32_t)(pos - l->line_start + 1) };
}

#define error_at(l, pos, ...) tell(l, pos, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 3, 4))) static void tell(
    struct lexer *l, size_t pos, const char *format, ...)
{
	struct conf_place at = place(l, pos);
	va_list args;

	va_start(args, format);
	build_report_list(l->build, CONF_ERROR, &at, format, args);
	va_end(args);
}

/* Does a comment of the form / * begin at pos? */
static bool at_comment(const struct lexer *l, size_t pos)
{
	return pos + 1 < l->n && l->p[pos] == '/' && l->p[pos + 1] == '*';
}

static void new_line(struct lexer *l, size_t next)
{
	l->line++;
	l->line_start = next;
}

static void skip_comment(struct lexer *l)
{
	struct conf_place at = place(l, l->pos);

	for (l->pos += 2; l->pos < l->n; l->pos++) {
		if (l->p[l->pos] == '*' && l->pos + 1 < l->n && l->p[l->pos + 1] == '/') {
			l->pos += 2;
			return;
		}
		if (l->p[l->pos] == '\n')
			new_line(l, l->pos + 1);
	}
	build_error(l->build, &at, "this comment has no end: close it with */");
}

/* Blanks and comments, and octets that have no place in a configuration. */
static void skip_blanks(struct lexer *l)
{
	while (l->pos < l->n) {
		uint8_t c = l->p[l->pos];

		if (c == '\n')
			new_line(l, l->pos + 1);
		if (is_blank(c)) {
			l->pos++;
		} else if (c == '#') {
			while (l->pos < l->n && l->p[l->pos] != '\n')
				l->pos++;
		} else if (at_comment(l, l->pos)) {
			skip_comment(l);
		} else if (c < ' ' || c == 127) {
			error_at(l, l->pos, "a control character: a configuration is plain text");
			while (l->pos < l->n && l->p[l->pos] != '\n')
				l->pos++;
		} else {
			return;
		}
	}
}

static bool ends_value(uint8_t c)
{
	return is_blank(c) || memchr("{}()\"'#", c, 7) != NULL;
}

/* A bare word holds an octet that wants quotes: takes all that seems meant. */
static struct bytes take_unquoted(struct lexer *l, size_t begin)
{
	struct bytes x;

	while (l->pos < l->n && !ends_value(l->p[l->pos]) && !at_comment(l, l->pos))
		l->pos++;
	x = (struct bytes){ l->p + begin, l->pos - begin };
	if (l->hide || l->secret_line == l->line)
		error_at(l, begin, "a value with / [ ] or = in it wants quotes");
	else
		error_at(l, begin, "a value with / [ ] or = in it wants quotes: \"%.*s\"", SPAN(x));
	return x;
}

static void take_word(struct lexer *l, struct lex_token *t, bool in_list)
{
	size_t begin = l->pos;

	while (l->pos < l->n && is_bare(l->p[l->pos], in_list))
		l->pos++;
	t->kind = LEX_WORD;
	t->text = (struct bytes){ l->p + begin, l->pos - begin };
	if (l->pos < l->n && memchr("/[]", l->p[l->pos], 3) && !at_comment(l, l->pos)) {
		t->kind = LEX_STRING;
		t->text = take_unquoted(l, begin);
	}
}

/*
 * A string ends on its line. Within double quotes \" and \\ stand for the second character; any
 * other backslash stands for itself, so that regular expressions need no second one.
 */
static void take_string(struct lexer *l, struct lex_token *t)
{
	uint8_t quote = l->p[l->pos], c;
	size_t begin = l->pos + 1, to = begin, from = begin;
	bool control = false;

	for (; from < l->n && l->p[from] != quote && l->p[from] != '\n'; from++) {
		c = l->p[from];
		if (quote == '"' && c == '\\' && from + 1 < l->n &&
		    (l->p[from + 1] == '"' || l->p[from + 1] == '\\'))
			c = l->p[++from];
		control |= (c < ' ' && c != '\t') || c == 127;
		l->p[to++] = c;
	}
	t->kind = LEX_STRING;
	t->text = (struct bytes){ l->p + begin, to - begin };
	if (from >= l->n || l->p[from] == '\n')
		error_at(l, l->pos,
		    "this quoted string has no end: close it with %c on the same line", quote);
	else if (control)
		error_at(l, l->pos, "a control character in a string");
	l->pos = from < l->n && l->p[from] == quote ? from + 1 : from;
}

static enum lex_kind sign(uint8_t c)
{
	switch (c) {
	case '=':
		return LEX_EQUALS;
	case '{':
		return LEX_OPEN;
	case '}':
		return LEX_CLOSE;
	case '(':
		return LEX_LIST;
	case ')':
		return LEX_LIST_END;
	default:
		return LEX_COMMA;
	}
}

struct lex_token lex_next(struct lexer *l, bool in_list)
{
	struct lex_token t = { 0 };
	size_t most;
	uint8_t c;

	skip_blanks(l);
	if (l->secret_next)
		l->secret_line = l->line;
	most = l->secret_next ? CONF_SECRET_MAX : CONF_STRING_MAX;
	l->secret_next = false;
	t.hidden = l->secret_line == l->line;
	t.at = place(l, l->pos);
	t.first = l->line_token != l->line;
	l->line_token = l->line;
	if (l->pos >= l->n)
		return t;
	c = l->p[l->pos];
	if (c == '"' || c == '\'') {
		take_string(l, &t);
	} else if (memchr("={}()", c, 5) || (in_list && c == ',')) {
		t.kind = sign(c);
		l->pos++;
	} else {
		take_word(l, &t, in_list);
	}
	if (t.text.n > most) {
		build_error(l->build, &t.at, "a value has at most %zu octets", most);
		t.text.n = most;
	}
	return t;
}

uint8_t lex_ahead(const struct lexer *l)
{
	size_t i = l->pos;

	while (i < l->n) {
		if (is_blank(l->p[i])) {
			i++;
		} else if (l->p[i] == '#') {
			while (i < l->n && l->p[i] != '\n')
				i++;
		} else if (at_comment(l, i)) {
			for (i += 3; i < l->n && !(l->p[i - 1] == '*' && l->p[i] == '/'); i++)
				continue;
			i++;
		} else {
			return l->p[i];
		}
	}
	return 0;
}

struct bytes lex_shown(const struct lex_token *t)
{
	switch (t->kind) {
	case LEX_END:
		return BYTES("the end of the file");
	case LEX_WORD:
	case LEX_STRING:
		return t->text;
	case LEX_EQUALS:
		return BYTES("=");
	case LEX_OPEN:
		return BYTES("{");
	case LEX_CLOSE:
		return BYTES("}");
	case LEX_LIST:
		return BYTES("(");
	case LEX_LIST_END:
		return BYTES(")");
	case LEX_COMMA:
		return BYTES(",");
	}
	return (struct bytes){ 0 };
}
