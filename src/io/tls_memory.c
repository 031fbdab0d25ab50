/* SPDX-License-Identifier: ISC */
/* Sessions towards gateways that may be resumed: one for each place, with what it was made for. */
#include "io/tls_part.h"

#include <mbedtls/platform.h>
#include <string.h>

#define LIMIT (TLS_TICKET_MAX + CONFIG_GATEWAYS * TLS_ARENA_TICKET)

static struct kept {
	mbedtls_ssl_session session;
	bool is_there, verified;
	uint8_t for_what[DIGEST_SHA256];
} kept[CONFIG_GATEWAYS];

static void mix(uint8_t h[DIGEST_SHA256], const void *p, size_t n)
{
	uint8_t both[2 * DIGEST_SHA256];

	memcpy(both, h, DIGEST_SHA256);
	digest_sha256((struct bytes){ p, n }, both + DIGEST_SHA256);
	digest_sha256((struct bytes){ both, sizeof(both) }, h);
}

/* A session is as good as another only where everything that was asked of the peer is the same. */
static void what_for(const struct tls_client_how *how, uint8_t h[DIGEST_SHA256])
{
	uint8_t small[] = { how->verify, how->versions, how->clock_unset, how->ca != NULL };

	memset(h, 0, DIGEST_SHA256);
	mix(h, small, sizeof(small));
	mix(h, how->name.p, how->name.n);
	mix(h, how->pin, how->pins * sizeof(how->pin[0]));
	if (how->ca) {
		mix(h, &how->ca->mem, sizeof(how->ca->mem));
		mix(h, &how->ca->n, sizeof(how->ca->n));
	}
}

static struct kept *place(const struct tls *t)
{
	return t->client && t->how.memory < CONFIG_GATEWAYS ? &kept[t->how.memory] : NULL;
}

static void drop(struct kept *k)
{
	if (k->is_there)
		mbedtls_ssl_session_free(&k->session);
	k->is_there = false;
}

void tls_memory_offer(struct tls *t)
{
	struct kept *k = place(t);
	uint8_t h[DIGEST_SHA256];

	if (!k || !k->is_there)
		return;
	what_for(&t->how, h);
	if (memcmp(h, k->for_what, sizeof(h)) != 0) {
		drop(k);
		return;
	}
	t->offered = mbedtls_ssl_set_session(&t->ssl, &k->session) == 0;
	t->check.verified = t->offered && k->verified;
}

static void keep(struct tls *t, struct kept *k)
{
	tls_arena_charge(TLS_ARENA_MEMORY, LIMIT);
	drop(k);
	mbedtls_ssl_session_init(&k->session);
	k->is_there = mbedtls_ssl_get_session(&t->ssl, &k->session) == 0;
	if (!k->is_there)
		mbedtls_ssl_session_free(&k->session);
	tls_arena_charge(t->id, TLS_HEAP_STANDING);
	k->verified = t->check.verified;
	what_for(&t->how, k->for_what);
}

void tls_memory_keep(struct tls *t)
{
	mbedtls_ssl_session *s = t->ssl.session;
	struct kept *k = place(t);

	if (!s)
		return;
	if (k && s->ticket_len <= TLS_TICKET_MAX && s->ticket_len + s->id_len > 0)
		keep(t, k);
	mbedtls_free(s->ticket);
	s->ticket = NULL;
	s->ticket_len = 0;
}

void tls_memory_drop(struct tls *t)
{
	struct kept *k = place(t);

	if (k && t->offered)
		drop(k);
}
