/* SPDX-License-Identifier: ISC */
/* A borrowed slice of octets, and what one does with slices. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Borrowed: dead when the call that handed it over returns to the loop. p may be NULL only where n
 * is 0. Its alignment lets the compiler keep it in two registers of 32 bits, where it would else
 * pass each one through memory: 9 KB of code.
 */
struct bytes {
	_Alignas(8) const uint8_t *p;
	size_t n;
};

/* A slice over a string literal, without its NUL. */
#define BYTES(lit) ((struct bytes){(const uint8_t *)("" lit), sizeof(lit) - 1})

/* A slice over a C string (not NULL). */
struct bytes bytes_of(const char *text);

/* The same octets? */
bool bytes_same(struct bytes a, struct bytes b);

/* The same but for the case of ASCII letters? */
bool bytes_same_fold(struct bytes a, struct bytes b);

/* Does `a` begin (end) with `b`, but for the case of ASCII letters? */
bool bytes_begins_fold(struct bytes a, struct bytes b);
bool bytes_ends_fold(struct bytes a, struct bytes b);

/* Index of the first octet `c`, or a.n. */
size_t bytes_find(struct bytes a, uint8_t c);

/* The slice without its first n octets (all of them if n is larger). */
struct bytes bytes_skip(struct bytes a, size_t n);

/* The first n octets (all of them if n is larger). */
struct bytes bytes_first(struct bytes a, size_t n);

/* Without blanks (SP and HT) at both ends. */
struct bytes bytes_trim(struct bytes a);

/*
 * Cuts the next word (octets up to SP or HT) off the front of *a, blanks before it skipped; n = 0
 * at the end.
 */
struct bytes bytes_word(struct bytes *a);

/* ASCII classification of one octet; no locale. */
bool byte_is_alpha(uint8_t c);
bool byte_is_digit(uint8_t c);
bool byte_is_alnum(uint8_t c);
uint8_t byte_lower(uint8_t c);

#endif
