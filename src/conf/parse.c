/* SPDX-License-Identifier: ISC */
/* The grammar: options, stanzas, include. */
#include "conf/lex.h"

#include "base/limits.h"

#include <string.h>

struct parser {
	struct build *build;
	struct lexer lex;
	struct lex_token t; /* the one looked at */
	const struct build_file *file;
};

static bool parse_file(struct build *b, const struct build_file *file, struct conf_scope *s);

static void next(struct parser *p)
{
	p->t = lex_next(&p->lex, false);
}

#define error_at(p, at, ...) build_error((p)->build, at, __VA_ARGS__)

/*
 * After an error: on to a word that begins a line outside of braces, or to the brace that
 * closes this scope.
 */
static void skip_item(struct parser *p)
{
	unsigned depth = 0;

	for (;; next(p)) {
		if (p->t.kind == LEX_END)
			return;
		if (p->t.kind == LEX_OPEN)
			depth++;
		if (p->t.kind == LEX_CLOSE && depth-- == 0)
			return;
		if (p->t.kind == LEX_WORD && p->t.first && depth == 0)
			return;
	}
}

/* The { has been taken: all up to its } is passed over. There may be secrets in it. */
static void skip_body(struct parser *p, const struct conf_place *begin)
{
	p->lex.hide = true;
	for (unsigned depth = 1; depth > 0; next(p)) {
		if (p->t.kind == LEX_END) {
			error_at(p, begin, "this { is not closed");
			break;
		}
		if (p->t.kind == LEX_OPEN)
			depth++;
		if (p->t.kind == LEX_CLOSE)
			depth--;
	}
	p->lex.hide = false;
}

/* --- options --- */

/*
 * The words of a list lie at the end of the arena, the last one first while they are collected.
 * Returns false if the list is broken.
 */
static bool collect_list(struct parser *p, struct build_word **word, size_t *n)
{
	struct arena *a = &p->build->arena;
	struct conf_place begin = p->t.at;

	*n = 0;
	for (;;) {
		struct build_word *w;

		p->t = lex_next(&p->lex, true);
		if (p->t.kind == LEX_COMMA)
			continue;
		if (p->t.kind != LEX_WORD && p->t.kind != LEX_STRING)
			break;
		w = arena_temp(a, sizeof(*w));
		if (!w)
			return false;
		*w = (struct build_word){ p->t.text, p->t.at };
		*word = w;
		++*n;
	}
	if (p->t.kind != LEX_LIST_END) {
		error_at(p, &begin, "this list is not closed: ) is missing");
		return false;
	}
	for (size_t i = 0; i < *n / 2; i++) {
		struct build_word w = (*word)[i];

		(*word)[i] = (*word)[*n - 1 - i];
		(*word)[*n - 1 - i] = w;
	}
	next(p);
	return true;
}

/* A Gateway or Routes that is in error is not missing, too. */
static bool is_gateway(struct bytes name)
{
	enum option_id id = option_find(name);

	return id == OPTION_GATEWAY || id == OPTION_ROUTES;
}

static void report_unknown(struct parser *p, const struct lex_token *name)
{
	const char *why = option_refused(name->text), *near = option_nearest(name->text);

	p->build->gateway_seen |= near && is_gateway(bytes_of(near));
	if (why)
		build_error(p->build, &name->at, "%.*s is not needed: %s", SPAN(name->text), why);
	else if (scope_find(name->text) < SCOPES)
		build_error(p->build, &name->at, "%.*s is a stanza: write %.*s \"name\" { ... }",
		    SPAN(name->text), SPAN(name->text));
	else if (near)
		build_error(p->build, &name->at, "unknown option \"%.*s\": is %s meant?",
		    SPAN(name->text), near);
	else
		build_error(p->build, &name->at,
		    "unknown option \"%.*s\": see gatepost.conf(5) for those that there are",
		    SPAN(name->text));
}

