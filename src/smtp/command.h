/* SPDX-License-Identifier: ISC */
/* A command line: the verb and what follows it (RFC 5321 4.1.1). */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include "smtp/smtp.h"

/* Splits a line (its CRLF or LF already off). Letters in either case, blanks before the verb and
 * blanks and CRs at the end of the line are overlooked. *args gets what stands between;
 * SMTP_UNKNOWN leaves *args empty. */
enum smtp_verb command_parse(struct bytes line, struct bytes *args);

/* The same for the front of a line whose end has not come: SMTP_UNKNOWN until a blank follows the
 * verb. */
enum smtp_verb command_begun(struct bytes front);

/* Does it hold octets that no command may hold: 0 to 31 but HT, and 127? */
bool command_has_controls(struct bytes x);

/* "HELO", …; "?" for SMTP_UNKNOWN. */
const char *command_name(enum smtp_verb verb);

#endif
