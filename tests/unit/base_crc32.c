/* SPDX-License-Identifier: ISC */
#include "base/crc32.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

/* One bit after the other, as the definition has it. */
static uint32_t slow(struct bytes x)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < x.n; i++) {
		crc ^= x.p[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

int main(void)
{
	uint8_t all[1024];
	struct bytes x = { all, sizeof(all) };
	unsigned same = 0;

	is_num(crc32_add(0, BYTES("123456789")), 0xcbf43926, "the check value");
	is_num(crc32_add(0, BYTES("")), 0, "of nothing");
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i * 7 + i / 256);
	is_num(crc32_add(0, x), slow(x), "every octet");
	for (size_t n = 0; n <= x.n; n++)
		same += crc32_add(crc32_add(0, bytes_first(x, n)), bytes_skip(x, n)) == slow(x);
	is_num(same, x.n + 1, "cut anywhere");
	return done();
}
