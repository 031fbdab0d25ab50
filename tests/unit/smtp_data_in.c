/* SPDX-License-Identifier: ISC */
/* The end of data, dots and line ends, against a decoder that works on the whole content line by
 * line. */
#include "smtp/data_in.h"

#include "tap.h"

TAP_GP_BUG

enum term { T_NONE, T_CRLF, T_LF, T_CR, T_CRCRLF };

/* What became of one content. */
struct result {
	uint8_t out[1 << 16];
	size_t n;
	size_t rest; /* octets behind the end of data */
	bool ended, almost;
	enum data_fault fault;
};

static uint32_t seed = 1;

static uint32_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* --- the slow reference --- */

struct ref {
	const struct data_in_params *p;
	struct result *r;
	uint64_t size;
};

static void ref_fault(struct ref *f, enum data_fault fault)
{
	if (f->r->fault == DATA_OK)
		f->r->fault = fault;
}

static void ref_put(struct ref *f, uint8_t c)
{
	f->size++;
	if (f->p->max_size && f->size > f->p->max_size)
		ref_fault(f, DATA_TOO_BIG);
	if (f->r->fault == DATA_OK)
		f->r->out[f->r->n++] = c;
}

static enum term ref_term(struct bytes x, size_t i)
{
	if (i >= x.n)
		return T_NONE;
	if (x.p[i] == '\n')
		return T_LF;
	if (i + 1 < x.n && x.p[i + 1] == '\n')
		return T_CRLF;
	if (i + 2 < x.n && x.p[i + 1] == '\r' && x.p[i + 2] == '\n')
		return T_CRCRLF;
	return T_CR;
}

static void ref_decode(struct bytes x, const struct data_in_params *p, struct result *r)
{
	static const size_t length[] = { 0, 2, 1, 1, 3 };
	struct ref f = { p, r, 0 };
	enum term before = T_CRLF;
	bool first = true, first_lf = false, in_body = false;

	r->n = r->rest = 0;
	r->ended = r->almost = false;
	r->fault = DATA_OK;
	while (x.n > 0) {
		size_t n = 0;

		while (n < x.n && x.p[n] != '\r' && x.p[n] != '\n')
			n++;
		enum term term = ref_term(x, n);
		struct bytes line = bytes_first(x, n);
		bool strict = before == T_CRLF || before == T_CRCRLF;
		bool lf_client = before == T_LF && first_lf;

		x = bytes_skip(x, n + length[term]);
		if (bytes_same(line, BYTES("."))) {
			bool lax = (strict && term == T_LF) ||
				   (lf_client && (term == T_LF || term == T_CRLF));

			r->ended = (strict && term == T_CRLF) || (lax && p->lone_lf_ends_data);
			r->almost |= lax && !r->ended;
			if (r->ended)
				break;
		}
		if (line.n > 0 && line.p[0] == '.' && (strict || lf_client))
			line = bytes_skip(line, 1);
		for (size_t i = 0; i < line.n; i++) {
			if (line.p[i] == 0)
				ref_fault(&f, DATA_NUL);
			else
				ref_put(&f, line.p[i]);
		}
		if (term != T_CRLF && (in_body ? p->pedantic_body : p->pedantic_headers))
			ref_fault(&f, DATA_LONE_LF);
		ref_put(&f, '\r');
		ref_put(&f, '\n');
		in_body |= line.n == 0;
		if (first)
			first_lf = term == T_LF;
		first = false;
		before = term;
	}
	r->rest = x.n;
}

/* --- the decoder itself --- */

enum cut { WHOLE, BYTEWISE, AT_RANDOM };

static const char *const cut_name[] = { "whole", "byte by byte", "in random cuts" };

