/* SPDX-License-Identifier: ISC */
/*
 * Whose failure a gateway's reply is: the gateway's, or the mail's (DESIGN section 2, "Two kinds
 * of failure").
 */
#ifndef RELAY_VERDICT_H
#define RELAY_VERDICT_H

#include "smtp/client.h"

enum verdict {
	VERDICT_OK,
	VERDICT_DEFER,  /* the gateway refuses the mail for now: 4xx */
	VERDICT_REJECT, /* the gateway refuses the mail: 5xx */
	VERDICT_FAIL,   /* the gateway fails: the next address or route may do better */
};

/*
 * What r means as the answer to cmd. 421, 432, 454, 500, 502, 503, 530, 534, 535 and 538 to
 * anything are the gateway's failure; so is a code that has no meaning there (250 to DATA, 354 to
 * MAIL, 199, 600) and any refusal of greeting, EHLO, HELO, STARTTLS, AUTH, RSET, NOOP or QUIT.
 * CLIENT_CMD_NONE: a reply before the end of data (CLIENT_EARLY), where 4xx and 5xx are verdicts,
 * a 2xx a failure.
 */
enum verdict verdict_of(enum client_command cmd, const struct reply *r);

/* How a gateway can fail, where no reply of its own says so better. */
enum verdict_trouble {
	VERDICT_NO_NAME,    /* its name was not found, or nobody could say */
	VERDICT_NO_CONNECT, /* no address took the connection */
	VERDICT_TLS,        /* handshake, STARTTLS refused though required */
	VERDICT_CERTIFICATE,
	VERDICT_LOGIN, /* refused or missing */
	VERDICT_TIMEOUT,
	VERDICT_LOST,     /* the connection ended */
	VERDICT_PROTOCOL, /* EHLO and HELO refused, nonsense, out of step, a code from above */
};

/* The trouble that a reply with VERDICT_FAIL tells of: VERDICT_LOGIN or VERDICT_PROTOCOL. */
enum verdict_trouble verdict_trouble_of(const struct reply *r);

/*
 * The enhanced code of the 451 that tells a client of it: "4.4.1" (no name, no connection),
 * "4.7.0" (TLS, certificate, login), "4.4.2" (all else).
 */
const char *verdict_enhanced(enum verdict_trouble trouble);

#endif
