/* SPDX-License-Identifier: ISC */
/* The control socket, on the side of a command that asks (run/control.h). */
#ifndef CMD_ASK_H
#define CMD_ASK_H

#include "base/fmt.h"

#include <sys/types.h>

#define ASK_PATH 108 /* sun_path */

enum ask_path {
	ASK_PATH_CONFIGURED, /* as the configuration says */
	ASK_PATH_GUESSED,    /* the configuration has errors, but names a Control_Socket */
	ASK_PATH_DEFAULT,    /* it cannot be read, or has errors and names none */
};

/* Where the control socket of the relay with this configuration is; file NULL: the usual one. */
enum ask_path ask_path(const char *file, struct fmt *path);

/* The same, told where it is not the one of that file. */
void ask_where(const char *file, struct fmt *path);

/* The same for submit.sock beside it. */
enum ask_path ask_submit_path(const char *file, struct fmt *path);

/*
 * The process of the relay that runs with this configuration, its supervisor: SIGHUP has it read
 * that again. 0: none runs, or we may not connect.
 */
pid_t ask_relay(const char *file);

enum ask_result {
	ASK_ANSWERED,
	ASK_NOBODY, /* no relay listens there */
	ASK_DENIED, /* we may not connect */
	ASK_BROKEN, /* no answer, or half of one */
};

struct ask {
	unsigned status; /* the answer's exit status */
	char word[128];  /* the words behind it */
	/* Gets the answer's lines, cut anywhere; NULL: they are dropped. */
	void (*body)(void *ctx, struct bytes x);
	void *ctx;
};

/* Sends the request (one line with its end) and takes the answer. Waits at most some seconds. */
enum ask_result ask(struct ask *a, const char *path, struct bytes request);

/* Why there was no answer. */
void ask_why(struct fmt *f, enum ask_result result, const char *path);

/* Connects to a socket; waits for it at most some seconds, 0: for ever. -1: errno tells why not. */
int ask_dial(const char *path, unsigned seconds);

#endif
