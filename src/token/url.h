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

/* Appends "name=value", the value encoded, with "&" before it unless f is empty or ends in "?". */
void form_add(struct fmt *f, const char *name, struct bytes value);

/*
 * The value of the first member of that name in "a=b&c=d", decoded, into f. False where there is
 * none, it is not encoded right, or it does not fit.
 */
bool form_get(struct bytes form, const char *name, struct fmt *f);

/* Decodes %XX, and + as a blank where plus. False where a % is followed by something else. */
bool form_decode(struct fmt *f, struct bytes x, bool plus);

#endif
