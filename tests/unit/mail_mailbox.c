/* SPDX-License-Identifier: ISC */
#include "mail/mailbox.h"

#include "base/bug.h"
#include "base/fmt.h"
#include "tap.h"

TAP_GP_BUG

#define COUNT(a) (sizeof(a) / sizeof(a[0]))

/* The first mailbox with {} for its address; "?" behind it if some address has no domain. */
static const char *parsed(struct bytes x)
{
	static char out[2048];
	struct mailbox box;
	struct fmt f;
	uint8_t *copy = malloc(x.n > 0 ? x.n : 1); /* so that the sanitizer sees what lies behind */
	bool good;

	memcpy(copy, x.p, x.n);
	good = mailbox_parse((struct bytes){ copy, x.n }, &box);
	free(copy);
	if (!good)
		return "no";
	fmt_init(&f, out, sizeof(out));
	fmt_bytes(&f, bytes_skip(bytes_first(x, box.addr_begin), box.begin));
	fmt_str(&f, "{}");
	fmt_bytes(&f, bytes_skip(bytes_first(x, box.end), box.addr_end));
	if (!box.qualified)
		fmt_char(&f, '?');
	return out;
}

static const char *const good[][2] = {
	/* bare */
	{ "a@b.example", "{}" },
	{ " a@b ", " {} " },
	{ "a.b.c@d.e", "{}" },
	{ "\"a b\"@c", "{}" },
	{ "\"a\\\"b\".c@d", "{}" },
	{ "a@[10.0.0.1]", "{}" },
	{ "a@[IPv6:::1] ", "{} " },
	{ "a@b (Scanner, 2nd floor)", "{} (Scanner, 2nd floor)" },
	{ "(x (y) \\) z) a@b", "(x (y) \\) z) {}" },
	{ "a (c) @ (d) b . (e) c (f)", "{} (f)" },
	{ "a@b_c-d", "{}" },
	{ "scanner", "{}?" },
	{ "root (Cron Daemon)", "{} (Cron Daemon)?" },
	/* with a display name */
	{ "Scanner <a@b>", "Scanner <{}>" },
	{ "Scanner<a@b>", "Scanner<{}>" },
	{ "<a@b>", "<{}>" },
	{ "\"Scanner, 2nd; <floor>\" <a@b>", "\"Scanner, 2nd; <floor>\" <{}>" },
	{ "John Q. Public <a@b>", "John Q. Public <{}>" },
	{ "J\xc3\xbcrgen <a@b>", "J\xc3\xbcrgen <{}>" },
	{ "=?utf-8?Q?J=C3=BCrgen?= <a@b>", "=?utf-8?Q?J=C3=BCrgen?= <{}>" },
	{ "=?utf-8?Q?Scan,_(2nd)_@_<x>?= <a@b>", "=?utf-8?Q?Scan,_(2nd)_@_<x>?= <{}>" },
	{ "=?utf-8?B?SsO8?= =?utf-8?B?cmdlbg==?= <a@b>",
	    "=?utf-8?B?SsO8?= =?utf-8?B?cmdlbg==?= <{}>" },
	{ "=? <a@b>", "=? <{}>" },
	{ "A (c <x@y>) B\t< (d) a@b (e) > (f)", "A (c <x@y>) B\t<{}> (f)" },
	{ "Old <@r1.example,@r2.example:a@b>", "Old <{}>" },
	{ "<@r:a@b>", "<{}>" },
	{ "Scanner <scanner>", "Scanner <{}>?" },
	{ "A <\"a b\"@c>", "A <{}>" },
	/* several, groups */
	{ "A <a@b>, c@d", "A <{}>" },
	{ "a@b (x) , C <c@d>", "{} (x) " },
	{ ", ,a@b,", "{}" },
	{ "A <a@b>, root", "A <{}>?" },
	{ "Team: A <a@b>, c@d;", " A <{}>" },
	{ "Team:a@b;", "{}" },
	{ "Empty:; , a@b", " {}" },
	{ "\"A B\" C: a@b; (x)", " {}" },
};

static const char *const bad[] = {
	"=?u?Q?a (b?= <c@d>",
	"=?u?Q (b?= <c@d>",
	"a@(",
	"a@b.(",
	"a@b(",
	"a@[::1](",
	"A <@r1,(",
	"A <@r1:(",
	"A <(",
	"A <a@b>(",
	"A: a@b;(",
	"A (",
	"",
	" ",
	",",
	"()",
	"(a@b)",
	"<>",
	"Scanner <>",
	"a b",
	"My Scanner",
	"@b",
	"a@",
	"a@b@c",
	"a@b c",
	"a@b.",
	"a@.b",
	"a@b..c",
	".a@b",
	"a.@b",
	"a..b@c",
	"\"a\" b@c",
	"\"a@b",
	"a@b (",
	"a@b (x",
	"a@b )",
	"A <a@b",
	"A a@b>",
	"A <a@b> c",
	"A <a b@c>",
	"<<a@b>>",
	"A <a@b>> ",
	"a@b; c@d",
	"Team: a@b",
	"Team:;",
	"A: B: a@b;;",
	": a@b;",
	"a@b <c@d>",
	"A [3] <a@b>",
	"a@[10.0.0.1",
	"<@r a@b>",
	"<@:a@b>",
	"a\x01@b",
	"A \"x\x7f\" <a@b>",
	"A (\n) <a@b>",
	"A <a@b>\n",
	"a@b\\",
	"(\\",
	"\"\\",
	"a\\ b <c@d>",
	"<a@b>;",
	"a@b c@d",
};

int main(void)
{
	for (size_t i = 0; i < COUNT(good); i++)
		is_str(parsed(bytes_of(good[i][0])), good[i][1], "%s", good[i][0]);
	for (size_t i = 0; i < COUNT(bad); i++)
		is_str(parsed(bytes_of(bad[i])), "no", "not an address list, number %zu", i + 1);
	is_str(parsed(BYTES("a\0@b")), "no", "nor one with a NUL");
	return done();
}
