/* SPDX-License-Identifier: ISC */
/* Tokens on the engine's side, before a helper that follows a script. */
#include "run/tokens.h"

#include "io/ipc.h"
#include "run/token_helper.h"
#include "tap.h"

#include <errno.h>
#include <unistd.h>

static struct timer *slots[4];
static int pair[2];
static struct conf_sending login = { .login_user = "a", .oauth_client_id = "id" };
static struct conf_sending others[CONFIG_TOKENS + 1];

static struct waiting {
	struct token_wait wait;
	unsigned told;
	enum token_status status;
	char text[100];
} waiting[4];

static void (*then)(void); /* what whoever is told does next */

static void done_(struct token_wait *w)
{
	struct waiting *x = LOOP_OWNER(struct waiting, wait, w);
	struct fmt f;

	x->told++;
	x->status = (enum token_status)w->status;
	fmt_init(&f, x->text, sizeof(x->text));
	if (w->status == TOKEN_OK)
		fmt_bytes(&f, w->text);
	else
		fmt_str(&f, w->why);
	if (then != NULL)
		then();
}

static struct deadline end;

static void stop(struct deadline *d)
{
	(void)d;
	loop_stop();
}

/* Lets the loop turn for so many milliseconds. */
static void turn(unsigned ms)
{
	loop_after(&end, ms, stop);
	loop_run();
}

static struct token_question q;

static bool asked(void)
{
	return ipc_take(pair[1], &q, sizeof(q)) == 1;
}

static void answer(enum token_status status, const char *text, uint32_t life)
{
	static struct token_answer a;

	memset(&a, 0, sizeof(a));
	a.id = q.id;
	a.status = (uint8_t)status;
	a.life = life;
	if (status == TOKEN_OK) {
		a.n = (uint16_t)strlen(text);
		memcpy(a.token, text, a.n);
	} else {
		strcpy(a.why, text);
	}
	if (ipc_send(pair[1], &a, sizeof(a)) != 0)
		exit(2);
	turn(5);
}

static struct waiting *get(unsigned i, const struct conf_sending *s, bool renew)
{
	struct waiting *x = &waiting[i];

	x->told = 0;
	x->text[0] = '\0';
	x->wait.done = done_;
	tokens_get(&x->wait, s, renew);
	return x;
}

static void test_shared(void)
{
	struct waiting *a = get(0, &login, false), *b = get(1, &login, false);

	ok(a->told == 0 && asked() && !asked(), "one question for two who wait");
	ok(strcmp(q.sending.oauth_client_id, "id") == 0 && q.sending.routes == NULL,
	    "which holds the login and nothing else");
	answer(TOKEN_OK, "first", 3600);
	ok(a->told == 1 && b->told == 1, "both are told, once");
	is_str(a->text, "first", "the token");
	tokens_drop(&b->wait);
	b = get(1, &login, false);
	ok(b->told == 0, "never from within");
	turn(5);
	ok(b->told == 1 && !asked(), "the next one gets it without a question");
}

static void test_renewed(void)
{
	struct waiting *a = &waiting[0], *b = &waiting[1], *c;

	tokens_drop(&a->wait);
	a = get(0, &login, true);
	ok(asked(), "one that was refused is renewed");
	c = get(2, &login, false);
	answer(TOKEN_OK, "second", 3600);
	is_str(a->text, "second", "by another");
	is_str(c->text, "second", "which who came meanwhile gets too");
	is_bytes(b->wait.text, BYTES("first"), "while it was sent the old one stayed");
	tokens_drop(&b->wait);
	b = get(1, &login, true);
	turn(5);
	ok(!asked(), "renewed since: it is not renewed again");
	is_str(b->text, "second", "the new one does");
	for (unsigned i = 0; i < 3; i++)
		tokens_drop(&waiting[i].wait);
}

static void test_expired(void)
{
	struct waiting *a = get(0, &login, true);

	ok(asked(), "renewed");
	answer(TOKEN_OK, "short", 1);
	turn(1000);
	tokens_drop(&a->wait);
	a = get(0, &login, false);
	ok(asked(), "after nine tenths of its life another is asked for");
	tokens_drop(&a->wait);
	answer(TOKEN_OK, "third", 3600);
	ok(a->told == 0, "who has let go of the wait is not told");
	a = get(0, &login, false);
	turn(5);
	is_str(a->text, "third", "but what was asked for is kept");
	tokens_drop(&a->wait);
}

