/* SPDX-License-Identifier: ISC */
/*
 * A few larger buffers, shared by all connections, for content that comes faster than a small
 * buffer can carry it: fewer system calls for a large mail. They are held within one turn of the
 * loop, or while the other side is slower. Where none is free the small buffer does.
 */
#ifndef RUN_BULK_H
#define RUN_BULK_H

#include "base/buf.h"

void bulk_init(void);

/*
 * Moves b, which lies in storage of `small` octets, into a larger buffer if one is free and it is
 * not in one yet.
 */
void bulk_grow(struct buf *b, const uint8_t *small);

/*
 * Moves b back to `small` (n octets) if what it holds fits there; true if it is there now. Slices
 * into b are dead afterwards.
 */
bool bulk_shrink(struct buf *b, uint8_t *small, size_t n);

/* The connection has ended: gives a larger buffer back, whatever it holds. */
void bulk_drop(struct buf *b, uint8_t *small, size_t n);

#endif
