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

/* What some errors mean to whoever set this box up. */
static const char *meaning(struct bytes error)
{
	if (bytes_same(error, BYTES("invalid_client")))
		return "OAuth2_Client_Id or OAuth2_Client_Secret is wrong: ";
	if (bytes_same(error, BYTES("unauthorized_client")))
		return "the application may not log in this way: ";
	if (bytes_same(error, BYTES("invalid_scope")))
		return "OAuth2_Scope is wrong: ";
	if (bytes_same(error, BYTES("access_denied")) ||
	    bytes_same(error, BYTES("authorization_declined")))
		return "whoever was asked refused: ";
	if (bytes_same(error, BYTES("expired_token")))
		return "the code expired before it was used: ";
	return "";
}

static void refused(char why[OAUTH_WHY], struct bytes error, const struct json_member *description)
{
	char store[DESCRIPTION];
	struct fmt f, d;

	fmt_init(&f, why, OAUTH_WHY);
	fmt_str(&f, meaning(error));
	describe(&f, error);
	if (f.n == 0)
		fmt_str(&f, "an error without a name");
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
	if (status != 200) {
		fmt_str(&f, "it answers with HTTP status ");
		fmt_u64(&f, status);
	} else {
		fmt_str(&f, what);
	}
}

static enum oauth_outcome outcome_of(struct bytes error, unsigned status)
{
	static const char final[][24] = { "invalid_grant", "access_denied",
		"authorization_declined", "expired_token", "bad_verification_code",
		"interaction_required", "login_required", "consent_required" };

	if (bytes_same(error, BYTES("authorization_pending")))
		return OAUTH_PENDING;
	if (bytes_same(error, BYTES("slow_down")))
		return OAUTH_SLOW_DOWN;
	for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++) {
		if (bytes_same(error, bytes_of(final[i])))
			return status < 500 ? OAUTH_FINAL : OAUTH_FAILED;
	}
	return OAUTH_FAILED;
}

/* A token goes into headers and logins: printable, without blanks. */
static uint32_t take_token(char *out, const struct json_member *m)
{
	struct fmt f;

	fmt_init(&f, out, OAUTH_TOKEN + 1);
	if (!json_string(&f, m))
		return 0;
	for (size_t i = 0; i < f.n; i++) {
		if (out[i] <= ' ' || out[i] > '~')
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
	struct json_member m[] = { { .name = "error" }, { .name = "error_description" } };
	char store[64];
	struct fmt error;

	fmt_init(&error, store, sizeof(store));
	if (!json_object(body, m, 2)) {
		strange(why, status, "its answer is not JSON");
		return OAUTH_FAILED;
	}
	if (m[0].kind != JSON_STRING || !json_string(&error, &m[0]) || error.n == 0) {
		strange(why, status, "its answer holds no token");
		return OAUTH_FAILED;
	}
	refused(why, fmt_done(&error), &m[1]);
	return outcome_of(fmt_done(&error), status);
}

enum oauth_outcome oauth_answer(struct oauth_tokens *t, unsigned status, struct bytes body)
{
	struct json_member m[] = { { .name = "access_token" }, { .name = "refresh_token" },
		{ .name = "expires_in" }, { .name = "token_type" } };
	uint64_t life = OAUTH_LIFE;

	t->naccess = t->nrefresh = 0;
	t->why[0] = '\0';
	if (status != 200 || !json_object(body, m, 4) || m[0].kind == JSON_NONE)
		return take_error(t->why, status, body);
	t->naccess = take_token(t->access, &m[0]);
	t->nrefresh = take_token(t->refresh, &m[1]);
	if (t->naccess == 0 || !is_bearer(&m[3])) {
		t->naccess = t->nrefresh = 0;
		strange(t->why, status,
		    "its token is of no use (longer than 8 KiB, broken, or not Bearer)");
		return OAUTH_FAILED;
	}
	if (json_u64(&m[2], UINT64_MAX, &life) && life > LIFE_MAX)
		life = LIFE_MAX;
	t->life = life > 0 ? (uint32_t)life : 1;
	return OAUTH_GIVEN;
}

static bool take_text(char *out, size_t cap, const struct json_member *m)
{
	struct fmt f;

	fmt_init(&f, out, cap);
	if (!json_string(&f, m))
		return false;
	for (size_t i = 0; i < f.n; i++) {
		if (out[i] < ' ' || out[i] > '~')
			return false;
	}
	return f.n > 0;
}

enum oauth_outcome oauth_device(struct oauth_device *d, unsigned status, struct bytes body)
{
	/* Google's older word for the address stands last. */
	struct json_member m[] = { { .name = "device_code" }, { .name = "user_code" },
		{ .name = "verification_uri" }, { .name = "interval" }, { .name = "expires_in" },
		{ .name = "verification_url" } };
	uint64_t interval = DEVICE_INTERVAL, life = DEVICE_LIFE;

	d->why[0] = '\0';
	if (status != 200 || !json_object(body, m, 6) || m[0].kind == JSON_NONE) {
		(void)take_error(d->why, status, body);
		return OAUTH_FAILED;
	}
	if (!take_text(d->code, sizeof(d->code), &m[0]) ||
	    !take_text(d->user_code, sizeof(d->user_code), &m[1]) ||
	    !take_text(d->address, sizeof(d->address), m[2].kind != JSON_NONE ? &m[2] : &m[5])) {
		strange(d->why, status, "its answer holds no code");
		return OAUTH_FAILED;
	}
	(void)json_u64(&m[3], DEVICE_INTERVAL_MAX, &interval);
	(void)json_u64(&m[4], LIFE_MAX, &life);
	d->interval = interval > 0 ? (uint32_t)interval : 1;
	d->life = (uint32_t)life;
	return OAUTH_GIVEN;
}
