/* SPDX-License-Identifier: ISC */
/* The commands of gatepost, and the few helpers that they share. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/fmt.h"

#include <sysexits.h>

struct conf;

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
	const char *args;  /* as in a synopsis, a blank in front; "" when there are none */
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
 * Writes a text (see fmt_add) to standard output in one piece; cut to CMD_SAY octets, which every
 * reply, address and help text fits. EX_OK, or EX_IOERR if it could not be written.
 */
#define CMD_SAY      16384
#define cmd_say(...) cmd_put(PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 1, 2))) int cmd_put(const char *format, ...);

/* "gatepost NAME: what\n", or "sendmail: ...", on standard error; returns status. */
#define cmd_fail(status, ...) cmd_put_failure(status, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 2, 3))) int cmd_put_failure(int status, const char *format, ...);

/* The same with the way to the command's help; returns EX_USAGE. */
int cmd_usage(const char *what);

/* Which command runs, for the two above. */
void cmd_named(const char *command);

/* A place for the text of what went wrong, empty; the next call gives it again. */
#define CMD_WHY 1024
struct fmt *cmd_why(void);

/* Writes all of x to fd, waiting where it must; false if that failed (errno). */
bool cmd_write(int fd, struct bytes x);

/*
 * The configuration in a file (NULL: the usual one), checked no further than what a command needs
 * that only reads it. NULL: it has errors, which were told.
 */
const struct conf *cmd_conf(const char *file);

/*
 * Options in the manner of getopt. spec has one entry for each: "c:file" is -c FILE or --file FILE
 * or --file=FILE, "v." is -v alone, "-.json" is --json alone, "d.detach" is -d or --detach; entries
 * are parted by blanks. Options may stand between the arguments; "--" ends them. value[i] becomes
 * the value of the i-th of spec (of one that has none: not NULL) where it is there.
 *
 * argv is put in order: the arguments stand from the returned index on. 0: an error, which was
 * told: return EX_USAGE then.
 */
int opts_take(int argc, char **argv, const char *spec, const char **value);

#endif
