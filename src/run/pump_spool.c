/* SPDX-License-Identifier: ISC */
/* What a mail under way has to do with the spool: its file, and what counts for its fate. */
#include "io/clock.h"
#include "run/parted.h"
#include "run/pump.h"

static void tee_wakes(struct tee *t)
{
	inbound_run(LOOP_OWNER(struct inbound, tee, t));
}

void pump_open_tee(struct inbound *in)
{
	static char peer[INET_TEXT];
	uint8_t id[RECORD_ID];
	struct tee_mail m = { .id = id, .envelope = &in->envelope };
	struct fmt f;

	(void)trace_id_parse(bytes_of(in->id), id);
	fmt_init(&f, peer, sizeof(peer));
	if (in->local)
		fmt_str(&f, "local");
	else
		inet_print_addr(&f, &in->peer);
	m.peer = fmt_done(&f);
	m.binding = conf_binding_name(inbound_env.args->conf, in->receive.binding);
	m.flags = (in->mail.utf8 ? RECORD_UTF8 : 0) | (in->mail.body_8bit ? RECORD_8BIT : 0) |
		  (in->rewritten ? RECORD_REWRITTEN : 0) |
		  (clock_unset() ? 0 : RECORD_CLOCK_SET);
	m.lazy = in->net.state == NET_LIVE;
	m.first = content_received(in);
	tee_open(&in->tee, &m, tee_wakes);
	in->to_tee = true;
}

void pump_commit_tee(struct inbound *in)
{
	static uint8_t marks[CONFIG_RECIPIENTS_MAX];
	struct envelope_cursor cur;
	uint32_t n = 0;

	envelope_first(&in->envelope, &cur, NULL);
	while (envelope_next(&in->envelope, &cur))
		if (tee_has(cur.verdict))
			marks[n++] = cur.verdict == RCPT_TAKEN ? RECORD_TAKEN : RECORD_NEW;
	tee_commit(&in->tee, marks, n);
}

/* Trouble that must not hide behind a 250 before the gateway has ever worked ("Day one"). */
bool pump_day_one(const struct leg *l)
{
	if (!l->gateway || l->gateway->health.accepted_once)
		return false;
	return l->trouble == VERDICT_CERTIFICATE || l->trouble == VERDICT_LOGIN ||
	       (l->trouble == VERDICT_NO_NAME && l->gateway->no_such_name);
}

uint32_t pump_circumstances(struct inbound *in, unsigned event, uint32_t arg)
{
	uint32_t flags = arg ? NET_MORE : 0;
	const char *why;
	bool no_room;

	if (in->net.mode == NET_OFF)
		return flags;
	if (tee_can(&no_room, &why))
		flags |= NET_CAN;
	if (pump_day_one(&in->leg))
		flags |= NET_DAY_ONE;
	if (parted_has_room())
		flags |= NET_MAY_PART;
	if (event == TXN_EARLY && in->last->code >= 500)
		flags |= NET_FINAL;
	return flags;
}
