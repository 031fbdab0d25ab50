/* SPDX-License-Identifier: ISC */
#include "base/base64.h"
#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

static char text[1024];
static uint8_t octets[1024];

static const char *encoded(struct bytes x, void (*encode)(struct fmt *, struct bytes))
{
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	encode(&f, x);
	return text;
}

typedef bool decode_fn(struct bytes x, uint8_t *out, size_t cap, size_t *n);

static struct bytes decoded(const char *x, decode_fn *decode)
{
	size_t n;

	if (!decode(bytes_of(x), octets, sizeof(octets), &n))
		return BYTES("(refused)");
	return (struct bytes){ octets, n };
}

/* RFC 4648 section 10. */
static const char *const vector[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static void vectors(void)
{
	for (unsigned i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		const char *plain = vector[i][0], *b64 = vector[i][1];

		is_str(encoded(bytes_of(plain), base64_encode), b64, "encode \"%s\"", plain);
		is_bytes(decoded(b64, base64_decode), bytes_of(plain), "decode \"%s\"", b64);
		is_bytes(decoded(b64, base64_decode_lenient), bytes_of(plain), "lenient too");
	}
	is_str(encoded(BYTES("\xfb\xff\xfe\xff"), base64_encode), "+//+/w==", "the last two digits");
	is_str(encoded(BYTES("\xfb\xff\xfe\xff"), base64_encode_url), "-__-_w", "those of URLs");
}

static void strict(void)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zm8", "Zg===", "=", "==", "====",
		"Zm9v=", "Zm9v====", "Zm9vY", "Zh==", "Zm9=", "Zg==Zg==", "Z=g=", " Zg==", "Zg== ",
		"Zm9-", "Zm9_", "Zm*v", "Z\xc3\xa4v" };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_bytes(decoded(bad[i], base64_decode), BYTES("(refused)"), "\"%s\"", bad[i]);
	is_bytes(decoded("Zm\r\n9v", base64_decode), BYTES("(refused)"), "a line end within");
}

static void lenient(void)
{
	static const char *const bad[] = { "Z", "=", "Zm9vY", "Zg==Zg==", "Z=g=", "Zm 9v", "Zm9v=",
		"Zg===", "Zm8==" };

	is_bytes(decoded("Zg", base64_decode_lenient), BYTES("f"), "no padding");
	is_bytes(decoded("Zg=", base64_decode_lenient), BYTES("f"), "half a padding");
	is_bytes(decoded("Zm8", base64_decode_lenient), BYTES("fo"), "no padding of one");
	is_bytes(decoded(" \tZm9vYg== \t", base64_decode_lenient), BYTES("foob"), "blanks around");
	is_bytes(decoded("Zh==", base64_decode_lenient), BYTES("f"), "spare bits");
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_bytes(decoded(bad[i], base64_decode_lenient), BYTES("(refused)"), "\"%s\"",
		    bad[i]);
}

static void storage(void)
{
	uint8_t small[4] = { 0, 0, 0, 0xaa };
	char place[] = "Zm9vYmFy";
	size_t n;

	ok(!base64_decode(BYTES("Zm9vYg=="), small, 3, &n), "more than fits is refused");
	is_num(small[3], 0xaa, "and not written");
	ok(base64_decode(BYTES("Zm9v"), small, 3, &n) && n == 3, "what just fits is taken");
	ok(base64_decode(bytes_of(place), (uint8_t *)place, sizeof(place), &n), "in place");
	is_bytes(((struct bytes){ (uint8_t *)place, n }), BYTES("foobar"), "in place: right");
}

static void slices(void)
{
	uint8_t mem[6];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	ok(base64_put(&b, (const uint8_t *)"foo", 3), "a slice");
	ok(!base64_put(&b, (const uint8_t *)"b", 1), "no room for the next");
	is_bytes(buf_peek(&b), BYTES("Zm9v"), "nothing of it is written");
	buf_clear(&b);
	ok(base64_put(&b, (const uint8_t *)"b", 1), "then there is room");
	is_bytes(buf_peek(&b), BYTES("Yg=="), "the end of all is padded");
}

/* All lengths, all octets: there and back. */
static void there_and_back(void)
{
	uint8_t x[256], back[256];
	bool same = true, fits = true;

	for (unsigned i = 0; i < sizeof(x); i++)
		x[i] = (uint8_t)(i * 167 + 13);
	for (size_t len = 0; len <= sizeof(x); len++) {
		struct bytes plain = { x, len }, b64 = bytes_of(encoded(plain, base64_encode));
		size_t n = 0;

		fits = fits && b64.n == BASE64_ENCODED(len) && len <= BASE64_DECODED(b64.n);
		same = same && base64_decode(b64, back, len, &n);
		same = same && bytes_same(plain, (struct bytes){ back, n });
	}
	ok(same, "what was encoded decodes to itself");
	ok(fits, "in the octets that were told");
}

int main(void)
{
	vectors();
	strict();
	lenient();
	storage();
	slices();
	there_and_back();
	return done();
}
