/* SPDX-License-Identifier: ISC */
/* The loader's decisions: boot marks in all states that a power cut leaves, sets, device trees. */
#include "../../board/qemu-nor/loader/choose.c"

#include "tap.h"

#include "base/crc32.h"

#define RECORDS 16u

static uint32_t marks[RECORDS * MARK_WORDS];

static void marks_clear(void)
{
	memset(marks, 0xff, sizeof(marks));
}

/* A record with so many tries used; good or not. */
static void mark(unsigned i, uint32_t set, unsigned used, bool good)
{
	marks[i * MARK_WORDS] = set;
	for (unsigned k = 1; k <= used; k++)
		marks[i * MARK_WORDS + k] = 0;
	if (good)
		marks[i * MARK_WORDS + MARK_GOOD] = 0;
}

static void expect(unsigned set, uint32_t word, unsigned trial, bool tired, const char *what)
{
	struct choice c = choose(marks, RECORDS);

	ok(c.set == set && c.word == word && c.trial == trial && c.tired == tired,
	    "%s: set %c, word %d, boot %u%s", what, c.set == 0 ? 'A' : 'B', (int)c.word, c.trial,
	    c.tired ? ", the other is tired" : "");
}

static void test_records(void)
{
	marks_clear();
	expect(0, MARK_NONE, 0, false, "no mark");
	mark(0, MARK_A, 0, true);
	expect(0, MARK_NONE, 0, false, "as it is shipped");
	mark(1, MARK_B, 0, false);
	expect(1, 9, 1, false, "a new set B");
	mark(1, MARK_B, 1, false);
	expect(1, 10, 2, false, "booted once");
	mark(1, MARK_B, 2, false);
	expect(1, 11, 3, false, "booted twice");
	mark(1, MARK_B, 3, false);
	expect(0, MARK_NONE, 0, true, "booted three times and not well");
	mark(2, MARK_B, 0, false);
	expect(1, 17, 1, false, "another B behind it");
	mark(2, MARK_B, 1, true);
	expect(1, MARK_NONE, 0, false, "that reports well");
	mark(3, MARK_A, 3, false);
	expect(1, MARK_NONE, 0, true, "a bad A behind it");
	mark(4, MARK_A, 3, true);
	expect(0, MARK_NONE, 0, false, "well with its last try");
	marks_clear();
	mark(0, MARK_A, 0, true);
	mark(1, MARK_B, 3, false);
	mark(2, MARK_A, 3, false);
	expect(0, MARK_NONE, 0, false, "a bad B, and an A that had no time to report: the last that was well");
	marks_clear();
	mark(0, MARK_B, 3, false);
	expect(0, MARK_NONE, 0, true, "none was ever well: the other one");
}

static void test_full(void)
{
	marks_clear();
	for (unsigned i = 0; i < RECORDS; i++)
		mark(i, i % 2 ? MARK_B : MARK_A, 1, true);
	expect(1, MARK_NONE, 0, false, "all records are used");
	marks[(RECORDS - 1) * MARK_WORDS + MARK_GOOD] = MARK_FREE;
	expect(1, (RECORDS - 1) * MARK_WORDS + 2, 2, false, "the last one is on trial");
}

/* Each word torn at each bit, and at random bits: it is a set that was there, and never an endless trial. */
static void test_torn(void)
{
	uint32_t seed = 1;
	bool named = true, tries = true, good = true;

	for (unsigned n = 0; n < 5000; n++) {
		uint32_t keep;

		seed = seed * 1664525u + 1013904223u;
		keep = n < 32 ? ~(1u << n) : n < 64 ? 1u << (n - 32) : seed | seed >> 16;
		marks_clear();
		mark(0, MARK_A, 0, true);
		marks[MARK_WORDS] = MARK_B | keep;
		if (marks[MARK_WORDS] != MARK_B)
			named = named && choose(marks, RECORDS).set == 0 &&
			        choose(marks, RECORDS).word == MARK_NONE;
		marks_clear();
		mark(0, MARK_A, 0, true);
		mark(1, MARK_B, 0, false);
		for (unsigned k = 1; k <= MARK_TRIES && keep != MARK_FREE; k++) {
			marks[MARK_WORDS + k] = keep;
			tries = tries && (k < MARK_TRIES ? choose(marks, RECORDS).trial == k + 1
			                                 : choose(marks, RECORDS).tired);
		}
		if (keep != MARK_FREE) {
			marks[MARK_WORDS + MARK_GOOD] = keep;
			good = good && choose(marks, RECORDS).set == 1 &&
			       choose(marks, RECORDS).word == MARK_NONE;
		}
	}
	ok(named, "a torn name is no mark");
	ok(tries, "a torn try is used up");
	ok(good, "a torn \"well\" counts");
	marks_clear();
	mark(0, MARK_A, 0, true);
	marks[MARK_WORDS] = 0x12345678;
	mark(2, MARK_B, 0, false);
	expect(1, 17, 1, false, "behind a torn name the next record counts");
}

