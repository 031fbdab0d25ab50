/* SPDX-License-Identifier: ISC */
#include "base/bug.h"
#include "base/num.h"
#include "tap.h"

#include <inttypes.h>

TAP_GP_BUG

#define BAD UINT64_MAX /* stands for a refusal */

struct row {
	const char *text;
	uint64_t max, want;
};

static void rows(const char *name, bool (*parse)(struct bytes, uint64_t, uint64_t *),
    const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t got = 77;
		bool good = parse(bytes_of(row[i].text), row[i].max, &got);

		if (row[i].want == BAD)
			ok(!good && got == 77, "%s: \"%s\" is refused", name, row[i].text);
		else
			ok(good && got == row[i].want, "%s: \"%s\" is %" PRIu64 " (%" PRIu64 ")",
			    name, row[i].text, row[i].want, got);
	}
}

#define ROWS(parse, row) rows(#parse, parse, row, sizeof(row) / sizeof(row[0]))

static void tables(void)
{
	static const struct row u64[] = {
		{ "0", 9, 0 },
		{ "7", 9, 7 },
		{ "9", 9, 9 },
		{ "10", 9, BAD },
		{ "007", 9, 7 },
		{ "", 9, BAD },
		{ "-1", 9, BAD },
		{ "+1", 9, BAD },
		{ " 1", 9, BAD },
		{ "1 ", 9, BAD },
		{ "0x1", 99, BAD },
		{ "1k", 9999, BAD },
		{ "18446744073709551614", UINT64_MAX, UINT64_MAX - 1 },
		{ "18446744073709551616", UINT64_MAX, BAD },
		{ "99999999999999999999999", UINT64_MAX, BAD },
		{ "0", 0, 0 },
		{ "1", 0, BAD },
	};
	static const struct row duration[] = {
		{ "90", 1000, 90 },
		{ "30s", 1000, 30 },
		{ "5m", 1000, 300 },
		{ "2h", 10000, 7200 },
		{ "4D", 999999, 345600 },
		{ "1h30m", 10000, 5400 },
		{ "1d1h1m1s", 999999, 90061 },
		{ "0", 9, 0 },
		{ "0s", 9, 0 },
		{ "", 9, BAD },
		{ "s", 9, BAD },
		{ "5 m", 1000, BAD },
		{ "1h30", 10000, BAD },
		{ "30m1h", 10000, BAD },
		{ "1m1m", 1000, BAD },
		{ "5x", 1000, BAD },
		{ "17m", 1000, BAD },
		{ "16m40s", 1000, 1000 },
		{ "16m41s", 1000, BAD },
		{ "1.5h", 10000, BAD },
		{ "213503982334602d", UINT64_MAX, BAD },
		{ "-5s", 10, BAD },
	};
	static const struct row size[] = {
		{ "4096", 9999, 4096 },
		{ "64k", 1 << 20, 65536 },
		{ "64K", 1 << 20, 65536 },
		{ "64kB", 1 << 20, BAD },
		{ "25m", 1 << 30, 26214400 },
		{ "1g", 1 << 30, 1 << 30 },
		{ "2g", 1 << 30, BAD },
		{ "1024m", 1 << 30, 1 << 30 },
		{ "1025m", 1 << 30, BAD },
		{ "0", 9, 0 },
		{ "0k", 9, 0 },
		{ "", 9, BAD },
		{ "k", 9, BAD },
		{ "10b", 99, BAD },
		{ "1kk", 9999, BAD },
		{ "1 k", 9999, BAD },
		{ "1t", UINT64_MAX, BAD },
		{ "17179869184g", UINT64_MAX, BAD },
		{ "17179869183g", UINT64_MAX, 17179869183u * 1073741824ull },
	};

	ROWS(num_u64, u64);
	ROWS(num_duration, duration);
	ROWS(num_size, size);
}

static void rates(void)
{
	static const char *const bad[] = { "", "/", "1", "1/", "/1", "0/60", "1/0", "1/2/3",
		"1/60s", "4294967296/1", " 1/1" };
	struct num_rate r = { 0 };

	ok(num_rate(BYTES("100/60"), &r) && r.count == 100 && r.seconds == 60, "100/60");
	ok(num_rate(BYTES("4294967295/4294967295"), &r) && r.count == UINT32_MAX,
	    "the largest rate");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!num_rate(bytes_of(bad[i]), &r), "\"%s\" is no rate", bad[i]);
	is_num(r.count, UINT32_MAX, "and nothing was changed");
}

static void round_trip(void)
{
	bool good = true;

	srand(6);
	for (int i = 0; i < 50000 && good; i++) {
		uint64_t v = ((uint64_t)rand() << 33 ^ (uint64_t)rand() << 2) >> rand() % 64,
			 got = 0;
		uint64_t max = ((uint64_t)rand() << 33) >> rand() % 64;
		char text[64];

		snprintf(text, sizeof(text), "%" PRIu64, v);
		good = num_u64(bytes_of(text), max, &got) == (v <= max) && (v > max || got == v);
		snprintf(text, sizeof(text), "%" PRIu64 "h%" PRIu64 "m", v >> 40, v % 60);
		v = (v >> 40) * 3600 + v % 60 * 60;
		good = good && num_duration(bytes_of(text), max, &got) == (v <= max) &&
		       (v > max || got == v);
	}
	ok(good, "50,000 numbers and durations printed and read with random limits");
}

int main(void)
{
	tables();
	rates();
	round_trip();
	return done();
}
