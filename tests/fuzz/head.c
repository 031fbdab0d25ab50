/* SPDX-License-Identifier: ISC */
/*
 * The header editor. First octet: which fields are wanted; the rest: the mail, its line ends made
 * CRLF as the end-of-data machine does. Cutting changes nothing; the output has CRLF line ends
 * alone; its header is made of fields and ends in one empty line; the body is the end of the input;
 * a second pass changes nothing.
 */
#include "mail/head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct out {
	uint8_t *p;
	size_t n;
};

static void must(bool held)
{
	if (!held)
		abort();
}

static void take(struct out *out, struct bytes run)
{
	must(run.n > 0);
	memcpy(out->p + out->n, run.p, run.n);
	out->n += run.n;
}

/* step 0: cuts that depend on seed. */
static struct out edit(const struct head_params *p, struct bytes in, size_t step, uint32_t seed)
{
	struct out out = { malloc(in.n + 4096), 0 };
	struct head h;
	struct bytes run;

	head_init(&h, p);
	while (in.n > 0) {
		struct bytes part;
		uint8_t *copy;

		seed = seed * 1664525 + 1013904223;
		part = bytes_first(in, step > 0 ? step : 1 + (seed >> 16) % 9);
		copy = malloc(part.n);
		memcpy(copy, part.p, part.n);
		in = bytes_skip(in, part.n);
		part.p = copy;
		while (head_step(&h, &part, &run) == HEAD_RUN)
			take(&out, run);
		must(part.n == 0);
		free(copy);
	}
	while (head_end(&h, &run) == HEAD_RUN)
		take(&out, run);
	return out;
}

/* Lone CR and LF become CRLF. */
static struct out canonical(struct bytes in)
{
	struct out out = { malloc(2 * in.n + 1), 0 };

	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] != '\r' && in.p[i] != '\n') {
			out.p[out.n++] = in.p[i];
			continue;
		}
		if (in.p[i] == '\r' && i + 1 < in.n && in.p[i + 1] == '\n')
			i++;
		out.p[out.n++] = '\r';
		out.p[out.n++] = '\n';
	}
	return out;
}

static struct bytes line_of(struct bytes *x)
{
	size_t n = bytes_find(*x, '\n');
	struct bytes line = bytes_first(*x, n + 1);

	must(n < x->n && n > 0 && x->p[n - 1] == '\r');
	*x = bytes_skip(*x, n + 1);
	line.n -= 2;
	must(bytes_find(line, '\r') == line.n);
	return line;
}

static bool is_field(struct bytes line)
{
	size_t colon = bytes_find(line, ':');
	struct bytes name = bytes_trim(bytes_first(line, colon));

	if (colon == line.n || name.n == 0 || name.p != line.p)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] <= 32 || name.p[i] >= 127)
			return false;
	}
	return true;
}

/* Checks the header and returns the body; *from gets the length of the From line, or 0. */
static struct bytes body_of(struct out out, size_t *from)
{
	struct bytes rest = { out.p, out.n }, body;
	bool field = false;

	*from = 0;
	for (;;) {
		struct bytes line = line_of(&rest);

		if (line.n == 0)
			break;
		if (line.p[0] == ' ' || line.p[0] == '\t')
			must(field);
		else
			must(is_field(line));
		field = true;
		if (bytes_begins_fold(line, BYTES("From:")))
			*from = line.n;
	}
	body = rest;
	while (rest.n > 0)
		line_of(&rest);
	return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned want = size > 0 ? data[0] : 0;
	struct head_params p = { .add_reply_to = (want & 8) != 0 }, again;
	struct out in = canonical(bytes_skip((struct bytes){ data, size }, 1)), out, cut, twice;
	struct bytes body, x = { in.p, in.n };
	size_t from;

	if (want & 1)
		p.date = BYTES("Wed, 25 Nov 2026 14:54:09 +0000");
	if (want & 2)
		p.message_id = BYTES("<id@gatepost.example>");
	if (want & 4)
		p.header_from = BYTES("n@gw.example");
	out = edit(&p, x, SIZE_MAX, 0);
	cut = edit(&p, x, 1, 0);
	must(out.n == cut.n && memcmp(out.p, cut.p, out.n) == 0);
	free(cut.p);
	cut = edit(&p, x, 0, want * 77 + (uint32_t)size);
	must(out.n == cut.n && memcmp(out.p, cut.p, out.n) == 0);
	free(cut.p);
	body = body_of(out, &from);
	if (in.n > 0 && in.p[in.n - 1] != '\n' && body.n >= 2)
		body.n -= 2;
	must(body.n <= in.n && bytes_same(body, bytes_skip(x, in.n - body.n)));
	again = p;
	again.add_reply_to = false; /* a From that was not understood has become one that is */
	twice = edit(&again, (struct bytes){ out.p, out.n }, 0, 1);
	must(twice.n == out.n || from + 2 > HEAD_FROM_FIELD);
	must(memcmp(twice.p, out.p, out.n) == 0 || from + 2 > HEAD_FROM_FIELD);
	free(twice.p);
	free(out.p);
	free(in.p);
	return 0;
}
