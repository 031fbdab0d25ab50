/* SPDX-License-Identifier: ISC */
/*
 * Reading phrases (base/fmt.h says what one is). The build of the product packs them by pairs: an
 * octet above 127 stands for two others, which may again stand for two. Elsewhere they are plain.
 */
#ifndef BASE_PHRASE_H
#define BASE_PHRASE_H

#include <stdbool.h>
#include <stdint.h>

#define PHRASE_CODES 128 /* octets that stand for pairs: 128 and up */
#define PHRASE_DEPTH 16  /* octets that can be held back at one time: the packer's promise */

struct phrase {
	const char *p;
	uint8_t held[PHRASE_DEPTH];
	uint8_t n;
	bool packed;
};

/* Begins with text; false if that is no phrase: phrase_next gives its octets as they are. */
bool phrase_open(struct phrase *p, const char *text);

/* The next octet; '\0' at the end, again and again. */
char phrase_next(struct phrase *p);

#endif
