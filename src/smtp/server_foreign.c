/* SPDX-License-Identifier: ISC */
/* Clients of other protocols that ended up at an SMTP port. */
#include "smtp/server_part.h"

static const char *const is_http = PHRASE(
    "HTTP on the mail port: a browser or web client has the wrong port");
static const char *const is_proxy = PHRASE(
    "PROXY protocol (or no text at all) on the mail port: clients must connect without it");
static const char *const is_tls = PHRASE("TLS from the first byte on a port without Use_SSL: "
				    "set the device to STARTTLS or to no TLS");

/* clang-format off: a list of words */
static const char methods[][9] = {
	"GET ",
	"POST ",
	"HEAD ",
	"PUT ",
	"DELETE ",
	"OPTIONS ",
	"CONNECT ",
	"TRACE ",
	"PATCH ",
	"PRI ",
};
/* clang-format on */

static bool begins(struct bytes in, const char *text)
{
	struct bytes t = bytes_of(text);

	return bytes_same(bytes_first(in, t.n), t);
}

/* A record of TLS 1.x or SSL 3, or an SSL 2 hello that offers them: length, type 1, version. */
static bool tls_hello(struct bytes in)
{
	const uint8_t *p = in.p;

	if (in.n >= 2 && p[0] == 0x16 && p[1] == 3)
		return true;
	if (in.n < 5 || (p[0] & 0x80) == 0 || bytes_find(bytes_first(in, 5), '\n') < 5)
		return false;
	return p[2] == 1 && (p[3] == 3 || (p[3] == 0 && p[4] == 2));
}

const char *server_foreign(struct bytes in)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (begins(in, methods[i]))
			return is_http;
	}
	/* Version 2 begins with two empty lines, which are answered as such, and a NUL. */
	if (begins(in, "PROXY ") || (in.n > 0 && in.p[0] == 0))
		return is_proxy;
	return tls_hello(in) ? is_tls : NULL;
}

const char *server_foreign_line(struct bytes line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n < 9 || line.p[line.n - 9] != ' ')
		return NULL;
	line = bytes_skip(line, line.n - 8);
	return bytes_same(bytes_first(line, 7), BYTES("HTTP/1.")) ? is_http : NULL;
}
