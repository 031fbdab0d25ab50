/* SPDX-License-Identifier: ISC */
/*
 * The reader of the spool's files. First octet: 0 to 127: the rest is a file as it is; else its sums are made right
 * first, so that what lies behind them is reached. Cutting changes no event; a file that is whole is written again
 * octet by octet; no octet of it may be another.
 */
#include "spool/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct trail {
	uint8_t *p;
	size_t n;
	enum record_event last;
	struct record_info info;
};

static void must(bool held)
{
	if (!held)
		abort();
}

/* All that the reader says, in one string: strings with their event, runs without cuts. */
static struct trail read_all(struct bytes file, size_t step)
{
	struct trail t = { malloc(2 * file.n + 64), 0, RECORD_MORE, { { 0 }, 0, 0, 0, 0, 0, 0, 0, 0 } };
	struct record_reader *r = malloc(sizeof(*r));
	struct bytes part = { 0 }, what;

	record_reader_init(r, file.n);
	for (;;) {
		enum record_event event = record_read(r, &part, &what);

		if (event == RECORD_MORE) {
			must(part.n == 0);
			if (file.n == 0)
				break;
			part = bytes_first(file, step);
			file = bytes_skip(file, part.n);
			continue;
		}
		if (event >= RECORD_END) {
			t.last = event;
			must(record_read(r, &part, &what) == event);
			break;
		}
		if (event != RECORD_MARKS && event != RECORD_CONTENT)
			t.p[t.n++] = (uint8_t)event;
		memcpy(t.p + t.n, what.p ? what.p : t.p, what.n);
		t.n += what.n;
	}
	t.info = r->info;
	free(r);
	return t;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 4; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Magic, version, sums and the size of the content become right. */
static void mend(uint8_t *p, size_t n)
{
	uint32_t envelope, recipients;
	size_t at;

	if (n < RECORD_ENVELOPE_AT)
		return;
	memcpy(p, "GatePost", 8);
	put32(p + 8, RECORD_VERSION);
	envelope = get32(p + 12) % (uint32_t)(n - RECORD_ENVELOPE_AT + 1);
	recipients = get32(p + 16) % (uint32_t)(n - RECORD_ENVELOPE_AT - envelope + 1);
	at = RECORD_ENVELOPE_AT + envelope + recipients;
	put32(p + 12, envelope);
	put32(p + 16, recipients);
	put32(p + 20, crc32_add(0, (struct bytes){ p + RECORD_ENVELOPE_AT, envelope }));
	put32(p + 24, 0);
	put32(p + 28, (uint32_t)(n - at));
	put32(p + 32, crc32_add(0, (struct bytes){ p + at, n - at }));
	put32(p + 60, crc32_add(0, (struct bytes){ p, 60 }));
	put32(p + 76, crc32_add(0, (struct bytes){ p + 64, 12 }));
}

/* A file that is whole, changed in one octet outside marks and stamp, is not. */
static void change(uint8_t *p, size_t n, size_t at, const struct record_info *info)
{
	struct trail t;

	if ((at >= RECORD_STAMP_AT && at < RECORD_ENVELOPE_AT) ||
	    (at >= record_mark_at(info, 0) && at < record_content_at(info)))
		return;
	p[at] ^= 0x10;
	t = read_all((struct bytes){ p, n }, SIZE_MAX);
	must(t.last != RECORD_END);
	free(t.p);
	p[at] ^= 0x10;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes x = bytes_skip((struct bytes){ data, size }, 1);
	uint8_t *copy = malloc(x.n + 1);
	struct trail whole, cut;

	memcpy(copy, x.p ? x.p : copy, x.n);
	if (size > 0 && data[0] >= 128)
		mend(copy, x.n);
	whole = read_all((struct bytes){ copy, x.n }, SIZE_MAX);
	for (size_t step = 1; step <= 67; step += 11) {
		cut = read_all((struct bytes){ copy, x.n }, step);
		must(cut.last == whole.last);
		/* Of a torn one more or less may have been said. */
		must(whole.last != RECORD_END || (cut.n == whole.n && memcmp(cut.p, whole.p, cut.n) == 0));
		free(cut.p);
	}
	if (whole.last == RECORD_END) {
		must(record_size(&whole.info) == x.n);
		for (size_t i = 0; i < x.n; i += 1 + x.n / 40)
			change(copy, x.n, i, &whole.info);
	}
	free(whole.p);
	free(copy);
	return 0;
}
