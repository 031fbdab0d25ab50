/* SPDX-License-Identifier: ISC */
#include "smtp/data_out.h"

#include "base/bug.h"
#include "tap.h"

#include <time.h>

TAP_GP_BUG

static uint8_t mem[1 << 16];

/* Encodes text in pieces of `cut` octets through an output of `room`; the result is in got[]. */
static uint8_t got[1 << 16];

static struct bytes encode(struct bytes text, size_t cut, size_t room)
{
	struct data_out d;
	struct buf out;
	size_t n = 0;
	bool ended = false;

	buf_init(&out, mem, room);
	data_out_init(&d);
	for (unsigned turn = 0; turn < 1000000 && !ended; turn++) {
		struct bytes piece = bytes_first(text, cut);
		size_t before = piece.n, used;

		data_out_put(&d, &piece, &out);
		text = bytes_skip(text, before - piece.n);
		if (text.n == 0)
			ended = data_out_end(&d, &out);
		used = buf_used(&out);
		memcpy(got + n, buf_peek(&out).p, used);
		n += used;
		buf_drop(&out, used);
	}
	return (struct bytes){ got, ended ? n : 0 };
}

struct out_case {
	const char *name, *text, *want;
};

static const struct out_case cases[] = {
	{ "nothing", "", ".\r\n" },
	{ "a line", "a\r\n", "a\r\n.\r\n" },
	{ "no line end at the end", "a", "a\r\n.\r\n" },
	{ "a dot", ".\r\n", "..\r\n.\r\n" },
	{ "a dot without a line end", ".", "..\r\n.\r\n" },
	{ "a dot in front", ".a\r\n", "..a\r\n.\r\n" },
	{ "a dot within", "a.b\r\n", "a.b\r\n.\r\n" },
	{ "two dots", "..\r\n", "...\r\n.\r\n" },
	{ "lines of dots", "a\r\n.\r\n.\r\n..\r\n\r\n.b\r\n",
	    "a\r\n..\r\n..\r\n...\r\n\r\n..b\r\n.\r\n" },
	{ "empty lines", "\r\n\r\n", "\r\n\r\n.\r\n" },
	{ "what would end the data", "a\r\n.\r\nQUIT\r\n", "a\r\n..\r\nQUIT\r\n.\r\n" },
	{ "8-bit", "\xff.\xfe\r\n", "\xff.\xfe\r\n.\r\n" },
};

static void test_cases(void)
{
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes text = bytes_of(cases[i].text), want = bytes_of(cases[i].want);
		bool same = true;

		is_bytes(encode(text, 1000, 1000), want, "%s", cases[i].name);
		for (size_t cut = 1; cut <= text.n + 1; cut++)
			for (size_t room = DATA_OUT_END; room < 20; room++)
				same = same && bytes_same(encode(text, cut, room), want);
		ok(same, "%s: however it is cut and whatever room there is", cases[i].name);
	}
}

static void test_room(void)
{
	struct data_out d;
	struct bytes in = BYTES(".a");
	struct buf out;

	buf_init(&out, mem, 8);
	data_out_init(&d);
	buf_put(&out, BYTES("1234567"));
	data_out_put(&d, &in, &out);
	is_num(in.n, 2, "a dot waits for room for two");
	is_num(buf_used(&out), 7, "nothing is written meanwhile");
	buf_drop(&out, 1);
	data_out_put(&d, &in, &out);
	is_num(in.n, 1, "then it goes");
	is_bytes(buf_peek(&out), BYTES("234567.."), "twice");
	buf_drop(&out, 4);
	ok(!data_out_end(&d, &out), "without room no end of data");
	is_num(buf_used(&out), 4, "not a part of it either");
}

/* data_out_fits against the worst content: lines of one dot. */
static void test_fits(void)
{
	static uint8_t worst[512];
	bool fits = true, near = true;

	for (size_t i = 0; i < sizeof(worst); i++)
		worst[i] = (uint8_t) ".\r\n"[i % 3];
	for (size_t room = 0; room < 300; room++) {
		struct bytes in = { worst, data_out_fits(room) };
		struct data_out d;
		struct buf out;
		size_t n = in.n;

		if (room > 0) {
			buf_init(&out, mem, room);
			data_out_init(&d);
			data_out_put(&d, &in, &out);
			fits = fits && in.n == 0;
		}
		near = near && n + 1 + n / 3 + 2 >= room;
	}
	ok(fits, "what is said to fit does");
	ok(near, "and not much less than could is said to fit");
	is_num(data_out_fits(0), 0, "nothing fits no room");
	is_num(data_out_fits(4096), 3072, "3 KiB surely fit 4 KiB");
}

/* The figure depends on the machine; but a slip that costs a factor of 100 shows anywhere. */
static void test_speed(void)
{
	static uint8_t text[60000];
	struct timespec a, b;
	struct data_out d;
	struct buf out;
	uint64_t octets = 0;
	double s;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : 'a' + i % 23);
	buf_init(&out, mem, sizeof(mem));
	data_out_init(&d);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (unsigned i = 0; i < 2000; i++) {
		struct bytes in = { text, sizeof(text) };

		data_out_put(&d, &in, &out);
		octets += sizeof(text);
		buf_clear(&out);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("# lines of 76 characters: %.2f GiB/s\n", (double)octets / s / (1 << 30));
	ok((double)octets / s > 50e6, "faster than 50 MB/s even under sanitizers");
}

int main(void)
{
	test_cases();
	test_room();
	test_fits();
	test_speed();
	return done();
}
