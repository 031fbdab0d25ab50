/* SPDX-License-Identifier: ISC */
/*
 * Rules of TLS and logins towards gateways. What counts is the whole that is in force for some
 * mail, whichever scopes it comes from.
 */
#include "conf/build.h"

#include "base/on.h"

#include <string.h>

#define SAID_MAX 64u /* messages that are remembered, so that each is told once */

struct said {
	const struct conf_place *at;
	const char *text;
};

struct check {
	struct build *b;
	const struct conf *c;
	const struct tree_spot *spot;
	const struct conf_sending *s; /* of the spot */
	struct said *said;
	unsigned nsaid;
	struct conf_place main;
	bool ca_said;
};

/* --- messages --- */

/* Was it not told yet? */
static bool is_new(struct check *k, const struct conf_place *at, const char *text)
{
	for (unsigned i = 0; i < k->nsaid; i++) {
		if (k->said[i].at == at && k->said[i].text == text)
			return false;
	}
	if (k->nsaid < SAID_MAX)
		k->said[k->nsaid++] = (struct said){ at, text };
	return true;
}

static const struct conf_place *place_of(const struct check *k, enum option_id id)
{
	const struct conf_setting *set = tree_in_force(k->spot, id);

	return set ? set->at : &k->main;
}

/* Where that option is set; the format is as in build_error. */
#define error_at(k, id, ...) tell(k, CONF_ERROR, id, PHRASE_MARK __VA_ARGS__)
#define warn_at(k, id, ...)  tell(k, CONF_WARNING, id, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 4, 5))) static void tell(
    struct check *k, enum conf_severity severity, enum option_id id, const char *format, ...)
{
	const struct conf_place *at = place_of(k, id);
	va_list args;

	va_start(args, format);
	if (is_new(k, at, format))
		build_report_list(k->b, severity, at, format, args);
	va_end(args);
}

/* --- logins --- */

static bool is_set(const struct check *k, enum option_id id)
{
	return tree_in_force(k->spot, id) != NULL;
}

/* An OAuth2 option that is in force, or OPTIONS. */
static enum option_id some_oauth(const struct check *k)
{
	static const uint8_t ids[] = { OPTION_OAUTH2_PROVIDER, OPTION_OAUTH2_TOKEN_URL,
		OPTION_OAUTH2_CLIENT_ID, OPTION_OAUTH2_REFRESH_TOKEN, OPTION_OAUTH2_CLIENT_SECRET,
		OPTION_OAUTH2_GRANT, OPTION_OAUTH2_TENANT, OPTION_OAUTH2_SCOPE };

	for (size_t i = 0; i < sizeof(ids); i++) {
		const struct conf_setting *set = tree_in_force(k->spot, ids[i]);
		bool word = option_table[ids[i]].type == TYPE_WORD;

		if (set && (word ? set->value.number != 0 : set->value.data != NULL))
			return (enum option_id)ids[i];
	}
	return OPTIONS;
}

static void check_password(struct check *k)
{
	const struct conf_sending *s = k->s;
	enum option_id oauth = some_oauth(k);

	if (!is_set(k, OPTION_OUTBOUND_SMTP_AUTH_USER)) {
		if (is_set(k, OPTION_OUTBOUND_SMTP_AUTH_PASS))
			error_at(k, OPTION_OUTBOUND_SMTP_AUTH_PASS,
			    "Outbound_SMTP_AUTH_Pass without Outbound_SMTP_AUTH_User: a login "
			    "wants both");
		else if (oauth < OPTIONS)
			error_at(k, oauth,
			    "%s without Outbound_SMTP_AUTH_User: the login wants the name of the "
			    "mailbox",
			    option_name(&option_table[oauth]));
		return;
	}
	if (s->login_user && !s->login_pass && !conf_wants_token(s))
		error_at(k, OPTION_OUTBOUND_SMTP_AUTH_USER,
		    "Outbound_SMTP_AUTH_User without Outbound_SMTP_AUTH_Pass: a login wants both");
	if (s->login_pass && s->login_type == CONF_LOGIN_AUTO && conf_wants_token(s))
		error_at(k, OPTION_OUTBOUND_SMTP_AUTH_PASS,
		    "a password and %s are both in force: say with Outbound_SMTP_AUTH_Type which "
		    "of them is meant",
		    oauth < OPTIONS ? option_name(&option_table[oauth]) : "");
}

