/* SPDX-License-Identifier: ISC */
/* The parts of the send command. */
#ifndef CMD_SEND_H
#define CMD_SEND_H

#include "cmd/talk.h"
#include "conf/conf.h"

struct send {
	const char *config;  /* -c; NULL: the usual file */
	const char *from;    /* -f */
	const char *subject; /* -s */
	bool verbose;
	char **to;           /* a recipient that is done with is NULL */
	int nto;
	const struct conf *conf;
	uint32_t binding;    /* that mail of this box gets */
	char sender[LIMIT_PATH];  /* envelope */
	char author[LIMIT_PATH];  /* From */
	char host[LIMIT_HOSTNAME + 1];
};

/* Those of the recipients that travel together: each i with together[i]. */
struct send_group {
	const struct send *s;
	const struct conf_sending *key;
	const bool *together; /* of s->nto */
	bool *taken;          /* of s->nto: the gateway took this recipient */
};

/* One gateway, and what is known of the way to it. */
struct send_gateway {
	const char *name;               /* as status has it */
	const struct conf_route *route;
	uint16_t port;
	bool clear;      /* TLS failed, and is optional: it is gone on without it */
	bool unverified; /* its certificate was refused: it gets no login any more */
};

enum send_next {
	SEND_DONE,         /* the gateway has decided, which was said */
	SEND_NEXT_ADDRESS, /* it failed before the body */
	SEND_NEXT_GATEWAY, /* the same, and at its other addresses it would be the same */
	SEND_IN_CLEAR,     /* TLS failed, and is optional: once more, without */
};

/* What became of a connection. */
struct send_result {
	bool ready;        /* greeting, EHLO, TLS and login went well */
	int status;        /* the exit status */
	const char *right; /* where it failed: what would be right, a whole line or "" */
};

/* Sends header and body of the test mail. gateway: its name. TALK_OK, or what came instead. */
enum talk_event send_content(struct talk *t, const struct send_group *g, const char *gateway,
			     uint64_t ms);

/* The gateway was (not) reached: a running relay is told. */
void send_tell(const struct send *s, const char *gateway, bool ok, const char *why);

/*
 * One mail over a connection to that gateway. Where it failed the reason is in why.
 */
enum send_next send_mail(const struct send_group *g, struct send_gateway *to, int fd,
			 struct fmt *why, struct send_result *result);

/* What TLS is to be; tls_init is done. False: it cannot be, why. */
bool send_tls(const struct send_group *g, const struct send_gateway *to, struct talk_how *how,
	      struct fmt *why);

/* From greeting to login. TALK_READY; else the reason is in why, and *next, *result tell of it. */
enum talk_event send_hello(struct talk *t, const struct send_group *g, struct send_gateway *to,
			   struct fmt *why, struct send_result *result, enum send_next *next);

/*
 * An access token for its login (conf_wants_token), fetched now; valid until the next call. An exit
 * status, with the reason in why. Only where OAUTH is built in.
 */
int send_token(const struct send_group *g, struct bytes *token, struct fmt *why);
void send_token_wipe(void);

/* The worse of two exit statuses. */
int send_worse(int a, int b);

#endif
