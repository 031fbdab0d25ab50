/* SPDX-License-Identifier: ISC */
#include "relay/route.h"

#include "base/bug.h"
#include "tap.h"

#include <stdlib.h>

TAP_GP_BUG

static struct inet_addr addr(const char *text, uint16_t port)
{
	struct inet_addr a;

	if (!inet_parse_addr(bytes_of(text), &a))
		printf("Bail out! bad address %s\n", text);
	a.port = port;
	return a;
}

static struct inet_net net(const char *text)
{
	struct inet_net n;
	bool host_bits;

	if (!inet_parse_net(bytes_of(text), &n, &host_bits))
		printf("Bail out! bad block %s\n", text);
	return n;
}

/* ---- routes ---- */

static struct conf_routes *routes_of(const uint32_t *pref, unsigned n)
{
	struct conf_routes *r = calloc(1, sizeof(*r) + n * sizeof(r->route[0]));

	if (r == NULL)
		abort();
	r->n = n;
	for (unsigned i = 0; i < n; i++)
		r->route[i].pref = pref[i];
	return r;
}

/* The order in which the routes are tried, as digits. */
static const char *order_of(const struct conf_routes *r, uint32_t turn)
{
	static char text[32];

	for (unsigned i = 0; i < r->n; i++)
		text[i] = (char)('0' + route_pick(r, turn, i));
	text[r->n] = '\0';
	return text;
}

static void test_pick(void)
{
	static const uint32_t falling[] = { 1, 2, 3 }, equal[] = { 7, 7, 7 },
			      mixed[] = { 1, 5, 5, 5, 9, 9 }, single[] = { 0 };
	struct conf_routes *r = routes_of(falling, 3);

	is_str(order_of(r, 0), "012", "routes of different preference keep their order");
	is_str(order_of(r, 5), "012", "whatever the turn");
	free(r);
	r = routes_of(equal, 3);
	is_str(order_of(r, 0), "012", "equal ones take turns: first");
	is_str(order_of(r, 1), "120", "second");
	is_str(order_of(r, 2), "201", "third");
	is_str(order_of(r, 3), "012", "first again");
	free(r);
	r = routes_of(mixed, 6);
	is_str(order_of(r, 0), "012345", "groups of equal ones, each within its place");
	is_str(order_of(r, 1), "023154", "turn by themselves");
	is_str(order_of(r, UINT32_MAX), "012354", "the turn may run to its end");
	free(r);
	r = routes_of(single, 1);
	is_str(order_of(r, 41), "0", "a single gateway");
	free(r);
}

/* Over many turns each of k equal routes is first equally often, and each order is complete. */
static void test_pick_fair(void)
{
	static const uint32_t pref[] = { 3, 3, 3, 3, 8, 8, 8 };
	struct conf_routes *r = routes_of(pref, 7);
	unsigned first[7] = { 0 };
	bool complete = true;

	for (uint32_t turn = 0; turn < 1200; turn++) {
		unsigned seen = 0;

		for (unsigned i = 0; i < 7; i++)
			seen |= 1u << route_pick(r, turn, i);
		complete = complete && seen == 0x7f;
		first[route_pick(r, turn, 0)]++;
	}
	ok(complete, "every route comes once in each order");
	ok(first[0] == 300 && first[1] == 300 && first[2] == 300 && first[3] == 300,
	    "equal routes are first equally often");
	free(r);
}

/* ---- addresses ---- */

#define NOW   1000000u
#define RETRY 60000u

