/* SPDX-License-Identifier: ISC */
/* The exhaustive explorer of relay/net: a small world (a client, a gateway leg, a file in the spool, two recipients) does
 * everything that its rules allow, in every order, until no new state appears. At each step the promises of DESIGN section 2
 * are checked: 250 means that the gateway or the disk has the mail, for each recipient; nothing is kept of what was refused.
 * Then bugs of each kind are seeded, and each must be found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/net.h"
#include "tap.h"

#define RCPTS 2
#define MAILS 1
#define SPARES 1

#include "lib/search.h"
#include "lib/sides.h"

enum { FILE_NONE, FILE_OPENING, FILE_OPEN, FILE_COMMITTING, FILE_SAFE, FILE_MARKING, FILE_BROKEN };

struct world {
	struct net n;
	struct sides s;
	uint8_t kept[RCPTS];        /* the spool takes it */
	uint8_t taken[RCPTS];       /* it is known that the gateway has taken it */
	uint8_t mark[RCPTS];        /* in the file, as committed: 0 not there, 1 new, 2 taken */
	uint8_t final;              /* … that reply in the content was 5xx */
	uint8_t doubt;
	uint8_t day_one;            /* the last failure was one of those */
	uint8_t file;               /* FILE_… */
	uint8_t whole;              /* all of the content went into it */
	uint8_t promised;           /* 250 behind the final dot */
	uint8_t queued, reported;
	uint8_t ended;              /* the final dot came */
};

typedef void seed_fn(const struct world *before, unsigned ev, struct world *w, struct net_do *d);
static seed_fn *seed;

/* ---- the world's side of each action ---- */

static uint8_t accepted_set(const struct world *w)
{
	uint8_t set = 0;

	for (unsigned i = 0; i < RCPTS; i++)
		if (w->s.told[i] == TOLD_YES && !w->kept[i])
			set |= (uint8_t)(1u << i);
	return set;
}

/* Is every recipient that was answered 250 with the gateway, or in the file for delivery? */
static bool all_safe(const struct world *w)
{
	for (unsigned i = 0; i < RCPTS; i++) {
		bool there = w->s.delivered & (1u << i), filed = w->mark[i] == 1 && (w->file == FILE_SAFE || w->queued || w->reported);

		if (w->s.told[i] == TOLD_YES && !there && !filed)
			return false;
	}
	return true;
}

/* The client hears an answer; yes: 2xx or 354. */
static void hears(struct world *w, bool yes, bool defer)
{
	unsigned last = w->s.nrcpt - 1u;

	MUST(w->s.lan != LAN_GONE && w->s.lan != LAN_PARTED, "an answer to a client that is gone");
	MUST(w->s.lan == LAN_PARKED, "an answer that nobody asked for");
	if (w->s.asked == TXN_ASKS_RCPT) {
		if (!w->s.other)
			w->s.told[last] = yes ? TOLD_YES : TOLD_NO;
		else
			MUST(!yes, "250 to a RCPT of another delivery key");
		if (yes && !w->kept[last])
			MUST(w->s.gw_rcpts & (1u << last), "250 to a RCPT that neither gateway nor spool took");
		w->s.put_off = (uint8_t)(w->s.put_off | (!yes && defer));
		w->s.lan = LAN_ENVELOPE;
	} else if (w->s.asked == TXN_ASKS_DATA) {
		w->s.lan = yes ? LAN_CONTENT : LAN_IDLE;
		if (yes)
			MUST(w->s.gw_body || w->file == FILE_OPEN, "354 though neither gateway nor spool is ready");
		w->whole = yes && (w->file == FILE_OPEN || w->file == FILE_OPENING);
	} else {
		if (yes)
			MUST(all_safe(w), "250 for a mail that is not safe");
		else
			MUST(!w->s.delivered || w->file == FILE_BROKEN || w->file == FILE_NONE, "a refusal of a mail that was taken");
		if (!yes && w->s.delivered)
			MUST(w->kept[0] || w->kept[1], "a refusal of a mail that the gateway took whole");
		w->promised = yes;
		w->s.lan = LAN_IDLE;
	}
	w->s.asked = TXN_ASKS_NOTHING;
}

