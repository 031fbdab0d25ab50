/* SPDX-License-Identifier: ISC */
/*
 * The supervisor of `gatepost run`: reads the configuration, binds, forks, waits. It takes nothing
 * from the network. Start, reload and the recovery from a crash make a new generation by the same
 * code.
 */
#ifndef RUN_SUPERVISOR_H
#define RUN_SUPERVISOR_H

#include "run/setup.h"

struct supervisor_how {
	const char *file;    /* the configuration; absolute where the folder may change */
	const char *store;   /* that keeps configuration and tokens (run/stored.h); NULL: none */
	bool syslog;   /* log there unless the configuration says otherwise */
	bool detached; /* standard error is given up once it serves */
	/* gets one octet, 0, when it serves for the first time, and is closed; or -1 */
	int served;
	const char *version; /* for the log */
	uint64_t build_date; /* seconds since 1970 */
	struct setup_how setup;
};

/*
 * Serves until SIGTERM or SIGINT. Returns the exit status of sysexits.h; what kept it from
 * starting was told on standard error.
 */
int supervisor_run(const struct supervisor_how *how);

#endif
