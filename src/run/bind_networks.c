/* SPDX-License-Identifier: ISC */
#include "run/bind.h"

#include "io/ifaces.h"
#include "io/sockaddr.h"

#include <string.h>

/* First which interfaces are listened on, then their networks. */
struct networks {
	const struct bind_set *set;
	struct inet_net *out;
	unsigned max, n;
	bool all; /* interfaces */
	unsigned interfaces;
	uint32_t interface[BIND_MAX];
};

static bool networks_has(const struct networks *w, uint32_t index)
{
	for (unsigned i = 0; i < w->interfaces; i++) {
		if (w->interface[i] == index)
			return true;
	}
	return w->all;
}

static void networks_interface(struct networks *w, uint32_t index)
{
	if (index != 0 && w->interfaces < BIND_MAX && !networks_has(w, index))
		w->interface[w->interfaces++] = index;
}

/* The interface whose address is listened on. */
static bool networks_owner(void *ctx, const struct iface_addr *addr)
{
	struct networks *w = ctx;

	const struct bind_set *set = w->set;

	for (const struct bound *b = set->bound; b < set->bound + set->n; b++) {
		if (b->kind == CONF_LISTEN_ADDRESS && b->asked.zone[0] == '\0' &&
		    inet_same(b->asked.a, addr->a))
			networks_interface(w, addr->index);
	}
	return true;
}

static void networks_insert(struct networks *w, const struct inet_net *net)
{
	unsigned at = 0;
	int order = -1; /* of the one at `at` to net: all of its octets count */

	while (at < w->n && (order = memcmp(&w->out[at], net, sizeof(*net))) < 0)
		at++;
	if (order == 0 || w->n == w->max)
		return;
	memmove(&w->out[at + 1], &w->out[at], (w->n - at) * sizeof(*net));
	w->out[at] = *net;
	w->n++;
}

static bool networks_collect(void *ctx, const struct iface_addr *addr)
{
	struct networks *w = ctx;
	struct inet_net net = {.bits = addr->bits};

	if (!networks_has(w, addr->index) || addr->bits > 128)
		return true;
	memcpy(net.a, addr->a, sizeof(net.a));
	for (unsigned bit = addr->bits; bit < 128; bit++)
		net.a[bit / 8] &= (uint8_t)~(0x80u >> bit % 8);
	networks_insert(w, &net);
	return true;
}

unsigned bind_networks(const struct bind_set *set, struct inet_net *out, unsigned max)
{
	struct networks w = {.set = set, .out = out, .max = max};

	for (const struct bound *b = set->bound; b < set->bound + set->n; b++) {
		switch ((enum conf_listen_kind)b->kind) {
		case CONF_LISTEN_ANY:
		case CONF_LISTEN_ANY_V4:
		case CONF_LISTEN_ANY_V6:
			w.all = true;
			break;
		case CONF_LISTEN_ADDRESS:
			networks_interface(&w, sockaddr_zone(b->asked.zone));
			break;
		case CONF_LISTEN_INTERFACE:
			networks_interface(&w, sockaddr_zone(b->name));
			break;
		case CONF_LISTEN_UNIX:
			break;
		}
	}
	ifaces_walk(networks_owner, &w);
	ifaces_walk(networks_collect, &w);
	return w.n;
}

bool bind_moved(const struct bind_set *set)
{
	for (const struct bound *b = set->bound; b < set->bound + set->n; b++) {
		uint32_t now;

		if (b->kind != CONF_LISTEN_INTERFACE)
			continue;
		now = sockaddr_zone(b->name);
		if (now != 0 && now != b->interface)
			return true;
	}
	return false;
}
