/* SPDX-License-Identifier: ISC */
/*
 * Content on its way: what data_out writes data_in reads back the same, however both are cut; and
 * whatever a client sends, what leaves towards the gateway is canonical, holds one end of data, at
 * its end, and nothing that a lax gateway could take for another.
 */
#include "base/bug.h"
#include "smtp/data_in.h"
#include "smtp/data_out.h"
#include "tap.h"

TAP_GP_BUG

#define LONGEST 300
#define ROUNDS  300000

static uint32_t state = 1;

static uint32_t next(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* An array with room for every stage. */
struct stage {
	uint8_t p[4 * LONGEST + 64];
	size_t n;
};

static void add(struct stage *s, struct bytes x)
{
	if (x.n > 0)
		memcpy(s->p + s->n, x.p, x.n);
	s->n += x.n;
}

/* Lines, dots, and lines of dots, of random lengths. */
static void random_canonical(struct stage *s)
{
	static const char alphabet[] = "..ab \xff";
	size_t want = next() % LONGEST;

	s->n = 0;
	while (s->n < want) {
		if (next() % 4 == 0)
			add(s, BYTES("\r\n"));
		else
			s->p[s->n++] = (uint8_t)alphabet[next() % (sizeof(alphabet) - 1)];
	}
}

/* Everything that has ever been used to break out of the content. */
static void random_hostile(struct stage *s)
{
	static const char alphabet[] = "\r\r\r\n\n\n...a";
	size_t want = next() % 40;

	s->n = 0;
	while (s->n < want)
		s->p[s->n++] = (uint8_t)alphabet[next() % (sizeof(alphabet) - 1)];
}

/* In random pieces through an output of random, often small, room. */
static void encode(const struct stage *from, struct stage *to)
{
	uint8_t mem[64];
	struct bytes rest = { from->p, from->n };
	struct data_out d;
	struct buf out;
	bool ended = false;

	buf_init(&out, mem, DATA_OUT_END + next() % (sizeof(mem) - DATA_OUT_END));
	data_out_init(&d);
	to->n = 0;
	while (!ended) {
		struct bytes piece = bytes_first(rest, next() % 20);
		size_t n = piece.n;

		data_out_put(&d, &piece, &out);
		rest = bytes_skip(rest, n - piece.n);
		if (rest.n == 0)
			ended = data_out_end(&d, &out);
		n = next() % 3 == 0 || ended ? buf_used(&out) : next() % (buf_used(&out) + 1);
		add(to, bytes_first(buf_peek(&out), n));
		buf_drop(&out, n);
	}
}

/* In random pieces and rooms. False when the end of data did not come. *left: octets behind it. */
static bool decode(const struct stage *from, struct stage *to, struct data_in *d,
    const struct data_in_params *params, size_t *left)
{
	struct bytes rest = { from->p, from->n }, run;
	enum data_in_event event = DATA_IN_MORE;

	data_in_init(d, params);
	to->n = 0;
	while (event != DATA_IN_END && rest.n > 0) {
		struct bytes piece = bytes_first(rest, 1 + next() % 20);
		size_t n = piece.n;

		do {
			event = data_in_step(d, &piece, 2 + next() % 30, &run);
			if (event == DATA_IN_RUN)
				add(to, run);
		} while (event == DATA_IN_RUN);
		rest = bytes_skip(rest, n - piece.n);
	}
	*left = rest.n;
	return event == DATA_IN_END;
}

static bool ends_in_crlf(const struct stage *s)
{
	return s->n == 0 || (s->n >= 2 && memcmp(s->p + s->n - 2, "\r\n", 2) == 0);
}

static struct stage content, wire, back;

static bool identity(const struct data_in_params *params)
{
	struct data_in d;
	size_t left;

	random_canonical(&content);
	encode(&content, &wire);
	add(&wire, BYTES("QUIT\r\n"));
	if (!decode(&wire, &back, &d, params, &left))
		return false;
	if (!ends_in_crlf(&content))
		add(&content, BYTES("\r\n"));
	return left == 6 && d.fault == DATA_OK && d.size == content.n && !d.almost_ended &&
	       back.n == content.n && memcmp(back.p, content.p, content.n) == 0;
}

static void test_identity(void)
{
	static const struct data_in_params params[] = {
		{ 0 },
		{ .pedantic_headers = true, .pedantic_body = true },
		{ .lone_lf_ends_data = true },
		{ .max_size = LONGEST + 2 },
	};
	static const char *const names[] = { "as usual", "pedantic", "Lone_LF_Ends_Data",
		"a limit" };

	for (unsigned k = 0; k < 4; k++) {
		unsigned good = 0;

		while (good < ROUNDS && identity(&params[k]))
			good++;
		is_num(good, ROUNDS, "written and read back the same, %s", names[k]);
		if (good < ROUNDS)
			tap_show("content", ((struct bytes){ content.p, content.n }));
	}
}

/* Is there, but at the end, what a server that is lax in any known way takes for the end? */
static bool has_early_end(const struct stage *s)
{
	for (size_t i = 1; i + 1 < s->n - 3; i++)
		if (s->p[i] == '.' && (s->p[i - 1] == '\n' || s->p[i - 1] == '\r') &&
		    (s->p[i + 1] == '\n' || s->p[i + 1] == '\r' || s->p[i + 1] == 0))
			return true;
	return s->n > 3 && s->p[0] == '.' && s->p[1] != '.';
}

static bool is_canonical(const struct stage *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->p[i] == '\n' && (i == 0 || s->p[i - 1] != '\r'))
			return false;
		if (s->p[i] == '\r' && (i + 1 == s->n || s->p[i + 1] != '\n'))
			return false;
	}
	return true;
}

/* One mail in hostile octets: what is read is written again, and that again read. */
static bool contained(const struct data_in_params *params, unsigned *mails)
{
	static struct stage hostile, read;
	struct data_in d;
	size_t left;

	random_hostile(&hostile);
	add(&hostile, BYTES("\r\n.\r\n"));
	if (!decode(&hostile, &read, &d, params, &left))
		return false;
	encode(&read, &wire);
	if (!is_canonical(&wire) || wire.n < 3 || memcmp(wire.p + wire.n - 3, ".\r\n", 3) != 0 ||
	    (wire.n > 3 && wire.p[wire.n - 4] != '\n') || has_early_end(&wire))
		return false;
	(*mails)++;
	if (!ends_in_crlf(&read))
		add(&read, BYTES("\r\n"));
	return decode(&wire, &back, &d, params, &left) && left == 0 && back.n == read.n &&
	       memcmp(back.p, read.p, read.n) == 0;
}

static void test_contained(void)
{
	static const struct data_in_params usual, lax = { .lone_lf_ends_data = true };
	unsigned mails = 0, good = 0;

	while (good < ROUNDS && contained(good % 2 ? &lax : &usual, &mails))
		good++;
	is_num(good, ROUNDS, "hostile content leaves as one mail with one end of data");
	is_num(mails, good, "each round had one");
	if (good < ROUNDS)
		tap_show("wire", ((struct bytes){ wire.p, wire.n }));
}

int main(void)
{
	test_identity();
	test_contained();
	return done();
}
