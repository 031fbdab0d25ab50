/* SPDX-License-Identifier: ISC */
#include "smtp/reply.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

static uint8_t mem[4096];
static struct buf out;

static void fresh(void)
{
	buf_init(&out, mem, sizeof(mem));
}

/* ---- parsing ---- */

struct heard {
	enum reply_status status;
	struct reply reply;
	size_t left; /* octets behind it */
};

/* Feeds text in pieces of at most `cut` octets until something is whole. */
static struct heard hear(struct bytes text, size_t cut)
{
	struct reply_parser p;
	struct heard h = { .status = REPLY_MORE };

	reply_parser_init(&p);
	while (h.status == REPLY_MORE && text.n > 0) {
		struct bytes piece = bytes_first(text, cut);
		size_t n = piece.n;

		h.status = reply_parse(&p, &piece);
		text = bytes_skip(text, n - piece.n);
	}
	h.reply = p.reply;
	h.left = text.n;
	return h;
}

struct parse_case {
	const char *name, *text;
	enum reply_status status;
	unsigned code;
	const char *enhanced, *want;
	size_t left;
};

static const struct parse_case parse_cases[] = {
	{ "a plain reply", "250 Ok\r\n", REPLY_DONE, 250, "", "Ok", 0 },
	{ "with an enhanced code", "250 2.1.0 Sender ok\r\n", REPLY_DONE, 250, "2.1.0", "Sender ok",
	    0 },
	{ "no text", "250\r\n", REPLY_DONE, 250, "", "", 0 },
	{ "a blank and no text", "250 \r\n", REPLY_DONE, 250, "", "", 0 },
	{ "an enhanced code alone", "250 2.0.0\r\n", REPLY_DONE, 250, "2.0.0", "", 0 },
	{ "LF alone ends the line", "250 Ok\n", REPLY_DONE, 250, "", "Ok", 0 },
	{ "no text and LF alone", "250\n", REPLY_DONE, 250, "", "", 0 },
	{ "two replies in one piece", "250 a\r\n354 b\r\n", REPLY_DONE, 250, "", "a", 7 },
	{ "several lines", "250-one\r\n250-two\r\n250 three\r\n", REPLY_DONE, 250, "",
	    "one\ntwo\nthree", 0 },
	{ "the enhanced code is taken off each line", "550-5.7.1 not you\r\n550 5.7.1 go away\r\n",
	    REPLY_DONE, 550, "5.7.1", "not you\ngo away", 0 },
	{ "it may come on a later line only", "550-sorry\r\n550 5.7.1 go away\r\n", REPLY_DONE, 550,
	    "5.7.1", "sorry\ngo away", 0 },
	{ "another one on a later line is text", "550-5.7.1 no\r\n550 5.7.26 spf\r\n", REPLY_DONE,
	    550, "5.7.1", "no\n5.7.26 spf", 0 },
	{ "three digits in each part", "550 5.123.456 x\r\n", REPLY_DONE, 550, "5.123.456", "x",
	    0 },
	{ "four digits are none", "550 5.1234.4 x\r\n", REPLY_DONE, 550, "", "5.1234.4 x", 0 },
	{ "class 3 is none", "250 3.1.1 x\r\n", REPLY_DONE, 250, "", "3.1.1 x", 0 },
	{ "an address is none", "250 2.0.0.1 x\r\n", REPLY_DONE, 250, "", "2.0.0.1 x", 0 },
	{ "two parts are none", "250 2.0 x\r\n", REPLY_DONE, 250, "", "2.0 x", 0 },
	{ "a dot too many is none", "250 2.0. x\r\n", REPLY_DONE, 250, "", "2.0. x", 0 },
	{ "a number in front is text", "250 20260101120000 queued\r\n", REPLY_DONE, 250, "",
	    "20260101120000 queued", 0 },
	{ "a comma behind it makes it text", "250 2.1.0, fine\r\n", REPLY_DONE, 250, "",
	    "2.1.0, fine", 0 },
	{ "ESC, NUL, 8-bit and HT become ?", "550 a\x1b[1m\xc3\xa9\tb\r\n", REPLY_DONE, 550, "",
	    "a?[1m???b", 0 },
	{ "a lone CR becomes ?", "550 a\rb\r\n", REPLY_DONE, 550, "", "a?b", 0 },
	{ "CR CR LF", "550 a\r\r\n", REPLY_DONE, 550, "", "a?", 0 },
	{ "an empty line in the middle", "250-a\r\n250-\r\n250 b\r\n", REPLY_DONE, 250, "",
	    "a\n\nb", 0 },
	{ "200 and 599 are codes", "599 a\r\n", REPLY_DONE, 599, "", "a", 0 },
	{ "text only", "hello there\r\n", REPLY_BAD, 0, "", "hello there", 0 },
	{ "a web server", "HTTP/1.1 400 Bad Request\r\nServer: x\r\n", REPLY_BAD, 0, "",
	    "HTTP/1.1 400 Bad Request", 11 },
	{ "199", "199 a\r\n", REPLY_BAD, 0, "", "199 a", 0 },
	{ "600", "600 a\r\n", REPLY_BAD, 0, "", "600 a", 0 },
	{ "000", "000 a\r\n", REPLY_BAD, 0, "", "000 a", 0 },
	{ "two digits", "25 a\r\n", REPLY_BAD, 0, "", "25 a", 0 },
	{ "four digits", "2500 a\r\n", REPLY_BAD, 0, "", "2500 a", 0 },
	{ "neither blank nor dash", "250_a\r\n", REPLY_BAD, 0, "", "250_a", 0 },
	{ "an empty line", "\r\n", REPLY_BAD, 0, "", "", 0 },
	{ "an empty line, LF alone", "\n", REPLY_BAD, 0, "", "", 0 },
	{ "another code on a later line", "250-a\r\n251 b\r\n", REPLY_BAD, 0, "", "", 3 },
	{ "text on a later line", "250-a\r\nb\r\n", REPLY_BAD, 0, "", "", 2 },
	{ "half a reply", "250-a\r\n250", REPLY_MORE, 250, "", "a", 0 },
};

