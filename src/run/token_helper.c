/* SPDX-License-Identifier: ISC */
#include "run/token_helper.h"

#include "base/bug.h"
#include "base/digest.h"
#include "io/ipc.h"
#include "run/keys.h"
#include "run/refresh.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#define KEEPER_MS 5000u /* the longest wait for the supervisor */
#define TRIES     3u    /* refresh tokens tried for one question */

struct fetch {
	bool busy;
	uint8_t tries;          /* of refresh tokens: the last one is under way */
	uint32_t asked;         /* the id of the question to the supervisor; 0: none */
	struct deadline keeper; /* until it must have answered */
	uint64_t end;           /* milliseconds, monotonic */
	struct token_question q;
	char name[OAUTH_NAME];
	uint8_t tried[TRIES][DIGEST_SHA256]; /* their hashes */
	char why[TOKEN_WHY];                 /* what the last try came to */
	char url[OAUTH_URL];
	struct https https;
};

static struct {
	const struct names_args *args;
	struct watch tokens, refresh;
	uint32_t asked;
	bool tls; /* has begun */
	unsigned queued;
	struct token_question queue[CONFIG_TOKENS];
	struct token_answer answer;
	struct refresh_message message;
	struct oauth_tokens given;
	struct fetch fetch[TOKEN_FETCHES];
} helper;

static void fetch_begin(struct fetch *f);

/* ---- answers ---- */

/* The helper may wait for an engine that is behind: nobody waits for the helper. */
static void helper_send(struct token_answer *a)
{
	struct pollfd p = { .fd = helper.tokens.fd, .events = POLLOUT };

	while (ipc_send(p.fd, a, sizeof(*a)) == -EAGAIN)
		poll(&p, 1, -1);
	digest_wipe(a, sizeof(*a));
}

static void helper_refuse(uint32_t id, enum token_status status, const char *why)
{
	struct token_answer *a = &helper.answer;
	struct fmt f;

	memset(a, 0, sizeof(*a));
	a->id = id;
	a->status = (uint8_t)status;
	fmt_init(&f, a->why, sizeof(a->why));
	fmt_str(&f, why);
	helper_send(a);
}

/* It is free for the next one in the queue. */
static void fetch_free(struct https *h)
{
	struct fetch *f = LOOP_OWNER(struct fetch, https, h);

	if (helper.queued == 0 || f->busy || h->state != HTTPS_IDLE)
		return;
	f->q = helper.queue[0];
	helper.queued--;
	memmove(helper.queue, helper.queue + 1, helper.queued * sizeof(f->q));
	fetch_begin(f);
}

static void fetch_end(struct fetch *f)
{
	https_wipe(&f->https);
	loop_deadline_clear(&f->keeper);
	f->asked = 0;
	f->busy = false;
	fetch_free(&f->https);
}

static void fetch_refuse(struct fetch *f, enum token_status status, const char *why)
{
	helper_refuse(f->q.id, status, why);
	fetch_end(f);
}

/* ---- refresh tokens ---- */

static bool is_tried(const struct fetch *f, struct bytes token, uint8_t hash[DIGEST_SHA256])
{
	digest_sha256(token, hash);
	for (unsigned i = 0; i < f->tries; i++) {
		if (memcmp(f->tried[i], hash, DIGEST_SHA256) == 0)
			return true;
	}
	return false;
}

static void fetch_post(struct fetch *f, const struct fmt *form)
{
	uint64_t now = loop_now();

	f->https.limit_ms = f->end > now ? (uint32_t)(f->end - now) : 1;
	if (!https_post(&f->https, f->url, form))
		fetch_refuse(f, TOKEN_TEMPORARY, PHRASE("the helper is busy with look-ups"));
}

static bool fetch_try(struct fetch *f, struct bytes token)
{
	uint8_t hash[DIGEST_SHA256];
	struct fmt form;

	if (token.n == 0 || f->tries == TRIES || is_tried(f, token, hash))
		return false;
	memcpy(f->tried[f->tries++], hash, sizeof(hash));
	form = https_form(&f->https);
	oauth_form_refresh(&form, &f->q.sending, token);
	fetch_post(f, &form);
	return true;
}

/* Tries the one that was stored, then the one of the configuration. */
static void fetch_next(struct fetch *f, struct bytes stored)
{
	const char *first = f->q.sending.oauth_refresh_token;

	if (fetch_try(f, stored))
		return;
	if (first != NULL && fetch_try(f, bytes_of(first)))
		return;
	fetch_refuse(f, TOKEN_FINAL, f->tries > 0 ? f->why : PHRASE("log in: gatepost login"));
}

