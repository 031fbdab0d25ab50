/* SPDX-License-Identifier: ISC */
#include "base/fmt.h"

#include "base/bug.h"
#include "base/phrase.h"

#include <string.h>

#define DIGITS 20 /* of UINT64_MAX */

/* Arguments that a function can take from for another. */
struct list {
	va_list args;
};

void fmt_init(struct fmt *f, char *p, size_t cap)
{
	if (cap == 0)
		gp_bug("fmt_init: no storage");
	f->p = p;
	f->cap = cap;
	f->n = 0;
	f->cut = false;
	f->most = 0;
	p[0] = '\0';
}

void fmt_char(struct fmt *f, char c)
{
	if (f->n + 1 >= f->cap) {
		f->cut = true;
		return;
	}
	f->p[f->n++] = c;
	f->p[f->n] = '\0';
}

void fmt_str(struct fmt *f, const char *text)
{
	struct phrase p;
	char c;

	if (!phrase_open(&p, text)) {
		fmt_bytes(f, bytes_of(text));
		return;
	}
	while ((c = phrase_next(&p)) != '\0')
		fmt_char(f, c);
}

void fmt_bytes(struct fmt *f, struct bytes x)
{
	size_t room = f->cap - 1 - f->n;

	if (x.n > room) {
		x.n = room;
		f->cut = true;
	}
	if (x.n > 0)
		memcpy(f->p + f->n, x.p, x.n);
	f->n += x.n;
	f->p[f->n] = '\0';
}

static void number(struct fmt *f, uint64_t v, unsigned base, unsigned width)
{
	char text[DIGITS];
	unsigned n = 0;

	do {
		text[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v > 0);
	for (; width > n; width--)
		fmt_char(f, '0');
	while (n > 0)
		fmt_char(f, text[--n]);
}

void fmt_u64(struct fmt *f, uint64_t v)
{
	number(f, v, 10, 1);
}

void fmt_i64(struct fmt *f, int64_t v)
{
	if (v < 0)
		fmt_char(f, '-');
	number(f, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, 1);
}

void fmt_pad(struct fmt *f, uint64_t v, unsigned width)
{
	number(f, v, 10, width);
}

void fmt_hex(struct fmt *f, uint64_t v, unsigned width)
{
	number(f, v, 16, width);
}

void fmt_ms(struct fmt *f, uint64_t ms)
{
	fmt_u64(f, ms / 1000);
	fmt_char(f, '.');
	fmt_pad(f, ms % 1000, 3);
}

/* The next argument, of the length that the directive says. */
static uint64_t unsigned_of(struct list *l, char length)
{
	return length == 'j'   ? va_arg(l->args, uint64_t)
	       : length == 'z' ? va_arg(l->args, size_t)
			       : va_arg(l->args, unsigned);
}

static void text_of(struct fmt *f, struct list *l, bool slice)
{
	int n = slice ? va_arg(l->args, int) : 0;
	const char *text = va_arg(l->args, const char *);
	struct bytes x = { (const uint8_t *)text, n > 0 ? (size_t)n : 0 };
	struct phrase p;

	if (!slice && phrase_open(&p, text)) {
		fmt_str(f, text);
		return;
	}
	if (!slice)
		x = bytes_of(text);
	if (f->most == 0 || x.n <= f->most) {
		fmt_bytes(f, x);
		return;
	}
	fmt_bytes(f, bytes_first(x, f->most));
	fmt_bytes(f, BYTES("..."));
}

/* One directive, the octet behind its '%' in c. */
static void directive(struct fmt *f, struct phrase *p, char c, struct list *l)
{
	unsigned width = 1;
	char length = '\0';
	bool slice = c == '.';

	if (c == '0') {
		width = (unsigned)(phrase_next(p) - '0');
		c = phrase_next(p);
	}
	if (slice) {
		phrase_next(p);
		c = phrase_next(p);
	}
	if (c == 'j' || c == 'z') {
		length = c;
		c = phrase_next(p);
	}
	switch (c) {
	case 's':
		text_of(f, l, slice);
		return;
	case 'u':
		number(f, unsigned_of(l, length), 10, width);
		return;
	case 'x':
		number(f, unsigned_of(l, length), 16, width);
		return;
	case 'd':
		fmt_i64(f, length == 'j' ? va_arg(l->args, int64_t) : va_arg(l->args, int));
		return;
	case 'c':
		fmt_char(f, (char)va_arg(l->args, int));
		return;
	case '%':
		fmt_char(f, c);
		return;
	default:
		gp_bug("fmt_put: a directive that is none");
	}
}

void fmt_put_list(struct fmt *f, const char *format, va_list args)
{
	struct phrase p;
	struct list l;
	char c;

	va_copy(l.args, args);
	phrase_open(&p, format);
	while ((c = phrase_next(&p)) != '\0')
		if (c == '%')
			directive(f, &p, phrase_next(&p), &l);
		else
			fmt_char(f, c);
	va_end(l.args);
}

void fmt_put(struct fmt *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_put_list(f, format, args);
	va_end(args);
}

struct bytes fmt_done(const struct fmt *f)
{
	return (struct bytes){ (const uint8_t *)f->p, f->n };
}
