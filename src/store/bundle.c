/* SPDX-License-Identifier: ISC */
#include "store/bundle.h"

#include "store/number.h"

#include <string.h>

#define SIZE 4u /* octets of a content's size */

static bool is_letter(uint8_t c)
{
	return byte_is_alnum(c) || (c != '\0' && memchr("+-._@=,~", c, 8) != NULL);
}

bool bundle_is_name(struct bytes name)
{
	bool first = true;

	if (name.n == 0 || name.n > BUNDLE_NAME || name.p[name.n - 1] == '/')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (first ? c == '.' || !is_letter(c) : c != '/' && !is_letter(c))
			return false;
		first = c == '/';
	}
	return true;
}

/* Takes the next file off the front of *rest; false where none lies there whole. */
static bool take(struct bytes *rest, struct bundle_file *f)
{
	struct bytes x = *rest;

	if (x.n == 0 || x.n < 1u + x.p[0] + SIZE)
		return false;
	f->name = (struct bytes){ x.p + 1, x.p[0] };
	x = bytes_skip(x, 1u + f->name.n);
	f->content = (struct bytes){ x.p + SIZE, number_get(x.p) };
	x = bytes_skip(x, SIZE);
	if (f->content.n > x.n)
		return false;
	*rest = bytes_skip(x, f->content.n);
	return true;
}

/* In the order of octets; one that another begins with comes first. */
static int compare(struct bytes a, struct bytes b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

bool bundle_is_whole(struct bytes x)
{
	struct bytes last = { NULL, 0 };
	struct bundle_file f;

	if (x.n > BUNDLE_MAX)
		return false;
	while (x.n > 0) {
		if (!take(&x, &f) || !bundle_is_name(f.name) ||
		    (last.n > 0 && compare(last, f.name) >= 0))
			return false;
		last = f.name;
	}
	return true;
}

struct bytes bundle_bytes(const struct bundle *b)
{
	return (struct bytes){ b->mem, b->n };
}

bool bundle_next(const struct bundle *b, uint32_t *at, struct bundle_file *f)
{
	struct bytes rest = bytes_skip(bundle_bytes(b), *at);

	if (!take(&rest, f))
		return false;
	*at = b->n - (uint32_t)rest.n;
	return true;
}

/* Where it is, or where it belongs; its end is in *end, the same place where there is none. */
static uint32_t place(const struct bundle *b, struct bytes name, uint32_t *end)
{
	uint32_t at = 0, next = 0;
	struct bundle_file f;

	while (bundle_next(b, &next, &f)) {
		int order = compare(f.name, name);

		if (order >= 0) {
			*end = order == 0 ? next : at;
			return at;
		}
		at = next;
	}
	*end = at;
	return at;
}

bool bundle_get(const struct bundle *b, struct bytes name, struct bytes *content)
{
	struct bundle_file f;
	uint32_t end, at = place(b, name, &end);

	if (at == end || !bundle_next(b, &at, &f))
		return false;
	*content = f.content;
	return true;
}

static bool is_below(struct bytes name, struct bytes folder)
{
	return name.n > folder.n && name.p[folder.n] == '/' &&
	       memcmp(name.p, folder.p, folder.n) == 0;
}

static bool is_in_the_way(const struct bundle *b, struct bytes name)
{
	struct bundle_file f;
	uint32_t at = 0;

	while (bundle_next(b, &at, &f)) {
		if (is_below(f.name, name) || is_below(name, f.name))
			return true;
	}
	return false;
}

/* Puts n octets in the place of those from at to end. */
static void make_room(struct bundle *b, uint32_t at, uint32_t end, uint32_t n)
{
	memmove(b->mem + at + n, b->mem + end, b->n - end);
	b->n = b->n - (end - at) + n;
}

enum bundle_status bundle_put(
    struct bundle *b, struct bytes name, struct bytes content, uint32_t most)
{
	uint32_t end, at, n;
	uint8_t *p;

	if (!bundle_is_name(name))
		return BUNDLE_NAMED;
	if (is_in_the_way(b, name))
		return BUNDLE_FOLDER;
	if (most > BUNDLE_MAX)
		most = BUNDLE_MAX;
	at = place(b, name, &end);
	n = (uint32_t)(1 + name.n + SIZE);
	if (content.n > most || b->n - (end - at) + n > most - content.n)
		return BUNDLE_FULL;
	n += (uint32_t)content.n;
	make_room(b, at, end, n);
	p = b->mem + at;
	*p++ = (uint8_t)name.n;
	memcpy(p, name.p, name.n);
	p += name.n;
	number_put(p, (uint32_t)content.n);
	if (content.n > 0)
		memcpy(p + SIZE, content.p, content.n);
	return BUNDLE_OK;
}

bool bundle_remove(struct bundle *b, struct bytes name)
{
	uint32_t end, at = place(b, name, &end);

	if (at == end)
		return false;
	make_room(b, at, end, 0);
	return true;
}
