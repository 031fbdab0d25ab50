/* SPDX-License-Identifier: ISC */
#include "relay/net.h"

#include "base/bug.h"

/* What to say when the spool fails behind the final dot. */
enum {
	VERDICT_KEEP_UNSAFE,
	VERDICT_KEEP_SAVED,
	VERDICT_KEEP_FAILED,
	VERDICT_KEEP_NO_SPOOL,
	VERDICT_KEEP_FAULT
};

static void act(struct net_do *out, unsigned a)
{
	if (out->n >= NET_ACTIONS_MAX)
		gp_bug("net: too many actions");
	out->action[out->n++] = (uint8_t)a;
}

void net_init(struct net *n, enum net_mode mode)
{
	*n = (struct net){ .mode = (uint8_t)mode, .state = NET_LIVE };
	txn_init(&n->txn);
}

bool net_is_idle(const struct net *n)
{
	return n->state == NET_LIVE && n->txn.phase == TXN_IDLE;
}

bool net_has_leg(const struct net *n)
{
	return txn_has_leg(&n->txn);
}

bool net_has_tee(const struct net *n)
{
	return n->tee != NET_TEE_NONE && n->tee != NET_TEE_GONE;
}

bool net_is_past_dot(const struct net *n)
{
	return n->state == NET_SETTLING || n->txn.phase == TXN_END_SENT;
}

bool net_is_void(const struct net *n)
{
	return n->state == NET_VOID || n->txn.phase == TXN_VOID;
}

void net_put_off(struct net *n)
{
	n->put_off = true;
	n->txn.put_off = true;
}

/* May content, or a commit, still go there? */
static bool tee_takes(const struct net *n)
{
	return n->tee == NET_TEE_OPENING || n->tee == NET_TEE_OPEN;
}

bool net_feeds_leg(const struct net *n)
{
	return n->txn.phase == TXN_BODY;
}

bool net_feeds_tee(const struct net *n)
{
	return tee_takes(n) && (n->txn.phase == TXN_BODY || n->state == NET_ALONE);
}

static void over(struct net *n, struct net_do *out)
{
	act(out, TXN_OVER);
	net_init(n, (enum net_mode)n->mode);
}

static void say(struct net *n, struct net_do *out, unsigned what)
{
	if (!n->gone && n->question != TXN_ASKS_NOTHING)
		act(out, what);
	n->question = TXN_ASKS_NOTHING;
}

static void drop(struct net *n, struct net_do *out)
{
	if (net_has_tee(n))
		act(out, NET_DROP);
	n->tee = NET_TEE_NONE;
}

static void pass(const struct txn_do *from, struct net_do *out)
{
	for (unsigned i = 0; i < from->n; i++)
		act(out, from->action[i]);
}

/* What the transaction does with its leg, but neither its answer nor its end. */
static void pass_leg(const struct txn_do *from, struct net_do *out)
{
	for (unsigned i = 0; i < from->n; i++)
		if (from->action[i] == TXN_LEG_KEEP || from->action[i] == TXN_LEG_RESET ||
		    from->action[i] == TXN_LEG_CUT)
			act(out, from->action[i]);
}

static bool does(const struct txn_do *t, enum txn_action a)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->action[i] == a)
			return true;
	return false;
}

/* The transaction ends without a word; its leg is let go of as fits. */
static void end_quietly(struct net *n, enum txn_event how, struct net_do *out)
{
	struct txn_do t;

	if (n->txn.phase == TXN_IDLE)
		return;
	n->txn.question = TXN_ASKS_NOTHING;
	txn_on(&n->txn, how, 0, &t);
	pass_leg(&t, out);
	txn_init(&n->txn);
}

static void keep_all(struct net *n, uint32_t accepted, struct net_do *out)
{
	if (accepted > 0)
		act(out, NET_KEEP_ALL);
	n->kept += accepted;
}

/* ---- the spool takes the envelope ---- */

static void keep_rcpt(struct net *n, uint32_t arg, struct net_do *out)
{
	n->question = TXN_ASKS_RCPT;
	if (arg & NET_CAN) {
		n->kept++;
		say(n, out, NET_SAY_TAKEN);
	} else {
		n->put_off = true;
		say(n, out, NET_SAY_NO_SPOOL);
	}
}

static void go_alone(struct net *n, struct net_do *out)
{
	n->state = NET_ALONE;
	say(n, out, TXN_SAY_GO);
}