static void perform_say(struct world *w, unsigned a)
{
	if (a == NET_SAY_TAKEN) {
		MUST(w->s.asked == TXN_ASKS_RCPT, "a recipient is taken that nobody asked for");
		w->s.other = 0;
		w->kept[w->s.nrcpt - 1] = 1;
		hears(w, true, false);
	} else if (a == NET_SAY_KEPT) {
		MUST(w->s.asked == TXN_ASKS_EOM && w->file == FILE_SAFE, "kept is said, and it is not");
		hears(w, true, false);
	} else if (a == NET_SAY_NO_SPOOL || a == NET_SAY_UNSAFE) {
		hears(w, false, true);
	} else {
		struct answer said = answer_of(&w->s, a, (uint8_t)(accepted_set(w) | w->kept[0] | w->kept[1]));

		hears(w, said.yes, said.defer);
	}
}

static void file_ends(struct world *w)
{
	w->file = FILE_NONE;
	memset(w->mark, 0, sizeof(w->mark));
}

static void commit(struct world *w)
{
	MUST(w->ended && !w->s.fault, "a commit before the final dot, or of refused content");
	MUST(w->file == FILE_SAFE || w->file == FILE_OPEN || w->file == FILE_OPENING, "a commit of no file");
	MUST(w->whole || w->file == FILE_SAFE, "a commit of half a mail");
	for (unsigned i = 0; i < RCPTS; i++)
		if (w->s.told[i] == TOLD_YES)
			w->mark[i] = w->taken[i] ? 2 : 1;
	w->file = w->file == FILE_SAFE ? FILE_MARKING : FILE_COMMITTING;
}

static void release(struct world *w)
{
	bool any = false;

	MUST(w->file == FILE_SAFE || (w->file == FILE_BROKEN && w->promised), "what is not safe goes to the queue");
	for (unsigned i = 0; i < RCPTS; i++) {
		bool there = w->s.delivered & (1u << i);

		any = any || w->mark[i] == 1;
		if (w->file == FILE_SAFE)
			MUST(!(w->mark[i] == 1 && there), "the queue delivers what the gateway has taken");
		MUST(!(w->mark[i] == 2 && !there), "the file says taken, and the gateway has not");
	}
	MUST(any, "the queue gets a mail with nothing to do");
	w->queued = 1;
	w->file = FILE_NONE;
}

static void perform_net(struct world *w, unsigned a)
{
	if (a == NET_OPEN) {
		MUST(w->file == FILE_NONE, "a second file");
		MUST(w->s.asked == TXN_ASKS_DATA, "a file before DATA, or behind it");
		w->file = FILE_OPENING;
	} else if (a == NET_COMMIT) {
		commit(w);
	} else if (a == NET_DROP) {
		MUST(w->file != FILE_NONE, "a file is dropped that is not there");
		if (w->promised)
			for (unsigned i = 0; i < RCPTS; i++)
				MUST(w->s.told[i] != TOLD_YES || (w->s.delivered & (1u << i)), "the file of a promised mail is dropped");
		file_ends(w);
	} else if (a == NET_RELEASE || a == NET_RELEASE_LATER) {
		release(w);
	} else if (a == NET_REPORT) {
		MUST(w->file == FILE_SAFE && w->promised && w->s.last == TXN_REJECT, "a report that nobody is owed");
		w->reported = 1;
		w->file = FILE_NONE;
	} else if (a == NET_KEEP_ALL) {
		for (unsigned i = 0; i < RCPTS; i++)
			w->kept[i] = w->s.told[i] == TOLD_YES;
	} else if (a == NET_TAKEN) {
		for (unsigned i = 0; i < RCPTS; i++)
			if (w->s.told[i] == TOLD_YES && !w->kept[i]) {
				MUST(w->s.delivered & (1u << i), "taken is noted, and the gateway has not");
				w->taken[i] = 1;
			}
	} else if (a == NET_PART) {
		MUST(w->promised && w->file == FILE_SAFE && w->s.await[0] == CMD_END, "a client parts without its 250, or for nothing");
		w->s.lan = LAN_PARTED;
	} else {
		perform_say(w, a);
	}
}

