/* SPDX-License-Identifier: ISC */
/* `gatepost eval`: values that no scope sets. */
#include "conf/print_value.h"
#include "conf/tree.h"

#include "base/on.h"

#include <string.h>

static enum conf_eval print_relay_hosts(const struct conf *c, const struct conf_sink *to)
{
	const struct conf_nets *nets = c->tree->receive.relay_hosts;
	char text[INET_TEXT];
	struct fmt f;

	to->put(to->ctx, BYTES("Relay_Hosts = ( "));
	for (uint32_t i = 0; i < nets->n; i++) {
		fmt_init(&f, text, sizeof(text));
		inet_print_net(&f, &nets->net[i]);
		print_quoted(to, fmt_done(&f));
		to->put(to->ctx, BYTES(" "));
	}
	if (nets->local)
		to->put(to->ctx, BYTES("\"local\" "));
	to->put(to->ctx, BYTES(")\n"));
	return CONF_EVAL_OK;
}

/* What is computed from the other options of sending. */
static struct bytes sending_text(
    const struct conf *c, const struct print_place *at, enum option_id id, struct fmt *room)
{
	const struct option *o = &option_table[id];
	const struct conf_routes *routes;
	struct conf_sending s;
	uint16_t port;

	tree_sending(c->tree, at->places, at->domain, &s);
	routes = s.routes;
	port = routes && routes->route[0].explicit_port ? routes->route[0].port
							: s.remote_smtp_port;
	switch ((int)id) {
	case OPTION_TLS:
		return option_word(o, conf_tls_of(&s, port));
	case OPTION_TLS_VERIFY:
		return option_word(o, conf_verify_of(&s));
	case OPTION_OAUTH2_GRANT:
		return conf_wants_token(&s) ? option_word(o, conf_grant_of(&s)) : BYTES("");
	case OPTION_OAUTH2_TENANT:
		return s.oauth_provider == CONF_PROVIDER_MICROSOFT ? BYTES("common") : BYTES("");
	case OPTION_TLS_CA:
		return s.tls_ca ? bytes_of(s.tls_ca) : BYTES("");
	case OPTION_TLS_NAME:
		return ON(CONFIG_TLS) && routes && routes->n == 1 ? routes->route[0].host
								  : BYTES("");
	case OPTION_MAX_OUTBOUND_CONNECTIONS:
		fmt_u64(room, s.max_outbound_connections);
		return fmt_done(room);
	case OPTION_OUTBOUND_THROTTLE_MESSAGES:
		if (s.outbound_throttle_messages.count == 0)
			return BYTES("none");
		fmt_add(room, "%u/%u", s.outbound_throttle_messages.count,
		    s.outbound_throttle_messages.seconds);
		return fmt_done(room);
	default:
		return BYTES("");
	}
}

/* Is there a certificate at that listener, or at any? */
static bool has_certificate(const struct conf *c, const struct print_place *at)
{
	bool any = false;

	for (uint32_t i = 0; i < c->listens; i++)
		any |= c->listen[i].tls_certificate != NULL;
	return at->listen ? at->listen->tls_certificate != NULL : any;
}

static enum conf_eval print_computed(const struct conf *c, const struct print_place *at,
    enum option_id id, const struct conf_sink *to)
{
	const struct option *o = &option_table[id];
	struct bytes hostname = c->global.hostname, text = { 0 };
	char mem[48];
	struct fmt room;

	fmt_init(&room, mem, sizeof(mem));
	if (id == OPTION_RELAY_HOSTS)
		return print_relay_hosts(c, to);
	if (id == OPTION_LOG)
		text = BYTES("stderr");
	if (id == OPTION_HOSTNAME)
		text = hostname;
	if (id == OPTION_USER)
		text = c->global.user;
	if (id == OPTION_EHLO_HOSTNAME && bytes_find(hostname, '.') < hostname.n)
		text = hostname;
	if (id == OPTION_SPOOL)
		text = option_word(o, c->global.spool);
	if (id == OPTION_STARTTLS)
		text = has_certificate(c, at) ? BYTES("yes") : BYTES("no");
	if (id == OPTION_AUTH)
		text = c->auth_users > 0 ? BYTES("yes") : BYTES("no");
	if (o->group == GROUP_SENDING && id != OPTION_EHLO_HOSTNAME)
		text = sending_text(c, at, id, &room);
	if (text.n == 0)
		return CONF_EVAL_UNSET;
	print_value(to, o, &text, 1);
	return CONF_EVAL_OK;
}

/* A number that this build caps is shown as it is in force. */
static struct bytes capped(const struct option *o, char text[24])
{
	struct bytes x = bytes_of(option_value(o));
	struct fmt f;
	uint64_t n;

	if ((o->type != TYPE_COUNT && o->type != TYPE_COUNT_POOL && o->type != TYPE_SIZE) ||
	    !num_size(x, UINT64_MAX, &n) || n <= o->max || o->max == 0)
		return x;
	fmt_init(&f, text, 24);
	fmt_u64(&f, o->type == TYPE_SIZE ? o->max >> 20 : o->max);
	if (o->type == TYPE_SIZE)
		fmt_char(&f, 'm');
	return fmt_done(&f);
}

enum conf_eval print_default(const struct conf *c, const struct print_place *at, enum option_id id,
    const struct conf_sink *to)
{
	const struct option *o = &option_table[id];
	struct bytes text;
	char room[24];

	if (option_value(o)[0] == '*')
		return print_computed(c, at, id, to);
	if (option_value(o)[0] == '\0' ||
	    (o->type != TYPE_WORD && !option_is_built((uint8_t)option_spec(o)[0])))
		return CONF_EVAL_UNSET;
	text = capped(o, room);
	print_value(to, o, &text, 1);
	return CONF_EVAL_OK;
}
