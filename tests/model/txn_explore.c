/* SPDX-License-Identifier: ISC */
/* The exhaustive explorer of relay/txn: a small world (a client, a gateway leg, up to three recipients, two mails, two spare
 * addresses) does everything that its rules allow, in every order, until no new state appears. At each step the promises of
 * DESIGN section 2 are checked. Then bugs of each kind are seeded, and each must be found. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "relay/txn.h"
#include "tap.h"

#define RCPTS 3
#define MAILS 2
#define SPARES 2

enum { LAN_IDLE, LAN_ENVELOPE, LAN_PARKED, LAN_CONTENT, LAN_GONE };
enum { LEG_NONE, LEG_OPENING, LEG_UP };
enum { TOLD_NOTHING, TOLD_YES, TOLD_NO };
enum { CMD_NONE, CMD_MAIL, CMD_DATA, CMD_END, CMD_RCPT /* + number */ };

struct world {
	struct txn t;
	uint8_t lan, asked, mails;  /* asked: enum txn_question */
	uint8_t nrcpt;              /* recipients asked for in this mail */
	uint8_t told[RCPTS];
	uint8_t other;              /* the question is about another delivery key */
	uint8_t put_off;            /* the client was told 4xx of a recipient */
	uint8_t leg, spares;
	uint8_t await[2];
	uint8_t gw_mail, gw_rcpts, gw_body;
	uint8_t last;               /* the last reply's event: TXN_OK, TXN_DEFER, TXN_REJECT, TXN_EARLY */
	uint8_t saved;              /* the reply remembered: 0 none */
	uint8_t fault, early, delivered, failed;
	uint8_t over;               /* TXN_OVER came in this step */
	uint8_t sent_end;
};

struct step {
	uint32_t from;
	uint8_t event, arg;
};

#define STATES (1u << 20)
static struct world *seen;
static struct step *how;
static uint32_t *table, nseen;
static uint64_t nsteps;

static jmp_buf broken;
static const char *why;

typedef void seed_fn(const struct world *before, enum txn_event ev, struct world *w, struct txn_do *d);
static seed_fn *seed;

static void violated(const char *what)
{
	why = what;
	longjmp(broken, 1);
}

void gp_bug(const char *what)
{
	violated(what);
	abort();
}

#define MUST(cond, what)                \
	do {                            \
		if (!(cond))            \
			violated(what); \
	} while (0)

/* ---- the world's side of each action ---- */

static uint8_t accepted_set(const struct world *w)
{
	uint8_t set = 0;

	for (unsigned i = 0; i < RCPTS; i++)
		if (w->told[i] == TOLD_YES)
			set |= (uint8_t)(1u << i);
	return set;
}

static void await(struct world *w, uint8_t cmd)
{
	MUST(w->leg == LEG_UP, "a command without a connection");
	MUST(!w->await[1], "three commands awaited");
	w->await[w->await[0] ? 1 : 0] = cmd;
}

static void drop_leg(struct world *w)
{
	MUST(w->leg != LEG_NONE, "a leg was let go that is not there");
	w->leg = LEG_NONE;
	w->await[0] = w->await[1] = CMD_NONE;
	w->gw_mail = w->gw_rcpts = w->gw_body = 0;
}

static unsigned nth_accepted(const struct world *w, uint32_t nth)
{
	for (unsigned i = 0; i < RCPTS; i++)
		if (w->told[i] == TOLD_YES && nth-- == 0)
			return i;
	violated("a recipient is sent again that was not accepted");
	return 0;
}

/* The client hears an answer; yes: 2xx or 354. */
static void hears(struct world *w, bool yes, bool defer)
{
	MUST(w->lan != LAN_GONE, "an answer to a client that is gone");
	MUST(w->lan == LAN_PARKED, "an answer that nobody asked for");
	if (w->asked == TXN_ASKS_RCPT) {
		if (!w->other) {
			w->told[w->nrcpt - 1] = yes ? TOLD_YES : TOLD_NO;
			if (yes)
				MUST(w->gw_rcpts & (1u << (w->nrcpt - 1)), "250 to a RCPT that the gateway did not take");
		} else {
			MUST(!yes, "250 to a RCPT of another delivery key");
		}
		w->put_off = (uint8_t)(w->put_off | (!yes && defer));
		w->lan = LAN_ENVELOPE;
	} else if (w->asked == TXN_ASKS_DATA) {
		w->lan = yes ? LAN_CONTENT : LAN_IDLE;
		if (yes)
			MUST(w->gw_body, "354 though the gateway did not say so");
	} else {
		MUST(yes == (w->delivered != 0), yes ? "250 for a mail that the gateway did not take" : "a refusal of a mail that the gateway took");
		w->lan = LAN_IDLE;
	}
	w->asked = TXN_ASKS_NOTHING;
}

