/* SPDX-License-Identifier: ISC */
/*
 * A response of a token endpoint. First octet: how it is cut, and whether the connection ends
 * properly behind it. Cutting changes nothing; a body keeps within its limits.
 */
#include "token/http.h"

#include "base/bug.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held, const char *what)
{
	if (!held)
		gp_stop(what);
}

static enum http_event run(struct http *h, struct bytes x, size_t cut, bool end)
{
	enum http_event e = HTTP_MORE;

	while (e == HTTP_MORE && x.n > 0) {
		e = http_put(h, bytes_first(x, cut));
		x = bytes_skip(x, cut);
	}
	return e == HTTP_MORE && end ? http_end(h) : e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char body[2][HTTP_BODY_MAX + 2];
	static struct http h[2];
	enum http_event a, b;
	struct bytes x;

	if (size < 1)
		return 0;
	x = (struct bytes){ data + 1, size - 1 };
	http_init(&h[0], body[0], sizeof(body[0]));
	http_init(&h[1], body[1], sizeof(body[1]));
	a = run(&h[0], x, SIZE_MAX, data[0] & 1);
	b = run(&h[1], x, 1 + data[0] / 2, data[0] & 1);
	must(a == b && h[0].status == h[1].status, "the same however cut");
	must(strcmp(h[0].why, h[1].why) == 0, "for the same reason");
	must((a == HTTP_BAD) == (h[0].why[0] != '\0'), "a reason where it is bad");
	must(h[0].body.n <= HTTP_BODY_MAX, "a body within its limit");
	if (a != HTTP_BAD)
		must(bytes_same(fmt_done(&h[0].body), fmt_done(&h[1].body)), "the same body");
	if (a == HTTP_DONE)
		must(h[0].status >= 200 && h[0].status <= 599, "a final status");
	must(a == HTTP_MORE || http_put(&h[0], x) == a || x.n == 0, "its end is final");
	return 0;
}
