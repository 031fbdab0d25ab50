/* SPDX-License-Identifier: ISC */
/* Stanzas are opened, options are set. */
#include "conf/build.h"

#include <string.h>

static const struct bytes nothing;

static void append(struct conf_scope *in, struct conf_scope *s)
{
	struct conf_scope **first = s->kind == SCOPE_DOMAIN ? &in->first_domain : &in->first_child;
	struct conf_scope **last = s->kind == SCOPE_DOMAIN ? &in->last_domain : &in->last_child;

	if (*last)
		(*last)->next = s;
	else
		*first = s;
	*last = s;
}

static struct conf_scope *add(struct build *b, struct conf_scope *in, enum scope_kind kind,
    const struct build_word *name, struct bytes text)
{
	struct conf_scope *s = arena_take(&b->arena, sizeof(*s));

	if (!s)
		return NULL;
	s->kind = (uint8_t)kind;
	s->parent = in;
	s->name = arena_string(&b->arena, text);
	s->at = name->at;
	append(in, s);
	return s;
}

/* --- Domain --- */

static bool is_pattern(struct bytes x)
{
	return x.n > 0 && x.p[0] == '/';
}

static bool same_domain(const struct conf_scope *s, struct bytes name)
{
	return is_pattern(name) ? bytes_same(s->name, name) : bytes_same_fold(s->name, name);
}

static const struct conf_regex *compile(struct build *b, const struct build_word *name)
{
	struct bytes pattern = name->text;
	size_t high = b->arena.high, n;
	struct regex_step *scratch;
	struct conf_regex *re;
	const char *why = NULL;

	if (pattern.n < 2 || pattern.p[pattern.n - 1] != '/') {
		build_error(
		    b, &name->at, "a pattern ends with a slash, too: \"%.*s/\"", SPAN(pattern));
		return NULL;
	}
	pattern = bytes_first(bytes_skip(pattern, 1), pattern.n - 2);
	scratch = arena_temp(&b->arena, REGEX_STEPS_MAX * sizeof(*scratch));
	if (!scratch)
		return NULL;
	n = regex_compile(pattern, scratch, &why);
	if (n == 0) {
		build_error(b, &name->at, "Domain \"/%.*s/\": %s", SPAN(pattern), why);
		return NULL;
	}
	re = arena_take(&b->arena, sizeof(*re) + n * sizeof(*scratch));
	if (!re)
		return NULL;
	re->n = (uint32_t)n;
	memcpy(re->step, scratch, n * sizeof(*scratch));
	b->arena.high = high;
	return re;
}

static struct conf_scope *open_domain(
    struct build *b, struct conf_scope *in, const struct build_word *name)
{
	bool pattern = is_pattern(name->text);
	struct bytes text = pattern ? name->text : tree_domain(name->text);
	const struct conf_regex *re = NULL;
	size_t high = b->arena.high;
	struct conf_scope *s;

	for (s = in->first_domain; s; s = s->next) {
		if (same_domain(s, text))
			return s;
	}
	if (pattern) {
		re = compile(b, name);
		b->arena.high = high;
		if (!re)
			return NULL;
	} else if (bytes_find(text, '*') < text.n) {
		build_error(b, &name->at,
		    "Domain \"%.*s\" is not a domain: a pattern is a regular expression between "
		    "slashes, \"/\\.example\\.com$/\"",
		    SPAN(text));
		return NULL;
	} else if (!value_is_literal(text) && !value_is_mail_domain(text)) {
		build_error(b, &name->at, "Domain \"%.*s\" is not a domain", SPAN(text));
		return NULL;
	}
	s = add(b, in, SCOPE_DOMAIN, name, text);
	if (!s)
		return NULL;
	s->regex = re;
	s->hash = tree_domain_hash(text);
	return s;
}

/* --- Binding and Binding_Group --- */

static bool name_is_good(struct build *b, const struct build_word *name, enum scope_kind kind)
{
	struct bytes x = name->text;
	bool good = x.n > 0 && x.n <= 64;

	for (size_t i = 0; good && i < x.n; i++)
		good = x.p[i] > ' ' && x.p[i] != 127 && x.p[i] != ':';
	if (!good)
		build_error(b, &name->at,
		    "the name of a %s has 1 to 64 characters, without blanks and colons",
		    scope_name(kind));
	return good;
}

/* The stanza of that kind and name among the children of s. */
static struct conf_scope *child(struct conf_scope *s, enum scope_kind kind, struct bytes name)
{
	for (struct conf_scope *c = s->first_child; c; c = c->next) {
		if (c->kind == kind && bytes_same(c->name, name))
			return c;
	}
	return NULL;
}

