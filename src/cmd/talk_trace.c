/* SPDX-License-Identifier: ISC */
/* What -v shows of a conversation: never a secret. */
#include "cmd/cmd.h"
#include "cmd/talk.h"

#define ALL UINT8_MAX

/*
 * How many words of the line that begins now are shown. Of a login: the mechanism; nothing of a
 * response; of SCRAM's challenges their code alone, for they help to guess the password.
 */
static uint8_t words_shown(const struct talk *t, char side, uint8_t first)
{
	const struct client *c = &t->client;

	if (c->phase != CLIENT_PHASE_AUTH || c->sasl == NULL)
		return ALL;
	if (side == '>')
		return c->challenges == 0 ? 2 : 0;
	return first == '3' && sasl_of(c->sasl) == SASL_SCRAM_SHA_256 ? 1 : ALL;
}

static void begin_line(struct talk *t, struct fmt *f, char side, uint8_t first)
{
	if (t->side != 0)
		fmt_char(f, '\n');
	fmt_add(f, "%c ", side);
	t->side = side;
	t->show = words_shown(t, side, first);
	t->hidden = false;
}

/* One octet of a line. The other side's must not reach the terminal as they are. */
static void octet(struct talk *t, struct fmt *f, uint8_t c)
{
	if (t->show == 0) {
		if (!t->hidden)
			fmt_str(f, "***");
		t->hidden = true;
		return;
	}
	fmt_char(f, c >= 32 && c < 127 ? (char)c : '?');
	if (c == ' ' && t->show != ALL)
		t->show--;
}

void talk_trace(struct talk *t, char side, struct bytes x)
{
	char store[512];
	struct fmt f;

	if (!t->how.trace)
		return;
	fmt_init(&f, store, sizeof(store));
	for (size_t i = 0; i < x.n; i++) {
		if (t->side != side)
			begin_line(t, &f, side, x.p[i]);
		if (x.p[i] == '\n') {
			fmt_char(&f, '\n');
			t->side = 0;
		} else if (x.p[i] != '\r') {
			octet(t, &f, x.p[i]);
		}
		if (f.n + 8 > f.cap) {
			cmd_write(1, fmt_done(&f));
			fmt_init(&f, store, sizeof(store));
		}
	}
	cmd_write(1, fmt_done(&f));
}

void talk_trace_end(struct talk *t)
{
	if (t->side != 0)
		cmd_say("\n");
	t->side = 0;
}

static const char *verified(const struct tls_client_how *how, const struct tls *tls)
{
	if (!tls_verified(tls))
		return PHRASE("its certificate is not verified (TLS_Verify = no)");
	if (how->pins > 0)
		return PHRASE("its key is one of TLS_Pin");
	return how->verify == TLS_VERIFY_HOST
		       ? PHRASE("its certificate is verified")
		       : PHRASE("its certificate is verified, but not the name in it (TLS_Verify "
				"= ca)");
}

void talk_trace_tls(struct talk *t)
{
	if (!t->how.trace)
		return;
	talk_trace_end(t);
	cmd_say("* %s; %s%s", tls_version(t->tls), verified(t->how.secure, t->tls),
	    t->how.secure->clock_unset ? PHRASE(" (the clock is not set: but its dates)\n") : "\n");
}
