/* SPDX-License-Identifier: ISC */
/* One mail of the spool and its gateway: relay/txn.h with the queue in the place of a client. */
#include "base/bug.h"
#include "io/log.h"
#include "run/deliver_part.h"
#include "run/stats.h"

#include <string.h>

static uint8_t path_text[LIMIT_PATH];
static struct reply said; /* the gateway's, between an event and what follows from it */

static void leg_wakes(struct leg *l)
{
	delivery_wake(LOOP_OWNER(struct delivery, leg, l));
}

/* ---- the recipients of the pass ---- */

/* Is this one still to be asked for in this pass? */
static bool is_due(const struct delivery *d, const struct envelope_cursor *cur)
{
	struct conf_sending s;

	if (cur->verdict != RCPT_NEW)
		return false;
	delivery_sending(d, cur->path, &s);
	return memcmp(&s, &d->key, sizeof(s)) == 0;
}

/* The first from index `from` on; false: there is none. */
static bool find(struct delivery *d, uint32_t from)
{
	struct envelope_cursor cur;

	if (from == 0)
		envelope_first(&d->envelope, &cur, path_text);
	else if (!envelope_at(&d->envelope, &cur, from - 1, path_text))
		return false;
	while (envelope_next(&d->envelope, &cur)) {
		if (!is_due(d, &cur))
			continue;
		d->at = cur.index;
		return true;
	}
	return false;
}

/* All of the pass that the gateway did not decide about. */
static void change_pass(struct delivery *d, enum envelope_verdict to)
{
	struct envelope_cursor cur;

	envelope_first(&d->envelope, &cur, path_text);
	while (envelope_next(&d->envelope, &cur))
		if (cur.verdict == RCPT_ACCEPTED || is_due(d, &cur))
			envelope_set_verdict(&d->envelope, &cur, to);
}

static uint32_t count_pass(const struct delivery *d)
{
	struct envelope_cursor cur;
	uint32_t count = 0;

	envelope_first(&d->envelope, &cur, path_text);
	while (envelope_next(&d->envelope, &cur))
		count += is_due(d, &cur);
	return count;
}

/* ---- events ---- */

static void perform(struct delivery *d, enum txn_action a)
{
	switch (a) {
	case TXN_DIAL:
		leg_dial(&d->leg, &d->key, leg_wakes);
		break;
	case TXN_NEXT:
		d->due = 0;
		leg_next(&d->leg);
		break;
	case TXN_SEND_MAIL:
		d->due |= DELIVER_DUE_MAIL;
		break;
	case TXN_SEND_RCPT:
		d->due |= DELIVER_DUE_RCPT;
		break;
	case TXN_SEND_AGAIN:
		d->due |= DELIVER_DUE_AGAIN;
		break;
	case TXN_SEND_DATA:
		d->due |= DELIVER_DUE_DATA;
		break;
	case TXN_SEND_END:
		d->due |= DELIVER_DUE_END;
		break;
	case TXN_LEG_KEEP:
		leg_keep(&d->leg);
		break;
	case TXN_LEG_RESET:
		d->due = 0;
		leg_reset(&d->leg);
		break;
	case TXN_LEG_CUT:
		d->due = 0;
		leg_cut(&d->leg);
		break;
	case TXN_SAY_GATEWAY:
		d->answer = TXN_SAY_GATEWAY;
		said = *d->last;
		if (said.code >= 400)
			d->saved = said;
		break;
	case TXN_SAVE:
		d->saved = *d->last;
		break;
	case TXN_SAY_SAVED:
	case TXN_SAY_FAILED:
	case TXN_SAY_OTHER:
	case TXN_SAY_NONE:
	case TXN_SAY_PUT_OFF:
	case TXN_SAY_GO:
	case TXN_SAY_FAULT:
		d->answer = (uint8_t)a;
		break;
	case TXN_OVER:
	case TXN_ACTIONS:
		break;
	}
}

static void event(struct delivery *d, enum txn_event what, uint32_t arg)
{
	struct txn_do due;

	d->asked = what == TXN_RCPT   ? TXN_ASKS_RCPT
		   : what == TXN_DATA ? TXN_ASKS_DATA
		   : what == TXN_EOM  ? TXN_ASKS_EOM
				      : d->txn.question;
	d->how = (uint8_t)what;
	txn_on(&d->txn, what, arg, &due);
	for (unsigned i = 0; i < due.n; i++)
		perform(d, (enum txn_action)due.action[i]);
}

/* ---- the end of the pass ---- */

static uint64_t delay_ms(const struct delivery *d)
{
	uint64_t now = loop_wall(), came = d->tee.info.came;

	if ((d->tee.info.flags & RECORD_CLOCK_SET) && now >= came)
		return (now - came) * 1000;
	return loop_now() - d->began;
}

