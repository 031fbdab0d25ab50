/* SPDX-License-Identifier: ISC */
#include "smtp/path.h"

#include "tap.h"

TAP_GP_BUG

struct good {
	const char *in, *mailbox, *local, *domain, *rest;
};

static const struct good good[] = {
	{ "<a@b.test>", "a@b.test", "a", "b.test", "" },
	{ " \t<a@b.test> \t", "a@b.test", "a", "b.test", "" },
	{ "<a@b.test> SIZE=1 X", "a@b.test", "a", "b.test", "SIZE=1 X" },
	{ "a@b.test SIZE=1", "a@b.test", "a", "b.test", "SIZE=1" },
	{ "a@b.test\tSIZE=1", "a@b.test", "a", "b.test", "SIZE=1" },
	{ "< a@b.test >", "a@b.test", "a", "b.test", "" },
	{ "<root>", "root", "root", "", "" },
	{ "<@x.test:a@b.test>", "a@b.test", "a", "b.test", "" },
	{ "<@x.test, @[192.0.2.1],@y:a@b.test>", "a@b.test", "a", "b.test", "" },
	{ "<@x.test:root>", "root", "root", "", "" },
	{ "<a@[192.0.2.7]>", "a@[192.0.2.7]", "a", "[192.0.2.7]", "" },
	{ "<a@[IPv6:2001:db8::7]>", "a@[IPv6:2001:db8::7]", "a", "[IPv6:2001:db8::7]", "" },
	{ "<\"a b\"@c.test>", "\"a b\"@c.test", "\"a b\"", "c.test", "" },
	{ "<\"a>b\"@c.test> P", "\"a>b\"@c.test", "\"a>b\"", "c.test", "P" },
	{ "<\"a\\\"@\\\\\"@c.test>", "\"a\\\"@\\\\\"@c.test", "\"a\\\"@\\\\\"", "c.test", "" },
	{ "<\"\"@c.test>", "\"\"@c.test", "\"\"", "c.test", "" },
	{ "\"a b\"@c.test P", "\"a b\"@c.test", "\"a b\"", "c.test", "P" },
	{ "<a..b.@c.test>", "a..b.@c.test", "a..b.", "c.test", "" },
	{ "<.a@c.test.>", ".a@c.test.", ".a", "c.test.", "" },
	{ "<!#$%&'*+-/=?^_`{|}~@a_b-c.test>", "!#$%&'*+-/=?^_`{|}~@a_b-c.test",
	    "!#$%&'*+-/=?^_`{|}~", "a_b-c.test", "" },
	{ "<m\xfc@b\xfc.test>", "m\xfc@b\xfc.test", "m\xfc", "b\xfc.test", "" },
};

static const char *const bad[] = {
	"",
	" ",
	"<",
	">",
	"<a@b.test",
	"a@b.test>",
	"<<a@b.test>>",
	"<a@b.test>x",
	"<a@b.test><c@d.test>",
	"<a@>",
	"<@b.test>",
	"<@b.test:>",
	"<@b.test:@c.test>",
	"<@:a@b.test>",
	"<@x y:a@b.test>",
	"<x:a@b.test>",
	"<a b@c.test>",
	"<a@b@c.test>",
	"<a@b c.test>",
	"<a@.b.test>",
	"<a@b..test>",
	"<a@b.test..>",
	"<a@b/c>",
	"<a@[]>",
	"<a@[b>",
	"<a@b]>",
	"<a@[b c]>",
	"<a@[b]c>",
	"<a@[[b]>",
	"<a@[b\\]>",
	"<\"a@b.test>",
	"<\"a\"b@c.test>",
	"<a\"b\"@c.test>",
	"<\"a\\\"@c.test>",
	"<\"a\x01\"@c.test>",
	"<\"a\\\x01\"@c.test>",
	"<a\x01@c.test>",
	"<a\x7f@c.test>",
	"<a\r@c.test>",
	"<a\\b@c.test>",
	"<(a)b@c.test>",
	"<a,b@c.test>",
	"<a;b@c.test>",
};

static void test_good(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct good *g = &good[i];
		struct bytes args = bytes_of(g->in);
		struct path p;

		if (!is_num(path_parse(&args, true, &p), PATH_OK, "%s is a path", g->in))
			continue;
		is_bytes(p.mailbox, bytes_of(g->mailbox), "its mailbox");
		is_bytes(p.local, bytes_of(g->local), "its local-part");
		is_bytes(p.domain, bytes_of(g->domain), "its domain");
		is_bytes(args, bytes_of(g->rest), "what follows it");
		ok(p.eight_bit == (strchr(g->in, '\xfc') != NULL), "octets above 127 are seen");
	}
}

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		/* An exact-size copy: the sanitizer sees a look past the end. */
		size_t n = strlen(bad[i]);
		uint8_t *copy = malloc(n ? n : 1);
		struct bytes args = { copy, n };
		struct path p;

		memcpy(copy, bad[i], n);
		is_num(path_parse(&args, true, &p), PATH_SYNTAX, "'%s' is no path", bad[i]);
		free(copy);
	}
	struct bytes nul = BYTES("<a\0@b.test>");
	struct path p;

	is_num(path_parse(&nul, true, &p), PATH_SYNTAX, "nor is one with a NUL");
}

static void test_null(void)
{
	struct bytes args = BYTES(" <> SIZE=1");
	struct path p;

	is_num(path_parse(&args, true, &p), PATH_OK, "<> is a reverse-path");
	is_num(p.mailbox.n, 0, "an empty one");
	is_bytes(args, BYTES("SIZE=1"), "with what follows it");
	args = BYTES("<>");
	is_num(path_parse(&args, false, &p), PATH_SYNTAX, "and no forward-path");
	args = BYTES("< >");
	is_num(path_parse(&args, true, &p), PATH_OK, "a blank in it does not matter");
}

