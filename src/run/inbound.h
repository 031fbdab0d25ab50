/* SPDX-License-Identifier: ISC */
/* One client of the LAN: its connection, its SMTP session, and the mail that it offers just now. */
#ifndef RUN_INBOUND_H
#define RUN_INBOUND_H

#include "io/conn.h"
#include "io/listen.h"
#include "mail/envelope.h"
#include "mail/head.h"
#include "mail/trace.h"
#include "relay/net.h"
#include "run/engine.h"
#include "run/outbound.h"
#include "run/tee.h"
#include "smtp/server.h"

enum inbound_state {
	INBOUND_OPEN,
	INBOUND_CLOSING, /* the last reply is on its way; then it is closed */
	/*
	 * our sending is ended; the client's end is awaited for a moment, so that it reads the
	 * reply
	 */
	INBOUND_LINGER,
	INBOUND_DETACHED, /* the client is gone past its final dot; its mail is not decided yet */
	INBOUND_ENDED,    /* given back at the end of this turn */
};

/* What holds the session up that is neither its client nor its mail. */
enum inbound_wait {
	INBOUND_WAIT_NONE,
	INBOUND_WAIT_PLACE, /* for a place for one more TLS session */
	INBOUND_WAIT_GO,    /* it has one; what was said in clear is on its way */
	INBOUND_WAIT_TLS,   /* for the handshake */
	INBOUND_WAIT_LOGIN, /* a refusal is held back */
};

struct inbound_rights {
	uint32_t binding;
	bool may_relay;
};

/* What the transaction wants done as soon as it may be: a bit for each such action. */
#define DUE(action) ((uint8_t)(1u << ((action) == NET_COMMIT ? 0 : (action) - TXN_SEND_MAIL + 1)))
enum {
	DUE_COMMIT = 1,
	DUE_MAIL = 2,
	DUE_RCPT = 4,
	DUE_AGAIN = 8,
	DUE_DATA = 16,
	DUE_END = 32,
};

/* Why the box itself refuses content: an enum data_fault, or a reason of its own. */
enum inbound_fault {
	INBOUND_OK = DATA_OK,
	INBOUND_LONE_LF = DATA_LONE_LF,
	INBOUND_NUL = DATA_NUL,
	INBOUND_TOO_BIG = DATA_TOO_BIG,
	INBOUND_HOPS
};

/* What is small and often used comes first, what is large last: it is reached in fewer octets. */
struct inbound {
	uint8_t state; /* enum inbound_state */
	uint8_t due;
	uint8_t fault; /* enum inbound_fault */
	uint8_t wait;  /* enum inbound_wait */
	bool linger;
	/* at the end of the last turn it was not the client that was waited for */
	bool held;
	bool bulk;  /* content comes faster than the small buffer takes it */
	bool local; /* over a Unix socket */
	bool may_relay;
	bool sender_ok; /* Allowed_Senders lets the mail's sender pass */
	bool key_set;
	bool feeding;       /* the header editor has not given back all of `run` yet */
	bool ending;        /* the end of data has come; the header editor's rest goes out */
	bool content_ended; /* the final dot went to the gateway */
	bool to_leg, to_tee; /* content goes there */
	uint8_t waited; /* for the mail's fate: half of Client_Patience is over, then all of it */
	bool safe;           /* the spool has the mail, or a part of it */
	bool gone_logged;    /* the client is gone: said in the mail's log line */
	bool rewritten; /* Envelope_From took the place of the mail's sender */
	uint16_t said_code;
	uint32_t listener; /* index into engine_args.listener */
	uint32_t who;      /* of policy_enter */
	uint32_t refused_here; /* recipients of this mail that the box itself did not take */
	struct gateway *rated; /* whose Outbound_Throttle_Messages counts this mail */
	const struct conf_auth_user *user; /* who logged in; NULL: nobody, or nobody of ours */
	struct tls *tls; /* until its handshake begins: then the connection has it */
	/* milliseconds: the present wait (for the client, or of the client) began then */
	uint64_t since;
	uint64_t progress; /* conn.received at `since`, in the content */
	uint64_t began;    /* milliseconds: MAIL came */
	uint64_t stepped;  /* milliseconds: the last step of the handshake */
	/*
	 * content taken from the server that the gateway's buffer had no room for: `conn.in` is not
	 * filled meanwhile
	 */
	struct bytes run, piece;
	struct bytes kept; /* of piece: what the spool's file has not taken yet */
	/* the reply that the transaction's event was about; valid within one event */
	const struct reply *last;
	struct loop_task turn; /* writes, sets interest and deadline */
	struct deadline limit;
	struct loop_task gone;
	struct conn conn;
	struct leg leg;
	struct net net;
	struct tee tee;
	struct server server;
	struct server_params params;
	struct envelope envelope;
	struct inet_addr peer;
	struct inbound_rights by_address;  /* what holds without a login */
	struct smtp_mail_params mail;
	struct conf_receive receive;
	struct conf_sending key;
	char challenge[SERVER_CHALLENGE + 1];
	char id[TRACE_ID + 1];
	char said[160]; /* the last reply of the mail, for the log */
	char date[40];
	char message_id[TRACE_MESSAGE_ID_SIZE];
	struct head_params head_params;
	struct head head;
	struct reply saved; /* the refusal that counts for the rest of the transaction */
	uint8_t out[LIMIT_OUT];
	uint8_t in[LIMIT_IN];
};

/* What of the engine the sessions need. */
struct inbound_env {
	const struct engine_args *args;
	struct blk_arena envelopes;
	bool draining; /* no new session; idle ones end after a while */
	bool stopping; /* idle ones end now */
};

extern struct inbound_env inbound_env;

void inbound_init(const struct engine_args *args);

/* A client has come to listener number `listener`. fd becomes ours. */
void inbound_accept(uint32_t listener, int fd, const struct listen_peer *peer);

/* What the spool is for; NET_OFF where there is none. */
enum net_mode inbound_mode(void);

/* Clients by address. */
struct policy_peers *inbound_peers(void);

unsigned inbound_count(void);
uint32_t inbound_count_at(uint32_t listener);

/*
 * No new mail: idle sessions are told 421 (at once when stopping, else after a minute of idleness).
 */
void inbound_drain(void);
/*
 * Past the grace: mails in their body are given up; all: those whose reply from the gateway is
 * awaited, too.
 */
void inbound_give_up(bool all);

/* ---- between inbound.c, pump.c and those that they call ---- */

/* All there may be, one after the other, whatever their state; NULL behind the last. */
struct inbound *inbound_at(unsigned i);

/* The mails to come have this binding. */
void inbound_set_binding(struct inbound *in, uint32_t binding);

/*
 * Carries the session and its mail as far as they go just now, writes, and sets interest and
 * deadline.
 */
void inbound_run(struct inbound *in);

/*
 * The last reply is in conn.out, or none: what is under way is given up; then it closes. linger:
 * input may still come.
 */
void inbound_finish(struct inbound *in, bool linger);

/* The client is gone. */
void inbound_lost(struct inbound *in);

/* Closes and gives back. */
void inbound_end(struct inbound *in);

#endif