static void keeper_late(struct deadline *d)
{
	struct fetch *f = LOOP_OWNER(struct fetch, keeper, d);

	f->asked = 0;
	fetch_refuse(f, TOKEN_TEMPORARY, PHRASE("the supervisor gives no refresh token"));
}

static void keeper_tell(const struct fetch *f, enum refresh_what what, struct bytes token)
{
	struct refresh_message *m = &helper.message;

	memset(m, 0, sizeof(*m));
	m->id = f->asked;
	m->what = (uint8_t)what;
	memcpy(m->name, f->name, sizeof(m->name));
	if (token.n > 0)
		memcpy(m->token, token.p, token.n);
	m->n = (uint16_t)token.n;
	(void)ipc_send(helper.args->refresh, m, sizeof(*m));
	digest_wipe(m, sizeof(*m));
}

/* Asks for the one that is stored: the supervisor, or another generation, may have changed it. */
static void fetch_ask_keeper(struct fetch *f)
{
	if (helper.args->refresh < 0) {
		fetch_next(f, (struct bytes){ 0 });
		return;
	}
	f->asked = ++helper.asked;
	keeper_tell(f, REFRESH_GET, (struct bytes){ 0 }); /* where that fails it is late */
	loop_after(&f->keeper, KEEPER_MS, keeper_late);
}

static void keeper_answered(struct fetch *f, const struct refresh_message *m)
{
	bool found = m->what == REFRESH_FOUND && m->n <= OAUTH_TOKEN;

	f->asked = 0;
	loop_deadline_clear(&f->keeper);
	if (m->what == REFRESH_FAILED)
		fetch_refuse(f, TOKEN_TEMPORARY, PHRASE("the refresh token cannot be read"));
	else
		fetch_next(f, (struct bytes){ m->token, found ? m->n : 0 });
}

static void keeper_read(struct watch *w, uint32_t events)
{
	struct refresh_message *m = &helper.message;
	int got;

	(void)events;
	while ((got = ipc_take(w->fd, m, sizeof(*m))) == 1 || got == -EBADMSG) {
		struct fetch *f = helper.fetch;

		for (; got == 1 && f < helper.fetch + TOKEN_FETCHES; f++) {
			/* ids begin anew with each helper: one before us may have asked */
			if (f->asked != 0 && f->asked == m->id &&
			    memcmp(f->name, m->name, sizeof(m->name)) == 0) {
				keeper_answered(f, m);
				break;
			}
		}
		digest_wipe(m, sizeof(*m));
	}
	if (got != -EAGAIN)
		loop_unwatch(w);
}

/* The provider gave another refresh token than the one that was sent. */
static void fetch_keep(struct fetch *f, struct bytes token)
{
	bool lazy = f->q.sending.oauth_provider == CONF_PROVIDER_MICROSOFT;
	uint8_t hash[DIGEST_SHA256];

	digest_sha256(token, hash);
	if (memcmp(hash, f->tried[f->tries - 1], sizeof(hash)) == 0 || helper.args->refresh < 0)
		return;
	keeper_tell(f, lazy ? REFRESH_PUT_LAZY : REFRESH_PUT, token);
}

/* ---- the fetch ---- */

static void fetch_given(struct fetch *f)
{
	const struct oauth_tokens *t = &helper.given;
	struct token_answer *a = &helper.answer;

	if (f->tries > 0 && t->nrefresh > 0)
		fetch_keep(f, (struct bytes){ (const uint8_t *)t->refresh, t->nrefresh });
	memset(a, 0, sizeof(*a));
	a->id = f->q.id;
	a->status = TOKEN_OK;
	a->life = t->life;
	a->n = (uint16_t)t->naccess;
	memcpy(a->token, t->access, t->naccess);
	helper_send(a);
	fetch_end(f);
}

static void fetch_done(struct https *h)
{
	struct fetch *f = LOOP_OWNER(struct fetch, https, h);
	enum oauth_outcome outcome;
	struct fmt why;

	if (!f->busy)
		return;
	if (!h->good) {
		fetch_refuse(f, TOKEN_TEMPORARY, h->why);
		return;
	}
	outcome = oauth_answer(&helper.given, h->status, h->body);
	https_wipe(h);
	fmt_init(&why, f->why, sizeof(f->why));
	if (outcome == OAUTH_GIVEN) {
		fetch_given(f);
	} else if (outcome == OAUTH_FINAL && f->tries > 0) {
		fmt_add(&why, "log in again: gatepost login (%s)", helper.given.why);
		fetch_ask_keeper(f);
	} else {
		fmt_add(&why, "%s: %s", h->host, helper.given.why);
		fetch_refuse(f, TOKEN_TEMPORARY, f->why);
	}
	digest_wipe(&helper.given, sizeof(helper.given));
}

