/* SPDX-License-Identifier: ISC */
/* Where the first address stands in the value of a From field. */
#ifndef MAIL_MAILBOX_H
#define MAIL_MAILBOX_H

#include "base/bytes.h"

/* Offsets into the value. */
struct mailbox {
	size_t begin, end; /* the first mailbox with the blanks and comments around it */
	size_t addr_begin,
	    addr_end;   /* what a new address replaces: all within <>, or the bare one */
	bool qualified; /* every address of the field has a domain */
};

/*
 * Parses an unfolded address list (RFC 5322 3.4, with the obsolete forms of 4.4, groups, UTF-8 of
 * RFC 6532, encoded words of any content). An address without a domain is let pass: many devices
 * write one. False if it does not parse to its end or holds no address.
 */
bool mailbox_parse(struct bytes value, struct mailbox *out);

#endif
