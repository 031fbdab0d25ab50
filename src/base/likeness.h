/* SPDX-License-Identifier: ISC */
/* Which of several known names did someone mean who misspelt one? */
#ifndef BASE_LIKENESS_H
#define BASE_LIKENESS_H

#include "base/bytes.h"

struct likeness {
	struct bytes name; /* as it was written */
	const char *best;  /* the known name that is most like it, NULL where none is */
	unsigned far;
};

void likeness_begin(struct likeness *l, struct bytes name);

/*
 * One more known name. More than a third of the letters wrong is no likeness, unless the name is
 * the begin of the known one. Case, _ and - do not count.
 */
void likeness_try(struct likeness *l, const char *known);

#endif
