/* SPDX-License-Identifier: ISC */
#include "base/bug.h"
#include "base/esc.h"
#include "tap.h"

TAP_GP_BUG

static char out[4096];

static const char *apply(void (*esc)(struct fmt *, struct bytes), struct bytes x)
{
	struct fmt f;

	fmt_init(&f, out, sizeof(out));
	esc(&f, x);
	return out;
}

static void tables(void)
{
	is_str(apply(esc_text, BYTES("a b~")), "a b~", "printable ASCII stays");
	is_str(apply(esc_text, BYTES("\"\\")), "\\\"\\\\", "quote and backslash get a backslash");
	is_str(apply(esc_text, BYTES("\r\n\0\x1b[m\x7f\xc3\xa4")),
	    "\\x0d\\x0a\\x00\\x1b[m\\x7f\\xc3\\xa4", "controls and 8-bit in hex");
	is_str(apply(esc_word, BYTES("<a@b>")), "<a@b>", "a bare word");
	is_str(apply(esc_word, BYTES("")), "\"\"", "an empty word is quoted");
	is_str(apply(esc_word, BYTES("a b")), "\"a b\"", "a blank is quoted");
	is_str(apply(esc_word, BYTES("a\tb")), "\"a\\x09b\"", "so is a tab");
	is_str(apply(esc_word, BYTES("status=sent")), "\"status=sent\"",
	    "= cannot begin another pair");
	is_str(apply(esc_word, BYTES("a\"b")), "\"a\\\"b\"", "a quote is quoted");
	is_str(apply(esc_word, BYTES("a\\b")), "\"a\\\\b\"", "a backslash is quoted");
	is_str(apply(esc_word, BYTES("a\nb")), "a\\x0ab", "a line end cannot end the line");
	is_str(apply(esc_json, BYTES("a \"b\"\\/\n\x7f\xe4")),
	    "a \\\"b\\\"\\\\/\\u000a\\u007f\\u00e4", "JSON");
}

static void every_octet(void)
{
	bool clean = true;

	for (int c = 0; c < 256; c++) {
		uint8_t u = (uint8_t)c;
		struct bytes x = { &u, 1 };
		void (*const esc[])(struct fmt *, struct bytes) = { esc_text, esc_word, esc_json };

		for (int k = 0; k < 3; k++) {
			for (const char *p = apply(esc[k], x); *p; p++)
				clean = clean && *p >= 32 && *p < 127;
		}
	}
	ok(clean, "whatever goes in, printable ASCII comes out");
}

int main(void)
{
	tables();
	every_octet();
	return done();
}
