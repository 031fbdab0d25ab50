/* SPDX-License-Identifier: ISC */
/* `gatepost eval`: the value in force at a place. */
#include "conf/build.h"
#include "conf/print_value.h"

#include <string.h>

/* The place that the words name. */
struct place {
	const struct conf_scope *group, *binding, *listener, *listen, *peer, *user;
	struct bytes domain;
	struct print_place default_for;
	bool default_binding; /* named, though there may be no stanza for it */
	bool sending, receiving;
	enum scope_kind last;
	const struct conf_scope *chain[TREE_CHAIN + 1];
	unsigned n;
};

static bool bad(struct fmt *why, const char *text, struct bytes what, const char *end)
{
	fmt_add(why, "%s%.*s%s", text, SPAN(what), end);
	return false;
}

static const struct conf_scope *child(
    const struct conf_scope *s, enum scope_kind kind, struct bytes name)
{
	for (const struct conf_scope *c = s ? s->first_child : NULL; c; c = c->next) {
		if (c->kind == kind && bytes_same(c->name, name))
			return c;
	}
	return NULL;
}

static bool find_binding(const struct conf *c, struct bytes name, struct place *at, struct fmt *why)
{
	at->default_binding = bytes_same(name, BYTES("default"));
	at->binding = c->tree->binding[CONF_BINDING_DEFAULT];
	if (at->default_binding)
		return true;
	for (uint32_t id = 1; id < c->bindings; id++) {
		at->binding = c->tree->binding[id];
		if (bytes_same(at->binding->name, name))
			return true;
	}
	return bad(why, PHRASE("there is no Binding \""), name, "\"");
}

static bool find_listen(const struct conf *c, struct bytes name, struct place *at, struct fmt *why)
{
	struct conf_listen wanted;

	if (listen_parse(name, &wanted))
		return bad(why, "\"", name, PHRASE("\" is not the name of a Listen"));
	for (uint32_t i = 0; i < c->tree->nlistens; i++) {
		if (listen_same(&c->tree->listens[i], &wanted)) {
			at->listen = c->tree->listens[i].scope;
			at->default_for.listen = &c->tree->listens[i];
			return true;
		}
	}
	return bad(why, PHRASE("there is no Listen \""), name, "\"");
}

/* The Peer in force for an address, or for a block that lies within it. */
static const struct conf_scope *peer_for(const struct conf_scope *s, const struct inet_net *net)
{
	const struct conf_scope *best = NULL;

	for (const struct conf_scope *p = s ? s->first_child : NULL; p; p = p->next) {
		if (p->kind == SCOPE_PEER && p->net.bits <= net->bits &&
		    inet_in_net(net->a, &p->net) && (!best || p->net.bits > best->net.bits))
			best = p;
	}
	return best;
}

static bool take_name(const struct conf *c, enum scope_kind kind, struct bytes name,
    struct place *at, struct fmt *why)
{
	switch (kind) {
	case SCOPE_BINDING_GROUP:
		at->group = child(c->tree->global, kind, name);
		return at->group || bad(why, PHRASE("there is no Binding_Group \""), name, "\"");
	case SCOPE_BINDING:
		return find_binding(c, name, at, why);
	case SCOPE_DOMAIN:
		at->domain = name;
		return name.n > 0 || bad(why, PHRASE("Domain wants a name"), name, "");
	case SCOPE_LISTEN:
		return find_listen(c, name, at, why);
	case SCOPE_AUTH_USER:
		at->user = child(c->tree->global, kind, name);
		return at->user || bad(why, PHRASE("there is no Auth_User \""), name, "\"");
	case SCOPE_ESMTP_LISTENER:
	case SCOPE_PEER:
	case SCOPE_GLOBAL:
	case SCOPES:
		break;
	}
	return true;
}

/* The scopes at the place, once all names are known. */
static bool finish_place(const struct conf *c, struct place *at, struct bytes peer, struct fmt *why)
{
	struct tree_places places = { at->binding, at->group };
	struct inet_net net;
	bool host_bits;

	if (at->user && (at->sending || at->receiving))
		return bad(why, PHRASE("Auth_User goes with no other scope"), BYTES(""), "");
	if (at->user) {
		at->chain[at->n++] = at->user;
		return true;
	}
	if (at->sending && at->receiving)
		return bad(why,
		    PHRASE("Binding, Binding_Group and Domain do not go with ESMTP_Listener, "
			   "Listen and "
			   "Peer"),
		    BYTES(""), "");
	if (at->binding || at->default_binding) {
		places.group = at->binding && at->binding->parent->kind == SCOPE_BINDING_GROUP
				   ? at->binding->parent
			       : at->default_binding ? c->tree->default_group
						     : NULL;
		if (at->group && at->group != places.group)
			return bad(why, PHRASE("that Binding is not in Binding_Group \""),
			    at->group->name, "\"");
	}
	if (at->receiving) {
		if (peer.n > 0 && !inet_parse_net(peer, &net, &host_bits))
			return bad(why, "\"", peer, PHRASE("\" is neither an address nor a block"));
		if (peer.n > 0)
			at->peer = peer_for(at->listen, &net);
		if (peer.n > 0 && !at->peer)
			at->peer = peer_for(c->tree->listener, &net);
		at->chain[at->n++] = at->peer;
		at->chain[at->n++] = at->listen;
		at->chain[at->n++] = c->tree->listener;
		at->chain[at->n++] = c->tree->global;
		return true;
	}
	at->default_for.places = places;
	at->default_for.domain = at->domain;
	at->n = tree_chain(c->tree, places, at->domain, at->chain);
	return true;
}

