/* SPDX-License-Identifier: ISC */
/* Certificates and keys of this box. Listeners with the same pair share it. */
#include "io/tls_part.h"

#include "base/pem.h"

#include <mbedtls/oid.h>
#include <mbedtls/platform.h>

#include <string.h>

#define LIMIT (CONFIG_LISTENERS * TLS_ARENA_PAIR)
#define CHAIN 16u /* certificates */
/* Octets of a chain as it is sent: it must fit one record of ours, with 64 octets around it. */
#define CHAIN_SENT (MBEDTLS_SSL_OUT_CONTENT_LEN - 64u)

struct pair {
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
};

static struct kept {
	struct pair pair;
	bool loaded;
	uint8_t texts[DIGEST_SHA256];
} kept[CONFIG_LISTENERS];

static struct kept *pair_of[CONFIG_LISTENERS];

static void pair_free(struct pair *p)
{
	mbedtls_x509_crt_free(&p->chain);
	mbedtls_pk_free(&p->key);
}

static bool no_memory(struct fmt *why)
{
	if (tls_arena_use(TLS_ARENA_PAIRS)->failed)
		fmt_add(why, "there is not enough memory for it");
	return tls_arena_use(TLS_ARENA_PAIRS)->failed;
}

/* A block's octets, from the arena; NULL where it is none. */
static uint8_t *octets(const struct pem *block, size_t *n)
{
	size_t cap = PEM_DECODED(block->body.n);
	uint8_t *der = mbedtls_calloc(1, cap);

	if (der && !pem_decode(block, der, cap, n)) {
		mbedtls_free(der);
		der = NULL;
	}
	return der;
}

/* ret: the library's error; -1: it is no base64. */
static void tell_unreadable(struct fmt *why, int ret)
{
	fmt_add(why, " cannot be read%s",
	    ret == -1 ? ""
		      : PHRASE(": RSA up to 4096 bits and EC (P-256, P-384) are known"));
}

static bool read_chain(struct pair *p, struct bytes text, struct fmt *why)
{
	struct pem block;
	unsigned count = 0;

	while (pem_find(&text, BYTES("CERTIFICATE"), &block)) {
		size_t n = 0;
		uint8_t *der;
		int ret = -1;

		der = ++count <= CHAIN ? octets(&block, &n) : NULL;
		if (der)
			ret = mbedtls_x509_crt_parse_der(&p->chain, der, n);
		mbedtls_free(der);
		if (ret == 0)
			continue;
		if (!no_memory(why)) {
			fmt_add(why, "certificate %u", count);
			if (count > CHAIN)
				fmt_add(why, " is one too many");
			else
				tell_unreadable(why, ret);
		}
		return false;
	}
	if (count == 0)
		fmt_add(why, "there is no certificate in it");
	return count > 0;
}

/* What no client would take, or what cannot be sent. */
static bool chain_is_good(const struct pair *p, struct fmt *why)
{
	static const char server_auth[] = MBEDTLS_OID_SERVER_AUTH;
	size_t sent = 0;

	for (const mbedtls_x509_crt *crt = &p->chain; crt; crt = crt->next)
		sent += crt->raw.len + 5; /* its length and, with TLS 1.3, that of its extensions */
	if (sent > CHAIN_SENT) {
		fmt_add(why,
		    "the chain has %zu octets, at most %u can be sent; the root need not be in it",
		    sent, CHAIN_SENT);
		return false;
	}
	if (mbedtls_x509_crt_check_extended_key_usage(
		&p->chain, server_auth, sizeof(server_auth) - 1) == 0)
		return true;
	fmt_add(why, "the certificate is not one for a server");
	return false;
}

static bool is_key(struct bytes label)
{
	return bytes_same(label, BYTES("PRIVATE KEY")) ||
	       bytes_same(label, BYTES("RSA PRIVATE KEY")) ||
	       bytes_same(label, BYTES("EC PRIVATE KEY")) ||
	       bytes_same(label, BYTES("ENCRYPTED PRIVATE KEY"));
}