static void check_clear_login(struct check *k)
{
	const struct conf_sending *s = k->s;

	if (!conf_has_login(s) || s->login_plaintext)
		return;
	if (!ON(CONFIG_TLS))
		error_at(k, OPTION_OUTBOUND_SMTP_AUTH_USER,
		    "this gatepost has no TLS, so that the login would leave in clear text: "
		    "Outbound_SMTP_AUTH_Allow_Plaintext = true would allow that");
	else if (s->tls == CONF_TLS_NO)
		error_at(k, OPTION_TLS,
		    "TLS = no with a login, which would leave in clear text: write TLS = required, "
		    "or Outbound_SMTP_AUTH_Allow_Plaintext = true");
}

/* --- OAuth 2.0 --- */

static bool is_shared_tenant(const char *tenant)
{
	static const char shared[][14] = { "common", "organizations", "consumers" };

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		if (tenant && bytes_same_fold(bytes_of(tenant), bytes_of(shared[i])))
			return true;
	}
	return !tenant;
}

/* What the client's secret alone gets a token for. */
static void check_client_grant(struct check *k, enum option_id at)
{
	const struct conf_sending *s = k->s;

	if (!s->oauth_client_secret)
		error_at(k, at, "OAuth2_Grant = client wants OAuth2_Client_Secret");
	if (s->oauth_provider == CONF_PROVIDER_GOOGLE)
		error_at(k, at,
		    "Google gives no token for mail with OAuth2_Grant = client: write code, and "
		    "run gatepost login");
	if (s->oauth_provider == CONF_PROVIDER_MICROSOFT && !s->oauth_token_url &&
	    is_shared_tenant(s->oauth_tenant))
		error_at(k, at,
		    "OAuth2_Grant = client wants OAuth2_Tenant, the id or domain of the directory");
}

static void check_token(struct check *k)
{
	const struct conf_sending *s = k->s;
	bool device = conf_grant_of(s) == CONF_GRANT_DEVICE;
	/* where a refresh token is given the default grant is of no matter */
	bool client = conf_grant_of(s) == CONF_GRANT_CLIENT &&
		      !(s->oauth_grant == CONF_GRANT_DEFAULT && s->oauth_refresh_token);
	enum option_id at = some_oauth(k);

	if (!conf_wants_token(s))
		return;
	if (at == OPTIONS)
		at = OPTION_OUTBOUND_SMTP_AUTH_TYPE;
	if (s->oauth_provider == CONF_PROVIDER_NONE && !s->oauth_token_url)
		error_at(k, at,
		    "a login with OAuth 2.0 wants OAuth2_Provider = microsoft or google, or "
		    "OAuth2_Token_URL");
	if (!s->oauth_client_id)
		error_at(k, at,
		    "a login with OAuth 2.0 wants OAuth2_Client_Id, the id of an application that "
		    "you register with the provider");
	if (is_set(k, OPTION_OAUTH2_GRANT))
		at = OPTION_OAUTH2_GRANT;
	if (client && (s->oauth_provider != CONF_PROVIDER_NONE || s->oauth_token_url))
		check_client_grant(k, at);
	if (device && s->oauth_provider == CONF_PROVIDER_GOOGLE)
		error_at(k, at,
		    "Google allows no mail with OAuth2_Grant = device: write code, and run "
		    "gatepost login");
	if (s->oauth_tenant && s->oauth_provider != CONF_PROVIDER_MICROSOFT)
		warn_at(k, OPTION_OAUTH2_TENANT,
		    "OAuth2_Tenant counts with OAuth2_Provider = microsoft only");
}

/* A gateway that takes a login wants its own account in both. */
static void check_sender(struct check *k)
{
	struct conf_header h;

	conf_header(k->c, k->spot->binding, &h);
	if (!conf_has_login(k->s) || (h.envelope_from.n > 0) == (h.header_from.n > 0))
		return;
	if (h.envelope_from.n > 0)
		warn_at(k, OPTION_ENVELOPE_FROM,
		    "Envelope_From without Header_From: many gateways with a login refuse mail "
		    "whose From is not the account's address");
	else
		warn_at(k, OPTION_HEADER_FROM,
		    "Header_From without Envelope_From: many gateways with a login refuse mail "
		    "whose envelope sender is not the account's address");
}

/* --- TLS --- */

static bool any_route(const struct conf_sending *s, enum conf_tls tls, uint16_t port)
{
	for (uint32_t i = 0; i < s->routes->n; i++) {
		const struct conf_route *r = &s->routes->route[i];
		uint16_t its = r->explicit_port ? r->port : s->remote_smtp_port;

		if (conf_tls_of(s, its) == tls && (port == 0 || port == its))
			return true;
	}
	return false;
}