/* From any state, boots that never report well end at the set that did, within three. */
static void test_every_state(void)
{
	bool ends = true;

	for (unsigned state = 0; state < 6561; state++) { /* 3 records: name and four words, each in three states */
		unsigned s = state, boots = 0;
		struct choice c;

		marks_clear();
		mark(0, MARK_A, 0, true);
		for (unsigned r = 1; r <= 2; r++) {
			for (unsigned k = 0; k < 4; k++, s /= 3) {
				static const uint32_t name[3] = { MARK_FREE, MARK_A, MARK_B };
				static const uint32_t try[3] = { MARK_FREE, 0, 0xff00ffff };

				marks[r * MARK_WORDS + k] = k == 0 ? name[s % 3] : try[s % 3];
			}
		}
		for (c = choose(marks, RECORDS); c.word != MARK_NONE; c = choose(marks, RECORDS)) {
			ends = ends && marks[c.word] == MARK_FREE && c.word % MARK_WORDS >= 1 &&
			       c.word % MARK_WORDS <= MARK_TRIES;
			marks[c.word] = 0;
			if (++boots > MARK_TRIES)
				break;
		}
		ends = ends && boots <= MARK_TRIES && c.set <= 1;
	}
	ok(ends, "6,561 states of marks: at most three boots on trial, each counted in a free word");
}

/* ---- sets ---- */

#define SET_SIZE 16384u

static uint8_t flash[SET_SIZE];

static void put(unsigned at, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		flash[at + i] = (uint8_t)(v >> 8 * i);
}

static void set_sum(void)
{
	put(444, crc32_add(0, (struct bytes){ flash, 444 }));
}

static void set_make(void)
{
	memset(flash, 0, sizeof(flash));
	memcpy(flash, "GPIMAGE1", 8);
	put(8, 512);
	put(12, 12288);
	put(20, 1);
	put(24, 4096);
	put(28, 1000);
	put(32, 8192);
	put(36, 100);
	put(40, 8292);
	put(44, 60);
	for (unsigned i = 512; i < 12288; i++)
		flash[i] = (uint8_t)(i * 7);
	put(16, crc32_add(0, (struct bytes){ flash + 512, 12288 - 512 }));
	set_sum();
}

static enum set_state state_with(unsigned at, uint32_t v)
{
	set_make();
	put(at, v);
	set_sum();
	return set_check(flash, sizeof(flash), 0).state;
}

static void test_sets(void)
{
	struct set s;

	set_make();
	s = set_check(flash, sizeof(flash), 0);
	is_num(s.state, SET_WHOLE, "a whole set");
	ok(s.kernel == flash + 4096 && s.kernel_size == 1000, "its kernel");
	ok(s.tree == flash + 8192 && s.tree_size == 100, "its tree as set A");
	s = set_check(flash, sizeof(flash), 1);
	ok(s.tree == flash + 8292 && s.tree_size == 60, "its tree as set B");
	flash[12287] ^= 1;
	is_num(set_check(flash, sizeof(flash), 0).state, SET_DAMAGED, "a bit of its last octet");
	set_make();
	is_num(set_check(flash, 12288, 0).state, SET_WHOLE, "it fills its place");
	is_num(set_check(flash, 12287, 0).state, SET_NONE, "its place is too small");
	is_num(state_with(0, 0xffffffff), SET_NONE, "no magic");
	is_num(state_with(8, 511), SET_NONE, "another length of the header");
	is_num(state_with(12, 511), SET_NONE, "a length less than the header");
	is_num(state_with(12, 0xffffffff), SET_NONE, "a length without end");
	is_num(state_with(16, 0), SET_DAMAGED, "another sum");
	is_num(state_with(20, 2), SET_NONE, "another format");
	is_num(state_with(24, 0), SET_NONE, "the kernel lies in the header");
	is_num(state_with(24, 12288), SET_NONE, "it begins where the set ends");
	is_num(state_with(24, 0xfffffffc), SET_NONE, "it begins beyond it");
	is_num(state_with(24, 4097), SET_NONE, "it begins between words");
	is_num(state_with(28, 0), SET_NONE, "it is empty");
	is_num(state_with(28, 12289 - 4096), SET_NONE, "it ends beyond the set");
	is_num(state_with(28, 0xfffff000), SET_NONE, "its length makes the sum go round");
	is_num(state_with(28, SET_KERNEL_MAX + 1), SET_NONE, "it is too large");
	is_num(state_with(36, SET_TREE_MAX + 1), SET_NONE, "the tree is too large");
	for (unsigned at = 0; at < 448; at++) {
		set_make();
		flash[at] ^= 1u << at % 8;
		if (set_check(flash, sizeof(flash), 0).state != SET_NONE)
			ok(false, "octet %u of the header is changed", at);
	}
	memset(flash, 0xff, sizeof(flash));
	is_num(set_check(flash, sizeof(flash), 0).state, SET_NONE, "erased flash");
}

