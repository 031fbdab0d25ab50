/* SPDX-License-Identifier: ISC */
/* What the rest of the relay asks. */
#include "conf/build.h"

#include "base/bug.h"
#include "base/limits.h"

#include <string.h>

const char conf_too_large[] = "too large";

static const struct conf_tree *tree_of(const struct conf *c)
{
	if (!c->tree)
		gp_bug("a configuration is asked that was not loaded");
	return c->tree;
}

static uint32_t known_binding(const struct conf *c, uint32_t binding)
{
	if (binding >= c->bindings)
		gp_bug("there is no such binding");
	return binding;
}

void conf_receive(
    const struct conf *c, uint32_t listen, const uint8_t *peer, struct conf_receive *out)
{
	const struct conf_tree *t = tree_of(c);
	const struct conf_scope *scope = NULL, *at = NULL;

	if (listen != CONF_LISTEN_NONE && listen >= c->listens)
		gp_bug("there is no such listener");
	if (listen != CONF_LISTEN_NONE)
		scope = c->listen[listen].scope;
	if (peer)
		at = tree_find_peer(scope, peer);
	if (peer && !at)
		at = tree_find_peer(t->listener, peer);
	memcpy(out, &t->receive, sizeof(*out));
	tree_apply(t->listener, GROUP_RECEIVE, out);
	tree_apply(scope, GROUP_RECEIVE, out);
	tree_apply(at, GROUP_RECEIVE, out);
	if (listen == CONF_LISTEN_NONE || !c->listen[listen].tls_certificate)
		out->starttls = false;
}

void conf_sending(
    const struct conf *c, uint32_t binding, struct bytes domain, struct conf_sending *out)
{
	const struct conf_tree *t = tree_of(c);

	tree_sending(t, tree_places(t, known_binding(c, binding)), domain, out);
}

bool conf_only_gateway(const struct conf *c, uint32_t binding, struct conf_sending *out)
{
	const struct conf_tree *t = tree_of(c);

	if (!t->only[known_binding(c, binding)])
		return false;
	tree_sending(t, tree_places(t, binding), (struct bytes){ 0 }, out);
	return true;
}

void conf_header(const struct conf *c, uint32_t binding, struct conf_header *out)
{
	const struct conf_tree *t = tree_of(c);
	struct tree_places at = tree_places(t, known_binding(c, binding));

	memcpy(out, &t->header, sizeof(*out));
	tree_apply(at.group, GROUP_HEADER, out);
	tree_apply(at.binding, GROUP_HEADER, out);
}

struct bytes conf_binding_name(const struct conf *c, uint32_t binding)
{
	const struct conf_scope *s = tree_of(c)->binding[known_binding(c, binding)];

	return s ? s->name : BYTES("default");
}

/* "@domain" takes every address that ends so. */
static bool item_allows(struct bytes item, struct bytes address)
{
	if (bytes_same(item, BYTES("<>")))
		return address.n == 0;
	if (item.p[0] == '@')
		return address.n > item.n && bytes_ends_fold(address, item);
	return bytes_same_fold(item, address);
}

bool conf_allows(const struct conf_list *list, struct bytes address)
{
	for (uint32_t i = 0; list && i < list->n; i++) {
		if (item_allows(list->item[i], tree_domain(address)))
			return true;
	}
	return !list;
}

/* --- loading --- */

#define SHOWN 160u /* octets of a value in a message */

/* What a value holds is made printable. */
static void report(struct build *b, enum conf_severity severity, const struct conf_place *at,
    const char *format, va_list args)
{
	struct fmt f;

	fmt_init(&f, b->text, sizeof(b->text));
	f.most = SHOWN;
	fmt_put_list(&f, format, args);
	for (char *p = b->text; *p; p++) {
		if ((uint8_t)*p < ' ' || *p == 127)
			*p = '?';
	}
	b->src->report(b->src->ctx, severity, at, fmt_done(&f));
}

#define say(b, at, ...) put(b, at, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 3, 4))) static void put(
    struct build *b, const struct conf_place *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(b, CONF_ERROR, at, format, args);
	va_end(args);
}

void build_report_list(struct build *b, enum conf_severity severity, const struct conf_place *at,
    const char *format, va_list args)
{
	if (severity == CONF_WARNING || b->errors < BUILD_ERRORS_MAX)
		report(b, severity, at, format, args);
	if (severity == CONF_ERROR && ++b->errors == BUILD_ERRORS_MAX)
		say(b, at, "too many errors: the rest is not looked at");
}

void build_report(struct build *b, enum conf_severity severity, const struct conf_place *at,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	build_report_list(b, severity, at, format, args);
	va_end(args);
}

bool build_is_over(const struct build *b)
{
	return b->arena.full || b->errors >= BUILD_ERRORS_MAX;
}

static void report_full(struct build *b, size_t n)
{
	struct conf_place at = { b->main_file, 1, 1 };

	b->errors++;
	say(b, &at, "the configuration does not fit in %zu octets (CONFIG_CONF_MEMORY)", n);
}

static void load(struct build *b, struct conf *c, const char *file)
{
	b->tree = arena_take(&b->arena, sizeof(*b->tree));
	b->main_file = arena_intern(&b->arena, bytes_of(file));
	if (!b->tree || !b->main_file)
		return;
	b->tree->global = arena_take(&b->arena, sizeof(*b->tree->global));
	if (!b->tree->global)
		return;
	b->bindings = 1;
	if (!parse_main(b))
		return;
	if (!build_is_over(b))
		finish(b, c);
	if (!build_is_over(b) && c->tree)
		check_rules(b, c);
}

enum conf_status conf_load(
    struct conf *c, void *mem, size_t n, const struct conf_source *src, const char *file)
{
	struct arena arena;
	struct build *b;
	bool bad;

	memset(c, 0, sizeof(*c));
	arena_init(&arena, mem, n);
	b = arena_temp(&arena, sizeof(*b));
	if (!b) {
		gp_bug("the memory for the configuration is too small");
		return CONF_BAD;
	}
	memset(b, 0, sizeof(*b));
	b->arena = arena;
	b->src = src;
	b->main_file = file;
	load(b, c, file);
	if (b->arena.full)
		report_full(b, n);
	bad = b->errors > 0;
	c->memory = (uint32_t)b->arena.low;
	if (bad)
		memset(c, 0, sizeof(*c));
	return bad ? CONF_BAD : CONF_OK;
}