/* Every run must be non-empty and within room; false if not. */
static bool decode(struct bytes x, const struct data_in_params *p, enum cut cut, struct result *r)
{
	struct data_in d;
	size_t given = 0;

	data_in_init(&d, p);
	r->n = r->rest = 0;
	r->ended = false;
	while (given < x.n && !r->ended) {
		size_t some = cut == WHOLE ? x.n : cut == BYTEWISE ? 1 : 1 + next() % 9;
		/* Exact-size copies, so that the sanitizer sees a look past the cut. */
		size_t n = some < x.n - given ? some : x.n - given;
		uint8_t *copy = malloc(n);
		struct bytes in = { copy, n }, run;
		enum data_in_event ev;

		memcpy(copy, x.p + given, n);
		do {
			size_t room = cut == WHOLE ? SIZE_MAX : 2 + next() % 5;

			run = (struct bytes){ NULL, 0 };
			ev = data_in_step(&d, &in, room, &run);
			if (ev == DATA_IN_RUN && (run.n == 0 || run.n > room)) {
				free(copy);
				return false;
			}
			if (run.n > 0)
				memcpy(r->out + r->n, run.p, run.n);
			r->n += run.n;
		} while (ev == DATA_IN_RUN);
		r->ended = ev == DATA_IN_END;
		given += n - in.n;
		free(copy);
		if (!r->ended && in.n > 0)
			return false;
	}
	r->rest = x.n - given;
	r->almost = d.almost_ended;
	r->fault = d.fault;
	return true;
}

static bool same(const struct result *a, const struct result *b)
{
	return a->ended == b->ended && a->rest == b->rest && a->fault == b->fault &&
	       a->almost == b->almost &&
	       bytes_same((struct bytes){ a->out, a->n }, (struct bytes){ b->out, b->n });
}

static struct result want, got;

static bool agree(struct bytes x, const struct data_in_params *p)
{
	ref_decode(x, p, &want);
	for (enum cut cut = WHOLE; cut <= AT_RANDOM; cut++) {
		if (decode(x, p, cut, &got) && same(&want, &got))
			continue;
		printf("# differs %s: lone_lf %d pedantic %d %d max %d\n", cut_name[cut],
		    p->lone_lf_ends_data, p->pedantic_headers, p->pedantic_body, (int)p->max_size);
		tap_show("input", x);
		tap_show(" want", (struct bytes){ want.out, want.n });
		tap_show("  got", (struct bytes){ got.out, got.n });
		printf("# want end %d rest %zu fault %d almost %d, got %d %zu %d %d\n", want.ended,
		    want.rest, want.fault, want.almost, got.ended, got.rest, got.fault, got.almost);
		return false;
	}
	return true;
}

static struct data_in_params variant(unsigned bits)
{
	return (struct data_in_params){
		.lone_lf_ends_data = bits & 1,
		.pedantic_headers = bits & 2,
		.pedantic_body = bits & 4,
		.max_size = bits & 8 ? 3 : 0,
	};
}

/* Every content of up to six octets of the five that matter, in every setting, with a true end
 * behind it. */
static void test_exhaustive(void)
{
	static const uint8_t alphabet[5] = { '\r', '\n', '.', 'a', 0 };
	uint8_t text[16];
	unsigned long count = 1, bad = 0;

	for (size_t n = 0; n <= 6; n++, count *= 5) {
		for (unsigned long k = 0; k < count; k++) {
			unsigned long rest = k;

			for (size_t i = 0; i < n; i++, rest /= 5)
				text[i] = alphabet[rest % 5];
			memcpy(text + n, "\r\n.\r\nQ", 6);
			for (unsigned bits = 0; bits < 16 && bad < 3; bits++) {
				struct data_in_params p = variant(bits);

				bad += !agree((struct bytes){ text, n + 6 }, &p);
			}
		}
	}
	is_num(bad, 0, "all contents of up to 6 octets agree with the reference");
}

static void test_random(void)
{
	static const char *const pieces[] = {
		"\r\n",
		"\r\n",
		"\r\n",
		"\n",
		"\n",
		"\r",
		"\r\r\n",
		".",
		".",
		"..",
		"text",
		"a longer piece of text, ",
		"\r\n.",
		"\n.",
		"\r.",
		"\t",
		"\x01",
		"\xff\x80",
		"\r\n\r\n",
		"\r\n.\r\n",
	};
	static uint8_t text[4096];
	unsigned bad = 0;

	for (unsigned round = 0; round < 20000 && bad < 3; round++) {
		size_t n = 0, many = next() % 40;
		struct data_in_params p = variant(next() % 8);

		if (next() % 4 == 0)
			p.max_size = 1 + next() % 100;
		for (size_t i = 0; i < many; i++) {
			/* Some contents keep to CRLF, so that the fast path is long at work. */
			struct bytes piece = bytes_of(pieces[next() % (round % 3 ? 20 : 3)]);

			if (round % 3 == 0)
				piece = next() % 2 ? BYTES("plain words in a line\r\n")
						   : BYTES("..x\r\n");
			memcpy(text + n, piece.p, piece.n);
			n += piece.n;
			if (next() % 50 == 0)
				text[n++] = 0;
		}
		memcpy(text + n, "\r\n.\r\nNOOP\r\n", 11);
		bad += !agree((struct bytes){ text, n + 11 }, &p);
	}
	is_num(bad, 0, "20,000 random contents agree with the reference");
}

