/* SPDX-License-Identifier: ISC */
/* One mail's fate (DESIGN section 2): events of the LAN and of the gateway leg in, actions out.
 * It knows no address, text or time. The owner feeds one event at a time and performs the
 * actions in their order before the next event. "The leg" is the transaction's connection to a
 * gateway, from the moment it is dialled until TXN_LEG_KEEP, TXN_LEG_RESET or TXN_LEG_CUT. */
#ifndef RELAY_TXN_H
#define RELAY_TXN_H

#include "base/bytes.h"

enum txn_event {
	/* the LAN */
	TXN_MAIL,       /* the box has taken MAIL; arg 1: only one gateway is possible, dial now */
	TXN_RCPT,       /* question; arg: the recipient's number in the envelope */
	TXN_RCPT_OTHER, /* question; its delivery key is not the transaction's */
	TXN_DATA,       /* question */
	TXN_EOM,        /* question: the end of data */
	TXN_FAULT,      /* the box itself refuses the content; told at the end of data */
	TXN_RESET,      /* RSET, HELO, EHLO or QUIT */
	TXN_GONE,       /* the client is lost */
	TXN_PATIENCE,   /* the open question has waited for Client_Patience */
	/* the leg */
	TXN_READY,      /* it stands: MAIL may be sent */
	TXN_OK,         /* the reply to what was asked: 2xx, or 354 to DATA */
	TXN_DEFER,      /* a refusal of the mail, 4xx; arg as TXN_FAIL */
	TXN_REJECT,     /* a refusal of the mail, 5xx; arg as TXN_FAIL */
	TXN_EARLY,      /* a refusal (4xx or 5xx) before the end of data */
	/*
	 * the gateway fails; arg 1: another address, route or (for a kept connection) a fresh one
	 * is left
	 */
	TXN_FAIL,
	/* another client waits for such a connection, and this one has nothing to do */
	TXN_WANTED,
	TXN_EVENTS
};

enum txn_action {
	/* get a leg for the transaction's delivery key: a kept connection, or a new one */
	TXN_DIAL,
	TXN_NEXT,         /* drop this connection and try what is left */
	TXN_SEND_MAIL,
	/*
	 * the recipient under question; with TXN_SEND_MAIL before it, both go out together where
	 * pipelining is offered
	 */
	TXN_SEND_RCPT,
	/* the accepted recipient number txn.replayed (0: the first accepted one) */
	TXN_SEND_AGAIN,
	TXN_SEND_DATA,
	TXN_SEND_END,     /* the end of data, behind all content */
	/* the gateway's transaction is over, or never began: the connection may be used again */
	TXN_LEG_KEEP,
	TXN_LEG_RESET,    /* the same after RSET */
	TXN_LEG_CUT,      /* close the connection as it is */
	TXN_SAVE,         /* remember the leg's last reply as the transaction's */
	TXN_SAY_GATEWAY,  /* answer with the leg's last reply */
	TXN_SAY_SAVED,    /* answer with the reply remembered */
	TXN_SAY_FAILED,   /* 451 and why the gateway failed */
	TXN_SAY_OTHER,    /* 452 4.5.3: another delivery key */
	TXN_SAY_NONE,     /* 554 5.5.1: no recipient was accepted */
	TXN_SAY_PUT_OFF,  /* 451: none was accepted, some were put off */
	TXN_SAY_GO,       /* 354 */
	TXN_SAY_FAULT,    /* why the box refuses the content */
	TXN_OVER,         /* the transaction has ended */
	TXN_ACTIONS
};

enum txn_phase {
	TXN_IDLE,        /* no transaction */
	/*
	 * MAIL taken; no leg: none was needed yet, or no recipient has been accepted by the last
	 * one
	 */
	TXN_OPEN,
	TXN_OPENING,     /* the leg is being made */
	TXN_HELD,        /* the leg stands, MAIL was not sent */
	TXN_MAIL_SENT,   /* MAIL and a RCPT are with the gateway; MAIL's reply is awaited */
	TXN_RCPT_SENT,
	TXN_ENVELOPE,    /* MAIL was accepted, nothing is awaited */
	TXN_AGAIN_MAIL,  /* on a new connection: MAIL is sent again */
	TXN_AGAIN_RCPT,  /* … and the recipients accepted before */
	TXN_DATA_SENT,
	TXN_BODY,        /* content goes to the gateway */
	TXN_VOID,        /* content is read and thrown away; the verdict is known */
	TXN_END_SENT,    /* the final dot is out, the reply is not in: nobody knows */
	TXN_REFUSED,     /* MAIL was refused; no leg */
	TXN_FAILED,      /* the gateway failed; no leg */
	TXN_PHASES
};

enum txn_question { TXN_ASKS_NOTHING, TXN_ASKS_RCPT, TXN_ASKS_DATA, TXN_ASKS_EOM };
enum txn_verdict { TXN_VERDICT_NONE, TXN_VERDICT_SAVED, TXN_VERDICT_FAILED, TXN_VERDICT_FAULT };

struct txn {
	uint8_t phase;    /* enum txn_phase */
	uint8_t question; /* enum txn_question: what the client waits for */
	uint8_t verdict;  /* enum txn_verdict, in TXN_VOID */
	bool put_off;     /* a recipient was answered 4xx */
	bool gone;        /* the client is lost after its final dot */
	uint32_t accepted; /* recipients answered 2xx */
	uint32_t replayed; /* of these, how many the present connection has accepted again */
};

#define TXN_ACTIONS_MAX 4

struct txn_do {
	uint8_t n;
	uint8_t action[TXN_ACTIONS_MAX]; /* enum txn_action */
};

void txn_init(struct txn *t);

/* One event; fills *out with what is to be done, in order. An event that cannot be in the
 * present phase is a bug of the owner (gp_bug). */
void txn_on(struct txn *t, enum txn_event event, uint32_t arg, struct txn_do *out);

/* Does the transaction hold, or wait for, a leg? */
bool txn_has_leg(const struct txn *t);

/* Names for tests and logs. */
const char *txn_phase_name(enum txn_phase p);
const char *txn_event_name(enum txn_event e);

#endif
