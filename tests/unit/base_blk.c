/* SPDX-License-Identifier: ISC */
#include "base/blk.h"
#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

#define BLOCKS 20
#define CHAINS 4

static struct blk mem[BLOCKS];

static void bounds(void)
{
	struct blk_arena a;
	struct blk_chain c, d;
	uint8_t big[BLOCKS * BLK_DATA + 1] = { 0 };

	blk_arena_init(&a, mem, BLOCKS);
	blk_chain_init(&c);
	blk_chain_init(&d);
	is_num(blk_room(&a, &c), BLOCKS * BLK_DATA, "room of an empty arena");
	ok(!blk_append(&a, &c, (struct bytes){ big, sizeof(big) }),
	    "one octet more than the arena holds is refused");
	is_num(a.used, 0, "and takes nothing");
	ok(blk_append(&a, &c, (struct bytes){ big, sizeof(big) - 1 }),
	    "all of the arena can be used");
	ok(blk_append(&a, &c, (struct bytes){ NULL, 0 }), "nothing can be added to a full one");
	ok(!blk_append(&a, &d, BYTES("x")), "no block for another chain");
	blk_free(&a, &c);
	is_num(a.used, 0, "all given back");
	is_num(a.high, BLOCKS, "the most that was used");
	ok(blk_append(&a, &d, (struct bytes){ big, BLK_DATA - 1 }), "one block less an octet");
	is_num(a.used, 1, "takes one block");
	ok(blk_append(&a, &d, BYTES("x")), "one more octet");
	is_num(a.used, 1, "fills it");
	is_num(blk_room(&a, &d), (BLOCKS - 1) * BLK_DATA, "what is left");
	blk_free(&a, &d);
	blk_free(&a, &d);
	is_num(a.used, 0, "an empty chain can be freed again");
}

static void untouched(void)
{
	static struct blk fresh[3];
	struct blk_arena a;
	struct blk_chain c;

	memset(fresh, 0xee, sizeof(fresh));
	blk_arena_init(&a, fresh, 3);
	blk_chain_init(&c);
	for (int i = 0; i < 5; i++) {
		blk_append(&a, &c, BYTES("hello"));
		blk_free(&a, &c);
	}
	is_num(fresh[1].data[0], 0xee,
	    "the block given back is the one taken next; others stay untouched");
}

static void cursors(void)
{
	struct blk_arena a;
	struct blk_chain c;
	struct blk_cursor cur;
	uint8_t text[BLK_DATA * 2], out[8];

	blk_arena_init(&a, mem, BLOCKS);
	blk_chain_init(&c);
	blk_cursor_init(&c, &cur);
	is_num(blk_read(&a, &c, &cur, out, 8), 0, "nothing to read in an empty chain");
	ok(!blk_poke(&a, &c, &cur, 1), "nothing to change either");
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)i;
	blk_append(&a, &c, (struct bytes){ text, BLK_DATA });
	ok(blk_skip(&a, &c, &cur, BLK_DATA), "to the end of a full block");
	ok(!blk_poke(&a, &c, &cur, 1), "there is nothing to change there");
	blk_append(&a, &c, BYTES("abc"));
	ok(blk_poke(&a, &c, &cur, 'A'), "but in what was appended then");
	is_num(blk_read(&a, &c, &cur, out, 8), 3, "which is read up to its end");
	ok(memcmp(out, "Abc", 3) == 0, "with the change");
	ok(!blk_skip(&a, &c, &cur, 1), "no step beyond");
}

/* Several chains in one arena, each against an array. */
static void random_ops(void)
{
	static uint8_t model[CHAINS][BLOCKS * BLK_DATA];
	struct blk_chain c[CHAINS];
	struct blk_arena a;
	size_t len[CHAINS] = { 0 };
	bool good = true;

	srand(2);
	blk_arena_init(&a, mem, BLOCKS);
	for (int k = 0; k < CHAINS; k++)
		blk_chain_init(&c[k]);
	for (int i = 0; i < 100000 && good; i++) {
		int k = rand() % CHAINS;
		uint8_t text[150], out[sizeof(model[0])];
		size_t n = (size_t)rand() % sizeof(text), blocks = 0;
		struct blk_cursor cur;

		for (size_t j = 0; j < n; j++)
			text[j] = (uint8_t)rand();
		if (rand() % 8 == 0) {
			blk_free(&a, &c[k]);
			len[k] = 0;
		} else if (blk_append(&a, &c[k], (struct bytes){ text, n })) {
			memcpy(model[k] + len[k], text, n);
			len[k] += n;
		} else {
			good = n > blk_room(&a, &c[k]);
		}
		for (int j = 0; j < CHAINS; j++)
			blocks += (len[j] + BLK_DATA - 1) / BLK_DATA;
		good = good && blocks == a.used;
		blk_cursor_init(&c[k], &cur);
		for (size_t got = 0, part; good && got < len[k]; got += part) {
			part = blk_read(&a, &c[k], &cur, out, 1 + (size_t)rand() % 130);
			good = part > 0 && memcmp(out, model[k] + got, part) == 0;
		}
		good = good && blk_read(&a, &c[k], &cur, out, 1) == 0;
	}
	ok(good, "100,000 random operations agree with arrays");
}

int main(void)
{
	bounds();
	untouched();
	cursors();
	random_ops();
	return done();
}
