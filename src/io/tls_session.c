/* SPDX-License-Identifier: ISC */
/* Sessions: their places, their handshake, octets in and out. */
#include "io/tls_part.h"

#include "base/pool.h"
#include "io/loop.h"

#include <mbedtls/net_sockets.h>
#include <mbedtls/platform.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Places that only sessions towards gateways may take. */
#define KEPT (CONFIG_TLS_SESSIONS / 8 > 0 ? CONFIG_TLS_SESSIONS / 8 : 1)

_Static_assert(sizeof(struct tls) <= 3072, "a session counts 3 KiB beside what is in the arena");

static struct tls session[CONFIG_TLS_SESSIONS];
static uint32_t session_next[CONFIG_TLS_SESSIONS];
static struct pool places;
static unsigned shaking;
static void (*when_room)(void);
static struct loop_task room_task;

/* Forward secrecy first, what is quick with AES in hardware first, what only old peers know last */
static const int ciphers[] = {
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
	MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	MBEDTLS_TLS_RSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_RSA_WITH_AES_128_CBC_SHA256,
	MBEDTLS_TLS_RSA_WITH_AES_128_CBC_SHA,
	MBEDTLS_TLS_RSA_WITH_AES_256_CBC_SHA,
	0,
};

/* ---- places ---- */

bool tls_has_room(bool towards_gateway)
{
	unsigned others = towards_gateway ? 0 : 1;

	return places.used + (others ? KEPT : 0) < CONFIG_TLS_SESSIONS &&
	       shaking + others < CONFIG_TLS_HANDSHAKES;
}

void tls_when_room(void (*fn)(void))
{
	when_room = fn;
}

static void tell_room(struct loop_task *task)
{
	(void)task;
	if (when_room)
		when_room();
}

static void room_is_free(void)
{
	if (when_room)
		loop_at_end(&room_task, tell_room);
}

unsigned tls_count(void)
{
	return places.used;
}

size_t tls_arena_high(void)
{
	return tls_arena_most();
}

/* ---- the descriptor ---- */

static int lost(struct tls *t, int error)
{
	if (t->error == 0)
		t->error = error;
	return MBEDTLS_ERR_NET_CONN_RESET;
}