static void perform_say(struct world *w, enum txn_action a)
{
	if (a == TXN_SAY_GATEWAY) {
		MUST(w->last, "the gateway's reply is passed on, and there is none");
		hears(w, w->last == TXN_OK, w->last == TXN_DEFER);
	} else if (a == TXN_SAY_SAVED) {
		MUST(w->saved, "a remembered reply is told, and there is none");
		hears(w, false, w->saved == TXN_DEFER);
	} else if (a == TXN_SAY_FAILED) {
		MUST(w->failed, "a gateway is called failed that did not");
		hears(w, false, true);
	} else if (a == TXN_SAY_OTHER) {
		MUST(w->other, "452 4.5.3 to a recipient of the same key");
		hears(w, false, true);
	} else if (a == TXN_SAY_NONE || a == TXN_SAY_PUT_OFF) {
		MUST(w->asked == TXN_ASKS_DATA && !accepted_set(w), "no recipients, though one was accepted");
		MUST((a == TXN_SAY_PUT_OFF) == (w->put_off != 0), "451 and 554 to DATA mixed up");
		hears(w, false, a == TXN_SAY_PUT_OFF);
	} else if (a == TXN_SAY_GO) {
		hears(w, true, false);
	} else {
		MUST(w->fault, "the box refuses content that was right");
		hears(w, false, false);
	}
}

static void perform_send(struct world *w, enum txn_action a)
{
	if (a == TXN_SEND_MAIL) {
		MUST(!w->gw_mail && !w->await[0], "MAIL inside a transaction");
		await(w, CMD_MAIL);
	} else if (a == TXN_SEND_RCPT) {
		MUST(w->asked == TXN_ASKS_RCPT && !w->other, "RCPT though none is asked");
		MUST(w->gw_mail || w->await[0] == CMD_MAIL, "RCPT before MAIL");
		await(w, (uint8_t)(CMD_RCPT + w->nrcpt - 1));
	} else if (a == TXN_SEND_AGAIN) {
		unsigned i = nth_accepted(w, w->t.replayed);

		MUST(w->gw_mail && !w->await[0], "RCPT again before MAIL");
		MUST(!(w->gw_rcpts & (1u << i)), "a recipient is sent twice");
		await(w, (uint8_t)(CMD_RCPT + i));
	} else if (a == TXN_SEND_DATA) {
		MUST(w->asked == TXN_ASKS_DATA, "DATA though the client did not say it");
		MUST(w->gw_rcpts && w->gw_rcpts == accepted_set(w) && !w->await[0], "DATA for other recipients than the client was told");
		await(w, CMD_DATA);
	} else {
		MUST(w->asked == TXN_ASKS_EOM && w->gw_body && !w->fault && !w->early, "an end of data that the client did not send, or of refused content");
		MUST(w->gw_rcpts == accepted_set(w), "the mail goes to others than the client was told");
		MUST(!w->sent_end, "the final dot twice");
		w->sent_end = 1;
		w->gw_body = 0;
		await(w, CMD_END);
	}
}

static void perform_leg(struct world *w, enum txn_action a)
{
	if (a == TXN_DIAL) {
		MUST(w->leg == LEG_NONE, "a second leg");
		w->leg = LEG_OPENING;
	} else if (a == TXN_NEXT) {
		MUST(w->spares > 0, "another address is tried, and there is none");
		drop_leg(w);
		w->spares--;
		w->leg = LEG_OPENING;
	} else if (a == TXN_LEG_KEEP) {
		MUST(w->leg == LEG_UP && !w->await[0] && !w->gw_mail, "a connection is kept inside a transaction");
		drop_leg(w);
	} else if (a == TXN_LEG_RESET) {
		MUST(w->leg == LEG_UP && !w->gw_body, "RSET in the content");
		drop_leg(w);
	} else {
		drop_leg(w);
	}
}

