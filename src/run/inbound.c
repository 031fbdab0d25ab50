/* SPDX-License-Identifier: ISC */
#include "run/inbound.h"

#include "base/bug.h"
#include "base/pool.h"
#include "io/random.h"
#include "run/bulk.h"
#include "run/inbound_tls.h"
#include "run/login.h"
#include "run/pump.h"
#include "run/stats.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLOSING_MS    5000u  /* to get the last reply away */
#define LINGER_MS     2000u  /* for the client to take it */
#define LINGER_OCTETS 65536u /* that are read and dropped meanwhile */
#define DRAIN_IDLE_MS 60000u /* an idle session of an old generation ends */
#define CONTENT_STEP  1024u  /* octets of content that must come within Client_Timeout */

struct inbound_env inbound_env;

static struct inbound objects[CONFIG_SESSIONS];
static uint32_t links[CONFIG_SESSIONS];
static struct pool pool;
static uint32_t at_listener[CONFIG_LISTENERS + 1];

static struct blk blocks[CONFIG_ENVELOPE_BLOCKS];
static struct policy_peer peers_mem[CONFIG_PEERS_TRACKED];
static uint32_t peers_bucket[CONFIG_PEERS_TRACKED];
static struct policy_peers peers;

static bool interface_named;

static void on_limit(struct deadline *d);

void inbound_init(const struct engine_args *args)
{
	uint32_t seed;

	random_bytes(&seed, sizeof(seed));
	inbound_env.args = args;
	for (unsigned i = 0; i < args->conf->listens; i++)
		interface_named = interface_named ||
				  args->conf->listen[i].kind == CONF_LISTEN_INTERFACE;
	pool_init(&pool, objects, sizeof(objects[0]), links, CONFIG_SESSIONS);
	blk_arena_init(&inbound_env.envelopes, blocks, CONFIG_ENVELOPE_BLOCKS);
	policy_peers_init(&peers, peers_mem, peers_bucket, CONFIG_PEERS_TRACKED, seed);
}

struct policy_peers *inbound_peers(void)
{
	return &peers;
}

unsigned inbound_count(void)
{
	return pool.used;
}

struct inbound *inbound_at(unsigned i)
{
	return i < pool.fresh ? &objects[i] : NULL;
}

enum net_mode inbound_mode(void)
{
	const struct conf_global *g = &inbound_env.args->conf->global;

	if (g->spool == CONF_SPOOL_OFF)
		return NET_OFF;
	return g->spool == CONF_SPOOL_ALWAYS || g->suspend_delivery ? NET_ALWAYS : NET_FALLBACK;
}

uint32_t inbound_count_at(uint32_t listener)
{
	return at_listener[listener];
}

/* ---- ending ---- */

static void give_back(struct loop_task *t)
{
	struct inbound *in = LOOP_OWNER(struct inbound, gone, t);

	if (in->turn.queued || in->conn.again.queued) { /* not before these have run */
		loop_at_end(t, give_back);
		return;
	}
	pool_give(&pool, in);
	stats.sessions_now = pool.used;
}

void inbound_end(struct inbound *in)
{
	if (in->state == INBOUND_ENDED)
		return;
	in->state = INBOUND_ENDED;
	loop_deadline_clear(&in->limit);
	inbound_tls_drop(in);
	if (conn_is_open(&in->conn))
		conn_close(&in->conn, false);
	login_end(in);
	bulk_drop(&in->conn.in, in->in, sizeof(in->in));
	if (in->who != POLICY_UNTRACKED)
		policy_leave(&peers, in->who);
	at_listener[in->listener]--;
	loop_at_end(&in->gone, give_back);
}

/*
 * A reply that took something of a mail that comes to nothing is not its last word, nor is one that
 * came before the final dot that of a mail behind it. reply: what takes its place, a phrase, or
 * NULL.
 */
static void give_up_mail(struct inbound *in, const char *reply)
{
	bool decided_later = net_is_past_dot(&in->net);
	struct fmt f;

	if (net_is_idle(&in->net))
		return;
	if (reply ? !decided_later : decided_later || in->said_code < 400) {
		fmt_init(&f, in->said, sizeof(in->said));
		fmt_str(&f, reply ? reply : "");
	}
	pump_event(in, TXN_GONE, 0);
}

