/* SPDX-License-Identifier: ISC */
/* The exhaustive explorer of relay/net: a small world (a client, a gateway leg, a file in the spool, two recipients) does
 * everything that its rules allow, in every order, until no new state appears. At each step the promises of DESIGN section 2
 * are checked: 250 means that the gateway or the disk has the mail, for each recipient; nothing is kept of what was refused.
 * Then bugs of each kind are seeded, and each must be found. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "relay/net.h"
#include "tap.h"

#define RCPTS 2
#define MAILS 1
#define SPARES 1

enum { LAN_IDLE, LAN_ENVELOPE, LAN_PARKED, LAN_CONTENT, LAN_GONE, LAN_PARTED };
enum { LEG_NONE, LEG_OPENING, LEG_UP };
enum { TOLD_NOTHING, TOLD_YES, TOLD_NO };
enum { CMD_NONE, CMD_MAIL, CMD_DATA, CMD_END, CMD_RCPT /* + number */ };
enum { FILE_NONE, FILE_OPENING, FILE_OPEN, FILE_COMMITTING, FILE_SAFE, FILE_MARKING, FILE_BROKEN };

struct world {
	struct net n;
	uint8_t lan, asked, mails;  /* asked: enum txn_question */
	uint8_t nrcpt;              /* recipients asked for in this mail */
	uint8_t told[RCPTS];
	uint8_t kept[RCPTS];        /* the spool takes it */
	uint8_t taken[RCPTS];       /* it is known that the gateway has taken it */
	uint8_t mark[RCPTS];        /* in the file, as committed: 0 not there, 1 new, 2 taken */
	uint8_t other;              /* the question is about another delivery key */
	uint8_t put_off;            /* the client was told 4xx of a recipient */
	uint8_t leg, spares;
	uint8_t await[2];
	uint8_t gw_mail, gw_rcpts, gw_body;
	uint8_t last;               /* the last reply's event: TXN_OK, TXN_DEFER, TXN_REJECT, TXN_EARLY */
	uint8_t final;              /* … that reply in the content was 5xx */
	uint8_t saved;              /* the reply remembered: 0 none */
	uint8_t fault, early, delivered, failed, doubt;
	uint8_t day_one;            /* the last failure was one of those */
	uint8_t file;               /* FILE_… */
	uint8_t whole;              /* all of the content went into it */
	uint8_t promised;           /* 250 behind the final dot */
	uint8_t queued, reported;
	uint8_t over;               /* TXN_OVER came in this step */
	uint8_t sent_end;
	uint8_t ended;              /* the final dot came */
};

struct step {
	uint32_t from;
	uint8_t event, arg;
};

#define STATES (1u << 21)
static struct world *seen;
static struct step *how;
static uint32_t *table, nseen;
static uint64_t nsteps;

static jmp_buf broken;
static const char *why;

typedef void seed_fn(const struct world *before, unsigned ev, struct world *w, struct net_do *d);
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
		if (w->told[i] == TOLD_YES && !w->kept[i])
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
		if (w->told[i] == TOLD_YES && !w->kept[i] && nth-- == 0)
			return i;
	violated("a recipient is sent again that was not accepted");
	return 0;
}

/* Is every recipient that was answered 250 with the gateway, or in the file for delivery? */
static bool all_safe(const struct world *w)
{
	for (unsigned i = 0; i < RCPTS; i++) {
		bool there = w->delivered & (1u << i), filed = w->mark[i] == 1 && (w->file == FILE_SAFE || w->queued || w->reported);

		if (w->told[i] == TOLD_YES && !there && !filed)
			return false;
	}
	return true;
}

/* The client hears an answer; yes: 2xx or 354. */
static void hears(struct world *w, bool yes, bool defer)
{
	unsigned last = w->nrcpt - 1u;

	MUST(w->lan != LAN_GONE && w->lan != LAN_PARTED, "an answer to a client that is gone");
	MUST(w->lan == LAN_PARKED, "an answer that nobody asked for");
	if (w->asked == TXN_ASKS_RCPT) {
		if (!w->other)
			w->told[last] = yes ? TOLD_YES : TOLD_NO;
		else
			MUST(!yes, "250 to a RCPT of another delivery key");
		if (yes && !w->kept[last])
			MUST(w->gw_rcpts & (1u << last), "250 to a RCPT that neither gateway nor spool took");
		w->put_off = (uint8_t)(w->put_off | (!yes && defer));
		w->lan = LAN_ENVELOPE;
	} else if (w->asked == TXN_ASKS_DATA) {
		w->lan = yes ? LAN_CONTENT : LAN_IDLE;
		if (yes)
			MUST(w->gw_body || w->file == FILE_OPEN, "354 though neither gateway nor spool is ready");
		w->whole = yes && (w->file == FILE_OPEN || w->file == FILE_OPENING);
	} else {
		if (yes)
			MUST(all_safe(w), "250 for a mail that is not safe");
		else
			MUST(!w->delivered || w->file == FILE_BROKEN || w->file == FILE_NONE, "a refusal of a mail that was taken");
		if (!yes && w->delivered)
			MUST(w->kept[0] || w->kept[1], "a refusal of a mail that the gateway took whole");
		w->promised = yes;
		w->lan = LAN_IDLE;
	}
	w->asked = TXN_ASKS_NOTHING;
}

