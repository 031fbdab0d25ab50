/* SPDX-License-Identifier: ISC */
/* Look-ups in the tree. */
#include "conf/tree.h"

#include "base/limits.h"

#include <string.h>

const struct conf_setting *tree_setting(const struct conf_scope *s, enum option_id option)
{
	const struct conf_setting *set = s ? s->first : NULL;

	while (set && (set->option != option || set->supplanted))
		set = set->next;
	return set;
}

static void write_number(uint64_t number, uint8_t *to, size_t size)
{
	const uint8_t u8 = (uint8_t)number;
	const uint16_t u16 = (uint16_t)number;
	const uint32_t u32 = (uint32_t)number;
	const void *from = size == 1 ? &u8 : size == 2 ? (const void *)&u16 : (const void *)&u32;

	memcpy(to, size == 8 ? (const void *)&number : from, size);
}

static void write_log(const struct conf_log_value *value, struct conf_global *g)
{
	g->log = (uint8_t)value->log;
	g->log_addr = value->addr;
}

void tree_write(const struct option *o, const union conf_value *value, void *out)
{
	uint8_t *to = (uint8_t *)out + o->field;

	switch ((enum option_type)o->type) {
	case TYPE_BOOL:
	case TYPE_WORD:
	case TYPE_PROTOCOLS:
		write_number(value->number, to, 1);
		return;
	case TYPE_PORT:
		write_number(value->number, to, 2);
		return;
	case TYPE_COUNT:
	case TYPE_COUNT_POOL:
	case TYPE_TIME:
	case TYPE_BINDING:
		write_number(value->number, to, 4);
		return;
	case TYPE_SIZE:
		write_number(value->number, to, 8);
		return;
	case TYPE_RATE:
		memcpy(to, &value->rate, sizeof(value->rate));
		return;
	case TYPE_HOST:
	case TYPE_HELO:
	case TYPE_DOMAIN:
	case TYPE_MAILBOX:
	case TYPE_USER:
	case TYPE_SOCKET:
		memcpy(to, &value->text, sizeof(value->text));
		return;
	case TYPE_ALLOWED:
	case TYPE_ADDRESS:
	case TYPE_NETS:
	case TYPE_GATEWAY:
	case TYPE_ROUTES:
	case TYPE_TEXT:
	case TYPE_SECRET:
	case TYPE_FILE:
	case TYPE_FOLDER:
	case TYPE_CONTACT:
	case TYPE_PEER_NAME:
	case TYPE_TENANT:
	case TYPE_URL:
	case TYPE_PINS:
		memcpy(to, &value->data, sizeof(value->data));
		return;
	case TYPE_LOG:
		write_log(value->data, out);
		return;
	}
}

void tree_apply(const struct conf_scope *s, enum option_group group, void *out)
{
	for (const struct conf_setting *set = s ? s->first : NULL; set; set = set->next) {
		const struct option *o = &option_table[set->option];

		if (o->group == group && !set->supplanted)
			tree_write(o, &set->value, out);
	}
}

uint32_t tree_domain_hash(struct bytes domain)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < domain.n; i++)
		h = (h ^ byte_lower(domain.p[i])) * 16777619u;
	return h;
}

struct bytes tree_domain(struct bytes domain)
{
	if (domain.n > 1 && domain.p[domain.n - 1] == '.')
		domain.n--;
	return domain;
}

#define MATCHED_MAX 255u /* octets of a domain that is held against patterns */

static const struct conf_scope *find_pattern(const struct conf_scope *first, struct bytes text)
{
	for (const struct conf_scope *d = first; d; d = d->next) {
		if (d->regex && bytes_same(d->name, text))
			return d;
	}
	return NULL;
}

const struct conf_scope *tree_find_domain(const struct conf_scope *s, struct bytes domain)
{
	const struct conf_scope *first = s ? s->first_domain : NULL, *d;
	uint32_t hash;

	if (!first || domain.n == 0)
		return NULL;
	domain = tree_domain(domain);
	hash = tree_domain_hash(domain);
	for (d = first; d; d = d->next) {
		if (!d->regex && d->hash == hash && bytes_same_fold(d->name, domain))
			return d;
	}
	if (domain.n > MATCHED_MAX || domain.p[0] == '/')
		return find_pattern(first, domain);
	for (d = first; d; d = d->next) {
		if (d->regex && regex_match(d->regex, domain))
			return d;
	}
	return NULL;
}

