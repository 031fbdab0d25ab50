/* SPDX-License-Identifier: ISC */
/* One mail over one connection, by the relay's own client machine. */
#include "cmd/send.h"

#include "cmd/cmd.h"
#include "io/listen.h"
#include "relay/verdict.h"

#include <string.h>
#include <unistd.h>

#define GIVE_UP (-1) /* the gateway failed */

static struct talk talk;
static char accepted[LIMIT_REPLY_TEXT + 400]; /* "" unless the gateway took the mail */

static const struct reply *last(void)
{
	return client_last(&talk.client);
}

static int status_of(enum verdict v)
{
	return v == VERDICT_REJECT ? EX_UNAVAILABLE : EX_TEMPFAIL;
}

/* "WHOM: refused by gateway NAME: 550 5.1.1 ..." */
static void say_refused(const char *whom, const char *name, enum verdict v)
{
	struct fmt *text = cmd_why();

	reply_line(text, last());
	cmd_say("%s%s%s: %s\n", whom,
	    v == VERDICT_DEFER ? PHRASE(": put off by gateway ") : PHRASE(": refused by gateway "),
	    name, text->p);
}

/* The last word: printed when the dialogue is over. */
static void keep_accepted(const char *name)
{
	struct fmt f;

	fmt_init(&f, accepted, sizeof(accepted));
	fmt_add(&f, "accepted by gateway %s: ", name);
	reply_line(&f, last());
	fmt_char(&f, '\n');
}

/* Waits for the next reply; anything else is a failing gateway. */
static enum verdict next_verdict(uint32_t seconds, struct fmt *why)
{
	enum talk_event event = talk_wait(&talk, (uint64_t)seconds * 1000);
	enum verdict v = VERDICT_FAIL;

	if (event == TALK_REPLY)
		v = verdict_of(talk.what.command, last());
	if (v == VERDICT_FAIL)
		talk_why(&talk, event, why);
	return v;
}

static void ehlo_name(struct fmt *f, const struct conf_sending *key, int fd)
{
	struct inet_addr local;

	if (key->ehlo_hostname.n > 0) {
		fmt_bytes(f, key->ehlo_hostname);
		return;
	}
	listen_local(fd, &local);
	inet_print_literal(f, &local);
}

static bool has_eight_bit(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text > 127)
			return true;
	}
	return false;
}

/* All of the same refusal: to MAIL, to DATA, or at the end of data. */
static int refuse_all(const struct send_group *g, const char *name, enum verdict v)
{
	for (int i = 0; i < g->s->nto; i++) {
		if (g->together[i] && g->taken[i])
			say_refused(g->s->to[i], name, v);
	}
	return status_of(v);
}

/* Addresses beyond ASCII need SMTPUTF8; such recipients end here where it is not offered. */
static int need_utf8(const struct send_group *g, const char *name, bool *any)
{
	bool sender = has_eight_bit(g->s->sender);
	int status = EX_OK;

	*any = sender;
	for (int i = 0; i < g->s->nto; i++) {
		bool odd = g->taken[i] && (sender || has_eight_bit(g->s->to[i]));

		*any = *any || odd;
		if (!odd || talk.client.smtputf8)
			continue;
		g->taken[i] = false;
		cmd_say("%s: gateway %s does not take addresses beyond ASCII (no SMTPUTF8)\n",
		    g->s->to[i], name);
		status = EX_UNAVAILABLE;
	}
	return status;
}

