/* SPDX-License-Identifier: ISC */
#include "run/tokens.h"

#include "base/digest.h"
#include "base/fmt.h"
#include "io/ipc.h"
#include "io/log.h"
#include "run/token_helper.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define EARLY        60u    /* seconds before it expires a token is given out no more, at most */
#define PAUSE_MS     5000u  /* after a failure, doubling … */
#define PAUSE_MAX_MS 300000u
#define DAY_MS       86400000u
#define ASKS         3u /* questions for one token */
/* The helper's deadline: those before it in the queue may take theirs. */
#define ANSWER_MS ((CONFIG_TOKENS / TOKEN_FETCHES + 1) * TOKEN_FETCH_MS + 5000u)

/* A token's text: it stays as long as somebody sends it, even when there is a newer one. */
struct token {
	uint32_t refs, serial;
	uint32_t n; /* 0: free */
	uint8_t text[OAUTH_TOKEN];
};

enum login_state {
	LOGIN_FREE,
	LOGIN_NEW, /* nothing is known: it is asked for */
	LOGIN_ASKED,
	LOGIN_GIVEN,  /* `token` is good until `until` */
	LOGIN_FAILED, /* `status` and `why` stand until `until` */
};

struct login {
	enum login_state state;
	uint32_t question;
	unsigned asks;        /* of one that a helper which ended may have lost */
	uint32_t pause;       /* the last one, milliseconds */
	uint64_t until, used; /* milliseconds, monotonic */
	struct token *token;  /* with a reference of its own, or NULL */
	struct token_wait *waits;
	uint8_t status;
	struct conf_sending key; /* all but what belongs to the login is zero */
	char why[TOKEN_WHY];
};

static struct {
	struct watch pair;
	struct deadline late; /* of the questions */
	struct deadline daily;
	struct loop_task task;
	uint32_t questions, serials;
	struct login login[CONFIG_TOKENS];
	struct token token[2 * CONFIG_TOKENS];
	struct token_answer answer;
} tokens;

static void tokens_tell(struct loop_task *t);

/* ---- texts ---- */

static void token_let_go(struct token *t)
{
	if (t == NULL || --t->refs > 0)
		return;
	digest_wipe(t->text, sizeof(t->text));
	t->n = 0;
}

static struct token *token_new(struct bytes text)
{
	for (unsigned i = 0; i < sizeof(tokens.token) / sizeof(tokens.token[0]); i++) {
		struct token *t = &tokens.token[i];

		if (t->n > 0)
			continue;
		memcpy(t->text, text.p, text.n);
		t->n = (uint32_t)text.n;
		t->refs = 1;
		t->serial = ++tokens.serials;
		return t;
	}
	return NULL;
}

/* ---- logins ---- */

/* What of the sending options decides which token it is: strings are equal by their address. */
static void login_key(struct conf_sending *key, const struct conf_sending *s)
{
	memset(key, 0, sizeof(*key));
	key->oauth_provider = s->oauth_provider;
	key->oauth_grant = s->oauth_grant;
	key->tls_ca = s->tls_ca;
	key->login_user = s->login_user;
	key->oauth_client_id = s->oauth_client_id;
	key->oauth_client_secret = s->oauth_client_secret;
	key->oauth_tenant = s->oauth_tenant;
	key->oauth_scope = s->oauth_scope;
	key->oauth_token_url = s->oauth_token_url;
	key->oauth_refresh_token = s->oauth_refresh_token;
}

static struct login *login_find(const struct conf_sending *key)
{
	struct login *l, *oldest = NULL;

	for (l = tokens.login; l < tokens.login + CONFIG_TOKENS; l++) {
		if (l->state != LOGIN_FREE && memcmp(&l->key, key, sizeof(*key)) == 0)
			return l;
		if (l->state == LOGIN_ASKED || l->waits != NULL)
			continue;
		if (oldest == NULL || l->state == LOGIN_FREE || l->used < oldest->used)
			oldest = l;
		if (l->state == LOGIN_FREE)
			l->used = 0;
	}
	if (oldest == NULL)
		return NULL;
	token_let_go(oldest->token);
	memset(oldest, 0, sizeof(*oldest));
	oldest->state = LOGIN_NEW;
	oldest->key = *key;
	return oldest;
}

