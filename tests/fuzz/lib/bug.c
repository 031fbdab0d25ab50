/* SPDX-License-Identifier: ISC */
/* For a target that brings no gp_bug of its own: the impossible is a finding. */
#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

__attribute__((weak)) _Noreturn void gp_stop(const char *what)
{
	fprintf(stderr, "gp_bug: %s\n", what);
	abort();
}
