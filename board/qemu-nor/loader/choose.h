/* SPDX-License-Identifier: ISC */
/*
 * Which set is to be booted, by the boot marks; and is it whole? No hardware here, so that tests drive it.
 *
 * The marks are records of eight words in flash, where bits only fall until the block is erased, which never happens
 * in service. A free record is all ones. Word 0 names a set; of words 1 to 3 the loader programs one to zero at each
 * boot of that record; word 4 is programmed to zero by the running system once all is well. The last record counts.
 * Where the power failed while a word was programmed, any of its bits may have fallen.
 */
#ifndef LOADER_CHOOSE_H
#define LOADER_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>

#define MARK_WORDS 8u
#define MARK_TRIES 3u
#define MARK_GOOD  4u /* word */
#define MARK_A     0x41534554u /* "TESA", little-endian */
#define MARK_B     0x42534554u
#define MARK_FREE  0xffffffffu
#define MARK_NONE  0xffffffffu /* no word */

struct choice {
	unsigned set;  /* 0: A, 1: B */
	uint32_t word; /* to be programmed to zero before it is booted: index from the first mark on, or MARK_NONE */
	unsigned trial; /* which try it is, from 1 on; 0: the set has reported well */
	bool tired;    /* the other one used up its tries */
};

/*
 * Reads the marks. A set on trial is taken while it has a word for one more try; then the one that reported well last,
 * or, where none ever did, the other one. Without a mark: A.
 * A word that was begun counts as programmed: for a try, so that none is gained by a power cut; for "well", since it is
 * begun by a system that is well.
 */
struct choice choose(const volatile uint32_t *mark, unsigned records);

enum set_state {
	SET_NONE,    /* no header, or one that makes no sense */
	SET_DAMAGED, /* the sum is wrong */
	SET_WHOLE,
};

struct set {
	enum set_state state;
	const uint8_t *kernel, *tree; /* unless NONE */
	uint32_t kernel_size, tree_size;
};

#define SET_KERNEL_MAX 0x1c0000u /* octets that there is room for in RAM, the same for the tree */
#define SET_TREE_MAX   0x10000u

/* Looks at a set of at most `size` octets, the n-th: 0 is A, whose tree is another than B's. */
struct set set_check(const uint8_t *p, uint32_t size, unsigned n);

/*
 * The value of "reg" in the first node "memory" of a flattened device tree (version 17) that has at most `size`
 * octets: its last cell, big-endian, which is the size where there is one bank. A null pointer where there is none.
 */
uint8_t *tree_memory(uint8_t *tree, uint32_t size);

uint32_t tree_size(const uint8_t *tree); /* 0: it does not begin as one */
uint32_t tree_word(const uint8_t *p);

#endif