/* reply: the last one; where not all went well, the last that was a refusal is told. */
static void log_end(const struct delivery *d, const struct reply *reply)
{
	static char text[LOG_LINE / 2];
	bool failed = envelope_count_of(&d->envelope, RCPT_REFUSED) > d->failed_before;
	bool stay = envelope_count_of(&d->envelope, RCPT_DEFERRED) > d->stay_before;
	struct fmt f;
	struct delivery_line line = {
		.id = d->id,
		.envelope = &d->envelope,
		.first = d->first,
		.recipients = d->recipients,
		.leg = &d->leg,
		.delay_ms = delay_ms(d),
		.tries = d->tee.tries,
		.status = failed ? DELIVERY_BOUNCED
			  : stay ? DELIVERY_DEFERRED
				 : DELIVERY_SENT,
	};

	if (failed || stay)
		reply = &d->saved;
	fmt_init(&f, text, sizeof(text));
	if (reply->code)
		reply_line(&f, reply);
	else
		fmt_bytes(&f, (struct bytes){ (const uint8_t *)reply->text, reply->n });
	line.reply = fmt_done(&f);
	delivery_log(&line);
}

/*
 * reply: what decided it; NULL: the leg failed, in its own words. Those put off with 452 by a
 * gateway that took the others are still RCPT_NEW, and tried at once in a next pass.
 */
static void let_go(struct delivery *d)
{
	if (d->rated && !d->taken)
		policy_rate_untake(&d->rated->rate);
	d->rated = NULL;
	d->block = d->piece = (struct bytes){ 0 };
	d->due = 0;
	tee_read_stop(&d->tee);
}

static void close_pass(struct delivery *d, const struct reply *reply)
{
	if (!reply)
		reply_set(&d->saved, 0, "", bytes_of(d->leg.why));
	if (!d->taken)
		change_pass(d, RCPT_DEFERRED);
	d->doubt = d->doubt || (d->dotted && !reply);
	if (envelope_count_of(&d->envelope, RCPT_DEFERRED) > d->stay_before)
		delivery_judge(d);
	let_go(d);
	log_end(d, reply ? reply : &d->saved);
}

static void over(struct delivery *d, const struct reply *reply)
{
	close_pass(d, reply);
	delivery_sent(d);
}

/* A report was refused, perhaps only for its null sender: then once more from Envelope_From. */
static bool send_otherwise(struct delivery *d, const struct reply *r)
{
	struct conf_header header;

	conf_header(delivery_conf(), d->binding, &header);
	if (r->code < 500 || !(d->tee.info.flags & RECORD_REPORT) || d->own_sender ||
	    !header.envelope_from.n)
		return false;
	if (d->txn.phase != TXN_IDLE)
		event(d, TXN_RESET, 0);
	d->own_sender = true;
	d->block = d->piece = (struct bytes){ 0 };
	tee_read_stop(&d->tee);
	delivery_change(d, RCPT_ACCEPTED, RCPT_NEW);
	delivery_send(d);
	return true;
}

/* The verdict about all that were accepted. */
static void decided(struct delivery *d, const struct reply *r)
{
	if (send_otherwise(d, r))
		return;
	if (r->code < 400) {
		d->taken = d->dirty = true;
		stats.mails_sent++;
		stats.recipients_sent += envelope_count_of(&d->envelope, RCPT_ACCEPTED);
		stats.octets_sent += d->tee.info.content;
		delivery_change(d, RCPT_ACCEPTED, RCPT_TAKEN);
	} else if (r->code >= 500) {
		d->dirty = true;
		delivery_keep_words(d, DELIVERY_EVERY, r, false);
		delivery_change(d, RCPT_ACCEPTED, RCPT_REFUSED);
	}
	over(d, r);
}

static void mail_refused(struct delivery *d)
{
	if (send_otherwise(d, &d->saved))
		return;
	event(d, TXN_RESET, 0);
	if (d->saved.code >= 500) {
		d->dirty = true;
		delivery_keep_words(d, DELIVERY_EVERY, &d->saved, false);
		change_pass(d, RCPT_REFUSED);
	}
	over(d, &d->saved);
}

/* The reply to the recipient under question; then the next one, or DATA. */
static void rcpt_answered(struct delivery *d)
{
	struct envelope_cursor cur;
	enum envelope_verdict verdict = RCPT_ACCEPTED;

	if (d->how == TXN_REJECT && send_otherwise(d, &d->saved))
		return;
	if (d->how == TXN_REJECT) {
		verdict = RCPT_REFUSED;
		d->dirty = true;
		delivery_keep_words(d, d->at, &d->saved, false);
	} else if (d->how == TXN_DEFER) {
		verdict = d->saved.code == 452 ? RCPT_NEW : RCPT_DEFERRED;
	}
	if (envelope_at(&d->envelope, &cur, d->at, NULL))
		envelope_set_verdict(&d->envelope, &cur, verdict);
	if (find(d, d->at + 1)) {
		event(d, TXN_RCPT, d->at);
	} else if (d->txn.accepted > 0) {
		event(d, TXN_DATA, 0);
	} else {
		event(d, TXN_RESET, 0);
		over(d, &d->saved);
	}
}

