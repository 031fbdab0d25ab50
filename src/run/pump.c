/* SPDX-License-Identifier: ISC */
#include "run/pump.h"

#include "base/bug.h"
#include "io/clock.h"
#include "run/inbound_tls.h"
#include "run/login.h"
#include "run/parted.h"
#include "run/stats.h"

#include <string.h>

/* ---- actions ---- */

static void leg_wakes(struct leg *l)
{
	inbound_run(LOOP_OWNER(struct inbound, leg, l));
}

/* The recipient under question has its answer. */
static void mark(struct inbound *in, enum envelope_verdict verdict)
{
	struct envelope_cursor cur;

	if (envelope_at(&in->envelope, &cur, in->envelope.count - 1, NULL) &&
	    cur.verdict == RCPT_NEW)
		envelope_set_verdict(&in->envelope, &cur, verdict);
}

/* All that the gateway had accepted. */
static void mark_all(struct inbound *in, enum envelope_verdict verdict)
{
	envelope_change(&in->envelope, RCPT_ACCEPTED, verdict);
}

/*
 * A client that has ended its sending may be waiting for the reply, or be gone altogether: the
 * reply itself finds out.
 */
static void find_gone(struct inbound *in)
{
	if (in->state != INBOUND_OPEN || !(in->conn.eof || in->conn.lost))
		return;
	(void)conn_flush(&in->conn);
	in->gone_logged = conn_is_reset(&in->conn) || in->gone_logged;
}

static void over(struct inbound *in)
{
	find_gone(in);
	say_log_mail(in);
	if (in->rated && !envelope_count_of(&in->envelope, RCPT_TAKEN))
		policy_rate_untake(&in->rated->rate);
	in->rated = NULL;
	envelope_free(&in->envelope);
	content_drop(in);
	if (in->tee.state == TEE_BROKEN)
		tee_drop(&in->tee); /* its reason is not that of the next mail */
	in->key_set = false;
	in->refused_here = 0;
	in->fault = INBOUND_OK;
	in->due = 0;
}

static void take_part(struct inbound *in)
{
	in->safe = true;
	find_gone(in);
	say_log_mail(in);
	parted_take(&in->net, &in->leg, &in->tee, &in->envelope, in->id);
	in->rated = NULL;
	in->key_set = false;
	in->refused_here = 0;
}

/* The file in the spool takes no more. */
static void no_tee(struct inbound *in)
{
	in->due &= (uint8_t)~DUE_COMMIT;
	content_no_tee(in);
}

static void perform_answer(struct inbound *in, unsigned a)
{
	switch (a) {
	case TXN_SAY_GATEWAY:
		say_reply(in, in->last);
		break;
	case TXN_SAY_SAVED:
		say_reply(in, &in->saved);
		break;
	case TXN_SAY_FAILED:
		say_failed(in);
		break;
	case TXN_SAY_OTHER:
		say(in, "452 4.5.3 this recipient's mail goes another way: please send it "
			"separately");
		break;
	case TXN_SAY_NONE:
	case TXN_SAY_PUT_OFF:
		say_none_accepted(in, a == TXN_SAY_PUT_OFF);
		break;
	case TXN_SAY_FAULT:
		say_fault(in);
		break;
	case TXN_SAY_GO:
		content_begin(in);
		say(in, "354 go ahead, end with a dot on a line of its own");
		break;
	case NET_SAY_TAKEN:
		say(in, "250 2.1.5 recipient ok");
		break;
	case NET_SAY_KEPT:
		say(in, "250 2.0.0 ok, kept: it goes to the gateway as soon as that can be");
		break;
	case NET_SAY_NO_SPOOL:
		say_no_spool(in);
		break;
	case NET_SAY_UNSAFE:
		say_unsafe(in);
		break;
	}
}