static int bio_send(void *ctx, const unsigned char *p, size_t n)
{
	struct tls *t = ctx;
	ssize_t sent;

	do {
		sent = send(t->fd, p, n, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	if (sent < 0)
		return lost(t, errno);
	t->wire_sent += (uint64_t)sent;
	return (int)sent;
}

static void note_first(struct tls *t, const unsigned char *p, size_t n)
{
	size_t room = sizeof(t->first) - t->nfirst;

	if (n > room)
		n = room;
	memcpy(t->first + t->nfirst, p, n);
	t->nfirst = (uint8_t)(t->nfirst + n);
}

/* Reads into p, or, where little is wanted, ahead. */
static ssize_t receive(struct tls *t, unsigned char *p, size_t n)
{
	bool ahead = n < TLS_AHEAD;
	ssize_t got;

	if (t->reads == TLS_READS) {
		errno = EAGAIN;
		return -1;
	}
	t->reads++;
	do {
		got = recv(t->fd, ahead ? t->ahead_mem : p, ahead ? TLS_AHEAD : n, 0);
	} while (got < 0 && errno == EINTR);
	if (got > 0 && t->nfirst < sizeof(t->first))
		note_first(t, ahead ? t->ahead_mem : p, (size_t)got);
	if (got <= 0 || !ahead)
		return got;
	t->ahead = 0;
	t->ahead_end = (uint16_t)got;
	return 0;
}

static int bio_recv(void *ctx, unsigned char *p, size_t n)
{
	struct tls *t = ctx;
	size_t held = (size_t)(t->ahead_end - t->ahead);

	if (held == 0) {
		ssize_t got = receive(t, p, n);

		held = (size_t)(t->ahead_end - t->ahead);
		if (got > 0)
			return (int)got;
		if (got == 0 && held == 0) {
			(void)lost(t, ECONNRESET);
			return 0;
		}
		if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			return lost(t, errno);
		if (got < 0) {
			t->dry = true;
			return MBEDTLS_ERR_SSL_WANT_READ;
		}
	}
	if (n > held)
		n = held;
	memcpy(p, t->ahead_mem + t->ahead, n);
	t->ahead = (uint16_t)(t->ahead + n);
	return (int)n;
}

/* ---- beginning and end ---- */

/* From here to the end of this call the session pays for what the library takes. */
static void enter(struct tls *t)
{
	tls_arena_charge(t->id, t->shaking ? TLS_HEAP_SHAKING : TLS_HEAP_STANDING);
	t->dry = false;
	t->reads = 0;
}

static void shaken(struct tls *t)
{
	if (!t->shaking)
		return;
	t->shaking = false;
	shaking--;
	room_is_free();
}

/* Always -EPROTO or what the descriptor said. */
static int fail(struct tls *t, int ret)
{
	if (!t->failed && t->check.alert == 0)
		tls_explain(t, ret);
	t->failed = true;
	return t->error ? -t->error : -EPROTO;
}

static struct tls *begin(int fd, bool client)
{
	struct tls *t;

	if (!tls_has_room(client))
		return NULL;
	if (!places.mem)
		pool_init(&places, session, sizeof(session[0]), session_next, CONFIG_TLS_SESSIONS);
	t = pool_take(&places);
	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->fd = fd;
	t->client = client;
	t->id = pool_index(&places, t);
	t->shaking = true;
	shaking++;
	tls_arena_begin(t->id);
	enter(t);
	mbedtls_ssl_init(&t->ssl);
	mbedtls_ssl_config_init(&t->conf);
	return t;
}

static int configure(struct tls *t)
{
	int ret = mbedtls_ssl_config_defaults(&t->conf,
	    t->client ? MBEDTLS_SSL_IS_CLIENT : MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
	    MBEDTLS_SSL_PRESET_DEFAULT);

	mbedtls_ssl_conf_rng(&t->conf, tls_random, NULL);
	mbedtls_ssl_conf_ciphersuites(&t->conf, ciphers);
	mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
	return ret;
}

static int set_up(struct tls *t)
{
	int ret;

	tls_arena_records(true);
	ret = mbedtls_ssl_setup(&t->ssl, &t->conf);
	tls_arena_records(false);
	return ret;
}

static void versions(struct tls *t)
{
	uint8_t v = t->how.versions;

	mbedtls_ssl_conf_min_tls_version(
	    &t->conf, v & TLS_1_2 ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3);
	mbedtls_ssl_conf_max_tls_version(
	    &t->conf, v & TLS_1_3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
}

/* Server Name Indication (RFC 6066 section 3): for host names, without a dot at the end. */
static int say_name(struct tls *t)
{
	struct bytes name = t->how.name;
	struct inet_addr address;
	char text[LIMIT_HOSTNAME + 1];

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || name.n > LIMIT_HOSTNAME || bytes_find(name, 0) < name.n ||
	    inet_parse_addr(name, &address))
		return mbedtls_ssl_set_hostname(&t->ssl, NULL);
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	return mbedtls_ssl_set_hostname(&t->ssl, text);
}

struct tls *tls_connect(int fd, const struct tls_client_how *how)
{
	struct tls *t = begin(fd, true);
	int ret;

	if (!t)
		return NULL;
	t->how = *how;
	ret = configure(t);
	versions(t);
	mbedtls_ssl_conf_session_tickets(&t->conf, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
	mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
	    &t->conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
	tls_verify_begin(t);
	if (ret == 0)
		ret = set_up(t);
	if (ret == 0)
		ret = say_name(t);
	if (ret != 0)
		(void)fail(t, ret);
	else
		tls_memory_offer(t);
	return t;
}

struct tls *tls_accept(int fd, unsigned pair)
{
	struct tls *t = begin(fd, false);
	int ret;

	if (!t)
		return NULL;
	ret = configure(t);
	mbedtls_ssl_conf_authmode(&t->conf, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_session_tickets(&t->conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
	mbedtls_ssl_conf_new_session_tickets(&t->conf, 0);
	mbedtls_ssl_conf_preference_order(&t->conf, MBEDTLS_SSL_SRV_CIPHERSUITE_ORDER_SERVER);
	if (ret == 0)
		ret = tls_pair_use(pair, &t->conf);
	if (ret == 0)
		ret = set_up(t);
	if (ret != 0)
		(void)fail(t, ret);
	return t;
}

/* What the library still holds of an alert goes first; false while the descriptor takes no more. */
static bool flush(struct tls *t, int *ret)
{
	*ret = t->ssl.out_left > 0 ? mbedtls_ssl_write(&t->ssl, t->first, 0) : 0;
	return *ret == 0;
}

void tls_shut(struct tls *t)
{
	int ret;

	if (!t->done || t->failed || t->shut)
		return;
	enter(t);
	t->shut = flush(t, &ret) && mbedtls_ssl_close_notify(&t->ssl) == 0;
}

void tls_end(struct tls *t, bool abrupt)
{
	if (!abrupt)
		tls_shut(t);
	enter(t);
	mbedtls_ssl_free(&t->ssl);
	mbedtls_ssl_config_free(&t->conf);
	shaken(t);
	digest_wipe(t, sizeof(*t));
	pool_give(&places, t);
	room_is_free();
}

/* ---- the handshake ---- */

/*
 * Is it time to refuse its certificate? With TLS 1.3 only once our own octets are encrypted: an
 * alert in clear text would be no alert to the peer.
 */
static bool must_refuse(const struct tls *t)
{
	return t->check.alert > 0 &&
	       (t->ssl.tls_version != MBEDTLS_SSL_VERSION_TLS1_3 || t->ssl.transform_out);
}

static enum tls_step refuse(struct tls *t)
{
	t->failed = true;
	(void)mbedtls_ssl_send_alert_message(
	    &t->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, t->check.alert);
	shaken(t);
	return TLS_FAILED;
}

/* What is not needed any more goes: the peer's certificates take more than all else together. */
static void forget_peer(struct tls *t)
{
	mbedtls_ssl_session *s = t->ssl.session;

	if (!s || !s->peer_cert)
		return;
	mbedtls_x509_crt_free(s->peer_cert);
	mbedtls_free(s->peer_cert);
	s->peer_cert = NULL;
}

static enum tls_step stand(struct tls *t)
{
	t->done = true;
	t->resumed = t->offered && !t->check.seen;
	forget_peer(t);
	if (t->client && t->ssl.tls_version == MBEDTLS_SSL_VERSION_TLS1_2)
		tls_memory_keep(t); /* with TLS 1.3 once a ticket comes */
	shaken(t);
	return TLS_DONE;
}

enum tls_step tls_handshake(struct tls *t)
{
	int ret;

	if (t->failed)
		return TLS_FAILED;
	if (t->done)
		return TLS_DONE;
	enter(t);
	ret = mbedtls_ssl_handshake_step(&t->ssl);
	tls_verify_judge(t);
	if (must_refuse(t))
		return refuse(t);
	if (ret == MBEDTLS_ERR_SSL_WANT_READ)
		return t->dry ? TLS_WANTS_READ : TLS_AGAIN;
	if (ret == MBEDTLS_ERR_SSL_WANT_WRITE)
		return TLS_WANTS_WRITE;
	if (ret != 0) {
		(void)fail(t, ret);
		tls_memory_drop(t);
		shaken(t);
		return TLS_FAILED;
	}
	return mbedtls_ssl_is_handshake_over(&t->ssl) ? stand(t) : TLS_AGAIN;
}

/* ---- octets ---- */

/*
 * A ticket came (RFC 8446 4.6.1). One that is too large to be kept is read over: the session is
 * worth more than its resumption.
 */
static bool is_ticket(struct tls *t, int ret)
{
	if (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
		tls_memory_keep(t);
		return true;
	}
	if (ret != MBEDTLS_ERR_SSL_ALLOC_FAILED ||
	    t->ssl.state != MBEDTLS_SSL_TLS1_3_NEW_SESSION_TICKET)
		return false;
	t->ssl.state = MBEDTLS_SSL_HANDSHAKE_OVER;
	tls_arena_begin(t->id);
	return true;
}

int tls_read(struct tls *t, uint8_t *p, size_t n)
{
	int ret;

	if (t->failed)
		return fail(t, 0);
	if (t->closed || n == 0)
		return 0;
	enter(t);
	do {
		ret = mbedtls_ssl_read(&t->ssl, p, n);
		if (ret > 0)
			return ret;
		if (ret == MBEDTLS_ERR_SSL_WANT_WRITE ||
		    (ret == MBEDTLS_ERR_SSL_WANT_READ && t->dry))
			return -EAGAIN;
		if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
			t->closed = true;
			return 0;
		}
		if (!is_ticket(t, ret) && ret != MBEDTLS_ERR_SSL_WANT_READ)
			return fail(t, ret ? ret : MBEDTLS_ERR_SSL_CONN_EOF);
	} while (++t->oddities < TLS_ODDITIES);
	return fail(t, MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE);
}

int tls_write(struct tls *t, const uint8_t *p, size_t n)
{
	int most, ret;

	if (t->failed)
		return fail(t, 0);
	if (n == 0)
		return 0;
	enter(t);
	if (t->unsent > 0) {
		n = t->unsent < n ? t->unsent : n;
	} else if (flush(t, &ret)) {
		most = mbedtls_ssl_get_max_out_record_payload(&t->ssl);
		if (most > 0 && n > (size_t)most)
			n = (size_t)most;
	} else {
		return ret == MBEDTLS_ERR_SSL_WANT_WRITE ? -EAGAIN : fail(t, ret);
	}
	ret = mbedtls_ssl_write(&t->ssl, p, n);
	t->unsent = ret == MBEDTLS_ERR_SSL_WANT_WRITE ? (uint32_t)n : 0;
	if (ret > 0)
		return ret;
	return ret == MBEDTLS_ERR_SSL_WANT_WRITE ? -EAGAIN : fail(t, ret);
}

bool tls_pending(const struct tls *t)
{
	return !t->failed && !t->closed &&
	       (t->ahead < t->ahead_end || mbedtls_ssl_check_pending(&t->ssl));
}

uint64_t tls_wire_sent(const struct tls *t)
{
	return t->wire_sent;
}

/* ---- what became of it ---- */

const char *tls_why(const struct tls *t)
{
	return t->why;
}

bool tls_is_certificate(const struct tls *t)
{
	return t->check.is_it;
}

const char *tls_version(const struct tls *t)
{
	return t->done ? mbedtls_ssl_get_version(&t->ssl) : "";
}

bool tls_resumed(const struct tls *t)
{
	return t->resumed;
}

bool tls_tried_memory(const struct tls *t)
{
	return t->offered;
}

bool tls_verified(const struct tls *t)
{
	return t->done && t->check.verified;
}
