/* SPDX-License-Identifier: ISC */
#include "base/dns.h"
#include "tap.h"

TAP_GP_BUG

static uint8_t question[DNS_QUESTION], m[1024];
static size_t asked, n;
static char name[DNS_NAME];

static size_t ask(const char *text)
{
	asked = dns_ask(question, 0x1234, bytes_of(text), DNS_AAAA);
	return asked;
}

static struct bytes the_question(void)
{
	return (struct bytes){ question, asked };
}

static void put(const void *p, size_t len)
{
	memcpy(m + n, p, len);
	n += len;
}

/* An answer to the question with so many records, flags and rcode as given. */
static void begin(uint8_t flags, uint8_t rcode, uint8_t records)
{
	memcpy(m, question, asked);
	m[2] = flags;
	m[3] = rcode;
	m[7] = records;
	n = asked;
}

static void record(unsigned type, unsigned class, const void *data, uint8_t len)
{
	const uint8_t head[12] = { 0xc0, 0x0c, 0, (uint8_t)type, 0, (uint8_t) class, 0, 0, 0, 9, 0,
		len };

	put(head, sizeof(head));
	put(data, len);
}

static void test_ask(void)
{
	static const uint8_t want[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\2mx\4test\0\0\x1c\0\1";
	char text[300];

	ask("mx.test");
	is_bytes(the_question(), ((struct bytes){ want, sizeof(want) - 1 }), "a question");
	is_num(ask("mx.test."), sizeof(want) - 1, "a dot at the end changes nothing");
	ok(!ask("") && !ask(".") && !ask("a..b") && !ask(".a") && !ask("a.."), "no names");
	memset(text, 'x', sizeof(text));
	text[63] = '\0';
	ok(ask(text) > 0, "a label of 63 octets");
	text[63] = 'x';
	text[64] = '\0';
	ok(!ask(text), "none of 64");
	for (unsigned i = 0; i < 300; i++)
		text[i] = i % 2 ? '.' : 'x';
	text[253] = '\0';
	is_num(ask(text), DNS_QUESTION, "the longest name");
	text[253] = '.';
	text[254] = 'x';
	text[255] = '\0';
	ok(!ask(text), "a longer one");
}

static enum dns_verdict judge(void)
{
	return dns_judge((struct bytes){ m, n }, the_question());
}

static void test_judge(void)
{
	bool good = true;

	ask("mx.test");
	begin(0x81, 0x80, 0);
	is_num(judge(), DNS_ANSWER, "an answer");
	m[13] = 'M';
	is_num(judge(), DNS_ANSWER, "in other letters");
	m[14] = 'y';
	is_num(judge(), DNS_ALIEN, "to another name");
	begin(0x81, 0x80, 0);
	m[asked - 3] = DNS_A;
	is_num(judge(), DNS_ALIEN, "to another type");
	begin(0x81, 0x80, 0);
	m[1]++;
	is_num(judge(), DNS_ALIEN, "to another question");
	begin(0x01, 0, 0);
	is_num(judge(), DNS_ALIEN, "a question");
	begin(0x83, 0x80, 0);
	is_num(judge(), DNS_CUT, "one that is cut");
	begin(0x81, 0x83, 0);
	is_num(judge(), DNS_NO_NAME, "no such name");
	begin(0x81, 0x82, 0);
	is_num(judge(), DNS_REFUSED, "a server failure");
	begin(0x81, 0x80, 0);
	for (; n-- > 0;)
		good &= judge() == DNS_ALIEN;
	ok(good, "shorter than its question");
}

static void test_records(void)
{
	struct dns_records r;
	struct dns_record got;

	ask("mx.test");
	begin(0x81, 0x80, 3);
	record(DNS_A, 3, "abcd", 4);
	record(DNS_A, 1, "efgh", 4);
	record(DNS_AAAA, 1, "0123456789abcdef", 16);
	dns_records(&r, (struct bytes){ m, n });
	ok(dns_next(&r, &got) && got.type == DNS_A, "the first of class IN");
	is_bytes(got.data, BYTES("efgh"), "its data");
	ok(dns_next(&r, &got) && got.type == DNS_AAAA && got.data.n == 16, "the next");
	ok(!dns_next(&r, &got), "no more");
	m[7] = 200;
	dns_records(&r, (struct bytes){ m, n });
	ok(dns_next(&r, &got) && dns_next(&r, &got) && !dns_next(&r, &got),
	    "more promised than there are");
}

static bool named(const void *p, size_t len, size_t at)
{
	memcpy(m, p, len);
	return dns_name((struct bytes){ m, len }, at, name);
}

static void test_name(void)
{
	ok(named("\2mx\4test\0", 9, 0) && strcmp(name, "mx.test") == 0, "a name in full");
	ok(named("\4test\0\2mx\xc0\0", 11, 6) && strcmp(name, "mx.test") == 0, "compressed");
	ok(named("\0", 1, 0) && name[0] == '\0', "the root");
	ok(!named("\xc0\0", 2, 0), "it points at itself");
	ok(!named("\1a\xc0\0", 4, 0), "in a circle");
	ok(!named("\xc0\3\0\1a\0", 6, 0), "forward");
	ok(!named("\2m", 2, 0) && !named("\2mx", 3, 0) && !named("\xc0", 1, 0), "cut");
	ok(!named("\3a.b\0", 5, 0) && !named("\3a b\0", 5, 0) && !named("\2a\0\0", 4, 0),
	    "no host name");
	ok(!named("\x41"
		  "aaa",
	       4, 0),
	    "a length that is none");
}

/* Messages with anything in them, in storage of just their size. */
static void test_hostile(void)
{
	uint32_t seed = 1;
	unsigned most = 0;

	ask("mx.test");
	for (int i = 0; i < 100000; i++) {
		struct dns_records r;
		struct dns_record got;
		uint8_t *exact;
		unsigned count = 0;

		begin(0x81, 0x80, 3);
		record(15, 1, "\0\1\2m2\xc0\x0c", 7);
		record(DNS_A, 1, "efgh", 4);
		record(15, 1, "\0\1\2m2\xc0\x0c", 7);
		for (int k = 0; k < 4; k++) {
			seed = seed * 1664525 + 1013904223;
			m[(seed >> 8) % n] = (uint8_t)(seed >> 24);
		}
		n -= (seed >> 4) % 8;
		exact = malloc(n);
		memcpy(exact, m, n);
		dns_records(&r, (struct bytes){ exact, n });
		while (dns_next(&r, &got) && count < 1000) {
			count++;
			(void)dns_name((struct bytes){ exact, n }, got.at + 2, name);
		}
		most = count > most ? count : most;
		free(exact);
	}
	ok(most <= 10, "octets changed: never too far, no more records than fit");
}

int main(void)
{
	test_ask();
	test_judge();
	test_records();
	test_name();
	test_hostile();
	return done();
}
