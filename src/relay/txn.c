/* SPDX-License-Identifier: ISC */
#include "relay/txn.h"

#include "base/bug.h"

#define ON(event) (1u << TXN_##event)

/* Whatever the client can do while nothing is under way, and what a gateway can answer. */
#define ENVELOPE (ON(RCPT) | ON(RCPT_OTHER) | ON(DATA) | ON(RESET) | ON(GONE))
#define REPLY    (ON(OK) | ON(DEFER) | ON(REJECT) | ON(FAIL))

/*
 * What each phase may meet. An event is missing only where the owner's contract rules it out, and
 * then it is a bug.
 */
static const uint32_t legal[TXN_PHASES] = {
	[TXN_IDLE] = ON(MAIL) | ON(RESET) | ON(GONE),
	[TXN_OPEN] = ENVELOPE,
	[TXN_OPENING] = ENVELOPE | ON(PATIENCE) | ON(READY) | ON(FAIL),
	[TXN_HELD] = ENVELOPE | ON(FAIL) | ON(WANTED),
	[TXN_MAIL_SENT] = ON(GONE) | ON(PATIENCE) | REPLY,
	[TXN_RCPT_SENT] = ON(GONE) | ON(PATIENCE) | REPLY,
	[TXN_ENVELOPE] = ENVELOPE | ON(FAIL) | ON(WANTED),
	[TXN_AGAIN_MAIL] = ENVELOPE | ON(PATIENCE) | REPLY,
	[TXN_AGAIN_RCPT] = ENVELOPE | ON(PATIENCE) | REPLY,
	[TXN_DATA_SENT] = ON(GONE) | ON(PATIENCE) | REPLY,
	[TXN_BODY] = ON(EOM) | ON(FAULT) | ON(GONE) | ON(EARLY) | ON(FAIL),
	[TXN_VOID] = ON(EOM) | ON(FAULT) | ON(GONE),
	[TXN_END_SENT] = ON(GONE) | ON(PATIENCE) | REPLY,
	[TXN_REFUSED] = ENVELOPE,
	[TXN_FAILED] = ENVELOPE,
};

static void act(struct txn_do *out, enum txn_action a)
{
	if (out->n >= TXN_ACTIONS_MAX)
		gp_bug("txn: too many actions");
	out->action[out->n++] = (uint8_t)a;
}

void txn_init(struct txn *t)
{
	*t = (struct txn){.phase = TXN_IDLE};
}

bool txn_has_leg(const struct txn *t)
{
	switch ((enum txn_phase)t->phase) {
	case TXN_OPENING:
	case TXN_HELD:
	case TXN_MAIL_SENT:
	case TXN_RCPT_SENT:
	case TXN_ENVELOPE:
	case TXN_AGAIN_MAIL:
	case TXN_AGAIN_RCPT:
	case TXN_DATA_SENT:
	case TXN_BODY:
	case TXN_END_SENT:
		return true;
	case TXN_IDLE:
	case TXN_OPEN:
	case TXN_VOID:
	case TXN_REFUSED:
	case TXN_FAILED:
	case TXN_PHASES:
		break;
	}
	return false;
}

static void over(struct txn *t, struct txn_do *out)
{
	act(out, TXN_OVER);
	txn_init(t);
}

/* Answers the open question; a client that is gone hears nothing. */
static void say(struct txn *t, struct txn_do *out, enum txn_action what)
{
	if (!t->gone)
		act(out, what);
	t->question = TXN_ASKS_NOTHING;
}

/*
 * The leg stands and MAIL is accepted by it, with all recipients accepted before: on with what the
 * client asked.
 */
static void resume(struct txn *t, struct txn_do *out)
{
	if (t->question == TXN_ASKS_RCPT) {
		act(out, TXN_SEND_RCPT);
		t->phase = TXN_RCPT_SENT;
	} else if (t->question == TXN_ASKS_DATA) {
		act(out, TXN_SEND_DATA);
		t->phase = TXN_DATA_SENT;
	} else {
		t->phase = TXN_ENVELOPE;
	}
}

/*
 * The leg is gone for good: the client hears why, now and at each later command of the transaction.
 */
static void failed(struct txn *t, struct txn_do *out)
{
	bool data = t->question == TXN_ASKS_DATA || t->question == TXN_ASKS_EOM;

	act(out, TXN_LEG_CUT);
	if (t->question != TXN_ASKS_NOTHING)
		say(t, out, TXN_SAY_FAILED);
	if (data)
		over(t, out);
	else
		t->phase = TXN_FAILED;
}

