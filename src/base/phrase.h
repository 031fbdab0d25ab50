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
 * A text is a row of symbols, in Huffman's code. Symbols are numbered from 1 by the length of their
 * code, so the count of each length is all that there is to know. A symbol stands for two others,
 * or for an octet: then the second is 0.
 */
#define PHRASE_BITS  16 /* of the longest code */
#define PHRASE_DEPTH 16 /* symbols held back at one time: the packer's promise */

struct phrase_book {
	uint16_t size;               /* in octets */
	uint16_t width;              /* bits of a symbol's number */
	uint16_t codes[PHRASE_BITS]; /* how many have one bit, two, … */
	/* Symbols, two numbers each, the lowest bit first; texts; 3 octets of 0. */
	uint8_t bits[];
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
