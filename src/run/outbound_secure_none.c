/* SPDX-License-Identifier: ISC */
/* Built without TLS: nothing is wanted of it. */
#include "run/outbound_part.h"

bool outbound_tls_wanted;

enum client_tls outbound_tls(const struct outbound *o)
{
	(void)o;
	return CLIENT_TLS_NO;
}

bool outbound_tls_is_full(const struct gateway *g, const struct conf_sending *s)
{
	(void)g;
	(void)s;
	return false;
}

void outbound_secure(struct outbound *o)
{
	(void)o;
}

void outbound_tls_room(void)
{
}

bool outbound_go_on_in_clear(struct outbound *o)
{
	(void)o;
	return false;
}

bool outbound_shake(struct outbound *o)
{
	(void)o;
	return false;
}

bool outbound_shaken_off(struct outbound *o)
{
	(void)o;
	return false;
}

const char *outbound_version(const struct outbound *o)
{
	(void)o;
	return "no";
}