/* MAIL and RCPT. *worst: of what was refused. GIVE_UP, or EX_OK where DATA may follow. */
static int envelope(const struct send_group *g, const char *name, struct fmt *why, int *worst)
{
	struct smtp_mail_params params = {0};
	unsigned n = 0;
	enum verdict v;

	*worst = need_utf8(g, name, &params.utf8);
	for (int i = 0; i < g->s->nto; i++)
		n += g->taken[i];
	if (n == 0)
		return *worst;
	client_mail(&talk.client, &talk.out, bytes_of(g->s->sender), &params);
	v = next_verdict(g->key->mailfrom_timeout, why);
	if (v == VERDICT_FAIL)
		return GIVE_UP;
	if (v != VERDICT_OK)
		return refuse_all(g, name, v);
	for (int i = 0; i < g->s->nto; i++) {
		if (!g->taken[i])
			continue;
		client_rcpt(&talk.client, &talk.out, bytes_of(g->s->to[i]));
		v = next_verdict(g->key->rcptto_timeout, why);
		if (v == VERDICT_FAIL)
			return GIVE_UP;
		if (v == VERDICT_OK)
			continue;
		g->taken[i] = false;
		n--;
		say_refused(g->s->to[i], name, v);
		*worst = send_worse(*worst, status_of(v));
	}
	return n > 0 ? EX_OK : *worst;
}

/* The body is under way, or done: no other gateway is tried any more. */
static int say_lost(const char *name, enum talk_event event, bool after)
{
	struct fmt *text = cmd_why();

	talk_why(&talk, event, text);
	cmd_say("gateway %s failed: %s%s", name, text->p,
	    after ? PHRASE("; the mail may have arrived\n") : "\n");
	return EX_TEMPFAIL;
}

static int content(const struct send_group *g, const char *name)
{
	uint64_t ms = (uint64_t)g->key->body_timeout * 1000;
	enum talk_event event = send_content(&talk, g, name, ms);
	enum verdict v;

	if (event == TALK_EARLY) {
		v = verdict_of(CLIENT_CMD_END, last());
		if (v == VERDICT_DEFER || v == VERDICT_REJECT)
			return refuse_all(g, name, v);
	}
	if (event != TALK_OK)
		return say_lost(name, event, false);
	client_end(&talk.client, &talk.out);
	event = talk_wait(&talk, ms);
	if (event != TALK_REPLY)
		return say_lost(name, event, true);
	v = verdict_of(CLIENT_CMD_END, last());
	switch (v) {
	case VERDICT_OK:
		keep_accepted(name);
		return EX_OK;
	case VERDICT_DEFER:
	case VERDICT_REJECT:
		return refuse_all(g, name, v);
	case VERDICT_FAIL:
		break;
	}
	return say_lost(name, event, false);
}

/* Everything behind EHLO and login. */
static int transaction(const struct send_group *g, const char *name, struct fmt *why)
{
	int worst, status = envelope(g, name, why, &worst);
	enum verdict v;

	if (status != EX_OK)
		return status;
	client_data(&talk.client, &talk.out);
	v = next_verdict(g->key->rcptto_timeout, why);
	if (v == VERDICT_FAIL)
		return GIVE_UP;
	status = v == VERDICT_OK ? content(g, name) : refuse_all(g, name, v);
	return send_worse(status, worst);
}

enum send_next send_mail(const struct send_group *g, struct send_gateway *to, int fd,
			 struct fmt *why, struct send_result *result)
{
	static char ehlo[LIMIT_HOSTNAME + 1];
	struct talk_how how = {.trace = g->s->verbose, .login = conf_has_login(g->key)};
	enum send_next next = SEND_NEXT_ADDRESS;
	struct fmt f;

	accepted[0] = '\0';
	fmt_init(&f, ehlo, sizeof(ehlo));
	ehlo_name(&f, g->key, fd);
	how.ehlo_name = fmt_done(&f);
	fmt_init(why, why->p, why->cap);
	*result = (struct send_result){.status = EX_TEMPFAIL, .right = ""};
	if (!send_tls(g, to, &how, why)) {
		close(fd);
		result->status = EX_CONFIG;
		return SEND_NEXT_GATEWAY;
	}
	memcpy(g->taken, g->together, (size_t)g->s->nto * sizeof(bool));
	talk_open(&talk, fd, &how);
	if (send_hello(&talk, g, to, why, result, &next) == TALK_READY) {
		int status = transaction(g, to->name, why);

		result->ready = true;
		if (status != GIVE_UP) {
			result->status = status;
			next = SEND_DONE;
		}
	}
	talk_quit(&talk);
	cmd_say("%s", accepted);
	return next;
}
