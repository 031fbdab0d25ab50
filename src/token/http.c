/* SPDX-License-Identifier: ISC */
#include "token/http.h"

#include "base/num.h"

#include <string.h>

#define CHUNK_DIGITS 6u /* hexadecimal, of a chunk's size */

void http_post(struct fmt *f, const struct url *u, size_t n)
{
	fmt_add(f,
	    "POST %s%.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: gatepost\r\n"
	    "Accept: application/json\r\nConnection: close\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n",
	    u->path.n == 0 ? "/" : "", SPAN(u->path), SPAN(u->authority), n);
}

void http_init(struct http *h, char *body, size_t cap)
{
	memset(h, 0, sizeof(*h));
	h->why = "";
	fmt_init(&h->body, body, cap);
}

static enum http_event broken(struct http *h, const char *why)
{
	h->state = HTTP_BROKEN;
	h->why = why;
	return HTTP_BAD;
}

/* "HTTP/1.1 200 OK", the text may be missing. */
static enum http_event take_status(struct http *h, struct bytes line)
{
	uint64_t status;

	if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 || !byte_is_digit(line.p[7]) ||
	    line.p[8] != ' ' || (line.n > 12 && line.p[12] != ' ') ||
	    !num_u64((struct bytes){ line.p + 9, 3 }, 599, &status) || status < 100)
		return broken(h, PHRASE("it does not speak HTTP"));
	h->status = (uint16_t)status;
	h->state = HTTP_FIELDS;
	return status == 101 ? broken(h, PHRASE("it wants to speak something else than HTTP")) : HTTP_MORE;
}

static enum http_event take_length(struct http *h, struct bytes value)
{
	uint64_t n;

	if (!num_u64(value, UINT32_MAX, &n) || (h->sized && n != h->left))
		return broken(h, PHRASE("its answer has no sound length"));
	h->sized = true;
	h->left = (uint32_t)n;
	return HTTP_MORE;
}

static enum http_event take_field(struct http *h, struct bytes line)
{
	size_t n = bytes_find(line, ':');
	struct bytes name = bytes_first(line, n), value = bytes_trim(bytes_skip(line, n + 1));

	if (n == 0 || n == line.n || bytes_find(name, ' ') < n || bytes_find(name, '\t') < n)
		return broken(h, PHRASE("the head of its answer is broken"));
	if (bytes_same_fold(name, BYTES("Content-Length")))
		return take_length(h, value);
	if (bytes_same_fold(name, BYTES("Transfer-Encoding"))) {
		if (h->chunked || !bytes_same_fold(value, BYTES("chunked")))
			return broken(h, PHRASE("its answer has a transfer coding that is not known"));
		h->chunked = true;
	}
	if (bytes_same_fold(name, BYTES("Content-Encoding")) &&
	    !bytes_same_fold(value, BYTES("identity")))
		return broken(h, PHRASE("its answer is compressed"));
	return HTTP_MORE;
}

static enum http_event whole(struct http *h)
{
	h->state = HTTP_WHOLE;
	return HTTP_DONE;
}

/* Which body follows (RFC 9112 6.3). */
static enum http_event end_of_head(struct http *h)
{
	if (h->chunked && h->sized)
		return broken(h, PHRASE("its answer has no sound length"));
	if (h->status < 200) {
		h->state = HTTP_STATUS;
		h->chunked = h->sized = false;
		h->left = 0;
		return HTTP_MORE;
	}
	if (h->status == 204 || h->status == 304)
		return whole(h);
	if (h->chunked) {
		h->state = HTTP_CHUNK_SIZE;
		return HTTP_MORE;
	}
	if (!h->sized) {
		h->state = HTTP_UNTIL_END;
		return HTTP_MORE;
	}
	h->state = HTTP_BODY;
	return h->left == 0 ? whole(h) : HTTP_MORE;
}

static enum http_event take_chunk_size(struct http *h, struct bytes line)
{
	struct bytes size = bytes_trim(bytes_first(line, bytes_find(line, ';')));