/* "Domain, Binding, Binding_Group and at global scope", most narrow first. */
static void name_scopes(struct fmt *f, unsigned mask)
{
	static const uint8_t order[] = { SCOPE_AUTH_USER, SCOPE_PEER, SCOPE_LISTEN,
		SCOPE_ESMTP_LISTENER, SCOPE_DOMAIN, SCOPE_BINDING, SCOPE_BINDING_GROUP };
	bool some = false;

	for (size_t i = 0; i < sizeof(order); i++) {
		if (!(mask & 1u << order[i]))
			continue;
		mask &= ~(1u << order[i]);
		if (some)
			fmt_str(f, mask ? ", " : " and ");
		fmt_str(f, scope_name((enum scope_kind)order[i]));
		some = true;
	}
	if (mask)
		fmt_str(f, some ? PHRASE(" and at global scope") : PHRASE("at global scope"));
}

static void report_scope(struct parser *p, const struct conf_place *at, const char *name,
    unsigned mask, enum scope_kind here)
{
	char text[160];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	fmt_str(&f, here == SCOPE_GLOBAL ? PHRASE(" at global scope: it is valid ") : " in ");
	if (here != SCOPE_GLOBAL) {
		fmt_add(&f, "%s: it is valid ", scope_name(here));
	}
	if (mask != 1u << SCOPE_GLOBAL)
		fmt_str(&f, "in ");
	name_scopes(&f, mask);
	build_error(p->build, at, "%s is not valid%s", name, text);
}

/* The value, p->t is its first token. False: nothing that could be one. */
static bool collect_value(
    struct parser *p, const struct lex_token *name, struct build_value *v, struct build_word **word)
{
	if (p->t.kind == LEX_LIST)
		return collect_list(p, word, &v->n);
	if ((p->t.kind != LEX_WORD && p->t.kind != LEX_STRING) ||
	    (p->t.kind == LEX_WORD && p->t.first && lex_ahead(&p->lex) == '=')) {
		error_at(p, &name->at, "%.*s has no value", SPAN(name->text));
		return false;
	}
	*word = arena_temp(&p->build->arena, sizeof(**word));
	if (!*word)
		return false;
	**word = (struct build_word){ p->t.text, p->t.at };
	v->n = 1;
	next(p);
	return true;
}

/* Is the option one with a secret, or its name like one's? */
static bool is_secret(struct bytes name)
{
	enum option_id id = option_find(name);
	const char *near = id == OPTIONS ? option_nearest(name) : NULL;

	if (near)
		id = option_find(bytes_of(near));
	return id < OPTIONS && option_table[id].type == TYPE_SECRET;
}

/* What stands behind a secret on its line may be the rest of it. True: it was, and is reported. */
static bool refuse_hidden(struct parser *p, const struct lex_token *t)
{
	if (!t->hidden || t->first || t->kind == LEX_CLOSE || t->kind == LEX_END)
		return false;
	if (t->kind == LEX_WORD &&
	    (option_find(t->text) < OPTIONS || scope_find(t->text) < SCOPES ||
		bytes_same_fold(t->text, BYTES("include"))))
		return false;
	error_at(p, &t->at, "this is no option: a secret with blanks or signs in it wants quotes");
	next(p);
	skip_item(p);
	return true;
}

/* p->t is the token behind the = */
static void parse_option(struct parser *p, struct conf_scope *s, const struct lex_token *name)
{
	struct arena *a = &p->build->arena;
	enum option_id id = option_find(name->text);
	const struct option *o = id < OPTIONS ? &option_table[id] : NULL;
	struct build_value v = { .option = o, .at = name->at };
	struct conf_place value = p->t.at;
	struct build_word *word = NULL;
	size_t high = a->high;
	bool list = p->t.kind == LEX_LIST;

	if (!o)
		report_unknown(p, name);
	else if (!(o->scopes & 1u << s->kind))
		report_scope(p, &name->at, option_name(o), o->scopes, (enum scope_kind)s->kind);
	if (!collect_value(p, name, &v, &word)) {
		if (!(p->t.kind == LEX_WORD && p->t.first))
			skip_item(p);
	} else if (o && o->scopes & 1u << s->kind) {
		v.word = word;
		if (list && !option_is_list(o))
			error_at(p, &value, "%s takes one value, not a list", option_name(o));
		else
			scope_set(p->build, s, &v);
	}
	a->high = high;
}

