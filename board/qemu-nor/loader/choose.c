/* SPDX-License-Identifier: ISC */
#include "choose.h"

/* ---- marks ---- */

/* 0, 1, or 2: it names no set. */
static unsigned mark_set(uint32_t word)
{
	return word == MARK_A ? 0 : word == MARK_B ? 1 : 2;
}

struct choice choose(const volatile uint32_t *mark, unsigned records)
{
	struct choice c = { .set = 0, .word = MARK_NONE };
	uint32_t last = MARK_NONE;
	unsigned well = 2, tired;

	for (unsigned i = 0; i < records; i++) {
		unsigned set = mark_set(mark[i * MARK_WORDS]);

		if (set > 1)
			continue;
		last = i * MARK_WORDS;
		c.set = set;
		if (mark[last + MARK_GOOD] != MARK_FREE)
			well = set;
	}
	if (last == MARK_NONE || mark[last + MARK_GOOD] != MARK_FREE)
		return c;
	for (unsigned i = 1; i <= MARK_TRIES; i++) {
		if (mark[last + i] == MARK_FREE) {
			c.word = last + i;
			c.trial = i;
			return c;
		}
	}
	tired = c.set;
	c.set = well > 1 ? !tired : well;
	c.tired = c.set != tired;
	return c;
}

/* ---- sets: src/image/image.h tells the header ---- */

enum {
	HEAD = 512,
	AT_HEAD = 8,
	AT_TOTAL = 12,
	AT_CRC = 16,
	AT_FORMAT = 20,
	AT_KERNEL = 24,
	AT_TREE = 32,
	AT_HEAD_CRC = 444,
};

static uint32_t word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool magic(const uint8_t *p)
{
	static const char text[] = "GPIMAGE1";

	for (unsigned i = 0; i < sizeof(text) - 1; i++) {
		if (p[i] != (uint8_t)text[i])
			return false;
	}
	return true;
}

static uint32_t crc32(const uint8_t *p, uint32_t n)
{
	uint32_t table[256], crc = ~0u;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (unsigned k = 0; k < 8; k++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
	}
	while (n-- > 0)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}

static bool inside(const uint8_t *place, uint32_t most, uint32_t total)
{
	uint32_t at = word(place), n = word(place + 4);

	return at >= HEAD && at % 4 == 0 && n > 0 && n <= most && at <= total && n <= total - at;
}

struct set set_check(const uint8_t *p, uint32_t size, unsigned n)
{
	struct set s = { .state = SET_NONE };
	const uint8_t *tree = p + AT_TREE + 8 * n;
	uint32_t total = word(p + AT_TOTAL);

	if (!magic(p) || word(p + AT_HEAD_CRC) != crc32(p, AT_HEAD_CRC) || word(p + AT_HEAD) != HEAD ||
	    word(p + AT_FORMAT) != 1 || total < HEAD || total > size ||
	    !inside(p + AT_KERNEL, SET_KERNEL_MAX, total) || !inside(tree, SET_TREE_MAX, total))
		return s;
	s.kernel = p + word(p + AT_KERNEL);
	s.kernel_size = word(p + AT_KERNEL + 4);
	s.tree = p + word(tree);
	s.tree_size = word(tree + 4);
	s.state = crc32(p + HEAD, total - HEAD) == word(p + AT_CRC) ? SET_WHOLE : SET_DAMAGED;
	return s;
}

/* ---- device trees: the Devicetree Specification, chapter 5 ---- */

enum {
	TREE_BEGIN = 1,
	TREE_END = 2,
	TREE_PROPERTY = 3,
	TREE_NOTHING = 4,
	TREE_HEAD = 40, /* octets */
};

uint32_t tree_word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint32_t tree_size(const uint8_t *tree)
{
	return tree_word(tree) == 0xd00dfeed ? tree_word(tree + 4) : 0;
}

struct walk {
	uint8_t *tree;
	uint32_t at, end;        /* of the structure */
	uint32_t names, names_n; /* of the properties */
};

/* Is it `text`, in a place of n octets? Behind it may come `more`, or its end. */
static bool is_name(const uint8_t *p, uint32_t n, const char *text, uint8_t more)
{
	uint32_t i = 0;

	for (; text[i] != '\0'; i++) {
		if (i >= n || p[i] != (uint8_t)text[i])
			return false;
	}
	return i < n && (p[i] == 0 || p[i] == more);
}

/* The octets of a name with its end; all that is left where it has none. */
static uint32_t name_size(const struct walk *w)
{
	uint32_t n = 0;

	while (w->at + n < w->end && w->tree[w->at + n] != 0)
		n++;
	return n + 1;
}

static bool walk_begin(struct walk *w, uint8_t *tree, uint32_t size)
{
	uint32_t total = tree_size(tree), n;

	if (total < TREE_HEAD || total > size)
		return false;
	w->tree = tree;
	w->at = tree_word(tree + 8);
	w->names = tree_word(tree + 12);
	w->names_n = tree_word(tree + 32);
	n = tree_word(tree + 36);
	w->end = w->at + n;
	return w->at <= total && n <= total - w->at && w->at % 4 == 0 && w->names <= total &&
	       w->names_n <= total - w->names;
}

/* Past a property; its last cell if it is "reg". */
static uint8_t *walk_property(struct walk *w)
{
	uint32_t n, name;
	uint8_t *last = 0;

	if (w->end - w->at < 8) {
		w->at = w->end;
		return 0;
	}
	n = tree_word(w->tree + w->at);
	name = tree_word(w->tree + w->at + 4);
	w->at += 8;
	if (n > w->end - w->at) {
		w->at = w->end;
		return 0;
	}
	if (n >= 8 && name < w->names_n && is_name(w->tree + w->names + name, w->names_n - name, "reg", 0))
		last = w->tree + w->at + n - 4;
	w->at += (n + 3) & ~3u;
	return last;
}

uint8_t *tree_memory(uint8_t *tree, uint32_t size)
{
	unsigned depth = 0;
	bool memory = false;
	struct walk w;

	if (!walk_begin(&w, tree, size))
		return 0;
	while (w.at < w.end && w.end - w.at >= 4) {
		uint32_t token = tree_word(tree + w.at);
		uint8_t *reg;

		w.at += 4;
		if (token == TREE_BEGIN) {
			memory = ++depth == 2 && is_name(tree + w.at, w.end - w.at, "memory", '@');
			w.at += (name_size(&w) + 3) & ~3u;
		} else if (token == TREE_END) {
			depth--;
			memory = false;
		} else if (token == TREE_PROPERTY) {
			reg = walk_property(&w);
			if (memory && reg)
				return reg;
		} else if (token != TREE_NOTHING) {
			break;
		}
	}
	return 0;
}
