/* SPDX-License-Identifier: ISC */
/*
 * TLS where memory is refused: one request after the other fails, in a handshake, behind it, while
 * a pair is loaded. It fails with words and gives all back.
 */
#include "unit/lib/tls_wire.h"

#include "io/tls_arena.h"

TAP_GP_BUG

/* Of the library; tests are not built with its headers. */
int mbedtls_platform_set_calloc_free(void *(*alloc)(size_t, size_t), void (*give)(void *));

#define EVERY 150u /* so many of the first requests fail each in its turn, */
#define STRIDE 97u /* then one of so many */

static unsigned long countdown; /* > 0: so many requests until one fails */
static bool counting, failed;

static void *faulty_calloc(size_t n, size_t size)
{
	if (counting && countdown > 0 && --countdown == 0) {
		failed = true;
		return tls_arena_calloc(1, ~(size_t)0 / 2); /* fails as one that is too large */
	}
	return tls_arena_calloc(n, size);
}

static struct ca_set root;

static enum tls_step step(struct tls *t, enum tls_step before)
{
	return before == TLS_DONE || before == TLS_FAILED ? before : tls_handshake(t);
}

/* One session in which request number k of one side fails; false where there was none so late. */
static bool session(unsigned long k, bool client, uint8_t version, unsigned *survived)
{
	struct tls_client_how how = how_of("mail.example.net", TLS_VERIFY_HOST, &root);
	size_t before = tls_arena_now();
	struct wire w;
	uint8_t octets[64];
	const char *why;

	how.versions = version;
	countdown = k;
	failed = false;
	wire_open(&w);
	counting = client;
	w.client = tls_connect(w.fd[0], &how);
	counting = !client;
	w.server = tls_accept(w.fd[1], 0);
	for (int i = 0; i < 100; i++) {
		counting = client;
		w.c = step(w.client, w.c);
		counting = !client;
		w.s = step(w.server, w.s);
	}
	counting = true;
	if (w.c == TLS_DONE && w.s == TLS_DONE) {
		*survived += failed;
		if (tls_write(w.client, octets, 64) != 64 || tls_read(w.server, octets, 64) != 64)
			ok(false, "request %lu: no octets", k);
	} else {
		why = tls_why(client ? w.client : w.server);
		if (strcmp(why, "it wants more memory than a TLS session has here") != 0)
			ok(false, "request %lu: \"%s\"", k, why);
	}
	tls_end(w.client, false);
	tls_end(w.server, false);
	counting = false;
	close(w.fd[0]);
	close(w.fd[1]);
	if (tls_arena_now() != before)
		ok(false, "request %lu: %zu octets stay behind", k, tls_arena_now() - before);
	return failed;
}

static void test_side(bool client, uint8_t version)
{
	unsigned tried = 0, survived = 0;

	for (unsigned long k = 1; session(k, client, version, &survived); tried++)
		k += k < EVERY ? 1 : STRIDE;
	ok(tried > EVERY, "%s, TLS 1.%d: %u requests failed, each with words; %u did no harm",
	   client ? "client" : "server", version + 1, tried, survived);
}

static void test_pair(const char *chain, const char *key)
{
	size_t before = tls_arena_now();
	unsigned tried = 0;
	bool good;

	for (unsigned long k = 1;; k += k < EVERY ? 1 : STRIDE) {
		char text[256];
		struct fmt why;

		fmt_init(&why, text, sizeof(text));
		countdown = k;
		failed = false;
		counting = true;
		good = tls_check_pair(file_of(chain), file_of(key), &why);
		counting = false;
		if (!failed)
			break;
		tried++;
		if (!good && strcmp(text, "there is not enough memory for it") != 0)
			ok(false, "request %lu: \"%s\"", k, text);
		if (tls_arena_now() != before)
			ok(false, "request %lu: something stays behind", k);
	}
	ok(good && tried > 50, "%s: %u requests failed", chain, tried);
}

int main(void)
{
	char text[256];
	struct fmt why;

	fmt_init(&why, text, sizeof(text));
	ok(tls_init(&why), "begun%s", text);
	mbedtls_platform_set_calloc_free(faulty_calloc, tls_arena_free);
	root = ca_of("root.crt");
	test_pair("ec.pem", "ec.key");
	test_pair("rsa.pem", "rsa.key");
	load(0, "ec.pem", "ec.key");
	for (uint8_t version = TLS_1_2; version <= TLS_1_3; version++) {
		test_side(true, version);
		test_side(false, version);
	}
	return done();
}
