/* SPDX-License-Identifier: ISC */
/* Built without the spool: no client gets its 250 before the gateway has said so. */
#include "base/bug.h"
#include "run/parted.h"

bool parted_has_room(void)
{
	return false;
}

void parted_take(
    struct net *net, struct leg *leg, struct tee *tee, struct envelope *envelope, const char *id)
{
	(void)net;
	(void)leg;
	(void)tee;
	(void)envelope;
	(void)id;
	gp_bug("parted: there is no spool");
}

unsigned parted_count(void)
{
	return 0;
}

void parted_give_up(void)
{
}
