#!/bin/sh
# SPDX-License-Identifier: ISC
# What firmware/patches/musl puts into the C library of ARMv7: it divides and copies as it should.
set -u
. tests/build/lib/tree.sh

cc=arm-linux-gnueabihf-gcc
if ! command -v $cc >/dev/null || ! command -v qemu-arm-static >/dev/null; then
	skip 'the C library on ARM' "no $cc or qemu-arm-static"
	finish
fi

for p in firmware/patches/musl/*-small-*.patch; do
	patch -s -d "$work" -p1 <"$p"
done

cat >"$work/random.h" <<'END'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state = 88172645463325252u;

static uint64_t number(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}
END

# A quotient and its remainder give the dividend again, and the remainder is small.
cat >"$work/divide.c" <<'END'
#include "random.h"

static int bad_64(uint64_t a, uint64_t b)
{
	uint64_t q = a / b, r = a % b;

	return r >= b || q > a || q * b + r != a;
}

static int bad_32(uint32_t a, uint32_t b)
{
	uint32_t q = a / b, r = a % b;

	return r >= b || (uint64_t)q * b + r != a;
}

static int bad_signed(int32_t a, int32_t b)
{
	int32_t q = a / b, r = a % b;

	return (int64_t)q * b + r != a || llabs(r) >= llabs(b) || (r != 0 && (r < 0) != (a < 0));
}

int main(void)
{
	static const uint64_t edge[] = { 1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff };

	for (unsigned i = 0; i < 200000; i++) {
		uint64_t a = number() >> number() % 64, b = number() >> number() % 64;

		if (i < 100) {
			a = edge[i / 10];
			b = edge[i % 10];
		}
		if ((b != 0 && bad_64(a, b)) || ((uint32_t)b != 0 && bad_32((uint32_t)a, (uint32_t)b)))
			return 1;
		if ((uint32_t)b != 0 && ((uint32_t)a != 1u << 31 || (uint32_t)b != ~0u) &&
		    bad_signed((int32_t)a, (int32_t)b))
			return 1;
	}
	return 0;
}
END

# All lengths and places, overlapping or not, against loops that say what they do.
cat >"$work/copy.c" <<'END'
#include "random.h"

#include <string.h>

#define SIZE 300

int main(void)
{
	static uint8_t real[SIZE];
	static volatile uint8_t wanted[SIZE];

	for (unsigned k = 0; k < 200000; k++) {
		unsigned n = number() % 90, to = number() % 100, from = number() % 100, kind = number() % 3;
		void *got;

		if (k % 64 == 0)
			for (unsigned i = 0; i < SIZE; i++)
				wanted[i] = real[i] = (uint8_t)number();
		if (kind == 0) {
			from = 150 + from % 60;
			got = memcpy(real + to, real + from, n);
		} else if (kind == 1) {
			got = memmove(real + to, real + from, n);
		} else {
			got = memset(real + to, (int)k, n);
		}
		for (unsigned i = 0; i < n; i++) {
			unsigned at = to > from ? n - 1 - i : i;

			wanted[to + at] = kind == 2 ? (uint8_t)k : wanted[from + at];
		}
		if (got != real + to)
			return 1;
		for (unsigned i = 0; i < SIZE; i++)
			if (real[i] != wanted[i])
				return 1;
	}
	return 0;
}
END

built() {
	$cc -Wall -Werror -O1 -fno-builtin -mthumb -march=armv7-a+fp -mfloat-abi=hard -static -Wa,--noexecstack \
		-o "$work/$1" "$work/$1.c" "$work"/src/*/arm/*.s
}
uses() { arm-linux-gnueabihf-nm "$work/$1" | grep -q "^[0-9a-f]* T $2\$"; }

ok 'division: built' quiet built divide
ok '… as patched' uses divide __aeabi_uldivmod
ok '… and right' qemu-arm-static "$work/divide"
ok 'copying: built' quiet built copy
ok '… as patched' uses copy memmove
ok '… and right' qemu-arm-static "$work/copy"
finish
