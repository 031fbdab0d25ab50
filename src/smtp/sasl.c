/* SPDX-License-Identifier: ISC */
#include "smtp/sasl.h"

#include "base/base64.h"
#include "base/bug.h"
#include "base/on.h"
#include "smtp/sasl_part.h"

#include <string.h>

/* What of a line comes next. */
enum { PART_NONE, PART_VERB, PART_RESPONSE, PART_END };

/* ---- the simple ones ---- */

static void plain_response(const struct sasl *s, struct bytes piece[SASL_PIECES])
{
	piece[0] = BYTES("\0");
	piece[1] = s->user;
	piece[2] = BYTES("\0");
	piece[3] = s->secret;
}

/* Prompts are not looked at: servers word them as they like. */
static void login_response(const struct sasl *s, struct bytes piece[SASL_PIECES])
{
	piece[0] = s->stage == 1 ? s->user : s->secret;
}

/* A challenge to it tells why it is refused; an empty line fetches the 535. */
static void xoauth2_response(const struct sasl *s, struct bytes piece[SASL_PIECES])
{
	if (s->stage > 1)
		return;
	piece[0] = BYTES("user=");
	piece[1] = s->user;
	piece[2] = BYTES("\1auth=Bearer ");
	piece[3] = s->secret;
	piece[4] = BYTES("\1\1");
}

static const struct sasl_kind plain = {
	.name = "PLAIN",
	.mechanism = SASL_PLAIN,
	.responses = 1,
	.speaks_first = true,
	.response = plain_response,
};

static const struct sasl_kind login = {
	.name = "LOGIN",
	.mechanism = SASL_LOGIN,
	.responses = 2,
	.response = login_response,
};

static const struct sasl_kind xoauth2 = {
	.name = "XOAUTH2",
	.mechanism = SASL_XOAUTH2,
	.responses = 2,
	.speaks_first = true,
	.response = xoauth2_response,
};

/* ---- the list ---- */

/* The stronger first. */
static const struct sasl_kind *const kinds[] = {
	ON(CONFIG_OAUTH) ? &xoauth2 : NULL,
	ON(CONFIG_SASL_SCRAM) ? &sasl_scram : NULL,
	ON(CONFIG_SASL_CRAM) ? &sasl_cram : NULL,
	&plain,
	&login,
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *sasl_name(enum sasl_mechanism m)
{
	switch (m) {
	case SASL_PLAIN:
		return "PLAIN";
	case SASL_LOGIN:
		return "LOGIN";
	case SASL_CRAM_MD5:
		return "CRAM-MD5";
	case SASL_SCRAM_SHA_256:
		return "SCRAM-SHA-256";
	case SASL_XOAUTH2:
		return "XOAUTH2";
	case SASL_NONE:
		break;
	}
	return "";
}

enum sasl_mechanism sasl_named(struct bytes word)
{
	for (unsigned m = SASL_PLAIN; m <= SASL_XOAUTH2; m <<= 1) {
		if (bytes_same_fold(word, bytes_of(sasl_name((enum sasl_mechanism)m))))
			return (enum sasl_mechanism)m;
	}
	return SASL_NONE;
}

uint8_t sasl_offered(struct bytes words)
{
	uint8_t set = 0;

	while (words.n > 0) {
		size_t n = 0;

		while (n < words.n &&
		       (byte_is_alnum(words.p[n]) || words.p[n] == '-' || words.p[n] == '_'))
			n++;
		set = (uint8_t)(set | sasl_named(bytes_first(words, n)));
		words = bytes_skip(words, n + 1);
	}
	return set;
}

uint8_t sasl_built_in(void)
{
	uint8_t set = 0;

	for (unsigned i = 0; i < KINDS; i++) {
		if (kinds[i] != NULL)
			set = (uint8_t)(set | kinds[i]->mechanism);
	}
	return set;
}

enum sasl_mechanism sasl_strongest(uint8_t offered, bool token)
{
	for (unsigned i = 0; i < KINDS; i++) {
		const struct sasl_kind *k = kinds[i];

		if (k == NULL || (k->mechanism & offered) == 0)
			continue;
		if ((k->mechanism == SASL_XOAUTH2) == token)
			return (enum sasl_mechanism)k->mechanism;
	}
	return SASL_NONE;
}

/* ---- an exchange ---- */

enum sasl_event sasl_wrong(struct sasl *s, const char *why)
{
	s->why = why;
	return SASL_WRONG;
}

/* Octets of the line of AUTH with the response in base64. */
static size_t line_length(const struct sasl *s)
{
	struct bytes piece[SASL_PIECES] = { 0 };
	size_t sum = 0;

	s->kind->response(s, piece);
	for (unsigned i = 0; i < SASL_PIECES; i++)
		sum += piece[i].n;
	return BASE64_ENCODED(sum) + strlen("AUTH ") + strlen(s->kind->name) + strlen(" \r\n");
}

void sasl_init(struct sasl *s, enum sasl_mechanism m, struct bytes user, struct bytes secret,
    const char *nonce)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < KINDS; i++) {
		if (kinds[i] != NULL && kinds[i]->mechanism == m)
			s->kind = kinds[i];
	}
	if (s->kind == NULL)
		gp_bug("sasl_init: a mechanism that is not there");
	s->user = user;
	s->secret = secret;
	s->part = PART_VERB;
	if ((s->kind->begin != NULL && !s->kind->begin(s, nonce)) || !s->kind->speaks_first)
		return;
	s->stage = 1;
	if (m != SASL_XOAUTH2 && line_length(s) > SASL_LINE_MAX)
		s->stage = 0;
}

