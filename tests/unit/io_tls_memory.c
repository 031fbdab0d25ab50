/* SPDX-License-Identifier: ISC */
/*
 * What a TLS session takes: 3 KiB beside the arena (tls_session.c asserts it), two record buffers,
 * the rest in the heap. At most 40 KiB once it stands and 64 in its handshake.
 */
#include "unit/lib/tls_wire.h"

#include "io/tls_arena.h"

TAP_GP_BUG

#define BESIDE 3072u

/* What the side that took place `id` has now, and had at the most. */
static void look(const char *who, unsigned id, const char *certificate, const char *version)
{
	const struct tls_arena_use *u = tls_arena_use(id);
	const struct tls_arena_use *r = u;
	unsigned stands = u->now + BESIDE, most = r->high + BESIDE;

	printf("# %-7s %s %-4s %6u standing, %6u in the handshake\n", who, version, certificate,
	       stands, most);
	ok(stands <= 40960, "%s, %s, %s: stands with 40 KiB", who, version, certificate);
	ok(most <= 65536, "%s, %s, %s: makes its handshake with 64 KiB", who, version, certificate);
	ok(u->now <= TLS_ARENA_STANDING + 22528, "%s, %s, %s: stands with what is planned for",
	   who, version, certificate);
}

static void measure(const char *certificate, uint8_t version, const struct ca_set *ca)
{
	struct tls_client_how how = how_of("mail.example.net", TLS_VERIFY_HOST, ca);
	char chain[32], key[32];
	size_t before, all;
	struct wire w;
	uint8_t octets[64];

	snprintf(chain, sizeof(chain), "%s.pem", certificate);
	snprintf(key, sizeof(key), "%s.key", certificate);
	load(0, chain, key);
	before = tls_arena_now();
	printf("# the pair takes %u\n", tls_arena_use(TLS_ARENA_PAIRS)->now);
	ok(tls_arena_use(TLS_ARENA_PAIRS)->now <= TLS_ARENA_PAIR, "the pair has room");
	how.versions = version;
	ok(wire_connect(&w, &how, 0), "%s, %s", certificate, version == TLS_1_2 ? "1.2" : "1.3");
	look("client", 0, certificate, tls_version(w.client));
	look("server", 1, certificate, tls_version(w.client));
	all = tls_arena_now();
	for (int i = 0; i < 1000; i++) {
		if (tls_write(w.client, octets, sizeof(octets)) != sizeof(octets) ||
		    tls_read(w.server, octets, sizeof(octets)) != sizeof(octets))
			break;
	}
	is_num(tls_arena_now(), all, "traffic takes nothing");
	wire_close(&w);
	is_num(tls_arena_use(0)->now, 0, "the client gives all back");
	is_num(tls_arena_use(1)->now, 0, "so does the server");
	is_num(tls_arena_now(), before, "the arena holds what it held before");
}

int main(void)
{
	char text[256];
	struct fmt why;
	struct ca_set ca;

	fmt_init(&why, text, sizeof(text));
	ok(tls_init(&why), "begun%s", text);
	printf("# the library keeps %zu for itself\n", tls_arena_now());
	ca = ca_of("root.crt");
	measure("ec", TLS_1_2, &ca);
	measure("rsa", TLS_1_2, &ca);
	measure("ec", TLS_1_3, &ca);
	measure("rsa", TLS_1_3, &ca);
	ok(tls_arena_high() >= tls_arena_now(), "the most ever is known");
	return done();
}
