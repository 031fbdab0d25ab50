/* SPDX-License-Identifier: ISC */
/*
 * A certificate for this box, signed by itself (RFC 5280, keys as in RFC 5915). What it holds is
 * always the same but for key, names and dates, so that the DER is written here: from its end to
 * its beginning, where each length is known by the time it is wanted.
 */
#include "io/tls.h"

#include "base/base64.h"
#include "base/date.h"
#include "base/digest.h"
#include "base/inet.h"
#include "io/random.h"

#include <mbedtls/ecdsa.h>
#include <string.h>

#define CERT_DER    4096u /* octets of a certificate at the most */
#define CERT_KEY    32u   /* octets of a private key */
#define CERT_POINT  65u   /* of a public one, uncompressed */
#define CERT_SERIAL 16u
#define CERT_CN     64u /* RFC 5280 appendix A: ub-common-name */
#define CERT_DAY    86400u

enum {
	DER_INTEGER = 0x02,
	DER_BITS = 0x03,
	DER_OCTETS = 0x04,
	DER_UTF8 = 0x0c,
	DER_UTC_TIME = 0x17,
	DER_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_NAME_DNS = 0x82, /* of a GeneralName */
	DER_NAME_IP = 0x87,
	DER_PART = 0xa0, /* [0], constructed */
};

static const uint8_t ecdsa_sha256[] = { /* AlgorithmIdentifier */
	0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02
};
static const uint8_t ec_p256[] = { /* the same of the key */
	0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x03, 0x01, 0x07
};
static const uint8_t oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_cn[] = { 0x06, 0x03, 0x55, 0x04, 0x03 };
static const uint8_t oid_san[] = { 0x06, 0x03, 0x55, 0x1d, 0x11 };
static const uint8_t version_3[] = { 0xa0, 0x03, 0x02, 0x01, 0x02 };
static const uint8_t usage[] = {
	/* basicConstraints, critical: no CA */
	0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04, 0x02, 0x30, 0x00,
	/* keyUsage, critical: digitalSignature */
	0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x07,
	0x80,
	/* extKeyUsage: serverAuth */
	0x30, 0x13, 0x06, 0x03, 0x55, 0x1d, 0x25, 0x04, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
	0x01, 0x05, 0x05, 0x07, 0x03, 0x01
};

/* Grows from its end to its beginning. */
struct der {
	uint8_t *start, *p;
	bool full;
};

static void der_put(struct der *d, const void *p, size_t n)
{
	if ((size_t)(d->p - d->start) < n) {
		d->full = true;
		return;
	}
	d->p -= n;
	memcpy(d->p, p, n);
}

static void der_octet(struct der *d, unsigned v)
{
	uint8_t octet = (uint8_t)v;

	der_put(d, &octet, 1);
}

/* What was put since `end` was the place becomes an element of this tag. */
static void der_wrap(struct der *d, unsigned tag, const uint8_t *end)
{
	size_t n = (size_t)(end - d->p);

	if (n < 0x80) {
		der_octet(d, (unsigned)n);
	} else {
		der_octet(d, n & 0xff);
		if (n > 0xff)
			der_octet(d, (unsigned)(n >> 8));
		der_octet(d, n > 0xff ? 0x82 : 0x81);
	}
	der_octet(d, tag);
}

static void der_bytes(struct der *d, unsigned tag, struct bytes x)
{
	const uint8_t *end = d->p;

	der_put(d, x.p, x.n);
	der_wrap(d, tag, end);
}

/* A BIT STRING of whole octets. */
static void der_bits(struct der *d, const void *p, size_t n)
{
	const uint8_t *end = d->p;

	der_put(d, p, n);
	der_octet(d, 0);
	der_wrap(d, DER_BITS, end);
}

