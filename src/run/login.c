/* SPDX-License-Identifier: ISC */
#include "run/login.h"

#include "base/digest.h"
#include "base/esc.h"
#include "base/on.h"
#include "io/random.h"
#include "run/pump.h"

static uint8_t scratch[SERVER_SCRATCH];

/* A challenge of CRAM-MD5 serves one try. */
static void new_challenge(struct inbound *in)
{
	uint8_t random[TRACE_RANDOM];
	struct bytes host;
	struct fmt f;

	if (!ON(CONFIG_SASL_CRAM) || in->params.auth != SERVER_AUTH_USERS)
		return;
	random_bytes(random, sizeof(random));
	fmt_init(&f, in->challenge, sizeof(in->challenge));
	fmt_char(&f, '<');
	trace_id(&f, random);
	host = bytes_first(in->params.hostname, SERVER_CHALLENGE - TRACE_ID - 3);
	fmt_add(&f, "@%.*s>", SPAN(host));
	in->params.challenge = fmt_done(&f);
}

void login_prepare(struct inbound *in)
{
	bool any = in->receive.auth == CONF_AUTH_ANY;

	in->by_address = (struct inbound_rights){ in->receive.binding, in->may_relay };
	if (in->local || in->receive.auth == CONF_AUTH_NO)
		in->params.auth = SERVER_AUTH_NO;
	else if (any && in->may_relay)
		in->params.auth = SERVER_AUTH_ANY;
	else if (inbound_env.args->conf->auth_users > 0)
		in->params.auth = SERVER_AUTH_USERS;
	in->params.auth_requires_tls = in->receive.auth_requires_tls;
	in->params.scratch = scratch;
	new_challenge(in);
}

/* ---- is it right? ---- */

/* Takes a time that does not tell where they differ. mine.n > 0. */
static bool same_secret(struct bytes mine, struct bytes sent)
{
	uint8_t differ = mine.n != sent.n;

	for (size_t i = 0; i < sent.n; i++)
		differ |= (uint8_t)(sent.p[i] ^ mine.p[i % mine.n]);
	return differ == 0;
}

static bool same_digest(struct bytes password, const struct server_login *login)
{
	uint8_t mac[DIGEST_MD5], differ = 0;
	char hex[2 * DIGEST_MD5 + 1];
	struct fmt f;

	fmt_init(&f, hex, sizeof(hex));
	if (ON(CONFIG_SASL_CRAM))
		digest_hmac_md5(password, login->challenge, mac);
	else
		return false;
	for (unsigned i = 0; i < DIGEST_MD5; i++)
		fmt_hex(&f, mac[i], 2);
	for (unsigned i = 0; i < 2 * DIGEST_MD5 && i < login->digest.n; i++)
		differ |= (uint8_t)(byte_lower(login->digest.p[i]) ^ (uint8_t)hex[i]);
	digest_wipe(mac, sizeof(mac));
	digest_wipe(hex, sizeof(hex));
	return differ == 0;
}

/* Who it is; NULL: nobody, or not with that password. Both take the same way. */
static const struct conf_auth_user *known(const struct server_login *login)
{
	const struct conf_auth_user *user = conf_auth_user(inbound_env.args->conf, login->user);
	struct bytes password = user && user->password.n ? user->password : BYTES("?");
	bool good = login->digest.n ? same_digest(password, login)
				    : same_secret(password, login->password);

	return good && user && user->password.n && !login->unreadable ? user : NULL;
}

/* ---- answers ---- */

static void log_login(struct inbound *in, const struct conf_auth_user *user)
{
	static char text[LOG_LINE / 2];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	fmt_add(&f, "login status=ok user=");
	esc_word(&f, user ? user->name : BYTES(""));
	say_log(LOG_LEVEL_INFO, in, text, "%s", user ? "" : PHRASE("Auth = any takes every login"));
}

static void accept(struct inbound *in, const struct conf_auth_user *user)
{
	in->user = user;
	in->may_relay = true;
	if (user)
		inbound_set_binding(in, user->binding);
	log_login(in, user);
	say(in, "235 2.7.0 logged in");
}

static void on_limit(struct deadline *d)
{
	struct inbound *in = LOOP_OWNER(struct inbound, limit, d);

	login_refuse(in);
}

void login_refuse(struct inbound *in)
{
	in->wait = INBOUND_WAIT_NONE;
	new_challenge(in);
	say(in, "535 5.7.8 user or password is wrong");
	inbound_run(in);
}

void login_asked(struct inbound *in, const struct server_login *login)
{
	bool any = in->params.auth == SERVER_AUTH_ANY;
	const struct conf_auth_user *user;
	uint32_t delay;

	if (!any && !policy_may_login(inbound_peers(), in->who, loop_now())) {
		say_log(LOG_LEVEL_WARNING, in, "login status=refused",
		    "too many failed logins from this address: it has to wait");
		new_challenge(in);
		say(in, "454 4.7.0 too many failed logins from your address: please try in a "
			"minute");
		return;
	}
	user = known(login);
	if (user || any) {
		accept(in, user);
		return;
	}
	/* Not who it was: people type their passwords in the place of their names. */
	say_log(LOG_LEVEL_WARNING, in, "login status=refused", "user or password is wrong");
	delay = policy_login_failed(inbound_peers(), in->who, loop_now());
	in->wait = INBOUND_WAIT_LOGIN;
	loop_after(&in->limit, delay, on_limit);
}

void login_forget(struct inbound *in)
{
	in->may_relay = in->by_address.may_relay;
	if (in->user)
		inbound_set_binding(in, in->by_address.binding);
	in->user = NULL;
	new_challenge(in);
}

void login_wipe(struct inbound *in)
{
	in->server.secret = false;
	buf_wipe(&in->conn.in);
	digest_wipe(scratch, sizeof(scratch));
}

void login_end(struct inbound *in)
{
	bool rest = buf_used(&in->conn.in) > 0;

	if (in->params.auth == SERVER_AUTH_NO)
		return;
	digest_wipe(in->server.user, sizeof(in->server.user));
	buf_clear(&in->conn.in);
	if (rest)
		login_wipe(in);
}
