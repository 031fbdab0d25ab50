/* SPDX-License-Identifier: ISC */
/* JSON texts (RFC 8259) that hold one object: strings and numbers among its members. */
#ifndef TOKEN_JSON_H
#define TOKEN_JSON_H

#include "base/fmt.h"

#define JSON_DEPTH 16u /* arrays and objects within each other */

enum json_kind {
	JSON_NONE,   /* there is no such member */
	JSON_STRING, /* text: what stands between the quotes */
	JSON_NUMBER, /* text: as it stands */
	JSON_OTHER,  /* true, false, null, an array or an object */
};

struct json_member {
	enum json_kind kind;
	struct bytes text; /* a slice of the whole */
};

/*
 * Checks that x is one object, strictly, and finds the n members whose names (words, blanks
 * between them) are wanted. False where it is not, where it is deeper than JSON_DEPTH, or where a
 * wanted name stands in it twice.
 */
bool json_object(struct bytes x, const char *names, struct json_member *want, unsigned n);

/*
 * The string with its escapes undone, as UTF-8, into f. False where it is no string, does not fit,
 * or holds a NUL or half of a surrogate pair.
 */
bool json_string(struct fmt *f, const struct json_member *m);

/* A number that is whole and not negative, or a string of digits; at most max. */
bool json_u64(const struct json_member *m, uint64_t max, uint64_t *out);

#endif
