/* SPDX-License-Identifier: ISC */
/* The content as a client sends it after 354, up to its end of data: dots removed, line ends made
 * canonical (RFC 5321 4.5.2, DESIGN "End of data"). */
#ifndef SMTP_DATA_IN_H
#define SMTP_DATA_IN_H

#include "base/bytes.h"

struct data_in_params {
	bool lone_lf_ends_data;
	bool pedantic_headers; /* a lone LF or CR in the header block is an error */
	bool pedantic_body;    /* the same behind it */
	uint64_t max_size;     /* octets of canonical content; 0: none */
};

/* What was wrong with the content, told after its true end; the first one counts. */
enum data_fault {
	DATA_OK,
	DATA_LONE_LF, /* pedantic: a lone LF, a lone CR, or CR CR LF */
	DATA_NUL,
	DATA_TOO_BIG,
};

struct data_in {
	const struct data_in_params *params;
	uint64_t size;        /* octets of canonical content so far */
	uint8_t state;        /* enum in data_in.c */
	uint8_t fault;        /* enum data_fault */
	bool first_line_lf;   /* the very first line ended in a lone LF */
	bool first_line_seen; /* whole, that is */
	bool blank;           /* nothing of the present line but dots that were taken off */
	bool in_body;         /* past the first empty line */
	bool almost_ended;    /* it sent an end of data that only Lone_LF_Ends_Data would take */
};

enum data_in_event {
	DATA_IN_MORE, /* all input taken; nothing to pass on */
	DATA_IN_RUN,  /* *run is to be passed on: a slice of the input, or a constant */
	DATA_IN_END,  /* the end of data; what follows is still in *in */
};

/* params outlives d. */
void data_in_init(struct data_in *d, const struct data_in_params *params);

/* Takes from *in. At most `room` octets are given in one run (room >= 2). Runs are as long as the
 * input allows: whole lines, many at a time. After a fault the content is consumed up to its end
 * without further runs; what was given before depends on the content alone, not on how it was cut.
 */
enum data_in_event data_in_step(
    struct data_in *d, struct bytes *in, size_t room, struct bytes *run);

#endif
