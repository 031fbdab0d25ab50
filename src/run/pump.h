/* SPDX-License-Identifier: ISC */
/* Moves one transaction: events of the session and of the leg to relay/txn, its actions to both. */
#ifndef RUN_PUMP_H
#define RUN_PUMP_H

#include "io/log.h"
#include "run/inbound.h"

/*
 * Works on everything that can be done without waiting. False: the session has been closed
 * meanwhile.
 */
bool pump_run(struct inbound *in);

/* One event for the transaction; performs what follows. */
/* event: enum txn_event or enum net_event; arg as in txn.h. */
void pump_event(struct inbound *in, unsigned event, uint32_t arg);

/* pump_spool.c: the file in the spool: begun, and behind the last of the content made safe. */
void pump_open_tee(struct inbound *in);
void pump_commit_tee(struct inbound *in);
/* What relay/net has to know beside the event: its arg. */
uint32_t pump_circumstances(struct inbound *in, unsigned event, uint32_t arg);

/* receive.c: the box's own answers and the rewriting of addresses. */
void receive_mail(struct inbound *in, const struct server_what *what);
void receive_rcpt(struct inbound *in, const struct server_what *what);

/* The session has refused a mail or a recipient by itself: for the log, and for DATA's answer. */
void receive_refused(struct inbound *in, const struct server_what *what);

/* content.c: the mail's content on its way. */
void content_begin(struct inbound *in);
void content_take(struct inbound *in, struct bytes run);
/* Moves what waits; false when nothing moved. */
bool content_move(struct inbound *in);
/* Is anything waiting for room at the gateway, or on the disk? */
bool content_waits(const struct inbound *in);
void content_drop(struct inbound *in);
/* The gateway, or the spool, takes no more of it. */
void content_no_leg(struct inbound *in);
void content_no_tee(struct inbound *in);
/* The Received field, in static storage. */
struct bytes content_received(struct inbound *in);
/* The box refuses what comes. */
void content_check(struct inbound *in);

/*
 * Has the leg's gateway trouble that must not hide behind a 250 yet (DESIGN section 2, "Day one")?
 */
bool pump_day_one(const struct leg *l);

/*
 * say.c: replies to the client, and the mail's log line. The box's own are formats as fmt_add has
 * them, with both codes in front: "550 5.7.1 text".
 */
#define say(in, ...) say_put(in, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 2, 3))) void say_put(struct inbound *in, const char *format, ...);
void say_reply(struct inbound *in, const struct reply *r);
/* A phrase, or what was formatted, as a reply: valid until the next of the box's own. */
const struct reply *say_own(const char *text);
void say_failed(struct inbound *in);
/*
 * DATA with no recipient to send to. The log goes on to tell the last recipient's reply, which says
 * why.
 */
void say_none_accepted(struct inbound *in, bool put_off);
void say_fault(struct inbound *in);
/* A mail that needs the spool and cannot have it; that could not be made safe. */
void say_no_spool(struct inbound *in);
void say_unsafe(struct inbound *in);
/* The session's own refusal (a phrase), for the mail's log line. */
void say_noted(struct inbound *in, const char *reply);

void say_log_mail(struct inbound *in);
/* A log line of the session: "session event=… peer=…", and the reason where the format has one. */
#define say_log(level, in, event, ...) say_log_put(level, in, event, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 4, 5))) void say_log_put(
    enum log_level level, const struct inbound *in, const char *event, const char *format, ...);

#endif
