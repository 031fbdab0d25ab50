/* SPDX-License-Identifier: ISC */
/* The SMTP session towards a client on the LAN, as a function over bytes (RFC 5321, and all that DESIGN 3.5 lets sloppy devices do).
 * It knows no socket, clock or policy. An event that asks a question parks the machine until server_answer. */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include "base/buf.h"
#include "smtp/data_in.h"
#include "smtp/path.h"
#include "smtp/reply.h"
#include "smtp/smtp.h"

struct server_params {
	struct bytes hostname;      /* first word of greeting and EHLO reply */
	uint64_t max_size;          /* announced in SIZE and enforced; 0: none */
	uint32_t max_recipients;
	bool unqualified_rcpt_ok;   /* a recipient without a domain is asked of the owner, else 550 5.1.3 */
	bool data_lone_lf_ends_data;
	bool data_pedantic_headers;
	bool data_pedantic_body;
};

enum server_event {
	SERVER_MORE,   /* give more input */
	SERVER_FULL,   /* drain out first (less than LIMIT_REPLY_PRINTED octets of room) */
	SERVER_PARKED, /* a question is open */
	SERVER_RESET,  /* HELO, EHLO or RSET ended whatever transaction there was; already answered */
	SERVER_MAIL,   /* question: what.path (null: empty mailbox), what.mail */
	SERVER_RCPT,   /* question: what.path */
	SERVER_DATA,   /* question: answer 354 to let the content come; anything else ends the transaction */
	SERVER_BODY,   /* what.run: canonical content to pass on */
	SERVER_EOM,    /* question: the end of data; what.fault says if the box itself refuses the content (the owner answers that too) */
	SERVER_QUIT,   /* 221 is in out: flush and close */
	SERVER_CLOSE,  /* a last reply is in out (or none): flush and close; what.reason for the log */
};

struct server_what {
	struct path path;
	struct smtp_mail_params mail;
	struct bytes run;
	enum data_fault fault;
	const char *reason; /* static text: what was wrong and what would be right */
};

struct server {
	const struct server_params *params;
	struct data_in_params data_params;
	struct data_in data;
	uint64_t size_limit;   /* the smaller of ours and the only possible gateway's, for the EHLO reply; set by the owner, 0: none */
	uint32_t recipients;   /* RCPT commands answered 2xx in this transaction */
	uint32_t skipped;      /* octets of an overlong line, or of BDAT's chunk still to swallow */
	uint64_t swallow;
	uint8_t phase;         /* enum in server.c: greeting, hello, mail, rcpt, data, … */
	uint8_t question;      /* the event that parked it */
	uint8_t errors;
	bool esmtp;            /* EHLO was said */
	bool parked;
	bool utf8;             /* SMTPUTF8 given in this transaction's MAIL */
	uint8_t hello_n;
	char hello[LIMIT_HELLO]; /* the name that HELO or EHLO gave, raw octets */
};

/* params outlives s. The greeting is not written: server_greet does that. */
void server_init(struct server *s, const struct server_params *params);

/* 220 with our name; or, at once, the refusal r (421) after which the owner flushes and closes. */
void server_greet(struct server *s, struct buf *out, const struct reply *refusal);

/* Takes from *in (the caller drops what was taken from its buffer), appends replies to out, returns one event, described in *what.
 * body_room: octets that the owner can take of the content just now; with less than 2 no content is consumed and SERVER_FULL is returned. */
enum server_event server_step(struct server *s, struct bytes *in, struct buf *out, size_t body_room, struct server_what *what);

/* Answers the open question and goes on. For SERVER_DATA: code 354 lets the content come. The owner made sure that out has LIMIT_REPLY_PRINTED octets
 * of room (server_step saw to that before it asked). */
void server_answer(struct server *s, struct buf *out, const struct reply *r);

/* Between transactions (nothing of a mail under way) — where a session may be ended with 421 without loss. */
bool server_idle(const struct server *s);

/* Waiting for content (between 354 and the end of data)? */
bool server_in_data(const struct server *s);

/* Did the client send something like an end of data that only Lone_LF_Ends_Data would have taken? */
bool server_almost_ended(const struct server *s);

/* Is a command line begun, but not ended, in `in`? (Client_Timeout bounds the whole line.) */
bool server_line_begun(const struct server *s, struct bytes in);

#endif
