/* SPDX-License-Identifier: ISC */
/* Reverse-paths, forward-paths and the parameters behind them (RFC 5321 4.1.1.2, 4.1.1.3, 4.1.2),
 * as strictly as is safe and as laxly as devices need. */
#ifndef SMTP_PATH_H
#define SMTP_PATH_H

#include "base/fmt.h"
#include "base/limits.h"

enum path_error {
	PATH_OK,
	PATH_SYNTAX,   /* control characters, broken quoting, no address, text right behind it */
	PATH_TOO_LONG, /* over LIMIT_PATH */
};

struct path {
	struct bytes mailbox; /* without < > and source route; empty: the null reverse-path */
	struct bytes local;   /* local-part as written, quotes included */
	struct bytes domain;  /* "" when unqualified; an address literal with its brackets */
	bool eight_bit;       /* holds octets above 127 */
};

/* Cuts a path off the front of *args (what follows FROM: or TO:): blanks before it, < > or none, a
 * source route dropped, trailing blanks. The local-part is an atom with dots anywhere or a quoted
 * string, octets above 127 allowed (whether they are UTF-8 is not looked at), the domain one of
 * dotted names (_ allowed), an address literal, or absent. The slices point into the input. *args
 * is left at the parameters. */
enum path_error path_parse(struct bytes *args, bool null_ok, struct path *out);

/* The same for a bare mailbox (an option's value, a command-line argument): no brackets needed,
 * nothing may follow. */
enum path_error path_parse_mailbox(struct bytes text, struct path *out);

/* One parameter keyword[=value] off the front of *args; false at the end. *ok is false where it is
 * no esmtp-param of RFC 5321. */
bool path_param(struct bytes *args, struct bytes *keyword, struct bytes *value, bool *ok);

/* Is x well-formed UTF-8 (RFC 3629)? */
bool path_is_utf8(struct bytes x);

/* Does the address `mailbox` match `pattern`, an address or "@domain"? Domains without regard to
 * case and a trailing dot, local-parts too. */
bool path_matches(struct bytes mailbox, struct bytes pattern);

#endif
