/* SPDX-License-Identifier: ISC */
#ifndef BASE_BUG_H
#define BASE_BUG_H

/*
 * Called where the impossible has happened. Supplied by the edge (a logged, controlled exit) and
 * by each test. Never returns.
 */
_Noreturn void gp_bug(const char *what);

#endif
