/* SPDX-License-Identifier: ISC */
/*
 * Deliveries of what lies in the spool (DESIGN section 2, "Queue"): at most CONFIG_DELIVERIES at a
 * time, each as if it were a client that waits for its gateway (relay/txn.h). Who cannot be
 * delivered to just now waits: for the gateway that is down or has no place, or for its next try.
 */
#ifndef RUN_DELIVER_H
#define RUN_DELIVER_H

#include "run/engine.h"
#include "run/gateway.h"

/* Deadlines of the loop in use. */
#define DELIVER_DEADLINES 2

/* After tee_init and outbound_init. args outlive the engine. */
void deliver_init(const struct engine_args *args);

/*
 * No mail is taken up any more; what no content was sent of goes back to the queue, the rest is
 * decided.
 */
void deliver_drain(void);

/* The engine ends: what is in its content goes back; all: what awaits its last reply, too. */
void deliver_give_up(bool all);

/* Mails under way: the engine does not end before they are decided. */
unsigned deliver_count(void);

/* Those of them of which it is known which mail it is. */
unsigned deliver_under_way(void);

/* Things have changed: g is up or down, or there is a place for a connection (NULL: somewhere). */
void deliver_wake(const struct gateway *g);

#endif
