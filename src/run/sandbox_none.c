/* SPDX-License-Identifier: ISC */
#include "run/sandbox.h"

int sandbox_lock(enum sandbox_role role)
{
	(void)role;
	return 0;
}
