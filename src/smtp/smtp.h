/* SPDX-License-Identifier: ISC */
/* Words that both sides of the dialogue share. */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include "base/bytes.h"
#include "base/limits.h"

enum smtp_verb {
	SMTP_UNKNOWN,
	SMTP_HELO,
	SMTP_EHLO,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_QUIT,
	SMTP_VRFY,
	SMTP_HELP,
	/* known, and not offered */
	SMTP_EXPN,
	SMTP_BDAT,
	SMTP_AUTH,
	SMTP_STARTTLS,
	SMTP_ETRN,
	SMTP_TURN,
	SMTP_XCLIENT,
	SMTP_XFORWARD,
};

/* Parameters of MAIL that go on. */
struct smtp_mail_params {
	uint64_t size;  /* SIZE=, 0 when not declared (RFC 1870) */
	bool body_8bit; /* BODY=8BITMIME (RFC 6152) */
	bool utf8;      /* SMTPUTF8 (RFC 6531) */
};

#endif