static void test_parse(void)
{
	for (unsigned i = 0; i < sizeof(parse_cases) / sizeof(parse_cases[0]); i++) {
		const struct parse_case *c = &parse_cases[i];
		struct bytes text = bytes_of(c->text);
		struct heard h = hear(text, text.n);
		bool same = true;

		is_num(h.status, c->status, "%s: status", c->name);
		is_num(h.reply.code, c->code, "%s: code", c->name);
		is_str(h.reply.enhanced, c->enhanced, "%s: enhanced code", c->name);
		is_bytes(((struct bytes){ (const uint8_t *)h.reply.text, h.reply.n }),
		    bytes_of(c->want), "%s: text", c->name);
		is_num(h.left, c->left, "%s: what is behind it is left", c->name);
		for (size_t cut = 1; cut < text.n; cut++) {
			struct heard g = hear(text, cut);

			same = same && g.status == h.status && g.left == h.left &&
			       g.reply.code == h.reply.code && g.reply.n == h.reply.n &&
			       memcmp(g.reply.text, h.reply.text, h.reply.n) == 0 &&
			       strcmp(g.reply.enhanced, h.reply.enhanced) == 0;
		}
		ok(same, "%s: the same however cut", c->name);
	}
}

static void test_parse_nul(void)
{
	struct heard h = hear(BYTES("250 a\0b\r\n"), 100);

	is_bytes(((struct bytes){ (const uint8_t *)h.reply.text, h.reply.n }), BYTES("a?b"),
	    "NUL becomes ?");
}

/* n lines, the last one without a dash. */
static struct heard hear_lines(unsigned n, const char *text)
{
	static char reply[200000];
	size_t at = 0;

	for (unsigned i = 1; i <= n; i++)
		at += (size_t)snprintf(
		    reply + at, sizeof(reply) - at, "550%c%s\r\n", i < n ? '-' : ' ', text);
	return hear((struct bytes){ (const uint8_t *)reply, at }, at);
}

