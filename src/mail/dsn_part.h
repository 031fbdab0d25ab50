/* SPDX-License-Identifier: ISC */
/* How a report's text is made safe. */
#ifndef MAIL_DSN_PART_H
#define MAIL_DSN_PART_H

#include "base/fmt.h"
#include "mail/dsn.h"

/*
 * Each takes from the front of d->rest what fits out, and returns whether it took all.
 * d->column: of the line being written.
 */

/* Quoted-printable of anything; CRLF is a line end. dsn_raw_end: what was held back. */
bool dsn_raw(struct dsn *d, struct buf *out);
void dsn_raw_end(struct dsn *d, struct buf *out);

/*
 * Quoted-printable of words for people: \n becomes a line end and `indent` blanks; what is neither
 * printable nor UTF-8 becomes `?`.
 */
bool dsn_words(struct dsn *d, struct buf *out, unsigned indent);

/* Words in a header field: printable ASCII, folded. */
bool dsn_fold(struct dsn *d, struct buf *out);

/* What is left of d->rest, an address of programs, at most DSN_ADDR octets of it. */
void dsn_addr(struct dsn *d, struct buf *out);

/* Of nothing but ASCII? Wholly printable UTF-8? */
bool dsn_is_ascii(struct bytes x);
bool dsn_is_utf8(struct bytes x);

/* Appends; there is room. */
void dsn_put(struct buf *out, struct bytes x);
#define dsn_add(out, ...) dsn_format(out, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 2, 3))) void dsn_format(struct buf *out, const char *format, ...);

#endif