static void perform_say(struct world *w, unsigned a)
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
		MUST(w->asked == TXN_ASKS_DATA && !accepted_set(w) && !w->kept[0] && !w->kept[1], "no recipients, though one was accepted");
		MUST((a == TXN_SAY_PUT_OFF) == (w->put_off != 0), "451 and 554 to DATA mixed up");
		hears(w, false, a == TXN_SAY_PUT_OFF);
	} else if (a == TXN_SAY_GO) {
		hears(w, true, false);
	} else if (a == NET_SAY_TAKEN) {
		MUST(w->asked == TXN_ASKS_RCPT, "a recipient is taken that nobody asked for");
		w->other = 0;
		w->kept[w->nrcpt - 1] = 1;
		hears(w, true, false);
	} else if (a == NET_SAY_KEPT) {
		MUST(w->asked == TXN_ASKS_EOM && w->file == FILE_SAFE, "kept is said, and it is not");
		hears(w, true, false);
	} else if (a == NET_SAY_NO_SPOOL || a == NET_SAY_UNSAFE) {
		hears(w, false, true);
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
		unsigned i = nth_accepted(w, w->n.txn.replayed);

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

static void file_ends(struct world *w)
{
	w->file = FILE_NONE;
	memset(w->mark, 0, sizeof(w->mark));
}

static void commit(struct world *w)
{
	MUST(w->ended && !w->fault, "a commit before the final dot, or of refused content");
	MUST(w->file == FILE_SAFE || w->file == FILE_OPEN || w->file == FILE_OPENING, "a commit of no file");
	MUST(w->whole || w->file == FILE_SAFE, "a commit of half a mail");
	for (unsigned i = 0; i < RCPTS; i++)
		if (w->told[i] == TOLD_YES)
			w->mark[i] = w->taken[i] ? 2 : 1;
	w->file = w->file == FILE_SAFE ? FILE_MARKING : FILE_COMMITTING;
}

static void release(struct world *w)
{
	bool any = false;

	MUST(w->file == FILE_SAFE || (w->file == FILE_BROKEN && w->promised), "what is not safe goes to the queue");
	for (unsigned i = 0; i < RCPTS; i++) {
		bool there = w->delivered & (1u << i);

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
		MUST(w->asked == TXN_ASKS_DATA, "a file before DATA, or behind it");
		w->file = FILE_OPENING;
	} else if (a == NET_COMMIT) {
		commit(w);
	} else if (a == NET_DROP) {
		MUST(w->file != FILE_NONE, "a file is dropped that is not there");
		if (w->promised)
			for (unsigned i = 0; i < RCPTS; i++)
				MUST(w->told[i] != TOLD_YES || (w->delivered & (1u << i)), "the file of a promised mail is dropped");
		file_ends(w);
	} else if (a == NET_RELEASE || a == NET_RELEASE_LATER) {
		release(w);
	} else if (a == NET_REPORT) {
		MUST(w->file == FILE_SAFE && w->promised && w->last == TXN_REJECT, "a report that nobody is owed");
		w->reported = 1;
		w->file = FILE_NONE;
	} else if (a == NET_KEEP_ALL) {
		for (unsigned i = 0; i < RCPTS; i++)
			w->kept[i] = w->told[i] == TOLD_YES;
	} else if (a == NET_TAKEN) {
		for (unsigned i = 0; i < RCPTS; i++)
			if (w->told[i] == TOLD_YES && !w->kept[i]) {
				MUST(w->delivered & (1u << i), "taken is noted, and the gateway has not");
				w->taken[i] = 1;
			}
	} else if (a == NET_PART) {
		MUST(w->promised && w->file == FILE_SAFE && w->await[0] == CMD_END, "a client parts without its 250, or for nothing");
		w->lan = LAN_PARTED;
	} else {
		perform_say(w, a);
	}
}

static void perform(struct world *w, unsigned a)
{
	if (a >= TXN_SEND_MAIL && a <= TXN_SEND_END) {
		perform_send(w, (enum txn_action)a);
	} else if (a == TXN_DIAL || a == TXN_NEXT || (a >= TXN_LEG_KEEP && a <= TXN_LEG_CUT)) {
		perform_leg(w, (enum txn_action)a);
	} else if (a == TXN_SAVE) {
		MUST(w->last == TXN_DEFER || w->last == TXN_REJECT || w->last == TXN_EARLY, "no refusal to remember");
		w->saved = w->last == TXN_DEFER || (w->last == TXN_EARLY && !w->final) ? TXN_DEFER : TXN_REJECT;
	} else if (a == TXN_OVER) {
		MUST(!w->over, "over twice");
		MUST(w->leg == LEG_NONE, "the transaction is over and the leg is still held");
		MUST(w->file == FILE_NONE || (w->file == FILE_BROKEN && !w->mark[0] && !w->mark[1]), "the transaction is over and the file is still there");
		MUST(!w->promised || all_safe(w), "a promised mail is lost");
		MUST(w->promised || w->lan == LAN_GONE || !w->queued, "the queue has a mail that was refused");
		w->over = 1;
	} else {
		perform_net(w, a);
	}
}

static void begin_mail(struct world *w)
{
	w->nrcpt = w->other = w->put_off = w->saved = w->fault = w->early = w->delivered = w->failed = w->sent_end = 0;
	w->final = w->doubt = w->day_one = w->whole = w->promised = w->queued = w->reported = w->ended = w->last = 0;
	w->file = FILE_NONE;
	memset(w->told, 0, sizeof(w->told));
	memset(w->kept, 0, sizeof(w->kept));
	memset(w->taken, 0, sizeof(w->taken));
	memset(w->mark, 0, sizeof(w->mark));
}

/* What holds between steps. */
static void check(const struct world *before, const struct world *w, unsigned ev)
{
	bool open = before->lan != LAN_IDLE || ev == TXN_MAIL;

	MUST(net_has_leg(&w->n) == (w->leg != LEG_NONE), "the machine and the world differ about the leg");
	MUST(!net_has_tee(&w->n) == (w->file == FILE_NONE || w->file == FILE_BROKEN) || w->over, "the machine and the world differ about the file");
	MUST(net_is_idle(&w->n) == (w->over || !open || (w->lan == LAN_GONE && net_is_idle(&before->n))), "over and idle do not go together");
	MUST(w->over || net_is_idle(&before->n) || ev != TXN_RESET, "a reset that does not end the transaction");
	MUST(!w->over || w->lan == LAN_IDLE || w->lan == LAN_GONE || w->lan == LAN_PARTED, "over while the client is in a transaction");
	if (w->lan == LAN_IDLE && before->lan != LAN_IDLE)
		MUST(w->over, "the client is through and the transaction goes on");
	if (w->lan == LAN_PARKED || w->lan == LAN_PARTED)
		MUST(w->over || w->leg == LEG_OPENING || w->await[0] || w->file == FILE_OPENING || w->file == FILE_COMMITTING || w->file == FILE_MARKING,
		     "somebody waits and nobody was asked");
	if (w->lan == LAN_GONE && !w->ended)
		MUST(w->leg == LEG_NONE && (w->file == FILE_NONE || w->file == FILE_BROKEN), "the client is gone before its final dot and something lives");
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
		if (w->lan != LAN_IDLE || w->mails >= MAILS || arg)
			return false;
		w->mails++;
		begin_mail(w);
		w->lan = LAN_ENVELOPE;
		return true;
	case TXN_RCPT:
	case TXN_RCPT_OTHER:
		if (w->lan != LAN_ENVELOPE || w->nrcpt >= RCPTS || (ev == TXN_RCPT_OTHER && w->nrcpt == 0))
			return false;
		w->other = ev == TXN_RCPT_OTHER && !can;
		w->nrcpt = (uint8_t)(w->nrcpt + (ev == TXN_RCPT || can));
		w->lan = LAN_PARKED;
		w->asked = TXN_ASKS_RCPT;
		return true;
	case TXN_DATA:
		if (w->lan != LAN_ENVELOPE)
			return false;
		w->lan = LAN_PARKED;
		w->asked = TXN_ASKS_DATA;
		return true;
	case TXN_EOM:
		if (w->lan != LAN_CONTENT)
			return false;
		w->lan = LAN_PARKED;
		w->asked = TXN_ASKS_EOM;
		w->ended = 1;
		return true;
	case TXN_FAULT:
		if (w->lan != LAN_CONTENT || w->fault)
			return false;
		w->fault = 1;
		return true;
	case TXN_RESET:
		if (w->lan != LAN_IDLE && w->lan != LAN_ENVELOPE)
			return false;
		w->lan = LAN_IDLE;
		return true;
	case TXN_GONE:
		if (w->lan == LAN_GONE || w->lan == LAN_PARTED)
			return false;
		w->lan = LAN_GONE;
		return true;
	case TXN_PATIENCE:
		if (w->lan != LAN_PARKED)
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

static bool leg_event(struct world *w, unsigned ev, unsigned arg)
{
	bool more = arg & NET_MORE, again = w->n.txn.phase == TXN_AGAIN_MAIL || w->n.txn.phase == TXN_AGAIN_RCPT;

	if (w->n.mode == NET_OFF && (arg & ~(unsigned)(NET_MORE | NET_FINAL)))
		return false;
	if ((arg & NET_MAY_PART) || ((arg & NET_FINAL) && ev != TXN_EARLY) || ((arg & NET_DAY_ONE) && ev != TXN_FAIL))
		return false;
	switch (ev) {
	case TXN_READY:
		if (w->leg != LEG_OPENING || more)
			return false;
		w->leg = LEG_UP;
		return true;
	case TXN_OK:
	case TXN_DEFER:
	case TXN_REJECT:
		if (w->leg != LEG_UP || !w->await[0] || more != (ev != TXN_OK && w->spares > 0))
			return false;
		if (ev == TXN_OK)
			gateway_took(w);
		else if (again)
			w->failed = 1;
		w->last = (uint8_t)ev;
		w->await[0] = w->await[1];
		w->await[1] = CMD_NONE;
		return true;
	case TXN_EARLY:
		if (w->leg != LEG_UP || !w->gw_body || more)
			return false;
		w->early = 1;
		w->final = (arg & NET_FINAL) != 0;
		w->last = TXN_EARLY;
		return true;
	case TXN_WANTED:
		return w->leg == LEG_UP && !w->await[0] && !w->gw_body && w->lan == LAN_ENVELOPE && !arg;
	case TXN_FAIL:
		if (w->leg == LEG_NONE || more != (w->spares > 0))
			return false;
		w->doubt = w->await[0] == CMD_END;
		w->failed = 1;
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
		return w->lan == LAN_PARKED && w->asked == TXN_ASKS_EOM && !arg;
	default:
		return false;
	}
}

static bool step(const struct world *before, struct world *w, unsigned ev, unsigned arg)
{
	struct net_do d = {0};
	bool can;

	*w = *before;
	w->over = 0;
	can = ev >= TXN_EVENTS ? disk_event(w, ev, arg) : ev <= TXN_PATIENCE ? lan_event(w, ev, arg) : leg_event(w, ev, arg);
	if (!can)
		return false;
	net_on(&w->n, ev, arg, &d);
	if (seed)
		seed(before, ev, w, &d);
	for (unsigned i = 0; i < d.n; i++)
		perform(w, d.action[i]);
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

static bool add(const struct world *w, uint32_t from, unsigned ev, unsigned arg)
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

static void print_path(uint32_t state, unsigned ev, unsigned arg)
{
	if (how[state].from != UINT32_MAX)
		print_path(how[state].from, how[state].event, how[state].arg);
	printf("#   %s(%u) in %s, %s, tee %u\n", net_event_name(ev), arg, net_state_name((enum net_state)seen[state].n.state),
	       txn_phase_name((enum txn_phase)seen[state].n.txn.phase), seen[state].file);
}

/* Explores all; true if no promise was broken. loud: prints how one was. */
static bool explore(enum net_mode mode, seed_fn *with, bool loud)
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
	net_init(&first.n, mode);
	add(&first, UINT32_MAX, TXN_RESET, 0);
	if (setjmp(broken)) {
		if (loud) {
			printf("# %s, after:\n", why);
			print_path(at, ev, arg);
		}
		return false;
	}
	for (at = 0; at < nseen; at++)
		for (ev = 0; ev < NET_EVENTS; ev++)
			for (arg = 0; arg < 32; arg++) {
				if (!step(&seen[at], &next, ev, arg))
					continue;
				nsteps++;
				add(&next, at, ev, arg);
			}
	return true;
}

/* ---- seeded bugs ---- */

static void change(struct net_do *d, unsigned from, int to)
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

#define SEED(name, condition, mend)                                                                 \
	static void name(const struct world *before, unsigned ev, struct world *w, struct net_do *d) \
	{                                                                                           \
		(void)before, (void)ev, (void)w, (void)d;                                            \
		if (condition)                                                                      \
			mend;                                                                       \
	}

#define STATE(s) (before->n.state == (s))
#define PHASE(p) (before->n.txn.phase == (p))
SEED(early_250, STATE(NET_ALONE) && ev == TXN_EOM, change(d, NET_COMMIT, NET_SAY_KEPT))
SEED(unsafe_250, STATE(NET_SETTLING) && ev == NET_UNSAFE, (change(d, NET_SAY_UNSAFE, NET_SAY_KEPT)))
SEED(leaked_file, STATE(NET_ALONE) && ev == TXN_GONE, change(d, NET_DROP, -1))
SEED(dropped_promise, STATE(NET_PARTED) && ev == TXN_DEFER, (change(d, NET_RELEASE_LATER, NET_DROP), change(d, NET_KEEP_ALL, -1)))
SEED(keeps_refused, PHASE(TXN_END_SENT) && ev == TXN_REJECT && STATE(NET_LIVE), change(d, NET_DROP, NET_RELEASE))
SEED(delivers_twice, PHASE(TXN_END_SENT) && ev == TXN_OK, change(d, NET_TAKEN, -1))
SEED(forgets_kept, PHASE(TXN_END_SENT) && ev == TXN_OK && before->n.kept, (d->n = 0, d->action[d->n++] = TXN_LEG_KEEP, d->action[d->n++] = TXN_SAY_GATEWAY,
	d->action[d->n++] = NET_DROP, d->action[d->n++] = TXN_OVER, net_init(&w->n, (enum net_mode)w->n.mode)))
SEED(no_report, STATE(NET_PARTED) && ev == TXN_REJECT, change(d, NET_REPORT, NET_DROP))
SEED(half_mail, STATE(NET_LIVE) && PHASE(TXN_BODY) && ev == TXN_FAIL, (change(d, NET_KEEP_ALL, NET_COMMIT)))
SEED(late_file, STATE(NET_LIVE) && PHASE(TXN_BODY) && ev == TXN_FAIL, (d->action[d->n++] = NET_OPEN))
SEED(parts_unsafe, PHASE(TXN_END_SENT) && ev == NET_HALF && (before->n.tee == NET_TEE_OPEN || before->n.tee == NET_TEE_OPENING), (d->action[d->n++] = NET_SAY_KEPT, d->action[d->n++] = NET_PART))
SEED(takes_other, ev == TXN_RCPT_OTHER && PHASE(TXN_ENVELOPE), change(d, TXN_SAY_OTHER, TXN_SAY_GATEWAY))
SEED(answers_twice, ev == NET_OPENED && STATE(NET_KEEPING), d->action[d->n++] = TXN_SAY_GO)
SEED(never_answers, ev == NET_REFUSED && STATE(NET_KEEPING), (d->n = 0, w->n = before->n, w->n.tee = NET_TEE_GONE))
SEED(tells_the_dead, STATE(NET_SETTLING) && before->n.gone && ev == NET_SAFE, d->action[d->n++] = NET_SAY_KEPT)
SEED(keeps_fault, STATE(NET_ALONE) && ev == TXN_FAULT, (d->n = 0, w->n = before->n))
SEED(leaked_leg, ev == TXN_RCPT_OTHER && PHASE(TXN_ENVELOPE), change(d, TXN_LEG_RESET, -1))

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
	printf("# %u states, %llu steps\n", nseen, (unsigned long long)nsteps);
	ok(nseen > 50 && nseen < STATES, "%s: the search came to its end", name);
	for (uint32_t i = 0; i < nseen; i++)
		reached |= 1u << seen[i].n.state;
	ok(reached == wanted, "%s: every state was reached, and no other (%x)", name, reached);
}

int main(void)
{
	const unsigned alone = 1u << NET_LIVE | 1u << NET_KEEPING | 1u << NET_ALONE | 1u << NET_VOID | 1u << NET_SETTLING;

	seen = calloc(STATES, sizeof(*seen));
	how = calloc(STATES, sizeof(*how));
	table = calloc(2 * STATES, sizeof(*table));
	if (!seen || !how || !table)
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
	free(seen);
	free(how);
	free(table);
	return done();
}
