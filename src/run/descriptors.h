/* SPDX-License-Identifier: ISC */
/* Which descriptors a process holds. */
#ifndef RUN_DESCRIPTORS_H
#define RUN_DESCRIPTORS_H

/* Opens /dev/null where 0, 1 or 2 are closed, so that nothing else gets those numbers. */
void descriptors_standard(void);

/* Closes all above 2 but those of keep (n of them, in any order; negative ones are none). */
void descriptors_keep(int *keep, unsigned n);

/* Makes /dev/null of 0 and 1, and of 2 where err. */
void descriptors_silent(int err);

/* Raises the limit to at least n if it may; returns the limit now in force. */
unsigned long descriptors_limit(unsigned long n);

#endif
