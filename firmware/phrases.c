/* SPDX-License-Identifier: ISC */
/*
 * Packs the phrases (src/base/fmt.h) of the program that the compiler has just made: called in front of the assembler,
 * see toolchain.mk. Takes them out of the assembler's file and puts the book that src/base/phrase.h describes at its end.
 * A program of the machine that builds. usage: phrases FILE
 *
 * Symbols are made of pairs of symbols, again and again the pair that saves the most bits, until none saves what its
 * entry costs. Nothing but the file decides, and no floating point: the same file gives the same book.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "base/phrase.h"

enum {
	PHRASES    = 1 << 14,
	TEXT       = 1 << 17, /* octets of all texts together */
	ENTRY_BITS = 24,
	FRACTION   = 16, /* bits of a bit, in sums */
};

struct line {
	const char *p;
	size_t n;
	bool taken; /* goes into the book */
};

/* label: with its colon; first: its octets in text[], the last one '\0'. */
struct phrase_text {
	const struct line *label;
	size_t first, n;
	size_t same; /* the first phrase of the same text */
	size_t at;   /* its octets in the book's texts */
};

/* code: of bits bits, the first in the highest; number: in the book. */
struct symbol {
	unsigned left, right;
	size_t count;
	unsigned bits, code, number, depth;
	bool octet, used;
};

static const char *file;
static struct line *lines;
static size_t lines_n;

static struct phrase_text phrases[PHRASES];
static size_t phrases_n;
static char text[TEXT];
static size_t text_n;

static struct symbol symbols[PHRASE_SYMBOLS]; /* the first 128: octets of ASCII */
static unsigned symbols_n = 128;
static uint16_t row[TEXT]; /* of symbols: all texts, each once, each with its '\0' */
static size_t row_n;
static uint16_t pairs[PHRASE_SYMBOLS][PHRASE_SYMBOLS]; /* how often in row */
static uint64_t weight[TEXT + 1]; /* n log2(n) */

static uint8_t packed[TEXT];
static size_t packed_n;
static unsigned order[PHRASE_SYMBOLS], order_n; /* symbols as the book numbers them */
static unsigned codes[PHRASE_BITS];