static void login_failed(struct login *l, enum token_status status, const char *why)
{
	struct fmt f;

	fmt_init(&f, l->why, sizeof(l->why));
	fmt_str(&f, why);
	l->pause = l->pause == 0 ? PAUSE_MS : l->pause * 2;
	if (l->pause > PAUSE_MAX_MS)
		l->pause = PAUSE_MAX_MS;
	l->state = LOGIN_FAILED;
	l->status = (uint8_t)status;
	l->until = status == TOKEN_FINAL ? UINT64_MAX : loop_now() + l->pause;
	loop_at_end(&tokens.task, tokens_tell);
}

static void tokens_late(struct deadline *d)
{
	uint64_t next = UINT64_MAX;

	for (struct login *l = tokens.login; l < tokens.login + CONFIG_TOKENS; l++) {
		if (l->state != LOGIN_ASKED)
			continue;
		if (l->until <= loop_now())
			login_failed(l, TOKEN_TEMPORARY, PHRASE("the token helper did not answer"));
		else if (l->until < next)
			next = l->until;
	}
	if (next != UINT64_MAX)
		loop_deadline(d, next, tokens_late);
}

static void login_ask(struct login *l)
{
	struct token_question q;

	l->asks = l->state == LOGIN_ASKED ? l->asks + 1 : 1;
	if (l->asks > ASKS) {
		login_failed(l, TOKEN_TEMPORARY, PHRASE("the token helper ended again and again"));
		return;
	}
	memset(&q, 0, sizeof(q));
	q.id = ++tokens.questions;
	q.sending = l->key;
	if (tokens.pair.fd < 0 || ipc_send(tokens.pair.fd, &q, sizeof(q)) != 0) {
		login_failed(l, TOKEN_TEMPORARY, PHRASE("the token helper does not answer"));
		return;
	}
	l->state = LOGIN_ASKED;
	l->question = q.id;
	l->until = loop_now() + ANSWER_MS;
	tokens_late(&tokens.late);
}

static void login_answered(struct login *l, struct token_answer *a)
{
	struct token *t = NULL;
	uint32_t early = a->life / 10 < EARLY ? a->life / 10 : EARLY;

	a->why[sizeof(a->why) - 1] = '\0';
	if (a->status != TOKEN_OK) {
		login_failed(l, a->status == TOKEN_FINAL ? TOKEN_FINAL : TOKEN_TEMPORARY, a->why);
		return;
	}
	if (a->n > 0 && a->n <= sizeof(a->token))
		t = token_new((struct bytes){ a->token, a->n });
	if (t == NULL) {
		login_failed(l, TOKEN_TEMPORARY, PHRASE("too many tokens are in use"));
		return;
	}
	token_let_go(l->token);
	l->token = t;
	l->state = LOGIN_GIVEN;
	l->pause = 0;
	l->until = loop_now() + (a->life - early) * UINT64_C(1000);
	loop_at_end(&tokens.task, tokens_tell);
}

/* TOKEN_HELLO: a helper has begun, and is asked all that is open. */
static void take_answer(struct token_answer *a)
{
	for (struct login *l = tokens.login; l < tokens.login + CONFIG_TOKENS; l++) {
		if (l->state != LOGIN_ASKED)
			continue;
		if (a->id == TOKEN_HELLO) {
			login_ask(l);
		} else if (a->id == l->question) {
			login_answered(l, a);
			return;
		}
	}
}

static void tokens_read(struct watch *w, uint32_t events)
{
	struct token_answer *a = &tokens.answer;
	int got;

	(void)events;
	while ((got = ipc_take(w->fd, a, sizeof(*a))) == 1 || got == -EBADMSG) {
		if (got == 1)
			take_answer(a);
		digest_wipe(a, sizeof(*a));
	}
	if (got != -EAGAIN)
		loop_close(w);
}

/* ---- who waits ---- */