/*
 * Ends what can be ended; past the final dot the mail's fate is awaited as if the client waited
 * too.
 */
void inbound_lost(struct inbound *in)
{
	if (in->state != INBOUND_OPEN) {
		if (in->state != INBOUND_DETACHED)
			inbound_end(in);
		return;
	}
	if (server_almost_ended(&in->server))
		say_log(LOG_LEVEL_WARNING, in, "closed",
		    "the client went away behind an end of data with bare line feeds; "
		    "Lone_LF_Ends_Data would take it");
	in->gone_logged = true;
	give_up_mail(in, NULL);
	if (net_is_idle(&in->net)) {
		inbound_end(in);
		return;
	}
	in->state = INBOUND_DETACHED;
	loop_deadline_clear(&in->limit);
	conn_close(&in->conn, false);
}

void inbound_finish(struct inbound *in, bool linger)
{
	if (in->state != INBOUND_OPEN)
		return;
	if (!net_is_idle(&in->net))
		pump_event(in,
		    server_in_data(&in->server) || in->net.question != TXN_ASKS_NOTHING ? TXN_GONE
											: TXN_RESET,
		    0);
	in->state = INBOUND_CLOSING;
	in->linger = linger;
	in->since = loop_now();
	loop_deadline(&in->limit, in->since + CLOSING_MS, on_limit);
}

/*
 * Writes the rest of the last reply; then closes, or ends our sending and waits for the client to
 * do the same, so that no reset overtakes the reply.
 */
static void closing(struct inbound *in)
{
	if (in->state == INBOUND_CLOSING) {
		if (buf_used(&in->conn.out))
			(void)conn_flush(&in->conn);
		if (in->conn.lost || (!buf_used(&in->conn.out) && (!in->linger || in->conn.eof))) {
			inbound_end(in);
			return;
		}
		if (!buf_used(&in->conn.out)) {
			conn_shut(&in->conn);
			in->state = INBOUND_LINGER;
			in->progress = in->conn.received;
			loop_after(&in->limit, LINGER_MS, on_limit);
		}
	}
	buf_clear(&in->conn.in);
	if (in->state == INBOUND_LINGER &&
	    (in->conn.eof || in->conn.lost || in->conn.received - in->progress > LINGER_OCTETS))
		inbound_end(in);
	else
		conn_rearm(&in->conn, in->state == INBOUND_LINGER);
}

/* ---- the turn ---- */

static const char *const stopping = PHRASE("421 4.3.2 the box is shutting down");

/* The session ends with this reply, a phrase; a mail under way, too. */
static void say_last(struct inbound *in, const char *reply)
{
	give_up_mail(in, reply);
	(void)reply_print(&in->conn.out, say_own(reply));
	inbound_finish(in, true);
}

static bool waits_for_client(const struct inbound *in)
{
	return in->net.question == TXN_ASKS_NOTHING && !content_waits(in) &&
	       in->wait == INBOUND_WAIT_NONE;
}

static bool waits_for_tls(const struct inbound *in)
{
	return in->wait != INBOUND_WAIT_NONE && in->wait != INBOUND_WAIT_LOGIN;
}

/* Is this wait one for the client's content, and no sign of life counts but enough of that? */
static bool content_comes(const struct inbound *in, bool waits)
{
	return server_in_data(&in->server) && waits && !in->held &&
	       in->conn.received - in->progress < CONTENT_STEP;
}

/* When the present wait is over; 0: never. */
static uint64_t limit_of(const struct inbound *in)
{
	uint32_t patience = in->receive.client_patience * 1000;
	uint32_t timeout = in->receive.client_timeout * 1000;

	/* a gateway that takes nothing: the spool can go on alone */
	if (content_waits(in))
		return in->piece.n && in->to_tee ? in->since + patience : 0;
	if (in->net.question == TXN_ASKS_EOM) {
		if (in->net.mode == NET_OFF || in->waited >= 2)
			return 0;
		return in->since + (in->waited ? patience : patience / 2);
	}
	if (in->net.question != TXN_ASKS_NOTHING)
		return in->since + patience;
	if (inbound_env.draining && server_idle(&in->server) && timeout > DRAIN_IDLE_MS)
		timeout = DRAIN_IDLE_MS;
	return in->since + timeout;
}

