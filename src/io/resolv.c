/* SPDX-License-Identifier: ISC */
#include "io/resolv.h"

#include "base/num.h"
#include "io/textfile.h"

#include <string.h>

#define DNS_PORT 53
#define TIMEOUT_MAX 30
#define ATTEMPTS_MAX 10
#define NDOTS_MAX 15

/* "timeout:3" into *out, at least min, at most max. */
static void option(struct bytes word, struct bytes name, uint8_t min, uint8_t max, uint8_t *out)
{
	uint64_t v;

	if (!bytes_begins_fold(word, name) ||
	    !num_u64(bytes_skip(word, name.n), UINT32_MAX, &v))
		return;
	*out = v < min ? min : v > max ? max : (uint8_t)v;
}

static void options(struct resolv *r, struct bytes words)
{
	struct bytes w;

	while ((w = bytes_word(&words)).n > 0) {
		option(w, BYTES("ndots:"), 0, NDOTS_MAX, &r->ndots);
		option(w, BYTES("timeout:"), 1, TIMEOUT_MAX, &r->timeout);
		option(w, BYTES("attempts:"), 1, ATTEMPTS_MAX, &r->attempts);
	}
}

static void server(struct resolv *r, struct bytes text)
{
	struct inet_addr *a = &r->server[r->servers];

	if (r->servers == RESOLV_SERVERS || !inet_parse_addr(text, a))
		return;
	a->port = DNS_PORT;
	r->servers++;
}

static void directive(struct resolv *r, struct bytes line)
{
	struct bytes key = bytes_word(&line);

	line = bytes_trim(line);
	if (bytes_same(key, BYTES("nameserver"))) {
		server(r, bytes_word(&line));
	} else if (bytes_same(key, BYTES("options"))) {
		options(r, line);
	} else if (bytes_same(key, BYTES("search")) || bytes_same(key, BYTES("domain"))) {
		if (line.n > sizeof(r->search))
			return;
		memcpy(r->search, line.p, line.n);
		r->nsearch = (uint16_t)line.n;
	}
}

void resolv_read(struct resolv *r)
{
	static struct textfile t;
	struct bytes line;

	memset(r, 0, sizeof(*r));
	r->ndots = 1;
	r->timeout = 5;
	r->attempts = 2;
	if (textfile_open(&t, "/etc/resolv.conf")) {
		while (textfile_line(&t, &line)) {
			if (!t.cut)
				directive(r, line);
		}
		textfile_close(&t);
	}
	if (r->servers == 0)
		server(r, BYTES("127.0.0.1"));
}

/* "address name name ... # comment": does one of the names fit? */
static bool names(struct bytes line, struct bytes name)
{
	struct bytes w;

	while ((w = bytes_word(&line)).n > 0) {
		if (bytes_same_fold(w, name))
			return true;
	}
	return false;
}

unsigned resolv_hosts(struct bytes name, struct inet_addr *out, unsigned max)
{
	static struct textfile t;
	struct bytes line;
	unsigned n = 0;

	if (!textfile_open(&t, "/etc/hosts"))
		return 0;
	while (n < max && textfile_line(&t, &line)) {
		struct bytes address;

		line = bytes_first(line, bytes_find(line, '#'));
		address = bytes_word(&line);
		if (!t.cut && names(line, name) && inet_parse_addr(address, &out[n]))
			out[n++].port = 0;
	}
	textfile_close(&t);
	return n;
}