static void keep_data(struct net *n, struct net_do *out)
{
	n->state = NET_KEEPING;
	n->question = TXN_ASKS_DATA;
	if (n->kept == 0) {
		say(n, out, n->put_off ? TXN_SAY_PUT_OFF : TXN_SAY_NONE);
		over(n, out);
	} else if (n->tee == NET_TEE_NONE) {
		act(out, NET_OPEN);
		n->tee = NET_TEE_OPENING;
	} else if (n->tee == NET_TEE_OPEN) {
		go_alone(n, out);
	} else if (n->tee == NET_TEE_GONE) {
		say(n, out, NET_SAY_NO_SPOOL);
		over(n, out);
	}
}

/* ---- the commit ---- */

static void say_verdict(struct net *n, struct net_do *out)
{
	static const uint8_t words[] = {
		[VERDICT_KEEP_UNSAFE] = NET_SAY_UNSAFE,
		[VERDICT_KEEP_SAVED] = TXN_SAY_SAVED,
		[VERDICT_KEEP_FAILED] = TXN_SAY_FAILED,
		[VERDICT_KEEP_NO_SPOOL] = NET_SAY_NO_SPOOL,
		[VERDICT_KEEP_FAULT] = TXN_SAY_FAULT,
	};

	say(n, out, words[n->verdict]);
}

static void release(struct net *n, struct net_do *out)
{
	say(n, out, NET_SAY_KEPT);
	act(out, n->later ? NET_RELEASE_LATER : NET_RELEASE);
	over(n, out);
}

static void commit(struct net *n, struct net_do *out)
{
	act(out, NET_COMMIT);
	n->tee = NET_TEE_COMMITTING;
}

/* The verdict is known and the mail, or a part of it, is the spool's. marks: some are taken. */
static void settle(struct net *n, unsigned verdict, bool marks, struct net_do *out)
{
	n->verdict = (uint8_t)verdict;
	n->state = NET_SETTLING;
	if (tee_takes(n) || (marks && n->tee == NET_TEE_SAFE)) {
		commit(n, out);
	} else if (n->tee == NET_TEE_COMMITTING) {
		n->again = marks;
	} else if (n->tee == NET_TEE_SAFE) {
		release(n, out);
	} else {
		say_verdict(n, out);
		over(n, out);
	}
}

static void unsafe(struct net *n, struct net_do *out)
{
	if (n->parted) { /* it lies there with its old marks: a duplicate is the lesser evil */
		act(out, NET_RELEASE_LATER);
	} else {
		if (n->safe)
			act(out,
			    NET_DROP); /* only its marks are not sure; the client sends it again */
		n->tee = NET_TEE_GONE;
		say_verdict(n, out);
	}
	over(n, out);
}

/* The disk is slower than the client's patience. */
static void give_up(struct net *n, struct net_do *out)
{
	drop(n, out);
	say_verdict(n, out);
	over(n, out);
}

static void on_safe(struct net *n, struct net_do *out)
{
	n->tee = NET_TEE_SAFE;
	n->safe = true;
	if (n->again) {
		n->again = false;
		commit(n, out);
	} else {
		release(n, out);
	}
}

/* ---- the transaction decides ---- */

static void part(struct net *n, struct net_do *out)
{
	n->late = false;
	n->parted = true;
	n->state = NET_PARTED;
	n->txn.question = TXN_ASKS_NOTHING;
	say(n, out, NET_SAY_KEPT);
	act(out, NET_PART);
}

/* The reply to the end of data, or the loss of the connection behind it. */
static void on_end(struct net *n, unsigned event, const struct txn_do *t, struct net_do *out)
{
	bool hope = net_has_tee(n);

	pass_leg(t, out);
	if (event == TXN_OK && n->kept > 0) {
		act(out, NET_TAKEN);
		settle(n, VERDICT_KEEP_UNSAFE, true, out);
	} else if (event == TXN_REJECT && n->parted) {
		act(out, NET_REPORT);
		over(n, out);
	} else if (event == TXN_OK || event == TXN_REJECT || !hope) {
		say(n, out, event == TXN_FAIL ? TXN_SAY_FAILED : TXN_SAY_GATEWAY);
		drop(n, out);
		over(n, out);
	} else {
		if (event == TXN_DEFER)
			act(out, TXN_SAVE);
		act(out, NET_KEEP_ALL);
		n->later = true;
		settle(
		    n, event == TXN_DEFER ? VERDICT_KEEP_SAVED : VERDICT_KEEP_FAILED, false, out);
	}
}

/* The gateway failed, or put the mail off, before the content: the spool takes over. */
static void take_over(struct net *n, uint32_t accepted, uint32_t arg, struct net_do *out)
{
	unsigned asked = n->question;

	end_quietly(n, TXN_RESET, out);
	keep_all(n, accepted, out);
	n->state = NET_KEEPING;
	if (asked == TXN_ASKS_RCPT)
		keep_rcpt(n, arg, out);
	else if (asked == TXN_ASKS_DATA)
		keep_data(n, out);
}

