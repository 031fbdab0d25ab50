/* SPDX-License-Identifier: ISC */
/*
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding. The names of the values are those of
 * RFC 5802 section 3.
 */
#include "base/base64.h"
#include "base/num.h"
#include "smtp/sasl_part.h"

#include <string.h>

#define SALT_MAX   128u
#define PROOF_ROOM (sizeof(",p=") + BASE64_ENCODED(DIGEST_SHA256))

static struct bytes text_of(const struct sasl *s)
{
	return (struct bytes){ (const uint8_t *)s->text, s->text_n };
}

/* Appends to the text; finished by text_end. */
static void text_begin(struct fmt *f, struct sasl *s)
{
	fmt_init(f, s->text + s->text_n, sizeof(s->text) - s->text_n);
}

static bool text_end(const struct fmt *f, struct sasl *s)
{
	s->text_n = (uint16_t)(s->text_n + f->n);
	return !f->cut;
}

/* client-first-message-bare */
static bool begin(struct sasl *s, const char *nonce)
{
	struct fmt f;

	text_begin(&f, s);
	fmt_str(&f, "n=");
	for (size_t i = 0; i < s->user.n; i++) {
		if (s->user.p[i] == ',')
			fmt_str(&f, "=2C");
		else if (s->user.p[i] == '=')
			fmt_str(&f, "=3D");
		else
			fmt_char(&f, (char)s->user.p[i]);
	}
	fmt_str(&f, ",r=");
	fmt_bytes(&f, (struct bytes){ (const uint8_t *)nonce, SASL_NONCE });
	if (!text_end(&f, s)) {
		sasl_wrong(s, PHRASE("the user's name is too long for SCRAM-SHA-256"));
		return false;
	}
	s->tail = s->text_n;
	return true;
}

/* Cuts "X=value" off the front of *m. */
static bool attribute(struct bytes *m, uint8_t name, struct bytes *value)
{
	struct bytes a = bytes_first(*m, bytes_find(*m, ','));

	if (a.n < 2 || a.p[0] != name || a.p[1] != '=')
		return false;
	*value = bytes_skip(a, 2);
	*m = bytes_skip(*m, a.n + 1);
	return true;
}

/* Does it begin with our nonce, and is there more of it? */
static bool extends_ours(const struct sasl *s, struct bytes nonce)
{
	struct bytes ours = { (const uint8_t *)s->text + s->tail - SASL_NONCE, SASL_NONCE };

	for (size_t i = 0; i < nonce.n; i++) {
		if (nonce.p[i] <= ' ' || nonce.p[i] > '~')
			return false;
	}
	return nonce.n > ours.n && bytes_same(bytes_first(nonce, ours.n), ours);
}

/* U1, and how many rounds are left. */
static bool begin_rounds(struct sasl *s, struct bytes salt, struct bytes iterations)
{
	uint8_t salted[SALT_MAX + 4];
	uint64_t rounds = 0;
	size_t n;

	if (!base64_decode(salt, salted, SALT_MAX, &n) || n == 0)
		return false;
	if (!num_u64(iterations, SASL_ROUNDS_MAX, &rounds) || rounds == 0)
		return false;
	memcpy(salted + n, "\0\0\0\1", 4);
	digest_hmac_sha256(s->secret, (struct bytes){ salted, n + 4 }, s->u);
	memcpy(s->sum, s->u, sizeof(s->sum));
	s->rounds = (uint32_t)rounds - 1;
	return true;
}

/* server-first-message: what belongs to AuthMessage goes into the text. */
static enum sasl_event server_first(struct sasl *s, struct bytes m)
{
	struct bytes rest = m, nonce, salt, iterations;
	struct fmt f;

	if (m.n > 0 && m.p[0] == 'm')
		return sasl_wrong(s, PHRASE("it wants an extension of SCRAM that is not known"));
	if (!attribute(&rest, 'r', &nonce) || !attribute(&rest, 's', &salt) ||
	    !attribute(&rest, 'i', &iterations))
		return sasl_wrong(s, PHRASE("its challenge makes no sense"));
	if (!extends_ours(s, nonce))
		return sasl_wrong(s, PHRASE("its challenge does not belong to this login"));
	if (!begin_rounds(s, salt, iterations))
		return sasl_wrong(s, PHRASE("its challenge has a bad salt or count of rounds"));
	text_begin(&f, s);
	fmt_add(&f, ",%.*s,", SPAN(m));
	s->tail = (uint16_t)(s->text_n + f.n);
	fmt_add(&f, "c=biws,r=%.*s", SPAN(nonce));
	if (!text_end(&f, s) || sizeof(s->text) - s->text_n < PROOF_ROOM)
		return sasl_wrong(s, PHRASE("its challenge is too long"));
	return SASL_WORK;
}