static void perform(struct world *w, unsigned a)
{
	if (is_send(a)) {
		perform_send(&w->s, (enum txn_action)a, accepted_set(w), w->n.txn.replayed);
	} else if (is_leg(a)) {
		perform_leg(&w->s, (enum txn_action)a);
	} else if (a == TXN_SAVE) {
		MUST(w->s.last == TXN_DEFER || w->s.last == TXN_REJECT || w->s.last == TXN_EARLY, "no refusal to remember");
		w->s.saved = w->s.last == TXN_DEFER || (w->s.last == TXN_EARLY && !w->final) ? TXN_DEFER : TXN_REJECT;
	} else if (a == TXN_OVER) {
		MUST(!w->s.over, "over twice");
		MUST(w->s.leg == LEG_NONE, "the transaction is over and the leg is still held");
		MUST(w->file == FILE_NONE || (w->file == FILE_BROKEN && !w->mark[0] && !w->mark[1]), "the transaction is over and the file is still there");
		MUST(!w->promised || all_safe(w), "a promised mail is lost");
		MUST(w->promised || w->s.lan == LAN_GONE || !w->queued, "the queue has a mail that was refused");
		w->s.over = 1;
	} else {
		perform_net(w, a);
	}
}

static void begin_mail(struct world *w)
{
	begin_sides(&w->s);
	w->s.last = 0;
	w->final = w->doubt = w->day_one = w->whole = w->promised = w->queued = w->reported = w->ended = 0;
	w->file = FILE_NONE;
	memset(w->kept, 0, sizeof(w->kept));
	memset(w->taken, 0, sizeof(w->taken));
	memset(w->mark, 0, sizeof(w->mark));
}

/* What holds between steps. */
static void check(const struct world *before, const struct world *w, unsigned ev)
{
	bool open = before->s.lan != LAN_IDLE || ev == TXN_MAIL;

	MUST(net_has_leg(&w->n) == (w->s.leg != LEG_NONE), "the machine and the world differ about the leg");
	MUST(!net_has_tee(&w->n) == (w->file == FILE_NONE || w->file == FILE_BROKEN) || w->s.over, "the machine and the world differ about the file");
	MUST(net_is_idle(&w->n) == (w->s.over || !open || (w->s.lan == LAN_GONE && net_is_idle(&before->n))), "over and idle do not go together");
	MUST(w->s.over || net_is_idle(&before->n) || ev != TXN_RESET, "a reset that does not end the transaction");
	MUST(!w->s.over || w->s.lan == LAN_IDLE || w->s.lan == LAN_GONE || w->s.lan == LAN_PARTED, "over while the client is in a transaction");
	if (w->s.lan == LAN_IDLE && before->s.lan != LAN_IDLE)
		MUST(w->s.over, "the client is through and the transaction goes on");
	if (w->s.lan == LAN_PARKED || w->s.lan == LAN_PARTED)
		MUST(w->s.over || w->s.leg == LEG_OPENING || w->s.await[0] || w->file == FILE_OPENING || w->file == FILE_COMMITTING || w->file == FILE_MARKING,
		     "somebody waits and nobody was asked");
	if (w->s.lan == LAN_GONE && !w->ended)
		MUST(w->s.leg == LEG_NONE && (w->file == FILE_NONE || w->file == FILE_BROKEN), "the client is gone before its final dot and something lives");
}

/* ---- events ---- */

