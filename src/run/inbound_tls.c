/* SPDX-License-Identifier: ISC */
#include "run/inbound_tls.h"

#include "run/login.h"
#include "run/pump.h"

#define PLACE_MS     5000u  /* a client waits so long for a place */
#define LOOK_MS      250u   /* how often it is seen whether another one blocks it */
#define HANDSHAKE_MS 10000u /* for the whole handshake, the reply to STARTTLS included */
#define STALLED_MS   2000u  /* without any progress, while others wait */

bool inbound_tls_there(uint32_t index)
{
	const struct conf *conf = inbound_env.args->conf;

	return tls_is_there() && index < conf->listens && conf->listen[index].tls_certificate;
}

static uint32_t listen_of(const struct inbound *in)
{
	return inbound_env.args->listener[in->listener].index;
}

static bool use_ssl(const struct inbound *in)
{
	return inbound_env.args->conf->listen[listen_of(in)].use_ssl;
}

static void on_limit(struct deadline *d)
{
	struct inbound *in = LOOP_OWNER(struct inbound, limit, d);

	inbound_tls_limit(in);
}

void inbound_tls_drop(struct inbound *in)
{
	if (in->tls)
		tls_end(in->tls, true);
	in->tls = NULL;
}

static void give_up(struct inbound *in, const char *why)
{
	say_log(LOG_LEVEL_WARNING, in, "tls", "%s", why);
	inbound_end(in);
}

/* ---- the handshake ---- */

static void log_failed(struct inbound *in)
{
	const char *why = tls_why(in->conn.tls), *offered = tls_offered(in->conn.tls);
	const char *hint = PHRASE(
	    ": Starttls = no for this Peer hides STARTTLS from such a device");

	if (!why[0])
		why = PHRASE("the client went away");
	if (offered[0])
		say_log(LOG_LEVEL_WARNING, in, "tls",
		    "the TLS handshake failed: %s; the client offers %s at best%s", why, offered,
		    use_ssl(in) ? "" : hint);
	else
		say_log(LOG_LEVEL_WARNING, in, "tls", "the TLS handshake failed: %s", why);
}

static void stands(struct inbound *in)
{
	in->wait = INBOUND_WAIT_NONE;
	server_secured(&in->server);
	login_forget(in);
	if (use_ssl(in))
		server_greet(&in->server, &in->conn.out, NULL);
	in->since = loop_now();
	inbound_run(in);
}

static void shake(struct inbound *in)
{
	in->stepped = loop_now();
	switch (conn_shake(&in->conn)) {
	case TLS_AGAIN:
	case TLS_WANTS_READ:
	case TLS_WANTS_WRITE:
		break;
	case TLS_DONE:
		stands(in);
		break;
	case TLS_FAILED:
		log_failed(in);
		inbound_end(in);
		break;
	}
}

static void begin_shaking(struct inbound *in)
{
	struct tls *t = in->tls;

	in->tls = NULL;
	in->wait = INBOUND_WAIT_TLS;
	conn_secure(&in->conn, t);
	shake(in);
}

/* ---- a place ---- */

/* Those that have one, and some that had. */
static struct inbound *holder[CONFIG_TLS_HANDSHAKES];

static bool has_place(const struct inbound *in)
{
	return in && in->state == INBOUND_OPEN &&
	       (in->wait == INBOUND_WAIT_GO || in->wait == INBOUND_WAIT_TLS);
}

/* Each stands there once. */
static void remember(struct inbound *in)
{
	unsigned at = 0;

	for (unsigned i = 0; i < CONFIG_TLS_HANDSHAKES && holder[at] != in; i++)
		if (!has_place(holder[i]) || holder[i] == in)
			at = i;
	holder[at] = in;
}

/* What comes behind STARTTLS in clear was put there by somebody else (CVE-2011-0411). */
static bool injected(struct inbound *in)
{
	if (!use_ssl(in))
		(void)conn_fill(&in->conn);
	if (buf_used(&in->conn.in) == 0)
		return false;
	in->wait = INBOUND_WAIT_NONE;
	buf_clear(&in->conn.in);
	say_log(LOG_LEVEL_WARNING, in, "closed",
	    "commands in clear behind STARTTLS: somebody may have put them there");
	inbound_finish(in, true);
	inbound_run(in);
	return true;
}

static void limit_from_now(struct inbound *in, uint32_t ms)
{
	loop_after(&in->limit, ms, on_limit);
}

/* Takes a place if there is one: false where the client has to wait. */
static bool take_place(struct inbound *in)
{
	if (!tls_has_room(false))
		return false;
	if (injected(in))
		return true;
	in->tls = tls_accept(in->conn.watch.fd, listen_of(in));
	if (!in->tls)
		return false;
	in->since = in->stepped = loop_now();
	remember(in);
	in->wait = INBOUND_WAIT_GO;
	limit_from_now(in, HANDSHAKE_MS);
	if (!use_ssl(in))
		say(in, "220 2.0.0 go ahead with TLS");
	inbound_run(in);
	return true;
}

