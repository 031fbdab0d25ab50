/* SPDX-License-Identifier: ISC */
/* CRAM-MD5 (RFC 2195). */
#include "base/base64.h"
#include "smtp/sasl_part.h"

static enum sasl_event challenge(struct sasl *s, struct bytes base64)
{
	uint8_t plain[SASL_CHALLENGE], digest[DIGEST_MD5];
	struct fmt f;
	size_t n;

	if (!base64_decode_lenient(base64, plain, sizeof(plain), &n) || n == 0)
		return sasl_wrong(s, PHRASE("its challenge makes no sense"));
	digest_hmac_md5(s->secret, (struct bytes){ plain, n }, digest);
	fmt_init(&f, s->text, sizeof(s->text));
	for (unsigned i = 0; i < DIGEST_MD5; i++)
		fmt_hex(&f, digest[i], 2);
	s->text_n = (uint16_t)f.n;
	return SASL_WRITE;
}

static void response(const struct sasl *s, struct bytes piece[SASL_PIECES])
{
	piece[0] = s->user;
	piece[1] = BYTES(" ");
	piece[2] = (struct bytes){ (const uint8_t *)s->text, s->text_n };
}

const struct sasl_kind sasl_cram = {
	.name = "CRAM-MD5",
	.mechanism = SASL_CRAM_MD5,
	.responses = 1,
	.challenge = challenge,
	.response = response,
};
