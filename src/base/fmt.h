/* SPDX-License-Identifier: ISC */
/* Bounded text building in the owner's storage. What does not fit is cut, and cut says so. */
#ifndef BASE_FMT_H
#define BASE_FMT_H

#include "base/bytes.h"

#include <stdarg.h>

struct fmt {
	char *p;
	size_t cap; /* octets of storage, one of them kept for the NUL */
	size_t n;   /* octets written; p[n] is always NUL */
	bool cut;
	uint8_t most; /* octets that fmt_add puts in of a string or slice; 0: all */
};

/* cap >= 1. */
void fmt_init(struct fmt *f, char *p, size_t cap);

/*
 * A phrase: text for a person, which the build of the product packs (firmware/phrases.c). Only
 * fmt_add, fmt_str and what is built on them can read it; its own octets tell nothing, and it has
 * no length until then. ASCII, a literal.
 */
#define PHRASE_MARK "\036" /* begins no other literal */
#define PHRASE(literal) PHRASE_MARK literal

/*
 * Text with values put in, as printf does it, of its directives: %s (a C string or a phrase),
 * %.*s with SPAN (a slice), %c, %d, %u, %x and %%; %j and %z as lengths; zeros in front by "0" and
 * a width. The format is a literal, and a phrase by itself.
 */
#define fmt_add(f, ...) fmt_put(f, PHRASE_MARK __VA_ARGS__)
#define SPAN(x) (int)(x).n, (const char *)(x).p
__attribute__((format(printf, 2, 3))) void fmt_put(struct fmt *f, const char *format, ...);
__attribute__((format(printf, 2, 0))) void fmt_put_list(struct fmt *f, const char *format,
    va_list args);

void fmt_char(struct fmt *f, char c);
void fmt_str(struct fmt *f, const char *text); /* a C string or a phrase */
void fmt_bytes(struct fmt *f, struct bytes x);
void fmt_u64(struct fmt *f, uint64_t v);
void fmt_i64(struct fmt *f, int64_t v);
void fmt_pad(struct fmt *f, uint64_t v, unsigned width); /* decimal, zeros in front */
void fmt_hex(struct fmt *f, uint64_t v, unsigned width); /* lower case, zeros in front */
void fmt_ms(struct fmt *f, uint64_t ms);    /* milliseconds as seconds: 1234 -> 1.234 */
struct bytes fmt_done(const struct fmt *f); /* what was written */

#endif