/* Is what another process sent what our configuration holds? */
static bool is_ours(const struct conf_sending *s)
{
	const char *const text[] = { s->tls_ca, s->login_user, s->oauth_client_id,
		s->oauth_client_secret, s->oauth_tenant, s->oauth_scope, s->oauth_token_url,
		s->oauth_refresh_token };

	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		if (text[i] != NULL && !conf_owns(helper.args->conf, text[i]))
			return false;
	}
	return true;
}

/* All but the request: false, with the reason, where it cannot be. */
static bool fetch_prepare(struct fetch *f, struct fmt *why)
{
	const struct conf_sending *s = &f->q.sending;
	struct fmt to;

	if (helper.args->conf == NULL || !is_ours(s)) {
		fmt_add(why, "the configuration has changed");
		return false;
	}
	if (!oauth_is_ready(s, why)) {
		fmt_add(why, " is missing");
		return false;
	}
	f->https.ca = s->tls_ca != NULL ? keys_ca(helper.args->keys, s->tls_ca) : NULL;
	if (f->https.ca == NULL) {
		fmt_add(why, "there are no CAs to verify the provider with: TLS_CA");
		return false;
	}
	fmt_init(&to, f->name, sizeof(f->name));
	oauth_name(&to, s);
	fmt_init(&to, f->url, sizeof(f->url));
	oauth_address(&to, s, OAUTH_TOKENS);
	helper.tls = helper.tls || tls_init(why);
	return helper.tls;
}

/* For f->q. */
static void fetch_begin(struct fetch *f)
{
	struct fmt why, form;

	f->busy = true;
	f->tries = 0;
	f->end = loop_now() + TOKEN_FETCH_MS;
	f->https.done = fetch_done;
	f->https.freed = fetch_free;
	fmt_init(&why, f->why, sizeof(f->why));
	if (!fetch_prepare(f, &why)) {
		fetch_refuse(f, TOKEN_TEMPORARY, f->why);
	} else if (oauth_uses_refresh(&f->q.sending)) {
		fetch_ask_keeper(f);
	} else {
		form = https_form(&f->https);
		oauth_form_client(&form, &f->q.sending);
		fetch_post(f, &form);
	}
}

/* ---- questions ---- */

/* Is it the same login? Then the answer to `other` is the answer to q. */
static bool question_joins(struct token_question *other, const struct token_question *q)
{
	if (memcmp(&other->sending, &q->sending, sizeof(q->sending)) != 0)
		return false;
	other->id = q->id;
	return true;
}

/* Is a token for that login fetched already? */
static bool helper_joins(const struct token_question *q)
{
	for (struct fetch *f = helper.fetch; f < helper.fetch + TOKEN_FETCHES; f++) {
		if (f->busy && question_joins(&f->q, q))
			return true;
	}
	for (unsigned i = 0; i < helper.queued; i++) {
		if (question_joins(&helper.queue[i], q))
			return true;
	}
	return false;
}

static void helper_begin(const struct token_question *q)
{
	if (helper_joins(q))
		return;
	for (struct fetch *f = helper.fetch; f < helper.fetch + TOKEN_FETCHES; f++) {
		if (!f->busy && f->https.state == HTTPS_IDLE) {
			f->q = *q;
			fetch_begin(f);
			return;
		}
	}
	if (helper.queued < CONFIG_TOKENS)
		helper.queue[helper.queued++] = *q;
	else
		helper_refuse(q->id, TOKEN_TEMPORARY,
		    PHRASE("too many tokens are fetched at the same time"));
}

static void helper_read(struct watch *w, uint32_t events)
{
	struct token_question q;
	int got;

	(void)events;
	while ((got = ipc_take(w->fd, &q, sizeof(q))) == 1 || got == -EBADMSG) {
		if (got == 1)
			helper_begin(&q);
	}
	if (got != -EAGAIN)
		loop_unwatch(w); /* the end of the other pair ends us */
}

void token_helper_init(const struct names_args *args)
{
	helper.args = args;
	if (args->tokens < 0)
		return;
	if (loop_watch(&helper.tokens, args->tokens, EPOLLIN, helper_read) < 0 ||
	    (args->refresh >= 0 &&
		loop_watch(&helper.refresh, args->refresh, EPOLLIN, keeper_read) < 0))
		gp_bug("the token helper has no pair");
	helper_refuse(TOKEN_HELLO, TOKEN_TEMPORARY, "");
}
