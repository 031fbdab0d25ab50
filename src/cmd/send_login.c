/* SPDX-License-Identifier: ISC */
/* TLS and login of the test mail: what is wanted of them, and why they fail. */
#include "cmd/send.h"

#include "base/on.h"
#include "cmd/cmd.h"
#include "io/clock.h"
#include "io/random.h"

#include <string.h>

_Static_assert((int)CONF_VERIFY_HOST - 1 == (int)TLS_VERIFY_HOST, "the words mean the same");

/* ---- TLS ---- */

/* The CA set in force, opened once; NULL where it cannot be read. */
static const struct ca_set *ca_set(const char *file, struct fmt *why)
{
	static struct ca_set set;
	static const char *open;
	uint32_t broken;

	if (file == NULL || file == open)
		return open != NULL ? &set : NULL;
	if (open != NULL)
		ca_close(&set);
	open = NULL;
	fmt_add(why, "TLS_CA: %s: ", file);
	if (!ca_open(&set, file, &broken, why))
		return NULL;
	fmt_init(why, why->p, why->cap);
	open = file;
	return &set;
}

static enum client_tls wanted(const struct send_group *g, const struct send_gateway *to)
{
	switch (conf_tls_of(g->key, to->port)) {
	case CONF_TLS_DEFAULT:
	case CONF_TLS_NO:
		break;
	case CONF_TLS_IFAVAILABLE:
		return to->clear ? CLIENT_TLS_NO : CLIENT_TLS_OFFERED;
	case CONF_TLS_REQUIRED:
		return CLIENT_TLS_REQUIRED;
	case CONF_TLS_IMPLICIT:
		return CLIENT_TLS_IMPLICIT;
	}
	return CLIENT_TLS_NO;
}

bool send_tls(const struct send_group *g, const struct send_gateway *to, struct talk_how *how,
	      struct fmt *why)
{
	static struct tls_client_how secure;
	const struct conf_sending *key = g->key;

	how->tls = (uint8_t)(ON(CONFIG_TLS) ? wanted(g, to) : CLIENT_TLS_NO);
	if (how->tls == CLIENT_TLS_NO)
		return true;
	secure = (struct tls_client_how){
		.name = key->tls_name != NULL ? bytes_of(key->tls_name) : to->route->host,
		.pin = key->tls_pin != NULL ? key->tls_pin->pin : NULL,
		.pins = key->tls_pin != NULL ? key->tls_pin->n : 0,
		.verify = (uint8_t)(conf_verify_of(key) - CONF_VERIFY_NO),
		.versions = key->tls_protocols,
		.clock_unset = clock_unset(),
		.now = clock_least(),
		.memory = TLS_NO_MEMORY,
	};
	how->secure = &secure;
	if (secure.verify == TLS_VERIFY_NO || secure.pins > 0)
		return true;
	secure.ca = ca_set(key->tls_ca, why);
	return secure.ca != NULL;
}

/* ---- login ---- */

static enum sasl_mechanism mechanism(const struct conf_sending *key, const struct client *c)
{
	static const uint8_t named[] = {SASL_NONE, SASL_PLAIN, SASL_LOGIN, SASL_CRAM_MD5,
		SASL_SCRAM_SHA_256, SASL_XOAUTH2};

	if (key->login_type == CONF_LOGIN_AUTO)
		return sasl_strongest(c->mechanisms, conf_wants_token(key));
	return (enum sasl_mechanism)(c->mechanisms & sasl_built_in() & named[key->login_type]);
}

static void no_mechanism(const struct conf_sending *key, const struct client *c, struct fmt *why)
{
	const char *between = "; it offers ";

	if (!c->auth) {
		fmt_str(why, c->esmtp ? PHRASE("it offers no login (AUTH)")
				      : PHRASE("it offers no login (it knows HELO alone)"));
		return;
	}
	if (key->login_type != CONF_LOGIN_AUTO)
		fmt_add(why, "it does not offer the login that Outbound_SMTP_AUTH_Type asks for");
	else
		fmt_str(why, conf_wants_token(key)
				 ? PHRASE("it does not offer XOAUTH2, the login with a token")
				 : PHRASE("it takes no login with a password that this box knows"));
	for (unsigned m = SASL_PLAIN; m <= SASL_XOAUTH2; m <<= 1) {
		if ((c->mechanisms & m) == 0)
			continue;
		fmt_add(why, "%s%s", between, sasl_name((enum sasl_mechanism)m));
		between = " ";
	}
}

/* May a login be sent to it, and is there a way to? */
static bool may_login(const struct client *c, const struct send_group *g,
		      const struct send_gateway *to, struct fmt *why)
{
	if (to->unverified)
		fmt_add(why, "its certificate was refused, so it gets no login");
	else if (!c->secure && !g->key->login_plaintext)
		fmt_add(why, "the connection is not encrypted, so no login is sent over it "
			     "(Outbound_SMTP_AUTH_Allow_Plaintext would)");
	else if (mechanism(g->key, c) == SASL_NONE)
		no_mechanism(g->key, c, why);
	else
		return true;
	return false;
}