/* SaltedPassword is there: both proofs. */
static enum sasl_event finish(struct sasl *s)
{
	struct bytes salted = { s->sum, sizeof(s->sum) };
	uint8_t key[DIGEST_SHA256], stored[DIGEST_SHA256], signature[DIGEST_SHA256];
	struct fmt f;

	digest_hmac_sha256(salted, BYTES("Server Key"), key);
	digest_hmac_sha256((struct bytes){ key, sizeof(key) }, text_of(s), s->proof);
	digest_hmac_sha256(salted, BYTES("Client Key"), key);
	digest_sha256((struct bytes){ key, sizeof(key) }, stored);
	digest_hmac_sha256((struct bytes){ stored, sizeof(stored) }, text_of(s), signature);
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] ^= signature[i];
	text_begin(&f, s);
	fmt_str(&f, ",p=");
	base64_encode(&f, (struct bytes){ key, sizeof(key) });
	digest_wipe(key, sizeof(key));
	digest_wipe(stored, sizeof(stored));
	digest_wipe(s->sum, sizeof(s->sum));
	digest_wipe(s->u, sizeof(s->u));
	text_end(&f, s);
	return SASL_WRITE;
}

static enum sasl_event work(struct sasl *s)
{
	uint32_t n = s->rounds < SASL_ROUNDS ? s->rounds : SASL_ROUNDS;

	if (n > 0)
		digest_pbkdf2_rounds(s->secret, s->u, s->sum, n);
	s->rounds -= n;
	return s->rounds > 0 ? SASL_WORK : finish(s);
}

/* server-final-message: true where it proves that the server knows the password. */
static bool proves(struct sasl *s, struct bytes m)
{
	uint8_t shown[BASE64_DECODED(BASE64_ENCODED(DIGEST_SHA256))];
	struct bytes value;
	size_t n;

	if (!attribute(&m, 'v', &value) || !base64_decode(value, shown, sizeof(shown), &n))
		return false;
	s->proved = bytes_same(
	    (struct bytes){ shown, n }, (struct bytes){ s->proof, sizeof(s->proof) });
	return s->proved;
}

static enum sasl_event server_final(struct sasl *s, struct bytes m)
{
	/* An error's name: the refusal itself comes behind an empty response. */
	if (m.n > 1 && m.p[0] == 'e' && m.p[1] == '=')
		return SASL_WRITE;
	if (!proves(s, m))
		return sasl_wrong(s, PHRASE("it does not prove that it knows the password"));
	return SASL_WRITE;
}

static enum sasl_event challenge(struct sasl *s, struct bytes base64)
{
	uint8_t plain[SASL_CHALLENGE];
	size_t n = 0;

	if (s->stage == 1) /* the line of AUTH had no room for the first message */
		return SASL_WRITE;
	if (!base64_decode_lenient(base64, plain, sizeof(plain), &n))
		return sasl_wrong(s, PHRASE("its challenge makes no sense"));
	if (s->stage == 2)
		return server_first(s, (struct bytes){ plain, n });
	return server_final(s, (struct bytes){ plain, n });
}

static bool accept(struct sasl *s, struct bytes text)
{
	uint8_t plain[SASL_CHALLENGE];
	size_t n;

	while (!s->proved && s->stage == 2 && s->rounds == 0 && text.n > 0) {
		struct bytes word = bytes_first(text, bytes_find(text, ' '));

		word = bytes_first(word, bytes_find(word, '\n'));
		text = bytes_skip(text, word.n + 1);
		if (base64_decode(word, plain, sizeof(plain), &n))
			proves(s, (struct bytes){ plain, n });
	}
	if (!s->proved)
		s->why = PHRASE("it says yes, and does not prove that it knows the password");
	return s->proved;
}

static void response(const struct sasl *s, struct bytes piece[SASL_PIECES])
{
	if (s->stage == 1) {
		piece[0] = BYTES("n,,");
		piece[1] = bytes_first(text_of(s), s->tail);
	} else if (s->stage == 2) {
		piece[0] = bytes_skip(text_of(s), s->tail);
	}
}

const struct sasl_kind sasl_scram = {
	.name = "SCRAM-SHA-256",
	.mechanism = SASL_SCRAM_SHA_256,
	.responses = 3,
	.speaks_first = true,
	.begin = begin,
	.challenge = challenge,
	.work = work,
	.accept = accept,
	.response = response,
};
