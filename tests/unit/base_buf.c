/* SPDX-License-Identifier: ISC */
#include "base/buf.h"
#include "base/bug.h"
#include "tap.h"

#include <setjmp.h>

static jmp_buf bugged;

_Noreturn void gp_stop(const char *what)
{
	(void)what;
	longjmp(bugged, 1);
}

static void basics(void)
{
	uint8_t mem[8], other[8];
	struct buf b;
	size_t n;

	buf_init(&b, mem, sizeof(mem));
	ok(buf_put(&b, BYTES("abcdef")), "six octets go into eight");
	ok(!buf_put(&b, BYTES("xyz")), "three more do not");
	is_bytes(buf_peek(&b), BYTES("abcdef"), "and change nothing");
	buf_drop(&b, 4);
	is_num(buf_room(&b), 6, "room counts what was taken off");
	ok(buf_put(&b, BYTES("ghijkl")), "so much goes in");
	is_bytes(buf_peek(&b), BYTES("efghijkl"), "all in one piece");
	buf_space(&b, &n);
	is_num(n, 0, "no space when full");
	buf_drop(&b, 7);
	memcpy(buf_space(&b, &n), "mn", 2);
	is_num(n, 7, "space is compacted");
	buf_added(&b, 2);
	is_bytes(buf_peek(&b), BYTES("lmn"), "what was written there follows");
	buf_move(&b, other, 3);
	is_bytes(buf_peek(&b), BYTES("lmn"), "moved to smaller storage");
	is_num(buf_room(&b), 0, "that is full now");
	is_num(b.high, 8, "the most it held");
	buf_clear(&b);
	is_num(buf_used(&b), 0, "empty when cleared");
	ok(buf_put(&b, (struct bytes){ NULL, 0 }), "nothing fits always");
}

static void bugs(void)
{
	uint8_t mem[4];
	struct buf b;
	volatile unsigned caught = 0;

	buf_init(&b, mem, sizeof(mem));
	buf_put(&b, BYTES("ab"));
	if (setjmp(bugged) == 0)
		buf_drop(&b, 3);
	else
		caught++;
	if (setjmp(bugged) == 0)
		buf_added(&b, 3);
	else
		caught++;
	if (setjmp(bugged) == 0)
		buf_move(&b, mem, 1);
	else
		caught++;
	is_num(caught, 3, "dropping, adding and moving too much are bugs");
}

/* Against a model that is an array of what is held. */
static void random_ops(void)
{
	uint8_t mem[37], model[37], next = 0;
	size_t held = 0, n;
	struct buf b;
	bool good = true;

	srand(1);
	buf_init(&b, mem, sizeof(mem));
	for (int i = 0; i < 200000 && good; i++) {
		uint8_t text[40];

		n = (size_t)rand() % 40;
		if (rand() % 2) {
			for (size_t k = 0; k < n; k++)
				text[k] = next++;
			if (buf_put(&b, (struct bytes){ text, n }) != (held + n <= sizeof(model)))
				good = false;
			if (held + n <= sizeof(model)) {
				memcpy(model + held, text, n);
				held += n;
			}
		} else {
			n = n < held ? n : held;
			buf_drop(&b, n);
			memmove(model, model + n, held - n);
			held -= n;
		}
		good = good && bytes_same(buf_peek(&b), (struct bytes){ model, held }) &&
		       buf_room(&b) == sizeof(model) - held;
	}
	ok(good, "200,000 random operations agree with an array");
}

int main(void)
{
	basics();
	bugs();
	random_ops();
	return done();
}