enum sasl_mechanism sasl_of(const struct sasl *s)
{
	return (enum sasl_mechanism)s->kind->mechanism;
}

enum sasl_event sasl_challenge(struct sasl *s, struct bytes base64)
{
	if (s->why != NULL)
		return SASL_WRONG;
	if (s->stage == s->kind->responses)
		return sasl_wrong(s, PHRASE("it asks on though all is said"));
	s->stage++;
	s->part = PART_RESPONSE;
	s->written = 0;
	return s->kind->challenge != NULL ? s->kind->challenge(s, base64) : SASL_WRITE;
}

enum sasl_event sasl_work(struct sasl *s)
{
	return s->kind->work(s);
}

/* Up to three octets from there on; how many. */
static size_t take(const struct bytes piece[SASL_PIECES], size_t at, uint8_t out[3])
{
	size_t n = 0;

	for (unsigned i = 0; i < SASL_PIECES; i++) {
		for (; at < piece[i].n && n < 3; at++)
			out[n++] = piece[i].p[at];
		at -= piece[i].n < at ? piece[i].n : at;
	}
	return n;
}

static bool write_response(struct sasl *s, struct buf *out)
{
	struct bytes piece[SASL_PIECES] = { 0 };
	uint8_t three[3];
	bool whole = false;
	size_t n;

	s->kind->response(s, piece);
	do {
		n = take(piece, s->written, three);
		whole = n == 0;
		if (!whole && !base64_put(out, three, n))
			break;
		s->written += n;
	} while (!whole);
	digest_wipe(three, sizeof(three));
	return whole;
}

bool sasl_write(struct sasl *s, struct buf *out)
{
	char verb[SASL_WRITE_ROOM];
	struct fmt f;

	if (s->part == PART_VERB) {
		fmt_init(&f, verb, sizeof(verb));
		fmt_add(&f, "AUTH %s", s->kind->name);
		if (s->stage > 0)
			fmt_char(&f, ' ');
		if (!buf_put(out, fmt_done(&f)))
			return false;
		s->part = s->stage > 0 ? PART_RESPONSE : PART_END;
	}
	if (s->part == PART_RESPONSE) {
		if (!write_response(s, out))
			return false;
		s->part = PART_END;
	}
	if (s->part == PART_END) {
		if (!buf_put(out, BYTES("\r\n")))
			return false;
		s->part = PART_NONE;
	}
	return true;
}

bool sasl_accept(struct sasl *s, struct bytes text)
{
	return s->kind->accept == NULL || s->kind->accept(s, text);
}

void sasl_end(struct sasl *s)
{
	digest_wipe(s, sizeof(*s));
}