/* The world's state after the event itself, before the machine hears of it. False: it cannot happen now. */
static bool lan_event(struct world *w, unsigned ev, unsigned arg)
{
	bool can = (arg & NET_CAN) && w->n.mode != NET_OFF;

	if (arg & (NET_MORE | NET_FINAL) || (w->n.mode == NET_OFF && arg))
		return false;
	if ((arg & NET_MAY_PART) && ev != TXN_PATIENCE)
		return false;
	if ((arg & NET_DAY_ONE) && ev != TXN_PATIENCE && !w->day_one)
		return false;
	switch (ev) {
	case TXN_MAIL:
		if (w->s.lan != LAN_IDLE || w->s.mails >= MAILS || arg)
			return false;
		w->s.mails++;
		begin_mail(w);
		w->s.lan = LAN_ENVELOPE;
		return true;
	case TXN_RCPT:
	case TXN_RCPT_OTHER:
		if (w->s.lan != LAN_ENVELOPE || w->s.nrcpt >= RCPTS || (ev == TXN_RCPT_OTHER && w->s.nrcpt == 0))
			return false;
		w->s.other = ev == TXN_RCPT_OTHER && !can;
		w->s.nrcpt = (uint8_t)(w->s.nrcpt + (ev == TXN_RCPT || can));
		w->s.lan = LAN_PARKED;
		w->s.asked = TXN_ASKS_RCPT;
		return true;
	default:
		if (!client_does(&w->s, (enum txn_event)ev))
			return false;
		w->ended = w->ended || ev == TXN_EOM;
		return true;
	}
}

static bool leg_event(struct world *w, unsigned ev, unsigned arg)
{
	bool more = arg & NET_MORE, again = w->n.txn.phase == TXN_AGAIN_MAIL || w->n.txn.phase == TXN_AGAIN_RCPT;

	if (w->n.mode == NET_OFF && (arg & ~(unsigned)(NET_MORE | NET_FINAL)))
		return false;
	if ((arg & NET_MAY_PART) || ((arg & NET_FINAL) && ev != TXN_EARLY) || ((arg & NET_DAY_ONE) && ev != TXN_FAIL))
		return false;
	switch (ev) {
	case TXN_READY:
		if (w->s.leg != LEG_OPENING || more)
			return false;
		w->s.leg = LEG_UP;
		return true;
	case TXN_OK:
	case TXN_DEFER:
	case TXN_REJECT:
		return gateway_replies(&w->s, (enum txn_event)ev, more, again);
	case TXN_EARLY:
		if (w->s.leg != LEG_UP || !w->s.gw_body || more)
			return false;
		w->s.early = 1;
		w->final = (arg & NET_FINAL) != 0;
		w->s.last = TXN_EARLY;
		return true;
	case TXN_WANTED:
		return w->s.leg == LEG_UP && !w->s.await[0] && !w->s.gw_body && w->s.lan == LAN_ENVELOPE && !arg;
	case TXN_FAIL:
		if (w->s.leg == LEG_NONE || more != (w->s.spares > 0))
			return false;
		w->doubt = w->s.await[0] == CMD_END;
		w->s.failed = 1;
		w->day_one = (arg & NET_DAY_ONE) != 0;
		return true;
	default:
		return false;
	}
}

static bool disk_event(struct world *w, unsigned ev, unsigned arg)
{
	if (arg & ~(unsigned)NET_MAY_PART)
		return false;
	switch (ev) {
	case NET_OPENED:
		if (w->file != FILE_OPENING || arg)
			return false;
		w->file = FILE_OPEN;
		return true;
	case NET_REFUSED:
		if (w->file != FILE_OPENING || arg)
			return false;
		w->file = FILE_BROKEN;
		return true;
	case NET_LOST:
		if ((w->file != FILE_OPENING && w->file != FILE_OPEN) || arg)
			return false;
		w->file = FILE_BROKEN;
		w->whole = 0;
		return true;
	case NET_SAFE:
		if (w->file != FILE_COMMITTING && w->file != FILE_MARKING)
			return false;
		w->file = FILE_SAFE;
		return true;
	case NET_UNSAFE:
		if ((w->file != FILE_COMMITTING && w->file != FILE_MARKING) || arg)
			return false;
		if (w->file == FILE_COMMITTING) /* it is gone */
			memset(w->mark, 0, sizeof(w->mark));
		else
			for (unsigned i = 0; i < RCPTS; i++)
				w->mark[i] = w->mark[i] ? 1 : 0;
		w->file = FILE_BROKEN;
		return true;
	case NET_HALF:
		return w->s.lan == LAN_PARKED && w->s.asked == TXN_ASKS_EOM && !arg;
	default:
		return false;
	}
}

