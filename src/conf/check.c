/* SPDX-License-Identifier: ISC */
/* Rules between options. */
#include "conf/build.h"

#include "base/limits.h"

#include <string.h>

static const struct bytes nothing;

/* --- who may relay --- */

/* Lies the block within one that is never public? */
static bool is_private(const struct inet_net *net)
{
	static const char blocks[][16] = { "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10" };

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct inet_net outer;
		bool host_bits;

		if (inet_parse_net(bytes_of(blocks[i]), &outer, &host_bits) &&
		    net->bits >= outer.bits && inet_in_net(net->a, &outer))
			return true;
	}
	return false;
}

static bool is_wide(const struct inet_net *net)
{
	unsigned shortest = inet_is_v4(net->a) && net->bits >= 96 ? 96 + 16 : 32;

	return net->bits < shortest && !is_private(net);
}

static void check_relay_hosts(struct build *b, const struct conf_setting *set)
{
	for (uint32_t i = 0; i < set->words->n; i++) {
		char text[INET_TEXT];
		struct inet_net net;
		bool host_bits;
		struct fmt f;

		if (!inet_parse_net(set->words->item[i], &net, &host_bits) || !is_wide(&net))
			continue;
		fmt_init(&f, text, sizeof(text));
		inet_print_net(&f, &net);
		build_error(b, &set->at[i],
		    "Relay_Hosts: the public block %s is shorter than /%u and would make an "
		    "open relay: name your own networks, or set Open_Relay = true",
		    text, inet_is_v4(net.a) ? 16 : 32);
	}
}

/* --- gateways --- */

/* Remote_SMTP_Port as it is in force in a scope of sending options. */
static uint16_t port_in(const struct build *b, const struct conf_scope *s)
{
	const struct conf_scope *chain[TREE_CHAIN];
	struct tree_places at = { NULL, NULL };
	struct bytes domain = s->kind == SCOPE_DOMAIN ? s->name : nothing;
	const struct conf_scope *owner = s->kind == SCOPE_DOMAIN ? s->parent : s;
	unsigned n;

	if (owner->kind == SCOPE_BINDING)
		at.binding = owner;
	if (owner->kind == SCOPE_BINDING_GROUP)
		at.group = owner;
	if (at.binding && owner->parent->kind == SCOPE_BINDING_GROUP)
		at.group = owner->parent;
	n = tree_chain(b->tree, at, domain, chain);
	for (unsigned i = 0; i < n; i++) {
		const struct conf_setting *set = tree_setting(chain[i], OPTION_REMOTE_SMTP_PORT);

		if (set)
			return (uint16_t)set->value.number;
	}
	return b->tree->sending.remote_smtp_port;
}

/* Where the route was written. */
static const struct conf_place *place_of(
    const struct conf_setting *set, const struct conf_route *route)
{
	uint32_t i = 0;

	while (i + 1 < set->words->n && !value_is_route(set->words->item[i], route))
		i++;
	return set->option == OPTION_ROUTES ? &set->at[i] : set->at;
}

static void check_own_address(struct build *b, const struct conf *c, const struct conf_scope *s,
    const struct conf_setting *set)
{
	const struct conf_routes *routes = set->value.data;

	for (uint32_t i = 0; i < routes->n; i++) {
		const struct conf_route *r = &routes->route[i];
		uint16_t port = r->explicit_port ? r->port : port_in(b, s);
		struct inet_addr addr = r->addr;
		char text[INET_TEXT];
		struct fmt f;

		addr.port = port;
		fmt_init(&f, text, sizeof(text));
		inet_print_port(&f, &addr);
		for (uint32_t k = 0; r->literal && k < c->listens; k++) {
			if (!listen_takes(b, &c->listen[k], &addr, port))
				continue;
			build_error(b, place_of(set, r),
			    "%s is this relay itself, which listens there (Listen \"%.*s\"): "
			    "mail would run in a circle",
			    text, SPAN(c->listen[k].text));
			break;
		}
	}
}

