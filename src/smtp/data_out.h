/* SPDX-License-Identifier: ISC */
/*
 * Content on its way to a gateway: canonical lines, dot-stuffed (RFC 5321 4.5.2), and the end of
 * data.
 */
#ifndef SMTP_DATA_OUT_H
#define SMTP_DATA_OUT_H

#include "base/buf.h"

struct data_out {
	uint8_t state; /* at the start of a line, within one, behind its CR */
};

void data_out_init(struct data_out *d);

/*
 * Writes as much of *in as fits into out, stuffing dots; takes what it wrote off *in. *in must be
 * canonical: CR and LF only as CRLF (cut anywhere).
 */
void data_out_put(struct data_out *d, struct bytes *in, struct buf *out);

/* Octets of canonical content that surely fit in `room` octets of output. */
size_t data_out_fits(size_t room);

/* Room that data_out_end needs at the most. */
#define DATA_OUT_END 5u

/*
 * Writes the end of data, with a CRLF before it where the content did not end in one; false,
 * nothing written, when there is no room.
 */
bool data_out_end(struct data_out *d, struct buf *out);

#endif
