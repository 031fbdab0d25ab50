/* SPDX-License-Identifier: ISC */
/*
 * The two Unix sockets by which the machine's own commands come in: the control socket, and
 * submit.sock beside it.
 */
#ifndef RUN_DOORS_H
#define RUN_DOORS_H

#include "base/fmt.h"

#include <sys/types.h>

#define DOORS_CONTROL "/run/gatepost/control.sock" /* where the configuration names none */
#define DOORS_PATH 108

struct doors {
	int control, submit; /* -1: not open */
	char control_path[DOORS_PATH], submit_path[DOORS_PATH];
};

/*
 * Opens both for the control socket at path (absolute). 0, or an exit status and the reason in
 * *why. For somebody who is not root the default path may be out of reach: then 0 with both -1 and
 * the reason in *why all the same. old (or NULL) are those that d will follow: a submit.sock that
 * stays where it is is taken over.
 */
int doors_open(
    struct doors *d, const struct doors *old, struct bytes path, bool root, struct fmt *why);

/* Closes what is open, unless `keep` (or NULL) has it too, and removes it from the file system. */
void doors_close(struct doors *d, const struct doors *keep);

#endif
