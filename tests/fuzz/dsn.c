/* SPDX-License-Identifier: ISC */
/*
 * Reports. The input: flags and lengths, then addresses, words of a gateway and the header of a mail. Whatever they
 * hold the report is taken apart again as it should be, and neither room nor cuts change it.
 */
#include "mail/dsn.h"

#include "fuzz/lib/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void report_must(bool held, const char *what)
{
	(void)what;
	if (!held)
		abort();
}

static struct bytes take(struct bytes *x, size_t most)
{
	size_t n = x->n > 0 ? x->p[0] * (size_t)x->p[0] % (most + 1) : 0;
	struct bytes part;

	*x = bytes_skip(*x, 1);
	part = bytes_first(*x, n);
	*x = bytes_skip(*x, part.n);
	return part;
}

/* As the spool has it: CR and LF only as line ends. */
static struct bytes canonical(struct bytes x, uint8_t *to)
{
	size_t n = 0;

	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] == '\n')
			to[n++] = '\r';
		if (x.p[i] != '\r')
			to[n++] = x.p[i];
	}
	return (struct bytes){ to, n };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes x = { data, size };
	unsigned flags = size > 0 ? data[0] : 0, room = size > 1 ? data[1] : 0;
	struct dsn_rcpt rcpt[3];
	struct report_input in = {
		.params = {
			.hostname = BYTES("box.example"),
			.id = BYTES("0123456789"),
			.message_id = BYTES("<0123456789@box.example>"),
			.mail_id = BYTES("9876543210"),
			.utf8 = (flags & 1) != 0,
		},
		.rcpt = rcpt,
		.rcpts = 1 + flags / 2 % 3,
	};
	struct bytes one, two;
	struct report r;
	uint8_t *lines = malloc(2 * size + 1);

	x = bytes_skip(x, 2);
	in.params.from = take(&x, 1024);
	in.params.to = take(&x, 1024);
	for (uint32_t i = 0; i < in.rcpts; i++) {
		rcpt[i] = (struct dsn_rcpt){ .path = take(&x, 1024), .enhanced = take(&x, 12), .text = take(&x, 1000), .remote = take(&x, 255) };
		rcpt[i].code = flags & 16 ? 0 : flags & 32 ? 450 : 554;
		rcpt[i].expired = (flags & 64) != 0;
	}
	in.mail = canonical(x, lines);
	one = report_write(&in, 8192, SIZE_MAX);
	two = report_write(&in, DSN_ROOM + room, 1 + room % 7);
	report_must(bytes_same(one, two), "cuts change nothing");
	free((void *)(uintptr_t)two.p);
	r = report_parse(&in, one);
	report_free(&r);
	free(lines);
	return 0;
}
