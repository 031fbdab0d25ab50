/* SPDX-License-Identifier: ISC */
/*
 * Mails whose client has its 250 while the gateway's reply is still awaited: leg and file live on
 * without a session (DESIGN section 2, "Patience"). At most CONFIG_DETACHED.
 */
#ifndef RUN_PARTED_H
#define RUN_PARTED_H

#include "relay/net.h"
#include "run/outbound.h"
#include "run/tee.h"

/* Is there a place? */
bool parted_has_room(void);

/*
 * Takes over what the session held: net (NET_PARTED), leg, tee and envelope are moved, *net is idle
 * and the others are empty then. id: the mail's, as text. There is a place.
 */
void parted_take(
    struct net *net, struct leg *leg, struct tee *tee, struct envelope *envelope, const char *id);

/* How many there are: the engine does not end before they are decided. */
unsigned parted_count(void);

/* The engine ends: the gateway's reply is awaited no longer, they go to the queue. */
void parted_give_up(void);

#endif
