/* SPDX-License-Identifier: ISC */
/* Text of this box made canonical: whatever ends a line becomes CRLF. */
#ifndef CMD_LINES_H
#define CMD_LINES_H

#include "base/buf.h"

#define LINES_ROOM 8 /* octets of room that an octet of input may need */

struct lines {
	bool dot_ends; /* a line with a lone dot is the end of the input */
	bool ended;    /* it came */
	uint8_t state;
};

void lines_init(struct lines *l, bool dot_ends);

/*
 * Takes from *in, writes to out as long as that has LINES_ROOM. LF, CR, CR LF and CR CR LF end a
 * line. After the end of the input nothing more is taken.
 */
void lines_put(struct lines *l, struct bytes *in, struct buf *out);

/* There is no more input: writes what was held back (out has LINES_ROOM). */
void lines_end(struct lines *l, struct buf *out);

#endif