/* --- cases with names --- */

struct named {
	const char *name;
	struct bytes in, out;
	size_t rest;
	bool lone_lf;
	enum data_fault fault;
	bool no_end;
	bool almost;
};

#define B(x) BYTES(x)

#define CASE(n, i, o, r, ...)                                        \
	{                                                            \
		.name = n, .in = i, .out = o, .rest = r, __VA_ARGS__ \
	}

static const struct named cases[] = {
	CASE("an empty mail", B(".\r\nQUIT"), B(""), 4),
	CASE("one line", B("a\r\n.\r\n"), B("a\r\n"), 0),
	CASE("dots are unstuffed", B("..a\r\n.b\r\n...\r\n.\r\n"), B(".a\r\nb\r\n..\r\n"), 0),
	CASE("the end of data needs its second CRLF", B("a\r\n."), B("a\r\n"), 0, .no_end = true),
	CASE("text without a line end is no end", B("a.\r\nb\r\n.\r\n"), B("a.\r\nb\r\n"), 0),
	/* What must not end the data: the matrix of known ways to smuggle a second mail. */
	CASE("LF.LF", B("a\r\nb\n.\nMAIL\r\n.\r\n"), B("a\r\nb\r\n.\r\nMAIL\r\n"), 0),
	CASE("LF.CRLF", B("a\r\nb\n.\r\nMAIL\r\n.\r\n"), B("a\r\nb\r\n.\r\nMAIL\r\n"), 0),
	CASE("CRLF.LF", B("a\r\n.\nMAIL\r\n.\r\n"), B("a\r\n\r\nMAIL\r\n"), 0, .almost = true),
	CASE("CRLF.CR", B("a\r\n.\rMAIL\r\n.\r\n"), B("a\r\n\r\nMAIL\r\n"), 0),
	CASE("CR.CR", B("a\r.\rMAIL\r\n.\r\n"), B("a\r\n.\r\nMAIL\r\n"), 0),
	CASE("CR.CRLF", B("a\r.\r\nMAIL\r\n.\r\n"), B("a\r\n.\r\nMAIL\r\n"), 0),
	CASE("CR.LF", B("a\r.\nMAIL\r\n.\r\n"), B("a\r\n.\r\nMAIL\r\n"), 0),
	CASE("LF.CR", B("x\r\na\n.\rMAIL\r\n.\r\n"), B("x\r\na\r\n.\r\nMAIL\r\n"), 0),
	CASE("CRLF.CRCRLF", B("a\r\n.\r\r\nMAIL\r\n.\r\n"), B("a\r\n\r\nMAIL\r\n"), 0),
	CASE("CRLF NUL.CRLF", B("a\r\n\0.\r\nMAIL\r\n.\r\n"), B("a\r\n"), 0, .fault = DATA_NUL),
	CASE("CRLF.NUL CRLF", B("a\r\n.\0\r\nMAIL\r\n.\r\n"), B("a\r\n"), 0, .fault = DATA_NUL),
	CASE("CRLF.NUL x CRLF", B("a\r\n.\0x\r\nM\r\n.\r\n"), B("a\r\n"), 0, .fault = DATA_NUL),
	CASE("CR NUL LF.CRLF", B("a\r\0\n.\r\nM\r\n.\r\n"), B("a\r\n"), 0, .fault = DATA_NUL),
	CASE("a first line that ends in LF: LF.LF is no end", B("a\n.\nb\r\n.\r\n"),
	    B("a\r\n\r\nb\r\n"), 0, .almost = true),
	CASE("a first line that ends in LF: LF.CRLF is no end", B("a\n.\r\nb\r\n.\r\n"),
	    B("a\r\n\r\nb\r\n"), 0, .almost = true),
	/* What does end it. */
	CASE(
	    "CR CR LF is one line end, and a dot may follow it", B("a\r\r\n.\r\nQ"), B("a\r\n"), 1),
	CASE("CR CR CR LF: the first is a lone one", B("a\r\r\r\n.\r\nQ"), B("a\r\n\r\n"), 1),
	CASE("LF CRLF.CRLF", B("a\n\r\n.\r\nQ"), B("a\r\n\r\n"), 1),
	/* Line ends. */
	CASE("lone LF, lone CR, CR CR LF", B("a\nb\rc\r\r\nd\r\n.\r\n"), B("a\r\nb\r\nc\r\nd\r\n"),
	    0),
	CASE("LF CR is two line ends", B("a\n\rb\r\n.\r\n"), B("a\r\n\r\nb\r\n"), 0),
	CASE("a dot behind a lone LF stays", B("x\r\na\n..b\n.c\r\n.\r\n"),
	    B("x\r\na\r\n..b\r\n.c\r\n"), 0),
	CASE("unless the first line ended so", B("x\na\n..b\n.c\r\n.\r\n"),
	    B("x\r\na\r\n.b\r\nc\r\n"), 0),
	CASE("a dot behind a lone CR stays", B("x\na\r..b\r\n.\r\n"), B("x\r\na\r\n..b\r\n"), 0),
	/* Lone_LF_Ends_Data. */
	CASE("CRLF.LF ends it", B("a\r\n.\nQ"), B("a\r\n"), 1, .lone_lf = true),
	CASE(".LF ends an empty mail", B(".\nQ"), B(""), 1, .lone_lf = true),
	CASE(
	    "LF.LF ends it for an LF client", B("a\nb\n.\nQ"), B("a\r\nb\r\n"), 1, .lone_lf = true),
	CASE("LF.CRLF ends it for an LF client", B("a\nb\n.\r\nQ"), B("a\r\nb\r\n"), 1,
	    .lone_lf = true),
	CASE("LF.LF does not if the first line ended in CRLF", B("a\r\nb\n.\nc\r\n.\r\n"),
	    B("a\r\nb\r\n.\r\nc\r\n"), 0, .lone_lf = true),
	CASE("LF.CRLF neither", B("a\r\nb\n.\r\nc\r\n.\r\n"), B("a\r\nb\r\n.\r\nc\r\n"), 0,
	    .lone_lf = true),
	CASE(
	    "CR.LF never", B("a\nb\r.\nc\r\n.\r\n"), B("a\r\nb\r\n.\r\nc\r\n"), 0, .lone_lf = true),
	CASE("CRLF.CRLF still does", B("a\nb\r\n.\r\nQ"), B("a\r\nb\r\n"), 1, .lone_lf = true),
};

