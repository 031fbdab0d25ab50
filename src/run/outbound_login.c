/* SPDX-License-Identifier: ISC */
/* The login to a gateway: whose turn it is, its token, the mechanism, and its refusal. */
#include "io/random.h"
#include "run/outbound_part.h"

/* A login that comes to nothing, without the address: the account is the same at each. */
static enum outbound_event fails(struct outbound *o, const char *words, const char *more)
{
	struct fmt f;

	o->trouble = VERDICT_LOGIN;
	fmt_init(&f, o->why, sizeof(o->why));
	fmt_add(&f, "%s%s", words, more);
	return OUTBOUND_FAILS;
}

/* ---- whose turn it is ---- */

static struct loop_task next_turn;

/* What was found apart from outbound_step is told by it. */
static void tell_later(struct outbound *o)
{
	o->told_later = true;
	outbound_wake(o);
}

static void take_turns(struct loop_task *t)
{
	struct outbound *o;

	(void)t;
	for (unsigned i = 0; (o = outbound_at(i)) != NULL; i++) {
		if (!o->gateway || o->state != OB_TURN || o->gone.queued || !conn_is_open(&o->conn))
			continue;
		if (outbound_login(o) == OUTBOUND_FAILS)
			tell_later(o);
		else
			(void)outbound_flush(o);
	}
}

static void give_turn(struct outbound *o)
{
	if (o->gateway->login_by != o)
		return;
	o->gateway->login_by = NULL;
	loop_at_end(&next_turn, take_turns);
}

/* ---- the exchange ---- */

/* What Outbound_SMTP_AUTH_Type names; SASL_NONE: auto. */
static enum sasl_mechanism named(const struct outbound *o)
{
	static const uint8_t mechanism[] = { SASL_NONE, SASL_PLAIN, SASL_LOGIN, SASL_CRAM_MD5,
		SASL_SCRAM_SHA_256, SASL_XOAUTH2 };

	return (enum sasl_mechanism)mechanism[o->sending.login_type];
}

static enum sasl_mechanism wanted(const struct outbound *o)
{
	uint8_t offered = o->client.mechanisms & sasl_built_in();

	if (named(o) == SASL_NONE)
		return sasl_strongest(offered, conf_wants_token(&o->sending));
	return (enum sasl_mechanism)(offered & named(o));
}

static void begin(struct outbound *o, struct bytes secret)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	char nonce[SASL_NONCE];
	const char *user = o->sending.login_user;

	random_bytes(nonce, sizeof(nonce));
	for (unsigned i = 0; i < sizeof(nonce); i++)
		nonce[i] = digits[nonce[i] & 31];
	o->state = OB_LOGIN;
	o->mechanism = (uint8_t)wanted(o);
	sasl_init(&o->sasl, wanted(o), user ? bytes_of(user) : (struct bytes){ 0 }, secret, nonce);
	client_login(&o->client, &o->sasl, &o->conn.out);
}

static void token_came(struct token_wait *w)
{
	struct outbound *o = LOOP_OWNER(struct outbound, token, w);

	if (w->status == TOKEN_OK) {
		begin(o, w->text);
		(void)outbound_flush(o);
		return;
	}
	o->refused_login = w->status == TOKEN_FINAL;
	(void)fails(o, w->why, "");
	tell_later(o);
}

static void ask_for_token(struct outbound *o, bool renew)
{
	o->state = OB_TOKEN;
	outbound_limit(o, OUTBOUND_TOKEN_MS);
	o->token.done = token_came;
	tokens_get(&o->token, &o->sending, renew);
}

/* "it does not offer SCRAM-SHA-256 (Outbound_SMTP_AUTH_Type), but PLAIN LOGIN" */
static enum outbound_event no_mechanism(struct outbound *o)
{
	char text[120];
	struct fmt f;
	const char *between = ", but ";

	if (!o->client.auth)
		return fails(o, PHRASE("it offers no login (AUTH)"), "");
	fmt_init(&f, text, sizeof(text));
	if (named(o) != SASL_NONE)
		fmt_str(&f, sasl_name(named(o)));
	else
		fmt_str(&f, conf_wants_token(&o->sending)
				? "XOAUTH2"
				: PHRASE("a login with a password that this box knows"));
	if (named(o) != SASL_NONE)
		fmt_add(&f, " (Outbound_SMTP_AUTH_Type)");
	for (unsigned m = SASL_PLAIN; m <= SASL_XOAUTH2; m <<= 1) {
		if (!(o->client.mechanisms & m))
			continue;
		fmt_add(&f, "%s%s", between, sasl_name((enum sasl_mechanism)m));
		between = " ";
	}
	return fails(o, PHRASE("it does not offer "), text);
}

enum outbound_event outbound_login(struct outbound *o)
{
	struct gateway *g = o->gateway;

	if (!o->client.secure && !o->sending.login_plaintext)
		return fails(o,
		    PHRASE("the connection is not encrypted: no login is sent over it "
			   "(Outbound_SMTP_AUTH_Allow_Plaintext would)"),
		    "");
	if (health_is_down(&g->health) && g->health.login_wait_ms && !o->probe)
		return fails(o, g->health.reason, "");
	if (wanted(o) == SASL_NONE)
		return no_mechanism(o);
	if (!g->login_proven && g->login_by && g->login_by != o) {
		o->state = OB_TURN;
		outbound_limit(o, OUTBOUND_TOKEN_MS);
		return OUTBOUND_NOTHING;
	}
	if (!g->login_proven)
		g->login_by = o;
	if (wanted(o) == SASL_XOAUTH2 && conf_wants_token(&o->sending))
		ask_for_token(o, false);
	else
		begin(o,
		    o->sending.login_pass ? bytes_of(o->sending.login_pass) : (struct bytes){ 0 });
	return OUTBOUND_NOTHING;
}

enum outbound_event outbound_login_refused(struct outbound *o)
{
	const struct reply *r = client_last(&o->client);
	bool token = o->mechanism == SASL_XOAUTH2 && o->token.token;
	char text[160];
	struct fmt f;

	if (r->code >= 500 && token && !o->renewed) {
		o->renewed = true;
		tokens_drop(&o->token);
		ask_for_token(o, true);
		return OUTBOUND_NOTHING;
	}
	o->refused_login = r->code >= 500;
	fmt_init(&f, text, sizeof(text));
	reply_line(&f, r);
	return fails(o,
	    o->refused_login ? PHRASE(OUTBOUND_REFUSES) : PHRASE("takes no login just now: "),
	    text);
}

void outbound_login_taken(struct outbound *o)
{
	o->auth = sasl_name((enum sasl_mechanism)o->mechanism);
	o->gateway->login_proven = true;
	health_accepted(&o->gateway->health);
	outbound_login_over(o);
}

void outbound_leave(struct outbound *o, bool reset)
{
	if (o->state != OB_LOGIN || o->told_later || !conn_is_open(&o->conn) || o->conn.lost) {
		outbound_close(o, reset);
		return;
	}
	o->leg = NULL;
	outbound_limit(o, o->sending.ehlo_timeout * 1000);
}

void outbound_login_over(struct outbound *o)
{
	if (o->client.params.login) {
		sasl_end(&o->sasl);
		buf_wipe(&o->conn.out);
		tokens_drop(&o->token);
	}
	give_turn(o);
}