static void perform(struct world *w, enum txn_action a)
{
	if (a >= TXN_SEND_MAIL && a <= TXN_SEND_END) {
		perform_send(w, a);
	} else if (a == TXN_DIAL || a == TXN_NEXT || (a >= TXN_LEG_KEEP && a <= TXN_LEG_CUT)) {
		perform_leg(w, a);
	} else if (a == TXN_SAVE) {
		MUST(w->last == TXN_DEFER || w->last == TXN_REJECT || w->last == TXN_EARLY, "no refusal to remember");
		w->saved = w->last == TXN_DEFER ? TXN_DEFER : TXN_REJECT;
	} else if (a == TXN_OVER) {
		MUST(!w->over, "over twice");
		MUST(w->leg == LEG_NONE, "the transaction is over and the leg is still held");
		w->over = 1;
	} else {
		perform_say(w, a);
	}
}

static void begin_mail(struct world *w)
{
	w->nrcpt = w->other = w->put_off = w->saved = w->fault = w->early = w->delivered = w->failed = w->sent_end = 0;
	memset(w->told, 0, sizeof(w->told));
}

/* What holds between steps. */
static void check(const struct world *before, const struct world *w, enum txn_event ev)
{
	bool open = before->lan != LAN_IDLE || ev == TXN_MAIL;

	MUST(txn_has_leg(&w->t) == (w->leg != LEG_NONE), "the transaction and the world differ about the leg");
	MUST((w->t.phase == TXN_IDLE) == (w->over || !open || (w->lan == LAN_GONE && before->t.phase == TXN_IDLE)), "over and idle do not go together");
	MUST(w->over || before->t.phase == TXN_IDLE || ev != TXN_RESET, "a reset that does not end the transaction");
	MUST(!w->over || w->lan == LAN_IDLE || w->lan == LAN_GONE, "over while the client is in a transaction");
	if (w->lan == LAN_IDLE && before->lan != LAN_IDLE)
		MUST(w->over, "the client is through and the transaction goes on");
	if (w->lan == LAN_PARKED)
		MUST(w->leg == LEG_OPENING || w->await[0], "the client waits and nobody was asked");
	if (w->lan == LAN_GONE && w->leg != LEG_NONE)
		MUST(w->await[0] == CMD_END, "the client is gone before its final dot and the leg lives");
}

/* ---- events ---- */

/* The world's state after the event itself, before the machine hears of it. False: it cannot happen now. */
static bool lan_event(struct world *w, enum txn_event ev, unsigned arg)
{
	switch (ev) {
	case TXN_MAIL:
		if (w->lan != LAN_IDLE || w->mails >= MAILS)
			return false;
		w->mails++;
		begin_mail(w);
		w->lan = LAN_ENVELOPE;
		return true;
	case TXN_RCPT:
	case TXN_RCPT_OTHER:
		if (w->lan != LAN_ENVELOPE || arg || (ev == TXN_RCPT ? w->nrcpt >= RCPTS : w->nrcpt == 0))
			return false;
		w->other = ev == TXN_RCPT_OTHER;
		w->nrcpt = (uint8_t)(w->nrcpt + (ev == TXN_RCPT));
		w->lan = LAN_PARKED;
		w->asked = TXN_ASKS_RCPT;
		return true;
	case TXN_DATA:
		if (w->lan != LAN_ENVELOPE || arg)
			return false;
		w->lan = LAN_PARKED;
		w->asked = TXN_ASKS_DATA;
		return true;
	case TXN_EOM:
		if (w->lan != LAN_CONTENT || arg)
			return false;
		w->lan = LAN_PARKED;
		w->asked = TXN_ASKS_EOM;
		return true;
	case TXN_FAULT:
		if (w->lan != LAN_CONTENT || arg || w->fault)
			return false;
		w->fault = 1;
		return true;
	case TXN_RESET:
		if ((w->lan != LAN_IDLE && w->lan != LAN_ENVELOPE) || arg)
			return false;
		w->lan = LAN_IDLE;
		return true;
	case TXN_GONE:
		if (w->lan == LAN_GONE || arg)
			return false;
		w->lan = LAN_GONE;
		return true;
	case TXN_PATIENCE:
		if (w->lan != LAN_PARKED || arg)
			return false;
		if (w->asked != TXN_ASKS_EOM)
			w->failed = 1;
		return true;
	default:
		return false;
	}
}

static void gateway_took(struct world *w)
{
	uint8_t cmd = w->await[0];

	if (cmd == CMD_MAIL)
		w->gw_mail = 1;
	else if (cmd == CMD_DATA)
		w->gw_body = 1;
	else if (cmd == CMD_END)
		w->delivered = w->gw_rcpts;
	else
		w->gw_rcpts = (uint8_t)(w->gw_rcpts | (1u << (cmd - CMD_RCPT)));
	if (cmd == CMD_END)
		w->gw_mail = w->gw_rcpts = 0;
}

