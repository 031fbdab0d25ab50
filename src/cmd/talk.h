/* SPDX-License-Identifier: ISC */
/*
 * One SMTP conversation of a command that may wait: the client machine over a socket. Used by send
 * (to the gateway) and by sendmail (to the relay on this box).
 */
#ifndef CMD_TALK_H
#define CMD_TALK_H

#include "base/limits.h"
#include "smtp/client.h"

enum talk_event {
	TALK_OK,      /* it went out */
	TALK_READY,   /* greeting and EHLO are done */
	TALK_REPLY,   /* client_last() answers t->what.command */
	TALK_EARLY,   /* a reply in the body */
	TALK_FAILED,  /* the other side makes no sense, or refuses to talk: t->what.why */
	TALK_LOST,    /* the connection ended: t->error is errno, 0 at its orderly end */
	TALK_TIMEOUT,
};

struct talk {
	int fd;
	int error;
	bool over;                /* TALK_LOST, TALK_FAILED or TALK_TIMEOUT was told */
	bool trace;               /* the dialogue goes to standard output */
	char side;                /* whose line the trace is in: '>' or '<'; 0: at a line's start */
	struct client client;
	struct client_what what;  /* of the last event */
	struct buf in, out;
	uint8_t in_mem[LIMIT_GATEWAY_IN], out_mem[LIMIT_GATEWAY_OUT];
};

/* fd: connected and non-blocking; becomes the talk's. ehlo_name outlives t. */
void talk_open(struct talk *t, int fd, struct bytes ehlo_name, bool trace);

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
