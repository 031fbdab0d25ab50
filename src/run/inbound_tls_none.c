/* SPDX-License-Identifier: ISC */
/* TLS is left out: it is never offered, and no listener has Use_SSL. */
#include "run/inbound_tls.h"

bool inbound_tls_there(uint32_t index)
{
	(void)index;
	return false;
}

void inbound_tls_begin(struct inbound *in)
{
	inbound_end(in);
}

void inbound_tls_event(struct inbound *in, uint32_t events)
{
	(void)in;
	(void)events;
}

void inbound_tls_turn(struct inbound *in)
{
	(void)in;
}

void inbound_tls_limit(struct inbound *in)
{
	(void)in;
}

void inbound_tls_room(void)
{
}

void inbound_tls_drop(struct inbound *in)
{
	(void)in;
}
