/* SPDX-License-Identifier: ISC */
/* The header of a mail that lies in memory, and the addresses in it, read leniently. */
#ifndef CMD_FIELDS_H
#define CMD_FIELDS_H

#include "base/fmt.h"

/*
 * Cuts the next field, with its continuation lines and line ends, off the front of *text (canonical
 * lines). False, nothing taken, at the end of the header: an empty line, a line that is no field, a
 * last line without its end.
 */
bool field_next(struct bytes *text, struct bytes *field);

/* Does text begin with a whole line that is no field? */
bool field_none(struct bytes text);

/* Has it one of these names (parted by blanks), but for case and blanks before the colon? */
bool field_is(struct bytes field, const char *names);

/* What stands behind the colon. */
struct bytes field_value(struct bytes field);

enum address_status {
	ADDRESS_END,
	ADDRESS_OK,
	ADDRESS_BAD, /* no address could be made out; out holds what there is of it */
};

/*
 * Cuts the next address off the front of *list: comma-separated, with names, comments, quoted
 * words, groups and folds as RFC 5322 3.4 has them. Empty elements are skipped. out gets the
 * address without brackets, blanks and comments: local-part@domain, or the local-part alone.
 */
enum address_status address_next(struct bytes *list, struct fmt *out);

#endif
