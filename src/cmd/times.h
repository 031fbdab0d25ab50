/* SPDX-License-Identifier: ISC */
/* Answers of the relay on their way to standard output, with times in the reader's form. */
#ifndef CMD_TIMES_H
#define CMD_TIMES_H

#include "base/bytes.h"

/* Times on their way from the relay's form (run/status.h). Zeroed before its first use. */
struct times {
	bool inside;
	uint64_t value;
	bool failed; /* standard output took no more */
};

/* The body of struct ask; ctx is a struct times. */
void times_put(void *ctx, struct bytes x);

#endif
