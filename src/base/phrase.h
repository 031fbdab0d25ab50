/* SPDX-License-Identifier: ISC */
/*
 * Reading phrases (base/fmt.h says what one is). The build of the product puts all of them into
 * one book (firmware/phrases.c); elsewhere there is none, and they are plain text behind their
 * mark.
 */
#ifndef BASE_PHRASE_H
#define BASE_PHRASE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A text is a row of symbols, in Huffman's code: the lowest bit of an octet first. Symbols are
 * numbered by the length of their code, so the count of each length is all that there is to know.
 * A symbol stands for an octet, or for two other symbols.
 */
#define PHRASE_BITS    16 /* of the longest code */
#define PHRASE_DEPTH   16 /* symbols held back at one time: the packer's promise */
#define PHRASE_SYMBOLS 4080
#define PHRASE_OCTET   255 /* of the second symbol, where there is none: the first is an octet */

struct phrase_book {
	uint16_t size;               /* in octets; the texts are behind the symbols */
	uint16_t codes[PHRASE_BITS]; /* how many have one bit, two, … */
	uint8_t symbols[][3];        /* the two that it stands for: 12 bits, the low ones first */
};

/* At address 0 where the packer made none. */
extern const struct phrase_book phrase_book __attribute__((weak));

struct phrase {
	const uint8_t *text;
	unsigned at; /* packed: in bits */
	unsigned n;
	uint16_t held[PHRASE_DEPTH];
	bool packed;
};

/* Begins with text; false if that is no phrase: phrase_next gives its octets as they are. */
bool phrase_open(struct phrase *p, const char *text);

/* The next octet; '\0' is the last. */
char phrase_next(struct phrase *p);

#endif
