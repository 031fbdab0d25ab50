/* SPDX-License-Identifier: ISC */
/* Addresses of the web (RFC 3986), https alone, and forms (application/x-www-form-urlencoded). */
#ifndef TOKEN_URL_H
#define TOKEN_URL_H

#include "base/fmt.h"

/* Slices of the text that was parsed. */
struct url {
	struct bytes host;      /* without brackets */
	struct bytes authority; /* host[:port] as written */
	struct bytes path;      /* with its query; n = 0: there is none, "/" is meant */
	uint16_t port;
};

/*
 * "https://host[:port][/path[?query]]", printable, without blanks, user and fragment; host: a host
 * name, an IPv4 address or an IPv6 address in brackets.
 */
bool url_parse(struct bytes x, struct url *out);

/*
 * Appends members of a form, "grant_type=refresh_token&refresh_token=%.*s&scope=%s": values that
 * are put in come out encoded. A member whose value (%s) is NULL or empty is left out.
 */
#define form_add(f, ...) form_put(f, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 2, 3))) void form_put(struct fmt *f, const char *members, ...);

/*
 * The value of the first member of that name in "a=b&c=d", decoded, into f. False where there is
 * none, it is not encoded right, or it does not fit.
 */
bool form_get(struct bytes form, const char *name, struct fmt *f);

/* What a hexadecimal digit stands for; -1: it is none. */
int hex_digit(uint8_t c);

/* Decodes %XX, and + as a blank where plus. False where a % is followed by something else. */
bool form_decode(struct fmt *f, struct bytes x, bool plus);

#endif
