/* SPDX-License-Identifier: ISC */
/* What a phrase says, or a text that is none. Valid until the next call. */
#ifndef TESTS_SAID_H
#define TESTS_SAID_H

#include "base/fmt.h"

static const char *said(const char *text)
{
	static char line[200];
	struct fmt f;

	fmt_init(&f, line, sizeof(line));
	fmt_str(&f, text);
	return line;
}

#endif
