/* SPDX-License-Identifier: ISC */
#include "base/bug.h"

#include "io/log.h"

#include <sysexits.h>
#include <unistd.h>

/* The supervisor starts a process that ended so again. */
void gp_stop(const char *what)
{
	log_add(LOG_LEVEL_ERROR, "this cannot happen: %s", what);
	log_flush();
	_exit(EX_SOFTWARE);
}
