/* SPDX-License-Identifier: ISC */
#include "mail/envelope.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

#define BLOCKS 64

static struct blk mem[BLOCKS];
static uint8_t path[LIMIT_PATH];

static void basics(void)
{
	struct blk_arena a;
	struct envelope e;
	struct envelope_cursor cur;
	struct bytes sender;

	blk_arena_init(&a, mem, BLOCKS);
	envelope_init(&e, &a);
	ok(!envelope_get_sender(&e, path, &sender), "no sender at first");
	envelope_first(&e, &cur, path);
	ok(!envelope_next(&e, &cur), "no recipient either");
	ok(envelope_sender(&e, BYTES("<scan@box.example>")), "a sender");
	ok(!envelope_next(&e, &cur), "who is no recipient");
	is_num(envelope_count(&e), 0, "none counted");
	is_num(envelope_add(&e, BYTES("<a@b.example>")), 0, "the first has index 0");
	is_num(envelope_add(&e, BYTES("<\"x y\"@[10.0.0.1]>")), 1, "the second 1");
	is_num(envelope_count(&e), 2, "two counted");
	is_num(envelope_count_of(&e, RCPT_NEW), 2, "both new");
	ok(envelope_get_sender(&e, path, &sender) &&
		bytes_same(sender, BYTES("<scan@box.example>")),
	    "the sender");
	ok(envelope_next(&e, &cur) && cur.index == 0 && cur.verdict == RCPT_NEW &&
		bytes_same(cur.path, BYTES("<a@b.example>")),
	    "a cursor that stood at the end finds what was added");
	envelope_set_verdict(&e, &cur, RCPT_ACCEPTED);
	cur.text = NULL;
	ok(envelope_next(&e, &cur) && cur.index == 1 && cur.path.p == NULL,
	    "the path may be left out");
	cur.text = path;
	envelope_set_verdict(&e, &cur, RCPT_REFUSED);
	envelope_set_verdict(&e, &cur, RCPT_DEFERRED);
	ok(!envelope_next(&e, &cur) && cur.index == 1, "the end");
	is_num(envelope_add(&e, BYTES("")), 2, "an empty path");
	ok(envelope_next(&e, &cur) && cur.index == 2 && cur.path.n == 0, "is one, too");
	ok(envelope_at(&e, &cur, 1, path) && cur.verdict == RCPT_DEFERRED &&
		bytes_same(cur.path, BYTES("<\"x y\"@[10.0.0.1]>")),
	    "by index");
	ok(!envelope_at(&e, &cur, 3, path), "but not one too far");
	ok(envelope_count_of(&e, RCPT_NEW) == 1 && envelope_count_of(&e, RCPT_ACCEPTED) == 1 &&
		envelope_count_of(&e, RCPT_REFUSED) == 0 &&
		envelope_count_of(&e, RCPT_DEFERRED) == 1,
	    "verdicts are counted");
	envelope_change(&e, RCPT_NEW, RCPT_KEPT);
	ok(envelope_at(&e, &cur, 2, NULL) && cur.verdict == RCPT_KEPT &&
		envelope_count_of(&e, RCPT_NEW) == 0 && envelope_count_of(&e, RCPT_ACCEPTED) == 1,
	    "all of one verdict get another");
	envelope_free(&e);
	is_num(a.used, 0, "all blocks given back");
	is_num(envelope_count(&e), 0, "empty again");
	ok(envelope_sender(&e, BYTES("<>")), "and of use again");
}

static void full(void)
{
	struct blk_arena a;
	struct envelope e;
	struct envelope_cursor cur;
	uint8_t longest[LIMIT_PATH];
	uint32_t used, count = 0;
	size_t n, seen = 0;

	memset(longest, 'x', sizeof(longest));
	blk_arena_init(&a, mem, BLOCKS);
	envelope_init(&e, &a);
	ok(envelope_sender(&e, (struct bytes){ longest, sizeof(longest) }), "the longest path");
	while (envelope_add(&e, (struct bytes){ longest, sizeof(longest) }) != ENVELOPE_NONE)
		count++;
	is_num(count, BLOCKS * BLK_DATA / (LIMIT_PATH + 3) - 1, "as many as the arena holds");
	used = a.used;
	ok(envelope_add(&e, (struct bytes){ longest, sizeof(longest) }) == ENVELOPE_NONE &&
		a.used == used && envelope_count(&e) == count,
	    "one more changes nothing");
	is_num(envelope_add(&e, BYTES("<a@b>")), count, "a shorter one still fits");
	n = blk_room(&a, &e.chain) - 3;
	is_num(envelope_add(&e, (struct bytes){ longest, n }), count + 1,
	    "and one for the last octet");
	is_num(blk_room(&a, &e.chain), 0, "which is used then");
	for (envelope_first(&e, &cur, path); envelope_next(&e, &cur); seen++) {
		if (cur.index != seen)
			break;
	}
	is_num(seen, count + 2, "each is there");
	ok(envelope_at(&e, &cur, count, path) && bytes_same(cur.path, BYTES("<a@b>")),
	    "the short one too");
}

/* Many envelopes in one arena against arrays; one cursor each that goes on as verdicts come. */
static void random_ops(void)
{
	enum { MAILS = 5, RCPTS = 40 };
	static struct blk arena[150];
	static uint8_t text[MAILS][RCPTS][80];
	static size_t len[MAILS][RCPTS];
	static enum envelope_verdict verdict[MAILS][RCPTS];
	struct envelope e[MAILS];
	struct envelope_cursor cur[MAILS];
	struct blk_arena a;
	bool good = true;

	srand(10);
	blk_arena_init(&a, arena, 150);
	for (int m = 0; m < MAILS; m++)
		envelope_init(&e[m], &a);
	for (int i = 0; i < 100000 && good; i++) {
		int m = rand() % MAILS;
		uint32_t c = envelope_count(&e[m]);

		if (e[m].chain.len == 0) {
			if (envelope_sender(&e[m], BYTES("<s@example>")))
				envelope_first(&e[m], &cur[m], path);
		} else if (c == RCPTS || rand() % 60 == 0) {
			envelope_free(&e[m]);
		} else if (rand() % 3 == 0) {
			len[m][c] = (size_t)rand() % 80;
			for (size_t k = 0; k < len[m][c]; k++)
				text[m][c][k] = (uint8_t)rand();
			verdict[m][c] = RCPT_NEW;
			envelope_add(&e[m], (struct bytes){ text[m][c], len[m][c] });
		} else if (rand() % 2 == 0) {
			uint32_t was = cur[m].index;

			if (envelope_next(&e[m], &cur[m])) {
				uint32_t k = cur[m].index;

				good = k == (was == ENVELOPE_NONE ? 0 : was + 1) &&
				       cur[m].verdict == verdict[m][k] &&
				       bytes_same(
					   cur[m].path, (struct bytes){ text[m][k], len[m][k] });
				verdict[m][k] = (enum envelope_verdict)(rand() % RCPT_VERDICTS);
				envelope_set_verdict(&e[m], &cur[m], verdict[m][k]);
			}
		} else if (c > 0) {
			uint32_t k = (uint32_t)rand() % c;
			struct envelope_cursor at;

			good = envelope_at(&e[m], &at, k, path) && at.verdict == verdict[m][k] &&
			       bytes_same(at.path, (struct bytes){ text[m][k], len[m][k] });
		}
	}
	ok(good, "100,000 random operations on five envelopes agree with arrays");
}

int main(void)
{
	basics();
	full();
	random_ops();
	return done();
}