static void perform(struct inbound *in, unsigned a)
{
	switch (a) {
	case TXN_DIAL:
		leg_dial(&in->leg, &in->key, leg_wakes);
		break;
	case TXN_NEXT:
		in->due = 0;
		leg_next(&in->leg);
		break;
	case TXN_SEND_MAIL:
	case TXN_SEND_RCPT:
	case TXN_SEND_AGAIN:
	case TXN_SEND_DATA:
	case TXN_SEND_END:
	case NET_COMMIT:
		in->due |= DUE(a);
		break;
	case TXN_LEG_KEEP:
		leg_keep(&in->leg);
		break;
	case TXN_LEG_RESET:
		in->due &= DUE_COMMIT;
		leg_reset(&in->leg);
		break;
	case TXN_LEG_CUT:
		in->due &= DUE_COMMIT;
		content_no_leg(in);
		leg_cut(&in->leg);
		break;
	case TXN_SAVE:
		in->saved = *in->last;
		break;
	case TXN_OVER:
		over(in);
		break;
	/* the spool's part */
	case NET_OPEN:
		pump_open_tee(in);
		break;
	case NET_DROP:
		no_tee(in);
		tee_drop(&in->tee);
		break;
	case NET_RELEASE:
	case NET_RELEASE_LATER:
		in->safe = true;
		tee_release(&in->tee,
		    a == NET_RELEASE ? 0 : (uint64_t)in->key.retry_interval * 1000);
		break;
	case NET_KEEP_ALL:
		mark_all(in, RCPT_KEPT);
		break;
	case NET_TAKEN:
		mark_all(in, RCPT_TAKEN);
		break;
	case NET_PART:
		take_part(in);
		break;
	default:
		perform_answer(in, a);
	}
}

/* What the recipient under question has come to. */
static enum envelope_verdict answered(const struct net_do *due, unsigned event, bool refused)
{
	for (unsigned i = 0; i < due->n; i++)
		if (due->action[i] == NET_SAY_TAKEN)
			return RCPT_KEPT;
	if (event == TXN_OK)
		return RCPT_ACCEPTED;
	return event == TXN_REJECT || refused ? RCPT_REFUSED : RCPT_DEFERRED;
}

/* What a client that is gone would have heard: the log tells it. */
static void note(struct inbound *in, unsigned event)
{
	if (event == TXN_OK || event == TXN_DEFER || event == TXN_REJECT)
		say_reply(in, in->last);
	else if (event == TXN_FAIL)
		say_failed(in);
}

void pump_event(struct inbound *in, unsigned event, uint32_t arg)
{
	bool refused = in->net.txn.phase == TXN_REFUSED && in->saved.code >= 500;
	bool taken = in->net.txn.phase == TXN_END_SENT && event == TXN_OK;
	uint8_t asked = in->net.question;
	struct net_do due;

	if (in->state == INBOUND_DETACHED)
		note(in, event);
	net_on(&in->net, event, pump_circumstances(in, event, arg), &due);
	if ((asked == TXN_ASKS_RCPT || event == TXN_RCPT || event == TXN_RCPT_OTHER) &&
	    in->net.question != TXN_ASKS_RCPT)
		mark(in, answered(&due, event, refused));
	if (taken)
		mark_all(in, RCPT_TAKEN);
	for (unsigned i = 0; i < due.n; i++)
		perform(in, due.action[i]);
	if (in->net.state != NET_LIVE)
		tee_hurry(&in->tee); /* nobody else has the mail */
}

static bool step_tee(struct inbound *in)
{
	struct bytes got;
	enum tee_event ev = tee_step(&in->tee, &got);

	switch (ev) {
	case TEE_NOTHING:
	case TEE_READ:
	case TEE_ENDED:
		return false;
	case TEE_OPENED:
		pump_event(in, NET_OPENED, 0);
		break;
	case TEE_REFUSED:
	case TEE_LOST:
	case TEE_TORN:
		no_tee(in);
		pump_event(in, ev == TEE_REFUSED ? NET_REFUSED : NET_LOST, in->tee.no_room);
		break;
	case TEE_COMMITTED:
		pump_event(in, NET_SAFE, 0);
		break;
	case TEE_UNSAFE:
		pump_event(in, NET_UNSAFE, 0);
		break;
	}
	return true;
}

/* ---- the leg ---- */

static void on_reply(struct inbound *in, enum leg_event ev, enum client_command command)
{
	bool again = in->net.txn.phase == TXN_AGAIN_MAIL || in->net.txn.phase == TXN_AGAIN_RCPT;
	bool more = false;

	in->last = leg_reply(&in->leg);
	if (command == CLIENT_CMD_END && ev == LEG_OK)
		leg_delivered(&in->leg);
	if (again && ev != LEG_OK)
		more = leg_turned(&in->leg, command);
	pump_event(in, ev == LEG_OK ? TXN_OK : ev == LEG_DEFER ? TXN_DEFER : TXN_REJECT, more);
}

