/* SPDX-License-Identifier: ISC */
#include "base/dns.h"

#include <string.h>

#define HEADER 12
#define CLASS_IN 1
#define LABEL_MAX 63
#define NAME_MAX 255 /* octets of a name in a message */
#define POINTER 0xc0
#define FIXED 10     /* type, class, TTL and length of a record */

static unsigned get16(struct bytes m, size_t at)
{
	return (unsigned)(m.p[at] << 8 | m.p[at + 1]);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

size_t dns_ask(uint8_t out[DNS_QUESTION], uint16_t id, struct bytes name, enum dns_type type)
{
	size_t n = HEADER;

	memset(out, 0, HEADER);
	put16(out, id);
	out[2] = 1; /* recursion desired */
	out[5] = 1; /* one question */
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	do {
		size_t label = bytes_find(name, '.');

		if (label == 0 || label > LABEL_MAX || n - HEADER + label + 2 > NAME_MAX)
			return 0;
		out[n++] = (uint8_t)label;
		memcpy(out + n, name.p, label);
		n += label;
		if (label + 1 == name.n) /* a second dot at the end */
			return 0;
		name = bytes_skip(name, label + 1);
	} while (name.n > 0);
	out[n++] = 0;
	put16(out + n, type);
	put16(out + n + 2, CLASS_IN);
	return n + 4;
}

enum dns_verdict dns_judge(struct bytes message, struct bytes question)
{
	struct bytes asked = bytes_skip(question, HEADER);

	if (message.n < question.n || memcmp(message.p, question.p, 2) != 0 ||
	    (message.p[2] & 0x80) == 0 || get16(message, 4) != 1 ||
	    !bytes_same_fold(bytes_first(bytes_skip(message, HEADER), asked.n), asked))
		return DNS_ALIEN;
	switch (message.p[3] & 15) {
	case 0:
		return (message.p[2] & 2) != 0 ? DNS_CUT : DNS_ANSWER;
	case 3:
		return DNS_NO_NAME;
	default:
		return DNS_REFUSED;
	}
}

/* Steps over a name; 0 where it is broken. */
static size_t skip_name(struct bytes m, size_t at)
{
	while (at < m.n && m.p[at] != 0) {
		if (m.p[at] >= POINTER)
			return at + 2 <= m.n ? at + 2 : 0;
		if (m.p[at] > LABEL_MAX)
			return 0;
		at += 1u + m.p[at];
	}
	return at < m.n ? at + 1 : 0;
}

void dns_records(struct dns_records *r, struct bytes message)
{
	unsigned questions;

	r->message = message;
	r->at = HEADER;
	r->left = 0;
	if (message.n < HEADER)
		return;
	for (questions = get16(message, 4); questions > 0; questions--) {
		r->at = skip_name(message, r->at);
		if (r->at == 0)
			return;
		r->at += 4;
	}
	r->left = get16(message, 6);
}

bool dns_next(struct dns_records *r, struct dns_record *out)
{
	const struct bytes m = r->message;

	for (; r->left > 0; r->left--) {
		size_t at = skip_name(m, r->at), length;
		bool ours;

		if (at == 0 || m.n - at < FIXED)
			return false;
		length = get16(m, at + 8);
		ours = get16(m, at + 2) == CLASS_IN;
		out->type = get16(m, at);
		out->at = at + FIXED;
		if (m.n - out->at < length)
			return false;
		out->data = bytes_first(bytes_skip(m, out->at), length);
		r->at = out->at + length;
		if (ours) {
			r->left--;
			return true;
		}
	}
	return false;
}

/* One label behind those that are there. */
static bool put_label(char out[DNS_NAME], size_t *n, struct bytes label)
{
	if (*n + label.n + 2 > DNS_NAME)
		return false;
	if (*n > 0)
		out[(*n)++] = '.';
	for (size_t i = 0; i < label.n; i++) {
		uint8_t c = label.p[i];

		if (c <= ' ' || c == '.' || c == 0x7f)
			return false;
		out[(*n)++] = (char)c;
	}
	return true;
}

bool dns_name(struct bytes message, size_t at, char out[DNS_NAME])
{
	size_t n = 0;

	for (;;) {
		struct bytes rest = bytes_skip(message, at);

		if (rest.n == 0)
			return false;
		if (rest.p[0] == 0)
			break;
		if (rest.p[0] >= POINTER) {
			size_t to = rest.n < 2 ? at : get16(rest, 0) & 0x3fff;

			if (to >= at)
				return false;
			at = to;
			continue;
		}
		if (rest.p[0] > LABEL_MAX || rest.p[0] >= rest.n ||
		    !put_label(out, &n, bytes_first(bytes_skip(rest, 1), rest.p[0])))
			return false;
		at += 1u + rest.p[0];
	}
	out[n] = '\0';
	return true;
}
