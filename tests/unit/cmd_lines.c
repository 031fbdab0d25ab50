/* SPDX-License-Identifier: ISC */
/* Line ends of a mail from this box. */
#include "cmd/lines.h"

#include "tap.h"

static uint8_t mem[65536];

/* in, fed in pieces of size octets, out in pieces too. */
static struct bytes run(struct bytes in, size_t size, bool dot_ends, bool *ended)
{
	static uint8_t all[65536];
	struct lines l;
	struct buf out;
	size_t n = 0;

	buf_init(&out, mem, 4 * LINES_ROOM);
	lines_init(&l, dot_ends);
	while (in.n > 0 && !l.ended) {
		struct bytes piece = bytes_first(in, size);
		size_t before = piece.n;

		lines_put(&l, &piece, &out);
		in = bytes_skip(in, before - piece.n);
		memcpy(all + n, buf_peek(&out).p, buf_used(&out));
		n += buf_used(&out);
		buf_clear(&out);
	}
	if (!l.ended)
		lines_end(&l, &out);
	memcpy(all + n, buf_peek(&out).p, buf_used(&out));
	n += buf_used(&out);
	*ended = l.ended;
	return (struct bytes){all, n};
}

static const struct {
	const char *in;
	bool dot_ends;
	const char *want;
	bool ended;
} rows[] = {
	{"", true, "", false},
	{"a\nb\n", true, "a\r\nb\r\n", false},
	{"a\r\nb\r\n", true, "a\r\nb\r\n", false},
	{"a\r\r\nb", true, "a\r\nb", false},
	{"a\rb\n", true, "a\r\nb\r\n", false},
	{"a\r", true, "a\r\n", false},
	{"\n\n", true, "\r\n\r\n", false},
	{"a", true, "a", false},
	{"a\n.\nb\n", true, "a\r\n", true},
	{"a\r\n.\r\nb\n", true, "a\r\n", true},
	{".\n", true, "", true},
	{"a\n.\nb\n", false, "a\r\n.\r\nb\r\n", false},
	{"a\n.b\n", true, "a\r\n.b\r\n", false},
	{"a\n..\nb\n", true, "a\r\n..\r\nb\r\n", false},
	{"a.\nb\n", true, "a.\r\nb\r\n", false},
	{"a\n.", true, "a\r\n.", false},
	{"a\n.\r", true, "a\r\n.\r\n", false},
	{"a\n.\rb", true, "a\r\n.\r\nb", false},
	{"a\n.\r.\n", true, "a\r\n.\r\n", true},
};

/* Only CRLF in it? */
static bool canonical(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] == '\r' ? i + 1 == x.n || x.p[i + 1] != '\n'
				   : x.p[i] == '\n' && (i == 0 || x.p[i - 1] != '\r'))
			return false;
	}
	return true;
}

static void noise(void)
{
	static uint8_t in[2000], first[65536];
	bool same = true, clean = true, ended, again;
	unsigned seed = 1;

	for (unsigned round = 0; round < 300; round++) {
		struct bytes got;
		size_t n;

		for (size_t i = 0; i < sizeof(in); i++) {
			seed = seed * 1103515245 + 12345;
			in[i] = (uint8_t)"ab.\r\n\r\n."[seed >> 16 & 7];
		}
		got = run((struct bytes){in, sizeof(in)}, sizeof(in), round % 2, &ended);
		n = got.n;
		memcpy(first, got.p, n);
		clean = clean && canonical(got);
		got = run((struct bytes){in, sizeof(in)}, 1 + round % 7, round % 2, &again);
		same = same && ended == again &&
		       bytes_same(got, (struct bytes){first, n});
	}
	ok(clean, "no lone CR or LF gets through");
	ok(same, "the same input, however cut, gives the same lines");
}

int main(void)
{
	bool ended;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t size = 1; size < 5; size++) {
			struct bytes got = run(bytes_of(rows[i].in), size, rows[i].dot_ends, &ended);

			is_bytes(got, bytes_of(rows[i].want), "row %zu in pieces of %zu", i, size);
			ok(ended == rows[i].ended, "and its end");
		}
	}
	noise();
	return done();
}