/* What the transaction said ends as it would without a spool. */
static void leave_to_txn(struct net *n, const struct txn_do *t, struct net_do *out)
{
	bool ended = does(t, TXN_OVER);

	pass(t, out);
	if (!ended) {
		n->question = n->txn.question;
		return;
	}
	out->n--;
	drop(n, out);
	act(out, TXN_OVER);
	net_init(n, (enum net_mode)n->mode);
}

/* An event before the content. */
static void before_body(struct net *n, unsigned event, uint32_t arg, struct net_do *out)
{
	struct txn was = n->txn;
	bool can = (arg & NET_CAN) && n->mode != NET_OFF, failed, whole;
	struct txn_do t;

	txn_on(&n->txn, (enum txn_event)event, arg & NET_MORE, &t);
	failed = (does(&t, TXN_SAY_FAILED) || n->txn.phase == TXN_FAILED) && !(arg & NET_DAY_ONE);
	whole = event == TXN_DEFER && (was.phase == TXN_MAIL_SENT || was.phase == TXN_DATA_SENT);
	if (n->question == TXN_ASKS_DATA && was.accepted + n->kept == 0)
		can = false; /* nobody was taken: there is nothing to keep */
	if (can && (failed || whole)) {
		pass_leg(&t, out);
		take_over(n, was.accepted, arg, out);
	} else if (can && event == TXN_DEFER && was.phase == TXN_RCPT_SENT) {
		pass_leg(&t, out);
		keep_rcpt(n, arg, out);
	} else {
		leave_to_txn(n, &t, out);
	}
}

/* An event of the content, before its end. */
static void in_body(struct net *n, unsigned event, uint32_t arg, struct net_do *out)
{
	uint32_t accepted = n->txn.accepted;
	bool hope = event == TXN_FAIL || (event == TXN_EARLY && !(arg & NET_FINAL));
	struct txn_do t;

	txn_on(&n->txn, (enum txn_event)event, arg & NET_MORE, &t);
	if (hope && tee_takes(n)) {
		pass_leg(&t, out);
		end_quietly(n, TXN_GONE, out);
		keep_all(n, accepted, out);
		n->state = NET_ALONE;
		return;
	}
	if (event == TXN_FAULT || event == TXN_EARLY)
		drop(n, out);
	leave_to_txn(n, &t, out);
}

static void live(struct net *n, unsigned event, uint32_t arg, struct net_do *out)
{
	bool can = (arg & NET_CAN) && n->mode != NET_OFF;
	struct txn_do t;

	if (event == TXN_RCPT || event == TXN_RCPT_OTHER)
		n->question = TXN_ASKS_RCPT;
	if (event == TXN_DATA)
		n->question = TXN_ASKS_DATA;
	if (event == TXN_EOM)
		n->question = TXN_ASKS_EOM;
	if (event == TXN_RCPT_OTHER && can) {
		take_over(n, n->txn.accepted, arg, out);
		return;
	}
	if (event == TXN_DATA && n->txn.accepted == 0 && n->kept > 0) {
		take_over(n, 0, arg, out);
		return;
	}
	if (event == TXN_DATA && can && n->txn.accepted > 0) {
		act(out, NET_OPEN);
		n->tee = NET_TEE_OPENING;
	}
	if (n->txn.phase == TXN_END_SENT) {
		txn_on(&n->txn, (enum txn_event)event, arg & NET_MORE, &t);
		if (event == TXN_GONE) {
			n->gone = true;
			n->late = false;
		} else if (event == TXN_PATIENCE && n->tee == NET_TEE_SAFE &&
			   (arg & NET_MAY_PART)) {
			part(n, out);
		} else if (event == TXN_PATIENCE) {
			n->late = n->tee == NET_TEE_COMMITTING;
		} else {
			on_end(n, event, &t, out);
		}
	} else if (n->txn.phase == TXN_BODY || n->txn.phase == TXN_VOID) {
		in_body(n, event, arg, out);
	} else {
		before_body(n, event, arg, out);
	}
}

/* ---- the spool alone ---- */

static void void_body(struct net *n, unsigned verdict)
{
	n->state = NET_VOID;
	n->verdict = (uint8_t)verdict;
}

