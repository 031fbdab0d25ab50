/* SPDX-License-Identifier: ISC */
/* The exhaustive explorer of relay/txn: a small world (a client, a gateway leg, up to three recipients, two mails, two spare
 * addresses) does everything that its rules allow, in every order, until no new state appears. At each step the promises of
 * DESIGN section 2 are checked. Then bugs of each kind are seeded, and each must be found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/txn.h"
#include "tap.h"

#define RCPTS 3
#define MAILS 2
#define SPARES 2

#include "lib/search.h"
#include "lib/sides.h"

struct world {
	struct txn t;
	struct sides s;
};

typedef void seed_fn(const struct world *before, enum txn_event ev, struct world *w, struct txn_do *d);
static seed_fn *seed;

/* ---- the world's side of each action ---- */

static uint8_t accepted_set(const struct world *w)
{
	uint8_t set = 0;

	for (unsigned i = 0; i < RCPTS; i++)
		if (w->s.told[i] == TOLD_YES)
			set |= (uint8_t)(1u << i);
	return set;
}

/* The client hears an answer; yes: 2xx or 354. */
static void hears(struct world *w, bool yes, bool defer)
{
	MUST(w->s.lan != LAN_GONE, "an answer to a client that is gone");
	MUST(w->s.lan == LAN_PARKED, "an answer that nobody asked for");
	if (w->s.asked == TXN_ASKS_RCPT) {
		if (!w->s.other) {
			w->s.told[w->s.nrcpt - 1] = yes ? TOLD_YES : TOLD_NO;
			if (yes)
				MUST(w->s.gw_rcpts & (1u << (w->s.nrcpt - 1)), "250 to a RCPT that the gateway did not take");
		} else {
			MUST(!yes, "250 to a RCPT of another delivery key");
		}
		w->s.put_off = (uint8_t)(w->s.put_off | (!yes && defer));
		w->s.lan = LAN_ENVELOPE;
	} else if (w->s.asked == TXN_ASKS_DATA) {
		w->s.lan = yes ? LAN_CONTENT : LAN_IDLE;
		if (yes)
			MUST(w->s.gw_body, "354 though the gateway did not say so");
	} else {
		MUST(yes == (w->s.delivered != 0), yes ? "250 for a mail that the gateway did not take" : "a refusal of a mail that the gateway took");
		w->s.lan = LAN_IDLE;
	}
	w->s.asked = TXN_ASKS_NOTHING;
}

static void perform(struct world *w, enum txn_action a)
{
	if (is_send(a)) {
		perform_send(&w->s, a, accepted_set(w), w->t.replayed);
	} else if (is_leg(a)) {
		perform_leg(&w->s, a);
	} else if (a == TXN_SAVE) {
		MUST(w->s.last == TXN_DEFER || w->s.last == TXN_REJECT || w->s.last == TXN_EARLY, "no refusal to remember");
		w->s.saved = w->s.last == TXN_DEFER ? TXN_DEFER : TXN_REJECT;
	} else if (a == TXN_OVER) {
		MUST(!w->s.over, "over twice");
		MUST(w->s.leg == LEG_NONE, "the transaction is over and the leg is still held");
		w->s.over = 1;
	} else {
		struct answer said = answer_of(&w->s, a, accepted_set(w));

		hears(w, said.yes, said.defer);
	}
}

/* What holds between steps. */
static void check(const struct world *before, const struct world *w, enum txn_event ev)
{
	bool open = before->s.lan != LAN_IDLE || ev == TXN_MAIL;

	MUST(txn_has_leg(&w->t) == (w->s.leg != LEG_NONE), "the transaction and the world differ about the leg");
	MUST((w->t.phase == TXN_IDLE) == (w->s.over || !open || (w->s.lan == LAN_GONE && before->t.phase == TXN_IDLE)), "over and idle do not go together");
	MUST(w->s.over || before->t.phase == TXN_IDLE || ev != TXN_RESET, "a reset that does not end the transaction");
	MUST(!w->s.over || w->s.lan == LAN_IDLE || w->s.lan == LAN_GONE, "over while the client is in a transaction");
	if (w->s.lan == LAN_IDLE && before->s.lan != LAN_IDLE)
		MUST(w->s.over, "the client is through and the transaction goes on");
	if (w->s.lan == LAN_PARKED)
		MUST(w->s.leg == LEG_OPENING || w->s.await[0], "the client waits and nobody was asked");
	if (w->s.lan == LAN_GONE && w->s.leg != LEG_NONE)
		MUST(w->s.await[0] == CMD_END, "the client is gone before its final dot and the leg lives");
}

/* ---- events ---- */

