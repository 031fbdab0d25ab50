/* SPDX-License-Identifier: ISC */
#include "cmd/grant.h"

#include "base/digest.h"
#include "cmd/cmd.h"
#include "io/clock.h"
#include "run/https.h"
#include "run/refresh.h"
#include "run/settings.h"
#include "version.h"

#include <string.h>

#define LIMIT_MS 30000u

static struct {
	struct timer *slots[1 + HTTPS_DEADLINES];
	struct ca_set ca;
	struct https https;
	struct deadline begin;
	const struct fmt *form;
	const char *url;
	struct oauth_tokens given;
} grant;

int grant_begin(const struct grant *g, struct fmt *why)
{
	uint32_t broken = 0;

	if (!oauth_is_ready(g->key, why)) {
		fmt_add(why, " is missing");
		return EX_CONFIG;
	}
	if (grant.ca.mem == NULL) {
		fmt_add(why, "%s (TLS_CA, to verify the provider with): ", g->key->tls_ca);
		if (!ca_open(&grant.ca, g->key->tls_ca, &broken, why))
			return EX_CONFIG;
		fmt_init(why, why->p, why->cap);
	}
	loop_init(grant.slots, sizeof(grant.slots) / sizeof(grant.slots[0]));
	(void)clock_begin(BUILD_DATE, false, false);
	return tls_init(why) ? EX_OK : EX_SOFTWARE;
}

struct fmt grant_form(void)
{
	return https_form(&grant.https);
}

static void grant_over(struct https *h)
{
	(void)h;
	loop_stop();
}

/* The loop knows the time only once it turns. */
static void grant_go(struct deadline *d)
{
	(void)d;
	if (!https_post(&grant.https, grant.url, grant.form))
		loop_stop();
}

bool grant_post(const struct grant *g, enum oauth_address to, const struct fmt *form,
    unsigned *status, struct bytes *body, struct fmt *why)
{
	static char url[OAUTH_URL];
	struct https *h = &grant.https;
	struct fmt f;

	fmt_init(&f, url, sizeof(url));
	oauth_address(&f, g->key, to);
	grant.url = url;
	grant.form = form;
	h->ca = &grant.ca;
	h->limit_ms = LIMIT_MS;
	h->done = h->freed = grant_over;
	h->good = false;
	if (h->state == HTTPS_STALE)
		loop_run();
	loop_deadline(&grant.begin, 0, grant_go);
	loop_run();
	if (!h->good)
		fmt_str(why, h->why);
	*status = h->status;
	*body = h->body;
	return h->good;
}

enum oauth_outcome grant_tokens(const struct grant *g, const struct fmt *form, struct fmt *why)
{
	enum oauth_outcome outcome;
	unsigned status;
	struct bytes body;

	if (!grant_post(g, OAUTH_TOKENS, form, &status, &body, why))
		return OAUTH_FAILED;
	outcome = oauth_answer(&grant.given, status, body);
	https_wipe(&grant.https);
	if (outcome == OAUTH_GIVEN)
		return outcome;
	fmt_add(why, "%s: %s", grant.https.host, grant.given.why);
	return outcome;
}

const struct oauth_tokens *grant_given(void)
{
	return &grant.given;
}

static const char *name_of(const struct grant *g)
{
	static char name[OAUTH_NAME];
	struct fmt f;

	fmt_init(&f, name, sizeof(name));
	oauth_name(&f, g->key);
	return name;
}

bool grant_store(const struct grant *g, struct fmt *why)
{
	const struct oauth_tokens *t = &grant.given;

	refresh_keep_in(settings_store(g->file, g->store));
	return refresh_store(
	    g->file, name_of(g), (struct bytes){ (const uint8_t *)t->refresh, t->nrefresh }, why);
}

static uint8_t sent[OAUTH_TOKEN]; /* the refresh token that was sent */
static size_t nsent;

/* The stored refresh token, else the configuration's, as a form. False where there is none. */
static bool form_refresh(const struct grant *g, struct fmt *form)
{
	const char *first = g->key->oauth_refresh_token;
	int n = refresh_load(g->file, name_of(g), sent);

	nsent = n > 0 ? (size_t)n : 0;
	if (n <= 0 && first != NULL && strlen(first) <= sizeof(sent)) {
		nsent = strlen(first);
		memcpy(sent, first, nsent);
	}
	oauth_form_refresh(form, g->key, (struct bytes){ sent, nsent });
	return nsent > 0;
}

/*
 * What the supervisor would do with the refresh token that came: keep each new one, of Microsoft
 * only where the stored one is old. If that fails nothing is lost that the relay cannot tell.
 */
static void keep(const struct grant *g)
{
	const struct oauth_tokens *t = &grant.given;
	bool same = t->nrefresh == nsent && memcmp(t->refresh, sent, nsent) == 0;
	char text[320];
	struct fmt why;

	if (t->nrefresh == 0 || same)
		return;
	if (g->key->oauth_provider == CONF_PROVIDER_MICROSOFT &&
	    refresh_age(g->file, name_of(g), clock_wall()) < REFRESH_OLD)
		return;
	fmt_init(&why, text, sizeof(text));
	(void)grant_store(g, &why);
}

int grant_renew(const struct grant *g, struct fmt *why)
{
	struct fmt form = grant_form();
	enum oauth_outcome outcome;

	if (!oauth_uses_refresh(g->key)) {
		oauth_form_client(&form, g->key);
	} else if (!form_refresh(g, &form)) {
		fmt_add(why, "log in: gatepost login");
		return EX_NOPERM;
	}
	outcome = grant_tokens(g, &form, why);
	if (outcome == OAUTH_FINAL) {
		fmt_add(why, "; log in again: gatepost login");
		return EX_NOPERM;
	}
	if (outcome != OAUTH_GIVEN)
		return EX_TEMPFAIL;
	if (oauth_uses_refresh(g->key))
		keep(g);
	digest_wipe(sent, sizeof(sent));
	return EX_OK;
}

void grant_end(void)
{
	https_wipe(&grant.https);
	digest_wipe(&grant.given, sizeof(grant.given));
	ca_close(&grant.ca);
}
