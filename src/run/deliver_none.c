/* SPDX-License-Identifier: ISC */
/* Built without the spool: there is nothing to deliver. */
#include "run/deliver.h"

void deliver_init(const struct engine_args *args)
{
	(void)args;
}

void deliver_drain(void)
{
}

void deliver_give_up(bool all)
{
	(void)all;
}

unsigned deliver_count(void)
{
	return 0;
}

unsigned deliver_under_way(void)
{
	return 0;
}

void deliver_wake(const struct gateway *g)
{
	(void)g;
}
