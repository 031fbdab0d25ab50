/* SPDX-License-Identifier: ISC */
/*
 * One mail's fate with a spool (DESIGN section 2): the transaction of relay/txn.h, and under it the
 * net. It hears the events of LAN, leg and disk, and passes on what the transaction wants done,
 * except where the spool takes over: then an answer becomes "kept". "The tee" is the mail's file in
 * the spool, from NET_OPEN until NET_DROP, NET_RELEASE or NET_REPORT. With NET_OFF it is the
 * transaction alone.
 *
 * What each recipient came to is the owner's to note: RCPT_ACCEPTED by the gateway, RCPT_KEPT for
 * NET_SAY_TAKEN, all accepted ones made kept by NET_KEEP_ALL.
 */
#ifndef RELAY_NET_H
#define RELAY_NET_H

#include "relay/txn.h"

enum net_mode { NET_OFF, NET_FALLBACK, NET_ALWAYS };

/* Beside those of txn.h, which keep their numbers. */
enum net_event {
	NET_OPENED = TXN_EVENTS, /* the file stands: content may come */
	/* there can be no file; arg 1: no room, 0: the spool is broken */
	NET_REFUSED,
	NET_LOST,  /* the file takes no more (too slow, full, broken): it is gone */
	NET_SAFE,  /* what NET_COMMIT asked for is on the medium */
	NET_UNSAFE, /* … is not, and the file is gone */
	NET_HALF,  /* half of Client_Patience has passed since the final dot */
	NET_EVENTS
};

/* Bits of arg, for all events of the LAN and the leg (bit 0 is txn's arg). */
enum {
	NET_MORE = 1,     /* TXN_FAIL and refusals: another way is left; TXN_MAIL: dial now */
	NET_CAN = 2,      /* the spool can take a mail now */
	NET_DAY_ONE = 4,  /* trouble that must not hide behind a 250 yet: as with NET_OFF */
	NET_MAY_PART = 8, /* TXN_PATIENCE: there is a place for a leg without its client */
	NET_FINAL = 16,   /* TXN_EARLY: 5xx */
};

enum net_action {
	NET_OPEN = TXN_ACTIONS, /* begin the file with all recipients that were answered 250 */
	/*
	 * end the file: recipients accepted by the gateway as new ones (all: NET_KEEP_ALL came
	 * before, or the gateway's verdict is not known) or, where NET_TAKEN came before, as taken.
	 * Where it is safe already only the marks are changed. NET_SAFE or NET_UNSAFE follows.
	 */
	NET_COMMIT,
	NET_DROP,       /* the mail needs no file any more, in whatever state it is */
	NET_RELEASE,    /* it goes to the queue, to be tried at once */
	NET_RELEASE_LATER, /* … after Retry_Interval */
	NET_REPORT,     /* refused (5xx) behind a 250: its sender gets a report, then it goes */
	NET_KEEP_ALL,   /* what the gateway had accepted is to be delivered from the queue */
	NET_TAKEN,      /* what the gateway had accepted it has taken */
	NET_PART,       /* the client has its 250 and goes on; leg and tee live without it */
	NET_SAY_TAKEN,  /* 250 to a RCPT that the spool takes */
	NET_SAY_KEPT,   /* 250 at the end of data: kept */
	NET_SAY_NO_SPOOL, /* 452 4.3.1 or 451: a mail that needs the spool and cannot have it */
	NET_SAY_UNSAFE, /* 451 4.3.0: it could not be made safe */
	NET_ACTIONS
};

enum net_state {
	NET_LIVE,    /* the transaction decides (also where there is none) */
	NET_KEEPING, /* no leg: the spool takes the envelope … */
	NET_ALONE,   /* … and the content */
	NET_VOID,    /* no leg, no file: content is read and thrown away */
	NET_SETTLING, /* behind the final dot; the verdict is known, the commit is awaited */
	NET_PARTED,  /* the client has its 250; the gateway's reply is awaited */
	NET_STATES
};

enum net_tee {
	NET_TEE_NONE,
	NET_TEE_OPENING,
	NET_TEE_OPEN,
	NET_TEE_COMMITTING,
	NET_TEE_SAFE,
	NET_TEE_GONE
};

struct net {
	struct txn txn;
	uint8_t mode;     /* enum net_mode */
	uint8_t state;    /* enum net_state */
	uint8_t tee;      /* enum net_tee */
	uint8_t question; /* enum txn_question: what the client waits for */
	uint8_t verdict;  /* private: what to say when the commit is over, or in NET_VOID */
	bool put_off;     /* a recipient was answered 4xx by the net */
	bool late;        /* patience is over; the commit is awaited to part */
	bool gone;        /* the client is lost after its final dot */
	bool again;       /* the commit under way is followed by one of the marks */
	bool parted;      /* the client had its 250 already */
	bool later;       /* NET_RELEASE_LATER when the commit is over */
	bool safe;        /* a commit has succeeded */
	uint32_t kept;    /* recipients that only the spool takes */
};

#define NET_ACTIONS_MAX 8

struct net_do {
	uint8_t n;
	uint8_t action[NET_ACTIONS_MAX]; /* enum txn_action or enum net_action */
};

void net_init(struct net *n, enum net_mode mode);

/* One event; fills *out with what is to be done, in order, before the next event. */
void net_on(struct net *n, unsigned event, uint32_t arg, struct net_do *out);

/* Is there a transaction? Does it hold a leg, a file? */
bool net_is_idle(const struct net *n);
bool net_has_leg(const struct net *n);
bool net_has_tee(const struct net *n);

/* Has the final dot come, and the mail's fate is not decided yet? */
bool net_is_past_dot(const struct net *n);

/* A recipient was answered 4xx by the box itself: DATA without any other is answered 451. */
void net_put_off(struct net *n);

/* Does content go to the leg, to the file? Is it thrown away? */
bool net_feeds_leg(const struct net *n);
bool net_feeds_tee(const struct net *n);
bool net_is_void(const struct net *n);

const char *net_state_name(enum net_state s);
const char *net_event_name(unsigned event);

#endif
