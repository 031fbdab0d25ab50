/* SPDX-License-Identifier: ISC */
#include "token/oauth.h"

#include "token/json.h"

#include <string.h>

#define LIFE_MAX            (7u * 86400) /* seconds: longer ones are asked for again after that */
#define DEVICE_INTERVAL     5u           /* RFC 8628 3.2: where the provider does not say */
#define DEVICE_INTERVAL_MAX 60u
#define DEVICE_LIFE         900u /* where it does not say, against the RFC */
#define WORD_MAX            48u  /* octets of a word in a reason: longer ones may be secrets */
#define DESCRIPTION         512u

/* A provider's own words: one line, printable, no longer than helps. */
static void describe(struct fmt *f, struct bytes x)
{
	size_t room = f->cap - 1 - f->n;
	bool any = false;

	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] == '\r' || x.p[i] == '\n')
			x.n = i;
	}
	while (x.n > 0) {
		struct bytes word = bytes_word(&x);

		/* What Microsoft adds for its own use. */
		if (bytes_same(word, BYTES("Trace")) || word.n == 0)
			return;
		if (word.n > WORD_MAX)
			word = BYTES("...");
		if (word.n + 5 > room) {
			fmt_str(f, any ? " ..." : "...");
			return;
		}
		room -= word.n + 1;
		if (any)
			fmt_char(f, ' ');
		for (size_t i = 0; i < word.n; i++)
			fmt_char(f, word.p[i] > ' ' && word.p[i] <= '~' ? (char)word.p[i] : '?');
		any = true;
	}
}

/* Errors that mean something to us, or to whoever set this box up. */
static const struct error {
	const char *name;
	const char *meaning; /* NULL: nothing that its name does not tell */
	enum oauth_outcome outcome;
} errors[] = {
	{ "authorization_pending", NULL, OAUTH_PENDING },
	{ "slow_down", NULL, OAUTH_SLOW_DOWN },
	{ "invalid_client", PHRASE("OAuth2_Client_Id or OAuth2_Client_Secret is wrong: "),
	    OAUTH_FAILED },
	{ "unauthorized_client", PHRASE("the application may not log in this way: "),
	    OAUTH_FAILED },
	{ "invalid_scope", PHRASE("OAuth2_Scope is wrong: "), OAUTH_FAILED },
	{ "access_denied", PHRASE("whoever was asked refused: "), OAUTH_FINAL },
	{ "authorization_declined", PHRASE("whoever was asked refused: "), OAUTH_FINAL },
	{ "expired_token", PHRASE("the code expired before it was used: "), OAUTH_FINAL },
	{ "invalid_grant", NULL, OAUTH_FINAL },
	{ "bad_verification_code", NULL, OAUTH_FINAL },
	{ "interaction_required", NULL, OAUTH_FINAL },
	{ "login_required", NULL, OAUTH_FINAL },
	{ "consent_required", NULL, OAUTH_FINAL },
	{ "", NULL, OAUTH_FAILED }, /* any other */
};

static const struct error *error_of(struct bytes name)
{
	const struct error *e = errors;

	while (e->name[0] != '\0' && !bytes_same(name, bytes_of(e->name)))
		e++;
	return e;
}

static void refused(
    char why[OAUTH_WHY], const struct error *e, struct bytes name,
    const struct json_member *description)
{
	char store[DESCRIPTION];
	struct fmt f, d;

	fmt_init(&f, why, OAUTH_WHY);
	if (e->meaning != NULL)
		fmt_str(&f, e->meaning);
	describe(&f, name);
	if (f.n == 0)
		fmt_add(&f, "an error without a name");
	if (description->kind != JSON_STRING)
		return;
	fmt_init(&d, store, sizeof(store));
	(void)json_string(&d, description); /* its beginning will do */
	if (d.n == 0)
		return;
	fmt_str(&f, ": ");
	describe(&f, fmt_done(&d));
}

static void strange(char why[OAUTH_WHY], unsigned status, const char *what)
{
	struct fmt f;

	fmt_init(&f, why, OAUTH_WHY);
	if (status != 200)
		fmt_add(&f, "it answers with HTTP status %u", status);
	else
		fmt_str(&f, what);
}

