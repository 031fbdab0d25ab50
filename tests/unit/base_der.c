/* SPDX-License-Identifier: ISC */
/* DER: elements, and the subject of a certificate. */
#include "base/der.h"

#include "base/pem.h"

#include "tap.h"

TAP_GP_BUG

static void elements(void)
{
	static const struct { const char *name; struct bytes x; bool good; size_t value; } t[] = {
		{"an integer", BYTES("\x02\x01\x05"), true, 1},
		{"more behind it", BYTES("\x02\x01\x05\x02\x01\x06"), true, 1},
		{"of no octets", BYTES("\x30\x00"), true, 0},
		{"nothing", BYTES(""), false, 0},
		{"a tag alone", BYTES("\x30"), false, 0},
		{"one octet too few", BYTES("\x04\x02\x05"), false, 0},
		{"an indefinite length", BYTES("\x30\x80\x00\x00"), false, 0},
		{"a length that is longer than needed", BYTES("\x04\x81\x01\x05"), false, 0},
		{"a length of two octets that needs one", BYTES("\x04\x82\x00\x80"), false, 0},
		{"a length of three octets", BYTES("\x04\x83\x01\x00\x00"), false, 0},
		{"a length of 127 octets", BYTES("\x04\xff\x01"), false, 0},
		{"a length without its octets", BYTES("\x04\x82\x01"), false, 0},
		{"a tag of two octets", BYTES("\x1f\x81\x01\x00"), false, 0},
	};
	static uint8_t large[70000];
	struct bytes at = {large, sizeof(large)};
	struct der e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		at = t[i].x;
		is_num(der_next(&at, &e), t[i].good, "%s", t[i].name);
		if (t[i].good)
			is_num(e.value.n, t[i].value, "its octets");
		else
			is_num(at.n, t[i].x.n, "nothing was cut off");
	}
	memcpy(large, "\x04\x81\x80", 3);
	at = (struct bytes){large, sizeof(large)};
	ok(der_next(&at, &e) && e.value.n == 128 && e.whole.n == 131 && at.n == sizeof(large) - 131,
	   "128 octets");
	memcpy(large, "\x04\x82\xff\xff", 4);
	at = (struct bytes){large, sizeof(large)};
	ok(der_next(&at, &e) && e.value.n == 65535, "65535 octets");
	at = BYTES("\x02\x01\x05");
	ok(!der_take(&at, DER_SEQUENCE, &e) && at.n == 3, "another tag is left alone");
	ok(der_take(&at, DER_INTEGER, &e) && at.n == 0, "the right one is taken");
}

static void subjects(void)
{
	static uint8_t text[8192], cert[4096];
	FILE *f = fopen("tests/unit/lib/certs/rsa.pem", "r");
	struct bytes all = {text, f ? fread(text, 1, sizeof(text), f) : 0}, subject;
	struct pem block;
	unsigned good = 0;
	size_t n;

	if (!f || !pem_next(&all, &block) || !pem_decode(&block, cert, sizeof(cert), &n)) {
		ok(false, "a certificate");
		return;
	}
	fclose(f);
	ok(der_subject((struct bytes){cert, n}, &subject), "a certificate");
	ok(subject.n == 29 && !memcmp(subject.p + 13, "mail.example.net", 16), "its subject");
	ok(!der_subject((struct bytes){cert, n - 1}, &subject), "one octet less is none");
	ok(!der_subject((struct bytes){cert, n + 1}, &subject), "one more is none");
	/* Whatever one octet of its structure is: found within, or not at all. */
	for (size_t i = 0; i < n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			cert[i] ^= (uint8_t)(1 << bit);
			if (der_subject((struct bytes){cert, n}, &subject) &&
			    (subject.p < cert || subject.p + subject.n > cert + n))
				good++;
			cert[i] ^= (uint8_t)(1 << bit);
		}
	}
	is_num(good, 0, "no bit makes it lie outside");
}

int main(void)
{
	elements();
	subjects();
	return done();
}
