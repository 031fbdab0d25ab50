/* SPDX-License-Identifier: ISC */
/*
 * Sessions that are resumed, and tickets of every kind from a gateway (RFC 8446 4.6.1, RFC 5077):
 * several at once, in the middle of a mail, too large, without end. The gateway is the library's
 * own server, for ours sends none.
 */
#include "unit/lib/tls_wire.h"

#include "base/pem.h"
#include "io/tls_arena.h"

#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>

TAP_GP_BUG

static struct {
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config conf;
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
	mbedtls_ssl_session session[256]; /* of the tickets that were sent, by their first octet */
	uint8_t sent;
	bool forgotten; /* none is known any more */
	size_t size;    /* octets of a ticket */
} g;

static struct ca_set root, elsewhere;
static size_t refuse_size;       /* requests for so many octets fail */

static void *picky_calloc(size_t n, size_t size)
{
	if (refuse_size > 0 && n * size == refuse_size)
		return tls_arena_calloc(1, ~(size_t)0 / 2);
	return tls_arena_calloc(n, size);
}

/* ---- the gateway ---- */

static int write_ticket(void *ctx, const mbedtls_ssl_session *s, unsigned char *p,
			const unsigned char *end, size_t *n, uint32_t *lifetime)
{
	(void)ctx;
	if ((size_t)(end - p) < g.size)
		return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
	memset(p, 'T', g.size);
	*n = g.size;
	*lifetime = 86400;
	p[0] = g.sent;
	g.session[g.sent] = *s;
	g.session[g.sent].peer_cert = NULL;
	g.session[g.sent].ticket = NULL;
	g.session[g.sent].hostname = NULL;
	g.sent++;
	g.forgotten = false;
	return 0;
}

static int read_ticket(void *ctx, mbedtls_ssl_session *s, unsigned char *p, size_t n)
{
	(void)ctx;
	if (g.forgotten || n != g.size)
		return MBEDTLS_ERR_SSL_INVALID_MAC;
	*s = g.session[p[0]];
	return 0;
}

static int draw(void *ctx, unsigned char *p, size_t n)
{
	(void)ctx;
	memset(p, 0x5a, n);
	return 0;
}

static int from_wire(void *ctx, unsigned char *p, size_t n)
{
	ssize_t got = read(*(int *)ctx, p, n);

	return got < 0 ? MBEDTLS_ERR_SSL_WANT_READ : (int)got;
}

static int to_wire(void *ctx, const unsigned char *p, size_t n)
{
	ssize_t sent = write(*(int *)ctx, p, n);

	return sent < 0 ? MBEDTLS_ERR_SSL_WANT_WRITE : (int)sent;
}

static void read_pair(void)
{
	static uint8_t der[8192];
	struct bytes text = file_of("ec.pem");
	struct pem block;
	size_t n;

	mbedtls_x509_crt_init(&g.chain);
	mbedtls_pk_init(&g.key);
	while (pem_next(&text, &block)) {
		if (!pem_decode(&block, der, sizeof(der), &n) ||
		    mbedtls_x509_crt_parse_der(&g.chain, der, n) != 0)
			exit(1);
	}
	text = file_of("ec.key");
	if (!pem_next(&text, &block) || !pem_decode(&block, der, sizeof(der), &n) ||
	    mbedtls_pk_parse_key(&g.key, der, n, NULL, 0, draw, NULL) != 0)
		exit(1);
}

static void gateway_begin(int *fd, unsigned tickets)
{
	tls_arena_charge(TLS_ARENA_LIBRARY, ~0u / 2);
	mbedtls_ssl_init(&g.ssl);
	mbedtls_ssl_config_init(&g.conf);
	mbedtls_ssl_config_defaults(&g.conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
				    MBEDTLS_SSL_PRESET_DEFAULT);
	mbedtls_ssl_conf_rng(&g.conf, draw, NULL);
	mbedtls_ssl_conf_own_cert(&g.conf, &g.chain, &g.key);
	mbedtls_ssl_conf_session_tickets_cb(&g.conf, write_ticket, read_ticket, NULL);
	mbedtls_ssl_conf_new_session_tickets(&g.conf, (uint16_t)tickets);
	if (mbedtls_ssl_setup(&g.ssl, &g.conf) != 0)
		exit(1);
	mbedtls_ssl_set_bio(&g.ssl, fd, to_wire, from_wire, NULL);
}