/* Takes SCOPE NAME … off the front; *used tells how many words. */
static bool take_place(const struct conf *c, const char *const *word, size_t n, size_t *used,
    struct place *at, struct fmt *why)
{
	struct bytes peer = { 0 };
	size_t i = 0;

	memset(at, 0, sizeof(*at));
	at->last = SCOPE_GLOBAL;
	while (i < n) {
		enum scope_kind kind = scope_find(bytes_of(word[i]));
		bool named = kind != SCOPE_ESMTP_LISTENER;
		struct bytes name = i + 1 < n && named ? bytes_of(word[i + 1])
						       : (struct bytes){ 0 };

		if (kind == SCOPES || (named && i + 1 == n))
			break;
		if (!take_name(c, kind, name, at, why))
			return false;
		if (kind == SCOPE_PEER)
			peer = name;
		if (kind == SCOPE_PEER && name.n == 0)
			return bad(why, PHRASE("Peer wants an address"), name, "");
		at->sending |= (SCOPES_SENDING >> kind & 1u) != 0;
		at->receiving |= (SCOPES_SENDING >> kind & 1u) == 0 && kind != SCOPE_AUTH_USER;
		/* the narrowest scope decides which options make sense */
		if (at->last == SCOPE_GLOBAL || kind > at->last)
			at->last = kind;
		i += named ? 2 : 1;
	}
	*used = i;
	return finish_place(c, at, peer, why);
}

/* --- values --- */

/* Is it set, but to what the relay would choose anyway? */
static bool is_auto(const struct conf_setting *set)
{
	return option_table[set->option].type == TYPE_WORD && set->value.number == 0 &&
	       bytes_same(set->words->item[0], BYTES("auto")) &&
	       set->option != OPTION_OUTBOUND_SMTP_AUTH_TYPE;
}

static void print_set(const struct conf_sink *to, const struct conf_setting *set)
{
	const struct option *o = &option_table[set->option];
	const struct bytes secret = BYTES("***");

	if (o->type == TYPE_SECRET)
		print_value(to, o, &secret, 1);
	else
		print_value(to, o, set->words->item, set->words->n);
}

/* Gateway and Routes are one option: the most specific scope that has either decides. */
static enum conf_eval print_in_force(
    const struct conf *c, const struct place *at, enum option_id id, const struct conf_sink *to)
{
	for (unsigned i = 0; i < at->n; i++) {
		const struct conf_setting *set = tree_setting(at->chain[i], id);

		if (set && is_auto(set))
			break;
		if (set) {
			print_set(to, set);
			return CONF_EVAL_OK;
		}
		if ((id == OPTION_GATEWAY && tree_setting(at->chain[i], OPTION_ROUTES)) ||
		    (id == OPTION_ROUTES && tree_setting(at->chain[i], OPTION_GATEWAY)))
			return CONF_EVAL_UNSET;
	}
	return print_default(c, &at->default_for, id, to);
}

static bool makes_sense(const struct option *o, const struct place *at)
{
	if (at->sending && o == &option_table[OPTION_ROUTES])
		return true;
	return o->scopes >> at->last & 1u;
}

static enum conf_eval print_option(const struct conf *c, const struct place *at, const char *word,
    const struct conf_sink *to, struct fmt *why)
{
	struct bytes name = bytes_of(word);
	enum option_id id = option_find(name);
	const char *near = option_nearest(name);

	if (id == OPTIONS && scope_find(name) < SCOPES) {
		bad(why, PHRASE("a name is missing behind \""), name, "\"");
		return CONF_EVAL_BAD;
	}
	if (id == OPTIONS) {
		bad(why, PHRASE("unknown option \""), name, "\"");
		if (near)
			bad(why, PHRASE(" (is it "), bytes_of(near), "?)");
		return CONF_EVAL_BAD;
	}
	if (!makes_sense(&option_table[id], at)) {
		bad(why, "", bytes_of(option_name(&option_table[id])),
		    PHRASE(" is not an option "));
		fmt_add(
		    why, "%s%s", at->last == SCOPE_GLOBAL ? "at " : "of ", scope_name(at->last));
		return CONF_EVAL_BAD;
	}
	return print_in_force(c, at, id, to);
}

enum conf_eval conf_eval(const struct conf *c, const char *const *word, size_t n,
    const struct conf_sink *to, struct fmt *why)
{
	struct place at;
	size_t used = 0;

	if (!take_place(c, word, n, &used, &at, why))
		return CONF_EVAL_BAD;
	if (used + 1 < n) {
		bad(why, "\"", bytes_of(word[used]),
		    PHRASE("\" is neither a scope nor the last word"));
		return CONF_EVAL_BAD;
	}
	if (used < n)
		return print_option(c, &at, word[used], to, why);
	for (unsigned i = 0; i < OPTIONS; i++) {
		if (makes_sense(&option_table[i], &at))
			print_in_force(c, &at, (enum option_id)i, to);
	}
	return CONF_EVAL_OK;
}

bool conf_sending_at(const struct conf *c, const char *const *word, size_t n,
    struct conf_sending *out, struct fmt *why)
{
	struct place at;
	size_t used = 0;

	if (!take_place(c, word, n, &used, &at, why))
		return false;
	if (used < n)
		return bad(why, "\"", bytes_of(word[used]), PHRASE("\" is no scope with a name"));
	if (at.receiving || at.user)
		return bad(why, PHRASE("only Binding, Binding_Group and Domain have a login"),
		    BYTES(""), "");
	tree_sending(c->tree, at.default_for.places, at.domain, out);
	return true;
}