static void test_parse_limits(void)
{
	static char big[9000];
	struct heard h;
	unsigned lines = 1;

	h = hear_lines(100, "x");
	is_num(h.status, REPLY_DONE, "100 lines are a reply");
	for (unsigned i = 0; i < h.reply.n; i++)
		lines += h.reply.text[i] == '\n';
	is_num(lines, 8, "eight of them are kept");
	h = hear_lines(101, "x");
	is_num(h.status, REPLY_BAD, "101 lines are not");
	is_num(h.reply.code, 0, "and leave no code");

	memset(big, 'a', sizeof(big));
	memcpy(big, "250 ", 4);
	memcpy(big + LIMIT_REPLY_SIZE - 2, "\r\n", 2);
	h = hear((struct bytes){ (const uint8_t *)big, LIMIT_REPLY_SIZE }, 1000);
	is_num(h.status, REPLY_DONE, "8 KiB are a reply");
	is_num(h.reply.n, LIMIT_REPLY_TEXT, "800 octets of it are kept");
	memset(big + 4, 'a', sizeof(big) - 4);
	h = hear((struct bytes){ (const uint8_t *)big, sizeof(big) }, 1000);
	is_num(h.status, REPLY_BAD, "a line without end is not");
	ok(h.left >= sizeof(big) - LIMIT_REPLY_SIZE - 1, "no more than 8 KiB of it are taken");

	memset(big, 'a', sizeof(big));
	h = hear((struct bytes){ (const uint8_t *)big, sizeof(big) }, 1000);
	is_num(h.status, REPLY_BAD, "nonsense without end is given up early");
	ok(h.left > sizeof(big) - 300, "after some 200 octets");

	memset(big, 'b', 800);
	big[799] = '\0';
	h = hear_lines(3, big);
	is_num(h.reply.n, 799, "a line of which nothing fits leaves no empty line behind");
}

static void test_next_reply_is_fresh(void)
{
	struct bytes in = BYTES("550-5.7.1 a\r\n550 5.7.1 b\r\n250 c\r\nrubbish\r\n220 d\r\n");
	struct reply_parser p;

	reply_parser_init(&p);
	ok(reply_parser_idle(&p), "idle at first");
	is_num(reply_parse(&p, &in), REPLY_DONE, "the first");
	is_num(reply_parse(&p, &in), REPLY_DONE, "the second");
	is_num(p.reply.code, 250, "its code");
	is_str(p.reply.enhanced, "", "the enhanced code of the first is forgotten");
	is_num(p.reply.n, 1, "so is its text");
	is_num(reply_parse(&p, &in), REPLY_BAD, "nonsense");
	is_num(reply_parse(&p, &in), REPLY_DONE, "a reply behind it");
	is_num(p.reply.code, 220, "its code");
	ok(reply_parser_idle(&p), "idle between replies");
	in = BYTES("2");
	is_num(reply_parse(&p, &in), REPLY_MORE, "one octet");
	ok(!reply_parser_idle(&p), "not idle within one");
}

