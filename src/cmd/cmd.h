/* SPDX-License-Identifier: ISC */
/* The commands of gatepost, and the few helpers that they share. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/fmt.h"

#include <sysexits.h>

#define CMD_CONTROL "/run/gatepost/control.sock" /* where the configuration says nothing */
#define CMD_SUBMIT "/run/gatepost/submit.sock"   /* what sendmail submits to */

/*
 * A command: argv[0] is its name, what follows are its own arguments. Returns the exit status (0 or
 * one of sysexits.h).
 */
typedef int cmd_fn(int argc, char **argv);

cmd_fn cmd_run, cmd_check, cmd_eval, cmd_send, cmd_status, cmd_queue, cmd_cert, cmd_image,
    cmd_store, cmd_login, cmd_version, cmd_help, cmd_sendmail;

struct cmd {
	const char *name;
	cmd_fn *run;
	const char *args;  /* as in a synopsis; "" when there are none */
	const char *brief; /* one line of the overview */
	const char *text;  /* what `gatepost help NAME` adds, whole lines */
};

/* The command of that name, or NULL. */
const struct cmd *cmd_find(const char *name);

/* All of them in the order of the overview; NULL from the first index that has none. */
const struct cmd *cmd_at(unsigned i);

/* The whole program: chooses the command and runs it. Returns the exit status. */
int cmd_main(int argc, char **argv);

/*
 * Writes a text (see fmt_add) to fd in one piece; cut to CMD_SAY octets, which every reply,
 * address and help text fits. False if it could not be written.
 */
#define CMD_SAY          16384
#define cmd_say(fd, ...) cmd_put(fd, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 2, 3))) bool cmd_put(int fd, const char *format, ...);

/* Writes all of x to fd, waiting where it must; false if that failed (errno). */
bool cmd_write(int fd, struct bytes x);

/*
 * Options in the manner of getopt. spec has one entry for each: "c:file" is -c FILE or --file FILE
 * or --file=FILE, "v" is -v alone, ".json" is --json alone, "d.detach" is -d or --detach; entries
 * are parted by blanks. Options may stand between the arguments; "--" ends them.
 */
struct opts {
	int argc;
	char **argv;       /* is put in order: behind the last option the arguments begin at `at` */
	const char *spec;
	int at;
	int end;           /* from here on only arguments that were moved behind the options */
	const char *more;  /* the rest of a group of letters */
	const char *value; /* of the option just returned, if it has one */
};

void opts_init(struct opts *o, int argc, char **argv, const char *spec);

/*
 * The letter of the next option (for one without a letter the first of its name), 0 after the last,
 * -1 after an error, which was told on stderr: return EX_USAGE then.
 */
int opts_next(struct opts *o);

/* "gatepost NAME: what\n" on stderr with the way to the command's help; returns EX_USAGE. */
int cmd_usage(const char *name, const char *what);

#endif
