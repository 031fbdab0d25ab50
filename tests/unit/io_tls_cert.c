/* SPDX-License-Identifier: ISC */
#include "io/tls.h"

#include "base/base64.h"
#include "tap.h"

#define SIZE 8192
#define FROM 1577836800u /* 2020-01-01 */

static char cert[SIZE], key[SIZE], said[TLS_WHY];
static struct fmt why;

static bool make(const struct bytes *name, unsigned names, uint64_t from, unsigned days, size_t n)
{
	const struct tls_wish wish = { .name = name, .names = names, .days = days, .from = from };

	fmt_init(&why, said, sizeof(said));
	return tls_make_pair(&wish, cert, key, n, &why);
}

/* Does the certificate, as DER, hold these octets? */
static bool holds(struct bytes part)
{
	static uint8_t der[SIZE];
	static char text[SIZE];
	struct fmt f;
	size_t n;

	fmt_init(&f, text, sizeof(text));
	for (const char *p = strchr(cert, '\n'); p != NULL && p[1] != '-'; p = strchr(p + 1, '\n'))
		fmt_bytes(&f, (struct bytes){ (const uint8_t *)p + 1, strcspn(p + 1, "\n") });
	if (!base64_decode(fmt_done(&f), der, sizeof(der), &n))
		return false;
	for (size_t i = 0; i + part.n <= n; i++) {
		if (memcmp(der + i, part.p, part.n) == 0)
			return true;
	}
	return false;
}

static unsigned long longest_line(const char *text)
{
	size_t most = 0;

	for (; *text != '\0'; text += strcspn(text, "\n") + (strchr(text, '\n') != NULL)) {
		if (strcspn(text, "\n") > most)
			most = strcspn(text, "\n");
	}
	return most;
}

static void pairs(void)
{
	const struct bytes name[] = { BYTES("box.example"), BYTES("192.0.2.1"), BYTES("2001:db8::1") };
	static char other[SIZE];

	ok(make(name, 3, FROM, 365, SIZE), "a pair for a name and two addresses");
	ok(tls_check_pair(bytes_of(cert), bytes_of(key), &why), "certificate and key fit: %s", said);
	ok(tls_load_pair(0, bytes_of(cert), bytes_of(key), &why), "and can be served with: %s", said);
	ok(strncmp(cert, "-----BEGIN CERTIFICATE-----\n", 28) == 0, "the certificate is PEM");
	ok(strncmp(key, "-----BEGIN EC PRIVATE KEY-----\n", 31) == 0, "and so is the key");
	ok(longest_line(cert) == 64 && longest_line(key) == 64, "in lines of 64 characters");
	ok(holds(BYTES("\x82\x0b" "box.example\x87\x04\xc0\0\2\1\x87\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1")),
	    "names and addresses, in their order");
	ok(holds(BYTES("\x17\x0d" "200101000000Z\x17\x0d" "201231000000Z")), "the dates");
	strcpy(other, cert);
	ok(make(name, 3, FROM, 365, SIZE) && strcmp(other, cert) != 0, "another time another one");
	fmt_init(&why, said, sizeof(said));
	ok(!tls_check_pair(bytes_of(other), bytes_of(key), &why) && said[0] != '\0',
	    "the key of the second does not fit the first: %s", said);
}

static void dates(void)
{
	const struct bytes name[] = { BYTES("box.example") };

	ok(make(name, 1, FROM, 365u * 40, SIZE), "forty years");
	ok(holds(BYTES("\x17\x0d" "200101000000Z\x18\x0f" "20591222000000Z")),
	    "from 2050 on the year has four digits");
	ok(tls_check_pair(bytes_of(cert), bytes_of(key), &why), "they fit: %s", said);
}

static void bounds(void)
{
	static const char long_name[] = "a234567890123456789012345678901234567890.example.example.example.example";
	const struct bytes one[] = { bytes_of(long_name) };
	struct bytes many[200];

	ok(make(one, 1, FROM, 365, SIZE), "a name that no CN has room for");
	ok(holds(BYTES("gatepost")) && holds(bytes_of(long_name)), "is among the alternative names");
	ok(tls_check_pair(bytes_of(cert), bytes_of(key), &why), "they fit: %s", said);
	for (unsigned i = 0; i < 200; i++)
		many[i] = one[0];
	ok(!make(many, 200, FROM, 365, SIZE) && said[0] != '\0', "too many names: %s", said);
	is_str(key, "", "and no key is left behind");
	ok(!make(one, 1, FROM, 365, 400), "no room for the certificate");
	ok(!make(one, 1, FROM, 365, 100), "no room for the key");
	is_str(key, "", "and no key is left behind");
}

int main(void)
{
	fmt_init(&why, said, sizeof(said));
	if (!ok(tls_init(&why), "the library starts"))
		return done();
	pairs();
	dates();
	bounds();
	return done();
}
