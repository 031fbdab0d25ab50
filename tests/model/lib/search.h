/* SPDX-License-Identifier: ISC */
/* For models: an exhaustive search. From a first state every event is tried in every state, breadth first, until no new state
 * appears. States are compared octet by octet, so the world is cleared before it is filled. */
#ifndef TESTS_MODEL_SEARCH_H
#define TESTS_MODEL_SEARCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promise.h"

struct search_step {
	uint32_t from;
	uint8_t event, arg;
};

struct search {
	size_t size;          /* of a state, in octets */
	uint32_t most;        /* states, a power of two */
	unsigned events, args; /* each event is tried with each of 0 … args - 1 */
	/* From before to after by this event; false: it cannot happen now. A broken promise does not return. */
	bool (*step)(const void *before, void *after, unsigned event, unsigned arg);
	/* Prints one line: this event, in this state. */
	void (*show)(const void *state, unsigned event, unsigned arg);
	uint8_t *seen;
	struct search_step *how;
	uint32_t *table, n;
	uint64_t steps;
};

static bool search_begin(struct search *s)
{
	s->seen = calloc(s->most, s->size);
	s->how = calloc(s->most, sizeof(*s->how));
	s->table = calloc(2 * (size_t)s->most, sizeof(*s->table));
	return s->seen && s->how && s->table;
}

static void search_end(struct search *s)
{
	free(s->seen);
	free(s->how);
	free(s->table);
}

static const void *search_state(const struct search *s, uint32_t number)
{
	return s->seen + number * s->size;
}

static void search_add(struct search *s, const void *state, uint32_t from, unsigned event, unsigned arg)
{
	const uint8_t *octets = state;
	uint32_t at = 2166136261u;

	for (size_t i = 0; i < s->size; i++)
		at = (at ^ octets[i]) * 16777619u;
	for (at &= 2 * s->most - 1; s->table[at]; at = (at + 1) & (2 * s->most - 1))
		if (memcmp(search_state(s, s->table[at] - 1), state, s->size) == 0)
			return;
	if (s->n >= s->most)
		return;
	memcpy(s->seen + s->n * s->size, state, s->size);
	s->how[s->n] = (struct search_step){.from = from, .event = (uint8_t)event, .arg = (uint8_t)arg};
	s->table[at] = ++s->n;
}

static void search_path(const struct search *s, uint32_t number, unsigned event, unsigned arg)
{
	if (s->how[number].from != UINT32_MAX)
		search_path(s, s->how[number].from, s->how[number].event, s->how[number].arg);
	s->show(search_state(s, number), event, arg);
}

/* From this first state everything; true if no promise was broken. loud: prints how one was. next: room for a state. */
static bool search_run(struct search *s, const void *first, void *next, bool loud)
{
	static volatile uint32_t at;
	static volatile unsigned event, arg;

	s->n = 0;
	s->steps = 0;
	memset(s->table, 0, 2 * (size_t)s->most * sizeof(*s->table));
	search_add(s, first, UINT32_MAX, 0, 0);
	if (setjmp(broken)) {
		if (loud) {
			printf("# %s, after:\n", why);
			search_path(s, at, event, arg);
		}
		return false;
	}
	for (at = 0; at < s->n; at++)
		for (event = 0; event < s->events; event++)
			for (arg = 0; arg < s->args; arg++) {
				if (!s->step(search_state(s, at), next, event, arg))
					continue;
				s->steps++;
				search_add(s, next, at, event, arg);
			}
	return true;
}

/* For seeded bugs: in a list of n actions, each "from" becomes "to", or goes where that is negative. */
static void search_change(uint8_t *action, uint8_t *n, unsigned from, int to)
{
	uint8_t kept = 0;

	for (unsigned i = 0; i < *n; i++) {
		if (action[i] != from)
			action[kept++] = action[i];
		else if (to >= 0)
			action[kept++] = (uint8_t)to;
	}
	*n = kept;
}

#endif
