/* SPDX-License-Identifier: ISC */
/* The SMTP session towards a client on the LAN, as a function over bytes (RFC 5321, and all that
 * DESIGN 3.5 lets sloppy devices do). It knows no socket, clock or policy. An event that asks a
 * question parks the machine until server_answer. */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include "base/buf.h"
#include "smtp/data_in.h"
#include "smtp/path.h"
#include "smtp/reply.h"
#include "smtp/smtp.h"

struct server_params {
	struct bytes hostname;    /* first word of greeting and EHLO reply */
	uint64_t max_size;        /* announced in SIZE and enforced; 0: none */
	uint32_t max_recipients;  /* 0: no limit */
	bool unqualified_rcpt_ok; /* one without a domain is asked of the owner, else 550 5.1.3 */
	bool data_lone_lf_ends_data;
	bool data_pedantic_headers;
	bool data_pedantic_body;
	bool starttls;          /* offered, while the session is in clear */
	uint8_t auth;           /* enum server_auth */
	bool auth_requires_tls; /* AUTH is offered and taken only once the session is encrypted */
	/*
	 * CRAM-MD5's challenge, unlike any other session's and try's: "<...@host>", at most
	 * SERVER_CHALLENGE octets; n = 0: not offered. May change whenever a question is answered.
	 */
	struct bytes challenge;
	/*
	 * SERVER_SCRATCH octets in which what.login lies; needed where auth is not SERVER_AUTH_NO.
	 * Sessions may share it: it is only used between server_step and its return to the loop.
	 * The owner wipes it.
	 */
	uint8_t *scratch;
};

enum server_auth {
	SERVER_AUTH_NO,
	SERVER_AUTH_USERS, /* the owner knows the users */
	SERVER_AUTH_ANY,   /* PLAIN and LOGIN, whatever is sent; the owner is asked all the same */
};

#define SERVER_CHALLENGE 80u /* octets */
#define SERVER_SCRATCH   (LIMIT_COMMAND_LINE / 4 * 3 + 4)

/*
 * What a client wants to be known as; borrowed. Octets as they came, with a NUL or anything else
 * in them.
 */
struct server_login {
	struct bytes user;
	struct bytes password;  /* n = 0 with a digest */
	struct bytes digest;    /* CRAM-MD5: 32 hexadecimal digits; else n = 0 */
	struct bytes challenge; /* that it answers */
	/*
	 * nobody's: too long to be kept, for another than the user, or it made no sense in a way
	 * that Auth = any has to take
	 */
	bool unreadable;
};

#define SERVER_USER 128u /* octets of a user's name that are kept */

/*
 * What a session counts as errors of the client (LIMIT_ERRORS of them end it): 500, 501, 502, 503
 * and 555 of the machine itself, and refused logins. Limits and addresses that are well-formed but
 * not taken (452, 550, 552, 553), whatever else the owner answers, and RCPT and DATA behind a MAIL
 * that was refused, are none. LIMIT_LOGINS refused logins end a session too.
 */
enum server_event {
	SERVER_MORE, /* give more input */
	SERVER_FULL, /* drain out first (less than LIMIT_REPLY_PRINTED octets of room) */
	/* a mail or recipient was, by what the machine knows itself (no error of the client):
	 * what.reason is the reply, already given; what.path, what.mail */
	SERVER_REFUSED,
	SERVER_PARKED, /* a question is open */
	SERVER_RESET,  /* HELO, EHLO or RSET ended any transaction; already answered */
	SERVER_MAIL,   /* question: what.path (null: empty mailbox), what.mail */
	SERVER_RCPT,   /* question: what.path */
	SERVER_DATA,   /* question: 354 lets the content come, anything else ends the transaction */
	SERVER_BODY,   /* what.run: canonical content to pass on */
	SERVER_EOM,    /* question: the end of data; what.fault: the box refuses the content */
	/*
	 * question: may TLS begin? After 220 the machine stays parked: the owner flushes, sees that
	 * nothing has come behind the command (else it closes without a word), does the handshake,
	 * calls server_secured
	 */
	SERVER_STARTTLS,
	/*
	 * question: what.login; 235, or a refusal, behind which the session may be over (see
	 * above: 421 is in out then)
	 */
	SERVER_LOGIN,
	SERVER_QUIT,  /* 221 is in out: flush and close */
	SERVER_CLOSE, /* flush (if anything is in out) and close; what.reason for the log */
};