/*
 * A refusal in the body. The client's end of data may have come already, with the last of the
 * content still waiting for room.
 */
static void on_early(struct inbound *in)
{
	in->last = leg_reply(&in->leg);
	if (in->net.txn.phase == TXN_BODY)
		pump_event(in, TXN_EARLY, 0);
	else
		pump_event(in, in->last->code < 500 ? TXN_DEFER : TXN_REJECT, 0);
}

static bool step_leg(struct inbound *in)
{
	enum client_command command;
	enum leg_event ev;

	if (!net_has_leg(&in->net))
		return false;
	if (in->leg.wanted) {
		bool envelope = in->net.txn.phase == TXN_HELD || in->net.txn.phase == TXN_ENVELOPE;

		in->leg.wanted = false;
		if (envelope && in->net.question == TXN_ASKS_NOTHING && !in->due) {
			pump_event(in, TXN_WANTED, 0);
			return true;
		}
	}
	ev = leg_step(&in->leg, &command);
	switch (ev) {
	case LEG_NOTHING:
		return false;
	case LEG_STANDS:
		pump_event(in, TXN_READY, 0);
		break;
	case LEG_OK:
	case LEG_DEFER:
	case LEG_REJECT:
		on_reply(in, ev, command);
		break;
	case LEG_EARLY:
		on_early(in);
		break;
	case LEG_FAILS:
		pump_event(in, TXN_FAIL, in->leg.more);
		break;
	}
	return true;
}

/* ---- commands to the gateway ---- */

static uint8_t path_text[LIMIT_PATH];

static bool eight_bit(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++)
		if (x.p[i] > 127)
			return true;
	return false;
}

/* The gateway knows no SMTPUTF8: what needs it is refused in its place. */
static void refuse_utf8(struct inbound *in)
{
	in->last = say_own(PHRASE("550 5.6.7 the gateway takes no address with other than ASCII "
				  "characters (SMTPUTF8)"));
	pump_event(in, TXN_REJECT, 0);
}

static bool send_mail(struct inbound *in, struct client *c)
{
	struct smtp_mail_params p = in->mail;
	struct bytes sender;

	if (!envelope_get_sender(&in->envelope, path_text, &sender))
		gp_bug("pump: a mail without a sender");
	if (eight_bit(sender) && !c->smtputf8) {
		in->due = 0;
		refuse_utf8(in);
		return true;
	}
	p.size = p.size ? p.size + 1024 : 0;
	if (!client_mail(c, leg_out(&in->leg), sender, &p))
		return false;
	in->due &= (uint8_t)~DUE_MAIL;
	return true;
}

/* The recipient to be asked for; again: the next of those that were accepted before. */
static struct bytes find_path(struct inbound *in, bool again)
{
	uint32_t nth = in->net.txn.replayed;
	struct envelope_cursor cur;

	if (!again && envelope_at(&in->envelope, &cur, in->envelope.count - 1, path_text))
		return cur.path;
	envelope_first(&in->envelope, &cur, path_text);
	while (again && envelope_next(&in->envelope, &cur))
		if (cur.verdict == RCPT_ACCEPTED && nth-- == 0)
			return cur.path;
	gp_bug("pump: a recipient is lost");
}

static bool send_rcpt(struct inbound *in, struct client *c, uint8_t which)
{
	struct bytes path = find_path(in, which == DUE_AGAIN);

	if (eight_bit(path) && !c->smtputf8) {
		if (client_awaits(c) != CLIENT_CMD_NONE)
			return false; /* MAIL's own reply comes first */
		in->due &= (uint8_t)~which;
		refuse_utf8(in);
		return true;
	}
	if (!client_rcpt(c, leg_out(&in->leg), path))
		return false;
	in->due &= (uint8_t)~which;
	return true;
}