static bool step(const void *state, void *next, unsigned ev, unsigned arg)
{
	const struct world *before = state;
	struct world *w = next;
	struct net_do d = {0};
	bool can;

	*w = *before;
	w->s.over = 0;
	can = ev >= TXN_EVENTS ? disk_event(w, ev, arg) : ev <= TXN_PATIENCE ? lan_event(w, ev, arg) : leg_event(w, ev, arg);
	if (!can)
		return false;
	net_on(&w->n, ev, arg, &d);
	if (seed)
		seed(before, ev, w, &d);
	for (unsigned i = 0; i < d.n; i++)
		perform(w, d.action[i]);
	check(before, w, ev);
	if (w->s.over)
		begin_mail(w);
	return true;
}

/* ---- the search ---- */

static void show(const void *state, unsigned ev, unsigned arg)
{
	const struct world *w = state;

	printf("#   %s(%u) in %s, %s, tee %u\n", net_event_name(ev), arg, net_state_name((enum net_state)w->n.state),
	       txn_phase_name((enum txn_phase)w->n.txn.phase), w->file);
}

static struct search search = {
	.size = sizeof(struct world), .most = 1u << 21, .events = NET_EVENTS, .args = 32, .step = step, .show = show,
};

/* Explores all; true if no promise was broken. loud: prints how one was. */
static bool explore(enum net_mode mode, seed_fn *with, bool loud)
{
	static struct world first, next;

	seed = with;
	memset(&first, 0, sizeof(first));
	first.s.spares = SPARES;
	net_init(&first.n, mode);
	return search_run(&search, &first, &next, loud);
}

/* ---- seeded bugs ---- */

#define CHANGE(from, to) search_change(d->action, &d->n, from, to)

#define SEED(name, condition, mend)                                                                 \
	static void name(const struct world *before, unsigned ev, struct world *w, struct net_do *d) \
	{                                                                                           \
		(void)before, (void)ev, (void)w, (void)d;                                            \
		if (condition)                                                                      \
			mend;                                                                       \
	}

#define STATE(s) (before->n.state == (s))
#define PHASE(p) (before->n.txn.phase == (p))
SEED(early_250, STATE(NET_ALONE) && ev == TXN_EOM, CHANGE(NET_COMMIT, NET_SAY_KEPT))
SEED(unsafe_250, STATE(NET_SETTLING) && ev == NET_UNSAFE, (CHANGE(NET_SAY_UNSAFE, NET_SAY_KEPT)))
SEED(leaked_file, STATE(NET_ALONE) && ev == TXN_GONE, CHANGE(NET_DROP, -1))
SEED(dropped_promise, STATE(NET_PARTED) && ev == TXN_DEFER, (CHANGE(NET_RELEASE_LATER, NET_DROP), CHANGE(NET_KEEP_ALL, -1)))
SEED(keeps_refused, PHASE(TXN_END_SENT) && ev == TXN_REJECT && STATE(NET_LIVE), CHANGE(NET_DROP, NET_RELEASE))
SEED(delivers_twice, PHASE(TXN_END_SENT) && ev == TXN_OK, CHANGE(NET_TAKEN, -1))
SEED(forgets_kept, PHASE(TXN_END_SENT) && ev == TXN_OK && before->n.kept, (d->n = 0, d->action[d->n++] = TXN_LEG_KEEP, d->action[d->n++] = TXN_SAY_GATEWAY,
	d->action[d->n++] = NET_DROP, d->action[d->n++] = TXN_OVER, net_init(&w->n, (enum net_mode)w->n.mode)))
