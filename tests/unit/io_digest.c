/* SPDX-License-Identifier: ISC */
/* Hashes: vectors of RFC 2202 (HMAC-MD5), RFC 4231 (HMAC-SHA-256), RFC 7914 (PBKDF2), FIPS 180. */
#include "base/digest.h"

#include "tap.h"

TAP_GP_BUG

static void is_hex(const uint8_t *got, size_t n, const char *want, const char *name)
{
	char text[2 * DIGEST_SHA256 + 1];

	for (size_t i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", got[i]);
	is_str(text, want, "%s", name);
}

static struct bytes fill(uint8_t *mem, uint8_t octet, size_t n)
{
	memset(mem, octet, n);
	return (struct bytes){mem, n};
}

static void sha256(void)
{
	static uint8_t million[1000000];
	uint8_t out[DIGEST_SHA256];

	digest_sha256((struct bytes){NULL, 0}, out);
	is_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "nothing");
	digest_sha256(BYTES("abc"), out);
	is_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc");
	digest_sha256(BYTES("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), out);
	is_hex(out, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	       "two blocks");
	digest_sha256(fill(million, 'a', sizeof(million)), out);
	is_hex(out, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
	       "a million times a");
}

static void hmac_md5(void)
{
	uint8_t key[80], text[80], out[DIGEST_MD5];

	digest_hmac_md5(fill(key, 0x0b, 16), BYTES("Hi There"), out);
	is_hex(out, 16, "9294727a3638bb1c13f48ef8158bfc9d", "HMAC-MD5 1");
	digest_hmac_md5(BYTES("Jefe"), BYTES("what do ya want for nothing?"), out);
	is_hex(out, 16, "750c783e6ab0b503eaa86e310a5db738", "HMAC-MD5 2");
	digest_hmac_md5(fill(key, 0xaa, 16), fill(text, 0xdd, 50), out);
	is_hex(out, 16, "56be34521d144c88dbb8c733f0e8b3f6", "HMAC-MD5 3");
	digest_hmac_md5(fill(key, 0xaa, 80),
			BYTES("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	is_hex(out, 16, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd", "HMAC-MD5 6");
	digest_hmac_md5((struct bytes){NULL, 0}, (struct bytes){NULL, 0}, out);
	is_hex(out, 16, "74e6f7298a9c2d168935f58c001bad88", "no key and no text");
}

static void hmac_sha256(void)
{
	uint8_t key[131], text[50], out[DIGEST_SHA256];

	digest_hmac_sha256(fill(key, 0x0b, 20), BYTES("Hi There"), out);
	is_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
	       "HMAC-SHA-256 1");
	digest_hmac_sha256(BYTES("Jefe"), BYTES("what do ya want for nothing?"), out);
	is_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
	       "HMAC-SHA-256 2");
	digest_hmac_sha256(fill(key, 0xaa, 20), fill(text, 0xdd, 50), out);
	is_hex(out, 32, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
	       "HMAC-SHA-256 3");
	digest_hmac_sha256(fill(key, 0xaa, 131),
			   BYTES("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	is_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
	       "HMAC-SHA-256 6");
}

/* PBKDF2-HMAC-SHA-256, block number `index`, by the rounds that the port gives. */
static void pbkdf2(const char *password, const char *salt, uint32_t rounds, uint8_t index,
		   uint8_t sum[DIGEST_SHA256])
{
	uint8_t first[64], u[DIGEST_SHA256];
	size_t n = strlen(salt);

	memcpy(first, salt, n);
	memcpy(first + n, (uint8_t[]){0, 0, 0, index}, 4);
	digest_hmac_sha256(bytes_of(password), (struct bytes){first, n + 4}, u);
	memcpy(sum, u, DIGEST_SHA256);
	/* in two calls: what lies between is not lost */
	digest_pbkdf2_rounds(bytes_of(password), u, sum, (rounds - 1) / 2);
	digest_pbkdf2_rounds(bytes_of(password), u, sum, rounds - 1 - (rounds - 1) / 2);
}

static void rounds(void)
{
	uint8_t sum[DIGEST_SHA256];

	pbkdf2("passwd", "salt", 1, 1, sum);
	is_hex(sum, 32, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
	       "one round, the first block");
	pbkdf2("passwd", "salt", 1, 2, sum);
	is_hex(sum, 32, "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
	       "one round, the second block");
	pbkdf2("Password", "NaCl", 80000, 1, sum);
	is_hex(sum, 32, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56",
	       "80000 rounds, the first block");
	pbkdf2("Password", "NaCl", 80000, 2, sum);
	is_hex(sum, 32, "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
	       "80000 rounds, the second block");
}

static void wipe(void)
{
	uint8_t secret[33];

	memset(secret, 'x', sizeof(secret));
	digest_wipe(secret, 32);
	for (int i = 0; i < 32; i++)
		if (secret[i] != 0)
			ok(false, "octet %d is left", i);
	is_num(secret[32], 'x', "wiped, and no octet more");
	digest_wipe(secret, 0);
}

int main(void)
{
	sha256();
	hmac_md5();
	hmac_sha256();
	rounds();
	wipe();
	return done();
}
