/* SPDX-License-Identifier: ISC */
/* How a medium is divided, and the format on it. What becomes of it when the power goes: tests/model/store_power.c. */
#include "store/store.h"
#include "tap.h"

TAP_GP_BUG

static uint8_t mem[5u << 20];
static unsigned writes;

static int mem_read(void *self, uint32_t at, void *to, size_t n)
{
	(void)self;
	memcpy(to, mem + at, n);
	return 0;
}

static int mem_program(void *self, uint32_t at, struct bytes x)
{
	(void)self;
	writes++;
	memcpy(mem + at, x.p, x.n);
	return 0;
}

static int mem_erase(void *self, uint32_t at, uint32_t n)
{
	(void)self;
	memset(mem + at, 0xff, n);
	return 0;
}

static struct store s;
static struct bundle b;

static enum store_status open_as(uint32_t size, uint32_t block)
{
	static const struct flash_port port = { mem_read, mem_program, mem_erase };

	return store_open(&s, (struct flash){ &port, NULL, size, block });
}

static void test_geometry(void)
{
	static const struct {
		uint32_t size, block, slots, slot, room;
	} good[] = {
		{ 196608, 65536, 3, 65536, 49152 },
		{ 196608, 4096, 3, 65536, 49152 },
		{ 786432, 262144, 3, 262144, 49152 },
		{ 131072, 65536, 2, 65536, 49152 },
		{ 131072 + 4096, 4096, 2, 65536, 49152 },
		{ 65536, 4096, 2, 32768, 32704 },
		{ 40960, 4096, 2, 20480, 20416 },
		{ 8192, 4096, 2, 4096, 4032 },
		{ 786432, 98304, 8, 98304, 49152 },
		{ 5u << 20, 65536, 64, 65536, 49152 },
	};
	static const struct {
		uint32_t size, block;
	} bad[] = { { 0, 4096 }, { 4096, 4096 }, { 65536, 65536 }, { 65536, 0 }, { 2048, 512 }, { 196608, 100 } };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		memset(mem, 0xff, sizeof(mem));
		is_num(open_as(good[i].size, good[i].block), STORE_BLANK, "%u octets in blocks of %u are blank", good[i].size, good[i].block);
		is_num(s.slots, good[i].slots, "slots");
		is_num(s.slot, good[i].slot, "octets of one");
		is_num(s.room, good[i].room, "octets of a bundle");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_num(open_as(bad[i].size, bad[i].block), STORE_SMALL, "%u octets in blocks of %u", bad[i].size, bad[i].block);
}

static void test_format(void)
{
	static const uint8_t front[] = { 'G', 'a', 't', 'e', 'K', 'e', 'e', 'p', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0x69, 0x25, 0x9f, 0x00, 0, 0, 0, 9 };
	static const uint8_t bundle[] = { 1, 'a', 0, 0, 0, 3, 'x', 'y', 'z', 0xff, 0xff };
	struct store_slot v;

	memset(mem, 0xff, sizeof(mem));
	open_as(196608, 65536);
	b.n = 0;
	bundle_put(&b, BYTES("a"), BYTES("xyz"), s.room);
	is_num(store_write(&s, &b, 1764073216), STORE_OK, "a first bundle");
	is_num(writes, 3, "a header, then the bundle and its own");
	is_bytes(((struct bytes){ mem + 65536, sizeof(front) }), ((struct bytes){ front, sizeof(front) }), "its header");
	is_bytes(((struct bytes){ mem + 65536 + 64, sizeof(bundle) }), ((struct bytes){ bundle, sizeof(bundle) }), "the bundle");
	store_slot(&s, 1, &v);
	is_num(v.state, STORE_SLOT_WHOLE, "the slot is whole");
	is_num(v.sequence, 2, "its number");
	is_num(v.written, 1764073216, "its time");
	is_num(v.n, 9, "its size");
	b.n = 0;
	is_num(store_load(&s, &b), STORE_OK, "it is read");
	is_num(b.n, 9, "all of it");
	b.n = 70; /* larger than the room of a small one */
	is_num(open_as(8192, 4096), STORE_OK, "cut into other slots, the first header is found");
	b.n = s.room + 1;
	is_num(store_write(&s, &b, 1), STORE_LARGE, "a bundle that is too large");
}

static void test_turns(void)
{
	static const uint32_t newest[] = { 1, 2, 0, 1, 2 };

	memset(mem, 0, sizeof(mem));
	is_num(open_as(196608, 4096), STORE_BLANK, "zeros are blank, too");
	for (unsigned i = 0; i < 5; i++) {
		b.n = 0;
		bundle_put(&b, BYTES("a"), (struct bytes){ (const uint8_t *)"12345", i }, s.room);
		is_num(store_write(&s, &b, i), STORE_OK, "bundle %u", i);
		is_num(s.newest, newest[i], "its slot");
		ok(store_holds(&s, &b), "it is there");
		is_num(open_as(196608, 4096), STORE_OK, "looked at anew");
		is_num(s.newest, newest[i], "the same slot");
	}
	writes = 0;
	is_num(store_erase(&s, 7), STORE_OK, "erased");
	is_num(writes, 1, "one header is programmed");
	is_num(store_load(&s, &b), STORE_OK, "read");
	is_num(b.n, 0, "nothing is in it");
	is_num(s.sequence, 7, "the numbers go on");
}

int main(void)
{
	test_geometry();
	test_format();
	test_turns();
	return done();
}