/* Its password or token. False: there is none, why; *status. */
static bool secret(const struct send_group *g, struct bytes *out, struct fmt *why, int *status)
{
	const char *pass = g->key->login_pass;

	*out = pass != NULL ? bytes_of(pass) : (struct bytes){0};
	if (!ON(CONFIG_OAUTH) || !conf_wants_token(g->key))
		return true;
	if (g->s->verbose)
		cmd_say("* a token is fetched for %s\n", g->key->login_user);
	fmt_add(why, "no token for the login: ");
	*status = send_token(g, out, why);
	if (*status == EX_OK)
		fmt_init(why, why->p, why->cap);
	return *status == EX_OK;
}

static const char *text_or_none(const char *text)
{
	return text != NULL ? text : "";
}

/* Answers TALK_LOGIN: what comes of it, or TALK_LOGIN where none can be sent. */
static enum talk_event log_in(struct talk *t, const struct send_group *g, struct send_gateway *to,
			      struct fmt *why, int *status)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	static struct sasl sasl;
	const struct conf_sending *key = g->key;
	enum sasl_mechanism m = mechanism(key, &t->client);
	const char *user = text_or_none(key->login_user);
	uint8_t nonce[SASL_NONCE];
	enum talk_event event;
	struct bytes word;

	*status = EX_PROTOCOL;
	if (!may_login(&t->client, g, to, why) || !secret(g, &word, why, status))
		return TALK_LOGIN;
	random_bytes(nonce, sizeof(nonce));
	for (unsigned i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)digits[nonce[i] & 31];
	sasl_init(&sasl, m, bytes_of(user), word, (const char *)nonce);
	client_login(&t->client, &sasl, &t->out);
	event = talk_wait(t, (uint64_t)key->ehlo_timeout * 1000);
	sasl_end(&sasl);
	if (ON(CONFIG_OAUTH))
		send_token_wipe();
	if (event == TALK_READY && t->how.trace)
		cmd_say("* logged in as %s (%s)\n", user, sasl_name(m));
	return event;
}

/* ---- both ---- */

/* It came to nothing: what that means, and what would be right. */
static enum send_next judge(const struct talk *t, enum talk_event event, struct send_gateway *to,
			    const struct send_group *g, struct send_result *result)
{
	bool optional = conf_tls_of(g->key, to->port) == CONF_TLS_IFAVAILABLE;
	bool certificate = event == TALK_TLS && t->tls != NULL && tls_is_certificate(t->tls);

	to->unverified = to->unverified || certificate;
	if (optional && t->how.tls == CLIENT_TLS_OFFERED && (event == TALK_TLS || t->shaking))
		return SEND_IN_CLEAR;
	if (event == TALK_LOGIN_REFUSED && client_last(&t->client)->code >= 500) {
		result->status = EX_NOPERM;
		result->right = PHRASE(
		    "  Right would be: Outbound_SMTP_AUTH_User and Outbound_SMTP_AUTH_Pass as the "
		    "provider\n  gave them; some want a password made for devices, or OAuth 2.0 "
		    "(OAuth2_Provider).\n");
		return SEND_NEXT_GATEWAY;
	}
	if (event == TALK_TLS ||
	    (event == TALK_FAILED && (t->what.why == CLIENT_NO_STARTTLS ||
					 t->what.why == CLIENT_BAD_LOGIN)))
		result->status = EX_PROTOCOL;
	if (certificate)
		result->right = PHRASE(
		    "  Right would be: the name that its certificate is for (in Gateway, or as "
		    "TLS_Name), the\n  CA that signed it (TLS_CA), or its key (TLS_Pin). If a date "
		    "is wrong: a newer one at\n  the gateway, or the time of this box.\n");
	else if (event == TALK_FAILED && t->what.why == CLIENT_NO_STARTTLS)
		result->right = PHRASE(
		    "  Right would be: a port where it speaks TLS (587, or 465 with TLS = "
		    "implicit); in a\n  network that can be trusted TLS = no, and for a login in "
		    "clear text\n  Outbound_SMTP_AUTH_Allow_Plaintext = true.\n");
	return SEND_NEXT_ADDRESS;
}

enum talk_event send_hello(struct talk *t, const struct send_group *g, struct send_gateway *to,
			   struct fmt *why, struct send_result *result, enum send_next *next)
{
	enum talk_event event = talk_wait(t, (uint64_t)g->key->ehlo_timeout * 1000);

	if (event == TALK_LOGIN)
		event = log_in(t, g, to, why, &result->status);
	if (event == TALK_READY)
		return event;
	if (event != TALK_LOGIN) {
		result->status = EX_TEMPFAIL;
		talk_why(t, event, why);
	}
	*next = judge(t, event, to, g, result);
	return event;
}
