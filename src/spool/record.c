/* SPDX-License-Identifier: ISC */
#include "spool/record.h"

#include "base/bug.h"
#include "base/crc32.h"

#include <string.h>

#define STRINGS 3u /* of the envelope, before the recipients */

static const char magic[8] = { 'G', 'a', 't', 'e', 'P', 'o', 's', 't' };

enum state {
	STATE_HEADER,
	STATE_STRING_SIZE,
	STATE_STRING,
	STATE_MARKS,
	STATE_CONTENT,
	STATE_END,
	STATE_TORN,
	STATE_FOREIGN,
	STATE_NEWER
};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void record_put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

void record_put64(uint8_t *p, uint64_t v)
{
	record_put32(p, (uint32_t)(v >> 32));
	record_put32(p + 4, (uint32_t)v);
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

uint32_t record_get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

uint64_t record_get64(const uint8_t *p)
{
	return (uint64_t)record_get32(p) << 32 | record_get32(p + 4);
}

uint64_t record_mark_at(const struct record_info *info, uint32_t index)
{
	return RECORD_ENVELOPE_AT + (uint64_t)info->envelope + index;
}

uint64_t record_content_at(const struct record_info *info)
{
	return record_mark_at(info, info->recipients);
}

uint64_t record_size(const struct record_info *info)
{
	return record_content_at(info) + info->content;
}

bool record_is_mark(uint8_t octet)
{
	return octet == RECORD_NEW || octet == RECORD_TAKEN || octet == RECORD_REFUSED ||
	       octet == RECORD_FAILED || octet == RECORD_REPORTED;
}

bool record_is_open(uint8_t mark)
{
	return mark == RECORD_NEW || mark == RECORD_FAILED;
}

enum record_mark record_mark_of(enum envelope_verdict verdict)
{
	switch (verdict) {
	case RCPT_NEW:
	case RCPT_ACCEPTED:
	case RCPT_DEFERRED:
	case RCPT_KEPT:
		return RECORD_NEW;
	case RCPT_REFUSED:
		return RECORD_REFUSED;
	case RCPT_TAKEN:
		return RECORD_TAKEN;
	}
	gp_bug("record: no such verdict");
}

const char *record_mark_name(uint8_t mark)
{
	if (mark == RECORD_NEW)
		return "new";
	if (mark == RECORD_TAKEN)
		return "taken";
	if (mark == RECORD_REFUSED)
		return "refused";
	if (mark == RECORD_FAILED)
		return "failed";
	return mark == RECORD_REPORTED ? "reported" : "?";
}

/* ---- writing ---- */

static void put_octets(struct record_writer *w, struct bytes x, struct buf *out)
{
	w->info.envelope_sum = crc32_add(w->info.envelope_sum, x);
	w->info.envelope += (uint32_t)x.n;
	if (!buf_put(out, x))
		gp_bug("record: no room where there was some");
}

static void put_string(struct record_writer *w, struct bytes x, struct buf *out)
{
	uint8_t size[2];

	put16(size, (uint32_t)x.n);
	put_octets(w, (struct bytes){ size, sizeof(size) }, out);
	put_octets(w, x, out);
}

bool record_front(struct record_writer *w, const struct record_mail *mail, struct buf *out)
{
	static const uint8_t zeros[RECORD_ENVELOPE_AT];

	if (mail->recipients == 0 || mail->recipients > CONFIG_RECIPIENTS_MAX ||
	    mail->peer.n > RECORD_NAME || mail->binding.n > RECORD_NAME ||
	    mail->sender.n > LIMIT_PATH)
		gp_bug("record_front: over a limit");
	if (buf_room(out) < RECORD_FRONT)
		return false;
	*w = (struct record_writer){ 0 };
	memcpy(w->info.id, mail->id, RECORD_ID);
	w->info.flags = mail->flags;
	w->info.came = mail->came;
	w->info.recipients = mail->recipients;
	if (!buf_put(out, (struct bytes){ zeros, sizeof(zeros) }))
		gp_bug("record: no room where there was some");
	put_string(w, mail->peer, out);
	put_string(w, mail->binding, out);
	put_string(w, mail->sender, out);
	return true;
}

bool record_rcpt(struct record_writer *w, struct bytes path, struct buf *out)
{
	if (path.n > LIMIT_PATH || w->marking || w->written >= w->info.recipients)
		gp_bug("record_rcpt: more than was announced");
	if (buf_room(out) < path.n + 2)
		return false;
	put_string(w, path, out);
	w->written++;
	return true;
}

bool record_marks(struct record_writer *w, struct buf *out)
{
	uint8_t some[64];

	if (!w->marking) {
		if (w->written != w->info.recipients)
			gp_bug("record_marks: fewer recipients than announced");
		w->marking = true;
		w->written = 0;
	}
	memset(some, RECORD_NEW, sizeof(some));
	while (w->written < w->info.recipients) {
		size_t n = w->info.recipients - w->written;

		if (n > sizeof(some))
			n = sizeof(some);
		if (n > buf_room(out))
			n = buf_room(out);
		if (n == 0 || !buf_put(out, (struct bytes){ some, n }))
			return false;
		w->written += (uint32_t)n;
	}
	return true;
}

void record_content(struct record_writer *w, struct bytes x)
{
	w->info.content_sum = crc32_add(w->info.content_sum, x);
	w->info.content += x.n;
}

void record_header(const struct record_writer *w, uint8_t out[RECORD_HEADER])
{
	const struct record_info *info = &w->info;

	memcpy(out, magic, sizeof(magic));
	record_put32(out + 8, RECORD_VERSION);
	record_put32(out + 12, info->envelope);
	record_put32(out + 16, info->recipients);
	record_put32(out + 20, info->envelope_sum);
	record_put64(out + 24, info->content);
	record_put32(out + 32, info->content_sum);
	record_put64(out + 36, info->came);
	record_put32(out + 44, info->flags);
	memcpy(out + 48, info->id, RECORD_ID);
	record_put32(out + 60, crc32_add(0, (struct bytes){ out, 60 }));
}

void record_stamp(uint64_t seconds, uint8_t out[RECORD_STAMP])
{
	record_put64(out, seconds);
	record_put32(out + 8, 0);
	record_put32(out + 12, crc32_add(0, (struct bytes){ out, 12 }));
}

/* ---- reading ---- */

void record_reader_init(struct record_reader *r, uint64_t size)
{
	memset(r, 0, offsetof(struct record_reader, hold));
	r->size = size;
	r->want = RECORD_ENVELOPE_AT;
	r->state = STATE_HEADER;
}

/* Holds what is wanted; true once it is all there. */
static bool hold(struct record_reader *r, struct bytes *in)
{
	size_t n = (size_t)(r->want - r->held);

	if (n > in->n)
		n = in->n;
	if (n > 0)
		memcpy(r->hold + r->held, in->p, n);
	r->held = (uint16_t)(r->held + n);
	*in = bytes_skip(*in, n);
	return r->held == r->want;
}

/* The next `want` octets, in a new state. */
static void await(struct record_reader *r, enum state state, size_t want)
{
	r->state = (uint8_t)state;
	r->want = (uint16_t)want;
	r->held = 0;
}

static enum record_event ends(struct record_reader *r, enum state state)
{
	r->state = (uint8_t)state;
	return state == STATE_TORN    ? RECORD_TORN
	       : state == STATE_NEWER ? RECORD_NEWER
				      : RECORD_FOREIGN;
}

/* Do the sizes that the header tells make sense, and the file's? */
static bool is_likely(const struct record_info *info, uint64_t size)
{
	uint64_t least = (STRINGS + (uint64_t)info->recipients) * 2;
	uint64_t most = STRINGS * 2 + 2 * RECORD_NAME + LIMIT_PATH +
			(uint64_t)info->recipients * (LIMIT_PATH + 2);

	return info->recipients > 0 && info->recipients <= RECORD_RECIPIENTS &&
	       info->envelope >= least && info->envelope <= most && info->content <= size &&
	       record_size(info) == size;
}

static enum record_event on_header(struct record_reader *r)
{
	struct record_info *info = &r->info;
	const uint8_t *p = r->hold;
	uint32_t seen = 0;

	/* A file that was begun and not finished is torn, not foreign. */
	for (size_t i = 0; i < sizeof(magic); i++)
		seen |= p[i];
	if (seen != 0 && memcmp(p, magic, sizeof(magic)) != 0)
		return ends(r, STATE_FOREIGN);
	if (seen == 0 || record_get32(p + 60) != crc32_add(0, (struct bytes){ p, 60 }))
		return ends(r, STATE_TORN);
	if (record_get32(p + 8) > RECORD_VERSION)
		return ends(r, STATE_NEWER);
	info->envelope = record_get32(p + 12);
	info->recipients = record_get32(p + 16);
	info->envelope_sum = record_get32(p + 20);
	info->content = record_get64(p + 24);
	info->content_sum = record_get32(p + 32);
	info->came = record_get64(p + 36);
	info->flags = record_get32(p + 44);
	memcpy(info->id, p + 48, RECORD_ID);
	p += RECORD_STAMP_AT;
	if (record_get32(p + 12) == crc32_add(0, (struct bytes){ p, 12 }))
		info->stamp = record_get64(p);
	if (record_get32(r->hold + 8) != RECORD_VERSION || !is_likely(info, r->size))
		return ends(r, STATE_TORN);
	await(r, STATE_STRING_SIZE, 2);
	return RECORD_INFO;
}

static bool on_string_size(struct record_reader *r)
{
	size_t n = get16(r->hold);

	r->sum = crc32_add(r->sum, (struct bytes){ r->hold, 2 });
	r->at += 2;
	if (n > (r->strings < 2 ? RECORD_NAME : LIMIT_PATH) || n > r->info.envelope - r->at)
		return false;
	await(r, STATE_STRING, n);
	return true;
}

static enum record_event on_string(struct record_reader *r, struct bytes *what)
{
	static const uint8_t event[STRINGS] = { RECORD_PEER, RECORD_BINDING, RECORD_SENDER };
	bool last;

	*what = (struct bytes){ r->hold, r->held };
	r->sum = crc32_add(r->sum, *what);
	r->at += r->held;
	r->strings++;
	last = r->strings == STRINGS + r->info.recipients;
	if (last ? r->at != r->info.envelope || r->sum != r->info.envelope_sum
		 : r->info.envelope - r->at < 2)
		return ends(r, STATE_TORN);
	await(r, last ? STATE_MARKS : STATE_STRING_SIZE, 2);
	if (last)
		r->left = r->info.recipients;
	return r->strings <= STRINGS ? (enum record_event)event[r->strings - 1] : RECORD_RCPT;
}

/* A run of what is left, from the front of *in. */
static struct bytes take(struct record_reader *r, struct bytes *in)
{
	struct bytes run = bytes_first(*in, in->n < r->left ? in->n : (size_t)r->left);

	*in = bytes_skip(*in, run.n);
	r->left -= run.n;
	return run;
}

static enum record_event on_marks(struct record_reader *r, struct bytes *in, struct bytes *what)
{
	*what = take(r, in);
	for (size_t i = 0; i < what->n; i++) {
		if (!record_is_mark(what->p[i]))
			return ends(r, STATE_TORN);
	}
	if (r->left == 0) {
		r->state = STATE_CONTENT;
		r->left = r->info.content;
		r->sum = 0;
	}
	return RECORD_MARKS;
}

static enum record_event on_content(struct record_reader *r, struct bytes *in, struct bytes *what)
{
	if (r->left > 0) {
		if (in->n == 0)
			return RECORD_MORE;
		*what = take(r, in);
		r->sum = crc32_add(r->sum, *what);
		return RECORD_CONTENT;
	}
	if (r->sum != r->info.content_sum || in->n > 0)
		return ends(r, STATE_TORN);
	r->state = STATE_END;
	return RECORD_END;
}

enum record_event record_read(struct record_reader *r, struct bytes *in, struct bytes *what)
{
	*what = (struct bytes){ 0 };
	for (;;) {
		switch ((enum state)r->state) {
		case STATE_HEADER:
			return hold(r, in) ? on_header(r) : RECORD_MORE;
		case STATE_STRING_SIZE:
			if (!hold(r, in))
				return RECORD_MORE;
			if (!on_string_size(r))
				return ends(r, STATE_TORN);
			continue;
		case STATE_STRING:
			return hold(r, in) ? on_string(r, what) : RECORD_MORE;
		case STATE_MARKS:
			return in->n > 0 ? on_marks(r, in, what) : RECORD_MORE;
		case STATE_CONTENT:
			return on_content(r, in, what);
		case STATE_END:
			return in->n > 0 ? ends(r, STATE_TORN) : RECORD_END;
		case STATE_TORN:
			return RECORD_TORN;
		case STATE_FOREIGN:
			return RECORD_FOREIGN;
		case STATE_NEWER:
			return RECORD_NEWER;
		}
		gp_bug("record: no such state");
	}
}
