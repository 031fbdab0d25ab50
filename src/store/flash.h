/* SPDX-License-Identifier: ISC */
/*
 * The port to the medium of the store: NOR flash, or what behaves like it. Supplied by
 * io/flash_*.c, and by tests that lose power and have worn cells. Every call returns 0 once it is
 * on the medium, or a number above 0 that only whoever supplied it understands (an errno).
 */
#ifndef STORE_FLASH_H
#define STORE_FLASH_H

#include "base/bytes.h"

#define FLASH_UNIT 64u /* octets: what is programmed begins and ends at a multiple of it */

struct flash_port {
	int (*read)(void *self, uint32_t at, void *to, size_t n);
	/* Never what was programmed since it was erased. On failure any part may have changed. */
	int (*program)(void *self, uint32_t at, struct bytes x);
	/* Whole blocks, to all ones. On failure they may hold anything. */
	int (*erase)(void *self, uint32_t at, uint32_t n);
};

struct flash {
	const struct flash_port *port;
	void *self;
	uint32_t size;  /* octets; beyond 4 GiB: as much of it as fits */
	uint32_t block; /* octets that are erased together */
};

#endif
