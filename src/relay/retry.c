/* SPDX-License-Identifier: ISC */
#include "relay/retry.h"

static uint32_t longest(const struct retry_options *o)
{
	return o->interval_max_s > o->interval_s ? o->interval_max_s : o->interval_s;
}

uint32_t retry_wait_s(const struct retry_options *o, uint32_t tries, uint32_t random)
{
	uint32_t most = longest(o), wait = o->interval_s;

	while (tries > 1 && wait < most) {
		wait = wait > most / 2 ? most : wait * 2;
		tries--;
	}
	if (wait > UINT32_MAX - UINT32_MAX / 8)
		return wait;
	return wait + (uint32_t)((uint64_t)random * (wait / 8 + 1) >> 32);
}

int32_t retry_since(uint64_t stamp, uint64_t wall, uint32_t now_s)
{
	int64_t since = now_s;

	if (wall == 0)
		return RETRY_UNCOUNTED;
	if (stamp != 0 && stamp < wall) {
		uint64_t age = wall - stamp;

		since -= age < INT32_MAX ? (int64_t)age : INT32_MAX;
	}
	if (since >= RETRY_UNCOUNTED)
		since = RETRY_UNCOUNTED - 1;
	return (int32_t)since;
}

bool retry_is_expired(
    const struct retry_options *o, int32_t since, uint32_t taken_s, uint32_t now_s)
{
	uint32_t grace = longest(o);

	if (o->expiration_s == 0 || since == RETRY_UNCOUNTED)
		return false;
	if (since < (int64_t)taken_s && now_s - taken_s < grace &&
	    now_s - taken_s < o->expiration_s)
		return false;
	return (int64_t)now_s - since >= (int64_t)o->expiration_s;
}