/* RFC 5280 4.1.2.5: two digits for the year until 2049. */
static void der_time(struct der *d, uint64_t seconds)
{
	char text[32], digits[16];
	struct fmt f, out;
	bool late = date_year(seconds) >= 2050;

	fmt_init(&f, text, sizeof(text));
	date_rfc3339(&f, seconds);
	fmt_init(&out, digits, sizeof(digits));
	for (size_t i = late ? 0 : 2; i < f.n; i++) {
		if (byte_is_digit((uint8_t)text[i]) || text[i] == 'Z')
			fmt_char(&out, text[i]);
	}
	der_bytes(d, late ? DER_TIME : DER_UTC_TIME, fmt_done(&out));
}

/* A Name of one CN; a name that is too long for it is not the first to be told anyway. */
static void der_name(struct der *d, struct bytes name)
{
	const uint8_t *end = d->p;

	der_bytes(d, DER_UTF8, name.n <= CERT_CN ? name : BYTES("gatepost"));
	der_put(d, oid_cn, sizeof(oid_cn));
	der_wrap(d, DER_SEQUENCE, end);
	der_wrap(d, DER_SET, end);
	der_wrap(d, DER_SEQUENCE, end);
}

static void der_alternatives(struct der *d, const struct bytes *name, unsigned names)
{
	const uint8_t *end = d->p;
	struct inet_addr addr;

	for (unsigned i = names; i-- > 0;) {
		if (!inet_parse_addr(name[i], &addr)) {
			der_bytes(d, DER_NAME_DNS, name[i]);
		} else if (inet_is_v4(addr.a)) {
			der_bytes(d, DER_NAME_IP, (struct bytes){ addr.a + 12, 4 });
		} else {
			der_bytes(d, DER_NAME_IP, (struct bytes){ addr.a, 16 });
		}
	}
	der_wrap(d, DER_SEQUENCE, end);
	der_wrap(d, DER_OCTETS, end);
	der_put(d, oid_san, sizeof(oid_san));
	der_wrap(d, DER_SEQUENCE, end);
}

static void der_public(struct der *d, const uint8_t point[CERT_POINT])
{
	const uint8_t *end = d->p;

	der_bits(d, point, CERT_POINT);
	der_put(d, ec_p256, sizeof(ec_p256));
	der_wrap(d, DER_SEQUENCE, end);
}

static void der_serial(struct der *d)
{
	uint8_t serial[CERT_SERIAL];

	random_bytes(serial, sizeof(serial));
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and of this length */
	der_bytes(d, DER_INTEGER, (struct bytes){ serial, sizeof(serial) });
}

/* RFC 5915 section 3. */
static void der_private(struct der *d, const uint8_t key[CERT_KEY], const uint8_t point[CERT_POINT])
{
	const uint8_t *end = d->p, *part = d->p;

	der_bits(d, point, CERT_POINT);
	der_wrap(d, DER_PART + 1, part);
	part = d->p;
	der_put(d, oid_p256, sizeof(oid_p256));
	der_wrap(d, DER_PART, part);
	der_bytes(d, DER_OCTETS, (struct bytes){ key, CERT_KEY });
	der_bytes(d, DER_INTEGER, BYTES("\1"));
	der_wrap(d, DER_SEQUENCE, end);
}

struct cert {
	const struct tls_wish *wish;
	mbedtls_ecdsa_context ec;
	uint8_t point[CERT_POINT];
};

/* What is signed (TBSCertificate). */
static void cert_body(struct der *d, const struct cert *c)
{
	const uint8_t *end = d->p, *part;

	der_alternatives(d, c->wish->name, c->wish->names);
	der_put(d, usage, sizeof(usage));
	der_wrap(d, DER_SEQUENCE, end);
	der_wrap(d, DER_PART + 3, end);
	der_public(d, c->point);
	der_name(d, c->wish->name[0]);
	part = d->p;
	der_time(d, c->wish->from + (uint64_t)c->wish->days * CERT_DAY);
	der_time(d, c->wish->from);
	der_wrap(d, DER_SEQUENCE, part);
	der_name(d, c->wish->name[0]);
	der_put(d, ecdsa_sha256, sizeof(ecdsa_sha256));
	der_serial(d);
	der_put(d, version_3, sizeof(version_3));
	der_wrap(d, DER_SEQUENCE, end);
}

