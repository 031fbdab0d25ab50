/* SPDX-License-Identifier: ISC */
/* What client.c and client_login.c share. */
#ifndef SMTP_CLIENT_PART_H
#define SMTP_CLIENT_PART_H

#include "smtp/client.h"

/* Notes that a reply to cmd is awaited. */
void client_push(struct client *c, enum client_command cmd);

/* CLIENT_FAILED, now and ever; with client_out_of_step no reply is to blame. */
enum client_event client_fail(
    struct client *c, struct client_what *what, enum client_failure why);
enum client_event client_out_of_step(struct client *c, struct client_what *what);

/* Goes on with the line of AUTH or of a response: sets c->writing. */
void client_speak(struct client *c, struct buf *out);

/* The reply to AUTH or to a response is whole. CLIENT_MORE: an answer to it is being written. */
enum client_event client_on_auth(struct client *c, struct buf *out, struct client_what *what);

/* A slice of the work that is due. */
enum client_event client_work(struct client *c, struct buf *out, struct client_what *what);

#endif
