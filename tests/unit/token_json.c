/* SPDX-License-Identifier: ISC */
#include "token/json.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

static const char *const good[] = {
	"{}",
	" {\t\r\n} ",
	"{\"a\":1}",
	"{\"a\":\"\"}",
	"{\"a\":[],\"b\":{}}",
	"{\"a\":[1,-2.5e+10,0.1,true,false,null,\"x\"]}",
	"{\"a\" : { \"b\" : [ { } , [ ] ] } , \"c\" : 0 }",
	"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}",
	"{\"a\":\"caf\xc3\xa9\"}",
	"{\"a\":-0}",
	"{\"a\":1E5}",
	"{\"\":1}",
	"{\"b\":1,\"b\":2}",
	"{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}",
};

static const char *const bad[] = {
	"",
	" ",
	"[]",
	"1",
	"\"a\"",
	"null",
	"{",
	"}",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\":1",
	"{\"a\":1,}",
	"{,}",
	"{\"a\":1 \"b\":2}",
	"{a:1}",
	"{'a':1}",
	"{\"a\":01}",
	"{\"a\":+1}",
	"{\"a\":.5}",
	"{\"a\":1.}",
	"{\"a\":1e}",
	"{\"a\":-}",
	"{\"a\":tru}",
	"{\"a\":\"}",
	"{\"a\":\"\\x\"}",
	"{\"a\":\"\\u12g4\"}",
	"{\"a\":\"\\u12",
	"{\"a\":\"x\ny\"}",
	"{\"a\":1}}",
	"{\"a\":1}x",
	"{\"a\":[1,]}",
	"{\"a\":[,1]}",
	"{\"a\":[1}}",
	"{\"a\":{1]}",
	"{\"w\":1,\"w\":2}",
	"{\"w\":1,\"\\u0077\":2}",
	"{\"a\":NaN}",
	"{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}",
	"{\"a\":1 /* x */}",
	"\xef\xbb\xbf{}",
	"{\"a\":[]",
	"{\"a\":[[]}",
};

static void test_syntax(void)
{
	struct json_member m;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(json_object(bytes_of(good[i]), "w", &m, 1), "good: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!json_object(bytes_of(bad[i]), "w", &m, 1), "bad: entry %zu", i);
}

static void test_members(void)
{
	static const char names[] = "token life none list";
	struct json_member m[4];
	uint64_t n = 7;

	ok(json_object(BYTES("{\"x\":{\"token\":\"inner\"},\"y\":[{\"life\":3}],\"\\u0074oken\":"
			     "\"outer\",\"life\":3599,"
			     "\"list\":[1]}"),
	       names, m, 4),
	    "an object");
	is_num(m[0].kind, JSON_STRING, "a string");
	is_bytes(m[0].text, BYTES("outer"), "of the top object, its name with an escape");
	is_num(m[1].kind, JSON_NUMBER, "a number");
	is_num(m[2].kind, JSON_NONE, "one that is not there");
	is_num(m[3].kind, JSON_OTHER, "a list");
	ok(json_u64(&m[1], 5000, &n) && n == 3599, "the number");
	ok(!json_u64(&m[1], 3598, &n) && n == 3599, "not beyond its limit");
	ok(!json_u64(&m[3], 10, &n), "a list is none");
	ok(json_object(BYTES("{\"life\":\"300\",\"token\":1.5}"), names, m, 4) &&
		json_u64(&m[1], 5000, &n) && n == 300,
	    "a number in a string");
	ok(!json_u64(&m[0], 10, &n), "one with a fraction is none");
}

static void string(const char *json, const char *want, const char *name)
{
	struct json_member m;
	char text[40];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	ok(json_object(bytes_of(json), "s", &m, 1), "%s: an object", name);
	if (want == NULL)
		ok(!json_string(&f, &m), "%s: refused", name);
	else if (ok(json_string(&f, &m), "%s: a string", name))
		is_str(text, want, "%s: its text", name);
}

static void test_strings(void)
{
	string("{\"s\":\"plain\"}", "plain", "plain");
	string("{\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t", "escapes");
	string("{\"s\":\"\\u0041\\u00e9\\u20AC\"}", "A\xc3\xa9\xe2\x82\xac", "\\u");
	string("{\"s\":\"\\ud83d\\ude00\"}", "\xf0\x9f\x98\x80", "a surrogate pair");
	string("{\"s\":\"\\ud83d\"}", NULL, "half of one");
	string("{\"s\":\"\\ud83dx\"}", NULL, "half of one and a letter");
	string("{\"s\":\"\\ud83d\\u0041\"}", NULL, "half of one and another");
	string("{\"s\":\"\\ude00\"}", NULL, "the other half");
	string("{\"s\":\"a\\u0000b\"}", NULL, "NUL");
	string("{\"s\":1}", NULL, "a number");
	string(
	    "{\"s\":\"0123456789012345678901234567890123456789\"}", NULL, "one that does not fit");
}

int main(void)
{
	test_syntax();
	test_members();
	test_strings();
	return done();
}
