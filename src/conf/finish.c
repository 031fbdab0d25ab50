/* SPDX-License-Identifier: ISC */
/* What depends on the whole: defaults, bindings, listeners, the values at global scope. */
#include "conf/build.h"

#include "base/limits.h"
#include "base/on.h"

#include <string.h>

static const struct bytes nothing;

/* --- defaults --- */

#define SPOOLBASE_N (sizeof(CONFIG_SPOOLBASE) - 1)
_Static_assert(
    SPOOLBASE_N == 0 || (SPOOLBASE_N > 1 && __builtin_strncmp(CONFIG_SPOOLBASE, "/", 1) == 0),
    "CONFIG_SPOOLBASE is not the whole path of a folder");

/* Writes the default of an option as if it had been written at global scope. Needs no message. */
static void write_default(struct build *b, const struct option *o, void *out)
{
	struct option unbounded = *o;
	struct build_word word = { .text = bytes_of(option_value(o)) };
	struct build_value v = { .option = &unbounded, .word = &word, .n = 1 };
	size_t high = b->arena.high;

	if (option_value(o)[0] == '\0' || option_value(o)[0] == '*')
		return;
	if (o->type != TYPE_WORD && !option_is_built((uint8_t)option_spec(o)[0]))
		return;
	if (o->type == TYPE_COUNT || o->type == TYPE_COUNT_POOL || o->type == TYPE_SIZE)
		unbounded.max = UINT32_MAX;
	if (value_parse(b, &v)) {
		if (unbounded.max != o->max && o->max > 0 && v.out.number > o->max)
			v.out.number = o->max;
		tree_write(o, &v.out, out);
	}
	b->arena.high = high;
}

static void write_defaults(struct build *b, enum option_group group, void *out)
{
	for (unsigned i = 0; i < OPTIONS; i++) {
		if (option_table[i].group == group)
			write_default(b, &option_table[i], out);
	}
}

static struct bytes system_name(struct build *b)
{
	struct bytes name = b->src->hostname ? bytes_of(b->src->hostname) : nothing;

	return arena_string(&b->arena, value_is_host(name) ? tree_domain(name) : BYTES("gatepost"));
}

static struct bytes default_user(struct build *b)
{
	struct conf_place at = { b->main_file, 1, 1 };
	const struct conf_source *src = b->src;

	if (!src->user_exists || src->user_exists(src->ctx, "gatepost"))
		return arena_string(&b->arena, BYTES("gatepost"));
	if (src->changes_user)
		build_warning(b, &at,
		    "there is no user gatepost, nobody is used: adduser --system --group "
		    "--no-create-home gatepost");
	return arena_string(&b->arena, BYTES("nobody"));
}

static void finish_spool(const struct conf_scope *global, struct conf_global *g)
{
	if (!tree_setting(global, OPTION_SPOOL) && g->spoolbase)
		g->spool = CONF_SPOOL_FALLBACK;
	if (!tree_setting(global, OPTION_SPOOL_WRITE_LIMIT))
		g->spool_write_limit = UINT64_MAX;
	if (tree_setting(global, OPTION_SPOOL_MAX_SIZE) && g->spool_max_size == 0)
		g->spool_max_size = UINT64_MAX;
}

static void finish_global(struct build *b, struct conf_global *g)
{
	write_defaults(b, GROUP_GLOBAL, g);
	tree_apply(b->tree->global, GROUP_GLOBAL, g);
	if (g->hostname.n == 0)
		g->hostname = system_name(b);
	if (g->user.n == 0)
		g->user = default_user(b);
	finish_spool(b->tree->global, g);
}

static const struct conf_nets *default_relay_hosts(struct build *b, bool interface)
{
	static const char blocks[][16] = { "127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10" };
	size_t high = b->arena.high, n = interface ? 2 : 8;
	size_t size = sizeof(struct conf_nets) + n * sizeof(struct inet_net);
	struct conf_nets *out = arena_temp(&b->arena, size);
	const void *kept;
	bool host_bits;

	if (!out)
		return NULL;
	memset(out, 0, size);
	out->local = interface;
	out->is_default = true;
	out->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		inet_parse_net(bytes_of(blocks[i]), &out->net[i], &host_bits);
	kept = arena_intern(&b->arena, (struct bytes){ (const uint8_t *)out, size });
	b->arena.high = high;
	return kept;
}

static bool names_interface(const struct conf *c)
{
	for (uint32_t i = 0; i < c->listens; i++) {
		if (c->listen[i].kind == CONF_LISTEN_INTERFACE)
			return true;
	}
	return false;
}

