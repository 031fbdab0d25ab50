/* SPDX-License-Identifier: ISC */
/*
 * What a gateway answers to AUTH. The first octet chooses the mechanism, and whether a name and a
 * secret are long; each line that follows is a challenge, one that begins with ! the text of a 235.
 * The same through a small buffer gives the same lines, of base64 alone.
 */
#include "smtp/sasl.h"

#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORK_MOST 3 /* slices of SCRAM's work: more takes too long */

static void must(bool held, const char *what)
{
	if (!held)
		gp_stop(what);
}

static char name[1500], secret[SASL_TOKEN_MAX];

struct session {
	struct sasl sasl;
	uint8_t mem[8192];
	size_t room;
	char sent[60000];
	size_t n;
	bool over;
};

static struct session wide, narrow;

static bool is_base64(uint8_t c)
{
	return byte_is_alnum(c) || c == '+' || c == '/' || c == '=';
}

/* One line, whole. first: the line of AUTH. */
static void write_line(struct session *s, bool first)
{
	size_t start = s->n;
	bool whole = false;
	struct buf out;

	while (!whole) {
		buf_init(&out, s->mem, s->room);
		whole = sasl_write(&s->sasl, &out);
		must(whole || buf_used(&out) > 0, "it gets on");
		must(s->n + buf_used(&out) <= sizeof(s->sent), "it ends");
		memcpy(s->sent + s->n, buf_peek(&out).p, buf_used(&out));
		s->n += buf_used(&out);
	}
	must(s->n >= start + 2 && memcmp(s->sent + s->n - 2, "\r\n", 2) == 0, "a line");
	if (first) {
		must(memcmp(s->sent + start, "AUTH ", 5) == 0, "AUTH");
		return;
	}
	must((s->n - start - 2) % 4 == 0, "padded");
	for (size_t i = start; i < s->n - 2; i++)
		must(is_base64((uint8_t)s->sent[i]), "base64");
}

static void challenge(struct session *s, struct bytes line)
{
	enum sasl_event event = sasl_challenge(&s->sasl, line);

	for (unsigned i = 0; event == SASL_WORK && i < WORK_MOST; i++)
		event = sasl_work(&s->sasl);
	if (event == SASL_WRITE)
		write_line(s, false);
	else
		s->over = true;
	must(event != SASL_WRONG || (s->sasl.why != NULL && *s->sasl.why != '\0'), "why");
}

static enum sasl_mechanism chosen(uint8_t habits)
{
	static const enum sasl_mechanism m[] = { SASL_PLAIN, SASL_LOGIN, SASL_CRAM_MD5,
		SASL_SCRAM_SHA_256, SASL_XOAUTH2 };

	return m[(habits & 15) % 5];
}

static void begin(struct session *s, uint8_t habits, size_t room)
{
	struct bytes user = { (const uint8_t *)name, habits & 0x10 ? sizeof(name) : 5 };
	struct bytes pass = { (const uint8_t *)secret, habits & 0x20 ? sizeof(secret) : 6 };

	if (habits & 0x40)
		user.n = 300;
	memset(&s->sasl, 0x55, sizeof(s->sasl));
	sasl_init(&s->sasl, chosen(habits), user, pass, "abcdefghijklmnopqrst");
	s->room = room;
	s->n = 0;
	s->over = false;
	write_line(s, true);
}

static void hear(struct session *s, struct bytes line)
{
	if (s->over)
		return;
	if (line.n > 0 && line.p[0] == '!')
		s->over = sasl_accept(&s->sasl, bytes_skip(line, 1));
	else
		challenge(s, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest;

	if (size < 1 || size > 20000 || !(sasl_built_in() & chosen(data[0])))
		return 0;
	memset(name, ',', sizeof(name));
	memset(secret, 's', sizeof(secret));
	begin(&wide, data[0], sizeof(wide.mem));
	begin(&narrow, data[0], SASL_WRITE_ROOM);
	for (rest = (struct bytes){ data + 1, size - 1 }; rest.n > 0 && !wide.over;) {
		struct bytes line = bytes_first(rest, bytes_find(rest, '\n'));

		rest = bytes_skip(rest, line.n + 1);
		hear(&wide, line);
		hear(&narrow, line);
	}
	must(wide.over == narrow.over, "both over");
	must(wide.n == narrow.n && memcmp(wide.sent, narrow.sent, wide.n) == 0,
	    "the same lines");
	sasl_end(&wide.sasl);
	sasl_end(&narrow.sasl);
	return 0;
}