/* ---- who has a place, who gets the next ---- */

/* Places that this one's address has. */
static unsigned places_of(const struct inbound *in)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CONFIG_TLS_HANDSHAKES; i++)
		n += has_place(holder[i]) && inet_same(holder[i]->peer.a, in->peer.a);
	return n;
}

/*
 * Ends the handshake that has stood still for the longest time, if for too long; or else one of an
 * address that takes several places, while the waiting one has none.
 */
static void make_room(const struct inbound *waiting)
{
	struct inbound *still = NULL, *greedy = NULL;
	bool none = places_of(waiting) == 0;

	for (unsigned i = 0; i < CONFIG_TLS_HANDSHAKES; i++) {
		struct inbound *in = holder[i];

		if (!has_place(in))
			continue;
		if (!still || in->stepped < still->stepped)
			still = in;
		if (none && (!greedy || in->since < greedy->since) && places_of(in) > 1)
			greedy = in;
	}
	if (still && loop_now() - still->stepped >= STALLED_MS)
		give_up(still,
		    PHRASE("the TLS handshake stood still while others waited for its place"));
	else if (greedy && loop_now() - greedy->since >= STALLED_MS)
		give_up(greedy,
		    PHRASE("the TLS handshake took long while others waited for this address's "
			   "places"));
}

/* The last quarter of the sessions is for addresses that hold nothing else. */
static bool holds_enough(const struct inbound *in)
{
	return tls_count() >= CONFIG_TLS_SESSIONS - CONFIG_TLS_SESSIONS / 4 &&
	       policy_sessions(inbound_peers(), in->peer.a) > 1;
}

/* Whose turn it is: the first that came, of those whose address has the fewest places. */
static struct inbound *next_in_line(void)
{
	struct inbound *in, *best = NULL;
	unsigned fewest = 0;

	for (unsigned i = 0; (in = inbound_at(i)) != NULL; i++) {
		unsigned n;

		if (in->state != INBOUND_OPEN || in->wait != INBOUND_WAIT_PLACE || holds_enough(in))
			continue;
		n = places_of(in);
		if (!best || n < fewest || (n == fewest && in->since < best->since)) {
			best = in;
			fewest = n;
		}
	}
	return best;
}

void inbound_tls_room(void)
{
	while (tls_has_room(false)) {
		struct inbound *in = next_in_line();

		if (!in || !take_place(in))
			return;
	}
}

void inbound_tls_begin(struct inbound *in)
{
	in->since = loop_now();
	in->wait = INBOUND_WAIT_PLACE;
	if (injected(in))
		return;
	inbound_tls_room();
	if (in->wait != INBOUND_WAIT_PLACE)
		return;
	make_room(in);
	limit_from_now(in, LOOK_MS);
	inbound_run(in);
}

static void no_place(struct inbound *in)
{
	if (use_ssl(in)) {
		give_up(in, PHRASE("no place for one more TLS session"));
		return;
	}
	say_log(LOG_LEVEL_WARNING, in, "tls", "no place for one more TLS session: told 454");
	in->wait = INBOUND_WAIT_NONE;
	say(in, "454 4.7.0 too many TLS sessions: please try later");
	inbound_run(in);
}

/* ---- what the session tells ---- */

void inbound_tls_event(struct inbound *in, uint32_t events)
{
	if (in->conn.shaking) {
		shake(in);
		return;
	}
	conn_events(&in->conn, events);
	inbound_run(in);
}

void inbound_tls_turn(struct inbound *in)
{
	if (inbound_env.stopping) {
		inbound_end(in);
		return;
	}
	if (in->conn.shaking)
		return;
	(void)conn_flush(&in->conn);
	if (in->conn.lost)
		inbound_lost(in);
	else if (in->wait == INBOUND_WAIT_GO && buf_used(&in->conn.out) == 0)
		begin_shaking(in);
	else
		conn_rearm(&in->conn, false);
}

void inbound_tls_limit(struct inbound *in)
{
	if (in->wait != INBOUND_WAIT_PLACE) {
		give_up(in, PHRASE("the TLS handshake was not done within 10 seconds"));
		return;
	}
	inbound_tls_room();
	if (in->wait != INBOUND_WAIT_PLACE || in->state != INBOUND_OPEN)
		return;
	if (loop_now() - in->since >= PLACE_MS) {
		no_place(in);
		return;
	}
	make_room(in);
	limit_from_now(in, LOOK_MS);
}
