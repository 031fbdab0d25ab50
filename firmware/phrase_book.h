/* SPDX-License-Identifier: ISC */
#ifndef PHRASE_BOOK_H
#define PHRASE_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/phrase.h"

#define PHRASE_TEXT (1 << 17) /* octets of all texts together, at the most */

struct line;

/* p: its octets, the last one '\0'. */
struct phrase_text {
	const struct line *label;
	const char *p;
	size_t n;
	size_t same; /* the first of the same text */
	size_t at;   /* where the book has it, behind its head */
};

/* What struct phrase_book is to hold, and how many symbols there are. */
struct book {
	size_t size;
	unsigned width, symbols;
	const unsigned *codes;
	const uint8_t *bits;
};

/* Sets at of each text. */
void book_make(struct book *book, struct phrase_text *texts, size_t n);

/* Ends the program; l: the line, or NULL. */
__attribute__((noreturn, format(printf, 2, 3))) void fail(const struct line *l, const char *format, ...);

#endif
