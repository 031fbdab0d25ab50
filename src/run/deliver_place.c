/* SPDX-License-Identifier: ISC */
/* Whether a gateway can have a mail of the spool now, and who waits for which. */
#include "run/deliver_part.h"

/* Half of what they share with the mail of clients. */
#define PLACES_OF_CONNECTIONS ((CONFIG_GATEWAY_CONNECTIONS + 1u) / 2)
#define PLACES_OF_BLOCKS      ((LIMIT_SPOOL_BLOCKS + 1u) / 2)

/* Entries wait for these: see tee_block. */
static bool blocked[CONFIG_GATEWAYS];

unsigned delivery_places(void)
{
	unsigned n = CONFIG_DELIVERIES;

	n = n < PLACES_OF_CONNECTIONS ? n : PLACES_OF_CONNECTIONS;
	return n < PLACES_OF_BLOCKS ? n : PLACES_OF_BLOCKS;
}

/* No gateway gets more than half of what the others leave free. */
static bool has_place(const struct gateway *g, const struct conf_sending *s)
{
	uint32_t busy = g->connections - gateway_idle_count(g), most = s->max_outbound_connections;
	unsigned mine = 0, others = 0, share;
	const struct delivery *d;
	uint64_t free_at;

	for (unsigned i = 0; (d = delivery_at(i)) != NULL; i++) {
		if (d->state == DELIVER_SEND && d->leg.gateway == g)
			mine++;
		else if (d->state == DELIVER_SEND)
			others++;
	}
	share = others < delivery_places() ? (delivery_places() - others + 1) / 2 : 1;
	if (most > 1)
		most--; /* one is for clients */
	if (mine >= share || (most && busy >= most))
		return false;
	free_at = policy_rate_free_at(&g->rate, &s->outbound_throttle_messages, loop_now());
	if (free_at <= loop_now())
		return true;
	delivery_look_in(free_at - loop_now());
	return false;
}

/*
 * The first gateway of s that is up; *down: there is none. NULL: one of which nothing is known yet,
 * or none at all.
 */
static struct gateway *first_up(const struct conf_sending *s, bool *down)
{
	*down = false;
	for (uint32_t i = 0; i < s->routes->n; i++) {
		struct gateway *g = gateway_find(&s->routes->route[i], s);

		if (!g || !health_is_down(&g->health))
			return g;
	}
	*down = true;
	return gateway_find(&s->routes->route[0], s);
}

bool delivery_must_wait(const struct conf_sending *s, struct gateway **g, bool *down)
{
	*g = first_up(s, down);
	return *g && (*down || !has_place(*g, s));
}

void delivery_unblock(void)
{
	for (unsigned i = 0; i < CONFIG_GATEWAYS; i++) {
		struct gateway *g;
		bool down;

		if (!blocked[i])
			continue;
		g = gateway_numbered(i);
		if (g && delivery_must_wait(&g->sending, &g, &down))
			continue;
		blocked[i] = false;
		tee_block((uint16_t)(i + 1), false);
	}
}

void delivery_wait_for(struct delivery *d, const struct gateway *g)
{
	unsigned i = gateway_index(g);

	if (d->doubt)
		return; /* not before its time */
	d->tee.gateway = (uint16_t)(i + 1);
	blocked[i] = true;
	tee_block(d->tee.gateway, true);
}