static void keeping(struct net *n, unsigned event, uint32_t arg, struct net_do *out)
{
	if (event == TXN_MAIL)
		return;
	if (event == TXN_RCPT || event == TXN_RCPT_OTHER) {
		keep_rcpt(n, arg, out);
	} else if (event == TXN_DATA) {
		keep_data(n, out);
	} else if (event == TXN_RESET || event == TXN_GONE) {
		drop(n, out);
		over(n, out);
	} else if (event == TXN_PATIENCE) {
		drop(n, out);
		say(n, out, NET_SAY_NO_SPOOL);
		over(n, out);
	} else {
		gp_bug("net: an event that cannot be without a leg");
	}
}

static void alone(struct net *n, unsigned event, struct net_do *out)
{
	if (event == TXN_EOM) {
		n->question = TXN_ASKS_EOM;
		settle(n, VERDICT_KEEP_UNSAFE, false, out);
	} else if (event == TXN_FAULT) {
		drop(n, out);
		void_body(n, VERDICT_KEEP_FAULT);
	} else if (event == TXN_GONE) {
		drop(n, out);
		over(n, out);
	} else {
		gp_bug("net: an event that cannot be in the content");
	}
}

static void in_void(struct net *n, unsigned event, struct net_do *out)
{
	if (event == TXN_FAULT) {
		n->verdict = VERDICT_KEEP_FAULT;
		return;
	}
	if (event != TXN_EOM && event != TXN_GONE)
		gp_bug("net: an event that cannot be in void content");
	n->question = event == TXN_EOM ? TXN_ASKS_EOM : TXN_ASKS_NOTHING;
	say_verdict(n, out);
	over(n, out);
}

static void parted(struct net *n, unsigned event, struct net_do *out)
{
	struct txn_do t;

	if (event != TXN_OK && event != TXN_DEFER && event != TXN_REJECT && event != TXN_FAIL)
		gp_bug("net: an event that cannot be without a client");
	txn_on(&n->txn, (enum txn_event)event, 0, &t);
	on_end(n, event, &t, out);
}

/* ---- the disk ---- */

/* There is no file, or none any more. */
static void lost(struct net *n, unsigned verdict, struct net_do *out)
{
	bool asked = n->state == NET_KEEPING && n->question == TXN_ASKS_DATA;

	n->tee = NET_TEE_GONE;
	n->late = false;
	if (asked) {
		say(n, out, NET_SAY_NO_SPOOL);
		over(n, out);
	} else if (n->state == NET_ALONE) {
		void_body(n, verdict);
	} else if (n->state == NET_SETTLING) {
		unsafe(n, out);
	}
}

static void on_disk(struct net *n, unsigned event, uint32_t arg, struct net_do *out)
{
	switch (event) {
	case NET_OPENED:
		if (n->tee == NET_TEE_OPENING)
			n->tee = NET_TEE_OPEN;
		if (n->state == NET_KEEPING && n->question == TXN_ASKS_DATA)
			go_alone(n, out);
		break;
	case NET_REFUSED:
		lost(n, VERDICT_KEEP_NO_SPOOL, out);
		break;
	case NET_LOST:
		lost(n, VERDICT_KEEP_UNSAFE, out);
		break;
	case NET_SAFE:
		if (n->state == NET_SETTLING) {
			on_safe(n, out);
			break;
		}
		n->tee = NET_TEE_SAFE;
		n->safe = true;
		if (n->late && (arg & NET_MAY_PART))
			part(n, out);
		break;
	case NET_UNSAFE:
		if (n->state == NET_SETTLING)
			unsafe(n, out);
		else
			lost(n, VERDICT_KEEP_UNSAFE, out);
		break;
	case NET_HALF:
		if (n->state == NET_LIVE && n->txn.phase == TXN_END_SENT && tee_takes(n))
			commit(n, out);
		break;
	default:
		gp_bug("net: there is no such event");
	}
}

void net_on(struct net *n, unsigned event, uint32_t arg, struct net_do *out)
{
	out->n = 0;
	if (event >= TXN_EVENTS) {
		on_disk(n, event, arg, out);
		return;
	}
	if (event == TXN_MAIL && n->mode == NET_ALWAYS)
		n->state = NET_KEEPING;
	switch ((enum net_state)n->state) {
	case NET_LIVE:
		live(n, event, arg, out);
		break;
	case NET_KEEPING:
		keeping(n, event, arg, out);
		break;
	case NET_ALONE:
		alone(n, event, out);
		break;
	case NET_VOID:
		in_void(n, event, out);
		break;
	case NET_SETTLING:
		if (event == TXN_GONE)
			n->gone = true;
		if (event == TXN_PATIENCE && !n->parted && !n->gone)
			give_up(n, out);
		break;
	case NET_PARTED:
		parted(n, event, out);
		break;
	case NET_STATES:
		break;
	}
}
