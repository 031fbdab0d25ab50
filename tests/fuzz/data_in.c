/* SPDX-License-Identifier: ISC */
/* Content: cutting it changes nothing, what is passed on is canonical, and comes back the same through data_out. */
#include "smtp/data_in.h"

#include <stdlib.h>
#include <string.h>

#include "smtp/data_out.h"

#define MOST 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void gp_stop(const char *what)
{
	(void)what;
	abort();
}

struct result {
	uint8_t out[2 * MOST];
	size_t n, taken;
	bool ended, almost;
	unsigned fault;
};

static void check(bool good)
{
	if (!good)
		abort();
}

/* Feeds x in pieces of `piece` octets, each an exact-size copy, with `room` for each run. */
static void decode(
    struct bytes x, const struct data_in_params *p, size_t piece, size_t room, struct result *r)
{
	struct data_in d;

	data_in_init(&d, p);
	r->n = r->taken = 0;
	r->ended = false;
	while (r->taken < x.n && !r->ended) {
		struct bytes some = bytes_first(bytes_skip(x, r->taken), piece), run;
		uint8_t *copy = malloc(some.n);
		struct bytes in = { copy, some.n };
		enum data_in_event ev;

		memcpy(copy, some.p, some.n);
		while ((ev = data_in_step(&d, &in, room, &run)) == DATA_IN_RUN) {
			check(run.n > 0 && run.n <= room);
			memcpy(r->out + r->n, run.p, run.n);
			r->n += run.n;
		}
		r->ended = ev == DATA_IN_END;
		check(r->ended || in.n == 0);
		r->taken += some.n - in.n;
		free(copy);
	}
	r->almost = d.almost_ended;
	r->fault = d.fault;
}

static void check_canonical(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		check(x.p[i] != 0);
		if (x.p[i] == '\n')
			check(i > 0 && x.p[i - 1] == '\r');
		/* The LF may be still to come, or cut off by the limit. */
		if (x.p[i] == '\r' && i + 1 < x.n)
			check(x.p[i + 1] == '\n');
	}
}

static void round_trip(const struct result *r)
{
	static uint8_t mem[4 * MOST + 8];
	static struct result back;
	const struct data_in_params strict = { .pedantic_headers = true, .pedantic_body = true };
	struct bytes content = { r->out, r->n };
	struct data_out d;
	struct buf out;

	buf_init(&out, mem, sizeof(mem));
	data_out_init(&d);
	data_out_put(&d, &content, &out);
	check(content.n == 0 && data_out_end(&d, &out));
	decode(buf_peek(&out), &strict, buf_used(&out), SIZE_MAX, &back);
	check(back.ended && back.fault == DATA_OK && back.taken == buf_used(&out));
	check(back.n == r->n && memcmp(back.out, r->out, r->n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct result whole, cut;

	if (size < 2 || size > MOST)
		return 0;
	struct data_in_params p = {
		.lone_lf_ends_data = data[0] & 1,
		.pedantic_headers = data[0] & 2,
		.pedantic_body = data[0] & 4,
		.max_size = data[0] & 8 ? data[0] / 16 + 1u : 0,
	};
	struct bytes x = { data + 2, size - 2 };

	decode(x, &p, x.n, SIZE_MAX, &whole);
	for (unsigned k = 0; k < 2; k++) {
		decode(x, &p, k ? 1u + data[1] % 16 : 1, k ? 2u + data[1] / 16 : 2, &cut);
		check(whole.n == cut.n && memcmp(whole.out, cut.out, whole.n) == 0);
		check(whole.ended == cut.ended && whole.taken == cut.taken);
		check(whole.almost == cut.almost && whole.fault == cut.fault);
	}
	check(!p.max_size || whole.n <= p.max_size);
	check_canonical((struct bytes){ whole.out, whole.n });
	if (whole.ended && whole.fault == DATA_OK)
		round_trip(&whole);
	return 0;
}
