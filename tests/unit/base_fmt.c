/* SPDX-License-Identifier: ISC */
#include "base/bug.h"
#include "base/fmt.h"
#include "tap.h"

#include <inttypes.h>

TAP_GP_BUG

static void texts(void)
{
	char p[64];
	struct fmt f;

	fmt_init(&f, p, sizeof(p));
	is_str(p, "", "empty at first");
	fmt_str(&f, "ab");
	fmt_char(&f, '-');
	fmt_bytes(&f, BYTES("c\0d"));
	fmt_bytes(&f, (struct bytes){ NULL, 0 });
	is_bytes(fmt_done(&f), BYTES("ab-c\0d"), "text, octet, octets");
	fmt_init(&f, p, sizeof(p));
	fmt_pad(&f, 7, 3);
	fmt_char(&f, ' ');
	fmt_pad(&f, 12345, 3);
	fmt_char(&f, ' ');
	fmt_pad(&f, 0, 0);
	fmt_char(&f, ' ');
	fmt_hex(&f, 0xa, 2);
	fmt_char(&f, ' ');
	fmt_hex(&f, 0xbeef, 1);
	is_str(p, "007 12345 0 0a beef", "widths fill with zeros and never cut");
	fmt_init(&f, p, sizeof(p));
	fmt_ms(&f, 1234);
	fmt_char(&f, ' ');
	fmt_ms(&f, 5);
	fmt_char(&f, ' ');
	fmt_ms(&f, 60000);
	is_str(p, "1.234 0.005 60.000", "milliseconds as seconds");
	ok(!f.cut, "nothing was cut");
}

static void formats(void)
{
	char p[200];
	struct fmt f;
	struct bytes slice = BYTES("slice and more");

	slice.n = 5;
	fmt_init(&f, p, sizeof(p));
	fmt_add(&f, "plain");
	is_str(p, "plain", "a format without directives");
	fmt_init(&f, p, sizeof(p));
	fmt_add(&f, "%s|%.*s|%c|%s|%%|%.*s.", "text", SPAN(slice), 'x', PHRASE("a phrase"),
	    SPAN(((struct bytes){ NULL, 0 })));
	is_str(p, "text|slice|x|a phrase|%|.", "texts, slices, characters");
	fmt_init(&f, p, sizeof(p));
	fmt_add(&f, "%u %d %d %ju %jd %zu %x %02u %03ju %08jx", 7u, -7, INT32_MIN, UINT64_MAX,
	    INT64_MIN, (size_t)4294967295u, 0xbeefu, 5u, (uint64_t)1234, (uint64_t)0xabc);
	is_str(p,
	    "7 -7 -2147483648 18446744073709551615 -9223372036854775808 4294967295 beef 05 "
	    "1234 00000abc",
	    "numbers of all lengths");
	ok(!f.cut, "nothing was cut");
	fmt_init(&f, p, 6);
	fmt_add(&f, "%u and more", 12u);
	is_str(p, "12 an", "what does not fit is cut");
	ok(f.cut, "and cut says so");
	fmt_init(&f, p, sizeof(p));
	fmt_str(&f, PHRASE("one"));
	fmt_str(&f, ", two");
	is_str(p, "one, two", "a phrase and a text");
}

static void numbers(void)
{
	static const uint64_t edge[] = { 0, 9, 10, UINT32_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1,
		UINT64_MAX };
	bool good = true;

	srand(5);
	for (size_t i = 0; i < 20000 && good; i++) {
		uint64_t v = i < sizeof(edge) / sizeof(edge[0])
				 ? edge[i]
				 : (uint64_t)rand() << 33 ^ (uint64_t)rand() << 11;
		char want[80], p[80];
		struct fmt f;

		v >>= i >= 7 ? rand() % 64 : 0;
		snprintf(
		    want, sizeof(want), "%" PRIu64 " %" PRId64 " %05" PRIx64, v, (int64_t)v, v);
		fmt_init(&f, p, sizeof(p));
		fmt_u64(&f, v);
		fmt_char(&f, ' ');
		fmt_i64(&f, (int64_t)v);
		fmt_char(&f, ' ');
		fmt_hex(&f, v, 5);
		good = strcmp(p, want) == 0;
		if (!good)
			printf("# got %s want %s\n", p, want);
	}
	ok(good, "20,000 numbers agree with printf");
}

/* For each capacity: what fits, and the truth about the rest. */
static void cuts(void)
{
	static const char whole[] = "abc-123:00ff";
	bool good = true;

	for (size_t cap = 1; cap <= sizeof(whole) + 2; cap++) {
		char p[32];
		struct fmt f;
		size_t want = cap - 1 < sizeof(whole) - 1 ? cap - 1 : sizeof(whole) - 1;

		memset(p, 'X', sizeof(p));
		fmt_init(&f, p, cap);
		fmt_str(&f, "abc");
		fmt_i64(&f, -123);
		fmt_char(&f, ':');
		fmt_hex(&f, 255, 4);
		good = good && f.n == want && memcmp(p, whole, want) == 0 && p[want] == '\0' &&
		       p[cap] == 'X' && f.cut == (cap < sizeof(whole));
	}
	ok(good, "cut at each capacity, with a NUL, nothing behind it, and cut says so");
}

int main(void)
{
	texts();
	formats();
	numbers();
	cuts();
	return done();
}