/* Each setting in s and below. */
static void check_scope(struct build *b, const struct conf *c, const struct conf_scope *s)
{
	for (const struct conf_setting *set = s->first; set; set = set->next) {
		if (set->option == OPTION_RELAY_HOSTS && !c->global.open_relay)
			check_relay_hosts(b, set);
		if (set->option == OPTION_GATEWAY || set->option == OPTION_ROUTES)
			check_own_address(b, c, s, set);
	}
	for (const struct conf_scope *d = s->first_domain; d; d = d->next)
		check_scope(b, c, d);
	for (const struct conf_scope *in = s->first_child; in; in = in->next)
		check_scope(b, c, in);
}

/* The Gateway of a global Domain does not count for mail of a Binding that has one itself. */
static void warn_of_beaten(
    struct build *b, const struct conf_scope *domain, const struct conf_setting *set)
{
	struct conf_tree *t = b->tree;

	for (uint32_t id = 0; id < b->bindings; id++) {
		struct tree_places at = tree_places(t, id);
		const struct conf_scope *by = at.binding;

		if (!tree_setting(by, OPTION_GATEWAY))
			by = at.group;
		if (!tree_setting(by, OPTION_GATEWAY))
			continue;
		build_warning(b, set->at,
		    "Domain \"%.*s\" has no say over mail of %s \"%.*s\", whose own Gateway counts",
		    SPAN(domain->name), scope_name((enum scope_kind)by->kind), SPAN(by->name));
		return;
	}
}

static void check_domains(struct build *b)
{
	for (const struct conf_scope *d = b->tree->global->first_domain; d; d = d->next) {
		const struct conf_setting *set = tree_setting(d, OPTION_GATEWAY);

		if (!set)
			set = tree_setting(d, OPTION_ROUTES);
		if (set)
			warn_of_beaten(b, d, set);
	}
}

static void check_gateways(struct build *b)
{
	struct conf_place at = { b->main_file, 1, 1 };

	if (!b->gateway_seen && !b->src->gateway_may_lack)
		build_error(b, &at,
		    "there is no gateway: write Gateway = \"HOST\", the host that takes all mail");
}

/* --- listeners --- */

/* Sockets that a Listen takes: one per family. */
static uint32_t sockets(const struct conf_listen *l)
{
	return l->kind == CONF_LISTEN_ANY || l->kind == CONF_LISTEN_INTERFACE ? 2 : 1;
}

static void check_listens(struct build *b, const struct conf *c)
{
	struct conf_place main = { b->main_file, 1, 1 };
	const struct conf_place *beyond = NULL;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < c->listens; i++) {
		const struct conf_listen *l = &c->listen[i];

		taken += sockets(l);
		if (taken > CONFIG_LISTENERS && !beyond)
			beyond = l->scope ? &l->scope->at : &main;
		for (uint32_t k = 0; k < i && l->scope; k++) {
			if (!listen_clash(l, &c->listen[k]))
				continue;
			build_error(b, &l->scope->at,
			    "Listen \"%.*s\" and Listen \"%.*s\" exclude each other: both take the "
			    "same address and port",
			    SPAN(l->text), SPAN(c->listen[k].text));
			break;
		}
	}
	if (beyond)
		build_error(b, beyond,
		    "more addresses to listen on than this gatepost has room for: at most %u "
		    "(CONFIG_LISTENERS; a Listen for IPv4 and IPv6 takes two)",
		    (unsigned)CONFIG_LISTENERS);
	if (c->listens == 0)
		build_warning(
		    b, &main, "no Listen is enabled: only sendmail on this machine is served");
}

/* --- the whole box --- */

static void check_default_group(struct build *b)
{
	const struct conf_tree *t = b->tree;
	struct tree_places at = tree_places(t, CONF_BINDING_DEFAULT);

	if (t->default_group && at.group && at.group != t->default_group)
		build_warning(b, &t->default_group->at,
		    "Binding_Group \"default\" has no say: Binding \"default\" is in Binding_Group "
		    "\"%.*s\"",
		    SPAN(at.group->name));
}

void check_rules(struct build *b, struct conf *c)
{
	check_gateways(b);
	check_scope(b, c, b->tree->global);
	check_domains(b);
	check_default_group(b);
	check_listens(b, c);
	check_sending(b, c);
	check_clients(b, c);
	check_spool(b, c);
}
