/* SPDX-License-Identifier: ISC */
/*
 * A gateway's replies. First octet: how they are cut, and whether they are given line by line.
 * Cutting changes nothing; what was understood is fit to be passed on; what is printed of it is
 * understood the same.
 */
#include "smtp/reply.h"

#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void gp_stop(const char *what)
{
	fprintf(stderr, "gp_bug: %s\n", what);
	abort();
}

static void must(bool held, const char *what)
{
	if (!held)
		gp_stop(what);
}

static void check_fit(const struct reply *r, enum reply_status status)
{
	unsigned lines = 1;

	must(r->n <= LIMIT_REPLY_TEXT, "text within its limit");
	must(strlen(r->enhanced) < REPLY_ENHANCED, "enhanced code within its limit");
	must(status == REPLY_BAD ? r->code == 0 : r->code >= 200 && r->code <= 599, "code");
	for (size_t i = 0; i < r->n; i++) {
		must(r->text[i] == '\n' || (r->text[i] >= 32 && r->text[i] <= 126), "printable");
		lines += r->text[i] == '\n';
	}
	must(lines <= LIMIT_REPLY_TEXT_LINES, "lines within their limit");
}

/* Printed, each line is within its limit, and the whole is understood as the same reply. */
static void check_printed(const struct reply *r)
{
	static uint8_t mem[LIMIT_REPLY_PRINTED];
	struct reply_parser p;
	struct buf out;
	struct bytes x;

	buf_init(&out, mem, sizeof(mem));
	must(reply_print(&out, r), "printed");
	for (x = buf_peek(&out); x.n > 0;) {
		size_t n = bytes_find(x, '\n') + 1;

		must(n <= LIMIT_REPLY_LINE && x.p[n - 2] == '\r', "line");
		x = bytes_skip(x, n);
	}
	x = buf_peek(&out);
	reply_parser_init(&p);
	must(reply_parse(&p, &x) == REPLY_DONE && x.n == 0, "printed is whole");
	must(p.reply.code == r->code, "printed code");
	/* Without a code of its own, text that begins like one is taken for it. */
	if (r->enhanced[0] != '\0')
		must(strcmp(p.reply.enhanced, r->enhanced) == 0, "printed enhanced code");
}

/* What one step gave, for both of two parsers. */
static void check_same(const struct reply_parser *a, const struct reply_parser *b)
{
	must(a->reply.code == b->reply.code && a->reply.n == b->reply.n, "code and length");
	must(memcmp(a->reply.text, b->reply.text, a->reply.n) == 0, "text");
	must(strcmp(a->reply.enhanced, b->reply.enhanced) == 0, "enhanced code");
}

/* Steps p through *rest in pieces of at most `cut` octets until something is whole. */
static enum reply_status step(struct reply_parser *p, struct bytes *rest, size_t cut)
{
	enum reply_status status;

	do {
		struct bytes piece = bytes_first(*rest, cut);
		size_t n = piece.n;

		status = reply_parse(p, &piece);
		*rest = bytes_skip(*rest, n - piece.n);
	} while (status == REPLY_MORE && rest->n > 0);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply_parser whole, cut;
	struct bytes a, b;
	enum reply_status status;

	if (size < 1)
		return 0;
	a = (struct bytes){ data + 1, size - 1 };
	b = a;
	reply_parser_init(&whole);
	reply_parser_init(&cut);
	whole.by_line = data[0] & 1;
	cut.by_line = data[0] & 1;
	do {
		size_t left = a.n;
		uint32_t number;

		status = step(&whole, &a, SIZE_MAX);
		must(step(&cut, &b, 1 + data[0] / 2 % 8) == status && a.n == b.n,
		    "the same however cut");
		if (status == REPLY_MORE)
			break;
		check_same(&whole, &cut);
		check_fit(&whole.reply, status);
		if (status == REPLY_LINE)
			must(bytes_same(reply_parser_line(&whole, &number),
				 reply_parser_line(&cut, &number)),
			    "line");
		if (status == REPLY_DONE)
			check_printed(&whole.reply);
		must(status == REPLY_DONE || a.n < left, "each step takes something");
		must(left - a.n <= LIMIT_REPLY_SIZE + 1, "no more is taken than a reply may have");
	} while (a.n > 0 || status == REPLY_LINE);
	return 0;
}