static void finish_receive(struct build *b, const struct conf *c, struct conf_receive *r)
{
	write_defaults(b, GROUP_RECEIVE, r);
	r->relay_hosts = default_relay_hosts(b, names_interface(c));
	r->starttls = ON(CONFIG_TLS);
	r->auth = c->auth_users > 0 ? CONF_AUTH_YES : CONF_AUTH_NO;
	tree_apply(b->tree->global, GROUP_RECEIVE, r);
}

/* Where systems keep the CAs that they trust: the first file that is there. */
static const char *default_ca(struct build *b)
{
	static const char files[][36] = { "/etc/gatepost/ca.idx", "/usr/share/gatepost/ca.idx",
		"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem" };
	const struct conf_source *src = b->src;
	size_t i = 0, n = sizeof(files) / sizeof(files[0]);

	if (!ON(CONFIG_TLS))
		return NULL;
	while (i < n && src->kind(src->ctx, files[i]) != CONF_KIND_FILE)
		i++;
	return arena_intern(&b->arena, bytes_of(files[i < n ? i : 2]));
}

static void finish_sending(struct build *b, const struct conf *c, struct conf_sending *s)
{
	write_defaults(b, GROUP_SENDING, s);
	if (bytes_find(c->global.hostname, '.') < c->global.hostname.n)
		s->ehlo_hostname = c->global.hostname;
	s->max_outbound_connections = TREE_BY_LOGIN;
	s->outbound_throttle_messages.count = TREE_BY_LOGIN;
	b->tree->default_ca = default_ca(b);
	tree_apply(b->tree->global, GROUP_SENDING, s);
}

/* --- listeners --- */

static uint32_t count_listens(const struct conf_scope *listener)
{
	uint32_t n = 0;

	for (const struct conf_scope *s = listener ? listener->first_child : NULL; s; s = s->next)
		n += s->kind == SCOPE_LISTEN;
	return n;
}

/* Without any Listen: `:25`. */
static void default_listen(struct conf_listen *l)
{
	l->kind = CONF_LISTEN_ANY;
	l->text = BYTES(":25");
	l->port = 25;
}

static bool finish_listens(struct build *b, struct conf *c)
{
	const struct conf_scope *listener = b->tree->listener;
	uint32_t declared = count_listens(listener), n = declared > 0 ? declared : 1, k = 0;
	struct conf_listen *all = arena_take(&b->arena, n * sizeof(*all));
	struct conf_listen *open = arena_take(&b->arena, n * sizeof(*open));

	if (!all || !open)
		return false;
	if (declared == 0)
		default_listen(&all[0]);
	for (const struct conf_scope *s = listener ? listener->first_child : NULL; s; s = s->next) {
		if (s->kind == SCOPE_LISTEN)
			memcpy(&all[k++], s->listen, sizeof(*all));
	}
	for (uint32_t i = 0; i < n; i++) {
		write_defaults(b, GROUP_LISTEN, &all[i]);
		tree_apply(b->tree->global, GROUP_LISTEN, &all[i]);
		tree_apply(listener, GROUP_LISTEN, &all[i]);
		tree_apply(all[i].scope, GROUP_LISTEN, &all[i]);
		if (all[i].enable)
			memcpy(&open[c->listens++], &all[i], sizeof(*all));
	}
	b->tree->listens = all;
	b->tree->nlistens = n;
	c->listen = open;
	return true;
}

/* --- users --- */

static bool finish_users(struct build *b, struct conf *c)
{
	struct conf_auth_user *user = arena_take(&b->arena, b->auth_users * sizeof(*user));

	if (!user)
		return false;
	c->auth_user = user;
	for (const struct conf_scope *s = b->tree->global->first_child; s; s = s->next) {
		const struct conf_setting *password = tree_setting(s, OPTION_PASSWORD);
		const struct conf_setting *binding = tree_setting(s, OPTION_BINDING);

		if (s->kind != SCOPE_AUTH_USER)
			continue;
		user[c->auth_users].name = s->name;
		if (password)
			user[c->auth_users].password = bytes_of(password->value.data);
		user[c->auth_users].has_binding = binding != NULL;
		if (binding)
			user[c->auth_users].binding = (uint32_t)binding->value.number;
		c->auth_users++;
	}
	return true;
}

/* --- bindings --- */

static void place_binding(struct conf_tree *t, struct conf_scope *s)
{
	if (s->kind == SCOPE_BINDING)
		t->binding[s->id] = s;
}

static bool finish_bindings(struct build *b)
{
	struct conf_tree *t = b->tree;

	t->binding = arena_take(&b->arena, b->bindings * sizeof(struct conf_scope *));
	t->only = arena_take(&b->arena, b->bindings * sizeof(bool));
	if (!t->binding || !t->only)
		return false;
	for (struct conf_scope *s = t->global->first_child; s; s = s->next) {
		place_binding(t, s);
		for (struct conf_scope *in = s->first_child; in; in = in->next)
			place_binding(t, in);
	}
	return true;
}