/* A step of the gateway; with TLS 1.3, behind the handshake, the next ticket. */
static void gateway_step(void)
{
	tls_arena_charge(TLS_ARENA_LIBRARY, ~0u / 2);
	if (g.ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER)
		(void)mbedtls_ssl_handshake_step(&g.ssl);
}

static void gateway_ticket(void)
{
	gateway_step();
	gateway_step();
}

static void gateway_says(const char *text)
{
	tls_arena_charge(TLS_ARENA_LIBRARY, ~0u / 2);
	is_num(mbedtls_ssl_write(&g.ssl, (const uint8_t *)text, strlen(text)), strlen(text),
	       "the gateway says %.3s", text);
}

static void gateway_end(void)
{
	tls_arena_charge(TLS_ARENA_LIBRARY, ~0u / 2);
	mbedtls_ssl_free(&g.ssl);
	mbedtls_ssl_config_free(&g.conf);
}

/* ---- a session ---- */

static struct tls_client_how usual(uint8_t version)
{
	struct tls_client_how how = how_of("mail.example.net", TLS_VERIFY_HOST, &root);

	how.versions = version;
	how.memory = 0;
	return how;
}

static bool connect_to(struct wire *w, const struct tls_client_how *how, size_t size,
		       unsigned tickets)
{
	g.size = size;
	wire_open(w);
	gateway_begin(&w->fd[1], tickets);
	w->client = tls_connect(w->fd[0], how);
	for (int i = 0; i < 200 && w->c != TLS_DONE && w->c != TLS_FAILED; i++) {
		w->c = tls_handshake(w->client);
		if (!mbedtls_ssl_is_handshake_over(&g.ssl))
			gateway_step();
	}
	for (int i = 0; i < 20 && !mbedtls_ssl_is_handshake_over(&g.ssl); i++)
		gateway_step();
	return w->c == TLS_DONE && mbedtls_ssl_is_handshake_over(&g.ssl);
}

static void hear(struct wire *w, const char *want, const char *name)
{
	char text[64] = "";
	int n = tls_read(w->client, (uint8_t *)text, sizeof(text) - 1);

	if (n < 0)
		snprintf(text, sizeof(text), "error %d", -n);
	is_str(text, want, "%s%s", name, tls_why(w->client));
}

static void finish(struct wire *w)
{
	tls_end(w->client, true);
	gateway_end();
	close(w->fd[0]);
	close(w->fd[1]);
}

/* One session with `tickets` tickets, all right behind the handshake. Was it resumed? */
static bool one(const struct tls_client_how *how, size_t size, unsigned tickets)
{
	struct wire w;
	bool done = connect_to(&w, how, size, tickets), resumed;

	if (!ok(done, "a session%s", tls_why(w.client))) {
		finish(&w);
		return false;
	}
	for (unsigned i = 0; i < tickets; i++)
		gateway_ticket();
	gateway_says("220 hi\r\n");
	hear(&w, "220 hi\r\n", "what it says comes");
	ok(tls_verified(w.client), "verified");
	resumed = tls_resumed(w.client);
	finish(&w);
	return resumed;
}