/* What is left of the leg at the end of a transaction that did not come to its content. */
static void release(const struct txn *t, struct txn_do *out)
{
	switch ((enum txn_phase)t->phase) {
	case TXN_HELD:
		act(out, TXN_LEG_KEEP);
		break;
	case TXN_ENVELOPE:
		act(out, TXN_LEG_RESET);
		break;
	case TXN_OPENING:
	case TXN_AGAIN_MAIL:
	case TXN_AGAIN_RCPT:
		act(out, TXN_LEG_CUT);
		break;
	case TXN_IDLE:
	case TXN_OPEN:
	case TXN_MAIL_SENT:
	case TXN_RCPT_SENT:
	case TXN_DATA_SENT:
	case TXN_BODY:
	case TXN_VOID:
	case TXN_END_SENT:
	case TXN_REFUSED:
	case TXN_FAILED:
	case TXN_PHASES:
		break;
	}
}

static void on_rcpt(struct txn *t, struct txn_do *out)
{
	t->question = TXN_ASKS_RCPT;
	if (t->phase == TXN_OPEN) {
		act(out, TXN_DIAL);
		t->phase = TXN_OPENING;
	} else if (t->phase == TXN_HELD) {
		act(out, TXN_SEND_MAIL);
		act(out, TXN_SEND_RCPT);
		t->phase = TXN_MAIL_SENT;
	} else if (t->phase == TXN_ENVELOPE) {
		act(out, TXN_SEND_RCPT);
		t->phase = TXN_RCPT_SENT;
	} else if (t->phase == TXN_REFUSED) {
		say(t, out, TXN_SAY_SAVED);
	} else if (t->phase == TXN_FAILED) {
		say(t, out, TXN_SAY_FAILED);
	}
	/* else a leg is under way, and the recipient goes out when it stands */
}

static void on_data(struct txn *t, struct txn_do *out)
{
	t->question = TXN_ASKS_DATA;
	if (t->phase == TXN_FAILED) {
		say(t, out, TXN_SAY_FAILED);
		over(t, out);
	} else if (t->accepted == 0) {
		say(t, out, t->put_off ? TXN_SAY_PUT_OFF : TXN_SAY_NONE);
		release(t, out);
		over(t, out);
	} else if (t->phase == TXN_ENVELOPE) {
		act(out, TXN_SEND_DATA);
		t->phase = TXN_DATA_SENT;
	} else if (t->phase == TXN_OPEN) {
		act(out, TXN_DIAL);
		t->phase = TXN_OPENING;
	}
	/* else a new leg is under way, and DATA goes out when it has the recipients */
}

static void on_eom(struct txn *t, struct txn_do *out)
{
	t->question = TXN_ASKS_EOM;
	if (t->phase == TXN_BODY) {
		act(out, TXN_SEND_END);
		t->phase = TXN_END_SENT;
		return;
	}
	if (t->verdict == TXN_VERDICT_SAVED)
		say(t, out, TXN_SAY_SAVED);
	else if (t->verdict == TXN_VERDICT_FAULT)
		say(t, out, TXN_SAY_FAULT);
	else
		say(t, out, TXN_SAY_FAILED);
	over(t, out);
}

static void void_body(struct txn *t, struct txn_do *out, enum txn_verdict verdict)
{
	if (t->phase == TXN_BODY)
		act(out, TXN_LEG_CUT);
	t->phase = TXN_VOID;
	t->verdict = (uint8_t)verdict;
}

static void on_fault(struct txn *t, struct txn_do *out)
{
	/*
	 * A verdict of the gateway stands; a gateway that failed says less than what the client can
	 * mend.
	 */
	if (t->phase == TXN_BODY || t->verdict == TXN_VERDICT_FAILED)
		void_body(t, out, TXN_VERDICT_FAULT);
}

static void on_gone(struct txn *t, struct txn_do *out)
{
	if (t->phase == TXN_IDLE)
		return;
	if (t->phase == TXN_END_SENT) {
		t->gone = true;
		return;
	}
	if (t->phase == TXN_HELD)
		act(out, TXN_LEG_KEEP);
	else if (txn_has_leg(t))
		act(out, TXN_LEG_CUT);
	over(t, out);
}

static void on_patience(struct txn *t, struct txn_do *out)
{
	/* After the final dot an early 451 would make duplicates. */
	if (t->question != TXN_ASKS_NOTHING && t->phase != TXN_END_SENT)
		failed(t, out);
}

static void on_ready(struct txn *t, struct txn_do *out)
{
	t->replayed = 0;
	if (t->accepted > 0) {
		act(out, TXN_SEND_MAIL);
		t->phase = TXN_AGAIN_MAIL;
	} else if (t->question == TXN_ASKS_RCPT) {
		act(out, TXN_SEND_MAIL);
		act(out, TXN_SEND_RCPT);
		t->phase = TXN_MAIL_SENT;
	} else {
		t->phase = TXN_HELD;
	}
}

