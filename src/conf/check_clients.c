/* SPDX-License-Identifier: ISC */
/* Rules of TLS and logins towards the LAN, and of files with secrets. */
#include "conf/build.h"

#include "base/limits.h"

#include <string.h>

/* The setting that counts for a Listen (which may be the one by default), or NULL. */
static const struct conf_setting *set_for(
    const struct build *b, const struct conf_listen *l, enum option_id id)
{
	const struct conf_setting *set = tree_setting(l->scope, id);

	if (!set)
		set = tree_setting(b->tree->listener, id);
	return set ? set : tree_setting(b->tree->global, id);
}

/* Is it the first Listen for which that setting counts? Each is reported once. */
static bool is_first(const struct build *b, const struct conf *c, uint32_t i, enum option_id id)
{
	const struct conf_setting *set = set_for(b, &c->listen[i], id);

	for (uint32_t k = 0; k < i; k++) {
		if (set_for(b, &c->listen[k], id) == set)
			return false;
	}
	return true;
}

/* --- certificates --- */

static void check_pair(struct build *b, const struct conf *c, uint32_t i)
{
	const struct conf_listen *l = &c->listen[i];
	const struct conf_setting *cert = set_for(b, l, OPTION_TLS_CERTIFICATE);
	const struct conf_setting *key = set_for(b, l, OPTION_TLS_KEY);
	const struct conf_source *src = b->src;
	const char *wrong;

	if (!is_first(b, c, i, OPTION_TLS_CERTIFICATE) && !is_first(b, c, i, OPTION_TLS_KEY))
		return;
	if (l->tls_certificate && !l->tls_key)
		build_error(b, cert->at,
		    "TLS_Certificate without TLS_Key: name the file with its private key");
	if (l->tls_key && !l->tls_certificate)
		build_error(b, key->at,
		    "TLS_Key without TLS_Certificate: name the file with the certificate (gatepost "
		    "cert makes both)");
	if (!l->tls_certificate || !l->tls_key || !src->look)
		return;
	wrong = src->look(src->ctx, CONF_FILE_CERTIFICATE, l->tls_certificate, NULL);
	check_file(b, cert->at, "TLS_Certificate", l->tls_certificate, wrong);
	if (wrong && wrong[0] != '!')
		return;
	check_file(b, key->at, "TLS_Key", l->tls_key,
	    src->look(src->ctx, CONF_FILE_KEY, l->tls_key, l->tls_certificate));
}

static void check_use_ssl(struct build *b, const struct conf *c, uint32_t i)
{
	const struct conf_listen *l = &c->listen[i];
	const struct conf_setting *set = set_for(b, l, OPTION_USE_SSL);

	if (l->use_ssl && !l->tls_certificate && is_first(b, c, i, OPTION_USE_SSL))
		build_error(b, set->at,
		    "Use_SSL wants TLS_Certificate and TLS_Key: gatepost cert makes them");
	if (l->port == 465 && l->tls_certificate && !l->use_ssl && l->scope)
		build_warning(
		    b, &l->scope->at, "at port 465 clients begin with TLS: Use_SSL = yes");
}

/* --- STARTTLS and AUTH --- */

/* Is there a certificate at the Listen that s is or stands in; at any, for other scopes? */
static bool has_certificate(const struct conf *c, const struct conf_scope *s)
{
	const struct conf_scope *listen = s->kind == SCOPE_PEER ? s->parent : s;

	for (uint32_t i = 0; i < c->listens; i++) {
		if (c->listen[i].tls_certificate &&
		    (listen->kind != SCOPE_LISTEN || c->listen[i].scope == listen))
			return true;
	}
	return false;
}

static void check_offers(struct build *b, const struct conf *c, const struct conf_scope *s)
{
	const struct conf_setting *starttls = tree_setting(s, OPTION_STARTTLS);
	const struct conf_setting *auth = tree_setting(s, OPTION_AUTH);

	if (starttls && starttls->value.number && !has_certificate(c, s))
		build_error(b, starttls->at,
		    "Starttls wants TLS_Certificate and TLS_Key: gatepost cert makes them");
	if (auth && auth->value.number == CONF_AUTH_YES && c->auth_users == 0)
		build_error(b, auth->at,
		    "Auth = yes wants an Auth_User: write Auth_User \"name\" { Password = ... }");
	for (const struct conf_scope *in = s->first_child; in; in = in->next)
		check_offers(b, c, in);
}

/* Who is to log in where passwords want TLS and there is none? */
static void check_auth_tls(struct build *b, const struct conf *c)
{
	const struct conf_setting *set = NULL;
	struct conf_place main = { b->main_file, 1, 1 };
	bool offered = false, withheld = false;

	for (uint32_t i = 0; i < c->listens; i++) {
		struct conf_receive r;
		const struct conf_setting *own = tree_setting(c->listen[i].scope, OPTION_AUTH);

		conf_receive(c, i, NULL, &r);
		if (r.auth != CONF_AUTH_YES)
			continue;
		if (!r.auth_requires_tls || c->listen[i].tls_certificate) {
			offered = true;
			continue;
		}
		withheld = true;
		if (own && !set)
			set = own;
	}
	if (!withheld || (offered && !set) || c->auth_users == 0)
		return;
	for (const struct conf_scope *s = b->tree->global->first_child; s && !set; s = s->next) {
		if (s->kind == SCOPE_AUTH_USER)
			main = s->at;
	}
	build_warning(b, set ? set->at : &main,
	    "AUTH is not offered without TLS: set TLS_Certificate and TLS_Key, or "
	    "Auth_Requires_TLS = false");
}

/* --- users --- */

static void check_users(struct build *b)
{
	for (const struct conf_scope *s = b->tree->global->first_child; s; s = s->next) {
		if (s->kind == SCOPE_AUTH_USER && !tree_setting(s, OPTION_PASSWORD))
			build_error(b, &s->at, "Auth_User \"%.*s\" has no Password", SPAN(s->name));
	}
}

/* --- files with secrets --- */

#define FILES_MAX 16u /* files that are remembered, so that each is told once */

struct files {
	const char *path[FILES_MAX];
	unsigned n;
};

static bool is_new(struct files *f, const char *path)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->path[i] == path)
			return false;
	}
	if (f->n < FILES_MAX)
		f->path[f->n++] = path;
	return true;
}

static void check_secrets(struct build *b, const struct conf_scope *s, struct files *f)
{
	const struct conf_source *src = b->src;

	for (const struct conf_setting *set = s->first; set; set = set->next) {
		const char *option = option_name(&option_table[set->option]), *wrong;

		if (option_table[set->option].type != TYPE_SECRET || !is_new(f, set->at->file))
			continue;
		wrong = src->look(src->ctx, CONF_FILE_CONF, set->at->file, NULL);
		if (wrong && wrong[0] == '!')
			check_file(b, set->at, option, set->at->file, wrong);
	}
	for (const struct conf_scope *d = s->first_domain; d; d = d->next)
		check_secrets(b, d, f);
	for (const struct conf_scope *in = s->first_child; in; in = in->next)
		check_secrets(b, in, f);
}

void check_clients(struct build *b, struct conf *c)
{
	struct files files = { .n = 0 };

	for (uint32_t i = 0; i < c->listens; i++) {
		check_pair(b, c, i);
		check_use_ssl(b, c, i);
	}
	check_offers(b, c, b->tree->global);
	check_auth_tls(b, c);
	check_users(b);
	if (b->src->look)
		check_secrets(b, b->tree->global, &files);
}
