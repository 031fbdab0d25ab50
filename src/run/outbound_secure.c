/* SPDX-License-Identifier: ISC */
/* TLS towards a gateway: what is wanted of it, its handshake, and going on in clear. */
#include "io/clock.h"
#include "io/log.h"
#include "run/outbound_part.h"

#define CLEAR_MS 600000u /* no TLS is tried with a gateway whose optional TLS has failed */

_Static_assert((int)CONF_VERIFY_HOST - 1 == (int)TLS_VERIFY_HOST, "the words mean the same");

enum client_tls outbound_tls(const struct outbound *o)
{
	bool clear = o->in_clear || loop_now() < o->gateway->clear_until;

	switch (conf_tls_of(&o->sending, o->gateway->port)) {
	case CONF_TLS_DEFAULT:
	case CONF_TLS_NO:
		break;
	case CONF_TLS_IFAVAILABLE:
		return clear ? CLIENT_TLS_NO : CLIENT_TLS_OFFERED;
	case CONF_TLS_REQUIRED:
		return CLIENT_TLS_REQUIRED;
	case CONF_TLS_IMPLICIT:
		return CLIENT_TLS_IMPLICIT;
	}
	return CLIENT_TLS_NO;
}

static struct tls *connect_tls(const struct outbound *o)
{
	const struct conf_sending *s = &o->sending;
	struct tls_client_how how = {
		.name = s->tls_name ? bytes_of(s->tls_name) : o->gateway->host,
		.ca = gateway_ca(o->gateway),
		.pin = s->tls_pin ? s->tls_pin->pin : NULL,
		.pins = s->tls_pin ? s->tls_pin->n : 0,
		.verify = (uint8_t)(conf_verify_of(s) - CONF_VERIFY_NO),
		.versions = s->tls_protocols,
		.clock_unset = clock_unset(),
		.now = clock_unset() ? gateway_least_time() : loop_wall(),
		.memory = gateway_index(o->gateway),
	};

	return tls_connect(o->conn.watch.fd, &how);
}

void outbound_secure(struct outbound *o)
{
	struct tls *t = tls_has_room(true) ? connect_tls(o) : NULL;

	o->state = t ? OB_SECURE : OB_PLACE;
	loop_deadline(&o->limit, loop_now() + (uint64_t)o->sending.connect_timeout * 1000,
	    outbound_on_limit);
	if (t)
		conn_secure(&o->conn, t);
	else
		conn_rearm(&o->conn, false);
}

void outbound_tls_room(void)
{
	struct outbound *o;

	for (unsigned i = 0; (o = outbound_at(i)) != NULL; i++)
		if (o->gateway && o->state == OB_PLACE && conn_is_open(&o->conn) && !o->gone.queued)
			outbound_secure(o);
}

static void say_clear(const struct outbound *o)
{
	static char line[LOG_LINE];
	struct fmt f;

	fmt_init(&f, line, sizeof(line));
	fmt_str(&f, "gateway gateway=");
	gateway_print(&f, o->gateway);
	fmt_str(&f, " tls=no reason=\"");
	fmt_str(&f, o->why);
	fmt_str(&f, "; TLS is optional, so mail goes on in clear\"");
	log_line(LOG_LEVEL_WARNING, fmt_done(&f));
}

/* The handshake has failed. True: the same address is called again, without TLS. */
static bool go_on_in_clear(struct outbound *o)
{
	if (conf_tls_of(&o->sending, o->gateway->port) != CONF_TLS_IFAVAILABLE)
		return false;
	if (loop_now() >= o->gateway->clear_until)
		say_clear(o);
	o->gateway->clear_until = loop_now() + CLEAR_MS;
	o->in_clear = true;
	o->unverified = o->unverified || tls_is_certificate(o->conn.tls);
	outbound_same_address(o);
	return true;
}

bool outbound_shake(struct outbound *o)
{
	switch (conn_shake(&o->conn)) {
	case TLS_AGAIN:
	case TLS_WANTS_READ:
	case TLS_WANTS_WRITE:
		return false;
	case TLS_DONE:
		o->gateway->handshakes++;
		o->gateway->resumed += tls_resumed(o->conn.tls);
		o->state = OB_HELLO;
		if (o->client.params.tls != CLIENT_TLS_IMPLICIT)
			client_secured(&o->client, &o->conn.out);
		loop_deadline(&o->limit, loop_now() + (uint64_t)o->sending.ehlo_timeout * 1000,
		    outbound_on_limit);
		return true;
	case TLS_FAILED:
		outbound_blame(o, tls_is_certificate(o->conn.tls) ? VERDICT_CERTIFICATE : VERDICT_TLS,
		    tls_why(o->conn.tls), (struct bytes){ 0 });
		if (go_on_in_clear(o))
			return false;
		o->told_later = true;
		return true;
	}
	return false;
}

const char *outbound_version(const struct outbound *o)
{
	return o->conn.tls ? tls_version(o->conn.tls) : "no";
}