static void on_fail(struct txn *t, struct txn_do *out, bool more)
{
	if (t->phase == TXN_BODY) {
		void_body(t, out, TXN_VERDICT_FAILED);
	} else if (t->phase != TXN_END_SENT && more) {
		act(out, TXN_NEXT);
		t->phase = TXN_OPENING;
	} else {
		failed(t, out);
	}
}

static void on_ok(struct txn *t, struct txn_do *out)
{
	if (t->phase == TXN_MAIL_SENT) {
		t->phase = TXN_RCPT_SENT;
	} else if (t->phase == TXN_RCPT_SENT) {
		t->accepted++;
		t->phase = TXN_ENVELOPE;
		say(t, out, TXN_SAY_GATEWAY);
	} else if (t->phase == TXN_AGAIN_MAIL) {
		act(out, TXN_SEND_AGAIN);
		t->phase = TXN_AGAIN_RCPT;
	} else if (t->phase == TXN_AGAIN_RCPT) {
		t->replayed++;
		if (t->replayed < t->accepted)
			act(out, TXN_SEND_AGAIN);
		else
			resume(t, out);
	} else if (t->phase == TXN_DATA_SENT) {
		t->phase = TXN_BODY;
		say(t, out, TXN_SAY_GO);
	} else {
		say(t, out, TXN_SAY_GATEWAY);
		act(out, TXN_LEG_KEEP);
		over(t, out);
	}
}

static void on_refusal(struct txn *t, struct txn_do *out, bool defer, bool more)
{
	if (t->phase == TXN_AGAIN_MAIL || t->phase == TXN_AGAIN_RCPT) {
		on_fail(t, out, more); /* another class of reply than before */
		return;
	}
	t->put_off = t->put_off || defer;
	if (t->phase == TXN_MAIL_SENT) {
		act(out, TXN_SAVE);
		act(out, TXN_LEG_RESET);
		say(t, out, TXN_SAY_SAVED);
		t->phase = TXN_REFUSED;
	} else if (t->phase == TXN_RCPT_SENT) {
		say(t, out, TXN_SAY_GATEWAY);
		t->phase = TXN_ENVELOPE;
		if (t->accepted == 0) { /* others may use the connection meanwhile */
			act(out, TXN_LEG_RESET);
			t->phase = TXN_OPEN;
		}
	} else {
		say(t, out, TXN_SAY_GATEWAY);
		act(out, TXN_LEG_RESET);
		over(t, out);
	}
}

static void dispatch(struct txn *t, enum txn_event event, uint32_t arg, struct txn_do *out)
{
	switch (event) {
	case TXN_MAIL:
		t->phase = arg ? TXN_OPENING : TXN_OPEN;
		if (arg)
			act(out, TXN_DIAL);
		break;
	case TXN_RCPT:
		on_rcpt(t, out);
		break;
	case TXN_RCPT_OTHER:
		t->put_off = true;
		say(t, out, TXN_SAY_OTHER);
		break;
	case TXN_DATA:
		on_data(t, out);
		break;
	case TXN_EOM:
		on_eom(t, out);
		break;
	case TXN_FAULT:
		on_fault(t, out);
		break;
	case TXN_RESET:
		release(t, out);
		if (t->phase != TXN_IDLE)
			over(t, out);
		break;
	case TXN_GONE:
		on_gone(t, out);
		break;
	case TXN_PATIENCE:
		on_patience(t, out);
		break;
	case TXN_READY:
		on_ready(t, out);
		break;
	case TXN_OK:
		on_ok(t, out);
		break;
	case TXN_DEFER:
	case TXN_REJECT:
		on_refusal(t, out, event == TXN_DEFER, arg != 0);
		break;
	case TXN_EARLY:
		act(out, TXN_SAVE);
		void_body(t, out, TXN_VERDICT_SAVED);
		break;
	case TXN_FAIL:
		on_fail(t, out, arg != 0);
		break;
	case TXN_WANTED:
		release(t, out);
		t->phase = TXN_OPEN;
		break;
	case TXN_EVENTS:
		break;
	}
}

void txn_on(struct txn *t, enum txn_event event, uint32_t arg, struct txn_do *out)
{
	out->n = 0;
	if (!(legal[t->phase] & 1u << event))
		gp_bug("txn: an event that cannot be in this phase");
	if (event <= TXN_EOM && event != TXN_MAIL && t->question != TXN_ASKS_NOTHING)
		gp_bug("txn: a second question");
	dispatch(t, event, arg, out);
}