/* Sends the first of what is to be sent, if the gateway may be told now. */
static bool send_due(struct inbound *in)
{
	struct client *c;

	if ((in->due & DUE_COMMIT) && !content_waits(in)) {
		in->due &= (uint8_t)~DUE_COMMIT;
		in->to_tee = false;
		pump_commit_tee(in);
		return true;
	}
	if (!(in->due & (uint8_t)~DUE_COMMIT) || in->leg.state != LEG_READY)
		return false;
	c = leg_client(&in->leg);
	if (in->due & DUE_END) {
		if (content_waits(in))
			return false;
		if (leg_objects(&in->leg))
			return true; /* that comes first */
		if (!client_end(c, leg_out(&in->leg)))
			return false;
		in->due &= DUE_COMMIT;
		in->to_leg = false;
		in->content_ended = true;
		return true;
	}
	if (!client_may_send(c))
		return false;
	if (in->due & DUE_MAIL)
		return send_mail(in, c);
	if (in->due & (DUE_RCPT | DUE_AGAIN))
		return send_rcpt(in, c, in->due & (DUE_RCPT | DUE_AGAIN));
	if (!client_data(c, leg_out(&in->leg)))
		return false;
	in->due = 0;
	return true;
}

/* ---- the session ---- */

static void on_eom(struct inbound *in, enum data_fault fault)
{
	if (fault != DATA_OK && in->fault == INBOUND_OK) {
		in->fault = (uint8_t)fault;
		pump_event(in, TXN_FAULT, 0);
	}
	in->ending = in->to_leg || in->to_tee;
	pump_event(in, TXN_EOM, 0);
}

static void transaction_reset(struct inbound *in)
{
	if (!net_is_idle(&in->net))
		pump_event(in, TXN_RESET, 0);
}

/* Steps the session once; false when it waits for input, room or an answer. */
static bool step_session(struct inbound *in)
{
	struct server_what what = { .reason = NULL };
	struct bytes input = buf_peek(&in->conn.in);
	size_t had = input.n;
	enum server_event ev;

	if (in->state != INBOUND_OPEN || content_waits(in) || in->wait != INBOUND_WAIT_NONE)
		return false;
	ev = server_step(&in->server, &input, &in->conn.out, LIMIT_IN, &what);
	if (had != input.n) {
		buf_drop(&in->conn.in, had - input.n);
		if (!server_in_data(&in->server) && !server_line_begun(&in->server, BYTES("")))
			in->since = loop_now();
	}
	switch (ev) {
	case SERVER_MORE:
	case SERVER_PARKED:
		return false;
	case SERVER_FULL:
		if (in->conn.lost) /* nobody reads it */
			buf_clear(&in->conn.out);
		return in->conn.lost || conn_flush(&in->conn) > 0;
	case SERVER_REFUSED:
		receive_refused(in, &what);
		break;
	case SERVER_RESET:
		transaction_reset(in);
		break;
	case SERVER_MAIL:
		receive_mail(in, &what);
		break;
	case SERVER_RCPT:
		receive_rcpt(in, &what);
		break;
	case SERVER_DATA:
		pump_event(in, TXN_DATA, 0);
		break;
	case SERVER_BODY:
		content_take(in, what.run);
		content_check(in);
		break;
	case SERVER_EOM:
		on_eom(in, what.fault);
		break;
	case SERVER_STARTTLS:
		inbound_tls_begin(in);
		break;
	case SERVER_LOGIN:
		login_asked(in, &what.login);
		break;
	case SERVER_QUIT:
		inbound_finish(in, false);
		break;
	case SERVER_CLOSE:
		say_log(LOG_LEVEL_WARNING, in, "closed", "%s", what.reason);
		inbound_finish(in, true);
		break;
	}
	return true;
}

static bool step_lan(struct inbound *in)
{
	bool moved = step_session(in);

	if (in->server.secret)
		login_wipe(in);
	return moved;
}

bool pump_run(struct inbound *in)
{
	bool moved = true;

	while (moved && in->state != INBOUND_ENDED) {
		moved = step_leg(in);
		moved = step_tee(in) || moved;
		moved = send_due(in) || moved;
		moved = content_move(in) || moved;
		if (!moved)
			moved = step_lan(in);
		if (!moved && content_waits(in))
			moved = leg_flush(&in->leg) > 0;
	}
	return in->state != INBOUND_ENDED;
}
