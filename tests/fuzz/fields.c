/* SPDX-License-Identifier: ISC */
/*
 * A mail as sendmail -t gets it: its line ends are made canonical, its header is read, its
 * recipients are collected. Whatever comes out as an address can be sent in a command.
 */
#include "cmd/lines.h"
#include "cmd/sendmail.h"

#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void gp_stop(const char *what)
{
	fprintf(stderr, "gp_bug: %s\n", what);
	abort();
}

static void must(bool held, const char *what)
{
	if (!held)
		gp_stop(what);
}

static void look_at(const struct fmt *address)
{
	must(address->n > 0 && address->n < LIMIT_PATH, "an address has octets");
	for (size_t i = 0; i < address->n; i++) {
		unsigned char c = (unsigned char)address->p[i];

		must(c >= 32 && c != 127, "an address has no control characters");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t mem[65536];
	static struct sendmail_rcpts rcpts;
	const struct sendmail m = {.extract = true};
	struct bytes in = {data, size}, head, field;
	struct lines l;
	struct buf out;

	buf_init(&out, mem, sizeof(mem));
	lines_init(&l, size % 2 == 0);
	lines_put(&l, &in, &out);
	if (!l.ended && buf_room(&out) >= LINES_ROOM)
		lines_end(&l, &out);
	head = buf_peek(&out);
	for (size_t i = 0; i < head.n; i++) {
		must(head.p[i] != '\n' || (i > 0 && head.p[i - 1] == '\r'), "no lone LF");
		must(head.p[i] != '\r' || i + 1 == head.n || head.p[i + 1] == '\n', "no lone CR");
	}
	sendmail_rcpts_init(&rcpts, &m, head);
	for (;;) {
		enum address_status status = sendmail_rcpts_next(&rcpts);

		if (status == ADDRESS_END)
			break;
		if (status == ADDRESS_OK)
			look_at(&rcpts.address);
	}
	while (field_next(&head, &field))
		must(field.n > 2 && field.p[field.n - 1] == '\n', "a field is made of whole lines");
	return 0;
}
