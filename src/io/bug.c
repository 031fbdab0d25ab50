/* SPDX-License-Identifier: ISC */
#include "base/bug.h"

#include "io/log.h"

#include <sysexits.h>
#include <unistd.h>

/* The supervisor starts a process that ended so again. */
void gp_bug(const char *what)
{
	char text[256];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	fmt_add(&f, "this cannot happen: %s", what);
	log_line(LOG_LEVEL_ERROR, fmt_done(&f));
	log_flush();
	_exit(EX_SOFTWARE);
}
