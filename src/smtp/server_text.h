/* SPDX-License-Identifier: ISC */
/* The server's own replies: phrases. They are what a scanner's user sees on one line of a panel. */
#ifndef SMTP_SERVER_TEXT_H
#define SMTP_SERVER_TEXT_H

#include "base/fmt.h"

#define TEXT_OK   PHRASE("250 2.0.0 Ok")
#define TEXT_BYE  PHRASE("221 2.0.0 Bye")
#define TEXT_HELP PHRASE("214 2.0.0 HELO EHLO MAIL RCPT DATA RSET NOOP VRFY QUIT")
#define TEXT_VRFY PHRASE("252 2.0.0 Not checked: send the mail and see")

#define TEXT_TOO_MANY_ERRORS PHRASE("421 4.7.0 Too many errors")
#define TEXT_TOO_MANY_LOGINS PHRASE("421 4.7.0 Too many failed logins")
#define TEXT_ENDLESS         PHRASE("421 4.7.0 Line without end")

#define TEXT_UNKNOWN       PHRASE("500 5.5.1 Command not known")
#define TEXT_LINE_TOO_LONG PHRASE("500 5.5.2 Command line too long")
#define TEXT_CONTROLS      PHRASE("501 5.5.2 Control characters in the command")
#define TEXT_NO_ARGUMENT   PHRASE("501 5.5.4 DATA takes no argument")

#define TEXT_NOT_OFFERED PHRASE("502 5.5.1 Command not offered")
#define TEXT_NO_AUTH     PHRASE("502 5.5.1 No login here: turn authentication off")
#define TEXT_NO_STARTTLS PHRASE("502 5.5.1 No TLS here: turn TLS off")

#define TEXT_TLS_ARGUMENT PHRASE("501 5.5.4 STARTTLS takes no argument")
#define TEXT_TLS_TWICE    PHRASE("503 5.5.1 TLS is on already")

#define TEXT_ASK_PLAIN      PHRASE("334 ")
#define TEXT_ASK_USER       PHRASE("334 VXNlcm5hbWU6")
#define TEXT_ASK_PASSWORD   PHRASE("334 UGFzc3dvcmQ6")
#define TEXT_AUTH_FORM      PHRASE("501 5.5.4 The form is AUTH MECHANISM, with PLAIN or LOGIN")
#define TEXT_AUTH_SYNTAX    PHRASE("501 5.5.2 Login not understood")
#define TEXT_AUTH_CANCELLED PHRASE("501 5.7.0 Login cancelled")
#define TEXT_AUTH_TWICE     PHRASE("503 5.5.1 Logged in already")
#define TEXT_AUTH_UNKNOWN   PHRASE("504 5.5.4 Use AUTH PLAIN or LOGIN")
#define TEXT_AUTH_TLS       PHRASE("538 5.7.11 No login without TLS (Auth_Requires_TLS)")

#define TEXT_NO_MAIL PHRASE("503 5.5.1 Send MAIL first")
#define TEXT_NO_RCPT PHRASE("503 5.5.1 Send RCPT first")
#define TEXT_NESTED  PHRASE("503 5.5.1 A mail is under way: RSET drops it")

#define TEXT_MAIL_FORM        PHRASE("501 5.5.4 The form is MAIL FROM:<address>")
#define TEXT_RCPT_FORM        PHRASE("501 5.5.4 The form is RCPT TO:<address>")
#define TEXT_SENDER_SYNTAX    PHRASE("501 5.1.7 Not a valid sender address")
#define TEXT_SENDER_LONG      PHRASE("501 5.1.7 Sender address too long")
#define TEXT_RECIPIENT_SYNTAX PHRASE("501 5.1.3 Not a valid recipient address")
#define TEXT_RECIPIENT_LONG   PHRASE("501 5.1.3 Recipient address too long")
#define TEXT_TOO_BIG          PHRASE("552 5.3.4 Mail too big, bytes allowed: ")
#define TEXT_TOO_MANY         PHRASE("452 4.5.3 Too many recipients in one mail, allowed: ")
#define TEXT_UNQUALIFIED      PHRASE("550 5.1.3 Recipient address needs @ and a domain")
#define TEXT_EIGHT_BIT        PHRASE("553 5.6.7 Address with non-ASCII characters")
#define TEXT_PARAM_SYNTAX     PHRASE("501 5.5.4 Parameter not understood")
#define TEXT_PARAM_UNKNOWN    PHRASE("555 5.5.4 Parameter not offered")

#endif