/* ---- trees ---- */

static uint8_t tree[512];
static uint32_t tree_at;

static void cell(uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		tree[tree_at++] = (uint8_t)(v >> (24 - 8 * i));
}

static void text(const char *s)
{
	size_t n = strlen(s) + 1;

	memcpy(tree + tree_at, s, n);
	tree_at += (uint32_t)(n + 3) & ~3u;
}

/* A root with a node before, `name`, whose reg has two cells, and its end. */
static void tree_make(const char *name, const char *property)
{
	uint32_t structure, names;

	memset(tree, 0, sizeof(tree));
	tree_at = TREE_HEAD;
	structure = tree_at;
	cell(TREE_BEGIN), text("");
	cell(TREE_BEGIN), text("cpus");
	cell(TREE_PROPERTY), cell(8), cell(6), cell(1), cell(2);
	cell(TREE_BEGIN), text("memory");
	cell(TREE_PROPERTY), cell(8), cell(6), cell(3), cell(4);
	cell(TREE_END);
	cell(TREE_END);
	cell(TREE_NOTHING);
	cell(TREE_BEGIN), text(name);
	cell(TREE_PROPERTY), cell(5), cell(0), cell(0x61626364), cell(0x65000000);
	cell(TREE_PROPERTY), cell(8), cell(6), cell(0x40000000), cell(0x01000000);
	cell(TREE_END);
	cell(TREE_END);
	cell(9);
	names = tree_at;
	memcpy(tree + tree_at, "other\0", 6);
	memcpy(tree + tree_at + 6, property, strlen(property) + 1);
	tree_at += 6 + (uint32_t)strlen(property) + 1;
	{
		uint32_t total = tree_at;

		tree_at = 0;
		cell(0xd00dfeed), cell(total), cell(structure), cell(names), cell(0), cell(17), cell(16), cell(0);
		cell(total - names), cell(names - structure);
	}
}

static void test_trees(void)
{
	uint8_t *at;
	bool inside = true;

	tree_make("memory@40000000", "reg");
	at = tree_memory(tree, sizeof(tree));
	ok(at && tree_word(at) == 0x01000000, "the size of the memory");
	tree_make("memory", "reg");
	at = tree_memory(tree, sizeof(tree));
	ok(at && tree_word(at) == 0x01000000, "of a node without an address");
	tree_make("memory-controller", "reg");
	ok(!tree_memory(tree, sizeof(tree)), "another node whose name begins so");
	tree_make("memory", "range");
	ok(!tree_memory(tree, sizeof(tree)), "no reg");
	tree_make("memory", "reg");
	ok(!tree_memory(tree, tree_size(tree) - 1), "larger than its place");
	ok(tree_size(tree) > 0 && tree_size(flash) == 0, "what is no tree has no size");
	/* Any octet changed to anything: never a place outside. The sanitizers watch the reading. */
	for (unsigned i = 0; i < 240; i++) {
		for (unsigned v = 0; v < 256; v += 5) {
			tree_make("memory", "reg");
			tree[i] = (uint8_t)v;
			at = tree_memory(tree, sizeof(tree));
			inside = inside && (!at || (at >= tree && at + 4 <= tree + sizeof(tree)));
		}
	}
	ok(inside, "a damaged tree gives a place inside, or none");
}

int main(void)
{
	test_records();
	test_full();
	test_torn();
	test_every_state();
	test_sets();
	test_trees();
	return done();
}
