/* SPDX-License-Identifier: ISC */
/* NOR flash in memory: programming only lets bits fall, erasing sets whole blocks to ones, and both take their time: power can be lost after each
 * octet and inside each erase. Cells may be worn, reads may fail, and a port may lie in the ways in which a store could be wrong. */
#ifndef TESTS_MODEL_NOR_SIM_H
#define TESTS_MODEL_NOR_SIM_H

#include "promise.h"
#include "store/flash.h"

#include <string.h>

#define NOR_MAX (3u * 262144u)
#define NOR_ERASE_STEPS 4u /* moments of one erase at which power is cut */
#define NOR_NEVER UINT32_MAX

enum nor_bug {
	NOR_NO_BUG,
	NOR_HEADER_FIRST, /* the header is programmed before the bundle */
	NOR_BLIND,        /* what is read back is taken from memory */
	NOR_NO_ERASE,     /* a slot is programmed as it is */
	NOR_WIDE_ERASE,   /* the slot behind is erased, too */
	NOR_SHORT_ERASE,  /* one block is erased, whatever the bundle takes */
	NOR_SHORT_BUNDLE, /* the last unit of a bundle is left out, and not read back */
};

struct nor {
	uint8_t mem[NOR_MAX];
	bool used[NOR_MAX / FLASH_UNIT]; /* programmed since it was erased */
	uint32_t size, block, slot;
	uint32_t seed;
	uint32_t steps, cut_at;          /* octets programmed and moments of erases so far; where power is lost */
	uint32_t calls, fail_at;         /* programs and erases; the one that fails half-way */
	uint32_t bad_at, bad_end;        /* reads in there fail */
	uint32_t stuck_at;               /* this octet is worn: */
	uint8_t stuck_ones, stuck_zeros; /* bits of it that are always so */
	bool torn_to_ones;               /* an erase that is cut leaves ones and zeros, not garbage (a file) */
	enum nor_bug bug;
	uint8_t shadow[NOR_MAX];         /* NOR_BLIND */
	uint32_t late_at, late_n;        /* NOR_HEADER_FIRST */
	uint8_t late[65536];
};

static struct nor nor;
static jmp_buf power_lost;

static uint32_t nor_random(void)
{
	nor.seed = nor.seed * 1664525u + 1013904223u;
	return nor.seed >> 8;
}

static void nor_step(void)
{
	if (nor.steps++ == nor.cut_at) {
		nor.cut_at = NOR_NEVER;
		longjmp(power_lost, 1);
	}
}

static bool nor_is_cut_here(void)
{
	return nor.steps == nor.cut_at;
}

/* The cell takes that value as well as it can. */
static void nor_cell(uint32_t at, uint8_t v)
{
	if (at == nor.stuck_at)
		v = (uint8_t)((v | nor.stuck_ones) & ~nor.stuck_zeros);
	nor.mem[at] = v;
}

static int nor_read(void *self, uint32_t at, void *to, size_t n)
{
	(void)self;
	MUST(at <= nor.size && n <= nor.size - at, "a read beyond the end");
	if (at < nor.bad_end && at + n > nor.bad_at)
		return 5;
	memcpy(to, (nor.bug == NOR_BLIND || nor.bug == NOR_HEADER_FIRST || nor.bug == NOR_SHORT_BUNDLE ? nor.shadow : nor.mem) + at, n);
	return 0;
}

static int nor_put(uint32_t at, struct bytes x, bool fails)
{
	for (size_t i = 0; i < x.n; i += FLASH_UNIT) {
		MUST(!nor.used[(at + i) / FLASH_UNIT], "programmed twice");
		nor.used[(at + i) / FLASH_UNIT] = true;
	}
	for (uint32_t i = 0; i < x.n; i++) {
		if (fails && i >= x.n / 2)
			return 5;
		if (nor_is_cut_here()) /* some of the bits have fallen */
			nor_cell(at + i, (uint8_t)(nor.mem[at + i] & (x.p[i] | nor_random())));
		nor_step();
		nor_cell(at + i, nor.mem[at + i] & x.p[i]);
	}
	return 0;
}

