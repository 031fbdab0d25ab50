/* SPDX-License-Identifier: ISC */
#include "base/digest.h"

#include <string.h>

void digest_wipe(void *p, size_t n)
{
	if (n == 0)
		return;
	memset(p, 0, n);
	/* The compiler must believe that somebody reads it. */
	__asm__ volatile("" : : "r"(p) : "memory");
}
