/* SPDX-License-Identifier: ISC */
#include "relay/health.h"

#include "base/timer.h"

#include <string.h>

#define WAIT_LEAST_MS 1000u

void health_init(struct health *h)
{
	memset(h, 0, sizeof(*h));
	h->state = HEALTH_UNKNOWN;
}

static void set_reason(struct health *h, struct bytes reason)
{
	size_t n = reason.n < sizeof(h->reason) ? reason.n : sizeof(h->reason) - 1;

	for (size_t i = 0; i < n; i++)
		h->reason[i] = reason.p[i] >= 32 && reason.p[i] <= 126 ? (char)reason.p[i] : '?';
	h->reason[n] = '\0';
}

static void wait_for_probe(struct health *h, uint64_t now_ms, uint64_t wait_ms, uint64_t max_ms)
{
	if (wait_ms > max_ms)
		wait_ms = max_ms;
	if (wait_ms < WAIT_LEAST_MS)
		wait_ms = WAIT_LEAST_MS;
	h->wait_ms = wait_ms;
	h->probe_at_ms = now_ms + wait_ms;
	h->probing = false;
}

void health_failed(
    struct health *h, uint64_t now_ms, uint64_t wall, uint64_t retry_max_ms, struct bytes reason)
{
	set_reason(h, reason);
	if (h->state == HEALTH_DOWN)
		return;
	h->state = HEALTH_DOWN;
	h->since = wall;
	wait_for_probe(h, now_ms, HEALTH_FIRST_PROBE_MS, retry_max_ms);
}

uint64_t health_probe_at(const struct health *h)
{
	return h->state == HEALTH_DOWN && !h->probing ? h->probe_at_ms : TIMER_NEVER;
}

void health_probe_begin(struct health *h)
{
	h->probing = h->state == HEALTH_DOWN;
}

void health_probe_failed(
    struct health *h, uint64_t now_ms, uint64_t retry_max_ms, struct bytes reason)
{
	if (h->state != HEALTH_DOWN)
		return;
	set_reason(h, reason);
	if (h->login_wait_ms) /* when it is back it shall not be asked sooner */
		retry_max_ms = h->login_wait_ms;
	wait_for_probe(h, now_ms, 2 * h->wait_ms, retry_max_ms);
}

void health_login_refused(struct health *h, uint64_t now_ms, uint64_t wall, struct bytes reason)
{
	set_reason(h, reason);
	if (h->state == HEALTH_DOWN && h->login_wait_ms && !h->probing)
		return; /* one that was under way at the same time */
	if (h->state != HEALTH_DOWN || !h->login_wait_ms)
		h->since = wall;
	h->state = HEALTH_DOWN;
	h->login_wait_ms = h->login_wait_ms ? 2 * h->login_wait_ms : HEALTH_LOGIN_MS;
	if (h->login_wait_ms > HEALTH_LOGIN_MAX_MS)
		h->login_wait_ms = HEALTH_LOGIN_MAX_MS;
	wait_for_probe(h, now_ms, h->login_wait_ms, h->login_wait_ms);
}

void health_ok(struct health *h, uint64_t wall)
{
	if (h->state != HEALTH_UP)
		h->since = wall;
	h->state = HEALTH_UP;
	h->probing = false;
	h->login_wait_ms = 0;
	h->reason[0] = '\0';
}

void health_accepted(struct health *h)
{
	h->accepted_once = true;
}

bool health_is_down(const struct health *h)
{
	return h->state == HEALTH_DOWN;
}

const char *health_name(const struct health *h)
{
	switch ((enum health_state)h->state) {
	case HEALTH_UP:
		return "up";
	case HEALTH_DOWN:
		return "down";
	case HEALTH_UNKNOWN:
		break;
	}
	return "unknown";
}
