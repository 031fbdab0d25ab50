/* SPDX-License-Identifier: ISC */
#include "base/phrase.h"

#include "base/fmt.h"

#include <stddef.h>

bool phrase_open(struct phrase *p, const char *text)
{
	bool marked = text[0] == PHRASE_MARK[0];

	p->packed = &phrase_book != NULL &&
		    (uintptr_t)text - (uintptr_t)&phrase_book < phrase_book.size;
	p->text = (const uint8_t *)text + (marked && !p->packed);
	p->at = 0;
	p->n = 0;
	return marked || p->packed;
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

/* The i-th number of the table of symbols, from 0. */
static unsigned number(unsigned i)
{
	unsigned value = 0;

	for (unsigned at = i * phrase_book.width; at < (i + 1) * phrase_book.width; at++)
		value = value << 1 | bit(phrase_book.bits, at);
	return value;
}

char phrase_next(struct phrase *p)
{
	unsigned symbol, second;

	if (!p->packed)
		return (char)*p->text++;
	symbol = p->n > 0 ? p->held[--p->n] : decoded(p);
	for (;;) {
		second = number(symbol * 2 - 1);
		symbol = number(symbol * 2 - 2);
		if (second == 0)
			return (char)symbol;
		p->held[p->n++] = (uint16_t)second;
	}
}