static void test_by_line(void)
{
	struct bytes in = BYTES("250-gw.test\r\n250-SIZE 1000\r\n250 HELP\r\n250 next\r\n");
	static char many[40000];
	struct reply_parser p;
	struct bytes text;
	uint32_t number;
	size_t n = 0;
	unsigned lines = 0;

	reply_parser_init(&p);
	p.by_line = true;
	is_num(reply_parse(&p, &in), REPLY_LINE, "a line");
	is_bytes(reply_parser_line(&p, &number), BYTES("gw.test"), "its text");
	is_num(number, 0, "its number");
	is_num(reply_parse(&p, &in), REPLY_LINE, "another");
	is_bytes(reply_parser_line(&p, &number), BYTES("SIZE 1000"), "its text");
	is_num(number, 1, "its number");
	is_num(reply_parse(&p, &in), REPLY_LINE, "the last");
	ok(!reply_parser_idle(&p), "the reply is not over before it was told");
	in.n = 0;
	is_num(reply_parse(&p, &in), REPLY_DONE, "then the reply is whole, without further input");
	is_num(p.reply.code, 250, "its code");

	for (unsigned i = 1; i <= 60; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "250%cEXT%u %0*d\r\n",
		    i < 60 ? '-' : ' ', i, 100, 7);
	in = (struct bytes){ (const uint8_t *)many, n };
	while (reply_parse(&p, &in) == REPLY_LINE) {
		text = reply_parser_line(&p, &number);
		lines += number == lines && text.n >= 105 && text.p[text.n - 1] == '7';
	}
	is_num(lines, 60, "each of 60 long lines is given whole");

	in = BYTES("550-a\r\n550 b\r\n");
	is_num(reply_parse(&p, &in), REPLY_DONE, "a refusal comes in one");
	is_num(p.reply.n, 3, "with all its text");
}

/* ---- printing ---- */

struct print_case {
	const char *name;
	unsigned code;
	const char *enhanced, *text, *want;
};

static const struct print_case print_cases[] = {
	{ "one line", 250, "2.0.0", "Ok", "250 2.0.0 Ok\r\n" },
	{ "no enhanced code", 354, "", "go on", "354 go on\r\n" },
	{ "no text", 250, "", "", "250 \r\n" },
	{ "several lines", 550, "5.7.1", "a\nb\nc",
	    "550-5.7.1 a\r\n550-5.7.1 b\r\n550 5.7.1 c\r\n" },
	{ "several lines, no enhanced code", 550, "", "a\nb", "550-a\r\n550 b\r\n" },
	{ "an empty last line", 550, "", "a\n", "550-a\r\n550 \r\n" },
	{ "what is not printable", 550, "5.0.0", "a\x1b\r\x7f\xffz", "550 5.0.0 a????z\r\n" },
	{ "at most eight lines", 550, "", "1\n2\n3\n4\n5\n6\n7\n8\n9",
	    "550-1\r\n550-2\r\n550-3\r\n550-4\r\n550-5\r\n550-6\r\n550-7\r\n550 8\r\n" },
};

static void test_print(void)
{
	struct reply r;

	for (unsigned i = 0; i < sizeof(print_cases) / sizeof(print_cases[0]); i++) {
		const struct print_case *c = &print_cases[i];

		fresh();
		reply_set(&r, c->code, c->enhanced, bytes_of(c->text));
		ok(reply_print(&out, &r), "%s: printed", c->name);
		is_bytes(buf_peek(&out), bytes_of(c->want), "%s: as it should be", c->name);
	}
}

/* Checks what DESIGN and RFC 5321 promise of any printed reply; returns the number of lines. */
static unsigned check_printed(const char *name, size_t text_octets)
{
	struct bytes x = buf_peek(&out);
	size_t total = 0;
	unsigned lines = 0;
	bool good = true;

	ok(x.n <= LIMIT_REPLY_PRINTED, "%s: %zu octets are no more than promised", name, x.n);
	while (x.n > 0) {
		size_t n = bytes_find(x, '\n') + 1;

		good = good && n <= 512 && n >= 16 && x.p[n - 2] == '\r' &&
		       memcmp(x.p, "550", 3) == 0 && x.p[3] == (n == x.n ? ' ' : '-') &&
		       memcmp(x.p + 4, "5.123.456 ", 10) == 0;
		total += n - 16;
		lines++;
		x = bytes_skip(x, n);
	}
	ok(good, "%s: each line has its codes, its mark, and at most 512 octets", name);
	is_num(total, text_octets, "%s: nothing of the text is lost", name);
	return lines;
}

