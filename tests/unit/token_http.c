/* SPDX-License-Identifier: ISC */
#include "token/http.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

static char body[HTTP_BODY_MAX + 2];
static struct http h;

/* The whole text in pieces of so many octets. */
static enum http_event feed(struct bytes x, size_t cut, bool end)
{
	enum http_event e = HTTP_MORE;

	http_init(&h, body, sizeof(body));
	while (e == HTTP_MORE && x.n > 0) {
		e = http_put(&h, bytes_first(x, cut));
		x = bytes_skip(x, cut);
	}
	return e == HTTP_MORE && end ? http_end(&h) : e;
}

static struct bytes got(void)
{
	return fmt_done(&h.body);
}

struct row {
	const char *name, *text;
	enum http_event event;
	unsigned status;
	const char *body; /* or why */
};

#define OK "HTTP/1.1 200 OK\r\n"

static const struct row whole[] = {
	{ "a length", OK "Content-Length: 5\r\n\r\nhellomore", HTTP_DONE, 200, "hello" },
	{ "a length of 0", OK "content-length:0\r\n\r\n", HTTP_DONE, 200, "" },
	{ "the same length twice", OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", HTTP_DONE,
	    200, "ab" },
	{ "chunks",
	    OK "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: "
	       "1\r\n\r\n",
	    HTTP_DONE, 200, "abc0123456789" },
	{ "up to the end", OK "\r\nabc", HTTP_DONE, 200, "abc" },
	{ "HTTP/1.0 without a text", "HTTP/1.0 400\r\n\r\nx", HTTP_DONE, 400, "x" },
	{ "100 before it", "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" OK "Content-Length: 1\r\n\r\na",
	    HTTP_DONE, 200, "a" },
	{ "204", "HTTP/1.1 204 No Content\r\n\r\nabc", HTTP_DONE, 204, "" },
	{ "identity", OK "Content-Encoding: identity\r\nContent-Length: 1\r\n\r\na", HTTP_DONE, 200,
	    "a" },
	{ "a length and chunks", OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
	    HTTP_BAD, 200, "no sound length" },
	{ "two lengths", OK "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", HTTP_BAD, 200,
	    "no sound length" },
	{ "a list of lengths", OK "Content-Length: 3, 3\r\n\r\nabc", HTTP_BAD, 200,
	    "no sound length" },
	{ "a negative length", OK "Content-Length: -1\r\n\r\n", HTTP_BAD, 200, "no sound length" },
	{ "gzip, chunked", OK "Transfer-Encoding: gzip, chunked\r\n\r\n", HTTP_BAD, 200,
	    "not known" },
	{ "gzip", OK "Content-Encoding: gzip\r\n\r\n", HTTP_BAD, 200, "compressed" },
	{ "a folded line", OK "X: y\r\n z: 1\r\n\r\n", HTTP_BAD, 200, "broken" },
	{ "a blank before the colon", OK "Content-Length : 3\r\n\r\nabc", HTTP_BAD, 200, "broken" },
	{ "no colon", OK "Content-Length\r\n\r\n", HTTP_BAD, 200, "broken" },
	{ "a lone LF", "HTTP/1.1 200 OK\nContent-Length: 3\r\n\r\nabc", HTTP_BAD, 0, "broken" },
	{ "a lone CR", "HTTP/1.1 200 OK\rX: y\r\n", HTTP_BAD, 0, "broken" },
	{ "SMTP", "220 smtp.example.com ESMTP\r\n", HTTP_BAD, 0, "HTTP" },
	{ "HTTP/2", "HTTP/2 200 OK\r\n", HTTP_BAD, 0, "HTTP" },
	{ "status 600", "HTTP/1.1 600 X\r\n", HTTP_BAD, 0, "HTTP" },
	{ "status 20", "HTTP/1.1 20 X\r\n", HTTP_BAD, 0, "HTTP" },
	{ "101", "HTTP/1.1 101 Switching\r\n\r\n", HTTP_BAD, 101, "something else" },
	{ "a chunk without a size", OK "Transfer-Encoding: chunked\r\n\r\n;x\r\n", HTTP_BAD, 200,
	    "no sound length" },
	{ "a chunk of 16 GiB", OK "Transfer-Encoding: chunked\r\n\r\n400000000\r\n", HTTP_BAD, 200,
	    "no sound length" },
	{ "a chunk that is longer than it says",
	    OK "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", HTTP_BAD, 200,
	    "no sound length" },
	{ "cut in the body", OK "Content-Length: 5\r\n\r\nhell", HTTP_BAD, 200, "cut off" },
	{ "cut in the chunks", OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", HTTP_BAD, 200,
	    "cut off" },
	{ "cut in the head", OK "Content-Le", HTTP_BAD, 200, "cut off" },
	{ "nothing", "", HTTP_BAD, 0, "cut off" },
};

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		const struct row *r = &whole[i];
		bool same = true;

		for (size_t cut = 1; cut <= strlen(r->text) + 1; cut++) {
			same = same && feed(bytes_of(r->text), cut, true) == r->event &&
			       h.status == r->status;
			if (r->event == HTTP_DONE)
				same = same && bytes_same(got(), bytes_of(r->body));
			else
				same = same && strstr(h.why, r->body) != NULL;
		}
		if (!ok(same, "%s: %s", r->name,
			r->event == HTTP_DONE ? "the body, however cut" : "refused"))
			printf("# status %u, why \"%s\"\n", h.status, h.why);
	}
}