static int nor_program(void *self, uint32_t at, struct bytes x)
{
	bool fails = nor.calls++ == nor.fail_at, header = at % nor.slot == 0;
	int result;

	(void)self;
	MUST(x.n > 0 && at % FLASH_UNIT == 0 && x.n % FLASH_UNIT == 0, "not in whole units");
	MUST(at <= nor.size && x.n <= nor.size - at, "programmed beyond the end");
	memcpy(nor.shadow + at, x.p, x.n);
	if (nor.bug == NOR_HEADER_FIRST && !header) {
		memcpy(nor.late, x.p, x.n);
		nor.late_at = at;
		nor.late_n = (uint32_t)x.n;
		return 0;
	}
	if (nor.bug == NOR_SHORT_BUNDLE && !header)
		x.n -= FLASH_UNIT;
	result = nor_put(at, x, fails);
	if (result == 0 && nor.late_n > 0) {
		uint32_t n = nor.late_n;

		nor.late_n = 0;
		result = nor_put(nor.late_at, (struct bytes){ nor.late, n }, false);
	}
	return result;
}

/* What is left of a block when its erase was stopped: first all bits fall, then they rise, each in its own time. */
static void nor_half_erased(uint32_t at, uint32_t n, uint32_t moment)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t old = nor.mem[at + i], v;

		if (nor.torn_to_ones)
			v = i < n / NOR_ERASE_STEPS * moment ? 0xff : old;
		else if (moment == 0)
			v = (uint8_t)(old & nor_random());
		else if (moment == 1)
			v = 0;
		else if (moment == 2)
			v = (uint8_t)nor_random();
		else
			v = (uint8_t)(0xff & (nor_random() % 97 == 0 ? ~1u : ~0u));
		nor_cell(at + i, v);
	}
}

static int nor_erase(void *self, uint32_t at, uint32_t n)
{
	bool fails = nor.calls++ == nor.fail_at;

	(void)self;
	MUST(n > 0 && at % nor.block == 0 && n % nor.block == 0, "not whole blocks");
	MUST(at <= nor.size && n <= nor.size - at, "erased beyond the end");
	if (nor.bug != NOR_NO_BUG)
		memset(nor.shadow + at, 0xff, n);
	if (nor.bug == NOR_NO_ERASE)
		return 0;
	if (nor.bug == NOR_WIDE_ERASE && at + nor.slot < nor.size)
		n = nor.slot + nor.block;
	if (nor.bug == NOR_SHORT_ERASE)
		n = nor.block;
	for (uint32_t end = at + n; at < end; at += nor.block) {
		for (uint32_t moment = 0; moment < NOR_ERASE_STEPS; moment++) {
			if (nor_is_cut_here() || (fails && moment == 2))
				nor_half_erased(at, nor.block, moment);
			if (fails && moment == 2)
				return 5;
			nor_step();
		}
		for (uint32_t i = 0; i < nor.block; i++)
			nor_cell(at + i, 0xff);
		memset(nor.used + at / FLASH_UNIT, 0, nor.block / FLASH_UNIT * sizeof(nor.used[0]));
	}
	return 0;
}

/* A new one. */
static void nor_init(uint32_t size, uint32_t block, uint8_t fill, uint32_t seed)
{
	MUST(size <= NOR_MAX, "the test's flash is too large");
	nor.size = size;
	nor.block = block;
	nor.seed = seed;
	nor.steps = nor.calls = 0;
	nor.cut_at = nor.fail_at = nor.stuck_at = nor.bad_at = NOR_NEVER;
	nor.bad_end = 0;
	nor.late_n = 0;
	nor.torn_to_ones = false;
	memset(nor.mem, fill, size);
	memset(nor.used, 0, sizeof(nor.used));
	memset(nor.shadow, fill, size);
}

/* Power is back. */
static void nor_restart(void)
{
	if (nor.bug != NOR_NO_BUG)
		memcpy(nor.shadow, nor.mem, nor.size);
	nor.cut_at = NOR_NEVER;
	nor.late_n = 0;
}

static struct flash nor_flash(void)
{
	static const struct flash_port port = { nor_read, nor_program, nor_erase };

	return (struct flash){ &port, &nor, nor.size, nor.block };
}

#endif
