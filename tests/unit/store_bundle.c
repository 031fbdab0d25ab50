/* SPDX-License-Identifier: ISC */
#include "store/bundle.h"
#include "tap.h"

TAP_GP_BUG

static struct bundle b;

static enum bundle_status put(const char *name, const char *content)
{
	return bundle_put(&b, bytes_of(name), bytes_of(content), BUNDLE_MAX);
}

/* All names, parted by blanks. */
static const char *names(void)
{
	static char text[600];
	struct bundle_file f;
	uint32_t at = 0;
	size_t n = 0;

	while (bundle_next(&b, &at, &f))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n > 0 ? " " : "", (int)f.name.n, (const char *)f.name.p);
	text[n] = '\0';
	return text;
}

static void test_names(void)
{
	static const char *const good[] = { "a", "gatepost.conf", "oauth/me@x.test", "a/b/c", "A-b_c+d=e,f~", "1", "-", "a.b..c", "a/b.c" };
	static const char *const bad[] = { "", "/a", "a/", "a//b", ".a", "a/.b", "..", "a/../b", "a b", "a\tb", "a\\b", "\xc3\xa4", "a:b", "a\x7f", "." };
	char name[BUNDLE_NAME + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(bundle_is_name(bytes_of(good[i])), "%s is a name", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!bundle_is_name(bytes_of(bad[i])), "bad name %zu is none", i);
	ok(!bundle_is_name((struct bytes){ (const uint8_t *)"a\0b", 3 }), "a name with a NUL is none");
	memset(name, 'a', sizeof(name));
	ok(bundle_is_name((struct bytes){ (const uint8_t *)name, BUNDLE_NAME }), "a name of %u octets", BUNDLE_NAME);
	ok(!bundle_is_name((struct bytes){ (const uint8_t *)name, BUNDLE_NAME + 1 }), "one more is too many");
}

static void test_files(void)
{
	struct bytes x;

	b.n = 0;
	is_num(put("m", "one"), BUNDLE_OK, "a file");
	is_num(put("z/y", ""), BUNDLE_OK, "an empty one, in a folder");
	is_num(put("a", "first"), BUNDLE_OK, "one in front");
	is_num(put("m/x", "1"), BUNDLE_FOLDER, "m is a file");
	is_num(put("z", "1"), BUNDLE_FOLDER, "z is a folder");
	is_num(put("z y", "1"), BUNDLE_NAMED, "that is no name");
	is_str(names(), "a m z/y", "in the order of names");
	is_num(put("m", "another, which is longer"), BUNDLE_OK, "replaced by a longer one");
	ok(bundle_get(&b, BYTES("m"), &x) && bytes_same(x, BYTES("another, which is longer")), "there it is");
	is_num(put("m", "s"), BUNDLE_OK, "replaced by a shorter one");
	ok(bundle_get(&b, BYTES("m"), &x) && bytes_same(x, BYTES("s")), "there it is");
	ok(bundle_get(&b, BYTES("z/y"), &x) && x.n == 0, "the one behind is untouched");
	ok(bundle_get(&b, BYTES("a"), &x) && bytes_same(x, BYTES("first")), "the one in front, too");
	ok(!bundle_get(&b, BYTES("b"), &x) && !bundle_get(&b, BYTES("zz"), &x), "others are not there");
	ok(bundle_is_whole(bundle_bytes(&b)), "it is whole");
	is_num(put("a-b", ""), BUNDLE_OK, "a-b");
	is_num(put("ab", ""), BUNDLE_OK, "ab");
	is_str(names(), "a a-b ab m z/y", "a name that another begins with comes first");
	ok(bundle_remove(&b, BYTES("m")) && !bundle_remove(&b, BYTES("m")), "m goes, once");
	ok(bundle_remove(&b, BYTES("z/y")), "the last goes");
	is_str(names(), "a a-b ab", "what is left");
}

static void test_room(void)
{
	static uint8_t large[BUNDLE_MAX];
	const uint32_t head = 1 + 1 + 4;

	b.n = 0;
	is_num(bundle_put(&b, BYTES("a"), (struct bytes){ large, BUNDLE_MAX - head + 1 }, BUNDLE_MAX), BUNDLE_FULL, "an octet too many");
	is_num(b.n, 0, "and nothing has changed");
	is_num(bundle_put(&b, BYTES("a"), (struct bytes){ large, BUNDLE_MAX - head }, BUNDLE_MAX), BUNDLE_OK, "as large as can be");
	is_num(put("b", ""), BUNDLE_FULL, "no room for another");
	is_num(bundle_put(&b, BYTES("a"), (struct bytes){ large, 10 }, 16), BUNDLE_OK, "replaced within a smaller limit");
	is_num(put("a", "1234567890123"), BUNDLE_OK, "and again");
	is_num(bundle_put(&b, BYTES("b"), BYTES("1"), 25), BUNDLE_FULL, "above a limit of the store");
	is_num(bundle_put(&b, BYTES("b"), BYTES("1"), 26), BUNDLE_OK, "at that limit");
	is_num(bundle_put(&b, BYTES("c"), (struct bytes){ large, SIZE_MAX / 2 }, BUNDLE_MAX), BUNDLE_FULL, "a size beyond all");
}

static void test_whole(void)
{
	static const struct {
		const char *what;
		struct bytes x;
	} bad[] = {
		{ "cut in the name", BYTES("\4ab") },
		{ "cut in the size", BYTES("\1a\0\0\0") },
		{ "cut in the content", BYTES("\1a\0\0\0\2x") },
		{ "a size beyond all", BYTES("\1a\xff\xff\xff\xffx") },
		{ "no name", BYTES("\0\0\0\0\0") },
		{ "a name that is none", BYTES("\1/\0\0\0\0") },
		{ "twice the same", BYTES("\1a\0\0\0\0\1a\0\0\0\0") },
		{ "out of order", BYTES("\1b\0\0\0\0\1a\0\0\0\0") },
	};

	ok(bundle_is_whole((struct bytes){ NULL, 0 }), "an empty one is whole");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!bundle_is_whole(bad[i].x), "not whole: %s", bad[i].what);
}

int main(void)
{
	test_names();
	test_files();
	test_room();
	test_whole();
	return done();
}
