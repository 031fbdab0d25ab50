/* SPDX-License-Identifier: ISC */
/* Built without the spool: the transaction alone decides. */
#include "run/pump.h"

void pump_open_tee(struct inbound *in)
{
	(void)in;
}

void pump_commit_tee(struct inbound *in)
{
	(void)in;
}

bool pump_day_one(const struct leg *l)
{
	(void)l;
	return false;
}

uint32_t pump_circumstances(struct inbound *in, unsigned event, uint32_t arg)
{
	(void)in;
	(void)event;
	return arg ? NET_MORE : 0;
}