/* The deadline of the present wait. */
static void arm(struct inbound *in)
{
	bool waits = waits_for_client(in);
	uint64_t limit;

	if (in->wait != INBOUND_WAIT_NONE)
		return;
	if (!content_comes(in, waits)) {
		if (server_in_data(&in->server))
			in->since = loop_now();
		in->progress = in->conn.received;
	}
	in->held = !waits;
	limit = limit_of(in);
	if (limit)
		loop_deadline(&in->limit, limit, on_limit);
	else
		loop_deadline_clear(&in->limit);
}

/*
 * Writes what both sides have to be written. True where that made room for something that waited
 * for it: no event would tell of that room later.
 */
static bool write_out(struct inbound *in)
{
	bool waited = content_waits(in) || in->due, open = in->state == INBOUND_OPEN;
	bool moved = leg_flush(&in->leg) && waited;

	if (open && buf_used(&in->conn.out) && conn_flush(&in->conn) > 0)
		moved = moved ||
			(buf_used(&in->conn.in) && in->net.question == TXN_ASKS_NOTHING && !waited);
	return moved;
}

/* What a client sent before it was lost, its final dot perhaps, is worked through. */
static bool read_rest(struct inbound *in)
{
	return in->state == INBOUND_OPEN && in->conn.lost && !content_waits(in) &&
	       conn_fill(&in->conn) > 0;
}

static bool is_gone(const struct inbound *in)
{
	if (in->conn.lost)
		return waits_for_client(in) || (!content_waits(in) && buf_used(&in->conn.in) == 0);
	return in->conn.eof && !in->conn.blocked && waits_for_client(in);
}

/* Nothing will come of its transaction but refusals: its client has nothing to wait for. */
static bool is_hopeless(const struct inbound *in)
{
	if (net_is_idle(&in->net) || in->net.question != TXN_ASKS_NOTHING ||
	    server_in_data(&in->server) || in->wait != INBOUND_WAIT_NONE || in->said_code < 400)
		return false;
	return in->net.txn.phase == TXN_FAILED || in->net.txn.accepted + in->net.kept == 0;
}

static void end_turn(struct loop_task *t)
{
	struct inbound *in = LOOP_OWNER(struct inbound, turn, t);

	if (in->state == INBOUND_ENDED)
		return;
	if (in->state == INBOUND_OPEN && waits_for_tls(in)) {
		inbound_tls_turn(in);
		return;
	}
	if (in->wait == INBOUND_WAIT_LOGIN && in->state == INBOUND_OPEN && inbound_env.stopping)
		login_refuse(in);
	while (write_out(in) || read_rest(in))
		if (!pump_run(in))
			return;
	if (in->state == INBOUND_DETACHED) {
		if (net_is_idle(&in->net))
			inbound_end(in);
		return;
	}
	if (in->state == INBOUND_OPEN && is_gone(in)) {
		inbound_lost(in);
		return;
	}
	if (in->state == INBOUND_OPEN && inbound_env.stopping &&
	    (server_idle(&in->server) || is_hopeless(in))) {
		give_up_mail(in, NULL);
		say_last(in, stopping);
	}
	if (in->state == INBOUND_CLOSING || in->state == INBOUND_LINGER) {
		closing(in);
		return;
	}
	if (!content_waits(in))
		(void)bulk_shrink(&in->conn.in, in->in, sizeof(in->in));
	arm(in);
	conn_rearm(&in->conn, !content_waits(in));
}

/*
 * Writing waits for the end of the turn: then the peers, woken by the first write, find the others'
 * work waiting too, and are not woken for each.
 */
void inbound_run(struct inbound *in)
{
	if (pump_run(in))
		loop_at_end(&in->turn, end_turn);
}

