/* SPDX-License-Identifier: ISC */
/*
 * As much of HTTP/1.1 (RFC 9110, RFC 9112) as one POST needs: the request's head, and an
 * incremental, strict parser of the response. No compression, no redirects, one exchange per
 * connection.
 */
#ifndef TOKEN_HTTP_H
#define TOKEN_HTTP_H

#include "token/url.h"

#define HTTP_HEAD_MAX \
	8192u /* octets of all lines of a response: heads, sizes of chunks, trailers */
#define HTTP_BODY_MAX 32768u /* octets of its body */
#define HTTP_LINE     128u   /* octets of a line that are looked at: what matters is shorter */

/* The head of a POST of a form of n octets, its empty line included. */
void http_post(struct fmt *f, const struct url *u, size_t n);

enum http_event {
	HTTP_MORE, /* more octets are needed */
	HTTP_DONE, /* it is whole; what follows is not looked at */
	HTTP_BAD,  /* why tells */
};

enum http_state {
	/* a line is to come */
	HTTP_STATUS,
	HTTP_FIELDS,
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	/* `left` octets of the body are to come */
	HTTP_BODY,
	HTTP_CHUNK,
	HTTP_UNTIL_END, /* all up to the end of the connection */
	/* nothing is */
	HTTP_WHOLE,
	HTTP_BROKEN,
};

/* Fields up to `body` are the caller's to read. */
struct http {
	uint16_t status;
	const char *why; /* a phrase */
	struct fmt body; /* in the caller's storage */
	enum http_state state;
	uint32_t head;
	uint32_t left;
	bool chunked, sized;
	bool cr; /* the line ended in CR, LF must follow */
	uint32_t n;
	uint8_t line[HTTP_LINE];
};

/* Storage for the body, one octet of it for a NUL; the most that comes is HTTP_BODY_MAX. */
void http_init(struct http *h, char *body, size_t cap);

enum http_event http_put(struct http *h, struct bytes x);

/* The peer has ended its sending, properly. */
enum http_event http_end(struct http *h);

#endif
