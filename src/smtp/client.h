/* SPDX-License-Identifier: ISC */
/*
 * The SMTP session towards a gateway, as a function over bytes (RFC 5321 client, RFC 2920
 * pipelining, RFC 1870 SIZE, RFC 6152, RFC 6531). Commands are appended to an output buffer,
 * replies come back as events in the order of the commands. Nothing is accepted before it was
 * asked for.
 *
 * The owner steps until CLIENT_MORE before it sends a command: what then still lies unread in `in`
 * is what the gateway said before it could know of the command, and the session fails.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "base/buf.h"
#include "smtp/data_out.h"
#include "smtp/reply.h"
#include "smtp/sasl.h"
#include "smtp/smtp.h"

enum client_command {
	CLIENT_CMD_NONE,
	CLIENT_CMD_GREETING, /* nothing was sent: the greeting is awaited */
	CLIENT_CMD_EHLO,
	CLIENT_CMD_HELO,
	CLIENT_CMD_STARTTLS,
	CLIENT_CMD_AUTH, /* and each response to a challenge */
	CLIENT_CMD_MAIL,
	CLIENT_CMD_RCPT,
	CLIENT_CMD_DATA,
	CLIENT_CMD_END, /* the end of data */
	CLIENT_CMD_RSET,
	CLIENT_CMD_NOOP,
	CLIENT_CMD_QUIT,
};

enum client_event {
	CLIENT_MORE,  /* nothing whole has come */
	CLIENT_READY, /* greeting and EHLO (or HELO), TLS and login are done; mail may be sent */
	/*
	 * STARTTLS was accepted and nothing came behind it: do the handshake, then call
	 * client_secured. All that the gateway had said is forgotten (RFC 3207 4.2).
	 */
	CLIENT_STARTTLS,
	/*
	 * All is done but the login: call client_login, or client_no_login. c->secure and
	 * c->mechanisms tell what is possible. Where that takes a while (a token is fetched) step
	 * again when something comes: it is a failure.
	 */
	CLIENT_LOGIN,
	/*
	 * The login was refused: client_last() tells. 5xx: the gateway does not want this login;
	 * 4xx (454, 432, 421): ordinary trouble of the gateway. client_login may be called once
	 * more, with other secrets; else the session is of no use.
	 */
	CLIENT_LOGIN_REFUSED,
	CLIENT_WORK, /* a slice of work is done: step again in the next turn, whatever comes */
	CLIENT_REPLY, /* client_last() answers what.command */
	/*
	 * A reply whose first octet came in the body, before the end of data was sent: the verdict
	 * if 4xx or 5xx, else a failure (DESIGN section 2 "In the body"). The session is over.
	 */
	CLIENT_EARLY,
	/*
	 * The session is useless, what.why tells in what way, what.command which reply was awaited.
	 * The reply, if one was to blame, is client_last() (else its code is 0; the text may still
	 * hold what was said instead of a reply). Every further step says so again.
	 */
	CLIENT_FAILED,
};

enum client_failure {
	CLIENT_OK,
	CLIENT_BAD_GREETING,  /* not 220 */
	CLIENT_HELLO_REFUSED, /* EHLO and HELO refused; EHLO answered by 4xx */
	CLIENT_BAD_REPLY,   /* no sense, too long, or a code without meaning there (250 to DATA) */
	CLIENT_OUT_OF_STEP, /* a reply that nobody asked for */
	CLIENT_CLOSING,     /* a 421 that nobody asked for: an idle session is ended */
	/* required, and not offered (code 0) or refused; or refused by 421 */
	CLIENT_NO_STARTTLS,
	/* the dialogue of AUTH makes no sense, or SCRAM's proof is wrong: client_login_why */
	CLIENT_BAD_LOGIN,
};

enum client_tls {
	CLIENT_TLS_NO,        /* never */
	CLIENT_TLS_OFFERED,   /* where it is offered and not refused */
	CLIENT_TLS_REQUIRED,
	CLIENT_TLS_IMPLICIT,  /* the connection is encrypted from its beginning */
};

struct client_params {
	struct bytes ehlo_name; /* a dotted name or literal, at most LIMIT_HOSTNAME octets */
	uint8_t tls;            /* enum client_tls */
	bool login;             /* CLIENT_LOGIN comes before CLIENT_READY */
};

struct client_what {
	enum client_command command;
	enum client_failure why;
};

#define CLIENT_WINDOW 8      /* commands that may await their replies */
#define CLIENT_CHALLENGES 8u /* of one login; a gateway that asks on fails */

enum client_phase {
	CLIENT_PHASE_HELLO,     /* greeting, EHLO, STARTTLS */
	CLIENT_PHASE_HANDSHAKE, /* between CLIENT_STARTTLS and client_secured */
	CLIENT_PHASE_LOGIN,     /* CLIENT_LOGIN or CLIENT_LOGIN_REFUSED was told */
	CLIENT_PHASE_AUTH,      /* the exchange is under way */
	CLIENT_PHASE_NO_LOGIN,  /* client_no_login was called */
	CLIENT_PHASE_READY,
};