static void check_modes(struct check *k)
{
	const struct conf_sending *s = k->s;

	if (any_route(s, CONF_TLS_REQUIRED, 465) || any_route(s, CONF_TLS_IFAVAILABLE, 465) ||
	    any_route(s, CONF_TLS_NO, 465))
		warn_at(k, OPTION_TLS,
		    "at port 465 a gateway waits for TLS from the first octet: TLS = implicit");
	if (any_route(s, CONF_TLS_IMPLICIT, 587) || any_route(s, CONF_TLS_IMPLICIT, 25))
		warn_at(k, OPTION_TLS,
		    "at ports 25 and 587 a gateway waits for STARTTLS: TLS = required");
	if (!any_route(s, CONF_TLS_IFAVAILABLE, 0) || conf_has_login(s))
		return;
	if (s->tls_pin)
		warn_at(k, OPTION_TLS_PIN,
		    "TLS_Pin keeps no mail back with TLS = ifavailable, which goes on in clear "
		    "text where the key is another: TLS = required does");
	else if (s->tls_verify != CONF_VERIFY_DEFAULT && s->tls_verify != CONF_VERIFY_NO)
		warn_at(k, OPTION_TLS_VERIFY,
		    "TLS_Verify keeps no mail back with TLS = ifavailable, which goes on in clear "
		    "text where the certificate is wrong: TLS = required does");
}

static void check_default_ca(struct check *k)
{
	const struct conf_source *src = k->b->src;
	const char *file = k->s->tls_ca, *wrong;

	if (k->ca_said || !src->look || file != k->b->tree->default_ca || !tree_needs_ca(k->s))
		return;
	k->ca_said = true;
	wrong = src->look(src->ctx, CONF_FILE_CA, file, NULL);
	if (wrong && wrong[0] != '!')
		build_warning(k->b,
		    place_of(k, is_set(k, OPTION_ROUTES) ? OPTION_ROUTES : OPTION_GATEWAY),
		    "no CA certificates at %s (%s): put them there, or set TLS_CA", file, wrong);
}

static void check_spot(void *ctx, const struct tree_spot *spot)
{
	struct check *k = ctx;

	k->spot = spot;
	k->s = &spot->sending;
	if (!k->s->routes || build_is_over(k->b))
		return;
	check_password(k);
	check_clear_login(k);
	if (ON(CONFIG_OAUTH))
		check_token(k);
	check_sender(k);
	if (ON(CONFIG_TLS)) {
		check_modes(k);
		check_default_ca(k);
	}
}

/* --- what stands in one scope --- */

void check_file(struct build *b, const struct conf_place *at, const char *option, const char *path,
    const char *wrong)
{
	bool warning = wrong && wrong[0] == '!';

	if (wrong)
		build_report(b, warning ? CONF_WARNING : CONF_ERROR, at, PHRASE("%s: %s: %s"),
		    option, path, wrong + warning);
}

static void check_ca_file(struct build *b, const struct conf_setting *set)
{
	const struct conf_source *src = b->src;

	if (src->look)
		check_file(b, set->at, "TLS_CA", set->value.data,
		    src->look(src->ctx, CONF_FILE_CA, set->value.data, NULL));
}

/* An option that has no say beside TLS = no. */
static bool is_of_tls(enum option_id id)
{
	return id == OPTION_TLS_VERIFY || id == OPTION_TLS_CA || id == OPTION_TLS_NAME ||
	       id == OPTION_TLS_PIN || id == OPTION_TLS_PROTOCOLS;
}

static void check_settings(struct build *b, const struct conf_scope *s)
{
	const struct conf_setting *tls = tree_setting(s, OPTION_TLS);

	for (const struct conf_setting *set = s->first; set; set = set->next) {
		if (set->option == OPTION_TLS_CA && set->value.data)
			check_ca_file(b, set);
		if (tls && tls->value.number == CONF_TLS_NO &&
		    is_of_tls((enum option_id)set->option))
			build_warning(b, set->at, "%s has no say where TLS = no",
			    option_name(&option_table[set->option]));
	}
	for (const struct conf_scope *d = s->first_domain; d; d = d->next)
		check_settings(b, d);
	for (const struct conf_scope *in = s->first_child; in; in = in->next)
		check_settings(b, in);
}

void check_sending(struct build *b, struct conf *c)
{
	struct check k = { .b = b, .c = c, .main = { b->main_file, 1, 1 } };
	size_t high = b->arena.high;

	if (!b->secure_seen)
		return;
	k.said = arena_temp(&b->arena, SAID_MAX * sizeof(*k.said));
	if (!k.said)
		return;
	check_settings(b, b->tree->global);
	tree_each(b->tree, b->bindings, check_spot, &k);
	b->arena.high = high;
}
