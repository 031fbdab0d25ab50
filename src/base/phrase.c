/* SPDX-License-Identifier: ISC */
#include "base/phrase.h"

#include "base/fmt.h"

#include <stddef.h>

bool phrase_open(struct phrase *p, const char *text)
{
	bool book = &phrase_book != NULL;
	bool is_phrase = book ? (uintptr_t)text - (uintptr_t)&phrase_book < phrase_book.size
			      : text[0] == PHRASE_MARK[0];

	p->packed = book && is_phrase;
	p->text = (const uint8_t *)text + (is_phrase && !book);
	p->at = 0;
	p->n = 0;
	return is_phrase;
}

static unsigned bit(const uint8_t *p, unsigned at)
{
	return p[at / 8] >> at % 8 & 1;
}

/* rest: how far the code is behind the first one of its length. */
static unsigned decoded(struct phrase *p)
{
	unsigned symbol = 1, rest = 0;

	for (const uint16_t *codes = phrase_book.codes;; codes++) {
		rest = rest << 1 | bit(p->text, p->at++);
		if (rest < *codes)
			return symbol + rest;
		rest -= *codes;
		symbol += *codes;
	}
}

/* The numbers of the two that symbol stands for, the first in the lowest bits. */
static uint32_t pair(unsigned symbol)
{
	unsigned at = (symbol - 1) * 2 * phrase_book.width;
	const uint8_t *p = &phrase_book.bits[at / 8];

	return (p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24) >> at % 8;
}

char phrase_next(struct phrase *p)
{
	unsigned symbol, second;

	if (!p->packed)
		return (char)*p->text++;
	symbol = p->n > 0 ? p->held[--p->n] : decoded(p);
	for (;;) {
		uint32_t both = pair(symbol);
		unsigned mask = (1u << phrase_book.width) - 1;

		symbol = both & mask;
		second = both >> phrase_book.width & mask;
		if (second == 0)
			return (char)symbol;
		p->held[p->n++] = (uint16_t)second;
	}
}
