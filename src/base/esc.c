/* SPDX-License-Identifier: ISC */
#include "base/esc.h"

static bool is_printable(uint8_t c)
{
	return c >= 32 && c <= 126;
}

void esc_text(struct fmt *f, struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (!is_printable(c)) {
			fmt_str(f, "\\x");
			fmt_hex(f, c, 2);
			continue;
		}
		if (c == '"' || c == '\\')
			fmt_char(f, '\\');
		fmt_char(f, (char)c);
	}
}

static bool needs_quotes(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (c == ' ' || c == '\t' || c == '"' || c == '=' || c == '\\')
			return true;
	}
	return x.n == 0;
}

void esc_word(struct fmt *f, struct bytes x)
{
	bool quotes = needs_quotes(x);

	if (quotes)
		fmt_char(f, '"');
	esc_text(f, x);
	if (quotes)
		fmt_char(f, '"');
}

void esc_json(struct fmt *f, struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (!is_printable(c)) {
			fmt_str(f, "\\u");
			fmt_hex(f, c, 4);
			continue;
		}
		if (c == '"' || c == '\\')
			fmt_char(f, '\\');
		fmt_char(f, (char)c);
	}
}
