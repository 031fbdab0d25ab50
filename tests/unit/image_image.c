/* SPDX-License-Identifier: ISC */
/* The header of firmware images. */
#include "image/image.h"

#include "tap.h"

#include "base/crc32.h"

static uint8_t head[IMAGE_HEADER];

static void put(unsigned at, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		head[at + i] = (uint8_t)(v >> 8 * i);
}

static void sum(void)
{
	put(444, crc32_add(0, (struct bytes){ head, 444 }));
}

static void make(void)
{
	memset(head, 0, sizeof(head));
	memcpy(head, "GPIMAGE1", 8);
	put(8, 512);
	put(12, 20480);
	put(16, 0x11223344);
	put(20, 1);
	put(24, 4096);
	put(28, 3000);
	put(32, 8192);
	put(36, 100);
	put(40, 12288);
	put(44, 200);
	put(48, 16384);
	put(52, 4096);
	memcpy(head + 64, "qemu-nor", 8);
	memcpy(head + 96, "0.2.0", 5);
	memset(head + 448, 0x5a, 64);
	sum();
}

static enum image_wrong parse(uint64_t size)
{
	struct image i;

	return image_parse((struct bytes){ head, sizeof(head) }, size, &i);
}

static enum image_wrong with(unsigned at, uint32_t v)
{
	make();
	put(at, v);
	sum();
	return parse(20480);
}

static void test_good(void)
{
	struct image i;

	make();
	is_num(image_parse((struct bytes){ head, sizeof(head) }, 20480, &i), IMAGE_GOOD, "a good header");
	is_num(i.total, 20480, "total");
	is_num(i.crc, 0x11223344, "sum");
	ok(i.kernel.at == 4096 && i.kernel.n == 3000, "kernel");
	ok(i.tree[0].at == 8192 && i.tree[0].n == 100 && i.tree[1].at == 12288 && i.tree[1].n == 200, "trees");
	ok(i.root.at == 16384 && i.root.n == 4096, "root");
	is_bytes(i.board, BYTES("qemu-nor"), "board");
	is_bytes(i.version, BYTES("0.2.0"), "version");
	ok(image_is_signed(&i) && i.signature.n == 64, "signature");
	memset(head + 448, 0, 64);
	ok(!image_is_signed(&i), "zeros are none");
	memset(head + 448, 0xff, 64);
	ok(!image_is_signed(&i), "nor is erased flash");
	memset(head + 64, 'x', 32);
	sum();
	is_num(parse(20480), IMAGE_GOOD, "a name of 32 characters");
	put(56, 7);
	put(128, 7);
	sum();
	is_num(parse(20480), IMAGE_GOOD, "reserved octets do not matter");
}

static void test_bad(void)
{
	struct image i;

	make();
	for (unsigned n = 0; n < IMAGE_HEADER; n++) {
		enum image_wrong want = n < 8 ? IMAGE_NONE : IMAGE_CUT;

		if (image_parse((struct bytes){ head, n }, n, &i) != want)
			ok(false, "cut to %u octets", n);
	}
	is_num(parse(20479), IMAGE_CUT, "an octet is missing");
	is_num(parse(20481), IMAGE_LONG, "an octet more");
	is_num(with(0, 0x46494c45), IMAGE_NONE, "another magic");
	is_num(with(20, 0), IMAGE_OLDER, "an older format");
	is_num(with(20, 2), IMAGE_NEWER, "a newer one");
	is_num(with(8, 1024), IMAGE_ODD, "a larger header");
	is_num(with(12, 100), IMAGE_ODD, "less than a header in all");
	for (unsigned at = 8; at < 448; at++) {
		make();
		head[at] ^= 1u << at % 8;
		if (parse(20480) == IMAGE_GOOD)
			ok(false, "octet %u of the header is changed", at);
	}
	for (unsigned part = 24; part <= 48; part += 8) {
		is_num(with(part, 0), IMAGE_ODD, "%u: a part in the header", part);
		is_num(with(part, 4097), IMAGE_ODD, "%u: at an odd place", part);
		is_num(with(part, 0xfffff000), IMAGE_ODD, "%u: far behind the end", part);
		is_num(with(part, 20480), IMAGE_ODD, "%u: at the end", part);
		is_num(with(part + 4, 0), IMAGE_ODD, "%u: an empty part", part);
		is_num(with(part + 4, 0xffffffff), IMAGE_ODD, "%u: an endless one", part);
	}
	is_num(with(52, 4097), IMAGE_ODD, "a root that ends behind the end");
	is_num(with(64, 0), IMAGE_ODD, "no board");
	is_num(with(68, 0x0a0a0a0a), IMAGE_ODD, "line ends in its name");
	is_num(with(68, 0xc3a4c3a4), IMAGE_ODD, "what is not ASCII");
	is_num(with(80, 0x41414141), IMAGE_ODD, "octets behind its end");
	is_num(with(96, 0), IMAGE_ODD, "no version");
}

static const char *said(enum image_wrong wrong, uint32_t format, uint32_t total, uint64_t size)
{
	static char store[160];
	struct image i = { .format = format, .total = total };
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	image_explain(&f, wrong, &i, size);
	return store;
}

static void test_words(void)
{
	is_str(said(IMAGE_CUT, 1, 1000, 999), "is cut off: has 999 octets in place of 1000", "cut");
	is_str(said(IMAGE_CUT, 0, 0, 10), "is cut off: has 10 octets, less than a header", "cut short");
	is_str(said(IMAGE_LONG, 1, 1000, 1001), "has more behind its end: has 1001 octets in place of 1000", "long");
	is_str(said(IMAGE_OLDER, 0, 0, 9), "an image of format 0, older than the 1 that this version knows", "older");
	is_str(said(IMAGE_NEWER, 7, 0, 9), "an image of format 7, newer than the 1 that this version knows", "newer");
}

int main(void)
{
	test_good();
	test_bad();
	test_words();
	return done();
}