static void resolve_binding(struct build *b, struct conf_setting *set)
{
	struct bytes name = set->words->item[0];

	set->value.number = CONF_BINDING_DEFAULT;
	if (bytes_same(name, BYTES("default")))
		return;
	for (uint32_t id = 1; id < b->bindings; id++) {
		if (bytes_same(b->tree->binding[id]->name, name)) {
			set->value.number = id;
			return;
		}
	}
	build_error(b, set->at,
	    "there is no Binding \"%.*s\": write Binding \"%.*s\" { ... } at global scope or in a "
	    "Binding_Group",
	    SPAN(name), SPAN(name));
}

/* Binding = names get their ids; a Gateway beside Routes is out of force. */
static void finish_scope(struct build *b, struct conf_scope *s)
{
	bool routes = tree_setting(s, OPTION_ROUTES) != NULL;

	for (struct conf_setting *set = s->first; set; set = set->next) {
		if (set->option == OPTION_BINDING)
			resolve_binding(b, set);
		if (set->option == OPTION_GATEWAY)
			set->supplanted = routes;
	}
	for (struct conf_scope *d = s->first_domain; d; d = d->next)
		finish_scope(b, d);
	for (struct conf_scope *in = s->first_child; in; in = in->next)
		finish_scope(b, in);
}

/* --- one delivery key per binding? --- */

static bool domains_agree(const struct conf_tree *t, struct tree_places at,
    const struct conf_scope *s, const struct conf_sending *only)
{
	struct conf_sending there;

	for (const struct conf_scope *d = s ? s->first_domain : NULL; d; d = d->next) {
		if (d->regex && d->first)
			return false;
		if (d->regex)
			continue;
		tree_sending(t, at, d->name, &there);
		if (memcmp(&there, only, sizeof(there)) != 0)
			return false;
	}
	return true;
}

static void finish_only(struct build *b)
{
	struct conf_tree *t = b->tree;

	for (uint32_t id = 0; id < b->bindings; id++) {
		struct tree_places at = tree_places(t, id);
		struct conf_sending only;

		tree_sending(t, at, nothing, &only);
		t->only[id] = only.routes && domains_agree(t, at, t->global, &only) &&
			      domains_agree(t, at, at.group, &only) &&
			      domains_agree(t, at, at.binding, &only);
	}
}

/* --- CA sets --- */

/*
 * The CA whose key is pinned may be one of the set: the gateway need not send it. A default set
 * that is not there is no error then: the key may be the gateway's own.
 */
static bool may_pin_ca(const struct conf_sending *s)
{
	return s->tls_ca && s->routes && s->tls_pin && s->tls != CONF_TLS_NO;
}

static void add_ca(void *ctx, const struct tree_spot *spot)
{
	struct build *b = ctx;
	struct conf_tree *t = b->tree;
	struct conf_place at = { b->main_file, 1, 1 };
	const char *file = spot->sending.tls_ca;
	const struct conf_setting *set;
	uint32_t i = 0;

	if (!tree_needs_ca(&spot->sending) && !may_pin_ca(&spot->sending))
		return;
	while (i < t->cas && t->ca[i] != file)
		i++;
	if (i < t->cas)
		return;
	if (t->cas < CONFIG_CA_SETS) {
		t->ca[t->cas++] = file;
		return;
	}
	set = tree_in_force(spot, OPTION_TLS_CA);
	build_error(b, set ? set->at : &at,
	    "more files of CA certificates than this gatepost has room for: at most %u "
	    "(CONFIG_CA_SETS)",
	    (unsigned)CONFIG_CA_SETS);
}

static void finish_ca(struct build *b)
{
	if (!ON(CONFIG_TLS) || !b->secure_seen)
		return;
	b->tree->ca = arena_take(&b->arena, CONFIG_CA_SETS * sizeof(*b->tree->ca));
	if (b->tree->ca)
		tree_each(b->tree, b->bindings, add_ca, b);
}

void finish(struct build *b, struct conf *c)
{
	if (!finish_listens(b, c) || !finish_bindings(b))
		return;
	finish_scope(b, b->tree->global);
	if (!finish_users(b, c))
		return;
	finish_global(b, &c->global);
	finish_sending(b, c, &b->tree->sending);
	write_defaults(b, GROUP_HEADER, &b->tree->header);
	tree_apply(b->tree->global, GROUP_HEADER, &b->tree->header);
	finish_receive(b, c, &b->tree->receive);
	finish_only(b);
	finish_ca(b);
	c->bindings = b->bindings;
	c->no_gateway = !b->gateway_seen;
	c->login_set = b->login_seen;
	c->tree = b->tree;
}
