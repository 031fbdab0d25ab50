/* SPDX-License-Identifier: ISC */
/* What gateways said to recipients that were given up, until the report is written. */
#include "run/deliver_part.h"

#include <string.h>

#define MOST 4096u /* octets kept for one mail */
#define TEXT 400u  /* … of one reply */

struct head {
	uint32_t index;
	uint16_t code, text;
	uint16_t remote;
	bool expired;
	char enhanced[REPLY_ENHANCED];
};

static size_t print_remote(const struct delivery *d, char *text, size_t cap)
{
	const struct gateway *g = d->leg.gateway;
	struct fmt f;

	fmt_init(&f, text, cap);
	if (g && g->literal)
		inet_print_literal(&f, &g->addr[0].a);
	else if (g)
		fmt_bytes(&f, g->host);
	return f.n;
}

void delivery_keep_words(struct delivery *d, uint32_t index, const struct reply *r, bool expired)
{
	static char remote[LIMIT_HOSTNAME + 1];
	struct blk_arena *a = delivery_arena();
	struct head h = { .index = index, .code = r->code, .expired = expired };

	h.remote = (uint16_t)print_remote(d, remote, sizeof(remote));
	h.text = r->n < TEXT ? r->n : TEXT;
	memcpy(h.enhanced, r->enhanced, sizeof(h.enhanced));
	if (d->words.len + sizeof(h) + h.remote + h.text > MOST || a->used > a->count / 4 * 3)
		return;
	if (!blk_append(a, &d->words, (struct bytes){ (const uint8_t *)&h, sizeof(h) }))
		return;
	if (!blk_append(a, &d->words, (struct bytes){ (const uint8_t *)remote, h.remote }) ||
	    !blk_append(a, &d->words, (struct bytes){ (const uint8_t *)r->text, h.text }))
		blk_free(a, &d->words);
}

static void noted_before(const struct delivery *d, struct delivery_words *w)
{
	const struct delivery_note *n = delivery_noted(d->tee.id);

	memset(w, 0, sizeof(*w));
	if (n) {
		w->reply = n->reply;
		memcpy(w->remote, n->remote, sizeof(w->remote));
	} else {
		reply_set(&w->reply, 0, "", BYTES("it was refused; the words were not kept"));
	}
}

void delivery_get_words(const struct delivery *d, uint32_t index, struct delivery_words *w)
{
	const struct blk_arena *a = delivery_arena();
	struct blk_cursor cur;
	struct head h;

	noted_before(d, w);
	blk_cursor_init(&d->words, &cur);
	while (blk_read(a, &d->words, &cur, &h, sizeof(h)) == sizeof(h)) {
		if (h.index != index && h.index != DELIVERY_EVERY) {
			(void)blk_skip(a, &d->words, &cur, (size_t)h.remote + h.text);
			continue;
		}
		memset(w, 0, sizeof(*w));
		w->expired = h.expired;
		w->reply.code = h.code;
		w->reply.n = h.text;
		memcpy(w->reply.enhanced, h.enhanced, sizeof(h.enhanced));
		(void)blk_read(a, &d->words, &cur, w->remote, h.remote);
		(void)blk_read(a, &d->words, &cur, w->reply.text, h.text);
		if (h.index == index)
			return;
	}
}
