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

#define NO_LENGTH PHRASE("its answer has no sound length")
#define BAD_HEAD  PHRASE("the head of its answer is broken")

/* What takes a piece of the response returns why that cannot be, or NULL. */

/* "HTTP/1.1 200 OK", the text may be missing. */
static const char *take_status(struct http *h, struct bytes line)
{
	uint64_t status;

	if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 || !byte_is_digit(line.p[7]) ||
	    line.p[8] != ' ' || (line.n > 12 && line.p[12] != ' ') ||
	    !num_u64((struct bytes){ line.p + 9, 3 }, 599, &status) || status < 100)
		return PHRASE("it does not speak HTTP");
	h->status = (uint16_t)status;
	h->state = HTTP_FIELDS;
	return status == 101 ? PHRASE("it wants to speak something else than HTTP") : NULL;
}

static const char *take_length(struct http *h, struct bytes value)
{
	uint64_t n;

	if (!num_u64(value, UINT32_MAX, &n) || (h->sized && n != h->left))
		return NO_LENGTH;
	h->sized = true;
	h->left = (uint32_t)n;
	return NULL;
}

static const char *take_field(struct http *h, struct bytes line)
{
	size_t n = bytes_find(line, ':');
	struct bytes name = bytes_first(line, n), value = bytes_trim(bytes_skip(line, n + 1));

	if (n == 0 || n == line.n || bytes_find(name, ' ') < n || bytes_find(name, '\t') < n)
		return BAD_HEAD;
	if (bytes_same_fold(name, BYTES("Content-Length")))
		return take_length(h, value);
	if (bytes_same_fold(name, BYTES("Transfer-Encoding"))) {
		if (h->chunked || !bytes_same_fold(value, BYTES("chunked")))
			return PHRASE("its answer has a transfer coding that is not known");
		h->chunked = true;
	}
	if (bytes_same_fold(name, BYTES("Content-Encoding")) &&
	    !bytes_same_fold(value, BYTES("identity")))
		return PHRASE("its answer is compressed");
	return NULL;
}

/* Which body follows (RFC 9112 6.3). */
static const char *end_of_head(struct http *h)
{
	if (h->chunked && h->sized)
		return NO_LENGTH;
	if (h->status < 200) {
		h->state = HTTP_STATUS;
		h->chunked = h->sized = false;
		h->left = 0;
	} else if (h->status == 204 || h->status == 304) {
		h->state = HTTP_WHOLE;
	} else if (h->chunked) {
		h->state = HTTP_CHUNK_SIZE;
	} else if (!h->sized) {
		h->state = HTTP_UNTIL_END;
		h->left = UINT32_MAX;
	} else {
		h->state = h->left == 0 ? HTTP_WHOLE : HTTP_BODY;
	}
	return NULL;
}

static const char *take_chunk_size(struct http *h, struct bytes line)
{
	struct bytes size = bytes_trim(bytes_first(line, bytes_find(line, ';')));

	h->left = 0;
	for (size_t i = 0; i < size.n; i++) {
		int digit = hex_digit(size.p[i]);

		if (i >= CHUNK_DIGITS || digit < 0)
			return NO_LENGTH;
		h->left = h->left * 16 + (uint32_t)digit;
	}
	if (size.n == 0)
		return NO_LENGTH;
	h->state = h->left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
	return NULL;
}

static const char *take_line(struct http *h)
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
		return line.n > 0 ? NO_LENGTH : NULL;
	case HTTP_TRAILER:
		if (line.n == 0)
			h->state = HTTP_WHOLE;
		break;
	case HTTP_BODY:
	case HTTP_UNTIL_END:
	case HTTP_CHUNK:
	case HTTP_WHOLE:
	case HTTP_BROKEN:
		break;
	}
	return NULL;
}

/* One octet of a line. Lines end in CRLF; of a long one only the beginning is kept. */
static const char *take_octet(struct http *h, uint8_t c)
{
	if (++h->head > HTTP_HEAD_MAX)
		return PHRASE("the head of its answer is too long");
	if (h->cr)
		return c == '\n' ? take_line(h) : BAD_HEAD;
	if (c == '\n' || c == '\0')
		return BAD_HEAD;
	h->cr = c == '\r';
	if (h->cr)
		return NULL;
	if (h->n < HTTP_LINE)
		h->line[h->n] = c;
	h->n++;
	return NULL;
}

/* Octets of the body from the front of *x. */
static const char *take_body(struct http *h, struct bytes *x)
{
	struct bytes piece = bytes_first(*x, h->left);

	fmt_bytes(&h->body, piece);
	if (h->body.cut || h->body.n > HTTP_BODY_MAX)
		return PHRASE("its answer is too long");
	*x = bytes_skip(*x, piece.n);
	if (h->state != HTTP_UNTIL_END)
		h->left -= (uint32_t)piece.n;
	if (h->left == 0)
		h->state = h->state == HTTP_BODY ? HTTP_WHOLE : HTTP_CHUNK_END;
	return NULL;
}

/* Where it stands now; why: NULL, or what is wrong. */
static enum http_event event(struct http *h, const char *why)
{
	if (why != NULL) {
		h->state = HTTP_BROKEN;
		h->why = why;
	}
	return h->state == HTTP_BROKEN ? HTTP_BAD : h->state == HTTP_WHOLE ? HTTP_DONE : HTTP_MORE;
}

enum http_event http_put(struct http *h, struct bytes x)
{
	const char *why = NULL;

	while (why == NULL && x.n > 0 && h->state < HTTP_WHOLE) {
		if (h->state >= HTTP_BODY) {
			why = take_body(h, &x);
		} else {
			why = take_octet(h, x.p[0]);
			x = bytes_skip(x, 1);
		}
	}
	return event(h, why);
}

enum http_event http_end(struct http *h)
{
	if (h->state == HTTP_UNTIL_END)
		h->state = HTTP_WHOLE;
	return event(h, h->state < HTTP_WHOLE ? PHRASE("its answer was cut off") : NULL);
}
