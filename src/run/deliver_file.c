/* SPDX-License-Identifier: ISC */
/* The file of a mail that is delivered, and its recipients. */
#include "base/bug.h"
#include "run/deliver_part.h"

#include <string.h>

void delivery_read_again(struct delivery *d)
{
	d->block = d->piece = (struct bytes){ 0 };
	d->ended = false;
	record_reader_init(&d->reader, record_size(&d->tee.info));
	tee_read(&d->tee, 0);
}

enum record_event delivery_read(struct delivery *d, struct bytes *what)
{
	for (;;) {
		enum record_event ev = record_read(&d->reader, &d->block, what);

		if (ev != RECORD_MORE)
			return ev;
		if (d->ended)
			return RECORD_TORN;
		switch (tee_step(&d->tee, &d->block)) {
		case TEE_READ:
			break;
		case TEE_ENDED:
			d->ended = true;
			break;
		case TEE_NOTHING:
		case TEE_OPENED:
		case TEE_REFUSED:
		case TEE_LOST:
		case TEE_COMMITTED:
		case TEE_UNSAFE:
		case TEE_TORN:
			return RECORD_MORE;
		}
	}
}

static void set_marks(struct delivery *d, struct bytes marks)
{
	struct envelope_cursor cur;

	for (size_t i = 0; i < marks.n; i++) {
		enum envelope_verdict v = RCPT_NEW;

		if (!envelope_at(&d->envelope, &cur, d->marks++, NULL))
			gp_bug("deliver: more marks than recipients");
		if (marks.p[i] == RECORD_TAKEN)
			v = RCPT_TAKEN;
		else if (marks.p[i] == RECORD_FAILED)
			v = RCPT_REFUSED;
		else if (marks.p[i] != RECORD_NEW)
			v = RCPT_KEPT;
		envelope_set_verdict(&d->envelope, &cur, v);
	}
}

static uint32_t find_binding(struct bytes name)
{
	const struct conf *conf = delivery_conf();

	for (uint32_t i = 0; i < conf->bindings; i++)
		if (bytes_same(conf_binding_name(conf, i), name))
			return i;
	return CONF_BINDING_DEFAULT;
}

void delivery_sending(const struct delivery *d, struct bytes path, struct conf_sending *s)
{
	size_t at = path.n;

	while (at > 0 && path.p[at - 1] != '@')
		at--;
	conf_sending(
	    delivery_conf(), d->binding, at ? bytes_skip(path, at) : (struct bytes){ 0 }, s);
}

void delivery_change(struct delivery *d, enum envelope_verdict from, enum envelope_verdict to)
{
	envelope_change(&d->envelope, from, to);
}

bool delivery_find(const struct delivery *d, enum envelope_verdict verdict, struct bytes *path)
{
	static uint8_t text[LIMIT_PATH];
	struct envelope_cursor cur;

	envelope_first(&d->envelope, &cur, text);
	while (envelope_next(&d->envelope, &cur)) {
		*path = cur.path;
		if (cur.verdict == verdict)
			return true;
	}
	return false;
}

void delivery_change_key(struct delivery *d, enum envelope_verdict from, enum envelope_verdict to)
{
	static uint8_t text[LIMIT_PATH];
	struct envelope_cursor cur;
	struct conf_sending s;

	envelope_first(&d->envelope, &cur, text);
	while (envelope_next(&d->envelope, &cur)) {
		if (cur.verdict != from)
			continue;
		delivery_sending(d, cur.path, &s);
		if (memcmp(&s, &d->key, sizeof(s)) == 0)
			envelope_set_verdict(&d->envelope, &cur, to);
	}
}

enum delivery_front delivery_front(struct delivery *d)
{
	struct bytes what;

	for (;;) {
		switch (delivery_read(d, &what)) {
		case RECORD_MORE:
			return DELIVERY_FRONT_MORE;
		case RECORD_INFO:
		case RECORD_PEER:
			break;
		case RECORD_BINDING:
			d->binding = find_binding(what);
			break;
		case RECORD_SENDER:
			if (!envelope_sender(&d->envelope, what))
				return DELIVERY_FRONT_CROWDED;
			break;
		case RECORD_RCPT:
			if (envelope_add(&d->envelope, what) == ENVELOPE_NONE)
				return DELIVERY_FRONT_CROWDED;
			break;
		case RECORD_MARKS:
			set_marks(d, what);
			if (d->marks < d->envelope.count)
				break;
			tee_read_stop(&d->tee);
			d->block = (struct bytes){ 0 };
			return DELIVERY_FRONT_READ;
		case RECORD_CONTENT:
		case RECORD_END:
		case RECORD_TORN:
		case RECORD_FOREIGN:
		case RECORD_NEWER:
			return DELIVERY_FRONT_TORN;
		}
	}
}
