/* SPDX-License-Identifier: ISC */
#include "relay/policy.h"

#include "base/bug.h"
#include "tap.h"

#include <setjmp.h>

static jmp_buf bug;

_Noreturn void gp_stop(const char *what)
{
	printf("# gp_bug: %s\n", what);
	longjmp(bug, 1);
}

static uint32_t state = 1;

static uint32_t next(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static struct inet_net net(const char *text)
{
	struct inet_net n;
	bool host_bits;

	if (!inet_parse_net(bytes_of(text), &n, &host_bits))
		printf("Bail out! bad block %s\n", text);
	return n;
}

static const uint8_t *at(const char *text)
{
	static struct inet_addr a;

	if (!inet_parse_addr(bytes_of(text), &a))
		printf("Bail out! bad address %s\n", text);
	return a.a;
}

/* ---- who may relay ---- */

static bool may(const struct conf_nets *hosts, const struct policy_local *local, const char *who)
{
	struct conf_receive rc = { .relay_hosts = hosts };

	return policy_may_relay(&rc, at(who), local);
}

static void test_default(void)
{
	static const char *const yes[] = { "127.0.0.1", "::1", "10.1.2.3", "172.16.0.1",
		"172.31.255.255", "192.168.3.7", "169.254.9.9", "fe80::1", "fd12::1", "fc00::1",
		"::ffff:10.0.0.1" };
	static const char *const no[] = { "8.8.8.8", "172.32.0.1", "172.15.255.255", "11.0.0.1",
		"192.169.0.1", "2001:db8::1", "fec0::1", "::ffff:8.8.8.8", "0.0.0.0", "::", "::2" };
	struct inet_net lan = net("192.0.2.0/24");
	struct policy_local any = { 0 }, named = { .nets = &lan, .n = 1, .interface_named = true };
	struct policy_local unnamed = { .nets = &lan, .n = 1 };

	for (unsigned i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		ok(may(NULL, &any, yes[i]), "by default %s may relay", yes[i]);
	for (unsigned i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ok(!may(NULL, &any, no[i]), "by default %s may not", no[i]);
	ok(may(NULL, &named, "192.0.2.9"), "an interface is named: its network may");
	ok(may(NULL, &named, "127.0.0.1"), "so may loopback");
	ok(!may(NULL, &named, "192.168.3.7"), "other private ranges may not");
	ok(!may(NULL, &unnamed, "192.0.2.9"), "no interface is named: a public network may not");
}

static void test_relay_hosts(void)
{
	static union {
		struct conf_nets nets;
		uint8_t room[sizeof(struct conf_nets) + 4 * sizeof(struct inet_net)];
	} hosts;
	struct inet_net lan = net("192.0.2.0/24");
	struct policy_local local = { .nets = &lan, .n = 1 };

	hosts.nets.n = 2;
	hosts.nets.net[0] = net("10.9.0.0/16");
	hosts.nets.net[1] = net("2001:db8::/32");
	ok(may(&hosts.nets, &local, "10.9.1.1"), "what Relay_Hosts names may relay");
	ok(may(&hosts.nets, &local, "2001:db8::7"), "IPv6 too");
	ok(may(&hosts.nets, &local, "::ffff:10.9.1.1"), "IPv4-mapped counts as IPv4");
	ok(!may(&hosts.nets, &local, "10.8.1.1"), "nobody else");
	ok(!may(&hosts.nets, &local, "127.0.0.1"), "not even loopback");
	ok(!may(&hosts.nets, &local, "192.0.2.1"), "nor the network of an interface");
	hosts.nets.local = true;
	ok(may(&hosts.nets, &local, "192.0.2.1"), "but with the word local");
	ok(!may(&hosts.nets, &local, "127.0.0.1"), "which is not loopback");
	hosts.nets.n = 0;
	hosts.nets.local = false;
	ok(!may(&hosts.nets, &local, "10.9.1.1"), "an empty list: nobody");
	hosts.nets.is_default = true;
	ok(may(&hosts.nets, &local, "10.9.1.1"),
	    "a list that is marked as the default is the default");
}

/* ---- rates ---- */

static void test_rate_burst(void)
{
	struct num_rate limit = { 3, 10 }, none = { 0, 0 };
	struct policy_rate r;

	policy_rate_init(&r);
	ok(policy_rate_take(&r, &limit, 1000) && policy_rate_take(&r, &limit, 1000) &&
		policy_rate_take(&r, &limit, 1001),
	    "three at once");
	ok(!policy_rate_take(&r, &limit, 1001), "not a fourth");
	is_num(policy_rate_free_at(&r, &limit, 1001), 11000, "it would be 10 s after the first");
	ok(!policy_rate_take(&r, &limit, 10999), "not a moment before");
	ok(policy_rate_take(&r, &limit, 11000), "but then");
	ok(policy_rate_take(&r, &limit, 11000), "and another");
	ok(!policy_rate_take(&r, &limit, 11000), "the third of the old ones still counts");
	ok(policy_rate_take(&r, &limit, 11001), "until its time");
	is_num(policy_rate_free_at(&r, &limit, 11001), 21000, "a refused one was not counted");
	policy_rate_untake(&r);
	ok(policy_rate_take(&r, &limit, 11001), "one that is given back is free again");
	ok(policy_rate_take(&r, &none, 11001), "no limit");
	is_num(policy_rate_free_at(&r, &none, 11001), 11001, "is never waited for");
	policy_rate_init(&r);
	policy_rate_untake(&r);
	is_num(
	    policy_rate_free_at(&r, &limit, 5), 5, "giving back what was not taken does nothing");
}

static void test_rate_few(void)
{
	struct num_rate limit = { POLICY_SPANS, 60 };
	struct policy_rate r;
	bool good = true;

	policy_rate_init(&r);
	for (unsigned i = 0; i < POLICY_SPANS; i++)
		good = good && policy_rate_take(&r, &limit, 1000 + 7000 * i);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t now = policy_rate_free_at(&r, &limit, 1000 + 7000 * i);

		good = good &&
		       now == 61000 + 60000 * (i / POLICY_SPANS) + 7000 * (i % POLICY_SPANS);
		good = good && !policy_rate_take(&r, &limit, now - 1) &&
		       policy_rate_take(&r, &limit, now);
	}
	ok(good, "a small limit is kept to the millisecond");
}

/*
 * Against a list of all that was let through: never more than N in a span of S seconds, for any
 * pattern of arrival; and who keeps below the rate is never refused.
 */
static void test_rate_promise(void)
{
	static uint64_t taken[200000];
	static const struct num_rate limits[] = { { 1, 1 }, { 2, 2 }, { 7, 3 }, { 30, 60 },
		{ 100, 60 }, { 2000, 86400 } };

	for (unsigned k = 0; k < sizeof(limits) / sizeof(limits[0]); k++) {
		const struct num_rate *limit = &limits[k];
		uint64_t now = 1, window = (uint64_t)limit->seconds * 1000;
		struct policy_rate r;
		bool strict = true, honest = true;
		unsigned n = 0, refused = 0;

		policy_rate_init(&r);
		for (unsigned i = 0; i < 100000 && n < 100000; i++) {
			uint64_t free_at = policy_rate_free_at(&r, limit, now);

			if (policy_rate_take(&r, limit, now)) {
				taken[n++] = now;
				honest = honest && free_at == now;
			} else {
				refused++;
				honest = honest && free_at > now;
			}
			if (n > limit->count)
				strict = strict &&
					 taken[n - 1] - taken[n - 1 - limit->count] >= window;
			now += next() % (4 * limit->count) == 0
				   ? next() % window
				   : next() % (window / limit->count + 1);
		}
		ok(strict, "never more than %u in any %u s", limit->count, limit->seconds);
		ok(honest, "%u/%u: free_at tells the truth", limit->count, limit->seconds);
		ok(refused > 100 && n > 1000, "%u/%u: %u let through, %u refused", limit->count,
		    limit->seconds, n, refused);
	}
}

static void test_rate_not_starved(void)
{
	struct num_rate limit = { 100, 60 };
	struct policy_rate r;
	unsigned n = 0;

	/* Twice the rate, evenly, for 20 minutes: what comes through is not far below the limit. */
	policy_rate_init(&r);
	for (uint64_t now = 0; now < 1200000; now += 300)
		n += policy_rate_take(&r, &limit, now);
	ok(n >= 1400 && n <= 2000, "a steady sender over the limit gets %u of 2000 through", n);

	/* At just below half of the rate nothing is refused. */
	policy_rate_init(&r);
	n = 0;
	for (uint64_t now = 0; now < 1200000; now += 1250)
		n += policy_rate_take(&r, &limit, now);
	is_num(n, 960, "a steady sender at half the limit gets all through");
}

/* ---- clients ---- */

#define PEERS 8

static struct policy_peer peer[PEERS];
static uint32_t bucket[PEERS];
static struct policy_peers t;
static struct policy_load load;

static void begin(void)
{
	memset(peer, 0x55, sizeof(peer));
	memset(bucket, 0, sizeof(bucket));
	policy_peers_init(&t, peer, bucket, PEERS, 12345);
	load = (struct policy_load){ .used = 0, .size = 1000 };
}

static enum policy_admission enter(const uint8_t a[16], uint32_t *who)
{
	return policy_enter(&t, a, &load, 1000, who);
}

static const uint8_t *numbered(unsigned i)
{
	static uint8_t a[16];

	memset(a, 0, sizeof(a));
	a[0] = 0xfd;
	a[14] = (uint8_t)(i >> 8);
	a[15] = (uint8_t)i;
	return a;
}

static void test_peer_sessions(void)
{
	uint32_t a, b, c, d;

	begin();
	load.peer_sessions = 2;
	is_num(enter(at("192.168.1.5"), &a), POLICY_ADMITTED, "a first session");
	is_num(enter(at("192.168.1.5"), &b), POLICY_ADMITTED, "a second");
	is_num(enter(at("192.168.1.5"), &c), POLICY_PEER_FULL, "not a third");
	is_num(c, POLICY_UNTRACKED, "which is not counted");
	is_num(enter(at("192.168.1.6"), &c), POLICY_ADMITTED, "another address");
	is_num(enter(at("::ffff:192.168.1.5"), &d), POLICY_PEER_FULL,
	    "the mapped form is the same one");
	is_num(policy_sessions(&t, at("192.168.1.5")), 2, "two are counted");
	policy_leave(&t, a);
	is_num(policy_sessions(&t, at("192.168.1.5")), 1, "one");
	is_num(enter(at("192.168.1.5"), &a), POLICY_ADMITTED, "when one has ended there is room");
	policy_leave(&t, a);
	policy_leave(&t, b);
	is_num(policy_sessions(&t, at("192.168.1.5")), 0, "none");
	policy_leave(&t, POLICY_UNTRACKED);
	is_num(policy_sessions(&t, at("192.168.1.6")), 1, "the other one is not touched");
	policy_leave(&t, c);
	load.peer_sessions = 0;
	for (unsigned i = 0; i < 100; i++)
		enter(at("fe80::1"), &a);
	is_num(policy_sessions(&t, at("fe80::1")), 100, "no limit is none");
	if (setjmp(bug) == 0) {
		policy_leave(&t, b);
		ok(false, "a session that ends twice is a bug");
	} else {
		ok(true, "a session that ends twice is a bug");
	}
}

static void test_last_eighth(void)
{
	uint32_t who;

	begin();
	load.size = 80;
	load.used = 69;
	is_num(enter(at("10.0.0.1"), &who), POLICY_ADMITTED, "70 of 80: anyone");
	is_num(enter(at("10.0.0.1"), &who), POLICY_ADMITTED, "a second session too");
	load.used = 70;
	is_num(enter(at("10.0.0.1"), &who), POLICY_POOL_FULL, "the last ten: not who holds one");
	is_num(enter(at("10.0.0.2"), &who), POLICY_ADMITTED, "but who holds none");
	is_num(enter(at("10.0.0.2"), &who), POLICY_POOL_FULL, "until it does");
	load.used = 79;
	is_num(enter(at("10.0.0.3"), &who), POLICY_ADMITTED, "down to the very last");
	load.used = 80;
	is_num(enter(at("10.0.0.4"), &who), POLICY_POOL_FULL, "none left");
	is_num(policy_sessions(&t, at("10.0.0.4")), 0, "nothing counted");
	load = (struct policy_load){ .used = 1, .size = 2 };
	is_num(enter(at("10.0.0.1"), &who), POLICY_ADMITTED, "a pool of two has no last eighth");
}

static void test_table_full(void)
{
	uint32_t who[PEERS + 1], other;

	begin();
	for (unsigned i = 0; i < PEERS; i++)
		enter(numbered(i), &who[i]);
	is_num(
	    enter(numbered(100), &other), POLICY_ADMITTED, "one more than the table has: served");
	is_num(other, POLICY_UNTRACKED, "but not tracked");
	load.used = 900;
	is_num(enter(numbered(100), &other), POLICY_POOL_FULL, "in the last eighth: not served");
	load.used = 0;
	policy_leave(&t, who[3]);
	is_num(enter(numbered(100), &other), POLICY_ADMITTED, "when one has no session any more");
	is_num(other, who[3], "its place is taken");
	is_num(policy_sessions(&t, numbered(100)), 1, "and counted");
	is_num(policy_sessions(&t, numbered(3)), 0, "the old one is forgotten");
	for (unsigned i = 0; i < PEERS; i++)
		if (i != 3)
			is_num(policy_sessions(&t, numbered(i)), 1, "client %u is still known", i);
}

static void test_throttle(void)
{
	struct num_rate limit = { 2, 60 }, none = { 0, 0 };
	uint32_t who, again;

	begin();
	enter(at("10.0.0.1"), &who);
	ok(policy_mail(&t, who, &limit, 1000), "a mail");
	ok(policy_mail(&t, who, &limit, 1000), "another");
	ok(!policy_mail(&t, who, &limit, 1000), "not a third");
	policy_leave(&t, who);
	enter(at("10.0.0.1"), &again);
	ok(!policy_mail(&t, again, &limit, 2000), "nor by a new session");
	ok(policy_mail(&t, again, &none, 2000), "where there is no limit it goes");
	ok(policy_mail(&t, again, &limit, 61000), "when the time has passed it does");
	ok(policy_mail(&t, POLICY_UNTRACKED, &limit, 1000),
	    "a client that is not tracked is let through");
	enter(at("10.0.0.2"), &who);
	ok(policy_mail(&t, who, &limit, 61000), "others have their own count");
}

static void test_throttled_is_kept(void)
{
	struct num_rate limit = { 2, 60 };
	uint32_t who, first;

	begin();
	enter(numbered(0), &first);
	policy_mail(&t, first, &limit, 1000);
	policy_mail(&t, first, &limit, 1000);
	policy_leave(&t, first);
	for (unsigned i = 1; i < 100; i++) {
		enter(numbered(i), &who);
		policy_mail(&t, who, &limit, 1000);
		policy_leave(&t, who);
	}
	enter(numbered(0), &who);
	is_num(who, first, "99 others later the one that is throttled is still known");
	ok(!policy_mail(&t, who, &limit, 1000), "and throttled");
	policy_leave(&t, who);

	/* All are throttled: the longest idle goes. */
	begin();
	for (unsigned i = 0; i < PEERS; i++) {
		enter(numbered(i), &who);
		policy_mail(&t, who, &limit, 1000);
		policy_mail(&t, who, &limit, 1000);
		policy_leave(&t, who);
	}
	enter(numbered(500), &who);
	ok(policy_mail(&t, who, &limit, 1000),
	    "where all are throttled a new client still gets a place");
	policy_leave(&t, who);
	enter(numbered(1), &who);
	ok(!policy_mail(&t, who, &limit, 1000), "the second longest idle is still throttled");
	policy_leave(&t, who);

	/* Time has passed: nobody is throttled, the order of going idle counts. */
	for (unsigned i = 600; i < 600 + PEERS; i++) {
		policy_enter(&t, numbered(i), &load, 100000, &who);
		policy_leave(&t, who);
	}
	policy_enter(&t, numbered(1), &load, 100000, &who);
	ok(policy_mail(&t, who, &limit, 1001), "a throttle that has run out protects nobody");
}

/* Against a plain list: random clients come and go, the counts always agree. */
static void test_random(void)
{
	enum { CLIENTS = 40, HELD = 60 };
	static uint32_t who[HELD], owner[HELD], sessions[CLIENTS];
	bool agree = true, seen_untracked = false;
	unsigned held = 0;

	begin();
	memset(sessions, 0, sizeof(sessions));
	for (unsigned i = 0; i < 200000; i++) {
		unsigned c = next() % CLIENTS;

		if (held < HELD && next() % 100 < 30 + (i / 1000) % 40) {
			if (enter(numbered(c), &who[held]) != POLICY_ADMITTED)
				agree = false;
			if (who[held] == POLICY_UNTRACKED)
				seen_untracked = true;
			else {
				sessions[c]++;
				owner[held++] = c;
			}
		} else if (held > 0) {
			unsigned k = next() % held;

			policy_leave(&t, who[k]);
			sessions[owner[k]]--;
			who[k] = who[--held];
			owner[k] = owner[held];
		}
		agree = agree && policy_sessions(&t, numbered(c)) == sessions[c];
	}
	ok(agree, "200,000 comings and goings: every count agrees");
	ok(seen_untracked, "the table was full at times");
}

/* A guesser that tries as soon as it may. */
static void test_guessing(void)
{
	static uint64_t tried[400];
	static const uint32_t delays[] = { 1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000, 8000,
		8000 };
	uint32_t who, other, n = 0;
	unsigned worst = 0;

	begin();
	enter(numbered(0), &who);
	enter(numbered(1), &other);
	for (unsigned i = 0; i < POLICY_LOGINS; i++) {
		ok(policy_may_login(&t, who, 5000), "try %u may be made", i + 1);
		is_num(policy_login_failed(&t, who, 5000), delays[i], "and is held back");
	}
	ok(!policy_may_login(&t, who, 5000), "the next may not");
	ok(policy_may_login(&t, other, 5000), "another client may");
	ok(!policy_may_login(&t, who, 5000 + POLICY_LOGIN_MS - 1), "nor a minute later, nearly");
	ok(policy_may_login(&t, who, 5000 + POLICY_LOGIN_MS), "then one is forgiven");
	is_num(policy_login_failed(&t, who, 5000 + POLICY_LOGIN_MS), 8000, "and used up");
	ok(!policy_may_login(&t, who, 5000 + POLICY_LOGIN_MS), "alone");
	is_num(policy_login_failed(&t, who, 5000000), 1000, "an hour later all are forgiven");
	ok(policy_may_login(&t, POLICY_UNTRACKED, 0), "who is not tracked may");
	is_num(policy_login_failed(&t, POLICY_UNTRACKED, 0), POLICY_LOGIN_DELAY,
	    "and waits the longest");

	begin();
	enter(numbered(0), &who);
	for (uint64_t now = 0; now < 3600000; now += 1000) {
		if (!policy_may_login(&t, who, now))
			continue;
		policy_login_failed(&t, who, now);
		tried[n++] = now;
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned k = i;

		while (k < n && tried[k] - tried[i] < 600000)
			k++;
		worst = k - i > worst ? k - i : worst;
	}
	ok(worst <= 20, "the worst ten minutes of an hour see %u tries", worst);
	ok(n >= 60, "a person is not locked out: %u in the hour", n);
}

static void test_guesser_is_kept(void)
{
	uint32_t who, first;

	begin();
	enter(numbered(0), &first);
	policy_login_failed(&t, first, 1000);
	policy_leave(&t, first);
	for (unsigned i = 1; i < 100; i++) {
		enter(numbered(i), &who);
		policy_leave(&t, who);
	}
	enter(numbered(0), &who);
	is_num(who, first, "99 others later the one that guessed is still known");
	is_num(policy_login_failed(&t, who, 1000), 2000, "and what it did");
}

int main(void)
{
	test_guessing();
	test_guesser_is_kept();
	test_default();
	test_relay_hosts();
	test_rate_burst();
	test_rate_few();
	test_rate_promise();
	test_rate_not_starved();
	test_peer_sessions();
	test_last_eighth();
	test_table_full();
	test_throttle();
	test_throttled_is_kept();
	test_random();
	return done();
}
