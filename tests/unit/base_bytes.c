/* SPDX-License-Identifier: ISC */
#include "base/bug.h"
#include "base/bytes.h"
#include "tap.h"

#include <ctype.h>
#include <strings.h>

TAP_GP_BUG

static const struct bytes none;

static void compare(void)
{
	ok(bytes_same(BYTES("abc"), BYTES("abc")), "the same octets are the same");
	ok(!bytes_same(BYTES("abc"), BYTES("abC")), "case counts");
	ok(!bytes_same(BYTES("abc"), BYTES("abcd")), "length counts");
	ok(bytes_same(none, BYTES("")), "a NULL slice equals an empty one");
	ok(bytes_same(BYTES("a\0b"), BYTES("a\0b")), "NUL is an octet");
	ok(bytes_same_fold(BYTES("HeLo@[]"), BYTES("hElO@[]")), "letters fold");
	ok(!bytes_same_fold(BYTES("@"), BYTES("`")), "@ and ` do not fold");
	ok(!bytes_same_fold(BYTES("["), BYTES("{")), "[ and { do not fold");
	ok(!bytes_same_fold(BYTES("\xc4"), BYTES("\xe4")), "octets above 127 do not fold");
	ok(bytes_begins_fold(BYTES("FROM:<a>"), BYTES("from:")), "begins with");
	ok(bytes_begins_fold(BYTES("Abc"), BYTES("aBC")) &&
		bytes_ends_fold(BYTES("Ab"), BYTES("aB")),
	    "a slice begins and ends with itself");
	ok(!bytes_begins_fold(BYTES("FRO"), BYTES("from:")),
	    "shorter than what it should begin with");
	ok(bytes_begins_fold(BYTES("x"), none) && bytes_ends_fold(none, none),
	    "all begin and end with nothing");
	ok(bytes_ends_fold(BYTES("a.EXAMPLE"), BYTES(".example")), "ends with");
	ok(!bytes_ends_fold(BYTES("xample"), BYTES("example")),
	    "shorter than what it should end with");
}

static void cut(void)
{
	struct bytes x = BYTES("ab:c:");

	is_num(bytes_find(x, ':'), 2, "finds the first");
	is_num(bytes_find(x, 'x'), 5, "the length where there is none");
	is_num(bytes_find(none, 'x'), 0, "0 in nothing");
	is_bytes(bytes_skip(x, 3), BYTES("c:"), "skips");
	is_bytes(bytes_skip(x, 99), none, "skips all at most");
	is_bytes(bytes_skip(none, 1), none, "skips in nothing");
	is_bytes(bytes_first(x, 2), BYTES("ab"), "the first two");
	is_bytes(bytes_first(x, 99), x, "the first of fewer");
	is_bytes(bytes_trim(BYTES(" \t a b\t ")), BYTES("a b"), "trims both ends");
	is_bytes(bytes_trim(BYTES(" \t ")), none, "trims blanks to nothing");
	is_bytes(bytes_trim(BYTES("\r\na\n")), BYTES("\r\na\n"), "line ends are no blanks");
	is_bytes(bytes_of("abc"), BYTES("abc"), "a C string");
}

static void words(void)
{
	struct bytes x = BYTES("  one\ttwo \t three ");

	is_bytes(bytes_word(&x), BYTES("one"), "first word");
	is_bytes(bytes_word(&x), BYTES("two"), "second word");
	is_bytes(bytes_word(&x), BYTES("three"), "third word");
	is_bytes(bytes_word(&x), none, "no fourth");
	is_bytes(bytes_word(&x), none, "nor a fifth");
}

static void classes(void)
{
	bool same = true;

	for (int c = 0; c < 128; c++) {
		uint8_t u = (uint8_t)c;

		same = same && byte_is_alpha(u) == (isalpha(c) != 0) &&
		       byte_is_digit(u) == (isdigit(c) != 0) &&
		       byte_is_alnum(u) == (isalnum(c) != 0) && byte_lower(u) == tolower(c);
	}
	ok(same, "ASCII is classified as the C locale does");
	for (int c = 128; c < 256; c++) {
		uint8_t u = (uint8_t)c;

		same = same && !byte_is_alnum(u) && byte_lower(u) == u;
	}
	ok(same, "the rest is nothing");
}

int main(void)
{
	compare();
	cut();
	words();
	classes();
	return done();
}
