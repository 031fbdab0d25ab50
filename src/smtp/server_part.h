/* SPDX-License-Identifier: ISC */
/* What the files of the server machine share among themselves; nobody else includes it. */
#ifndef SMTP_SERVER_PART_H
#define SMTP_SERVER_PART_H

#include "smtp/server.h"

enum server_phase {
	PHASE_IDLE, /* no transaction */
	PHASE_MAIL, /* MAIL was accepted */
	PHASE_RCPT, /* and a recipient was named, whatever became of it */
	PHASE_BODY, /* the content comes, or its end waits for an answer */
	PHASE_OVER, /* nothing is taken any more */
};

/* One command under way. */
struct server_call {
	struct bytes args;
	struct buf *out;
	struct server_what *what;
};

/* Each does one command and returns an event for the owner, SERVER_MORE if there is none. */
enum server_event server_do_mail(struct server *s, const struct server_call *c);
enum server_event server_do_rcpt(struct server *s, const struct server_call *c);
enum server_event server_do_bdat(struct server *s, const struct server_call *c);
enum server_event server_do_auth(struct server *s, const struct server_call *c);

/* The lines of the EHLO reply that tell of AUTH, if it is offered just now. */
void server_auth_offer(const struct server *s, struct buf *out);

/* A line that answers a challenge (where auth_stage is not 0). */
enum server_event server_auth_line(
    struct server *s, struct bytes line, const struct server_call *c);

/* The same, or AUTH itself, that was too long to be kept. */
enum server_event server_auth_skipped(struct server *s, const struct server_call *c);

/* SERVER_LOGIN was answered. */
void server_auth_answer(struct server *s, struct buf *out, unsigned code);

/* Appends a reply, or a part of one, as fmt_add does. There is room: server_step saw to that. */
#define server_print(out, ...) server_put(out, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 2, 3))) void server_put(struct buf *out, const char *format, ...);

/* The same for a line that is a phrase, without its end. */
void server_say(struct buf *out, const char *reply);

/* The same for an error of the client's own; enough of them end the session. */
enum server_event server_fail(struct server *s, const struct server_call *c, const char *reply);

/* Parks the machine with a question. */
enum server_event server_ask(struct server *s, enum server_event question);

/* Octets that a mail may have, 0: no limit. */
uint64_t server_limit(const struct server *s);

/* Does a connection on which no command was understood yet go on with something that is no SMTP?
 * Then what it is, and what would be right: a phrase. NULL: no, or not to be told yet. */
const char *server_foreign(struct bytes in);

/* The same for a whole line whose verb is not known. */
const char *server_foreign_line(struct bytes line);

#endif
