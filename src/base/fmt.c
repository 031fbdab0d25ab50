/* SPDX-License-Identifier: ISC */
#include "base/fmt.h"

#include "base/bug.h"

#include <string.h>

#define DIGITS 20 /* of UINT64_MAX */

void fmt_init(struct fmt *f, char *p, size_t cap)
{
	if (cap == 0)
		gp_bug("fmt_init: no storage");
	f->p = p;
	f->cap = cap;
	f->n = 0;
	f->cut = false;
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
	fmt_bytes(f, bytes_of(text));
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

struct bytes fmt_done(const struct fmt *f)
{
	return (struct bytes){ (const uint8_t *)f->p, f->n };
}
