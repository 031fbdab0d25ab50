/* SPDX-License-Identifier: ISC */
/*
 * One SMTP conversation of a command that may wait: the client machine over a socket, with TLS
 * where it is wanted. Used by send (to the gateway) and by sendmail (to the relay on this box).
 */
#ifndef CMD_TALK_H
#define CMD_TALK_H

#include "base/limits.h"
#include "io/tls.h"
#include "smtp/client.h"

enum talk_event {
	TALK_OK,      /* it went out */
	TALK_READY,   /* greeting, EHLO, TLS and login are done */
	TALK_LOGIN,   /* a login is due: client_login or client_no_login, then wait again */
	TALK_LOGIN_REFUSED, /* client_last() tells */
	TALK_REPLY,   /* client_last() answers t->what.command */
	TALK_EARLY,   /* a reply in the body */
	TALK_FAILED,  /* the other side makes no sense, or refuses to talk: t->what.why */
	TALK_TLS,     /* the handshake, or TLS later on, failed: tls_why(t->tls) */
	TALK_LOST,    /* the connection ended: t->error is errno, 0 at its orderly end */
	TALK_TIMEOUT,
};

/* What a conversation is to be. All that is pointed to outlives it. */
struct talk_how {
	struct bytes ehlo_name;
	const struct tls_client_how *secure; /* NULL where tls is CLIENT_TLS_NO */
	uint8_t tls; /* enum client_tls */
	bool login;  /* TALK_LOGIN comes before TALK_READY */
	bool trace;  /* the dialogue goes to standard output, secrets as *** */
};

struct talk {
	int fd;
	int error;
	bool over;                /* an event from TALK_FAILED on was told */
	struct talk_how how;
	struct tls *tls;          /* NULL: in clear */
	bool shaking;             /* the handshake is not done */
	bool busy;                /* there is work to do before anything is waited for */
	/* The line that the trace is in. */
	char side;                /* whose: '>' or '<'; 0: at a line's start */
	uint8_t show;             /* so many words of it are shown, then *** */
	bool hidden;              /* the *** is written */
	struct client client;
	struct client_what what;  /* of the last event */
	struct buf in, out;
	uint8_t in_mem[LIMIT_GATEWAY_IN], out_mem[LIMIT_GATEWAY_OUT];
};

/*
 * fd: connected and non-blocking; becomes the talk's. tls_init comes first where TLS is wanted.
 */
void talk_open(struct talk *t, int fd, const struct talk_how *how);

/* Octets that went over the wire, to standard output if that is wanted: side '>' or '<'. */
void talk_trace(struct talk *t, char side, struct bytes x);

/* Ends a line of the trace that was begun. */
void talk_trace_end(struct talk *t);

/* The handshake is done: a line about it. */
void talk_trace_tls(struct talk *t);

/* Sends what client_...() put into t->out and waits for the next event, at most ms. */
enum talk_event talk_wait(struct talk *t, uint64_t ms);

/* Sends all of t->out; ms is the longest time without progress. TALK_OK or what came instead. */
enum talk_event talk_flush(struct talk *t, uint64_t ms);

/* Sends canonical content (CRLF only); the rest as talk_flush, which sends what is left in out. */
enum talk_event talk_body(struct talk *t, struct bytes content, uint64_t ms);

/* Says QUIT if that is possible, waits for its reply a moment, closes. */
void talk_quit(struct talk *t);

/* Closes at once; unsent content stays unsent. Harmless when closed. */
void talk_close(struct talk *t);

/* What went wrong at the last event, in words, with the reply where there is one. */
void talk_why(const struct talk *t, enum talk_event event, struct fmt *f);

#endif