static void test_named(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct named *c = &cases[i];
		struct data_in_params p = { .lone_lf_ends_data = c->lone_lf };

		for (enum cut cut = WHOLE; cut <= AT_RANDOM; cut++) {
			bool sane = decode(c->in, &p, cut, &got);
			bool good = sane && got.ended == !c->no_end && got.rest == c->rest &&
				    got.fault == c->fault && got.almost == c->almost;

			ok(good, "%s, %s: where it ends", c->name, cut_name[cut]);
			is_bytes(((struct bytes){ got.out, got.n }), c->out,
			    "%s, %s: what is passed on", c->name, cut_name[cut]);
		}
	}
}

static enum data_fault fault_of(struct bytes x, bool headers, bool body, uint64_t max)
{
	struct data_in_params p = {
		.pedantic_headers = headers, .pedantic_body = body, .max_size = max
	};

	return decode(x, &p, AT_RANDOM, &got) && got.ended ? got.fault : (enum data_fault)99;
}

static void test_faults(void)
{
	static const struct bytes odd_header[] = {
		B("A: b\nC: d\r\n\r\nx\r\n.\r\n"),
		B("A: b\rC: d\r\n\r\nx\r\n.\r\n"),
		B("A: b\r\r\nC: d\r\n\r\nx\r\n.\r\n"),
		B("A: b\r\n\nx\r\n.\r\n"),
	};
	static const struct bytes odd_body[] = {
		B("A: b\r\n\r\nx\ny\r\n.\r\n"),
		B("A: b\r\n\r\nx\ry\r\n.\r\n"),
		B("A: b\r\n\r\nx\r\r\n.\r\n"),
		B("\r\nx\ny\r\n.\r\n"),
	};

	for (size_t i = 0; i < 4; i++) {
		is_num(fault_of(odd_header[i], true, false, 0), DATA_LONE_LF,
		    "pedantic headers, odd header %zu", i);
		is_num(fault_of(odd_header[i], false, true, 0), DATA_OK,
		    "pedantic body, odd header %zu", i);
		is_num(fault_of(odd_body[i], true, false, 0), DATA_OK,
		    "pedantic headers, odd body %zu", i);
		is_num(fault_of(odd_body[i], false, true, 0), DATA_LONE_LF,
		    "pedantic body, odd body %zu", i);
		is_num(fault_of(odd_body[i], false, false, 0), DATA_OK, "fix, odd body %zu", i);
	}
	is_num(fault_of(B("ab\r\n.\r\n"), false, false, 4), DATA_OK,
	    "content just as large as the limit");
	is_num(fault_of(B("ab\r\n.\r\n"), false, false, 3), DATA_TOO_BIG,
	    "content one octet over the limit");
	is_num(
	    fault_of(B("..ab\r\n.\r\n"), false, false, 5), DATA_OK, "a stuffed dot does not count");
	is_num(fault_of(B("a\nb\n\r\n.\r\n"), false, false, 8), DATA_OK,
	    "line ends count as two octets");
	is_num(fault_of(B("a\nb\n\r\n.\r\n"), false, false, 7), DATA_TOO_BIG, "and no less");
	is_num(
	    fault_of(B("a\n\0\r\n.\r\n"), true, true, 0), DATA_LONE_LF, "the first fault counts");
	is_num(fault_of(B("\0a\nb\r\n.\r\n"), true, true, 0), DATA_NUL,
	    "the first fault counts, the other way");
}

