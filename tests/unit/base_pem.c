/* SPDX-License-Identifier: ISC */
/* PEM: blocks among anything, sloppy line ends, broken ones. */
#include "base/pem.h"

#include "tap.h"

TAP_GP_BUG

#define B "-----BEGIN A-----\n"
#define E "-----END A-----\n"

static void one(const char *name, const char *text, const char *want, bool good)
{
	struct bytes x = bytes_of(text);
	struct pem block;
	uint8_t out[64];
	size_t n = 0;

	if (!pem_next(&x, &block)) {
		ok(!want, "%s: no block", name);
		return;
	}
	if (!ok(want != NULL, "%s: a block", name))
		return;
	is_num(pem_decode(&block, out, sizeof(out), &n), good, "%s: %s", name,
	       good ? "decoded" : "not base64");
	if (good)
		is_bytes(((struct bytes){out, n}), bytes_of(want), "%s: its octets", name);
}

static void blocks(void)
{
	one("plain", B "aGVsbG8=\n" E, "hello", true);
	one("in lines", B "aGVs\nbG8g\nd29y\nbGQ=\n" E, "hello world", true);
	one("lines cut anywhere", B "a\nGVsb\nG8=\n" E, "hello", true);
	one("CR LF", "-----BEGIN A-----\r\naGVsbG8=\r\n-----END A-----\r\n", "hello", true);
	one("no line end behind it", B "aGVsbG8=\n-----END A-----", "hello", true);
	one("no line end within", "-----BEGIN A-----aGVsbG8=-----END A-----", "hello", true);
	one("blanks", B "  aGVs bG8=\t\n\n" E, "hello", true);
	one("text around it", "subject=/CN=x\n# aGk=\n" B "aGVsbG8=\n" E "more\n", "hello", true);
	one("nothing", "", NULL, false);
	one("only text", "no PEM at all\n-----\n", NULL, false);
	one("never ended", B "aGVsbG8=\n", NULL, false);
	one("ended as another", B "aGVsbG8=\n-----END B-----\n", NULL, false);
	one("begun twice", B "aGk=\n" B "aGVsbG8=\n" E, "hello", true);
	one("begun without its end, then whole", "-----BEGIN \n" B "aGVsbG8=\n" E, "hello", true);
	one("empty", B E, "", false);
	one("padding within", B "aGk=\naGk=\n" E, "", false);
	one("one digit too many", B "aGVsbG8=a\n" E, "", false);
	one("no base64", B "!!!!\n" E, "", false);
	one("no padding", B "aGVsbG8\n" E, "", false);
}

static void several(void)
{
	struct bytes x = bytes_of(B "YQ==\n" E "x\n-----BEGIN B C-----\nYg==\n-----END B C-----\n");
	struct pem block;

	ok(pem_next(&x, &block), "the first");
	is_bytes(block.label, BYTES("A"), "its label");
	ok(pem_next(&x, &block), "the second");
	is_bytes(block.label, BYTES("B C"), "its label");
	ok(!pem_next(&x, &block), "no third");
}

static void bounds(void)
{
	struct bytes x = bytes_of(B "aGVsbG8=\n" E);
	struct pem block;
	uint8_t out[8];
	size_t n;

	pem_next(&x, &block);
	ok(pem_decode(&block, out, 5, &n) && n == 5, "fits to the octet");
	ok(!pem_decode(&block, out, 4, &n), "does not fit");
	ok(!pem_decode(&block, out, 0, &n), "no room at all");
	ok(!pem_is_locked(&block), "not locked");
	x = bytes_of(B "Proc-Type: 4,ENCRYPTED\nDEK-Info: X,0\n\naGk=\n" E);
	pem_next(&x, &block);
	ok(pem_is_locked(&block), "locked in the old form");
	ok(!pem_decode(&block, out, sizeof(out), &n), "which is not decoded");
}

static void in_place(void)
{
	char text[] = B "aGVs\nbG8g\nd29y\nbGQ=\n" E;
	struct bytes x = bytes_of(text);
	struct pem block;
	size_t n;

	pem_next(&x, &block);
	ok(pem_decode(&block, (uint8_t *)text + (block.body.p - (uint8_t *)text), 100, &n),
	   "decoded where it lies");
	is_bytes(((struct bytes){block.body.p, n}), BYTES("hello world"), "its octets");
}

int main(void)
{
	blocks();
	several();
	bounds();
	in_place();
	return done();
}
