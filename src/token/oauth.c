/* SPDX-License-Identifier: ISC */
#include "token/oauth.h"

#include "base/base64.h"
#include "base/digest.h"
#include "token/url.h"

#include <string.h>

#define MICROSOFT        "https://login.microsoftonline.com/"
#define GOOGLE_TOKEN     "https://oauth2.googleapis.com/token"
#define GOOGLE_DEVICE    "https://oauth2.googleapis.com/device/code"
#define GOOGLE_AUTHORIZE "https://accounts.google.com/o/oauth2/v2/auth"
#define TENANT           "common" /* accounts of work, school and person alike */

/* The browser finds nobody there: its address line is what is wanted (RFC 8252 7.3). */
static const char redirect[] = "http://localhost";

#define NAME_PART 48u /* octets of the user's name in a file's name */

static struct bytes text(const char *s)
{
	return s != NULL ? bytes_of(s) : (struct bytes){ 0 };
}

bool oauth_uses_refresh(const struct conf_sending *s)
{
	return conf_grant_of(s) != CONF_GRANT_CLIENT ||
	       (s->oauth_grant == CONF_GRANT_DEFAULT && s->oauth_refresh_token != NULL);
}

bool oauth_is_ready(const struct conf_sending *s, struct fmt *why)
{
	bool secret = conf_grant_of(s) == CONF_GRANT_CLIENT && !oauth_uses_refresh(s);

	if (s->login_user == NULL)
		fmt_add(why, "Outbound_SMTP_AUTH_User");
	else if (s->oauth_client_id == NULL)
		fmt_add(why, "OAuth2_Client_Id");
	else if (secret && s->oauth_client_secret == NULL)
		fmt_add(why, "OAuth2_Client_Secret");
	else if (s->oauth_provider == CONF_PROVIDER_NONE && s->oauth_token_url == NULL)
		fmt_add(why, "OAuth2_Provider or OAuth2_Token_URL");
	else if (secret && s->oauth_provider == CONF_PROVIDER_MICROSOFT &&
		 s->oauth_token_url == NULL && s->oauth_tenant == NULL)
		fmt_add(why, "OAuth2_Tenant");
	else
		return true;
	return false;
}

/* ---- the file's name ---- */

static bool is_plain(uint8_t c)
{
	return byte_is_alnum(c) || c == '.' || c == '-' || c == '_' || c == '@';
}

void oauth_name(struct fmt *f, const struct conf_sending *s)
{
	struct bytes user = text(s->login_user);
	uint8_t all[4 + 3 * DIGEST_SHA256], hash[DIGEST_SHA256];
	char url[OAUTH_URL / 4];
	struct fmt u;

	/* hashes of each, so that no two logins join to the same text */
	fmt_init(&u, url, sizeof(url));
	oauth_address(&u, s, OAUTH_TOKENS);
	digest_sha256(fmt_done(&u), all);
	digest_sha256(text(s->oauth_client_id), all + DIGEST_SHA256);
	digest_sha256(user, all + 2 * DIGEST_SHA256);
	digest_sha256((struct bytes){ all, 3 * DIGEST_SHA256 }, hash);
	for (size_t i = 0; i < user.n && i < NAME_PART; i++) {
		if (is_plain(user.p[i]) && (f->n > 0 || user.p[i] != '.'))
			fmt_char(f, (char)user.p[i]);
	}
	fmt_char(f, '-');
	for (unsigned i = 0; i < 4; i++)
		fmt_hex(f, hash[i], 2);
}

bool oauth_is_name(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (!is_plain(name.p[i]))
			return false;
	}
	return name.n > 8 && name.n < OAUTH_NAME && name.p[0] != '.';
}

/* ---- addresses ---- */

/* The address beside the one where tokens are got. */
static void address_beside(struct fmt *f, const char *token_url, const char *last)
{
	struct bytes url = bytes_of(token_url);
	size_t n = bytes_find(url, '?');

	while (n > 0 && url.p[n - 1] != '/')
		n--;
	fmt_bytes(f, bytes_first(url, n));
	fmt_str(f, last);
}

void oauth_address(struct fmt *f, const struct conf_sending *s, enum oauth_address which)
{
	static const char microsoft[3][11] = { "token", "devicecode", "authorize" };

	if (s->oauth_token_url != NULL && which == OAUTH_TOKENS) {
		fmt_str(f, s->oauth_token_url);
	} else if (s->oauth_token_url != NULL) {
		address_beside(f, s->oauth_token_url, microsoft[which]);
	} else if (s->oauth_provider == CONF_PROVIDER_GOOGLE) {
		fmt_str(f, which == OAUTH_TOKENS   ? PHRASE(GOOGLE_TOKEN)
			   : which == OAUTH_DEVICE ? PHRASE(GOOGLE_DEVICE)
						   : PHRASE(GOOGLE_AUTHORIZE));
	} else {
		fmt_add(f, MICROSOFT "%s/oauth2/v2.0/%s",
		    s->oauth_tenant != NULL ? s->oauth_tenant : TENANT, microsoft[which]);
	}
}

