/* SPDX-License-Identifier: ISC */
#include "relay/route.h"

#include "base/bug.h"

unsigned route_pick(const struct conf_routes *routes, uint32_t turn, unsigned i)
{
	unsigned first = i, behind = i;

	if (i >= routes->n)
		gp_bug("route_pick: no such route");
	while (first > 0 && routes->route[first - 1].pref == routes->route[i].pref)
		first--;
	while (behind < routes->n && routes->route[behind].pref == routes->route[i].pref)
		behind++;
	return first + (i - first + turn % (behind - first)) % (behind - first);
}

void route_failed(struct route_addr *addr, uint64_t now_ms)
{
	addr->failed = true;
	addr->failed_at_ms = now_ms;
}

void route_worked(struct route_addr *addr)
{
	addr->failed = false;
}

static bool is_suspect(const struct route_addr *addr, uint64_t now_ms, uint64_t retry_ms)
{
	return addr->failed && now_ms - addr->failed_at_ms < retry_ms;
}

unsigned route_order(
    const struct route_addr *list, unsigned n, uint64_t now_ms, uint64_t retry_ms, uint8_t *order)
{
	unsigned good = 0, at;

	if (n > ROUTE_ADDRS)
		gp_bug("route_order: too many addresses");
	for (unsigned i = 0; i < n; i++)
		if (!is_suspect(&list[i], now_ms, retry_ms))
			order[good++] = (uint8_t)i;
	at = good;
	for (unsigned i = 0; i < n; i++)
		if (is_suspect(&list[i], now_ms, retry_ms))
			order[at++] = (uint8_t)i;
	return good;
}

bool route_prohibited(const struct inet_addr *a, const struct inet_net *nets, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (inet_in_net(a->a, &nets[i]))
			return true;
	return false;
}

/* Does a listener on the wildcard address `any` take connections to `to`? :: takes IPv4 too. */
static bool any_covers(const struct inet_addr *any, const struct inet_addr *to)
{
	return inet_is_v4(to->a) || !inet_is_v4(any->a);
}

bool route_is_self(const struct inet_addr *to, const struct inet_addr *listener,
    const struct inet_addr *own, unsigned n)
{
	if (to->port != listener->port)
		return false;
	if (!inet_is_any(listener->a))
		return inet_same(to->a, listener->a) ||
		       (inet_is_any(to->a) && inet_is_loopback(listener->a));
	if (!any_covers(listener, to))
		return false;
	if (inet_is_loopback(to->a) || inet_is_any(to->a))
		return true;
	for (unsigned i = 0; i < n; i++)
		if (inet_same(to->a, own[i].a))
			return true;
	return false;
}