struct server_what {
	struct path path;
	struct smtp_mail_params mail;
	struct bytes run;
	enum data_fault fault;
	struct server_login login;
	/*
	 * a phrase: what was wrong and what would be right; or the reply, without the number that
	 * followed it
	 */
	const char *reason;
	bool put_off; /* SERVER_REFUSED: it was a 4xx */
};

/* What is small comes first: it is reached in fewer octets. */
struct server {
	uint8_t phase;    /* enum in server_part.h: idle, mail, rcpt, body, over */
	uint8_t question; /* the event that parked it */
	uint8_t errors;
	uint8_t auth_stage; /* of the AUTH under way: server_auth.c */
	uint8_t auth_tries;
	uint8_t user_n;
	uint8_t hello_n;
	bool esmtp;  /* EHLO was said */
	bool secure; /* the session is encrypted */
	bool authenticated;
	bool user_lost; /* it was too long, or made no sense */
	/* what was taken holds (a part of) a login: the owner wipes it and sets this back */
	bool secret;
	bool parked;
	bool mail_refused; /* the last MAIL was, and no transaction was begun or reset since */
	bool utf8;         /* SMTPUTF8 given in this transaction's MAIL */
	bool good;         /* a command was understood: this is a mail client */
	bool skipping;     /* the rest of an overlong line is being dropped */
	bool skip_auth;    /* and it is an AUTH that has not had its answer yet */
	bool skip_cr;      /* the last octet dropped was a CR */
	const struct server_params *params;
	uint32_t recipients; /* RCPT commands answered 2xx in this transaction */
	uint32_t skipped;    /* octets of an overlong line dropped so far */
	/* What the only possible gateway announced, for the EHLO reply and the check at MAIL and in
	 * the content; set by the owner, 0: none. Where ours is smaller, ours counts. */
	uint64_t size_limit;
	uint64_t swallow; /* octets of BDAT's chunk still to drop */
	struct data_in_params data_params;
	struct data_in data;
	char user[SERVER_USER]; /* of LOGIN, while its password is awaited */
	char hello[LIMIT_HELLO]; /* the name that HELO or EHLO gave, raw octets */
};

/* params outlives s. The greeting is not written: server_greet does that. */
void server_init(struct server *s, const struct server_params *params);

/* 220 with our name; or, at once, the refusal r (421) after which the owner flushes and closes. */
void server_greet(struct server *s, struct buf *out, const struct reply *refusal);

/* Takes from *in (the caller drops what was taken from its buffer), appends replies to out, returns
 * one event, described in *what. body_room: octets that the owner can take of the content just now;
 * with less than 2 no content is consumed and SERVER_FULL is returned. */
enum server_event server_step(struct server *s, struct bytes *in, struct buf *out, size_t body_room,
    struct server_what *what);

/* Answers the open question and goes on. For SERVER_DATA: code 354 lets the content come. A 421
 * ends the session. The owner made sure that out has LIMIT_REPLY_PRINTED octets of room
 * (server_step saw to that before it asked). */
void server_answer(struct server *s, struct buf *out, const struct reply *r);

/*
 * TLS stands (after SERVER_STARTTLS, or before the greeting of an implicit listener): all that was
 * said before is forgotten (RFC 3207 4.2).
 */
void server_secured(struct server *s);

/* Between transactions (nothing of a mail under way) — where a session may be ended with 421
 * without loss. */
bool server_idle(const struct server *s);

/* Waiting for content (between 354 and the end of data)? */
bool server_in_data(const struct server *s);

/* Did the client send an end of data that only Lone_LF_Ends_Data would have taken? */
bool server_almost_ended(const struct server *s);

/* Is a command line (or a BDAT chunk) begun, but not ended, given that `in` was not taken?
 * (Client_Timeout bounds the whole line.) */
bool server_line_begun(const struct server *s, struct bytes in);

#endif