__attribute__((noreturn, format(printf, 2, 3))) static void fail(const struct line *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "phrases: %s", file);
	if (l)
		fprintf(stderr, ":%zu", (size_t)(l - lines) + 1);
	fputs(": ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void *room(size_t n)
{
	void *p = malloc(n);

	if (!p)
		fail(NULL, "no memory");
	return p;
}

static void read_lines(void)
{
	FILE *f = fopen(file, "rb");
	long size;
	char *p, *end, *next;

	if (!f || fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < 0)
		fail(NULL, "cannot be read");
	rewind(f);
	p = room((size_t)size + 1);
	if (fread(p, 1, (size_t)size, f) != (size_t)size)
		fail(NULL, "cannot be read");
	(void)fclose(f);
	end = p + size;
	for (char *c = p; c < end; c++)
		lines_n += *c == '\n';
	lines = room(sizeof(*lines) * (lines_n + 1));
	lines_n = 0;
	for (; p < end; p = next + 1) {
		next = memchr(p, '\n', (size_t)(end - p));
		if (!next)
			next = end;
		lines[lines_n++] = (struct line){ p, (size_t)(next - p), false };
	}
}

/* ---- finding them ---- */

static bool begins(const struct line *l, const char *with)
{
	return l->n >= strlen(with) && memcmp(l->p, with, strlen(with)) == 0;
}

/* Is l the directive, and where are its operands? */
static bool directive(const struct line *l, const char *name, const char **operands)
{
	size_t n = strlen(name);

	if (l->n < n + 2 || l->p[0] != '\t' || memcmp(l->p + 1, name, n) != 0)
		return false;
	*operands = l->p + 1 + n + 1;
	return l->p[1 + n] == '\t' || l->p[1 + n] == ' ';
}

/* Do the lines after l go to a section of C strings, to be merged by the linker? as_before if l does not tell. */
static bool strings_after(const struct line *l, bool as_before)
{
	static const char *const others[] = { "\t.text", "\t.data", "\t.bss", "\t.previous", "\t.popsection", "\t.pushsection",
		"\t.subsection" };
	const char *name;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (begins(l, others[i]))
			return false;
	if (!directive(l, ".section", &name))
		return as_before;
	while (name + n < l->p + l->n && name[n] != ',' && name[n] != ' ' && name[n] != '\t')
		n++;
	for (size_t i = 0; i + 6 <= n; i++)
		if (memcmp(name, ".rodata", 7) == 0 && memcmp(name + i, ".str1.", 6) == 0)
			return true;
	return false;
}

/* The octet at *p of a quoted string, as gcc writes it. */
static char octet(const struct line *l, const char **p)
{
	static const char letters[] = "b\bf\fn\nr\rt\t\"\"\\\\";
	unsigned value = 0;
	const char *c = *p, *first;

	if (*c != '\\') {
		*p = c + 1;
		return *c;
	}
	first = ++c;
	while (c < first + 3 && *c >= '0' && *c <= '7')
		value = value * 8 + (unsigned)(*c++ - '0');
	if (c == first) {
		for (size_t i = 0; i + 1 < sizeof(letters); i += 2)
			if (letters[i] == *c)
				value = (unsigned char)letters[i + 1];
		if (value == 0)
			fail(l, "an escape that is not known: \\%c", *c);
		c++;
	}
	*p = c;
	return (char)value;
}

/* Appends the string of l to text, '\0' too where the directive adds one. False if l is no such directive. */
static bool append(const struct line *l)
{
	const char *p, *end = l->p + l->n;
	bool zero = directive(l, ".string", &p) || directive(l, ".asciz", &p);

	if (!zero && !directive(l, ".ascii", &p))
		return false;
	if (*p++ != '"' || end[-1] != '"')
		fail(l, "a string that is not quoted");
	while (p < end - 1) {
		if (text_n + 2 > TEXT)
			fail(l, "too much text");
		text[text_n++] = octet(l, &p);
	}
	if (p != end - 1)
		fail(l, "a string without an end");
	if (zero)
		text[text_n++] = '\0';
	return true;
}

/* What a text may consist of. */
static bool is_text(char c)
{
	return (c >= ' ' && c <= '~') || c == '\t' || c == '\r' || c == '\n';
}

/* The phrase whose directives begin with l, if it is one; its lines are taken. Returns the line after it. */
static struct line *take(struct line *l)
{
	struct phrase_text *phrase = &phrases[phrases_n];
	struct line *first = l;
	size_t begin = text_n;

	while (l < lines + lines_n && (text_n == begin || text[text_n - 1] != '\0') && append(l))
		l++;
	if (text[begin] != PHRASE_MARK[0]) {
		text_n = begin;
		return l;
	}
	if (phrases_n == PHRASES)
		fail(first, "too many phrases");
	if (first == lines || first[-1].n < 2 || first[-1].p[first[-1].n - 1] != ':')
		fail(first, "a phrase without a label");
	if (text[text_n - 1] != '\0')
		fail(first, "a phrase without an end");
	for (size_t i = begin + 1; i + 1 < text_n; i++)
		if (!is_text(text[i]))
			fail(first, "octet %u in a phrase", (unsigned char)text[i]);
	for (struct line *x = first - 1; x < l; x++)
		x->taken = true;
	*phrase = (struct phrase_text){ .label = first - 1, .first = begin + 1, .n = text_n - begin - 1, .same = phrases_n };
	for (size_t i = 0; i < phrases_n; i++)
		if (phrases[i].n == phrase->n && memcmp(text + phrases[i].first, text + phrase->first, phrase->n) == 0) {
			phrase->same = phrases[i].same;
			text_n = begin;
			break;
		}
	phrases_n++;
	return l;
}

static void find_phrases(void)
{
	bool strings = false;
	const char *p;

	for (struct line *l = lines; l < lines + lines_n;) {
		strings = strings_after(l, strings);
		if (strings && (directive(l, ".ascii", &p) || directive(l, ".string", &p) || directive(l, ".asciz", &p)))
			l = take(l);
		else
			l++;
	}
}

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
	int64_t best = (int64_t)ENTRY_BITS << FRACTION;
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
	unsigned new = symbols_n++;
	size_t to = 0, count = 0;

	for (size_t i = 0; i < row_n; i++) {
		bool pair = i + 1 < row_n && row[i] == left && row[i + 1] == right;

		row[to++] = (uint16_t)(pair ? new : row[i]);
		count += pair;
		i += pair;
	}
	row_n = to;
	symbols[left].count -= count;
	symbols[right].count -= count;
	symbols[new] = (struct symbol){ .left = left, .right = right, .count = count, .used = true,
		.depth = larger(symbols[left].depth + 1, symbols[right].depth) };
	if (symbols[new].depth > PHRASE_DEPTH)
		fail(NULL, "symbols within symbols: more than %d are held back", PHRASE_DEPTH);
}