/* Stuffs canonical content in the simplest way, and adds the end of data. */
static size_t stuff(const uint8_t *p, size_t n, uint8_t *out)
{
	size_t w = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '.' && (i == 0 || p[i - 1] == '\n'))
			out[w++] = '.';
		out[w++] = p[i];
	}
	memcpy(out + w, ".\r\n", 3);
	return w + 3;
}

/* Lines of the lengths at which buffers end, some beginning with a dot, cut in many ways. */
static void test_identity(void)
{
	static const size_t lengths[] = { 0, 1, 997, 998, 999, 1000, 2048, 4095, 4096, 60000 };
	static uint8_t content[1 << 16], raw[1 << 17];
	const struct data_in_params p = { .pedantic_headers = true, .pedantic_body = true };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = 0;

		for (size_t line = 0; line < 3; line++) {
			for (size_t k = 0; k < lengths[i] && n < sizeof(content) - 6; k++)
				content[n++] = k < line ? '.' : (uint8_t)(32 + next() % 224);
			content[n++] = '\r';
			content[n++] = '\n';
		}
		n = stuff(content, n, raw);
		ref_decode((struct bytes){ raw, n }, &p, &want);
		for (enum cut cut = WHOLE; cut <= AT_RANDOM; cut++) {
			decode((struct bytes){ raw, n }, &p, cut, &got);
			ok(got.ended && got.rest == 0 && got.fault == DATA_OK &&
				same(&got, &want) && memcmp(got.out, content, got.n) == 0,
			    "lines of %zu octets come out as they were, %s", lengths[i],
			    cut_name[cut]);
		}
	}
}

/* The owner pays per run: a large body must not come line by line. */
static void test_long_runs(void)
{
	static uint8_t raw[4096];
	const struct data_in_params p = { .max_size = 1u << 30 };
	struct data_in d;
	unsigned runs = 0;
	size_t total = 0;

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : (uint8_t)('a' + i % 26);
	data_in_init(&d, &p);
	for (unsigned k = 0; k < 512; k++) {
		struct bytes in = { raw, sizeof(raw) - sizeof(raw) % 78 }, run;

		while (data_in_step(&d, &in, SIZE_MAX, &run) == DATA_IN_RUN) {
			total += run.n;
			runs++;
		}
	}
	is_num(runs, 512, "512 buffers of whole lines are 512 runs");
	is_num(total, 512 * (4096 - 4096 % 78), "and nothing is missing");
	is_num(d.size, total, "the size is counted");
}

int main(void)
{
	test_named();
	test_faults();
	test_identity();
	test_long_runs();
	test_exhaustive();
	test_random();
	return done();
}
