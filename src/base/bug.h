/* SPDX-License-Identifier: ISC */
#ifndef BASE_BUG_H
#define BASE_BUG_H

#include "base/fmt.h"

/* Called where the impossible has happened, with a literal that tells it. Never returns. */
#define gp_bug(what) gp_stop(PHRASE(what))

/* Supplied by the edge (a logged, controlled exit) and by each test. what: a phrase */
_Noreturn void gp_stop(const char *what);

#endif