static bool answered(struct delivery *d)
{
	enum txn_action a = (enum txn_action)d->answer;

	if (a == TXN_ACTIONS)
		return false;
	d->answer = TXN_ACTIONS;
	if (a == TXN_SAY_GO) {
		leg_body_begins(&d->leg);
		delivery_read_again(d);
	} else if (a == TXN_SAY_FAILED) {
		if (d->txn.phase != TXN_IDLE)
			event(d, TXN_RESET, 0);
		over(d, NULL);
	} else if (d->asked == TXN_ASKS_RCPT && a == TXN_SAY_SAVED) {
		mail_refused(d);
	} else if (d->asked == TXN_ASKS_RCPT) {
		rcpt_answered(d);
	} else {
		decided(d, a == TXN_SAY_SAVED ? &d->saved : &said);
	}
	return true;
}

/* ---- the leg ---- */

static bool on_reply(struct delivery *d, enum leg_event ev, enum client_command command)
{
	bool again = d->txn.phase == TXN_AGAIN_MAIL || d->txn.phase == TXN_AGAIN_RCPT;
	bool more = false;

	d->last = leg_reply(&d->leg);
	if (command == CLIENT_CMD_END && ev == LEG_OK)
		leg_delivered(&d->leg);
	if (again && ev != LEG_OK)
		more = leg_turned(&d->leg, command);
	event(d, ev == LEG_OK ? TXN_OK : ev == LEG_DEFER ? TXN_DEFER : TXN_REJECT, more);
	return true;
}

static bool step_leg(struct delivery *d)
{
	enum client_command command;
	enum leg_event ev;

	d->leg.wanted = false;
	if (!txn_has_leg(&d->txn))
		return false;
	ev = leg_step(&d->leg, &command);
	switch (ev) {
	case LEG_NOTHING:
		return false;
	case LEG_STANDS:
		event(d, TXN_READY, 0);
		break;
	case LEG_OK:
	case LEG_DEFER:
	case LEG_REJECT:
		return on_reply(d, ev, command);
	case LEG_EARLY:
		d->last = leg_reply(&d->leg);
		event(d,
		    d->txn.phase == TXN_BODY ? TXN_EARLY
		    : d->last->code < 500    ? TXN_DEFER
					     : TXN_REJECT,
		    0);
		break;
	case LEG_FAILS:
		event(d, TXN_FAIL, d->leg.more);
		break;
	}
	return true;
}

/* ---- commands ---- */

static bool eight_bit(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++)
		if (x.p[i] > 127)
			return true;
	return false;
}

/* The gateway knows no SMTPUTF8: what needs it is refused in its place. */
static void refuse_utf8(struct delivery *d)
{
	static struct reply r;

	reply_set(&r, 550, "5.6.7",
	    BYTES("the gateway takes no address with other than ASCII characters (SMTPUTF8)"));
	d->last = &r;
	event(d, TXN_REJECT, 0);
}

static bool send_mail(struct delivery *d, struct client *c)
{
	const struct record_info *info = &d->tee.info;
	struct smtp_mail_params p = {
		.size = info->content,
		.body_8bit = info->flags & RECORD_8BIT,
		.utf8 = info->flags & RECORD_UTF8,
	};
	struct bytes sender;
	struct conf_header header;

	if (!envelope_get_sender(&d->envelope, path_text, &sender))
		gp_bug("deliver: a mail without a sender");
	conf_header(delivery_conf(), d->binding, &header);
	if (d->own_sender)
		sender = header.envelope_from;
	if (eight_bit(sender) && !c->smtputf8) {
		d->due = 0;
		refuse_utf8(d);
		return true;
	}
	if (!client_mail(c, leg_out(&d->leg), sender, &p))
		return false;
	d->due &= (uint8_t)~DELIVER_DUE_MAIL;
	return true;
}

/* The path of the recipient to be asked for, or of the nth that was accepted. */
static struct bytes find_path(struct delivery *d, bool again)
{
	uint32_t nth = d->txn.replayed;
	struct envelope_cursor cur;

	if (!again && envelope_at(&d->envelope, &cur, d->at, path_text))
		return cur.path;
	envelope_first(&d->envelope, &cur, path_text);
	while (again && envelope_next(&d->envelope, &cur))
		if (cur.verdict == RCPT_ACCEPTED && nth-- == 0)
			return cur.path;
	gp_bug("deliver: a recipient is lost");
}