static bool leg_event(struct world *w, enum txn_event ev, unsigned arg)
{
	switch (ev) {
	case TXN_READY:
		if (w->leg != LEG_OPENING || arg)
			return false;
		w->leg = LEG_UP;
		return true;
	case TXN_OK:
	case TXN_DEFER:
	case TXN_REJECT:
		if (w->leg != LEG_UP || !w->await[0] || arg != (ev != TXN_OK && w->spares > 0))
			return false;
		if (ev == TXN_OK)
			gateway_took(w);
		else if (w->t.phase == TXN_AGAIN_MAIL || w->t.phase == TXN_AGAIN_RCPT)
			w->failed = 1;
		w->last = (uint8_t)ev;
		w->await[0] = w->await[1];
		w->await[1] = CMD_NONE;
		return true;
	case TXN_EARLY:
		if (w->leg != LEG_UP || !w->gw_body || arg)
			return false;
		w->early = 1;
		w->last = TXN_EARLY;
		return true;
	case TXN_WANTED:
		return w->leg == LEG_UP && !w->await[0] && !w->gw_body && w->lan == LAN_ENVELOPE && !arg;
	case TXN_FAIL:
		if (w->leg == LEG_NONE || arg != (w->spares > 0))
			return false;
		w->failed = 1;
		return true;
	default:
		return false;
	}
}

static bool step(const struct world *before, struct world *w, enum txn_event ev, unsigned arg)
{
	struct txn_do d = {0};

	*w = *before;
	w->over = 0;
	if (!(ev <= TXN_PATIENCE ? lan_event(w, ev, arg) : leg_event(w, ev, arg)))
		return false;
	txn_on(&w->t, ev, arg, &d);
	if (seed)
		seed(before, ev, w, &d);
	for (unsigned i = 0; i < d.n; i++)
		perform(w, (enum txn_action)d.action[i]);
	check(before, w, ev);
	if (w->over)
		begin_mail(w);
	return true;
}

/* ---- the search ---- */

static uint32_t hash(const struct world *w)
{
	const uint8_t *p = (const uint8_t *)w;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(*w); i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

static bool add(const struct world *w, uint32_t from, enum txn_event ev, unsigned arg)
{
	uint32_t at = hash(w) & (2 * STATES - 1);

	for (; table[at]; at = (at + 1) & (2 * STATES - 1))
		if (memcmp(&seen[table[at] - 1], w, sizeof(*w)) == 0)
			return false;
	if (nseen >= STATES)
		return false;
	seen[nseen] = *w;
	how[nseen] = (struct step){.from = from, .event = (uint8_t)ev, .arg = (uint8_t)arg};
	table[at] = ++nseen;
	return true;
}

static void print_path(uint32_t state, enum txn_event ev, unsigned arg)
{
	if (how[state].from != UINT32_MAX)
		print_path(how[state].from, (enum txn_event)how[state].event, how[state].arg);
	printf("#   %s(%u) in %s\n", txn_event_name(ev), arg, txn_phase_name((enum txn_phase)seen[state].t.phase));
}

/* Explores all; true if no promise was broken. loud: prints how one was. */
static bool explore(seed_fn *with, bool loud)
{
	static volatile uint32_t at;
	static volatile unsigned ev, arg;
	static struct world first, next;

	seed = with;
	nseen = 0;
	nsteps = 0;
	memset(table, 0, 2 * STATES * sizeof(*table));
	memset(&first, 0, sizeof(first));
	first.spares = SPARES;
	txn_init(&first.t);
	add(&first, UINT32_MAX, TXN_RESET, 0);
	if (setjmp(broken)) {
		if (loud) {
			printf("# %s, after:\n", why);
			print_path(at, (enum txn_event)ev, arg);
		}
		return false;
	}
	for (at = 0; at < nseen; at++)
		for (ev = 0; ev < TXN_EVENTS; ev++)
			for (arg = 0; arg < 2; arg++) {
				if (!step(&seen[at], &next, (enum txn_event)ev, arg))
					continue;
				nsteps++;
				add(&next, at, (enum txn_event)ev, arg);
			}
	return true;
}

/* ---- seeded bugs ---- */

static void change(struct txn_do *d, enum txn_action from, int to)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->n; i++) {
		uint8_t a = d->action[i];

		if (a == from && to < 0)
			continue;
		d->action[n++] = a == from ? (uint8_t)to : a;
	}
	d->n = (uint8_t)n;
}