static void on_event(struct watch *w, uint32_t events)
{
	struct conn *c = LOOP_OWNER(struct conn, watch, w);
	struct inbound *in = LOOP_OWNER(struct inbound, conn, c);

	if (waits_for_tls(in)) {
		inbound_tls_event(in, events);
		return;
	}
	if (content_waits(in)) {
		/*
		 * `conn.in` stays as it is; a client that is lost now is lost before the end of its
		 * data
		 */
		c->lost = c->lost || (events & (EPOLLERR | EPOLLHUP));
		c->hangup = c->hangup || (events & EPOLLRDHUP);
	} else {
		if (in->bulk && server_in_data(&in->server))
			bulk_grow(&c->in, in->in);
		conn_events(c, events);
		if (events & (EPOLLIN | EPOLLRDHUP))
			in->bulk = conn_fill(c) >= sizeof(in->in);
	}
	inbound_run(in);
}

static void on_limit(struct deadline *d)
{
	struct inbound *in = LOOP_OWNER(struct inbound, limit, d);

	if (in->state != INBOUND_OPEN) {
		inbound_end(in);
		return;
	}
	if (content_waits(in)) {
		leg_impatient(&in->leg);
		pump_event(in, TXN_FAIL, 0);
	} else if (in->net.question == TXN_ASKS_EOM) {
		pump_event(in, in->waited ? TXN_PATIENCE : NET_HALF, 0);
		in->waited++;
	} else if (in->net.question != TXN_ASKS_NOTHING) {
		leg_impatient(&in->leg);
		pump_event(in, TXN_PATIENCE, 0);
	} else if (inbound_env.draining && server_idle(&in->server)) {
		say_last(
		    in, PHRASE("421 4.3.2 the configuration has changed: please connect again"));
	} else {
		if (server_almost_ended(&in->server))
			say_log(LOG_LEVEL_WARNING, in, "timeout",
			    "the end of data came with bare line feeds; Lone_LF_Ends_Data = true "
			    "for this Peer takes it");
		else
			say_log(LOG_LEVEL_INFO, in, "timeout", "no %s within Client_Timeout",
			    server_in_data(&in->server) ? "end of data" : "command");
		say_last(in, PHRASE("421 4.4.2 nothing came for too long"));
	}
	inbound_run(in);
}

/* ---- accepting ---- */

static const char *const full = PHRASE("too many sessions");