const struct conf_scope *tree_find_peer(const struct conf_scope *s, const uint8_t a[16])
{
	const struct conf_scope *best = NULL;

	for (const struct conf_scope *p = s ? s->first_child : NULL; p; p = p->next) {
		if (p->kind == SCOPE_PEER && inet_in_net(a, &p->net) &&
		    (!best || p->net.bits > best->net.bits))
			best = p;
	}
	return best;
}

struct tree_places tree_places(const struct conf_tree *t, uint32_t binding)
{
	struct tree_places at = { t->binding[binding], NULL };

	if (at.binding && at.binding->parent->kind == SCOPE_BINDING_GROUP)
		at.group = at.binding->parent;
	else if (binding == CONF_BINDING_DEFAULT)
		at.group = t->default_group;
	return at;
}

unsigned tree_chain(const struct conf_tree *t, struct tree_places at, struct bytes domain,
    const struct conf_scope *chain[TREE_CHAIN])
{
	const struct conf_scope *const all[TREE_CHAIN] = { tree_find_domain(at.binding, domain),
		tree_find_domain(at.group, domain), at.binding, at.group,
		tree_find_domain(t->global, domain), t->global };
	unsigned n = 0;

	for (unsigned i = 0; i < TREE_CHAIN; i++) {
		if (all[i])
			chain[n++] = all[i];
	}
	return n;
}

/* What was not set and depends on a login. */
static void settle(const struct conf_tree *t, struct conf_sending *s)
{
	bool login = conf_has_login(s);
	uint32_t connections = login ? 2 : 20;

	if (s->max_outbound_connections == TREE_BY_LOGIN)
		s->max_outbound_connections = connections < CONFIG_GATEWAY_CONNECTIONS
						  ? connections
						  : CONFIG_GATEWAY_CONNECTIONS;
	if (s->outbound_throttle_messages.count == TREE_BY_LOGIN &&
	    s->outbound_throttle_messages.seconds == 0)
		s->outbound_throttle_messages = login ? (struct num_rate){ 2000, 86400 }
						      : (struct num_rate){ 0, 0 };
	if (!s->tls_ca)
		s->tls_ca = t->default_ca;
}

/* From the most general place to the most specific one: each overwrites what it sets. */
void tree_sending(
    const struct conf_tree *t, struct tree_places at, struct bytes domain, struct conf_sending *out)
{
	const struct conf_scope *chain[TREE_CHAIN];
	unsigned n = tree_chain(t, at, domain, chain);

	memcpy(out, &t->sending, sizeof(*out));
	for (n--; n > 0; n--) /* the last one, global scope, is in t->sending */
		tree_apply(chain[n - 1], GROUP_SENDING, out);
	settle(t, out);
}

/* --- all places --- */

struct walk {
	const struct conf_tree *t;
	struct tree_places at;
	struct tree_spot spot;
	void (*visit)(void *ctx, const struct tree_spot *spot);
	void *ctx;
};

static void walk_to(struct walk *w, struct bytes domain)
{
	w->spot.n = tree_chain(w->t, w->at, domain, w->spot.chain);
	tree_sending(w->t, w->at, domain, &w->spot.sending);
	w->visit(w->ctx, &w->spot);
}

static void walk_domains(struct walk *w, const struct conf_scope *s)
{
	for (const struct conf_scope *d = s ? s->first_domain : NULL; d; d = d->next)
		walk_to(w, d->name);
}

void tree_each(const struct conf_tree *t, uint32_t bindings,
    void (*visit)(void *ctx, const struct tree_spot *spot), void *ctx)
{
	struct walk w = { .t = t, .visit = visit, .ctx = ctx };

	for (uint32_t id = 0; id < bindings; id++) {
		w.at = tree_places(t, id);
		w.spot.binding = id;
		walk_to(&w, (struct bytes){ NULL, 0 });
		walk_domains(&w, t->global);
		walk_domains(&w, w.at.group);
		walk_domains(&w, w.at.binding);
	}
}

const struct conf_setting *tree_in_force(const struct tree_spot *spot, enum option_id option)
{
	const struct conf_setting *set = NULL;

	for (unsigned i = 0; i < spot->n && !set; i++)
		set = tree_setting(spot->chain[i], option);
	return set;
}