static void test_resumed(uint8_t version)
{
	struct tls_client_how how = usual(version), other;
	static const uint8_t pin[1][TLS_PIN_SIZE];

	ok(!one(&how, 200, 2), "TLS 1.%d: the first is new", version + 1);
	ok(one(&how, 200, 2), "the second is resumed");
	ok(one(&how, 200, 2), "so is the third");
	other = how;
	other.memory = TLS_NO_MEMORY;
	ok(!one(&other, 200, 2), "not one that is not to be");
	ok(one(&how, 200, 2), "which changes nothing");
	other = how;
	other.name = BYTES("a.wild.example.net");
	ok(!one(&other, 200, 2), "not under another name");
	ok(!one(&how, 200, 2), "and the first name must begin anew");
	other = how;
	other.verify = TLS_VERIFY_CA;
	ok(!one(&other, 200, 2), "not with another verification");
	other.versions = TLS_1_2 | TLS_1_3;
	ok(!one(&other, 200, 2), "not with other versions");
	(void)one(&how, 200, 2);
	other = how;
	other.ca = &elsewhere;
	other.verify = TLS_VERIFY_HOST;
	{
		struct wire w;

		ok(!connect_to(&w, &other, 200, 1), "not with another CA");
		is_str(tls_why(w.client), "its certificate is signed by a CA that is not known",
		       "it is verified again");
		finish(&w);
	}
	(void)one(&how, 200, 2);
	other = how;
	other.pin = pin;
	other.pins = 1;
	{
		struct wire w;

		ok(!connect_to(&w, &other, 200, 1), "not with a pin");
		is_str(tls_why(w.client), "its key is none of those in TLS_Pin", "which counts");
		finish(&w);
	}
	(void)one(&how, 200, 2);
	g.forgotten = true;
	ok(!one(&how, 200, 2), "a gateway that has forgotten it: in full");
	ok(one(&how, 200, 2), "and resumed again");
}

static void test_middle(void)
{
	struct tls_client_how how = usual(TLS_1_3);
	struct wire w;
	uint8_t octets[16];

	ok(connect_to(&w, &how, 200, 4), "a gateway with tickets in the middle of a mail");
	gateway_ticket();
	gateway_ticket();
	hear(&w, "error 11", "two tickets are nothing to read");
	ok(!tls_pending(w.client), "and nothing stays inside");
	gateway_says("354 go on\r\n");
	gateway_ticket();
	gateway_says("250 ok\r\n");
	hear(&w, "354 go on\r\n", "what came before the third");
	hear(&w, "250 ok\r\n", "what came behind it");
	is_num(tls_write(w.client, (const uint8_t *)"QUIT\r\n", 6), 6, "the other way");
	tls_arena_charge(TLS_ARENA_LIBRARY, ~0u / 2);
	is_num(mbedtls_ssl_read(&g.ssl, octets, sizeof(octets)), 6, "goes on");
	finish(&w);
	ok(one(&how, 200, 1), "the next is resumed");
}

static void test_large(void)
{
	struct tls_client_how how = usual(TLS_1_3);
	size_t before;

	ok(!one(&how, 3072, 0) || true, "a new size");
	(void)one(&how, 3072, 1);
	ok(one(&how, 3072, 1), "a ticket of 3 KiB is kept, and fits the hello");
	before = tls_arena_use(TLS_ARENA_MEMORY)->now;
	(void)one(&how, 3500, 1);
	is_num(tls_arena_use(TLS_ARENA_MEMORY)->now, before, "a larger one is not kept");
	refuse_size = 3501;
	(void)one(&how, 3501, 2);
	refuse_size = 0;
	ok(tls_arena_use(TLS_ARENA_MEMORY)->now <= before, "one that finds no memory is read over");
}

static void test_flood(void)
{
	struct tls_client_how how = usual(TLS_1_3);
	struct wire w;

	ok(connect_to(&w, &how, 100, 300), "a gateway that sends tickets without end");
	for (int i = 0; i < 200; i++)
		gateway_ticket();
	hear(&w, "error 71", "is given up: ");
	finish(&w);
}

int main(void)
{
	char text[256];
	struct fmt why;
	size_t before;

	fmt_init(&why, text, sizeof(text));
	ok(tls_init(&why), "begun%s", text);
	mbedtls_platform_set_calloc_free(picky_calloc, tls_arena_free);
	tls_arena_charge(TLS_ARENA_LIBRARY, ~0u / 2);
	read_pair();
	root = ca_of("root.crt");
	elsewhere = ca_of("elsewhere.crt");
	before = tls_arena_now();
	test_resumed(TLS_1_2);
	test_resumed(TLS_1_3);
	test_middle();
	test_large();
	test_flood();
	is_num(tls_arena_now() - tls_arena_use(TLS_ARENA_MEMORY)->now, before,
	       "all but what is remembered is given back");
	return done();
}