static void wait_tell(struct token_wait *w, const struct login *l)
{
	w->text = (struct bytes){ 0 };
	w->why = "";
	w->token = NULL;
	if (l == NULL) {
		w->status = TOKEN_TEMPORARY;
		w->why = PHRASE("there are more logins with OAuth 2.0 than this build has room "
				"for");
	} else if (l->state == LOGIN_GIVEN) {
		w->status = TOKEN_OK;
		w->token = l->token;
		w->token->refs++;
		w->serial = l->token->serial;
		w->text = (struct bytes){ l->token->text, l->token->n };
	} else {
		w->status = l->status;
		w->why = l->why;
	}
	w->done(w);
}

static struct token_wait *no_room; /* who found no place for his login */

/*
 * Tells as many as wait now, or fewer: from within done they may ask again, let go, and change the
 * login. l is NULL for those who found no place.
 */
static void tell_all(struct token_wait **waits, const struct login *l)
{
	unsigned n = 0;

	for (const struct token_wait *w = *waits; w != NULL; w = w->next)
		n++;
	while (n-- > 0 && *waits != NULL &&
	       (l == NULL || l->state == LOGIN_GIVEN || l->state == LOGIN_FAILED)) {
		struct token_wait *w = *waits;

		*waits = w->next;
		w->next = NULL;
		wait_tell(w, l);
	}
}

static void tokens_tell(struct loop_task *t)
{
	(void)t;
	tell_all(&no_room, NULL);
	for (struct login *l = tokens.login; l < tokens.login + CONFIG_TOKENS; l++)
		tell_all(&l->waits, l);
}

static void wait_in(struct token_wait **list, struct token_wait *w)
{
	while (*list != NULL)
		list = &(*list)->next;
	w->next = NULL;
	*list = w;
}

static bool wait_out(struct token_wait **list, struct token_wait *w)
{
	while (*list != NULL && *list != w)
		list = &(*list)->next;
	if (*list == NULL)
		return false;
	*list = w->next;
	w->next = NULL;
	return true;
}

/* Must another be fetched before w is told? */
static bool login_is_stale(const struct login *l, const struct token_wait *w, bool renew)
{
	if (l->state == LOGIN_ASKED)
		return false;
	if (l->state == LOGIN_GIVEN && renew &&
	    (w->serial == 0 || w->serial == l->token->serial))
		return true;
	return loop_now() >= l->until; /* 0: nothing is known */
}

void tokens_get(struct token_wait *w, const struct conf_sending *s, bool renew)
{
	struct conf_sending key;
	struct login *l;

	tokens_drop(w);
	login_key(&key, s);
	l = login_find(&key);
	wait_in(l != NULL ? &l->waits : &no_room, w);
	if (l == NULL) {
		loop_at_end(&tokens.task, tokens_tell);
		return;
	}
	l->used = loop_now();
	if (login_is_stale(l, w, renew))
		login_ask(l);
	else if (l->state != LOGIN_ASKED)
		loop_at_end(&tokens.task, tokens_tell);
}

void tokens_drop(struct token_wait *w)
{
	token_let_go(w->token);
	w->token = NULL;
	w->text = (struct bytes){ 0 };
	if (wait_out(&no_room, w))
		return;
	for (struct login *l = tokens.login; l < tokens.login + CONFIG_TOKENS; l++) {
		if (wait_out(&l->waits, w))
			return;
	}
}

/* A login that is not used is renewed all the same: providers forget those that are idle. */
static void tokens_daily(struct deadline *d)
{
	for (struct login *l = tokens.login; l < tokens.login + CONFIG_TOKENS; l++) {
		if (loop_now() >= l->until && (l->state == LOGIN_GIVEN || l->state == LOGIN_FAILED))
			login_ask(l);
	}
	loop_after(d, DAY_MS, tokens_daily);
}

void tokens_init(int fd)
{
	tokens.pair.fd = -1;
	loop_after(&tokens.daily, DAY_MS, tokens_daily);
	if (fd >= 0 && loop_watch(&tokens.pair, fd, EPOLLIN, tokens_read) != 0)
		log_add(LOG_LEVEL_ERROR, "there is no way to the token helper");
}