struct client {
	uint64_t size_limit;    /* SIZE announced; 0: none or not offered */
	struct sasl *sasl;      /* of the login under way, else NULL */
	const char *why;        /* see client_login_why */
	uint8_t phase;          /* enum client_phase */
	uint8_t challenges;     /* of this login */
	uint8_t mechanisms;     /* of AUTH, offered: a set of enum sasl_mechanism */
	bool offers_size, pipelining, eightbitmime, smtputf8, enhanced, starttls;
	bool auth;    /* AUTH is offered, with whatever mechanisms */
	bool secure;  /* the connection is encrypted */
	bool esmtp;   /* EHLO was accepted */
	bool in_body; /* 354 came, the end of data not yet sent */
	bool writing; /* of AUTH, or of a response, not all is in out */
	bool working; /* sasl_work is due */
	bool unasked;           /* the reply that comes in began when none was awaited … */
	bool unasked_in_body;   /* … in the body */
	bool surplus;           /* more than the replies awaited has come */
	uint8_t failed;         /* enum client_failure */
	uint8_t first, waiting; /* ring of commands that await replies */
	uint8_t window[CLIENT_WINDOW];
	/* What is large comes last: what lies near the front is reached in fewer octets. */
	struct client_params params; /* the name is the owner's storage */
	struct data_out data;
	struct reply_parser parser;
};

/* Room that client_step needs in out for EHLO, HELO and STARTTLS. */
#define CLIENT_HELLO_ROOM (LIMIT_HOSTNAME + 64u)

/* params is copied, its name outlives c. The greeting is awaited first. */
void client_init(struct client *c, const struct client_params *params);

/* The handshake that CLIENT_STARTTLS asked for is done: says EHLO again. */
void client_secured(struct client *c, struct buf *out);

/*
 * Begins the exchange that sasl_init prepared; sasl outlives it, and so do its secrets until
 * CLIENT_READY, CLIENT_LOGIN_REFUSED or CLIENT_FAILED. While client_is_writing, step again whenever
 * out has room for SASL_WRITE_ROOM. A reply that comes before all was written is a failure.
 */
void client_login(struct client *c, struct sasl *sasl, struct buf *out);
bool client_is_writing(const struct client *c);

/* Behind CLIENT_BAD_LOGIN: what makes no sense, a phrase. */
const char *client_login_why(const struct client *c);

/* No login: CLIENT_READY follows from the next step. */
void client_no_login(struct client *c);

/*
 * Takes from *in; may append EHLO, HELO or STARTTLS to out by itself (there must be
 * CLIENT_HELLO_ROOM until CLIENT_LOGIN or CLIENT_READY), and what goes of a login. One event per
 * call. Between CLIENT_STARTTLS and client_secured it takes nothing.
 */
enum client_event client_step(
    struct client *c, struct bytes *in, struct buf *out, struct client_what *what);

/*
 * The reply of the last CLIENT_REPLY, CLIENT_EARLY or CLIENT_FAILED; valid until the next
 * client_step.
 */
const struct reply *client_last(const struct client *c);

/*
 * May a further command be sent now? (None is awaited, or pipelining is offered, the window is
 * open and neither DATA nor the end of data nor QUIT is awaited; not in the body; nothing came
 * unasked.)
 */
bool client_may_send(const struct client *c);

/* The command whose reply comes next, CLIENT_CMD_NONE when none is awaited. */
enum client_command client_awaits(const struct client *c);

/*
 * Each appends one command to out and notes it; false, nothing done, if out has no room or
 * client_may_send says no. Paths come without < > and, as path_parse sees to, without control
 * characters (one that has is a bug). client_mail adds SIZE=, BODY=8BITMIME and SMTPUTF8 only where
 * they were offered. client_data waits for all replies before it (false until then): whether to
 * send DATA depends on them. client_quit may come instead of a login too.
 *
 * Where MAIL is refused the RCPT that was sent behind it is answered all the same, mostly by 503:
 * that answer means nothing.
 */
bool client_mail(
    struct client *c, struct buf *out, struct bytes sender, const struct smtp_mail_params *params);
bool client_rcpt(struct client *c, struct buf *out, struct bytes recipient);
bool client_data(struct client *c, struct buf *out);
bool client_rset(struct client *c, struct buf *out);
bool client_noop(struct client *c, struct buf *out);
bool client_quit(struct client *c, struct buf *out);

/*
 * Content, once 354 has come: takes from *in what fits out (dot-stuffed); client_end sends the end
 * of data (false, nothing done, if out has no room for it).
 */
void client_body(struct client *c, struct bytes *in, struct buf *out);
bool client_end(struct client *c, struct buf *out);

/* "EHLO", "end of data" and the like, for log and status. */
const char *client_command_name(enum client_command cmd);

#endif
