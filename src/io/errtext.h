/* SPDX-License-Identifier: ISC */
/*
 * What the system says, in words. The C library's own tables are larger and hold what cannot
 * happen here.
 */
#ifndef IO_ERRTEXT_H
#define IO_ERRTEXT_H

/* An errno; one that cannot be expected as "error 71". Valid until the next call. */
const char *errtext(int err);

/* "SIGSEGV"; others as "signal 50". Valid until the next call. */
const char *errtext_signal(int signal);

#endif