/* --- include --- */

struct bytes build_folder(const char *path)
{
	struct bytes x = bytes_of(path);

	while (x.n > 0 && x.p[x.n - 1] != '/')
		x.n--;
	return x;
}

const char *build_path(
    struct build *b, const struct conf_place *at, struct bytes folder, struct bytes name)
{
	size_t high = b->arena.high;
	const char *path = NULL;
	struct fmt f;
	char *mem;

	if (folder.n + name.n > CONF_PATH_MAX) {
		build_error(b, at, "the file name is too long");
		return NULL;
	}
	mem = arena_temp(&b->arena, CONF_PATH_MAX + 1);
	if (!mem)
		return NULL;
	fmt_init(&f, mem, CONF_PATH_MAX + 1);
	fmt_add(&f, "%.*s%.*s", SPAN(folder), SPAN(name));
	path = arena_intern(&b->arena, fmt_done(&f));
	b->arena.high = high;
	return path;
}

static bool is_open(const struct build_file *file, const char *path)
{
	for (; file; file = file->from) {
		if (file->path == path)
			return true;
	}
	return false;
}

static void include_file(
    struct parser *p, struct conf_scope *s, const char *path, const struct conf_place *at)
{
	struct build_file file = { p->file, path, p->file->depth + 1 };

	if (is_open(p->file, path))
		error_at(p, at, "%s includes itself", path);
	else if (file.depth > CONFIG_CONF_INCLUDE_DEPTH)
		error_at(p, at, "too many files include each other");
	else
		parse_file(p->build, &file, s);
}

/* All files of a folder, in order. Names that begin with a dot and folders in it are left out. */
static void include_folder(
    struct parser *p, struct conf_scope *s, const char *path, const struct conf_place *at)
{
	const struct conf_source *src = p->build->src;
	struct bytes folder;
	size_t high = p->build->arena.high;
	/* name and the one before it; a name of CONF_NAME_MAX and its NUL each */
	char *name = arena_temp(&p->build->arena, 2 * (CONF_NAME_MAX + 1));
	char *before = name ? name + CONF_NAME_MAX + 1 : NULL;
	const char *slashed = build_path(p->build, at, bytes_of(path), BYTES("/"));

	if (!name || !slashed) {
		p->build->arena.high = high;
		return;
	}
	if (path[0] != '\0' && path[strlen(path) - 1] == '/')
		slashed = path;
	folder = bytes_of(slashed);
	before[0] = '\0';
	while (!build_is_over(p->build) && src->next(src->ctx, path, before, name)) {
		const char *file;

		memcpy(before, name, strlen(name) + 1);
		if (name[0] == '.')
			continue;
		file = build_path(p->build, at, folder, bytes_of(name));
		if (file && src->kind(src->ctx, file) == CONF_KIND_FILE)
			include_file(p, s, file, at);
	}
	p->build->arena.high = high;
}

/* Beside the file that includes it, else beside the main file. */
static const char *find_included(
    struct parser *p, const struct build_word *name, enum conf_kind *kind)
{
	const struct conf_source *src = p->build->src;
	struct bytes folder = build_folder(p->file->path), main;
	const char *path;

