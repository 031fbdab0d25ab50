/* SPDX-License-Identifier: ISC */
/* The system calls that a process may make from now on. Any other ends it at once (SIGSYS). */
#ifndef RUN_SANDBOX_H
#define RUN_SANDBOX_H

enum sandbox_role {
	SANDBOX_ENGINE, /* descriptors it has, sockets, memory, time: nothing that names a file */
	SANDBOX_DISK,   /* files of its root folder; no network */
	SANDBOX_NAMES,  /* what the C library's resolver does: reading files, UDP and TCP */
};

/*
 * Binds all threads of the process, for good. no_new_privs is set already. 0, or -errno where the
 * kernel has no filter for us.
 */
int sandbox_lock(enum sandbox_role role);

#endif