static void test_limits(void)
{
	static char text[HTTP_BODY_MAX + HTTP_HEAD_MAX + 200];
	size_t n;

	n = (size_t)sprintf(text, OK "Content-Length: %u\r\n\r\n", HTTP_BODY_MAX);
	memset(text + n, 'x', HTTP_BODY_MAX);
	ok(feed((struct bytes){ (uint8_t *)text, n + HTTP_BODY_MAX }, 1000, true) == HTTP_DONE &&
		got().n == HTTP_BODY_MAX,
	    "the longest body is taken");
	n = (size_t)sprintf(text, OK "\r\n");
	memset(text + n, 'x', HTTP_BODY_MAX + 1);
	ok(feed((struct bytes){ (uint8_t *)text, n + HTTP_BODY_MAX + 1 }, 1000, true) == HTTP_BAD &&
		strstr(h.why, "too long"),
	    "one octet more is not");
	n = (size_t)sprintf(text, OK "X: ");
	memset(text + n, 'y', HTTP_HEAD_MAX);
	ok(feed((struct bytes){ (uint8_t *)text, n + HTTP_HEAD_MAX }, 1000, true) == HTTP_BAD &&
		strstr(h.why, "too long"),
	    "a head of more than 8 KiB is not");
	n = (size_t)sprintf(text, OK "X: ");
	memset(text + n, 'y', 4000);
	n += 4000;
	n += (size_t)sprintf(text + n, "\r\nContent-Length: 1\r\n\r\nz");
	is_num(feed((struct bytes){ (uint8_t *)text, n }, 7, true), HTTP_DONE,
	    "a field of 4,000 octets is skipped");
}

static void test_request(void)
{
	char text[600];
	struct fmt f;
	struct url u;

	fmt_init(&f, text, sizeof(text));
	ok(url_parse(BYTES("https://login.example:8443/a/token?x=1"), &u), "an address");
	http_post(&f, &u, 17);
	is_str(text,
	    "POST /a/token?x=1 HTTP/1.1\r\nHost: login.example:8443\r\nUser-Agent: "
	    "gatepost\r\nAccept: application/json\r\n"
	    "Connection: close\r\nContent-Type: "
	    "application/x-www-form-urlencoded\r\nContent-Length: 17\r\n\r\n",
	    "the head of a request");
	fmt_init(&f, text, sizeof(text));
	ok(url_parse(BYTES("https://login.example"), &u), "without a path");
	http_post(&f, &u, 0);
	ok(strstr(text, "POST / HTTP/1.1\r\nHost: login.example\r\n") == text, "/ is asked for");
}

int main(void)
{
	test_rows();
	test_limits();
	test_request();
	return done();
}