/* The world's state after the event itself, before the machine hears of it. False: it cannot happen now. */
static bool lan_event(struct world *w, enum txn_event ev, unsigned arg)
{
	switch (ev) {
	case TXN_MAIL:
		if (w->s.lan != LAN_IDLE || w->s.mails >= MAILS)
			return false;
		w->s.mails++;
		begin_sides(&w->s);
		w->s.lan = LAN_ENVELOPE;
		return true;
	case TXN_RCPT:
	case TXN_RCPT_OTHER:
		if (w->s.lan != LAN_ENVELOPE || arg || (ev == TXN_RCPT ? w->s.nrcpt >= RCPTS : w->s.nrcpt == 0))
			return false;
		w->s.other = ev == TXN_RCPT_OTHER;
		w->s.nrcpt = (uint8_t)(w->s.nrcpt + (ev == TXN_RCPT));
		w->s.lan = LAN_PARKED;
		w->s.asked = TXN_ASKS_RCPT;
		return true;
	default:
		return !arg && client_does(&w->s, ev);
	}
}

static bool leg_event(struct world *w, enum txn_event ev, unsigned arg)
{
	switch (ev) {
	case TXN_READY:
		if (w->s.leg != LEG_OPENING || arg)
			return false;
		w->s.leg = LEG_UP;
		return true;
	case TXN_OK:
	case TXN_DEFER:
	case TXN_REJECT:
		return gateway_replies(&w->s, ev, arg, w->t.phase == TXN_AGAIN_MAIL || w->t.phase == TXN_AGAIN_RCPT);
	case TXN_EARLY:
		if (w->s.leg != LEG_UP || !w->s.gw_body || arg)
			return false;
		w->s.early = 1;
		w->s.last = TXN_EARLY;
		return true;
	case TXN_WANTED:
		return w->s.leg == LEG_UP && !w->s.await[0] && !w->s.gw_body && w->s.lan == LAN_ENVELOPE && !arg;
	case TXN_FAIL:
		if (w->s.leg == LEG_NONE || arg != (w->s.spares > 0))
			return false;
		w->s.failed = 1;
		return true;
	default:
		return false;
	}
}

static bool step(const void *state, void *next, unsigned event, unsigned arg)
{
	const struct world *before = state;
	struct world *w = next;
	enum txn_event ev = (enum txn_event)event;
	struct txn_do d = {0};

	*w = *before;
	w->s.over = 0;
	if (!(ev <= TXN_PATIENCE ? lan_event(w, ev, arg) : leg_event(w, ev, arg)))
		return false;
	txn_on(&w->t, ev, arg, &d);
	if (seed)
		seed(before, ev, w, &d);
	for (unsigned i = 0; i < d.n; i++)
		perform(w, (enum txn_action)d.action[i]);
	check(before, w, ev);
	if (w->s.over)
		begin_sides(&w->s);
	return true;
}

/* ---- the search ---- */

static void show(const void *state, unsigned event, unsigned arg)
{
	const struct world *w = state;

	printf("#   %s(%u) in %s\n", txn_event_name((enum txn_event)event), arg, txn_phase_name((enum txn_phase)w->t.phase));
}

static struct search search = {
	.size = sizeof(struct world), .most = 1u << 20, .events = TXN_EVENTS, .args = 2, .step = step, .show = show,
};

/* Explores all; true if no promise was broken. loud: prints how one was. */
static bool explore(seed_fn *with, bool loud)
{
	static struct world first, next;

	seed = with;
	memset(&first, 0, sizeof(first));
	first.s.spares = SPARES;
	txn_init(&first.t);
	return search_run(&search, &first, &next, loud);
}

/* ---- seeded bugs ---- */

#define CHANGE(from, to) search_change(d->action, &d->n, from, to)

#define SEED(name, condition, mend)                                                                      \
	static void name(const struct world *before, enum txn_event ev, struct world *w, struct txn_do *d) \
	{                                                                                                \
		(void)before, (void)ev, (void)w, (void)d;                                                         \
		if (condition)                                                                           \
			mend;                                                                            \
	}

