/* SPDX-License-Identifier: ISC */
/* Connections to gateways, and the leg: what a transaction holds of one. */
#ifndef RUN_OUTBOUND_H
#define RUN_OUTBOUND_H

#include "io/conn.h"
#include "io/dial.h"
#include "relay/verdict.h"
#include "run/gateway.h"
#include "run/tokens.h"
#include "smtp/client.h"

#define LEG_WHY 240
#define OUTBOUND_REFUSES "refuses the login: " /* begins the reason of a refused login */

enum leg_state {
	LEG_NONE,
	LEG_WAITING, /* all connections are busy */
	LEG_OPENING,
	LEG_READY,
	LEG_BROKEN, /* failed; leg_step tells it once */
};

enum leg_event {
	LEG_NOTHING,
	LEG_STANDS, /* mail may be sent */
	LEG_OK,     /* leg_reply() answers what.command */
	LEG_DEFER,
	LEG_REJECT,
	LEG_EARLY,  /* a refusal in the body */
	LEG_FAILS,  /* l->trouble and l->why tell why; l->more: another address or route is left */
};

/* Embedded in its transaction's owner. Zeroed: LEG_NONE. */
struct leg {
	uint8_t state;     /* enum leg_state */
	bool more;
	bool told;         /* LEG_READY or LEG_BROKEN was told to the owner */
	bool kept;         /* the present connection was kept from an earlier mail */
	bool fresh;        /* a kept one was replaced: no second time */
	/*
	 * it was lost, fell silent or talked nonsense: what became of the last command is not known
	 */
	bool doubt;
	bool wanted; /* another leg waits: let go of the connection if nothing is asked on it */
	bool busy;         /* patience ended while all connections were busy */
	uint8_t route;     /* which of the routes is tried, in their order */
	uint8_t trouble;   /* enum verdict_trouble */
	uint32_t turn;
	struct outbound *ob;
	struct gateway *gateway;  /* that is tried, or was last */
	struct leg *next_waiting;
	void (*wake)(struct leg *l); /* something has happened: step it */
	const char *tls, *auth; /* of the connection that stands, or stood last; NULL: none did */
	struct conf_sending sending; /* the delivery key */
	char why[LEG_WHY];        /* in words, with the gateway's name */
};

enum outbound_state {
	OB_LOOKUP,
	OB_DIAL,
	OB_PLACE,  /* waits for a place for its TLS session */
	OB_SECURE, /* TLS handshake */
	OB_HELLO, /* greeting and EHLO */
	OB_TURN,   /* another connection's login shows first whether it is right */
	OB_TOKEN,  /* an access token is fetched */
	OB_LOGIN,
	OB_READY, /* used by its leg, or idle */
	OB_RESET, /* RSET is out; nobody's */
	OB_QUIT,
};

