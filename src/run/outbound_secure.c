/* SPDX-License-Identifier: ISC */
/* TLS towards a gateway: what is wanted of it, its handshake, and going on in clear. */
#include "io/clock.h"
#include "io/log.h"
#include "run/outbound_part.h"

#include <errno.h>
#include <string.h>

#define CLEAR_MS 600000u /* no TLS is tried with a gateway whose optional TLS has failed */
#define PLACE_MS 60000u  /* for a place; a client's patience is shorter */

bool outbound_tls_wanted;

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

/* Handshakes of one gateway leave a place for those of others: it may stand still in all it has. */
static bool has_place(const struct gateway *g)
{
	const struct outbound *o;
	unsigned n = 0;

	for (unsigned i = 0; (o = outbound_at(i)) != NULL; i++)
		n += o->gateway == g && o->state == OB_SECURE && conn_is_open(&o->conn);
	return n + 1 < CONFIG_TLS_HANDSHAKES && tls_has_room(true);
}

bool outbound_tls_is_full(const struct gateway *g, const struct conf_sending *s)
{
	const struct outbound *o;

	if (has_place(g))
		return false;
	for (unsigned i = 0; (o = outbound_at(i)) != NULL; i++)
		if (o->gateway == g && (o->conn.tls || o->state == OB_PLACE) &&
		    conn_is_open(&o->conn) && !o->gone.queued &&
		    memcmp(&o->sending, s, sizeof(*s)) == 0)
			return true;
	return false;
}

void outbound_secure(struct outbound *o)
{
	struct tls *t = has_place(o->gateway) ? connect_tls(o) : NULL;
	bool waited = o->state == OB_PLACE;

	o->state = t ? OB_SECURE : OB_PLACE;
	if (t) {
		outbound_limit(o, o->sending.connect_timeout * 1000);
		conn_secure(&o->conn, t);
		return;
	}
	if (!waited)
		outbound_limit(o, PLACE_MS);
	conn_rearm(&o->conn, false);
	outbound_tls_wanted = true;
	outbound_drop_idle_tls();
}

void outbound_tls_room(void)
{
	struct outbound *o;

	outbound_tls_wanted = false;
	for (unsigned i = 0; (o = outbound_at(i)) != NULL; i++)
		if (o->gateway && o->state == OB_PLACE && conn_is_open(&o->conn) && !o->gone.queued)
			outbound_secure(o);
	leg_serve_waiting();
}

static void say_clear(const struct outbound *o)
{
	static char line[LOG_LINE];
	struct fmt f;

	fmt_init(&f, line, sizeof(line));
	fmt_add(&f, "gateway gateway=");
	gateway_print(&f, o->gateway);
	fmt_add(&f, " tls=no reason=\"%s; TLS is optional, so mail goes on in clear\"", o->why);
	log_line(LOG_LEVEL_WARNING, fmt_done(&f));
}

bool outbound_go_on_in_clear(struct outbound *o)
{
	bool refused = o->conn.tls && tls_is_certificate(o->conn.tls);

	/* whose certificate was to be verified and was not gets no login, now or later */
	if (conf_tls_of(&o->sending, o->gateway->port) != CONF_TLS_IFAVAILABLE ||
	    (refused && o->client.params.login))
		return false;
	if (loop_now() >= o->gateway->clear_until)
		say_clear(o);
	o->gateway->clear_until = loop_now() + CLEAR_MS;
	o->in_clear = true;
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
		if (o->client.params.tls != CLIENT_TLS_IMPLICIT && conn_fill(&o->conn) > 0) {
			outbound_blame_unasked(o);
			o->told_later = true;
			return true;
		}
		if (o->client.params.tls != CLIENT_TLS_IMPLICIT)
			client_secured(&o->client, &o->conn.out);
		outbound_limit(o, o->sending.ehlo_timeout * 1000);
		return true;
	case TLS_FAILED:
		outbound_blame(o,
		    tls_is_certificate(o->conn.tls) ? VERDICT_CERTIFICATE : VERDICT_TLS, "%s",
		    tls_why(o->conn.tls));
		if (tls_tried_memory(o->conn.tls) && !tls_is_certificate(o->conn.tls)) {
			outbound_same_address(o); /* it may have changed since */
			return false;
		}
		if (outbound_go_on_in_clear(o))
			return false;
		o->told_later = true;
		return true;
	}
	return false;
}

/* With TLS 1.3 its alert comes when we are done: it wants a certificate of ours, for one. */
bool outbound_shaken_off(struct outbound *o)
{
	if (o->state != OB_HELLO || !o->conn.tls || o->conn.error != EPROTO)
		return false;
	outbound_blame(o, VERDICT_TLS, "%s", tls_why(o->conn.tls));
	return true;
}

const char *outbound_version(const struct outbound *o)
{
	return o->conn.tls ? tls_version(o->conn.tls) : "no";
}
