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

/* Text with each $ replaced by the next argument, made printable and cut where it is very long. */
static void report(struct build *b, enum conf_severity severity, const struct conf_place *at,
    const char *text, const struct bytes arg[2])
{
	unsigned used = 0;
	struct fmt f;

	fmt_init(&f, b->text, sizeof(b->text));
	for (; *text; text++) {
		if (*text != '$' || used == 2) {
			fmt_char(&f, *text);
			continue;
		}
		for (size_t i = 0; i < arg[used].n && i < 160; i++) {
			uint8_t c = arg[used].p[i];

			fmt_char(&f, c < ' ' || c == 127 ? '?' : (char)c);
		}
		if (arg[used].n > 160)
			fmt_str(&f, "...");
		used++;
	}
	b->src->report(b->src->ctx, severity, at, fmt_done(&f));
}

void build_error(struct build *b, const struct conf_place *at, const char *text, struct bytes one,
    struct bytes two)
{
	const struct bytes arg[2] = { one, two };

	if (b->errors++ < BUILD_ERRORS_MAX)
		report(b, CONF_ERROR, at, text, arg);
	if (b->errors == BUILD_ERRORS_MAX)
		report(b, CONF_ERROR, at, "too many errors: the rest is not looked at", arg);
}

void build_warning(struct build *b, const struct conf_place *at, const char *text, struct bytes one,
    struct bytes two)
{
	const struct bytes arg[2] = { one, two };

	report(b, CONF_WARNING, at, text, arg);
}

bool build_is_over(const struct build *b)
{
	return b->arena.full || b->errors >= BUILD_ERRORS_MAX;
}

static void report_full(struct build *b, size_t n)
{
	struct conf_place at = { b->main_file, 1, 1 };
	char number[24];
	struct fmt f;

	fmt_init(&f, number, sizeof(number));
	fmt_u64(&f, n);
	b->errors++;
	report(b, CONF_ERROR, &at,
	    "the configuration does not fit in $ octets (CONFIG_CONF_MEMORY)",
	    (const struct bytes[2]){ fmt_done(&f), { 0 } });
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
