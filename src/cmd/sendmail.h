/* SPDX-License-Identifier: ISC */
/* The parts of the sendmail command. */
#ifndef CMD_SENDMAIL_H
#define CMD_SENDMAIL_H

#include "base/buf.h"
#include "base/limits.h"
#include "cmd/fields.h"

#define SENDMAIL_HEADER 65536u /* octets of the mail that are held before it is submitted */

struct sendmail {
	bool extract;     /* -t */
	bool ignore_dots; /* -i, -oi */
	bool eight_bit;   /* -B8BITMIME */
	const char *from; /* -f, -r; NULL: the user at this host */
	const char *name; /* -F */
	const char *config; /* -C */
	char **to;        /* recipients of the command line */
	int nto;
};

/*
 * Reads the arguments as sendmail has them; what has no meaning here is ignored. EX_OK, or the exit
 * status after a line on stderr. The recipients are moved to the front of argv.
 */
int sendmail_options(struct sendmail *m, int argc, char **argv);

/* The recipients, one after the other. */
struct sendmail_rcpts {
	const struct sendmail *m;
	int at;              /* of the command line */
	bool resent;         /* only Resent- fields count */
	struct bytes list;   /* what is left of the present argument or field */
	struct bytes header; /* the fields behind it */
	char store[LIMIT_PATH];
	struct fmt address;  /* the present one */
};

/* header: the mail's, canonical (used with -t only); outlives r. */
void sendmail_rcpts_init(struct sendmail_rcpts *r, const struct sendmail *m, struct bytes header);
enum address_status sendmail_rcpts_next(struct sendmail_rcpts *r);

/* Is that one of the fields that -t removes? */
bool sendmail_is_blind(struct bytes field);

#endif