static void make_symbols(void)
{
	unsigned left, right;

	for (size_t n = 1; n <= TEXT; n++)
		weight[n] = n * log2_of(n);
	for (size_t i = 0; i < phrases_n; i++)
		for (size_t k = 0; phrases[i].same == i && k < phrases[i].n; k++)
			row[row_n++] = (uint16_t)text[phrases[i].first + k];
	for (size_t i = 0; i < row_n; i++) {
		symbols[row[i]].octet = symbols[row[i]].used = true;
		symbols[row[i]].count++;
	}
	while (symbols_n < PHRASE_SYMBOLS && best_pair(&left, &right))
		join(left, right);
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
	static size_t count[2 * PHRASE_SYMBOLS];
	static unsigned parent[2 * PHRASE_SYMBOLS];
	unsigned n = symbols_n;

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
		for (unsigned k = i; parent[k] != 0; k = parent[k])
			symbols[i].bits++;
		if (symbols[i].bits > PHRASE_BITS)
			fail(NULL, "a code of more than %d bits", PHRASE_BITS);
	}
}

static void number_symbol(unsigned i)
{
	symbols[i].number = order_n;
	order[order_n++] = i;
}

/* Numbers in the order of lengths, and with them the codes; behind these what is only part of others. */
static void set_codes(void)
{
	unsigned code = 0;

	for (unsigned bits = 1; bits <= PHRASE_BITS; bits++) {
		code <<= 1;
		for (unsigned i = 0; i < symbols_n; i++)
			if (symbols[i].bits == bits) {
				number_symbol(i);
				symbols[i].code = code++;
				codes[bits - 1]++;
			}
	}
	for (unsigned i = 0; i < symbols_n; i++)
		if (symbols[i].used && symbols[i].bits == 0)
			number_symbol(i);
}

/* ---- writing ---- */

static void pack_texts(void)
{
	size_t at = 0;

	for (size_t i = 0; i < phrases_n; i++) {
		bool bit;

		phrases[i].at = phrases[phrases[i].same].at;
		if (phrases[i].same != i)
			continue;
		phrases[i].at = packed_n;
		bit = false;
		for (size_t bits = 0, last = 1; last != '\0'; at++) {
			const struct symbol *s = &symbols[row[at]];

			last = row[at];
			for (unsigned k = s->bits; k > 0; k--, bits++) {
				bit = s->code >> (k - 1) & 1;
				if (bits % 8 == 0)
					packed[packed_n++] = 0;
				packed[packed_n - 1] |= (uint8_t)(bit << bits % 8);
			}
		}
	}
}

static size_t book_size(void)
{
	return sizeof(struct phrase_book) + sizeof(phrase_book.symbols[0]) * order_n + packed_n;
}

static void write_book(FILE *f)
{
	size_t size = book_size();

	if (size > UINT16_MAX)
		fail(NULL, "the book has %zu octets", size);
	fprintf(f, "\t.section\t.rodata.phrase_book,\"a\"\n\t.balign\t2\n");
	fprintf(f, "\t.type\tphrase_book, %%object\n\t.size\tphrase_book, %zu\nphrase_book:\n\t.2byte\t%zu\n", size, size);
	for (unsigned i = 0; i < PHRASE_BITS; i++)
		fprintf(f, "\t.2byte\t%u\n", codes[i]);
	for (unsigned i = 0; i < order_n; i++) {
		const struct symbol *s = &symbols[order[i]];
		unsigned left = s->octet ? order[i] : symbols[s->left].number;
		unsigned right = s->octet ? PHRASE_OCTET << 4 : symbols[s->right].number;

		fprintf(f, "\t.byte\t%u, %u, %u\n", left & 255, left >> 8 | (right & 15) << 4, right >> 4);
	}
	for (size_t at = 0; at < packed_n; at++) {
		for (size_t i = 0; i < phrases_n; i++)
			if (phrases[i].at == at)
				fprintf(f, "%.*s\n", (int)phrases[i].label->n, phrases[i].label->p);
		fprintf(f, "\t.byte\t%u\n", packed[at]);
	}
}

static void write_file(void)
{
	FILE *f = fopen(file, "wb");

	if (!f)
		fail(NULL, "cannot be written");
	for (struct line *l = lines; l < lines + lines_n; l++)
		if (!l->taken) {
			fwrite(l->p, 1, l->n, f);
			fputc('\n', f);
		}
	write_book(f);
	if (ferror(f) || fclose(f) != 0)
		fail(NULL, "cannot be written");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: phrases FILE\n", stderr);
		return 2;
	}
	file = argv[1];
	read_lines();
	find_phrases();
	if (phrases_n > 0) {
		make_symbols();
		set_lengths();
		set_codes();
		pack_texts();
		write_file();
	}
	printf("%zu phrases, %zu octets, packed to %zu: %zu of texts, %u symbols\n", phrases_n, text_n, book_size(), packed_n, order_n);
	return 0;
}
