/* SPDX-License-Identifier: ISC */
/* MX records out of a name server's answer: right ones, broken ones, hostile ones. */
#include "run/mx.h"

#include "tap.h"

static uint8_t message[2048];
static size_t length;
static struct mx_host host[MX_HOSTS];

static void put(const void *p, size_t n)
{
	memcpy(message + length, p, n);
	length += n;
}

static void put16(unsigned v)
{
	uint8_t two[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	put(two, 2);
}

/* One question for "x.test" at offset 12; so 0xc00c points to that name. */
static void begin(unsigned answers)
{
	length = 0;
	put("\x12\x34\x81\x80", 4);
	put16(1);
	put16(answers);
	put16(0);
	put16(0);
	put("\1x\4test\0", 8);
	put16(15);
	put16(1);
}

static void record(unsigned type, unsigned class, const void *data, unsigned n)
{
	put16(0xc00c);
	put16(type);
	put16(class);
	put("\0\0\1\0", 4);
	put16(n);
	put(data, n);
}

/* In storage of just its size, so that a sanitizer sees any octet too far. */
static unsigned parse(size_t n)
{
	uint8_t *exact = malloc(n > 0 ? n : 1);
	unsigned found;

	memcpy(exact, message, n);
	found = mx_parse((struct bytes){exact, n}, host);
	free(exact);
	return found;
}

static void test_right(void)
{
	begin(3);
	record(15, 1, "\0\24\2m2\xc0\x0c", 7);
	record(5, 1, "\xc0\x0c", 2);
	record(15, 1, "\0\12\2m1\5other\0", 12);
	is_num(parse(length), 2, "two records, one of another type between them");
	is_str(host[0].name, "m2.x.test", "a name that ends in a pointer");
	is_num(host[0].preference, 20, "its preference");
	is_str(host[1].name, "m1.other", "a name in full");
	begin(1);
	record(15, 1, "\0\0\0", 3);
	is_num(parse(length), 1, "the root: takes no mail");
	is_str(host[0].name, "", "it has no name");
}

static void test_cut(void)
{
	size_t whole, two;
	bool good = true;

	begin(2);
	record(15, 1, "\0\24\2m2\xc0\x0c", 7);
	two = length;
	record(15, 1, "\0\12\2m1\5other\0", 12);
	whole = length;
	for (size_t n = 0; n < whole; n++)
		good &= parse(n) == (n >= two ? 1 : 0);
	ok(good, "cut at any octet: the whole records that came before");
}

static void test_hostile(void)
{
	uint32_t seed = 1;
	unsigned most = 0;

	begin(1);
	record(15, 1, "\0\12\xc0\x26", 4);
	is_num(parse(length), 0, "a name that points at itself ends the list");
	begin(65535);
	is_num(parse(length), 0, "more records promised than there are");
	begin(60);
	for (int i = 0; i < 60; i++)
		record(15, 1, "\0\12\1a\0", 5);
	is_num(parse(length), MX_HOSTS, "more records than there is room for");
	begin(1);
	record(15, 1, "\0", 1);
	is_num(parse(length), 0, "a record that is too short");
	begin(2);
	record(15, 1, "\0\24\2m2\xc0\x0c", 7);
	record(15, 1, "\0\12\2m1\5other\0", 12);
	for (int i = 0; i < 200000; i++) {
		uint8_t keep[4];
		unsigned at[4];

		for (int k = 0; k < 4; k++) {
			seed = seed * 1664525 + 1013904223;
			at[k] = (seed >> 8) % (unsigned)length;
			keep[k] = message[at[k]];
			message[at[k]] = (uint8_t)(seed >> 16);
		}
		if (parse(length) > most)
			most = parse(length);
		for (int k = 3; k >= 0; k--)
			message[at[k]] = keep[k];
	}
	ok(most <= MX_HOSTS, "any four octets changed: never too far");
}

static void test_sort(void)
{
	static const uint16_t up[MX_HOSTS] = {1, 2, 3, 4}, down[MX_HOSTS] = {4, 3, 2, 1};
	static const struct mx_host list[4] = {{20, "c"}, {10, "a"}, {10, "b"}, {5, "z"}};

	memcpy(host, list, sizeof(list));
	mx_sort(host, 4, up);
	ok(host[0].name[0] == 'z' && host[1].name[0] == 'a' && host[2].name[0] == 'b' &&
		host[3].name[0] == 'c',
	    "sorted by preference");
	memcpy(host, list, sizeof(list));
	mx_sort(host, 4, down);
	ok(host[0].name[0] == 'z' && host[1].name[0] == 'b' && host[2].name[0] == 'a' &&
		host[3].name[0] == 'c',
	    "equal ones take turns");
}

int main(void)
{
	test_right();
	test_cut();
	test_hostile();
	test_sort();
	return done();
}