static const char *scope(const struct conf_sending *s)
{
	if (s->oauth_scope != NULL)
		return s->oauth_scope;
	switch ((enum conf_provider)s->oauth_provider) {
	case CONF_PROVIDER_MICROSOFT:
		return oauth_uses_refresh(s)
			   ? "https://outlook.office.com/SMTP.Send offline_access"
			   : "https://outlook.office365.com/.default";
	case CONF_PROVIDER_GOOGLE:
		return "https://mail.google.com/";
	case CONF_PROVIDER_NONE:
		break;
	}
	return NULL;
}

void oauth_verifier(char out[OAUTH_VERIFIER], const uint8_t *random)
{
	struct fmt f;

	fmt_init(&f, out, OAUTH_VERIFIER);
	base64_encode_url(&f, (struct bytes){ random, OAUTH_RANDOM });
}

void oauth_browse(
    struct fmt *f, const struct conf_sending *s, const char *verifier, const char *state)
{
	uint8_t hash[DIGEST_SHA256];
	char challenge[OAUTH_VERIFIER];

	digest_sha256(bytes_of(verifier), hash);
	oauth_verifier(challenge, hash);
	oauth_address(f, s, OAUTH_AUTHORIZE);
	form_add(f,
	    "?response_type=code&client_id=%s&redirect_uri=%s&scope=%s&state=%s&code_challenge=%s"
	    "&code_challenge_method=S256",
	    s->oauth_client_id, redirect, scope(s), state, challenge);
	/* Without both no refresh token comes from the second time on. */
	if (s->oauth_provider == CONF_PROVIDER_GOOGLE)
		form_add(f, "&access_type=offline&prompt=consent");
	if (s->oauth_provider != CONF_PROVIDER_NONE)
		form_add(f, "&login_hint=%s", s->login_user);
}

enum oauth_paste oauth_pasted(struct bytes x, const char *state, struct fmt *code)
{
	char store[OAUTH_VERIFIER];
	struct bytes query;
	struct fmt f;

	while (x.n > 0 && x.p[0] <= ' ')
		x = bytes_skip(x, 1);
	while (x.n > 0 && x.p[x.n - 1] <= ' ')
		x.n--;
	query = bytes_skip(x, bytes_find(x, '?') + 1);
	if (query.n == 0)
		query = x;
	query = bytes_first(query, bytes_find(query, '#'));
	fmt_init(&f, store, sizeof(store));
	if (bytes_find(query, '=') == query.n && query.n == x.n) {
		if (!form_decode(code, x, false) || code->n == 0 || bytes_find(x, ' ') < x.n)
			return OAUTH_NO_CODE;
		return OAUTH_PASTED;
	}
	if (!form_get(query, "state", &f) || !bytes_same(fmt_done(&f), bytes_of(state)))
		return OAUTH_STRANGE_STATE;
	if (form_get(query, "error", code))
		return OAUTH_REFUSED_THERE;
	return form_get(query, "code", code) && code->n > 0 ? OAUTH_PASTED : OAUTH_NO_CODE;
}

/* ---- forms ---- */

static void add_client(struct fmt *f, const struct conf_sending *s)
{
	form_add(f, "&client_id=%s&client_secret=%s", s->oauth_client_id, s->oauth_client_secret);
}

void oauth_form_device(struct fmt *f, const struct conf_sending *s)
{
	form_add(f, "client_id=%s&scope=%s", s->oauth_client_id, scope(s));
}

void oauth_form_poll(struct fmt *f, const struct conf_sending *s, const char *device_code)
{
	form_add(f, "grant_type=%s&device_code=%s", "urn:ietf:params:oauth:grant-type:device_code",
	    device_code);
	add_client(f, s);
}

void oauth_form_code(
    struct fmt *f, const struct conf_sending *s, struct bytes code, const char *verifier)
{
	form_add(f, "grant_type=authorization_code&code=%.*s&redirect_uri=%s&code_verifier=%s",
	    SPAN(code), redirect, verifier);
	add_client(f, s);
}

void oauth_form_client(struct fmt *f, const struct conf_sending *s)
{
	form_add(f, "grant_type=client_credentials");
	add_client(f, s);
	form_add(f, "&scope=%s", scope(s));
}

void oauth_form_refresh(struct fmt *f, const struct conf_sending *s, struct bytes refresh_token)
{
	/* what was granted comes again by itself; Microsoft asks for which resource */
	bool which = s->oauth_scope != NULL || s->oauth_provider == CONF_PROVIDER_MICROSOFT;

	form_add(f, "grant_type=refresh_token&refresh_token=%.*s", SPAN(refresh_token));
	add_client(f, s);
	form_add(f, "&scope=%s", which ? scope(s) : NULL);
}
