/* SPDX-License-Identifier: ISC */
/* Bounded text building in the owner's storage. What does not fit is cut, and cut says so. */
#ifndef BASE_FMT_H
#define BASE_FMT_H

#include "base/bytes.h"

struct fmt {
	char *p;
	size_t cap; /* octets of storage, one of them kept for the NUL */
	size_t n;   /* octets written; p[n] is always NUL */
	bool cut;
};

/* cap >= 1. */
void fmt_init(struct fmt *f, char *p, size_t cap);
void fmt_char(struct fmt *f, char c);
void fmt_str(struct fmt *f, const char *text);
void fmt_bytes(struct fmt *f, struct bytes x);
void fmt_u64(struct fmt *f, uint64_t v);
void fmt_i64(struct fmt *f, int64_t v);
void fmt_pad(struct fmt *f, uint64_t v, unsigned width); /* decimal, zeros in front */
void fmt_hex(struct fmt *f, uint64_t v, unsigned width); /* lower case, zeros in front */
void fmt_ms(struct fmt *f, uint64_t ms);    /* milliseconds as seconds: 1234 -> 1.234 */
struct bytes fmt_done(const struct fmt *f); /* what was written */

#endif
