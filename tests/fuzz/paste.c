/* SPDX-License-Identifier: ISC */
/*
 * What a person pastes, and addresses. A code comes out only of what holds the right state or is
 * nothing but a code; an address that is understood prints to a request of one head.
 */
#include "token/http.h"
#include "token/oauth.h"

#include "base/bug.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held, const char *what)
{
	if (!held)
		gp_stop(what);
}

static void check_url(struct bytes x)
{
	static char text[8192];
	struct bytes rest;
	struct url u;
	struct fmt f;
	unsigned lines = 0;

	if (!url_parse(x, &u))
		return;
	must(u.host.n > 0 && u.host.n <= 253 && u.port > 0, "host and port");
	must(u.authority.n >= u.host.n && u.authority.n + u.path.n + 8 == x.n, "its parts");
	fmt_init(&f, text, sizeof(text));
	http_post(&f, &u, 0);
	if (f.cut)
		return;
	for (rest = fmt_done(&f); rest.n > 0; lines++) {
		size_t n = bytes_find(rest, '\n');

		must(n < rest.n && n > 0 && rest.p[n - 1] == '\r', "lines of a head");
		rest = bytes_skip(rest, n + 1);
	}
	must(lines == 8, "no line more");
}

static void check_form(struct bytes x)
{
	static char text[3 * 4096 + 16], back[4096 + 1];
	struct fmt f, g;

	if (x.n > 4096)
		return;
	fmt_init(&f, text, sizeof(text));
	form_add(&f, "a=1&b=%.*s", SPAN(x));
	fmt_init(&g, back, sizeof(back));
	must(form_get(fmt_done(&f), "b", &g) == (x.n > 0), "left out where it is empty");
	must(bytes_same(fmt_done(&g), x), "encoded and back");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char state[] = "St4te";
	struct bytes x = { data, size };
	char text[300];
	struct fmt f;

	check_url(x);
	check_form(x);
	fmt_init(&f, text, sizeof(text));
	if (oauth_pasted(x, state, &f) == OAUTH_PASTED) {
		must(f.n > 0 && !f.cut, "a code");
		must(bytes_find(x, '=') == x.n || size > strlen(state), "with its state, or bare");
	}
	return 0;
}