/*
 * A text of octets from `least` up to '~', its length; 0: it is none. A token goes into headers and
 * logins, without blanks.
 */
static uint32_t take_text(char *out, size_t cap, const struct json_member *m, char least)
{
	struct fmt f;

	fmt_init(&f, out, cap);
	if (!json_string(&f, m))
		return 0;
	for (size_t i = 0; i < f.n; i++) {
		if (out[i] < least || out[i] > '~')
			return 0;
	}
	return (uint32_t)f.n;
}

static bool is_bearer(const struct json_member *m)
{
	return m->kind == JSON_NONE ||
	       (m->kind == JSON_STRING && bytes_same_fold(m->text, BYTES("bearer")));
}

/* An error in the answer: what it is. */
static enum oauth_outcome take_error(char why[OAUTH_WHY], unsigned status, struct bytes body)
{
	struct json_member m[2];
	const struct error *e;
	char store[64];
	struct fmt name;

	fmt_init(&name, store, sizeof(store));
	if (!json_object(body, "error error_description", m, 2)) {
		strange(why, status, PHRASE("its answer is not JSON"));
		return OAUTH_FAILED;
	}
	if (!json_string(&name, &m[0]) || name.n == 0) {
		strange(why, status, PHRASE("its answer holds no token"));
		return OAUTH_FAILED;
	}
	e = error_of(fmt_done(&name));
	refused(why, e, fmt_done(&name), &m[1]);
	return e->outcome == OAUTH_FINAL && status >= 500 ? OAUTH_FAILED : e->outcome;
}

enum oauth_outcome oauth_answer(struct oauth_tokens *t, unsigned status, struct bytes body)
{
	static const char names[] = "access_token refresh_token expires_in token_type";
	struct json_member m[4];
	uint64_t life = OAUTH_LIFE;

	t->naccess = t->nrefresh = 0;
	t->why[0] = '\0';
	if (status != 200 || !json_object(body, names, m, 4) || m[0].kind == JSON_NONE)
		return take_error(t->why, status, body);
	t->naccess = take_text(t->access, sizeof(t->access), &m[0], '!');
	t->nrefresh = take_text(t->refresh, sizeof(t->refresh), &m[1], '!');
	if (t->naccess == 0 || !is_bearer(&m[3])) {
		t->naccess = t->nrefresh = 0;
		strange(t->why, status,
		    PHRASE("its token is of no use (longer than 8 KiB, broken, or not Bearer)"));
		return OAUTH_FAILED;
	}
	if (json_u64(&m[2], UINT64_MAX, &life) && life > LIFE_MAX)
		life = LIFE_MAX;
	t->life = life > 0 ? (uint32_t)life : 1;
	return OAUTH_GIVEN;
}

enum oauth_outcome oauth_device(struct oauth_device *d, unsigned status, struct bytes body)
{
	/* Google's older word for the address stands last. */
	static const char names[] = "device_code user_code verification_uri interval expires_in "
				    "verification_url";
	struct json_member m[6];
	uint64_t interval = DEVICE_INTERVAL, life = DEVICE_LIFE;

	d->why[0] = '\0';
	if (status != 200 || !json_object(body, names, m, 6) || m[0].kind == JSON_NONE) {
		(void)take_error(d->why, status, body);
		return OAUTH_FAILED;
	}
	if (m[2].kind == JSON_NONE)
		m[2] = m[5];
	if (take_text(d->code, sizeof(d->code), &m[0], ' ') == 0 ||
	    take_text(d->user_code, sizeof(d->user_code), &m[1], ' ') == 0 ||
	    take_text(d->address, sizeof(d->address), &m[2], ' ') == 0) {
		strange(d->why, status, PHRASE("its answer holds no code"));
		return OAUTH_FAILED;
	}
	(void)json_u64(&m[3], DEVICE_INTERVAL_MAX, &interval);
	(void)json_u64(&m[4], LIFE_MAX, &life);
	d->interval = interval > 0 ? (uint32_t)interval : 1;
	d->life = (uint32_t)life;
	return OAUTH_GIVEN;
}