static bool send_rcpt(struct delivery *d, struct client *c, uint8_t which)
{
	struct bytes path = find_path(d, which == DELIVER_DUE_AGAIN);

	if (eight_bit(path) && !c->smtputf8) {
		if (client_awaits(c) != CLIENT_CMD_NONE)
			return false; /* MAIL's own reply comes first */
		d->due &= (uint8_t)~which;
		refuse_utf8(d);
		return true;
	}
	if (!client_rcpt(c, leg_out(&d->leg), path))
		return false;
	d->due &= (uint8_t)~which;
	return true;
}

static bool send_due(struct delivery *d)
{
	struct client *c;

	if (!d->due || d->leg.state != LEG_READY)
		return false;
	c = leg_client(&d->leg);
	if (d->due & DELIVER_DUE_END) {
		if (leg_objects(&d->leg))
			return true; /* that comes first */
		if (!client_end(c, leg_out(&d->leg)))
			return false;
		d->dotted = true;
		d->due = 0;
		return true;
	}
	if (!client_may_send(c))
		return false;
	if (d->due & DELIVER_DUE_MAIL)
		return send_mail(d, c);
	if (d->due & (DELIVER_DUE_RCPT | DELIVER_DUE_AGAIN))
		return send_rcpt(d, c, d->due & (DELIVER_DUE_RCPT | DELIVER_DUE_AGAIN));
	if (!client_data(c, leg_out(&d->leg)))
		return false;
	d->due = 0;
	return true;
}

/* ---- content ---- */

/* To the gateway, what it has room for. */
static bool move_piece(struct delivery *d)
{
	size_t before = d->piece.n;

	client_body(leg_client(&d->leg), &d->piece, leg_out(&d->leg));
	if (d->piece.n) {
		leg_grow(&d->leg);
		client_body(leg_client(&d->leg), &d->piece, leg_out(&d->leg));
	}
	return d->piece.n < before;
}

static bool move_content(struct delivery *d)
{
	enum record_event ev;
	struct bytes what;

	if (d->txn.phase == TXN_VOID) { /* the verdict is known */
		event(d, TXN_EOM, 0);
		return true;
	}
	if (d->txn.phase != TXN_BODY || d->answer != TXN_ACTIONS || d->leg.state != LEG_READY)
		return false;
	if (d->piece.n)
		return move_piece(d);
	ev = delivery_read(d, &what);
	switch (ev) {
	case RECORD_MORE:
		return false;
	case RECORD_CONTENT:
		d->piece = what;
		break;
	case RECORD_END:
		event(d, TXN_EOM, 0);
		break;
	case RECORD_INFO:
	case RECORD_PEER:
	case RECORD_BINDING:
	case RECORD_SENDER:
	case RECORD_RCPT:
	case RECORD_MARKS:
		break;
	case RECORD_TORN:
	case RECORD_FOREIGN:
	case RECORD_NEWER:
		event(d, TXN_GONE, 0);
		delivery_torn(d);
		break;
	}
	return true;
}

/* ---- the pass ---- */

void delivery_send(struct delivery *d)
{
	d->state = DELIVER_SEND;
	d->began = loop_now();
	d->taken = d->dotted = false;
	d->answer = TXN_ACTIONS;
	d->saved.code = 0;
	d->recipients = count_pass(d);
	if (!find(d, 0))
		gp_bug("deliver: a pass without a recipient");
	d->first = d->at;
	d->failed_before = envelope_count_of(&d->envelope, RCPT_REFUSED);
	d->stay_before = envelope_count_of(&d->envelope, RCPT_DEFERRED);
	txn_init(&d->txn);
	event(d, TXN_MAIL, 1);
	event(d, TXN_RCPT, d->at);
	delivery_wake(d);
}

bool delivery_send_step(struct delivery *d)
{
	bool moved = answered(d);

	if (d->state == DELIVER_SEND)
		moved = step_leg(d) || moved;
	if (d->state == DELIVER_SEND && d->answer == TXN_ACTIONS)
		moved = send_due(d) || moved;
	if (d->state == DELIVER_SEND)
		moved = move_content(d) || moved;
	if (!moved && d->state == DELIVER_SEND)
		moved = leg_flush(&d->leg) > 0 && (d->piece.n || d->due);
	return moved && d->state == DELIVER_SEND;
}

static void cut(struct delivery *d)
{
	leg_cut(&d->leg);
	txn_init(&d->txn);
	d->answer = TXN_ACTIONS;
}

void delivery_send_stop(struct delivery *d)
{
	cut(d);
	let_go(d);
	delivery_change(d, RCPT_ACCEPTED, RCPT_NEW);
	d->tee.tries -= d->tee.tries > 0;
}

void delivery_send_abandon(struct delivery *d)
{
	leg_impatient(&d->leg);
	cut(d);
	close_pass(d, NULL);
}