static void test_length(void)
{
	char text[LIMIT_PATH + 8];
	struct path p;

	for (unsigned over = 0; over < 2; over++) {
		size_t n = LIMIT_PATH + over;
		struct bytes args = { (const uint8_t *)text, n };
		enum path_error want = over ? PATH_TOO_LONG : PATH_OK;

		memset(text, 'a', sizeof(text));
		text[0] = '<';
		memcpy(text + n - 8, "@b.test>", 8);
		is_num(path_parse(&args, true, &p), want, "%zu octets with brackets", n);
		/* Without them the path is two octets longer than it looks. */
		text[0] = 'a';
		args = (struct bytes){ (const uint8_t *)text, n - 2 };
		memcpy(text + n - 9, "@b.test", 7);
		is_num(path_parse(&args, true, &p), want, "%zu octets without", n - 2);
	}
}

static void test_mailbox(void)
{
	struct path p;

	is_num(path_parse_mailbox(BYTES("a@b.test"), &p), PATH_OK, "a bare mailbox");
	is_bytes(p.domain, BYTES("b.test"), "its domain");
	is_num(path_parse_mailbox(BYTES("<a@b.test>"), &p), PATH_OK, "with brackets");
	is_num(path_parse_mailbox(BYTES("root"), &p), PATH_OK, "unqualified");
	is_num(path_parse_mailbox(BYTES("a@b.test c"), &p), PATH_SYNTAX, "nothing may follow");
	is_num(
	    path_parse_mailbox(BYTES("<a@b.test> c"), &p), PATH_SYNTAX, "behind brackets neither");
	is_num(path_parse_mailbox(BYTES(""), &p), PATH_SYNTAX, "nothing is no mailbox");
	is_num(path_parse_mailbox(BYTES("<>"), &p), PATH_SYNTAX, "the null path is none either");
	is_num(path_parse_mailbox(BYTES("a@b.test\n"), &p), PATH_SYNTAX,
	    "a line end is no part of one");
}

static void param(const char *text, const char *keyword, const char *value, bool good_one)
{
	struct bytes args = bytes_of(text), k, v;
	bool fine;

	ok(path_param(&args, &k, &v, &fine), "'%s' is a word", text);
	is_bytes(k, bytes_of(keyword), "its keyword");
	is_bytes(v, bytes_of(value), "its value");
	ok(fine == good_one, "its form is %s", good_one ? "right" : "wrong");
}

static void test_param(void)
{
	struct bytes args = BYTES(" \t"), k, v;
	bool fine;

	param("SIZE=10 BODY=7BIT", "SIZE", "10", true);
	param("\tSMTPUTF8\t", "SMTPUTF8", "", true);
	param("X-A1=<>", "X-A1", "<>", true);
	param("SIZE=", "SIZE", "", false);
	param("=1", "", "1", false);
	param("=", "", "", false);
	param("-A=1", "-A", "1", false);
	param("A_B=1", "A_B", "1", false);
	param("A=1=2", "A", "1=2", false);
	param("A=\x01", "A", "\x01", false);
	param("A=\x7f", "A", "\x7f", false);
	ok(!path_param(&args, &k, &v, &fine), "blanks hold none");
	args = BYTES("A B=c");
	ok(path_param(&args, &k, &v, &fine) && path_param(&args, &k, &v, &fine),
	    "one after the other");
	is_bytes(v, BYTES("c"), "the second");
	ok(!path_param(&args, &k, &v, &fine), "and no third");
}

static void test_utf8(void)
{
	static const char *const fine[] = {
		"",
		"abc",
		"\xc3\xbc",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"a\xc3\xbc\xe2\x82\xac.",
	};
	static const char *const wrong[] = {
		"\x80",
		"\xbf",
		"\xc3",
		"\xc3z",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xe2\x82",
		"\xe2\x82z",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xfe",
		"a\xfc",
		"\xc3\xbc\xbc",
	};

	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		ok(path_is_utf8(bytes_of(fine[i])), "well-formed text %zu", i);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ok(!path_is_utf8(bytes_of(wrong[i])), "broken text %zu", i);
}

static void test_matches(void)
{
	static const struct {
		const char *mailbox, *pattern;
		bool match;
	} cases[] = {
		{ "a@b.test", "a@b.test", true },
		{ "A@B.Test", "a@b.tesT", true },
		{ "a@b.test.", "a@b.test", true },
		{ "a@b.test", "a@b.test.", true },
		{ "a@b.test", "@b.test", true },
		{ "\"@c\"@b.test", "@b.test", true },
		{ "\"x@c.test\"@b.test", "@c.test", false },
		{ "a@b.test", "@B.TEST.", true },
		{ "a@x.b.test", "@b.test", false },
		{ "a@b.test", "@x.b.test", false },
		{ "a@b.test", "b@b.test", false },
		{ "a@b.test", "a@c.test", false },
		{ "ab@b.test", "b@b.test", false },
		{ "root", "root", true },
		{ "root", "@b.test", false },
		{ "root", "root@b.test", false },
		{ "root@b.test", "root", false },
		{ "a@b.test", "@", false },
		{ "", "@b.test", false },
		{ "a@b.test", "", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool match = path_matches(bytes_of(cases[i].mailbox), bytes_of(cases[i].pattern));

		ok(match == cases[i].match, "'%s' %s '%s'", cases[i].mailbox,
		    cases[i].match ? "is of" : "is not of", cases[i].pattern);
	}
}

int main(void)
{
	test_good();
	test_bad();
	test_null();
	test_length();
	test_mailbox();
	test_param();
	test_utf8();
	test_matches();
	return done();
}