#define SEED(name, condition, mend)                                                                      \
	static void name(const struct world *before, enum txn_event ev, struct world *w, struct txn_do *d) \
	{                                                                                                \
		(void)before, (void)ev, (void)w, (void)d;                                                         \
		if (condition)                                                                           \
			mend;                                                                            \
	}

#define IN(p) (before->t.phase == (p))
SEED(early_250, IN(TXN_BODY) && ev == TXN_EOM, change(d, TXN_SEND_END, TXN_SAY_GO))
SEED(lie_after_failure, IN(TXN_END_SENT) && ev == TXN_FAIL, change(d, TXN_SAY_FAILED, TXN_SAY_GO))
SEED(lost_answer, IN(TXN_RCPT_SENT) && ev == TXN_REJECT, change(d, TXN_SAY_GATEWAY, -1))
SEED(second_answer, IN(TXN_RCPT_SENT) && ev == TXN_OK, d->action[d->n++] = TXN_SAY_GATEWAY)
SEED(leaked_leg, IN(TXN_BODY) && ev == TXN_GONE, change(d, TXN_LEG_CUT, -1))
SEED(kept_inside, IN(TXN_ENVELOPE) && ev == TXN_RESET, change(d, TXN_LEG_RESET, TXN_LEG_KEEP))
SEED(body_goes_on, IN(TXN_BODY) && ev == TXN_GONE, (change(d, TXN_LEG_CUT, TXN_SEND_END), change(d, TXN_OVER, -1)))
SEED(fault_delivered, IN(TXN_BODY) && ev == TXN_FAULT, (d->n = 0, w->t.phase = TXN_BODY))
SEED(no_replay, IN(TXN_AGAIN_MAIL) && ev == TXN_OK, (change(d, TXN_SEND_AGAIN, TXN_SEND_DATA), w->t.phase = TXN_DATA_SENT))
SEED(short_replay, IN(TXN_AGAIN_RCPT) && ev == TXN_OK && w->t.accepted > 1, (change(d, TXN_SEND_AGAIN, TXN_SEND_DATA), w->t.phase = TXN_DATA_SENT))
SEED(counts_refused, IN(TXN_RCPT_SENT) && ev == TXN_DEFER, w->t.accepted++)
SEED(impatient, IN(TXN_END_SENT) && ev == TXN_PATIENCE, (d->action[d->n++] = TXN_SAY_FAILED, w->t.question = 0))
SEED(endless_patience, IN(TXN_OPENING) && ev == TXN_PATIENCE && before->asked, (d->n = 0, w->t = before->t, change(d, TXN_LEG_CUT, -1), d->action[d->n++] = TXN_LEG_CUT))
SEED(never_over, IN(TXN_DATA_SENT) && ev == TXN_REJECT, (change(d, TXN_OVER, -1), w->t.phase = TXN_FAILED))
SEED(wrong_code, ev == TXN_DATA && before->put_off, change(d, TXN_SAY_PUT_OFF, TXN_SAY_NONE))
SEED(other_key_taken, ev == TXN_RCPT_OTHER && IN(TXN_ENVELOPE), change(d, TXN_SAY_OTHER, TXN_SAY_GATEWAY))
SEED(tells_the_dead, IN(TXN_END_SENT) && before->t.gone && ev == TXN_OK, d->action[d->n++] = TXN_SAY_GATEWAY)
SEED(forgets_to_ask, IN(TXN_HELD) && ev == TXN_RCPT, d->n = 0)
SEED(no_more_spares, ev == TXN_FAIL && before->spares == 0 && IN(TXN_OPENING), (d->n = 0, d->action[d->n++] = TXN_NEXT))
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

	seen = calloc(STATES, sizeof(*seen));
	how = calloc(STATES, sizeof(*how));
	table = calloc(2 * STATES, sizeof(*table));
	if (!seen || !how || !table)
		return 1;
	ok(explore(NULL, true), "every order of events keeps the promises");
	printf("# %u states, %llu steps\n", nseen, (unsigned long long)nsteps);
	ok(nseen > 1000 && nseen < STATES, "the search came to its end");
	for (uint32_t i = 0; i < nseen; i++)
		phase[seen[i].t.phase] = true;
	for (unsigned i = 0; i < TXN_PHASES; i++)
		reached += phase[i];
	ok(reached == TXN_PHASES, "every phase was reached");
	for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++) {
		bool found;

		why = "not found";
		found = !explore(seeds[i].fn, false);
		ok(found, "found: %s (%s)", seeds[i].name, why);
	}
	free(seen);
	free(how);
	free(table);
	return done();
}
