/* SPDX-License-Identifier: ISC */
#include "image/image.h"

#include "base/crc32.h"

#include <string.h>

#define MAGIC "GPIMAGE1"

enum { /* offsets */
	AT_HEADER = 8,
	AT_TOTAL = 12,
	AT_CRC = 16,
	AT_FORMAT = 20,
	AT_KERNEL = 24,
	AT_TREE = 32,
	AT_ROOT = 48,
	AT_BOARD = 64,
	AT_VERSION = 96,
	AT_HEADER_CRC = 444,
};

static uint32_t word(struct bytes head, unsigned at)
{
	const uint8_t *p = head.p + at;

	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static struct image_place place(struct bytes head, unsigned at)
{
	return (struct image_place){ word(head, at), word(head, at + 4) };
}

static bool is_inside(struct image_place part, uint32_t total)
{
	return part.at >= IMAGE_HEADER && part.at % IMAGE_PART == 0 && part.n > 0 &&
	       part.at <= total && part.n <= total - part.at;
}

/* A name that is NUL padded, printable, not empty. */
static bool name(struct bytes head, unsigned at, struct bytes *out)
{
	struct bytes field = { head.p + at, IMAGE_NAME };

	*out = bytes_first(field, bytes_find(field, 0));
	for (size_t i = 0; i < IMAGE_NAME; i++) {
		bool padding = i >= out->n;

		if (padding ? field.p[i] != 0 : field.p[i] <= ' ' || field.p[i] > '~')
			return false;
	}
	return out->n > 0;
}

static bool makes_sense(struct bytes head, struct image *i)
{
	i->crc = word(head, AT_CRC);
	i->kernel = place(head, AT_KERNEL);
	i->tree[0] = place(head, AT_TREE);
	i->tree[1] = place(head, AT_TREE + 8);
	i->root = place(head, AT_ROOT);
	i->signature = (struct bytes){ head.p + IMAGE_SIGNED, IMAGE_SIGNATURE };
	return word(head, AT_HEADER) == IMAGE_HEADER &&
	       word(head, AT_HEADER_CRC) == crc32_add(0, bytes_first(head, AT_HEADER_CRC)) &&
	       is_inside(i->kernel, i->total) && is_inside(i->tree[0], i->total) &&
	       is_inside(i->tree[1], i->total) && is_inside(i->root, i->total) &&
	       name(head, AT_BOARD, &i->board) && name(head, AT_VERSION, &i->version);
}

enum image_wrong image_parse(struct bytes head, uint64_t size, struct image *out)
{
	*out = (struct image){ 0 };
	if (head.n < sizeof(MAGIC) - 1 || memcmp(head.p, MAGIC, sizeof(MAGIC) - 1) != 0)
		return IMAGE_NONE;
	if (head.n < IMAGE_HEADER)
		return IMAGE_CUT;
	out->format = word(head, AT_FORMAT);
	out->total = word(head, AT_TOTAL);
	if (out->format != IMAGE_FORMAT)
		return out->format < IMAGE_FORMAT ? IMAGE_OLDER : IMAGE_NEWER;
	if (out->total < IMAGE_HEADER)
		return IMAGE_ODD;
	if (size != out->total)
		return size < out->total ? IMAGE_CUT : IMAGE_LONG;
	return makes_sense(head, out) ? IMAGE_GOOD : IMAGE_ODD;
}

bool image_is_signed(const struct image *i)
{
	for (size_t k = 0; k < i->signature.n; k++) {
		if (i->signature.p[k] != 0 && i->signature.p[k] != 0xff)
			return true;
	}
	return false;
}

static void explain_format(struct fmt *f, const struct image *i)
{
	fmt_add(f, "an image of format %u%s%u that this version knows", i->format,
	    i->format < IMAGE_FORMAT ? PHRASE(", older than the ") : PHRASE(", newer than the "),
	    IMAGE_FORMAT);
}

static void explain_length(struct fmt *f, const struct image *i, uint64_t size)
{
	fmt_add(f, "has %ju", size);
	if (i->total > 0) {
		fmt_add(f, " octets in place of %u", i->total);
	} else {
		fmt_add(f, " octets, less than a header");
	}
}

void image_explain(struct fmt *f, enum image_wrong wrong, const struct image *i, uint64_t size)
{
	switch (wrong) {
	case IMAGE_GOOD:
		fmt_str(f, "ok");
		break;
	case IMAGE_NONE:
		fmt_add(f, "is not a Gatepost image");
		break;
	case IMAGE_OLDER:
	case IMAGE_NEWER:
		explain_format(f, i);
		break;
	case IMAGE_CUT:
		fmt_add(f, "is cut off: ");
		explain_length(f, i, size);
		break;
	case IMAGE_LONG:
		fmt_add(f, "has more behind its end: ");
		explain_length(f, i, size);
		break;
	case IMAGE_ODD:
		fmt_add(f, "is damaged: its header makes no sense");
		break;
	}
}