SEED(no_report, STATE(NET_PARTED) && ev == TXN_REJECT, CHANGE(NET_REPORT, NET_DROP))
SEED(half_mail, STATE(NET_LIVE) && PHASE(TXN_BODY) && ev == TXN_FAIL, (CHANGE(NET_KEEP_ALL, NET_COMMIT)))
SEED(late_file, STATE(NET_LIVE) && PHASE(TXN_BODY) && ev == TXN_FAIL, (d->action[d->n++] = NET_OPEN))
SEED(parts_unsafe, PHASE(TXN_END_SENT) && ev == NET_HALF && (before->n.tee == NET_TEE_OPEN || before->n.tee == NET_TEE_OPENING), (d->action[d->n++] = NET_SAY_KEPT, d->action[d->n++] = NET_PART))
SEED(takes_other, ev == TXN_RCPT_OTHER && PHASE(TXN_ENVELOPE), CHANGE(TXN_SAY_OTHER, TXN_SAY_GATEWAY))
SEED(answers_twice, ev == NET_OPENED && STATE(NET_KEEPING), d->action[d->n++] = TXN_SAY_GO)
SEED(never_answers, ev == NET_REFUSED && STATE(NET_KEEPING), (d->n = 0, w->n = before->n, w->n.tee = NET_TEE_GONE))
SEED(tells_the_dead, STATE(NET_SETTLING) && before->n.gone && ev == NET_SAFE, d->action[d->n++] = NET_SAY_KEPT)
SEED(keeps_fault, STATE(NET_ALONE) && ev == TXN_FAULT, (d->n = 0, w->n = before->n))
SEED(leaked_leg, ev == TXN_RCPT_OTHER && PHASE(TXN_ENVELOPE), CHANGE(TXN_LEG_RESET, -1))

static const struct {
	const char *name;
	seed_fn *fn;
	enum net_mode mode;
} seeds[] = {
	{"250 before the commit", early_250, NET_ALWAYS},
	{"250 for a commit that failed", unsafe_250, NET_ALWAYS},
	{"a file that nobody removes", leaked_file, NET_ALWAYS},
	{"the file of a promised mail is dropped", dropped_promise, NET_FALLBACK},
	{"a refused mail is kept", keeps_refused, NET_FALLBACK},
	{"the queue delivers what the gateway has taken", delivers_twice, NET_FALLBACK},
	{"a recipient that was put off is forgotten", forgets_kept, NET_FALLBACK},
	{"a refusal behind the 250 is told nobody", no_report, NET_FALLBACK},
	{"half a mail is committed", half_mail, NET_FALLBACK},
	{"a file begun in the content", late_file, NET_FALLBACK},
	{"a client parts before the file is safe", parts_unsafe, NET_FALLBACK},
	{"a recipient of another key is taken", takes_other, NET_FALLBACK},
	{"a question that is answered twice", answers_twice, NET_ALWAYS},
	{"a question that is never answered", never_answers, NET_ALWAYS},
	{"an answer to a client that is gone", tells_the_dead, NET_ALWAYS},
	{"content that the box refuses is kept", keeps_fault, NET_ALWAYS},
	{"a leg that is never let go", leaked_leg, NET_FALLBACK},
};

static void whole(enum net_mode mode, const char *name, unsigned wanted)
{
	unsigned reached = 0;

	ok(explore(mode, NULL, true), "%s: every order of events keeps the promises", name);
	printf("# %u states, %llu steps\n", search.n, (unsigned long long)search.steps);
	ok(search.n > 50 && search.n < search.most, "%s: the search came to its end", name);
	for (uint32_t i = 0; i < search.n; i++)
		reached |= 1u << ((const struct world *)search_state(&search, i))->n.state;
	ok(reached == wanted, "%s: every state was reached, and no other (%x)", name, reached);
}

int main(void)
{
	const unsigned alone = 1u << NET_LIVE | 1u << NET_KEEPING | 1u << NET_ALONE | 1u << NET_VOID | 1u << NET_SETTLING;

	if (!search_begin(&search))
		return 1;
	whole(NET_OFF, "off", 1u << NET_LIVE);
	whole(NET_ALWAYS, "always", alone);
	whole(NET_FALLBACK, "fallback", alone | 1u << NET_PARTED);
	for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++) {
		bool found;

		why = "not found";
		found = !explore(seeds[i].mode, seeds[i].fn, false);
		ok(found, "found: %s (%s)", seeds[i].name, why);
	}
	search_end(&search);
	return done();
}
