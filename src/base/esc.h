/* SPDX-License-Identifier: ISC */
/* Hostile octets made printable. */
#ifndef BASE_ESC_H
#define BASE_ESC_H

#include "base/fmt.h"

/*
 * For a log value: printable ASCII as it is, `"` and `\` with a backslash before, all else as
 * \xHH. A space stays a space: callers that write bare words use esc_word, which puts the whole in
 * double quotes if it is empty or holds a blank, `"`, `=` or `\`.
 */
void esc_text(struct fmt *f, struct bytes x);
void esc_word(struct fmt *f, struct bytes x);

/*
 * The inside of a JSON string (RFC 8259 section 7): quotes and controls escaped, octets above 126
 * as \u00HH.
 */
void esc_json(struct fmt *f, struct bytes x);

#endif
