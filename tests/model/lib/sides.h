/* SPDX-License-Identifier: ISC */
/* For models of relay/txn and of relay/net around it: the two sides of a transaction, a client on the LAN and a leg to the
 * gateway, and what each action of the machine means to them. RCPTS, the recipients of a mail, comes from whoever includes it. */
#ifndef TESTS_MODEL_SIDES_H
#define TESTS_MODEL_SIDES_H

#include "promise.h"
#include "relay/txn.h"

enum { LAN_IDLE, LAN_ENVELOPE, LAN_PARKED, LAN_CONTENT, LAN_GONE, LAN_PARTED };
enum { LEG_NONE, LEG_OPENING, LEG_UP };
enum { TOLD_NOTHING, TOLD_YES, TOLD_NO };
enum { CMD_NONE, CMD_MAIL, CMD_DATA, CMD_END, CMD_RCPT /* + number */ };

struct sides {
	uint8_t lan, asked, mails; /* asked: enum txn_question */
	uint8_t nrcpt;             /* recipients asked for in this mail */
	uint8_t told[RCPTS];
	uint8_t other;             /* the question is about another delivery key */
	uint8_t put_off;           /* the client was told 4xx of a recipient */
	uint8_t leg, spares;
	uint8_t await[2];
	uint8_t gw_mail, gw_rcpts, gw_body;
	uint8_t last;              /* the last reply's event: TXN_OK, TXN_DEFER, TXN_REJECT, TXN_EARLY */
	uint8_t saved;             /* the reply remembered: 0 none */
	uint8_t fault, early, delivered, failed;
	uint8_t over;              /* TXN_OVER came in this step */
	uint8_t sent_end;
};

/* Sets of recipients: bit i is the recipient number i. That number of the nth one in the set. */
static unsigned nth_of(uint8_t set, uint32_t nth)
{
	for (unsigned i = 0; i < RCPTS; i++)
		if ((set & (1u << i)) && nth-- == 0)
			return i;
	violated("a recipient is sent again that was not accepted");
	return 0;
}

static void await(struct sides *w, uint8_t cmd)
{
	MUST(w->leg == LEG_UP, "a command without a connection");
	MUST(!w->await[1], "three commands awaited");
	w->await[w->await[0] ? 1 : 0] = cmd;
}

static void drop_leg(struct sides *w)
{
	MUST(w->leg != LEG_NONE, "a leg was let go that is not there");
	w->leg = LEG_NONE;
	w->await[0] = w->await[1] = CMD_NONE;
	w->gw_mail = w->gw_rcpts = w->gw_body = 0;
}

/* accepted: the recipients that the gateway is to have. again: how many it was told again. */
static void perform_send(struct sides *w, enum txn_action a, uint8_t accepted, uint32_t again)
{
	if (a == TXN_SEND_MAIL) {
		MUST(!w->gw_mail && !w->await[0], "MAIL inside a transaction");
		await(w, CMD_MAIL);
	} else if (a == TXN_SEND_RCPT) {
		MUST(w->asked == TXN_ASKS_RCPT && !w->other, "RCPT though none is asked");
		MUST(w->gw_mail || w->await[0] == CMD_MAIL, "RCPT before MAIL");
		await(w, (uint8_t)(CMD_RCPT + w->nrcpt - 1));
	} else if (a == TXN_SEND_AGAIN) {
		unsigned i = nth_of(accepted, again);

		MUST(w->gw_mail && !w->await[0], "RCPT again before MAIL");
		MUST(!(w->gw_rcpts & (1u << i)), "a recipient is sent twice");
		await(w, (uint8_t)(CMD_RCPT + i));
	} else if (a == TXN_SEND_DATA) {
		MUST(w->asked == TXN_ASKS_DATA, "DATA though the client did not say it");
		MUST(w->gw_rcpts && w->gw_rcpts == accepted && !w->await[0], "DATA for other recipients than the client was told");
		await(w, CMD_DATA);
	} else {
		MUST(w->asked == TXN_ASKS_EOM && w->gw_body && !w->fault && !w->early, "an end of data that the client did not send, or of refused content");
		MUST(w->gw_rcpts == accepted, "the mail goes to others than the client was told");
		MUST(!w->sent_end, "the final dot twice");
		w->sent_end = 1;
		w->gw_body = 0;
		await(w, CMD_END);
	}
}

static void perform_leg(struct sides *w, enum txn_action a)
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

static bool is_send(unsigned action)
{
	return action >= TXN_SEND_MAIL && action <= TXN_SEND_END;
}

static bool is_leg(unsigned action)
{
	return action == TXN_DIAL || action == TXN_NEXT || (action >= TXN_LEG_KEEP && action <= TXN_LEG_CUT);
}

/* An answer that the machine has the client told. yes: 2xx or 354; defer: 4xx. */
struct answer {
	bool yes, defer;
};

/* That of an action of txn; accepted: the recipients that the client was told are taken. */
static struct answer answer_of(const struct sides *w, unsigned action, uint8_t accepted)
{
	switch (action) {
	case TXN_SAY_GATEWAY:
		MUST(w->last, "the gateway's reply is passed on, and there is none");
		return (struct answer){w->last == TXN_OK, w->last == TXN_DEFER};
	case TXN_SAY_SAVED:
		MUST(w->saved, "a remembered reply is told, and there is none");
		return (struct answer){false, w->saved == TXN_DEFER};
	case TXN_SAY_FAILED:
		MUST(w->failed, "a gateway is called failed that did not");
		return (struct answer){false, true};
	case TXN_SAY_OTHER:
		MUST(w->other, "452 4.5.3 to a recipient of the same key");
		return (struct answer){false, true};
	case TXN_SAY_NONE:
	case TXN_SAY_PUT_OFF:
		MUST(w->asked == TXN_ASKS_DATA && !accepted, "no recipients, though one was accepted");
		MUST((action == TXN_SAY_PUT_OFF) == (w->put_off != 0), "451 and 554 to DATA mixed up");
		return (struct answer){false, action == TXN_SAY_PUT_OFF};
	case TXN_SAY_GO:
		return (struct answer){true, false};
	default:
		MUST(w->fault, "the box refuses content that was right");
		return (struct answer){false, false};
	}
}

/* The gateway answers 2xx or 354 to the first command that is awaited. */
static void gateway_took(struct sides *w)
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

/* The gateway's reply to it. more: another address is left; again: it was asked once more on a new connection. */
static bool gateway_replies(struct sides *w, enum txn_event ev, bool more, bool again)
{
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
}

/* What is in the middle of an event of the LAN and the same for both models. False: it cannot happen now. */
static bool client_does(struct sides *w, enum txn_event ev)
{
	switch (ev) {
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

static void begin_sides(struct sides *w)
{
	w->nrcpt = w->other = w->put_off = w->saved = w->fault = w->early = w->delivered = w->failed = w->sent_end = 0;
	memset(w->told, 0, sizeof(w->told));
}

#endif