#define IN(p) (before->t.phase == (p))
SEED(early_250, IN(TXN_BODY) && ev == TXN_EOM, CHANGE(TXN_SEND_END, TXN_SAY_GO))
SEED(lie_after_failure, IN(TXN_END_SENT) && ev == TXN_FAIL, CHANGE(TXN_SAY_FAILED, TXN_SAY_GO))
SEED(lost_answer, IN(TXN_RCPT_SENT) && ev == TXN_REJECT, CHANGE(TXN_SAY_GATEWAY, -1))
SEED(second_answer, IN(TXN_RCPT_SENT) && ev == TXN_OK, d->action[d->n++] = TXN_SAY_GATEWAY)
SEED(leaked_leg, IN(TXN_BODY) && ev == TXN_GONE, CHANGE(TXN_LEG_CUT, -1))
SEED(kept_inside, IN(TXN_ENVELOPE) && ev == TXN_RESET, CHANGE(TXN_LEG_RESET, TXN_LEG_KEEP))
SEED(body_goes_on, IN(TXN_BODY) && ev == TXN_GONE, (CHANGE(TXN_LEG_CUT, TXN_SEND_END), CHANGE(TXN_OVER, -1)))
SEED(fault_delivered, IN(TXN_BODY) && ev == TXN_FAULT, (d->n = 0, w->t.phase = TXN_BODY))
SEED(no_replay, IN(TXN_AGAIN_MAIL) && ev == TXN_OK, (CHANGE(TXN_SEND_AGAIN, TXN_SEND_DATA), w->t.phase = TXN_DATA_SENT))
SEED(short_replay, IN(TXN_AGAIN_RCPT) && ev == TXN_OK && w->t.accepted > 1, (CHANGE(TXN_SEND_AGAIN, TXN_SEND_DATA), w->t.phase = TXN_DATA_SENT))
SEED(counts_refused, IN(TXN_RCPT_SENT) && ev == TXN_DEFER, w->t.accepted++)
SEED(impatient, IN(TXN_END_SENT) && ev == TXN_PATIENCE, (d->action[d->n++] = TXN_SAY_FAILED, w->t.question = 0))
SEED(endless_patience, IN(TXN_OPENING) && ev == TXN_PATIENCE && before->s.asked, (d->n = 0, w->t = before->t, CHANGE(TXN_LEG_CUT, -1), d->action[d->n++] = TXN_LEG_CUT))
SEED(never_over, IN(TXN_DATA_SENT) && ev == TXN_REJECT, (CHANGE(TXN_OVER, -1), w->t.phase = TXN_FAILED))
SEED(wrong_code, ev == TXN_DATA && before->s.put_off, CHANGE(TXN_SAY_PUT_OFF, TXN_SAY_NONE))
SEED(other_key_taken, ev == TXN_RCPT_OTHER && IN(TXN_ENVELOPE), CHANGE(TXN_SAY_OTHER, TXN_SAY_GATEWAY))
SEED(tells_the_dead, IN(TXN_END_SENT) && before->t.gone && ev == TXN_OK, d->action[d->n++] = TXN_SAY_GATEWAY)
SEED(forgets_to_ask, IN(TXN_HELD) && ev == TXN_RCPT, d->n = 0)
SEED(no_more_spares, ev == TXN_FAIL && before->s.spares == 0 && IN(TXN_OPENING), (d->n = 0, d->action[d->n++] = TXN_NEXT))
SEED(forgets_accepted, ev == TXN_WANTED && IN(TXN_ENVELOPE), w->t.accepted = 0)
SEED(waits_for_nobody, ev == TXN_DATA && IN(TXN_OPEN) && before->t.accepted, (d->n = 0, w->t.phase = TXN_OPEN))
SEED(forgets_early, IN(TXN_BODY) && ev == TXN_EARLY, (d->n = 0, w->t.phase = TXN_BODY))

static const struct {
	const char *name;
	seed_fn *fn;
} seeds[] = {
	{"250 before the gateway has taken the mail", early_250},
	{"250 after a failure past the final dot", lie_after_failure},
	{"a question that is never answered", lost_answer},
	{"a question that is answered twice", second_answer},
	{"a leg that is never let go", leaked_leg},
	{"a connection kept inside a transaction", kept_inside},
	{"half a mail is ended for a client that is gone", body_goes_on},
	{"content that the box refuses is delivered", fault_delivered},
	{"a new connection is not told the recipients", no_replay},
	{"a new connection is told one recipient of two", short_replay},
	{"a deferred recipient counts as accepted", counts_refused},
	{"patience ends the wait after the final dot", impatient},
	{"patience cuts the leg and says nothing", endless_patience},
	{"a refused DATA leaves the transaction open", never_over},
	{"554 to DATA where a recipient was put off", wrong_code},
	{"a recipient of another key is taken", other_key_taken},
	{"an answer to a client that is gone", tells_the_dead},
	{"MAIL and RCPT are not sent", forgets_to_ask},
	{"one address more than there are", no_more_spares},
	{"recipients are forgotten with the connection that was given up", forgets_accepted},
	{"DATA waits for a leg that nobody dials", waits_for_nobody},
	{"an early refusal is forgotten", forgets_early},
};

int main(void)
{
	bool phase[TXN_PHASES] = {false};
	unsigned reached = 0;

	if (!search_begin(&search))
		return 1;
	ok(explore(NULL, true), "every order of events keeps the promises");
	printf("# %u states, %llu steps\n", search.n, (unsigned long long)search.steps);
	ok(search.n > 1000 && search.n < search.most, "the search came to its end");
	for (uint32_t i = 0; i < search.n; i++)
		phase[((const struct world *)search_state(&search, i))->t.phase] = true;
	for (unsigned i = 0; i < TXN_PHASES; i++)
		reached += phase[i];
	ok(reached == TXN_PHASES, "every phase was reached");
	for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++) {
		bool found;

		why = "not found";
		found = !explore(seeds[i].fn, false);
		ok(found, "found: %s (%s)", seeds[i].name, why);
	}
	search_end(&search);
	return done();
}
