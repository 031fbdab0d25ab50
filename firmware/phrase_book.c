/* SPDX-License-Identifier: ISC */
/*
 * The book of phrases, made: see src/base/phrase.h.
 *
 * Symbols are made of pairs of symbols, again and again the pair that saves the most bits, until none saves what its
 * entry costs. Then each text is written anew with the symbols that take the fewest bits. Nothing but the texts decides,
 * and no floating point: the same texts give the same book.
 */
#include "phrase_book.h"

#include <string.h>

enum {
	OCTETS   = 128, /* the first symbols: those of ASCII */
	SYMBOLS  = 1 << 12,
	WIDTH    = 12, /* bits of a symbol's number at the most, and at the least */
	NARROW   = 8,
	UNUSED   = 13, /* bits that a symbol would have which is nowhere yet */
	PARSES   = 2,
	FRACTION = 16, /* bits of a bit, in sums */
};

_Static_assert(2 * WIDTH + 7 <= 32, "four octets hold a symbol wherever it begins");

/* What it stands for is text, n octets; code: of bits bits, the first in the highest; number: in the book. */
struct symbol {
	unsigned left, right;
	const char *text;
	size_t n, count;
	unsigned bits, code, number, depth;
	bool used;
};

static struct phrase_text *phrases;
static size_t phrases_n;

static struct symbol symbols[SYMBOLS];
static unsigned symbols_n, width;
static char expansions[8 * PHRASE_TEXT]; /* what symbols stand for */
static size_t expansions_n;
static uint16_t row[PHRASE_TEXT]; /* of symbols: all texts, each once, each with its '\0' */
static size_t row_n;
static uint16_t pairs[SYMBOLS][SYMBOLS]; /* how often in row */
static uint64_t weight[PHRASE_TEXT + 1]; /* n log2(n) */

static uint8_t packed[PHRASE_TEXT];
static size_t packed_bits;
static unsigned order[SYMBOLS], order_n; /* symbols as the book numbers them */
static unsigned codes[PHRASE_BITS];

/* ---- making symbols ---- */

/* log2(n) in 1 / 2^FRACTION, rounded down. */
static uint64_t log2_of(uint64_t n)
{
	uint64_t whole = 0, fraction = 0, x = n << 32;

	while (x >= (uint64_t)2 << 32) {
		x >>= 1;
		whole++;
	}
	for (int i = 0; i < FRACTION; i++) { /* x in [1, 2), 30 bits behind the point */
		x = i == 0 ? x >> 2 : x;
		x = x * x >> 30;
		fraction <<= 1;
		if (x >= (uint64_t)2 << 30) {
			x >>= 1;
			fraction |= 1;
		}
	}
	return (whole << FRACTION) + fraction;
}

static bool is_pair(size_t i)
{
	return row[i] != '\0' && row[i + 1] != '\0';
}

/* "aaa" holds "aa" once. */
static size_t after_pair(size_t i)
{
	return i + (row[i] == row[i + 1] && i + 2 < row_n && row[i + 2] == row[i] ? 2 : 1);
}

/* What it saves, in 1 / 2^FRACTION bits, to make one symbol of n pairs. */
static int64_t saved(const struct symbol *a, const struct symbol *b, size_t n)
{
	uint64_t before = weight[row_n] + weight[a->count - (a == b ? 2 * n : n)] + weight[n];
	uint64_t after = weight[row_n - n] + weight[a->count] + (a == b ? 0 : weight[b->count]);

	if (a != b)
		before += weight[b->count - n];
	return (int64_t)(before - after);
}