static bool read_key(struct pair *p, struct bytes text, struct fmt *why)
{
	struct pem block;
	uint8_t *der;
	size_t n = 0;
	int ret = -1;

	do {
		if (!pem_next(&text, &block)) {
			fmt_add(why, "there is no private key in it");
			return false;
		}
	} while (!is_key(block.label));
	if (pem_is_locked(&block) || bytes_same(block.label, BYTES("ENCRYPTED PRIVATE KEY"))) {
		fmt_add(why, "the key is locked by a passphrase");
		return false;
	}
	der = octets(&block, &n);
	if (der) {
		ret = mbedtls_pk_parse_key(&p->key, der, n, NULL, 0, tls_random, NULL);
		digest_wipe(der, n);
	}
	mbedtls_free(der);
	if (ret != 0 && !no_memory(why)) {
		fmt_add(why, "the key");
		tell_unreadable(why, ret);
	}
	return ret == 0;
}

/*
 * Does the key fit? Signs too: an RSA key keeps what it needs to hide its timing from the first two
 * signatures on, and the pair is to pay for that, not a session.
 */
static bool key_fits(struct pair *p, struct fmt *why)
{
	uint8_t hash[DIGEST_SHA256] = { 0 }, signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
	size_t n;
	int ret = mbedtls_pk_check_pair(&p->chain.pk, &p->key, tls_random, NULL);

	for (int i = 0; i < 2 && ret == 0; i++)
		ret = mbedtls_pk_sign(&p->key, MBEDTLS_MD_SHA256, hash, sizeof(hash), signature,
		    sizeof(signature), &n, tls_random, NULL);
	if (ret != 0 && !no_memory(why))
		fmt_add(why, "the key does not fit the certificate");
	return ret == 0;
}

static bool pair_read(struct pair *p, struct bytes chain, struct bytes key, struct fmt *why)
{
	bool good;

	tls_arena_charge(TLS_ARENA_PAIRS, LIMIT);
	tls_arena_begin(TLS_ARENA_PAIRS);
	mbedtls_x509_crt_init(&p->chain);
	mbedtls_pk_init(&p->key);
	good = read_chain(p, chain, why) && chain_is_good(p, why) &&
	       (!key.p || (read_key(p, key, why) && key_fits(p, why)));
	if (!good)
		pair_free(p);
	return good;
}

bool tls_check_pair(struct bytes chain, struct bytes key, struct fmt *why)
{
	struct pair p;

	if (!pair_read(&p, chain, key, why))
		return false;
	pair_free(&p);
	return true;
}

static bool is_used(const struct kept *k)
{
	for (unsigned i = 0; i < CONFIG_LISTENERS; i++) {
		if (pair_of[i] == k)
			return true;
	}
	return false;
}

/* The one that was made from these texts, else a free one. One more listener holds none. */
static struct kept *find(const uint8_t texts[DIGEST_SHA256])
{
	struct kept *empty = NULL;

	for (unsigned i = 0; i < CONFIG_LISTENERS; i++) {
		struct kept *k = &kept[i];

		if (k->loaded && memcmp(k->texts, texts, DIGEST_SHA256) == 0)
			return k;
		if (!is_used(k))
			empty = k;
	}
	return empty;
}

bool tls_load_pair(unsigned index, struct bytes chain, struct bytes key, struct fmt *why)
{
	uint8_t both[2 * DIGEST_SHA256], texts[DIGEST_SHA256];
	struct kept *k;

	digest_sha256(chain, both);
	digest_sha256(key, both + DIGEST_SHA256);
	digest_sha256((struct bytes){ both, sizeof(both) }, texts);
	pair_of[index] = NULL;
	k = find(texts);
	if (!k->loaded || memcmp(k->texts, texts, sizeof(texts)) != 0) {
		if (k->loaded)
			pair_free(&k->pair);
		k->loaded = pair_read(&k->pair, chain, key, why);
		memcpy(k->texts, texts, sizeof(texts));
	}
	if (k->loaded)
		pair_of[index] = k;
	return k->loaded;
}

int tls_pair_use(unsigned index, mbedtls_ssl_config *conf)
{
	struct kept *k = index < CONFIG_LISTENERS ? pair_of[index] : NULL;

	if (!k)
		return MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED;
	return mbedtls_ssl_conf_own_cert(conf, &k->pair.chain, &k->pair.key);
}