	h->left = 0;
	for (size_t i = 0; i < size.n; i++) {
		int digit = hex_digit(size.p[i]);

		if (i >= CHUNK_DIGITS || digit < 0)
			return broken(h, PHRASE("its answer has no sound length"));
		h->left = h->left * 16 + (uint32_t)digit;
	}
	if (size.n == 0)
		return broken(h, PHRASE("its answer has no sound length"));
	h->state = h->left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
	return HTTP_MORE;
}

static enum http_event take_line(struct http *h)
{
	struct bytes line = { h->line, h->n < HTTP_LINE ? h->n : HTTP_LINE };

	h->n = 0;
	h->cr = false;
	switch (h->state) {
	case HTTP_STATUS:
		return take_status(h, line);
	case HTTP_FIELDS:
		return line.n > 0 ? take_field(h, line) : end_of_head(h);
	case HTTP_CHUNK_SIZE:
		return take_chunk_size(h, line);
	case HTTP_CHUNK_END:
		h->state = HTTP_CHUNK_SIZE;
		return line.n > 0 ? broken(h, PHRASE("its answer has no sound length")) : HTTP_MORE;
	case HTTP_TRAILER:
		return line.n > 0 ? HTTP_MORE : whole(h);
	case HTTP_BODY:
	case HTTP_UNTIL_END:
	case HTTP_CHUNK:
	case HTTP_WHOLE:
	case HTTP_BROKEN:
		break;
	}
	return HTTP_BAD;
}

/* One octet of a line. Lines end in CRLF; of a long one only the beginning is kept. */
static enum http_event take_octet(struct http *h, uint8_t c)
{
	if (++h->head > HTTP_HEAD_MAX)
		return broken(h, PHRASE("the head of its answer is too long"));
	if (h->cr)
		return c == '\n' ? take_line(h) : broken(h, PHRASE("the head of its answer is broken"));
	if (c == '\r') {
		h->cr = true;
		return HTTP_MORE;
	}
	if (c == '\n' || c == '\0')
		return broken(h, PHRASE("the head of its answer is broken"));
	if (h->n < HTTP_LINE)
		h->line[h->n] = c;
	h->n++;
	return HTTP_MORE;
}

/* Octets of the body from the front of *x. */
static enum http_event take_body(struct http *h, struct bytes *x, uint32_t most)
{
	struct bytes piece = bytes_first(*x, most);

	fmt_bytes(&h->body, piece);
	if (h->body.cut || h->body.n > HTTP_BODY_MAX)
		return broken(h, PHRASE("its answer is too long"));
	*x = bytes_skip(*x, piece.n);
	if (h->state == HTTP_UNTIL_END)
		return HTTP_MORE;
	h->left -= (uint32_t)piece.n;
	if (h->left > 0)
		return HTTP_MORE;
	if (h->state == HTTP_BODY)
		return whole(h);
	h->state = HTTP_CHUNK_END;
	return HTTP_MORE;
}

enum http_event http_put(struct http *h, struct bytes x)
{
	enum http_event e = HTTP_MORE;

	while (e == HTTP_MORE && x.n > 0) {
		switch (h->state) {
		case HTTP_STATUS:
		case HTTP_FIELDS:
		case HTTP_CHUNK_SIZE:
		case HTTP_CHUNK_END:
		case HTTP_TRAILER:
			e = take_octet(h, x.p[0]);
			x = bytes_skip(x, 1);
			break;
		case HTTP_BODY:
		case HTTP_CHUNK:
			e = take_body(h, &x, h->left);
			break;
		case HTTP_UNTIL_END:
			e = take_body(h, &x, UINT32_MAX);
			break;
		case HTTP_WHOLE:
			return HTTP_DONE;
		case HTTP_BROKEN:
			return HTTP_BAD;
		}
	}
	return e;
}

enum http_event http_end(struct http *h)
{
	if (h->state == HTTP_UNTIL_END)
		return whole(h);
	if (h->state == HTTP_WHOLE)
		return HTTP_DONE;
	return h->state == HTTP_BROKEN ? HTTP_BAD : broken(h, PHRASE("its answer was cut off"));
}
