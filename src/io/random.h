/* SPDX-License-Identifier: ISC */
/* Random octets of the kernel, fetched in batches. */
#ifndef IO_RANDOM_H
#define IO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills out with n octets. Ends the process where the kernel has none. Not for threads. */
void random_bytes(void *out, size_t n);

/* A number below bound (> 0), all equally likely. */
uint32_t random_below(uint32_t bound);

/*
 * Drops what was fetched: in a child, right after fork, or it would draw the same octets as its
 * siblings.
 */
void random_forget(void);

#endif
