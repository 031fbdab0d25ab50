/* SPDX-License-Identifier: ISC */
/*
 * Packs the phrases (src/base/fmt.h) of the program that the compiler has just made: called in front of the assembler,
 * see toolchain.mk. Takes them out of the assembler's file and puts the book that src/base/phrase.h describes at its end.
 * A program of the machine that builds. usage: phrases FILE
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "phrase_book.h"

#define PHRASES (1 << 14)

struct line {
	const char *p;
	size_t n;
	bool taken; /* goes into the book */
};

static const char *file;
static struct line *lines;
static size_t lines_n;

static struct phrase_text phrases[PHRASES];
static size_t phrases_n;
static char text[PHRASE_TEXT];
static size_t text_n;

void fail(const struct line *l, const char *format, ...)
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
		if (text_n + 2 > PHRASE_TEXT)
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
	*phrase = (struct phrase_text){ .label = first - 1, .p = text + begin + 1, .n = text_n - begin - 1, .same = phrases_n };
	for (size_t i = 0; i < phrases_n; i++)
		if (phrases[i].n == phrase->n && memcmp(phrases[i].p, phrase->p, phrase->n) == 0) {
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

/* ---- writing ---- */

static void write_book(FILE *f, const struct book *book)
{
	size_t bits = book->size - sizeof(struct phrase_book);

	fprintf(f, "\t.section\t.rodata.phrase_book,\"a\"\n\t.balign\t2\n");
	fprintf(f, "\t.type\tphrase_book, %%object\n\t.size\tphrase_book, %zu\nphrase_book:\n\t.2byte\t%zu, %u", book->size, book->size,
	    book->width);
	for (unsigned i = 0; i < PHRASE_BITS; i++)
		fprintf(f, ", %u", book->codes[i]);
	fputc('\n', f);
	for (size_t at = 0; at < bits; at++) {
		for (size_t i = 0; i < phrases_n; i++)
			if (phrases[i].at == at)
				fprintf(f, "%.*s\n", (int)phrases[i].label->n, phrases[i].label->p);
		fprintf(f, "\t.byte\t%u\n", book->bits[at]);
	}
}

static void write_file(const struct book *book)
{
	FILE *f = fopen(file, "wb");

	if (!f)
		fail(NULL, "cannot be written");
	for (struct line *l = lines; l < lines + lines_n; l++)
		if (!l->taken) {
			fwrite(l->p, 1, l->n, f);
			fputc('\n', f);
		}
	write_book(f, book);
	if (ferror(f) || fclose(f) != 0)
		fail(NULL, "cannot be written");
}

int main(int argc, char **argv)
{
	struct book book = { 0 };

	if (argc != 2) {
		fputs("usage: phrases FILE\n", stderr);
		return 2;
	}
	file = argv[1];
	read_lines();
	find_phrases();
	if (phrases_n > 0) {
		book_make(&book, phrases, phrases_n);
		write_file(&book);
	}
	printf("%zu phrases, %zu octets, packed to %zu: %u symbols of %u bits\n", phrases_n, text_n, book.size, book.symbols, book.width);
	return 0;
}
