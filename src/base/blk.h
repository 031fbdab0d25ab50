/* SPDX-License-Identifier: ISC */
/* Byte strings of any length in chains of small blocks from one bounded arena. */
#ifndef BASE_BLK_H
#define BASE_BLK_H

#include "base/bytes.h"

#define BLK_DATA 60 /* octets of data in one block of 64 */
#define BLK_NONE UINT32_MAX

struct blk {
	uint32_t next;
	uint8_t data[BLK_DATA];
};

struct blk_arena {
	struct blk *mem;
	uint32_t count;
	uint32_t fresh; /* blocks never used yet begin here: untouched memory */
	uint32_t free;  /* list of returned blocks */
	uint32_t used;
	uint32_t high;
};

struct blk_chain {
	uint32_t head, tail; /* BLK_NONE when empty */
	uint32_t len;        /* octets held */
};

/* A place in a chain, for reading or changing in order; octets may be appended meanwhile. */
struct blk_cursor {
	uint32_t block; /* BLK_NONE: at the start of a chain that may still be empty */
	uint32_t off;   /* octets from the chain's start */
};

void blk_arena_init(struct blk_arena *a, struct blk *mem, size_t count);
void blk_chain_init(struct blk_chain *c);

/* How many octets blk_append would take at the most. */
size_t blk_room(const struct blk_arena *a, const struct blk_chain *c);

/* Appends all of x, or nothing and false (the arena has too few free blocks). */
bool blk_append(struct blk_arena *a, struct blk_chain *c, struct bytes x);

/* Gives all blocks back; c is empty afterwards. */
void blk_free(struct blk_arena *a, struct blk_chain *c);

void blk_cursor_init(const struct blk_chain *c, struct blk_cursor *cur);

/* Copies up to n octets to out and moves on; returns how many (fewer only at the end). */
size_t blk_read(const struct blk_arena *a, const struct blk_chain *c, struct blk_cursor *cur,
		void *out, size_t n);

/* Moves on by n octets; false if the chain ends before. */
bool blk_skip(const struct blk_arena *a, const struct blk_chain *c, struct blk_cursor *cur,
	      size_t n);

/* Overwrites the octet at cur (which stays there); false at the end. */
bool blk_poke(struct blk_arena *a, const struct blk_chain *c, const struct blk_cursor *cur,
	      uint8_t value);

#endif