/* Finds the best pair and counts it; false if none is worth it. */
static bool best_pair(unsigned *left, unsigned *right)
{
	int64_t best = (int64_t)(2 * width) << FRACTION; /* its entry */
	bool found = false;

	for (size_t i = 0; i + 1 < row_n; i = after_pair(i))
		if (is_pair(i))
			pairs[row[i]][row[i + 1]]++;
	for (size_t i = 0; i + 1 < row_n; i++) {
		uint16_t *n = &pairs[row[i]][row[i + 1]];
		int64_t gain = *n > 1 ? saved(&symbols[row[i]], &symbols[row[i + 1]], *n) : 0;

		*n = 0;
		if (gain > best) {
			best = gain;
			*left = row[i];
			*right = row[i + 1];
			found = true;
		}
	}
	return found;
}

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* Puts a new symbol in the place of each pair. */
static void join(unsigned left, unsigned right)
{
	struct symbol *a = &symbols[left], *b = &symbols[right], *new = &symbols[symbols_n];
	char *both = expansions + expansions_n;
	size_t to = 0;

	if (sizeof(expansions) - expansions_n < a->n + b->n)
		fail(NULL, "symbols of too much text");
	expansions_n += a->n + b->n;
	memcpy(both, a->text, a->n);
	memcpy(both + a->n, b->text, b->n);
	*new = (struct symbol){ .left = left, .right = right, .text = both, .n = a->n + b->n,
		.depth = larger(a->depth + 1, b->depth) };
	if (new->depth > PHRASE_DEPTH)
		fail(NULL, "symbols within symbols: more than %d are held back", PHRASE_DEPTH);
	for (size_t i = 0; i < row_n; i++) {
		bool pair = i + 1 < row_n && row[i] == left && row[i + 1] == right;

		row[to++] = (uint16_t)(pair ? symbols_n : row[i]);
		new->count += pair;
		i += pair;
	}
	row_n = to;
	a->count -= new->count;
	b->count -= new->count;
	symbols_n++;
}

static void make_symbols(void)
{
	static char octets[OCTETS];
	unsigned left, right, used = 0;

	memset(symbols, 0, sizeof(symbols));
	expansions_n = 0;
	for (unsigned i = 0; i < OCTETS; i++) {
		octets[i] = (char)i;
		symbols[i].text = &octets[i];
		symbols[i].n = 1;
	}
	row_n = 0;
	for (size_t i = 0; i < phrases_n; i++)
		for (size_t k = 0; phrases[i].same == i && k < phrases[i].n; k++)
			row[row_n++] = (uint16_t)phrases[i].p[k];
	for (size_t i = 0; i < row_n; i++)
		used += symbols[row[i]].count++ == 0;
	/* Number 0 is none. */
	for (symbols_n = OCTETS; symbols_n < SYMBOLS && used + 1 < 1u << width && best_pair(&left, &right); used++)
		join(left, right);
}

/* ---- writing the texts anew ---- */

/* The bits that symbol i costs. */
static unsigned cost(unsigned i)
{
	return symbols[i].bits ? symbols[i].bits : UNUSED;
}

/* The cheapest row for n octets, the last of them '\0', behind what is in row. */
static void parse(const char *p, size_t n)
{
	static unsigned bits[PHRASE_TEXT + 1], symbol[PHRASE_TEXT];

	bits[n] = 0;
	for (size_t i = n; i-- > 0;) {
		symbol[i] = (unsigned)p[i];
		bits[i] = cost(symbol[i]) + bits[i + 1];
		for (unsigned k = OCTETS; k < symbols_n; k++) {
			const struct symbol *s = &symbols[k];

			if (s->text[0] == p[i] && s->n <= n - i && cost(k) + bits[i + s->n] < bits[i] &&
			    memcmp(s->text, p + i, s->n) == 0) {
				symbol[i] = k;
				bits[i] = cost(k) + bits[i + s->n];
			}
		}
	}
	for (size_t i = 0; i < n; i += symbols[symbol[i]].n) {
		row[row_n++] = (uint16_t)symbol[i];
		symbols[symbol[i]].count++;
	}
}

static void parse_all(void)
{
	row_n = 0;
	for (unsigned i = 0; i < symbols_n; i++)
		symbols[i].count = 0;
	for (size_t i = 0; i < phrases_n; i++)
		if (phrases[i].same == i)
			parse(phrases[i].p, phrases[i].n);
}

/* ---- their codes ---- */

/* The lightest of the trees that have no parent yet, the oldest of equals; the one at not is left out. */
static unsigned lightest(const size_t *count, const unsigned *parent, unsigned n, unsigned not)
{
	unsigned best = n;

	for (unsigned i = 0; i < n; i++)
		if (i != not && count[i] > 0 && parent[i] == 0 && (best == n || count[i] < count[best]))
			best = i;
	return best;
}