static void test_order(void)
{
	struct route_addr list[4];
	uint8_t order[4];

	memset(list, 0, sizeof(list));
	is_num(route_order(list, 4, NOW, RETRY, order), 4, "none has failed");
	is_bytes(((struct bytes){ order, 4 }), ((struct bytes){ (const uint8_t *)"\0\1\2\3", 4 }),
	    "they are tried in the order given");
	route_failed(&list[0], NOW);
	route_failed(&list[2], NOW - 10);
	is_num(route_order(list, 4, NOW, RETRY, order), 2, "two have failed");
	is_bytes(((struct bytes){ order, 4 }), ((struct bytes){ (const uint8_t *)"\1\3\0\2", 4 }),
	    "they come last, in the order given");
	route_order(list, 4, NOW + RETRY - 1, RETRY, order);
	is_bytes(((struct bytes){ order, 4 }), ((struct bytes){ (const uint8_t *)"\1\2\3\0", 4 }),
	    "each until its time has passed");
	is_num(route_order(list, 4, NOW + RETRY, RETRY, order), 4, "then none has");
	is_num(order[0], 0, "and the first is first again");
	route_worked(&list[0]);
	route_order(list, 4, NOW, RETRY, order);
	is_bytes(((struct bytes){ order, 4 }), ((struct bytes){ (const uint8_t *)"\0\1\3\2", 4 }),
	    "or until it has worked");
	is_num(route_order(list, 0, NOW, RETRY, order), 0, "no address at all");
	for (unsigned i = 0; i < 4; i++)
		route_failed(&list[i], NOW);
	is_num(route_order(list, 4, NOW + 1, RETRY, order), 0, "all have failed");
	is_bytes(((struct bytes){ order, 4 }), ((struct bytes){ (const uint8_t *)"\0\1\2\3", 4 }),
	    "all are tried, in the order given");
}

static void test_prohibited(void)
{
	struct inet_net nets[] = { net("127.0.0.0/8"), net("fe80::/10"), net("192.0.2.7") };
	struct inet_addr a = addr("127.1.2.3", 25), b = addr("192.0.2.8", 25),
			 c = addr("[fe80::1]", 25), d = addr("::ffff:192.0.2.7", 25);

	ok(route_prohibited(&a, nets, 3), "in the first block");
	ok(!route_prohibited(&b, nets, 3), "in none");
	ok(route_prohibited(&c, nets, 3), "IPv6");
	ok(route_prohibited(&d, nets, 3), "IPv4-mapped counts as IPv4");
	ok(!route_prohibited(&a, nets, 0), "no blocks");
}

static void test_self(void)
{
	struct inet_addr own[] = { addr("192.0.2.1", 0), addr("2001:db8::1", 0) };
	static const struct {
		const char *name, *to;
		uint16_t port;
		const char *listener;
		bool self;
	} cases[] = {
		{ "the very address", "192.0.2.5", 25, "192.0.2.5", true },
		{ "another port", "192.0.2.5", 26, "192.0.2.5", false },
		{ "another address", "192.0.2.6", 25, "192.0.2.5", false },
		{ "loopback, all of IPv4", "127.0.0.1", 25, "0.0.0.0", true },
		{ "any loopback", "127.8.8.8", 25, "0.0.0.0", true },
		{ "an own address, all of IPv4", "192.0.2.1", 25, "0.0.0.0", true },
		{ "a foreign address, all of IPv4", "192.0.2.2", 25, "0.0.0.0", false },
		{ "IPv6, only IPv4 is listened on", "::1", 25, "0.0.0.0", false },
		{ "loopback, all of IPv6", "::1", 25, "::", true },
		{ "IPv4, all of IPv6", "127.0.0.1", 25, "::", true },
		{ "an own IPv6 address", "2001:db8::1", 25, "::", true },
		{ "a foreign IPv6 address", "2001:db8::2", 25, "::", false },
		{ "0.0.0.0 means this box", "0.0.0.0", 25, "0.0.0.0", true },
		{ "0.0.0.0 reaches loopback", "0.0.0.0", 25, "127.0.0.1", true },
		{ "all of IPv4, another port", "127.0.0.1", 2525, "0.0.0.0", false },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct inet_addr to = addr(cases[i].to, cases[i].port);
		struct inet_addr listener = addr(cases[i].listener, 25);

		is_num(route_is_self(&to, &listener, own, 2), cases[i].self, "%s", cases[i].name);
	}
}

int main(void)
{
	test_pick();
	test_pick_fair();
	test_order();
	test_prohibited();
	test_self();
	return done();
}
