/* SPDX-License-Identifier: ISC */
/* What gateways said to those that were given up (run/deliver_words.c, deliver_log.c). */
#include "run/deliver_part.h"
#include "run/inbound.h"

#include "tap.h"

#include <string.h>

static struct blk blocks[256];
static struct delivery d;
static struct gateway gateway;

static void begin(void)
{
	blk_arena_init(&inbound_env.envelopes, blocks, 256);
	memset(&d, 0, sizeof(d));
	blk_chain_init(&d.words);
	memset(&gateway, 0, sizeof(gateway));
	gateway.host = BYTES("gw.test");
	d.leg.gateway = &gateway;
}

static void keep(uint32_t index, unsigned code, const char *text, bool expired)
{
	struct reply r;

	reply_set(&r, code, "5.1.1", bytes_of(text));
	delivery_keep_words(&d, index, &r, expired);
}

static bool says(uint32_t index, unsigned code, const char *text)
{
	static struct delivery_words w;

	delivery_get_words(&d, index, &w);
	return w.reply.code == code && w.reply.n == strlen(text) &&
	       memcmp(w.reply.text, text, w.reply.n) == 0;
}

static void test_words(void)
{
	struct delivery_words w;

	begin();
	ok(says(0, 0, "it was refused; the words were not kept"), "nothing was kept");
	keep(3, 550, "nobody of that name", false);
	keep(DELIVERY_EVERY, 554, "no", false);
	ok(says(3, 550, "nobody of that name"), "words of its own come first");
	ok(says(0, 554, "no") && says(7, 554, "no"), "who has none gets those for all");
	keep(9, 450, "busy", true);
	delivery_get_words(&d, 9, &w);
	ok(w.expired && w.reply.code == 450, "given up after too long a time");
	ok(strcmp(w.remote, "gw.test") == 0 && strcmp(w.reply.enhanced, "5.1.1") == 0,
	    "by whom, and the enhanced code");
}

static void test_room(void)
{
	static char text[700];
	unsigned kept = 0;

	begin();
	memset(text, 'x', sizeof(text) - 1);
	for (uint32_t i = 0; i < 100; i++)
		keep(i, 550, text, false);
	for (uint32_t i = 0; i < 100; i++) {
		struct delivery_words w;

		delivery_get_words(&d, i, &w);
		kept += w.reply.code == 550 && w.reply.n > 100;
	}
	ok(kept > 3 && kept < 100, "of a hundred long refusals some are kept");
	ok(inbound_env.envelopes.used < 200, "memory is left to others");
	blk_free(&inbound_env.envelopes, &d.words);
	ok(inbound_env.envelopes.used == 0, "all of it comes back");
}

static void test_notes(void)
{
	static const uint8_t one[RECORD_ID] = { 1 }, two[RECORD_ID] = { 2 };
	struct reply r;

	begin();
	reply_set(&r, 554, "5.6.0", BYTES("spam"));
	delivery_note(one, &gateway, &r);
	memcpy(d.tee.id, two, RECORD_ID);
	ok(!delivery_noted(two) && !says(0, 554, "spam"), "another mail");
	memcpy(d.tee.id, one, RECORD_ID);
	ok(delivery_noted(one) && says(0, 554, "spam"), "noted before the queue had it");
	delivery_forget(one);
	ok(!delivery_noted(one), "forgotten");
}

int main(void)
{
	test_words();
	test_room();
	test_notes();
	return done();
}