static void test_print_long(void)
{
	static char text[1200];
	struct reply r;

	memset(text, 'x', sizeof(text));
	fresh();
	reply_set(&r, 550, "5.123.456", (struct bytes){ (const uint8_t *)text, sizeof(text) });
	is_num(r.n, LIMIT_REPLY_TEXT, "text is cut at 800 octets");
	ok(reply_print(&out, &r), "a line of 800 octets is printed");
	is_num(check_printed("split", 800), 2, "in two lines");

	for (unsigned i = 1; i < 8; i++)
		text[800 - 2 * i] = '\n';
	fresh();
	reply_set(&r, 550, "5.123.456", (struct bytes){ (const uint8_t *)text, 800 });
	ok(reply_print(&out, &r), "eight lines, 800 octets");
	is_num(check_printed("worst case", 793), 9, "in nine lines, one was split");

	fresh();
	memset(text, 'x', 496);
	reply_set(&r, 550, "5.123.456", (struct bytes){ (const uint8_t *)text, 496 });
	ok(reply_print(&out, &r), "a line that just fits");
	is_num(check_printed("496", 496), 1, "is one line");
	fresh();
	reply_set(&r, 550, "5.123.456", (struct bytes){ (const uint8_t *)text, 497 });
	ok(reply_print(&out, &r), "a line that just does not fit");
	is_num(check_printed("497", 497), 2, "is two lines");
	fresh();
	text[496] = '\n';
	text[497] = 'y';
	reply_set(&r, 550, "5.123.456", (struct bytes){ (const uint8_t *)text, 498 });
	ok(reply_print(&out, &r), "a line that just fits, and another");
	is_num(check_printed("496 and one", 497), 2, "are two lines");
}

static void test_print_room(void)
{
	struct reply r;

	fresh();
	reply_set(&r, 250, "2.0.0", BYTES("Ok"));
	buf_added(&out, sizeof(mem) - LIMIT_REPLY_PRINTED + 1);
	ok(!reply_print(&out, &r), "without room for the largest reply nothing is printed");
	is_num(buf_used(&out), sizeof(mem) - LIMIT_REPLY_PRINTED + 1, "not a part either");
	buf_drop(&out, 1);
	ok(reply_print(&out, &r), "with it the reply is");
}

static void test_printed_parses(void)
{
	static const char *const texts[] = {
		"",
		"a",
		"a\nb",
		"\n",
		"a\n\nb",
		"5.7.1 looks like a code",
		"1\n2\n3\n4\n5\n6\n7\n8",
	};
	struct reply r;
	struct heard h;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fresh();
		reply_set(&r, 451, "4.4.2", bytes_of(texts[i]));
		reply_print(&out, &r);
		h = hear(buf_peek(&out), 10000);
		ok(h.status == REPLY_DONE && h.left == 0 && h.reply.code == 451 &&
			h.reply.n == r.n && memcmp(h.reply.text, r.text, r.n) == 0 &&
			strcmp(h.reply.enhanced, "4.4.2") == 0,
		    "reply %u that was printed is heard the same", i);
	}
}

static void test_line(void)
{
	char text[64];
	struct reply r;
	struct fmt f;

	reply_set(&r, 550, "5.7.1", BYTES("not\nyou"));
	fmt_init(&f, text, sizeof(text));
	reply_line(&f, &r);
	is_str(text, "550 5.7.1 not you", "on one line");
	reply_set(&r, 421, "", BYTES(""));
	fmt_init(&f, text, sizeof(text));
	reply_line(&f, &r);
	is_str(text, "421", "the code alone");
	reply_set(&r, 250, "2.0.0", BYTES("a rather long text"));
	fmt_init(&f, text, 16);
	reply_line(&f, &r);
	is_str(text, "250 2.0.0 a rat", "cut where it does not fit");
	reply_set(&r, 250, "2.0.0.0.0.0.0.0", BYTES("x"));
	is_str(r.enhanced, "", "an impossible enhanced code is left out");
}

int main(void)
{
	test_parse();
	test_parse_nul();
	test_parse_limits();
	test_next_reply_is_fresh();
	test_by_line();
	test_print();
	test_print_long();
	test_print_room();
	test_printed_parses();
	test_line();
	return done();
}
