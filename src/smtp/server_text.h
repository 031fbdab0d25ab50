/* SPDX-License-Identifier: ISC */
/* The server's own replies, whole. They are what a scanner's user sees on one line of a panel. */
#ifndef SMTP_SERVER_TEXT_H
#define SMTP_SERVER_TEXT_H

#include "base/bytes.h"

#define TEXT(reply) BYTES(reply "\r\n")

#define TEXT_OK   TEXT("250 2.0.0 Ok")
#define TEXT_BYE  TEXT("221 2.0.0 Bye")
#define TEXT_HELP TEXT("214 2.0.0 HELO EHLO MAIL RCPT DATA RSET NOOP VRFY QUIT")
#define TEXT_VRFY TEXT("252 2.0.0 Not checked: send the mail and see")

#define TEXT_TOO_MANY_ERRORS TEXT("421 4.7.0 Too many errors")
#define TEXT_TOO_MANY_LOGINS TEXT("421 4.7.0 Too many failed logins")
#define TEXT_ENDLESS         TEXT("421 4.7.0 Line without end")

#define TEXT_UNKNOWN       TEXT("500 5.5.1 Command not known")
#define TEXT_LINE_TOO_LONG TEXT("500 5.5.2 Command line too long")
#define TEXT_CONTROLS      TEXT("501 5.5.2 Control characters in the command")
#define TEXT_NO_ARGUMENT   TEXT("501 5.5.4 DATA takes no argument")

#define TEXT_NOT_OFFERED TEXT("502 5.5.1 Command not offered")
#define TEXT_NO_AUTH     TEXT("502 5.5.1 No login here: turn authentication off")
#define TEXT_NO_STARTTLS TEXT("502 5.5.1 No TLS here: turn TLS off")

#define TEXT_TLS_ARGUMENT TEXT("501 5.5.4 STARTTLS takes no argument")
#define TEXT_TLS_TWICE    TEXT("503 5.5.1 TLS is on already")

#define TEXT_ASK_PLAIN      TEXT("334 ")
#define TEXT_ASK_USER       TEXT("334 VXNlcm5hbWU6")
#define TEXT_ASK_PASSWORD   TEXT("334 UGFzc3dvcmQ6")
#define TEXT_AUTH_FORM      TEXT("501 5.5.4 The form is AUTH MECHANISM, with PLAIN or LOGIN")
#define TEXT_AUTH_SYNTAX    TEXT("501 5.5.2 Login not understood")
#define TEXT_AUTH_CANCELLED TEXT("501 5.7.0 Login cancelled")
#define TEXT_AUTH_TWICE     TEXT("503 5.5.1 Logged in already")
#define TEXT_AUTH_UNKNOWN   TEXT("504 5.5.4 Use AUTH PLAIN or LOGIN")
#define TEXT_AUTH_TLS       TEXT("538 5.7.11 No login without TLS (Auth_Requires_TLS)")

#define TEXT_NO_MAIL TEXT("503 5.5.1 Send MAIL first")
#define TEXT_NO_RCPT TEXT("503 5.5.1 Send RCPT first")
#define TEXT_NESTED  TEXT("503 5.5.1 A mail is under way: RSET drops it")

#define TEXT_MAIL_FORM        TEXT("501 5.5.4 The form is MAIL FROM:<address>")
#define TEXT_RCPT_FORM        TEXT("501 5.5.4 The form is RCPT TO:<address>")
#define TEXT_SENDER_SYNTAX    TEXT("501 5.1.7 Not a valid sender address")
#define TEXT_SENDER_LONG      TEXT("501 5.1.7 Sender address too long")
#define TEXT_RECIPIENT_SYNTAX TEXT("501 5.1.3 Not a valid recipient address")
#define TEXT_RECIPIENT_LONG   TEXT("501 5.1.3 Recipient address too long")
#define TEXT_UNQUALIFIED      TEXT("550 5.1.3 Recipient address needs @ and a domain")
#define TEXT_EIGHT_BIT        TEXT("553 5.6.7 Address with non-ASCII characters")
#define TEXT_PARAM_SYNTAX     TEXT("501 5.5.4 Parameter not understood")
#define TEXT_PARAM_UNKNOWN    TEXT("555 5.5.4 Parameter not offered")

#endif