/* Huffman's: the two lightest become one, until one is left. */
static void set_lengths(void)
{
	static size_t count[2 * SYMBOLS];
	static unsigned parent[2 * SYMBOLS];
	unsigned n = symbols_n;

	memset(parent, 0, sizeof(parent));
	for (unsigned i = 0; i < symbols_n; i++)
		count[i] = symbols[i].count;
	for (;;) {
		unsigned a = lightest(count, parent, n, n), b = lightest(count, parent, n, a);

		if (b == n)
			break;
		count[n] = count[a] + count[b];
		parent[a] = parent[b] = n++;
	}
	for (unsigned i = 0; i < symbols_n; i++) {
		symbols[i].bits = 0;
		for (unsigned k = i; parent[k] != 0; k = parent[k])
			symbols[i].bits++;
		if (symbols[i].bits > PHRASE_BITS)
			fail(NULL, "a code of more than %d bits", PHRASE_BITS);
	}
}

static void number_symbol(unsigned i)
{
	order[order_n++] = i;
	symbols[i].number = order_n;
}

/* Numbers in the order of lengths, and with them the codes; behind these what is only part of others. */
static void set_codes(void)
{
	unsigned code = 0;

	order_n = 0;
	memset(codes, 0, sizeof(codes));
	for (unsigned bits = 1; bits <= PHRASE_BITS; bits++) {
		code <<= 1;
		for (unsigned i = 0; i < symbols_n; i++)
			if (symbols[i].bits == bits) {
				number_symbol(i);
				symbols[i].code = code++;
				codes[bits - 1]++;
			}
	}
	for (unsigned i = symbols_n; i-- > 0;) {
		struct symbol *s = &symbols[i];

		s->used = s->used || s->count > 0;
		if (s->used && i >= OCTETS)
			symbols[s->left].used = symbols[s->right].used = true;
		if (s->used && s->bits == 0)
			number_symbol(i);
	}
}

/* ---- writing ---- */

static void put_bit(unsigned bit)
{
	if (packed_bits / 8 == sizeof(packed))
		fail(NULL, "too much text");
	packed[packed_bits / 8] |= (uint8_t)(bit << packed_bits % 8);
	packed_bits++;
}

/* The highest first. */
static void put(unsigned value, unsigned bits)
{
	while (bits-- > 0)
		put_bit(value >> bits & 1);
}

/* A number of the table: the lowest first. */
static void put_number(unsigned value)
{
	for (unsigned i = 0; i < width; i++)
		put_bit(value >> i & 1);
}

static void fill_octet(void)
{
	packed_bits = (packed_bits + 7) / 8 * 8;
}

static void pack(void)
{
	size_t at = 0;

	memset(packed, 0, sizeof(packed));
	packed_bits = 0;
	for (unsigned i = 0; i < order_n; i++) {
		const struct symbol *s = &symbols[order[i]];
		bool octet = order[i] < OCTETS;

		put_number(octet ? order[i] : symbols[s->left].number);
		put_number(octet ? 0 : symbols[s->right].number);
	}
	for (size_t i = 0; i < phrases_n; i++) {
		phrases[i].at = phrases[phrases[i].same].at;
		if (phrases[i].same != i)
			continue;
		fill_octet();
		phrases[i].at = packed_bits / 8;
		do
			put(symbols[row[at]].code, symbols[row[at]].bits);
		while (row[at++] != '\0');
	}
	fill_octet();
	/* Whoever reads the last symbol reads four octets. */
	for (int i = 0; i < 24; i++)
		put_bit(0);
}

/* The book for symbols of so many bits. */
static size_t make(unsigned bits)
{
	width = bits;
	make_symbols();
	set_lengths();
	for (int i = 0; i < PARSES; i++) {
		parse_all();
		set_lengths();
	}
	set_codes();
	pack();
	return sizeof(struct phrase_book) + packed_bits / 8;
}

void book_make(struct book *book, struct phrase_text *texts, size_t n)
{
	unsigned best = NARROW;
	size_t size, smallest = SIZE_MAX;

	phrases = texts;
	phrases_n = n;
	for (size_t i = 1; i <= PHRASE_TEXT; i++)
		weight[i] = i * log2_of(i);
	for (unsigned bits = NARROW; bits <= WIDTH; bits++) {
		size = make(bits);
		if (size < smallest) {
			smallest = size;
			best = bits;
		}
	}
	size = make(best);
	if (size > UINT16_MAX)
		fail(NULL, "the book has %zu octets", size);
	*book = (struct book){ .size = size, .width = width, .symbols = order_n, .codes = codes, .bits = packed };
}
