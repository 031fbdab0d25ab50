/* SPDX-License-Identifier: ISC */
#include "conf/print.h"

#include "conf/print_value.h"
#include "conf/tree.h"

static void put(const struct conf_sink *to, const char *text)
{
	to->put(to->ctx, bytes_of(text));
}

/* In double quotes, with backslashes as lex.c takes them. */
void print_quoted(const struct conf_sink *to, struct bytes x)
{
	put(to, "\"");
	while (x.n > 0) {
		size_t n = 0;

		while (n < x.n && x.p[n] != '"' && x.p[n] != '\\')
			n++;
		to->put(to->ctx, bytes_first(x, n));
		x = bytes_skip(x, n);
		if (x.n > 0) {
			put(to, "\\");
			to->put(to->ctx, bytes_first(x, 1));
			x = bytes_skip(x, 1);
		}
	}
	put(to, "\"");
}

static bool is_none(struct bytes x)
{
	return bytes_same_fold(x, BYTES("none"));
}

/* A single value, quoted where its type wants it. */
static void print_word(const struct conf_sink *to, const struct option *o, struct bytes x)
{
	bool bare = option_is_bare(o) || is_none(x) ||
		    (o->type == TYPE_LOG && bytes_find(x, ':') == x.n);

	if (bare)
		to->put(to->ctx, x);
	else
		print_quoted(to, x);
}

void print_value(
    const struct conf_sink *to, const struct option *o, const struct bytes *word, size_t n)
{
	put(to, option_name(o));
	put(to, " = ");
	if (!option_is_list(o) || (n == 1 && is_none(word[0]))) {
		print_word(to, o, word[0]);
	} else {
		put(to, "( ");
		for (size_t i = 0; i < n; i++) {
			print_quoted(to, word[i]);
			put(to, " ");
		}
		put(to, ")");
	}
	put(to, "\n");
}

static void indent(const struct conf_sink *to, unsigned depth)
{
	while (depth-- > 0)
		put(to, "\t");
}

static void print_inside(const struct conf_sink *to, const struct conf_scope *s, unsigned depth);

static void print_scope(const struct conf_sink *to, const struct conf_scope *s, unsigned depth)
{
	indent(to, depth);
	put(to, scope_name((enum scope_kind)s->kind));
	if (s->kind != SCOPE_ESMTP_LISTENER) {
		put(to, " ");
		print_quoted(to, s->name);
	}
	put(to, " {\n");
	print_inside(to, s, depth + 1);
	indent(to, depth);
	put(to, "}\n");
}

static void print_inside(const struct conf_sink *to, const struct conf_scope *s, unsigned depth)
{
	for (const struct conf_setting *set = s->first; set; set = set->next) {
		indent(to, depth);
		print_value(to, &option_table[set->option], set->words->item, set->words->n);
	}
	for (const struct conf_scope *d = s->first_domain; d; d = d->next)
		print_scope(to, d, depth);
	for (const struct conf_scope *in = s->first_child; in; in = in->next)
		print_scope(to, in, depth);
}

void conf_print(const struct conf *c, const struct conf_sink *to)
{
	print_inside(to, c->tree->global, 0);
}
