/* SPDX-License-Identifier: ISC */
/* For models: a promise that is broken ends the step, with its words in why. Whoever explores calls setjmp(broken) first. */
#ifndef TESTS_MODEL_PROMISE_H
#define TESTS_MODEL_PROMISE_H

#include <setjmp.h>
#include <stdlib.h>

#include "base/bug.h"

static jmp_buf broken;
static const char *why;

static void violated(const char *what)
{
	why = what;
	longjmp(broken, 1);
}

void gp_stop(const char *what)
{
	violated(what);
	abort();
}

#define MUST(cond, what)                \
	do {                            \
		if (!(cond))            \
			violated(what); \
	} while (0)

#endif