static int cert_random(void *ctx, unsigned char *out, size_t n)
{
	(void)ctx;
	random_bytes(out, n);
	return 0;
}

static bool cert_sign(struct der *d, struct cert *c)
{
	static uint8_t store[CERT_DER];
	struct der body = { store, store + sizeof(store), false };
	const uint8_t *end = d->p;
	uint8_t hash[DIGEST_SHA256], signature[MBEDTLS_ECDSA_MAX_LEN];
	struct bytes signed_part;
	size_t n;

	cert_body(&body, c);
	if (body.full)
		return false;
	signed_part = (struct bytes){ body.p, (size_t)(store + sizeof(store) - body.p) };
	digest_sha256(signed_part, hash);
	if (mbedtls_ecdsa_write_signature(&c->ec, MBEDTLS_MD_SHA256, hash, sizeof(hash), signature,
		sizeof(signature), &n, cert_random, NULL) != 0)
		return false;
	der_bits(d, signature, n);
	der_put(d, ecdsa_sha256, sizeof(ecdsa_sha256));
	der_put(d, signed_part.p, signed_part.n);
	der_wrap(d, DER_SEQUENCE, end);
	return !d->full;
}

/* RFC 7468: 64 characters a line. False where it does not fit. */
static bool cert_pem(char *out, size_t n, const char *label, struct bytes der)
{
	struct fmt f;

	fmt_init(&f, out, n);
	fmt_add(&f, "-----BEGIN %s-----\n", label);
	for (; der.n > 0; der = bytes_skip(der, 48)) {
		base64_encode(&f, bytes_first(der, 48));
		fmt_char(&f, '\n');
	}
	fmt_add(&f, "-----END %s-----\n", label);
	return !f.cut;
}

static bool cert_key(struct cert *c, char *key, size_t n)
{
	uint8_t store[160], private[CERT_KEY];
	struct der d = { store, store + sizeof(store), false };
	size_t got;
	bool good;

	if (mbedtls_ecdsa_genkey(&c->ec, MBEDTLS_ECP_DP_SECP256R1, cert_random, NULL) != 0 ||
	    mbedtls_ecp_write_public_key(
		&c->ec, MBEDTLS_ECP_PF_UNCOMPRESSED, &got, c->point, sizeof(c->point)) != 0 ||
	    mbedtls_ecp_write_key_ext(&c->ec, &got, private, sizeof(private)) != 0)
		return false;
	der_private(&d, private, c->point);
	good = cert_pem(
	    key, n, "EC PRIVATE KEY", (struct bytes){ d.p, (size_t)(store + sizeof(store) - d.p) });
	digest_wipe(private, sizeof(private));
	digest_wipe(store, sizeof(store));
	return good && !d.full;
}

bool tls_make_pair(const struct tls_wish *w, char *cert, char *key, size_t n, struct fmt *why)
{
	static uint8_t store[CERT_DER];
	struct der d = { store, store + sizeof(store), false };
	struct cert c = { .wish = w };
	bool good;

	mbedtls_ecdsa_init(&c.ec);
	good = cert_key(&c, key, n);
	if (!good) {
		fmt_add(why, "no key could be made");
	} else if (!cert_sign(&d, &c) ||
		   !cert_pem(cert, n, "CERTIFICATE",
		       (struct bytes){ d.p, (size_t)(store + sizeof(store) - d.p) })) {
		good = false;
		fmt_add(why, "these are too many names for one certificate");
	}
	mbedtls_ecdsa_free(&c.ec);
	if (!good)
		digest_wipe(key, n);
	return good;
}
