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

/* rest: how far the code is behind the first one of its length. */
static unsigned decoded(struct phrase *p)
{
	unsigned symbol = 0, rest = 0;

	for (const uint16_t *codes = phrase_book.codes;; codes++) {
		rest = rest << 1 | (p->text[p->at / 8] >> p->at % 8 & 1);
		p->at++;
		if (rest < *codes)
			return symbol + rest;
		rest -= *codes;
		symbol += *codes;
	}
}

char phrase_next(struct phrase *p)
{
	const uint8_t *entry;
	unsigned symbol;

	if (!p->packed)
		return (char)*p->text++;
	symbol = p->n > 0 ? p->held[--p->n] : decoded(p);
	for (;;) {
		entry = phrase_book.symbols[symbol];
		if (entry[2] == PHRASE_OCTET)
			return (char)entry[0];
		p->held[p->n++] = (uint16_t)(entry[2] << 4 | entry[1] >> 4);
		symbol = entry[0] | (entry[1] & 15u) << 8;
	}
}