/* A Binding of that name, in a group or not. */
static struct conf_scope *find_binding(const struct build *b, struct bytes name)
{
	struct conf_scope *s = child(b->tree->global, SCOPE_BINDING, name);

	for (struct conf_scope *g = b->tree->global->first_child; g && !s; g = g->next) {
		if (g->kind == SCOPE_BINDING_GROUP)
			s = child(g, SCOPE_BINDING, name);
	}
	return s;
}

/* A Binding that was opened outside of a group joins one. */
static void move(struct conf_scope *s, struct conf_scope *group)
{
	struct conf_scope *from = s->parent, *before = NULL;

	for (struct conf_scope *c = from->first_child; c != s; c = c->next)
		before = c;
	if (before)
		before->next = s->next;
	else
		from->first_child = s->next;
	if (from->last_child == s)
		from->last_child = before;
	s->next = NULL;
	s->parent = group;
	append(group, s);
}

static struct conf_scope *open_binding(
    struct build *b, struct conf_scope *in, const struct build_word *name)
{
	struct conf_scope *s = find_binding(b, name->text);

	if (s && in->kind == SCOPE_BINDING_GROUP && s->parent->kind == SCOPE_BINDING_GROUP &&
	    s->parent != in) {
		build_error(b, &name->at,
		    "Binding \"%.*s\" is in Binding_Group \"%.*s\" already: a binding is in one "
		    "group at "
		    "most",
		    SPAN(name->text), SPAN(s->parent->name));
		return NULL;
	}
	if (s && in->kind == SCOPE_BINDING_GROUP && s->parent != in)
		move(s, in);
	if (s)
		return s;
	if (!name_is_good(b, name, SCOPE_BINDING))
		return NULL;
	s = add(b, in, SCOPE_BINDING, name, name->text);
	if (s && !bytes_same(s->name, BYTES("default")))
		s->id = b->bindings++;
	return s;
}

static struct conf_scope *open_group(
    struct build *b, struct conf_scope *in, const struct build_word *name)
{
	struct conf_scope *s = child(in, SCOPE_BINDING_GROUP, name->text);

	if (s || !name_is_good(b, name, SCOPE_BINDING_GROUP))
		return s;
	s = add(b, in, SCOPE_BINDING_GROUP, name, name->text);
	if (s && bytes_same(s->name, BYTES("default")))
		b->tree->default_group = s;
	return s;
}

/* --- ESMTP_Listener, Listen, Peer --- */

static struct conf_scope *open_listen(
    struct build *b, struct conf_scope *in, const struct build_word *name)
{
	struct conf_listen *l, parsed = { 0 };
	const char *why = listen_parse(name->text, &parsed);
	struct conf_scope *s;
	uint16_t port;

	if (inet_parse_port(name->text, true, &port)) {
		build_error(b, &name->at,
		    "Listen \"%.*s\": a port alone is written with a colon: \":%.*s\"",
		    SPAN(name->text), SPAN(name->text));
		return NULL;
	}
	if (why) {
		build_error(b, &name->at, "Listen \"%.*s\"%s", SPAN(name->text), why);
		return NULL;
	}
	for (s = in->first_child; s; s = s->next) {
		if (s->kind == SCOPE_LISTEN && listen_same(s->listen, &parsed))
			return s;
	}
	s = add(b, in, SCOPE_LISTEN, name, name->text);
	l = s ? arena_take(&b->arena, sizeof(*l)) : NULL;
	if (!l)
		return NULL;
	*l = parsed;
	l->text = s->name;
	l->name = arena_string(&b->arena, parsed.name);
	l->scope = s;
	s->listen = l;
	return s;
}

static struct conf_scope *open_peer(
    struct build *b, struct conf_scope *in, const struct build_word *name)
{
	struct inet_net net;
	struct conf_scope *s;

	if (!value_net(b, name, "Peer", &net))
		return NULL;
	for (s = in->first_child; s; s = s->next) {
		if (s->kind == SCOPE_PEER && memcmp(&s->net, &net, sizeof(net)) == 0)
			return s;
	}
	s = add(b, in, SCOPE_PEER, name, name->text);
	if (s)
		s->net = net;
	return s;
}

/* --- Auth_User --- */

#define USER_NAME_MAX 128u

static struct conf_scope *open_user(
    struct build *b, struct conf_scope *in, const struct build_word *name)
{
	struct bytes x = name->text;
	bool good = x.n > 0 && x.n <= USER_NAME_MAX;
	struct conf_scope *s;

