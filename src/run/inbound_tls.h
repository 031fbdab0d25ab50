/* SPDX-License-Identifier: ISC */
/*
 * TLS towards a client, up to the end of its handshake: the wait for a place, the reply to
 * STARTTLS, one step of the handshake in a turn of the loop. inbound_tls_none.c where TLS is left
 * out.
 */
#ifndef RUN_INBOUND_TLS_H
#define RUN_INBOUND_TLS_H

#include "run/inbound.h"

/* Can clients of this listener (index into conf->listen) have TLS? */
bool inbound_tls_there(uint32_t index);

/*
 * TLS is to begin: the client of a Use_SSL listener has come, or has said STARTTLS (which is
 * answered here). From now on in->wait is not 0 until it stands.
 */
void inbound_tls_begin(struct inbound *in);

/* Something happened to the connection, in->wait being one of TLS's. */
void inbound_tls_event(struct inbound *in, uint32_t events);

/* The end of a turn in which something may have happened to it. */
void inbound_tls_turn(struct inbound *in);

/* Its deadline has passed. */
void inbound_tls_limit(struct inbound *in);

/* There may be a place for one that waits. */
void inbound_tls_room(void);

/* The session ends. */
void inbound_tls_drop(struct inbound *in);

#endif