struct outbound {
	uint8_t state;    /* enum outbound_state */
	uint8_t trouble;  /* enum verdict_trouble, with why */
	bool probe;       /* dialled by nobody, to see whether the gateway is up */
	/* it was kept from an earlier use, and no reply has come since it was taken up */
	bool waited;
	bool stood;       /* in this hunt a connection came as far as EHLO's reply */
	bool starved;     /* in this hunt the box itself had no descriptor or memory left */
	bool told_later;  /* it failed apart from outbound_step, which has to tell */
	bool in_clear;    /* optional TLS has failed at this address */
	bool refused_login; /* for good: no other address is tried */
	bool renewed;     /* it had a second token */
	uint8_t mechanism; /* enum sasl_mechanism of the login */
	bool reset_due;   /* RSET could not be sent yet */
	/*
	 * addresses of this hunt that are left, the present one (order[0] once it stands) included
	 */
	uint8_t naddr;
	uint32_t spent;   /* bit set of those that have failed */
	uint8_t present;  /* the one that is connected */
	struct gateway *gateway;
	struct leg *leg;  /* owner, or NULL */
	struct outbound *next_idle;
	uint32_t mails;
	const char *auth; /* mechanism; NULL: none */
	uint64_t quiet_at; /* since when nothing is awaited, in use by a leg that stands; else 0 */
	uint64_t body_at; /* conn.sent when the content began */
	bool looked;      /* `taken` was read since something was written */
	uint64_t taken;   /* of the body by the gateway's kernel, at the last look */
	uint64_t moved;   /* when something was written, or seen to be taken, last */
	/* What is large comes last: what lies near the front is reached in fewer octets. */
	struct conn conn;
	struct deadline limit;
	struct loop_task gone;
	struct client client;
	struct dial dial;
	struct token_wait token;
	struct conf_sending sending;
	uint8_t order[CONFIG_GATEWAY_ADDRESSES];     /* their places in gateway->addr */
	struct inet_addr addr[CONFIG_GATEWAY_ADDRESSES];
	char ehlo[LIMIT_HOSTNAME + 1];
	char why[LEG_WHY]; /* in words, without the gateway's name */
	uint8_t in[LIMIT_GATEWAY_IN];
	uint8_t out[LIMIT_GATEWAY_OUT];
	struct sasl sasl;
};

void outbound_init(void);

/* Closes the idle connections of a gateway whose place in the table is needed. */
void outbound_drop_idle(struct gateway *g);

/* ---- the leg, for its owner ---- */

/* Gets a connection for this delivery key: a kept one, or a new one along routes and addresses. */
void leg_dial(struct leg *l, const struct conf_sending *s, void (*wake)(struct leg *l));

/* After LEG_FAILS with more: drops the connection and goes on to what is left. */
void leg_next(struct leg *l);

/* The client's patience is over: says in why what was waited for. The leg is still to be let go. */
void leg_impatient(struct leg *l);

/*
 * Lets go of the leg: the connection is kept (after RSET), or closed as it is. Harmless on
 * LEG_NONE. why stays to be told.
 */
void leg_keep(struct leg *l);
void leg_reset(struct leg *l);
void leg_cut(struct leg *l);

/* Moves one that stands to another owner; from is LEG_NONE then. */
void leg_move(struct leg *to, struct leg *from, void (*wake)(struct leg *l));

/* One event, if there is one. command: which command it answers. */
enum leg_event leg_step(struct leg *l, enum client_command *command);

/* The reply that leg_step spoke of. */
const struct reply *leg_reply(const struct leg *l);

/*
 * The reply just stepped is of another class than the one that this mail got before: the gateway
 * counts as failed (trouble, why). Returns l->more.
 */
bool leg_turned(struct leg *l, enum client_command command);

/* The machine and the buffer of a leg that stands (LEG_READY). */
struct client *leg_client(struct leg *l);
struct buf *leg_out(struct leg *l);

/* More room in leg_out, if a larger buffer is free. */
void leg_grow(struct leg *l);

/*
 * Writes what is in leg_out, sets the deadline for what is awaited, rearms: at the end of each turn
 * in which something was put there, or was to be read. Returns the octets written.
 */
size_t leg_flush(struct leg *l);

/* The content begins. */
void leg_body_begins(struct leg *l);

/*
 * The end of data is about to be sent: has the gateway said something meanwhile? Looks (reads) only
 * where it has got content already, and once.
 */
bool leg_objects(struct leg *l);

/* The mail was accepted. */
void leg_delivered(struct leg *l);

/* ---- for gateway.c and engine.c ---- */

/* The look-up that outbounds of g wait for has ended. */
void outbound_looked_up(struct gateway *g, bool ok);

/* g is down (or up again): legs that wait for a connection to it are looked at again. */
void outbound_gateway_changed(struct gateway *g);

/* A probe of g; false when no outbound is free. */
bool outbound_probe(struct gateway *g);

/* There is a place for another TLS session. */
void outbound_tls_room(void);

/* Closes idle connections (draining). */
void outbound_close_idle(void);

#endif
