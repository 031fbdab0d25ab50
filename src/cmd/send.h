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

/* Sends header and body of the test mail. gateway: its name. TALK_OK, or what came instead. */
enum talk_event send_content(struct talk *t, const struct send_group *g, const char *gateway,
			     uint64_t ms);

/* The gateway was (not) reached: a running relay is told. */
void send_tell(const struct send *s, const char *gateway, bool ok, const char *why);

/*
 * One mail over a connection to the gateway called name. EX_OK, EX_TEMPFAIL or EX_UNAVAILABLE when
 * the gateway has decided, which was said; -1 when it failed before the body, with the reason in
 * why. *greeted: EHLO went well.
 */
int send_mail(const struct send_group *g, int fd, const char *name, struct fmt *why, bool *greeted);

/* The worse of two exit statuses. */
int send_worse(int a, int b);

#endif