/* why: a phrase. */
static void turn_away(int fd, const char *why)
{
	static char text[LIMIT_REPLY_LINE];
	struct bytes host = inbound_env.args->conf->global.hostname;
	struct fmt f;

	stats.sessions_refused++;
	fmt_init(&f, text, sizeof(text));
	fmt_add(&f, "421 4.3.2 %.*s %s: please try later\r\n", SPAN(host), why);
	(void)send(fd, text, f.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	close(fd);
}

/* May the client come in? What it is allowed stands in in->receive, all else is zero. */
static bool admit(struct inbound *in, uint32_t most, const struct listen_peer *peer, int fd)
{
	/* this one's own place is taken already */
	struct policy_load load = { .used = pool.used - 1, .size = CONFIG_SESSIONS };

	load.peer_sessions = peer->local ? 0 : in->receive.peer_sessions;
	if (most && at_listener[in->listener] >= most) {
		turn_away(fd, PHRASE("too many sessions at this listener"));
		return false;
	}
	switch (policy_enter(&peers, peer->addr.a, &load, loop_now(), &in->who)) {
	case POLICY_ADMITTED:
		return true;
	case POLICY_PEER_FULL:
		turn_away(fd, PHRASE("too many sessions from your address"));
		break;
	case POLICY_POOL_FULL:
		turn_away(fd, full);
		break;
	}
	return false;
}

static void open_session(struct inbound *in, int fd, const struct listen_peer *peer)
{
	const struct engine_listener *l = &inbound_env.args->listener[in->listener];
	const struct conf_receive *receive = &in->receive;
	const struct policy_local local = { inbound_env.args->local_nets, inbound_env.args->nlocal,
		interface_named };
	struct server_params *p = &in->params;

	in->peer = peer->addr;
	in->local = peer->local;
	in->may_relay = l->unix_socket || policy_may_relay(receive, peer->addr.a, &local);
	p->hostname = inbound_env.args->conf->global.hostname;
	p->max_size = receive->max_message_size;
	p->max_recipients = receive->max_recipients_per_message;
	p->unqualified_rcpt_ok = receive->local_recipient.n ||
				 receive->domain_for_unqualified_recipient_addresses.n;
	p->data_lone_lf_ends_data = receive->lone_lf_ends_data;
	p->data_pedantic_headers = receive->rfc2822_lone_lf_in_headers == CONF_LF_PEDANTIC;
	p->data_pedantic_body = receive->rfc2822_lone_lf_in_body == CONF_LF_PEDANTIC;
	p->starttls = receive->starttls && !in->local && inbound_tls_there(l->index);
	login_prepare(in);
	buf_init(&in->conn.in, in->in, sizeof(in->in));
	buf_init(&in->conn.out, in->out, sizeof(in->out));
	net_init(&in->net, inbound_mode());
	server_init(&in->server, &in->params);
	envelope_init(&in->envelope, &inbound_env.envelopes);
	if (conn_open(&in->conn, fd, on_event) != 0)
		gp_bug("inbound: epoll refuses a connection");
	at_listener[in->listener]++;
	stats.sessions_total++;
	stats.sessions_now = pool.used;
	if (pool.used > stats.sessions_high)
		stats.sessions_high = pool.used;
}

/* What EHLO announces: the smaller of ours and of what the only possible gateway announced last. */
static void set_size_limit(struct inbound *in)
{
	const struct gateway *g = NULL;
	struct conf_sending s;

	in->server.size_limit = in->receive.max_message_size;
	if (!conf_only_gateway(inbound_env.args->conf, in->receive.binding, &s) || s.routes->n != 1)
		return;
	g = gateway_find(&s.routes->route[0], &s);
	if (g && g->size_limit && (!in->server.size_limit || g->size_limit < in->server.size_limit))
		in->server.size_limit = g->size_limit;
}

void inbound_set_binding(struct inbound *in, uint32_t binding)
{
	in->receive.binding = binding;
	set_size_limit(in);
}

void inbound_accept(uint32_t listener, int fd, const struct listen_peer *peer)
{
	const struct conf *conf = inbound_env.args->conf;
	uint32_t index = inbound_env.args->listener[listener].index;
	const struct conf_listen *l = index == ENGINE_SUBMIT ? NULL : &conf->listen[index];
	struct inbound *in = pool_take(&pool);

	if (!in) {
		turn_away(fd, full);
		return;
	}
	memset(in, 0, offsetof(struct inbound, out));
	in->listener = listener;
	conf_receive(
	    conf, l ? index : CONF_LISTEN_NONE, peer->local ? NULL : peer->addr.a, &in->receive);
	if (!admit(in, l ? l->listener_sessions : 0, peer, fd)) {
		in->state = INBOUND_ENDED;
		pool_give(&pool, in);
		return;
	}
	open_session(in, fd, peer);
	set_size_limit(in);
	if (l && l->use_ssl) {
		inbound_tls_begin(in);
		return;
	}
	server_greet(&in->server, &in->conn.out, NULL);
	in->since = loop_now();
	inbound_run(in);
}

/* ---- draining and stopping ---- */

void inbound_drain(void)
{
	for (unsigned i = 0; i < pool.fresh; i++) {
		struct inbound *in = &objects[i];

		if (conn_is_open(&in->conn) && in->state == INBOUND_OPEN)
			inbound_run(in);
	}
}

/* Nothing is heard any more of a mail past its final dot. */
static void leave_in_doubt(struct inbound *in)
{
	leg_impatient(&in->leg);
	in->leg.doubt = true;
	pump_event(in, TXN_FAIL, 0);
	inbound_run(in);
}

void inbound_give_up(bool all)
{
	for (unsigned i = 0; i < pool.fresh; i++) {
		struct inbound *in = &objects[i];

		if (in->state != INBOUND_OPEN && in->state != INBOUND_DETACHED)
			continue;
		if (net_is_past_dot(&in->net)) {
			if (all)
				leave_in_doubt(in);
			continue;
		}
		if (waits_for_tls(in)) {
			inbound_end(in);
			continue;
		}
		say_last(in, stopping);
		inbound_run(in);
	}
}
