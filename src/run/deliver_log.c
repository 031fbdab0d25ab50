/* SPDX-License-Identifier: ISC */
#include "run/deliver_log.h"

#include "base/esc.h"
#include "io/log.h"
#include "run/say_path.h"

#include <string.h>

#define NOTES 4u

static struct delivery_note notes[NOTES];
static unsigned next_note;

static void put_envelope(struct fmt *f, const struct delivery_line *l)
{
	static uint8_t text[LIMIT_PATH];
	struct envelope_cursor cur = { 0 };
	struct bytes sender;

	(void)envelope_get_sender(l->envelope, text, &sender);
	say_path(f, " from=", sender.p, sender.n);
	(void)envelope_at(l->envelope, &cur, l->first, text);
	say_path(f, " to=", cur.path.p, cur.path.n);
}

void delivery_log(const struct delivery_line *l)
{
	static const char status[][9] = { "sent", "deferred", "bounced" };
	static char line[LOG_LINE];
	struct fmt f;

	fmt_init(&f, line, sizeof(line));
	fmt_add(&f, "delivery id=%s", l->id);
	put_envelope(&f, l);
	fmt_add(&f, " nrcpt=%u gateway=", l->recipients);
	if (l->leg->gateway)
		gateway_print(&f, l->leg->gateway);
	else
		fmt_add(&f, "none");
	fmt_add(&f, " tls=%s auth=%s delay=", l->leg->tls ? l->leg->tls : "no",
	    l->leg->auth ? l->leg->auth : "no");
	fmt_ms(&f, l->delay_ms);
	fmt_add(&f, " tries=%u status=%s reply=\"", l->tries, status[l->status]);
	esc_text(&f, l->reply);
	fmt_char(&f, '"');
	log_line(l->status == DELIVERY_BOUNCED ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, fmt_done(&f));
}

void delivery_note(const uint8_t id[RECORD_ID], const struct gateway *g, const struct reply *r)
{
	struct delivery_note *n = &notes[next_note++ % NOTES];
	struct fmt f;

	memcpy(n->id, id, RECORD_ID);
	n->used = true;
	n->reply = *r;
	fmt_init(&f, n->remote, sizeof(n->remote));
	if (g)
		fmt_bytes(&f, g->host);
}

const struct delivery_note *delivery_noted(const uint8_t id[RECORD_ID])
{
	for (unsigned i = 0; i < NOTES; i++)
		if (notes[i].used && memcmp(notes[i].id, id, RECORD_ID) == 0)
			return &notes[i];
	return NULL;
}

void delivery_forget(const uint8_t id[RECORD_ID])
{
	for (unsigned i = 0; i < NOTES; i++)
		if (memcmp(notes[i].id, id, RECORD_ID) == 0)
			notes[i].used = false;
}
