/* SPDX-License-Identifier: ISC */
/* A byte FIFO of fixed capacity in its owner's storage, always readable in one piece. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"

struct buf {
	uint8_t *mem;
	uint32_t cap;
	uint32_t r;    /* first octet not yet taken */
	uint32_t w;    /* first free octet */
	uint32_t high; /* most octets ever held */
};

/* mem stays the caller's and outlives b; cap > 0. */
void buf_init(struct buf *b, void *mem, size_t cap);

/* Moves what is held into other storage (cap at least buf_used); mem becomes the new storage. */
void buf_move(struct buf *b, void *mem, size_t cap);

size_t buf_used(const struct buf *b);
size_t buf_room(const struct buf *b); /* octets that buf_put would take */

/* All that is held; valid until the next change of b. */
struct bytes buf_peek(const struct buf *b);

/* Takes n octets off the front (n at most buf_used). */
void buf_drop(struct buf *b, size_t n);

/* Appends all of x, or nothing and false. */
bool buf_put(struct buf *b, struct bytes x);

/*
 * Room at the end in one piece, compacting first if that makes more; *n gets its size (0 when
 * full).
 */
uint8_t *buf_space(struct buf *b, size_t *n);

/* n octets were written to what buf_space returned. */
void buf_added(struct buf *b, size_t n);

void buf_clear(struct buf *b);

/* Overwrites all of the storage that holds nothing: what was there was secret. */
void buf_wipe(struct buf *b);

#endif
