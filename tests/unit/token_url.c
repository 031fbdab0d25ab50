/* SPDX-License-Identifier: ISC */
#include "token/url.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

static void good(const char *text, const char *host, unsigned port, const char *path)
{
	struct url u;

	if (!ok(url_parse(bytes_of(text), &u), "%s", text))
		return;
	is_bytes(u.host, bytes_of(host), "  host");
	is_num(u.port, port, "  port");
	is_bytes(u.path, bytes_of(path), "  path");
}

static const char *const bad[] = {
	"",
	"https://",
	"http://a.test/",
	"ftp://a.test/",
	"https:/a.test",
	"https://user@a.test/",
	"https://a.test:0/",
	"https://a.test:65536/",
	"https://a.test:/",
	"https://a.test:x/",
	"https://[::1/",
	"https://[::1]x/",
	"https://[1]/",
	"https://-a.test/",
	"https://.test/",
	"https://a b.test/",
	"https://a.test/x y",
	"https://a.test/#x",
	"https://a.test?x",
	"https://a.test/\r\nX: y",
	"https://a_t\xc3\xa9st/",
	"https://a.test/<x>",
	" https://a.test/",
	"https://a:b:1/",
};

static void test_url(void)
{
	good("https://a.test", "a.test", 443, "");
	good("HTTPS://a-b.Test:8443/x/y?z=1", "a-b.Test", 8443, "/x/y?z=1");
	good("https://127.0.0.1:1/", "127.0.0.1", 1, "/");
	good("https://[2001:db8::1]/t", "2001:db8::1", 443, "/t");
	good("https://[::1]:65535", "::1", 65535, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct url u;

		ok(!url_parse(bytes_of(bad[i]), &u), "refused: entry %zu", i);
	}
}

static void test_form(void)
{
	const char *volatile none = NULL; /* the compiler knows nothing of it */
	const struct bytes value_c = BYTES("-._~Az09");
	char text[80], value[20];
	struct fmt f, v;
	struct bytes form;

	fmt_init(&f, text, sizeof(text));
	form_add(&f, "a=%s&e=%s&n=%s&c=%.*s", "x y&=+%\xc3\xa9", "", none,
	    SPAN(value_c));
	is_str(text, "a=x%20y%26%3D%2B%25%C3%A9&c=-._~Az09", "a form");
	form_add(&f, "&e=%s", "");
	is_str(text, "a=x%20y%26%3D%2B%25%C3%A9&c=-._~Az09", "an empty member is left out");
	form_add(&f, "&b=");
	is_str(text, "a=x%20y%26%3D%2B%25%C3%A9&c=-._~Az09&b=", "one that stands there stays");
	form = fmt_done(&f);
	fmt_init(&v, value, sizeof(value));
	ok(form_get(form, "a", &v), "read back");
	is_str(value, "x y&=+%\xc3\xa9", "the same");
	fmt_init(&v, value, sizeof(value));
	ok(form_get(form, "b", &v) && v.n == 0, "an empty one");
	ok(!form_get(form, "d", &v), "one that is not there");
	ok(form_get(BYTES("x=1&d=a+b"), "d", &v), "+");
	is_str(value, "a b", "is a blank");
	ok(!form_get(BYTES("d=%4"), "d", &v) && !form_get(BYTES("d=%zz"), "d", &v),
	    "half an escape is refused");
	fmt_init(&v, value, sizeof(value));
	ok(!form_get(BYTES("d=0123456789012345678901"), "d", &v), "what does not fit is refused");
	fmt_init(&f, text, sizeof(text));
	fmt_str(&f, "https://a.test/x?");
	form_add(&f, "q=%s", "1");
	is_str(text, "https://a.test/x?q=1", "behind a question mark");
}

int main(void)
{
	test_url();
	test_form();
	return done();
}