	if (name->text.p[0] == '/')
		folder.n = 0;
	path = build_path(p->build, &name->at, folder, name->text);
	*kind = path ? src->kind(src->ctx, path) : CONF_KIND_NONE;
	if (path && *kind == CONF_KIND_NONE && name->text.p[0] != '/') {
		const char *other;

		main = build_folder(p->build->main_file);
		other = build_path(p->build, &name->at, main, name->text);
		if (other && src->kind(src->ctx, other) != CONF_KIND_NONE) {
			*kind = src->kind(src->ctx, other);
			path = other;
		}
	}
	return path;
}

/* p->t is what should be the name; a bare word on a line of its own is the next item. */
static void parse_include(struct parser *p, struct conf_scope *s, const struct conf_place *at)
{
	struct build_word name = { p->t.text, p->t.at };
	enum conf_kind kind;
	const char *path;

	if (!(p->t.kind == LEX_STRING || (p->t.kind == LEX_WORD && !p->t.first)) ||
	    name.text.n == 0) {
		error_at(p, at, "include wants the name of a file or folder");
		if (p->t.kind == LEX_STRING)
			next(p);
		skip_item(p);
		return;
	}
	path = find_included(p, &name, &kind);
	if (path) {
		switch (kind) {
		case CONF_KIND_NONE:
			error_at(p, &name.at, "there is no file or folder %s", path);
			break;
		case CONF_KIND_OTHER:
			error_at(p, &name.at, "%s is neither a file nor a folder", path);
			break;
		case CONF_KIND_FILE:
			include_file(p, s, path, &name.at);
			break;
		case CONF_KIND_FOLDER:
			include_folder(p, s, path, &name.at);
			break;
		}
	}
	next(p);
}

/* --- stanzas --- */

static void parse_items(struct parser *p, struct conf_scope *s, const struct conf_place *begin);

static void report_unknown_stanza(struct parser *p, const struct lex_token *word)
{
	const char *near = scope_nearest(word->text);

	if (option_find(word->text) < OPTIONS)
		build_error(p->build, &word->at, "%.*s is an option: write %.*s = ...",
		    SPAN(word->text), SPAN(word->text));
	else if (near)
		build_error(p->build, &word->at, "unknown stanza \"%.*s\": is %s meant?",
		    SPAN(word->text), near);
	else
		error_at(p, &word->at, "unknown stanza \"%.*s\"", SPAN(word->text));
}

/* Is the stanza valid here, and its name there if it wants one? Reports. */
static bool stanza_is_good(struct parser *p, const struct conf_scope *s, enum scope_kind kind,
    const struct lex_token *word, const struct build_word *name)
{
	const char *text = scope_name(kind);

	if (kind == SCOPES) {
		report_unknown_stanza(p, word);
		return false;
	}
	if (!(scope_parents(kind) & 1u << s->kind)) {
		report_scope(p, &word->at, text, scope_parents(kind), (enum scope_kind)s->kind);
		return false;
	}
	if (kind == SCOPE_ESMTP_LISTENER && name) {
		error_at(p, &name->at, "ESMTP_Listener takes no name");
		return false;
	}
	if (kind != SCOPE_ESMTP_LISTENER && !name) {
		build_error(p->build, &word->at, "%s wants a name: %s \"...\" { ... }", text, text);
		return false;
	}
	return true;
}

/* p->t is the { */
static void parse_stanza(struct parser *p, struct conf_scope *s, const struct lex_token *word,
    const struct build_word *name)
{
	enum scope_kind kind = scope_find(word->text);
	struct conf_place begin = p->t.at;
	struct conf_scope *inner = NULL;

	if (stanza_is_good(p, s, kind, word, name)) {
		struct build_word unnamed = { .at = word->at };

		inner = scope_open(p->build, s, kind, name ? name : &unnamed);
	}
	next(p);
	if (!inner) {
		skip_body(p, &begin);
		return;
	}
	parse_items(p, inner, &begin);
}