	for (size_t i = 0; good && i < x.n; i++)
		good = x.p[i] >= ' ' && x.p[i] != 127;
	if (!good) {
		build_error(b, &name->at,
		    "the name of an Auth_User has 1 to 128 octets, without control characters");
		return NULL;
	}
	if (!option_is_built('+')) {
		build_error(b, &name->at, "Auth_User is not built into this gatepost");
		return NULL;
	}
	if (child(in, SCOPE_AUTH_USER, x)) {
		build_error(b, &name->at, "there is an Auth_User \"%.*s\" already", SPAN(x));
		return NULL;
	}
	s = add(b, in, SCOPE_AUTH_USER, name, x);
	b->auth_users += s != NULL;
	return s;
}

struct conf_scope *scope_open(
    struct build *b, struct conf_scope *in, enum scope_kind kind, const struct build_word *name)
{
	switch (kind) {
	case SCOPE_DOMAIN:
		return open_domain(b, in, name);
	case SCOPE_BINDING:
		return open_binding(b, in, name);
	case SCOPE_BINDING_GROUP:
		return open_group(b, in, name);
	case SCOPE_ESMTP_LISTENER:
		if (!b->tree->listener)
			b->tree->listener = add(b, in, kind, name, nothing);
		return b->tree->listener;
	case SCOPE_LISTEN:
		return open_listen(b, in, name);
	case SCOPE_PEER:
		return open_peer(b, in, name);
	case SCOPE_AUTH_USER:
		return open_user(b, in, name);
	case SCOPE_GLOBAL:
	case SCOPES:
		break;
	}
	return NULL;
}

/* --- settings --- */

static const struct conf_list *keep_words(struct build *b, const struct build_value *v)
{
	size_t high = b->arena.high, size = sizeof(struct conf_list) + v->n * sizeof(struct bytes);
	struct conf_list *list = arena_temp(&b->arena, size);
	const struct conf_list *kept;

	if (!list)
		return NULL;
	list->n = (uint32_t)v->n;
	for (size_t i = 0; i < v->n; i++)
		list->item[i] = arena_string(&b->arena, v->word[i].text);
	if (v->canonical.n > 0)
		list->item[0] = arena_string(&b->arena, v->canonical);
	kept = arena_intern(&b->arena, (struct bytes){ (const uint8_t *)list, size });
	b->arena.high = high;
	return kept;
}

/* Where the value stands; each word of it where one alone may break a rule between options. */
static const struct conf_place *keep_places(struct build *b, const struct build_value *v)
{
	bool each = v->n > 0 && (v->option->type == TYPE_NETS || v->option->type == TYPE_ROUTES);
	size_t n = each ? v->n : 1;
	struct conf_place *at = arena_take(&b->arena, n * sizeof(*at));

	if (!at)
		return NULL;
	at[0] = v->n > 0 ? v->word[0].at : v->at;
	for (size_t i = 1; i < n; i++)
		at[i] = v->word[i].at;
	return at;
}

static struct conf_setting *setting_of(struct build *b, struct conf_scope *s, enum option_id id)
{
	struct conf_setting *set;

	for (set = s->first; set; set = set->next) {
		if (set->option == id)
			return set;
	}
	set = arena_take(&b->arena, sizeof(*set));
	if (!set)
		return NULL;
	set->option = (uint8_t)id;
	if (s->last)
		s->last->next = set;
	else
		s->first = set;
	s->last = set;
	return set;
}

void scope_set(struct build *b, struct conf_scope *s, const struct build_value *v)
{
	struct build_value parsed = *v;
	enum option_id id = (enum option_id)(v->option - option_table);
	const struct conf_list *words;
	const struct conf_place *places;
	struct conf_setting *set;

	if (!value_parse(b, &parsed))
		return;
	words = keep_words(b, &parsed);
	places = words ? keep_places(b, &parsed) : NULL;
	set = places ? setting_of(b, s, id) : NULL;
	if (!set)
		return;
	b->spool_seen |= id >= OPTION_SPOOL && id <= OPTION_MDN_FAILURES_NOTIFY;
	b->login_seen |= id >= OPTION_OUTBOUND_SMTP_AUTH_TYPE && id <= OPTION_OAUTH2_REFRESH_TOKEN;
	b->secure_seen |= id >= OPTION_TLS && id <= OPTION_OAUTH2_REFRESH_TOKEN;
	set->value = parsed.out;
	set->words = words;
	set->at = places;
}
