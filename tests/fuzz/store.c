/* SPDX-License-Identifier: ISC */
/*
 * What a store reads of its medium. The input is laid over two slots of 4 KiB; first octet: bits 0 and 1 have the sum
 * of a slot's header made right, 2 and 3 that of its bundle first, so that what lies behind them is reached. What is
 * read is whole and in order; whatever was there, an erase makes a store of it, which takes a bundle.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "store/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SLOT 4096u

static uint8_t mem[2 * SLOT];

static void must(bool held)
{
	if (!held)
		abort();
}

static int fuzz_read(void *self, uint32_t at, void *to, size_t n)
{
	(void)self;
	must(at <= sizeof(mem) && n <= sizeof(mem) - at);
	memcpy(to, mem + at, n);
	return 0;
}

static int fuzz_program(void *self, uint32_t at, struct bytes x)
{
	(void)self;
	must(at <= sizeof(mem) && x.n <= sizeof(mem) - at && at % FLASH_UNIT == 0 && x.n % FLASH_UNIT == 0);
	memcpy(mem + at, x.p, x.n);
	return 0;
}

static int fuzz_erase(void *self, uint32_t at, uint32_t n)
{
	(void)self;
	must(at <= sizeof(mem) && n <= sizeof(mem) - at && at % SLOT == 0 && n % SLOT == 0);
	memset(mem + at, 0xff, n);
	return 0;
}

/* The same input in both slots but for its second half: two octets of input say where each begins. */
static void lay_out(const uint8_t *data, size_t size)
{
	size_t half = size / 2;
	uint8_t how = data[0];

	memset(mem, 0xff, sizeof(mem));
	data++;
	size--;
	memcpy(mem, data, half < SLOT ? half : SLOT);
	if (size > half)
		memcpy(mem + SLOT, data + half, size - half < SLOT ? size - half : SLOT);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *h = mem + i * SLOT;
		uint32_t n = number_get(h + 24);

		if (how & 4u << i && n <= SLOT - STORE_HEADER)
			number_put(h + 28, crc32_add(0, (struct bytes){ h + STORE_HEADER, n }));
		if (how & 1u << i)
			number_put(h + 60, crc32_add(0, (struct bytes){ h, 60 }));
	}
}

/* Each file of it is found by its name, and taking all out and in again gives the same. */
static void walk(const struct bundle *b)
{
	static struct bundle copy, other;
	struct bundle_file f;
	struct bytes content;
	uint32_t at = 0;

	copy.n = other.n = 0;
	while (bundle_next(b, &at, &f)) {
		must(bundle_is_name(f.name) && bundle_get(b, f.name, &content));
		must(content.p == f.content.p && content.n == f.content.n);
		/* what was read may hold a file and a folder of one name, which put does not make */
		if (bundle_put(&copy, f.name, f.content, BUNDLE_MAX) == BUNDLE_OK)
			must(bundle_put(&other, f.name, BYTES("x"), BUNDLE_MAX) == BUNDLE_OK);
	}
	must(at == b->n && bundle_is_whole(bundle_bytes(&copy)));
	at = 0;
	while (bundle_next(&copy, &at, &f))
		must(bundle_remove(&other, f.name));
	must(other.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct flash_port port = { fuzz_read, fuzz_program, fuzz_erase };
	static struct bundle b, new;
	enum store_status status;
	struct store_slot v;
	struct store s;

	if (size == 0)
		return 0;
	lay_out(data, size);
	status = store_open(&s, (struct flash){ &port, NULL, sizeof(mem), SLOT });
	must(s.slots == 2);
	for (uint32_t i = 0; i < s.slots; i++)
		store_slot(&s, i, &v);
	if (status == STORE_OK && store_load(&s, &b) == STORE_OK) {
		must(b.n <= s.room && bundle_is_whole(bundle_bytes(&b)));
		walk(&b);
		must(store_holds(&s, &b) == !s.damaged);
	}
	new.n = 0;
	must(bundle_put(&new, BYTES("a"), BYTES("b"), s.room) == BUNDLE_OK);
	if (status == STORE_BLANK || (status == STORE_OK && !s.newer && s.sequence < UINT32_MAX - 1))
		must(store_write(&s, &new, 1) == STORE_OK);
	else
		must(store_erase(&s, 1) == STORE_OK && store_write(&s, &new, 1) == STORE_OK);
	must(store_open(&s, s.flash) == STORE_OK && store_load(&s, &b) == STORE_OK);
	must(bytes_same(bundle_bytes(&b), bundle_bytes(&new)));
	return 0;
}