/* p->t is a word at the begin of an item */
static void parse_item(struct parser *p, struct conf_scope *s)
{
	struct lex_token word = p->t;
	struct build_word name;
	bool named;

	p->build->gateway_seen |= is_gateway(word.text);
	next(p);
	if (p->t.kind == LEX_EQUALS) {
		p->lex.secret_next = is_secret(word.text);
		p->lex.hide = option_find(word.text) == OPTIONS;
		next(p);
		p->lex.hide = false;
		parse_option(p, s, &word);
		return;
	}
	named = p->t.kind == LEX_WORD || p->t.kind == LEX_STRING;
	if (bytes_same_fold(word.text, BYTES("include"))) {
		parse_include(p, s, &word.at);
		return;
	}
	name = (struct build_word){ p->t.text, p->t.at };
	if (named && lex_ahead(&p->lex) == '{')
		next(p);
	if (p->t.kind == LEX_OPEN) {
		parse_stanza(p, s, &word, named ? &name : NULL);
		return;
	}
	if (scope_find(word.text) < SCOPES && option_find(word.text) == OPTIONS)
		build_error(p->build, &word.at, "{ is missing: write %.*s%s { ... }",
		    SPAN(word.text),
		    scope_find(word.text) == SCOPE_ESMTP_LISTENER ? "" : " \"name\"");
	else
		error_at(p, &word.at, "= is missing behind \"%.*s\"", SPAN(word.text));
	if (!(p->t.kind == LEX_WORD && p->t.first))
		skip_item(p);
}

/* Up to the end of the file, or of the stanza that began at `begin`. */
static void parse_items(struct parser *p, struct conf_scope *s, const struct conf_place *begin)
{
	while (!build_is_over(p->build)) {
		struct lex_token t = p->t;
		struct bytes shown;

		if (refuse_hidden(p, &t))
			continue;
		switch (t.kind) {
		case LEX_END:
			if (begin)
				error_at(p, begin, "this { is not closed");
			return;
		case LEX_CLOSE:
			next(p);
			if (begin)
				return;
			error_at(p, &t.at, "} without {");
			break;
		case LEX_WORD:
			parse_item(p, s);
			break;
		case LEX_OPEN:
			error_at(p, &t.at, "an option or stanza is expected here, not \"{\"");
			next(p);
			skip_body(p, &t.at);
			break;
		case LEX_STRING:
		case LEX_EQUALS:
		case LEX_LIST:
		case LEX_LIST_END:
		case LEX_COMMA:
			shown = lex_shown(&t);
			error_at(p, &t.at, "an option or stanza is expected here, not \"%.*s\"",
			    SPAN(shown));
			next(p);
			skip_item(p);
			break;
		}
	}
}

/*
 * The file's octets lie at the end of the arena while it is parsed. False: it cannot be read, or
 * there is no room for it.
 */
static bool parse_file(struct build *b, const struct build_file *file, struct conf_scope *s)
{
	struct parser p = { .build = b, .file = file };
	struct conf_place at = { file->path, 1, 1 };
	size_t high = b->arena.high, size = 0;
	const char *why;
	uint8_t *mem;

	why = b->src->read(b->src->ctx, file->path, b->arena.mem + b->arena.low,
	    b->arena.high - b->arena.low, &size);
	if (why == conf_too_large) {
		b->arena.full = true;
		return false;
	}
	if (why) {
		build_error(b, &at, "cannot be read: %s", why);
		return false;
	}
	mem = b->arena.mem + b->arena.low;
	if (size > 0) {
		uint8_t *end = arena_temp(&b->arena, size);

		if (!end)
			return false;
		memmove(end, mem, size);
		mem = end;
	}
	lex_init(&p.lex, b, file->path, mem, size);
	next(&p);
	parse_items(&p, s, NULL);
	b->arena.high = high;
	return true;
}

bool parse_main(struct build *b)
{
	struct build_file file = { NULL, b->main_file, 1 };

	return parse_file(b, &file, b->tree->global);
}
