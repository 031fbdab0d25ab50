/* SPDX-License-Identifier: ISC */
/* What the rest of the relay asks about TLS and logins. */
#include "conf/tree.h"

#include "base/digest.h"
#include "base/on.h"

#include <string.h>

#define PORT_IMPLICIT 465u /* RFC 8314 */

static bool has_oauth(const struct conf_sending *s)
{
	return s->oauth_provider != CONF_PROVIDER_NONE || s->oauth_grant != CONF_GRANT_DEFAULT ||
	       s->oauth_client_id || s->oauth_client_secret || s->oauth_tenant || s->oauth_scope ||
	       s->oauth_token_url || s->oauth_refresh_token;
}

bool conf_wants_token(const struct conf_sending *s)
{
	if (!ON(CONFIG_OAUTH) || !s->login_user)
		return false;
	return s->login_type == CONF_LOGIN_XOAUTH2 ||
	       (s->login_type == CONF_LOGIN_AUTO && has_oauth(s));
}

bool conf_has_login(const struct conf_sending *s)
{
	return conf_wants_token(s) || (s->login_user && s->login_pass);
}

enum conf_tls conf_tls_of(const struct conf_sending *s, uint16_t port)
{
	if (!ON(CONFIG_TLS))
		return CONF_TLS_NO;
	if (s->tls != CONF_TLS_DEFAULT)
		return (enum conf_tls)s->tls;
	if (port == PORT_IMPLICIT)
		return CONF_TLS_IMPLICIT;
	return conf_has_login(s) ? CONF_TLS_REQUIRED : CONF_TLS_IFAVAILABLE;
}

enum conf_verify conf_verify_of(const struct conf_sending *s)
{
	if (s->tls_verify != CONF_VERIFY_DEFAULT)
		return (enum conf_verify)s->tls_verify;
	return conf_has_login(s) || s->tls == CONF_TLS_REQUIRED ? CONF_VERIFY_HOST : CONF_VERIFY_NO;
}

bool tree_needs_ca(const struct conf_sending *s)
{
	if (!s->tls_ca || !s->routes)
		return false;
	return conf_wants_token(s) || (s->tls != CONF_TLS_NO && !s->tls_pin &&
					  conf_verify_of(s) != CONF_VERIFY_NO);
}

enum conf_grant conf_grant_of(const struct conf_sending *s)
{
	if (s->oauth_grant != CONF_GRANT_DEFAULT)
		return (enum conf_grant)s->oauth_grant;
	switch ((enum conf_provider)s->oauth_provider) {
	case CONF_PROVIDER_MICROSOFT:
		return CONF_GRANT_DEVICE;
	case CONF_PROVIDER_GOOGLE:
		return CONF_GRANT_CODE;
	case CONF_PROVIDER_NONE:
		break;
	}
	return CONF_GRANT_CLIENT;
}

const struct conf_auth_user *conf_auth_user(const struct conf *c, struct bytes name)
{
	for (uint32_t i = 0; i < c->auth_users; i++) {
		if (bytes_same(c->auth_user[i].name, name))
			return &c->auth_user[i];
	}
	return NULL;
}

const char *conf_ca_file(const struct conf *c, unsigned i)
{
	return i < c->tree->cas ? c->tree->ca[i] : NULL;
}

const char *conf_ca_default(const struct conf *c)
{
	return c->tree->default_ca;
}

/* The tree is the first thing in the configuration's memory. */
bool conf_owns(const struct conf *c, const char *p)
{
	uintptr_t begin = (uintptr_t)c->tree, at = (uintptr_t)p;

	return at >= begin && at - begin < c->memory &&
	       memchr(p, '\0', c->memory - (at - begin)) != NULL;
}

static void wipe(const void *p, size_t n)
{
	digest_wipe((void *)(uintptr_t)p, n);
}

static void wipe_setting(const struct conf_setting *set)
{
	const char *text = set->value.data;

	if (set->option != OPTION_OUTBOUND_SMTP_AUTH_PASS && set->option != OPTION_PASSWORD)
		return;
	for (uint32_t i = 0; set->words && i < set->words->n; i++)
		wipe(set->words->item[i].p, set->words->item[i].n);
	if (option_table[set->option].type == TYPE_SECRET && text)
		wipe(text, strlen(text));
}

static void wipe_scope(const struct conf_scope *s)
{
	for (const struct conf_setting *set = s->first; set; set = set->next)
		wipe_setting(set);
	for (const struct conf_scope *c = s->first_domain; c; c = c->next)
		wipe_scope(c);
	for (const struct conf_scope *c = s->first_child; c; c = c->next)
		wipe_scope(c);
}

void conf_wipe_passwords(struct conf *c)
{
	for (uint32_t i = 0; i < c->auth_users; i++)
		wipe(c->auth_user[i].password.p, c->auth_user[i].password.n);
	wipe_scope(c->tree->global);
}