static void test_failed(void)
{
	struct waiting *a = get(0, &login, true);

	ok(asked(), "renewed");
	answer(TOKEN_TEMPORARY, "no answer in time", 0);
	ok(a->told == 1 && a->status == TOKEN_TEMPORARY, "a failure is told");
	is_str(a->text, "no answer in time", "in words");
	ok(a->wait.token == NULL, "nothing is held");
	a = get(0, &login, false);
	turn(5);
	ok(a->told == 1 && !asked(), "and stands for a while, without a question");
	others[0] = login;
	others[0].login_user = "b";
	a = get(0, &others[0], false);
	ok(asked() && strcmp(q.sending.login_user, "b") == 0, "another login is asked for");
	answer(TOKEN_FINAL, "log in", 0);
	ok(a->status == TOKEN_FINAL, "a final one is told");
	turn(5100);
	a = get(0, &others[0], false);
	turn(5);
	ok(a->told == 1 && a->status == TOKEN_FINAL && !asked(), "and stands for good");
	a = get(0, &login, false);
	ok(asked(), "the other is asked for again after 5 s");
	answer(TOKEN_OK, "fourth", 3600);
	is_str(a->text, "fourth", "and is well");
	tokens_drop(&a->wait);
}

static void test_full(void)
{
	static char names[CONFIG_TOKENS + 1][2];
	struct waiting *a = NULL;

	memset(waiting, 0, sizeof(waiting));
	for (unsigned i = 0; i <= CONFIG_TOKENS; i++) {
		others[i] = login;
		names[i][0] = (char)('c' + i);
		others[i].login_user = names[i];
		a = get(i < 3 ? i : 3, &others[i], false);
		if (i < CONFIG_TOKENS)
			ok(asked(), "login %u", i);
		if (i == 3)
			tokens_drop(&a->wait); /* its question goes on */
	}
	turn(5);
	ok(a->told == 1 && a->status == TOKEN_TEMPORARY && !asked(), "one more finds no place");
	answer(TOKEN_OK, "x", 3600);
	a = get(3, &others[CONFIG_TOKENS], false);
	ok(asked() && strcmp(q.sending.login_user, names[CONFIG_TOKENS]) == 0,
	    "but takes that of one which nobody waits for");
	answer(TOKEN_OK, "fifth", 3600);
	is_str(a->text, "fifth", "and is well");
}

/* The first who is told takes every place for other logins, and has the token renewed. */
static void grab(void)
{
	static char names[CONFIG_TOKENS][2];
	static struct waiting w;

	then = NULL;
	for (unsigned i = 0; i < CONFIG_TOKENS; i++) {
		names[i][0] = (char)('C' + i);
		others[i] = login;
		others[i].login_user = names[i];
		w.wait.done = done_;
		tokens_get(&w.wait, &others[i], false);
	}
	tokens_drop(&w.wait);
}

static void test_within(void)
{
	struct waiting *a = get(0, &login, true), *b = get(1, &login, false);

	ok(asked(), "two wait");
	then = grab;
	answer(TOKEN_OK, "mine", 3600);
	ok(a->told == 1 && b->told == 1, "one of them asks for much when told");
	is_str(b->text, "mine", "the other is told the right thing all the same");
	for (unsigned i = 0; i < 2; i++)
		tokens_drop(&waiting[i].wait);
	while (asked())
		answer(TOKEN_OK, "x", 3600);
}

static void hello(void)
{
	q.id = TOKEN_HELLO;
	answer(TOKEN_TEMPORARY, "", 0);
}

static void test_helper_ends(void)
{
	struct waiting *a;
	unsigned n = 0;

	for (hello(); asked(); n++)
		answer(TOKEN_OK, "x", 3600);
	is_num(n, CONFIG_TOKENS - 1, "all that were not answered are asked again");
	tokens_drop(&waiting[3].wait);
	a = get(3, &others[CONFIG_TOKENS], true);
	ok(asked(), "renewed");
	hello();
	ok(a->told == 0 && asked(), "another helper has begun: it is asked too");
	answer(TOKEN_OK, "sixth", 3600);
	is_str(a->text, "sixth", "and answers");
	hello();
	ok(!asked(), "what was answered is not asked again");
	tokens_drop(&a->wait);
	a = get(3, &others[CONFIG_TOKENS], true);
	for (unsigned i = 0; i < 3; i++) {
		ok(a->told == 0 && asked(), "question %u", i + 1);
		hello();
	}
	ok(a->told == 1 && !asked(), "the third helper that ended was the last: %s", a->text);
}

static void test_gone(void)
{
	struct waiting *a;

	close(pair[1]);
	turn(5);
	others[0].login_user = "z";
	tokens_drop(&waiting[3].wait);
	a = get(3, &others[0], false);
	turn(5);
	ok(a->told == 1 && a->status == TOKEN_TEMPORARY, "without a helper there is no token: %s",
	    a->text);
}

int main(void)
{
	loop_init(slots, sizeof(slots) / sizeof(slots[0]));
	if (ipc_pair(pair) != 0)
		return 2;
	turn(1);
	tokens_init(pair[0]);
	test_shared();
	test_renewed();
	test_expired();
	test_failed();
	test_within();
	test_full();
	test_helper_ends();
	test_gone();
	return done();
}
