/* SPDX-License-Identifier: ISC */
/* A session: cutting its input changes neither replies nor events, and no reply or address holds what it must not. */
#include "smtp/server.h"

#include <stdlib.h>
#include <string.h>

#include "smtp/command.h"

#define MOST 16384u

static uint8_t scratch[SERVER_SCRATCH];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void gp_stop(const char *what)
{
	(void)what;
	abort();
}

/* All that the client and the owner were shown, events as letters between the octets. */
struct log {
	uint8_t text[64 * MOST];
	size_t n;
};

static void check(bool good)
{
	if (!good)
		abort();
}

static void note(struct log *l, const void *p, size_t n)
{
	check(l->n + n <= sizeof(l->text));
	if (n > 0)
		memcpy(l->text + l->n, p, n);
	l->n += n;
}

static void note_bytes(struct log *l, struct bytes x)
{
	note(l, x.p, x.n);
}

/* Whole lines, each with a code. */
static void check_replies(struct bytes x)
{
	while (x.n > 0) {
		size_t n = bytes_find(x, '\n');

		check(n < x.n && n >= 4 && n + 1 <= LIMIT_REPLY_LINE && x.p[n - 1] == '\r');
		for (size_t i = 0; i < n - 1; i++)
			check(i < 3 ? byte_is_digit(x.p[i]) : x.p[i] >= 32 && x.p[i] < 127);
		x = bytes_skip(x, n + 1);
	}
}

static void answer(struct server *s, struct buf *out, unsigned turn)
{
	static const uint16_t codes[] = { 250, 354, 250, 354, 550, 354, 250, 452, 251, 354, 250,
		451, 354, 554 };
	struct reply r;
	unsigned code = codes[turn % (sizeof(codes) / sizeof(codes[0]))];

	/* 354 fits DATA alone; it is no answer to anything else. */
	if ((s->question == SERVER_DATA) != (code == 354))
		code = s->question == SERVER_DATA ? 354 : 250;
	if (turn % 29 == 28)
		code = 421;
	reply_set(&r, code, "", BYTES("said"));
	bool tls = s->question == SERVER_STARTTLS && code / 100 == 2;

	server_answer(s, out, &r);
	check(s->parked == tls);
	if (tls)
		server_secured(s);
}

static void note_event(struct log *l, enum server_event ev, const struct server_what *what)
{
	/* Content comes in runs that depend on the cuts; its octets do not. */
	static uint8_t letters[] = "...."
				   "SMRD"
				   ".ETLQC";

	if (ev != SERVER_BODY)
		note(l, &letters[ev], 1);
	if (ev == SERVER_MAIL || ev == SERVER_RCPT) {
		check(!command_has_controls(what->path.mailbox));
		note_bytes(l, what->path.mailbox);
		note(l, &what->mail.size, sizeof(what->mail.size));
	}
	if (ev == SERVER_BODY) {
		check(what->run.n > 0 && bytes_find(what->run, 0) == what->run.n);
		note_bytes(l, what->run);
	}
	if (ev == SERVER_EOM)
		note(l, &what->fault, sizeof(what->fault));
	if (ev == SERVER_LOGIN) {
		note_bytes(l, what->login.user);
		note_bytes(l, what->login.password);
		note_bytes(l, what->login.digest);
		note(l, &what->login.unreadable, 1);
	}
	if (ev == SERVER_CLOSE)
		note(l, &what->reason, sizeof(what->reason));
}

static void play(
    struct bytes x, const struct server_params *p, size_t piece, size_t room, struct log *l)
{
	static uint8_t mem[LIMIT_OUT];
	struct server s;
	struct buf out;
	unsigned turn = 0;
	size_t seen = 0, taken = 0;
	enum server_event ev = SERVER_MORE;

	l->n = 0;
	buf_init(&out, mem, sizeof(mem));
	server_init(&s, p);
	while (ev != SERVER_QUIT && ev != SERVER_CLOSE && (seen < x.n || ev != SERVER_MORE)) {
		struct server_what what;

		if (ev == SERVER_MORE)
			seen = x.n - seen < piece ? x.n : seen + piece;

		size_t n = seen - taken;
		uint8_t *copy = malloc(n ? n : 1);
		struct bytes in = { copy, n };

		if (n > 0)
			memcpy(copy, x.p + taken, n);
		ev = server_step(&s, &in, &out, room, &what);
		taken += n - in.n;
		/* There is room for content, so only replies can fill up. */
		check(ev != SERVER_FULL || buf_used(&out) > 0);
		check_replies(buf_peek(&out));
		note_bytes(l, buf_peek(&out));
		buf_clear(&out);
		check(ev != SERVER_PARKED);
		check(ev != SERVER_MORE || in.n <= LIMIT_COMMAND_LINE + 1);
		if (ev > SERVER_PARKED)
			note_event(l, ev, &what);
		free(copy);
		check(ev != SERVER_LOGIN || s.secret);
		memset(scratch, 0xa5, sizeof(scratch));
		if (ev == SERVER_MAIL || ev == SERVER_RCPT || ev == SERVER_DATA ||
		    ev == SERVER_EOM || ev == SERVER_STARTTLS || ev == SERVER_LOGIN)
			answer(&s, &out, turn++);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct log whole, cut;

	if (size < 2 || size > MOST)
		return 0;
	struct server_params p = {
		.hostname = BYTES("relay.test"),
		.max_size = data[0] & 1 ? 100 : 0,
		.max_recipients = data[0] & 2 ? 2 : 0,
		.unqualified_rcpt_ok = data[0] & 4,
		.data_lone_lf_ends_data = data[0] & 8,
		.data_pedantic_headers = data[0] & 16,
		.data_pedantic_body = data[0] & 32,
	};
	/* The second octet cuts, too; it says what is offered by the way. */
	p.starttls = data[1] & 1;
	p.auth = (uint8_t)((data[1] >> 1) % 3);
	p.auth_requires_tls = data[1] & 8;
	p.challenge = data[1] & 16 ? BYTES("<1@relay.test>") : BYTES("");
	p.scratch = scratch;

	struct bytes x = { data + 2, size - 2 };

	play(x, &p, x.n, SIZE_MAX, &whole);
	for (unsigned k = 0; k < 2; k++) {
		play(x, &p, k ? 1u + data[1] : 1, k ? 2u + data[1] % 7 : 2, &cut);
		check(whole.n == cut.n && memcmp(whole.text, cut.text, whole.n) == 0);
	}
	return 0;
}
