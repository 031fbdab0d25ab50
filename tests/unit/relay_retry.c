/* SPDX-License-Identifier: ISC */
#include "relay/retry.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

#define DAY  86400u
#define TODAY 1795618449u

static const struct retry_options usual = { 60, 3600, 4 * DAY };

static void waits(void)
{
	static const uint32_t want[] = { 60, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600 };
	struct retry_options o = usual;
	uint32_t low = UINT32_MAX, high = 0, random = 1;

	for (uint32_t tries = 0; tries < sizeof(want) / sizeof(want[0]); tries++)
		is_num(retry_wait_s(&o, tries, 0), want[tries], "after try %u", tries);
	is_num(retry_wait_s(&o, UINT32_MAX, 0), 3600, "after very many");
	is_num(retry_wait_s(&o, 1, UINT32_MAX), 67, "at most an eighth more");
	is_num(retry_wait_s(&o, 50, UINT32_MAX), 4050, "… of the longest too");
	for (unsigned i = 0; i < 10000; i++) {
		uint32_t wait = retry_wait_s(&o, 3, random);

		random = random * 1664525 + 1013904223;
		low = wait < low ? wait : low;
		high = wait > high ? wait : high;
	}
	ok(low == 240 && high == 270, "jitter reaches from %u to %u", low, high);
	o = (struct retry_options){ 600, 60, 0 };
	is_num(retry_wait_s(&o, 9, 0), 600, "Max_Retry_Interval below Retry_Interval");
	o = (struct retry_options){ 1, UINT32_MAX, 0 };
	is_num(retry_wait_s(&o, 40, UINT32_MAX), UINT32_MAX, "no overflow");
}

static bool expired(uint64_t stamp, uint64_t wall, uint32_t taken, uint32_t now)
{
	return retry_is_expired(&usual, retry_since(stamp, wall, taken), taken, now);
}

static void expiry(void)
{
	uint32_t up = 1000;

	ok(!expired(TODAY, TODAY, up, up + 4 * DAY - 1), "a second before four days");
	ok(expired(TODAY, TODAY, up, up + 4 * DAY), "four days");
	ok(!expired(TODAY - 3 * DAY, TODAY, up, up + DAY - 1), "three of them before the start");
	ok(expired(TODAY - 3 * DAY, TODAY, up, up + DAY), "… and one more");
	ok(!expired(0, 0, up, up + 40 * DAY), "the clock was never set");
	ok(!expired(0, TODAY, up, up + 4 * DAY - 1), "it counts from when the clock was set");
	ok(expired(0, TODAY, up, up + 4 * DAY), "… to its end");
	ok(!expired(TODAY + 9 * DAY, TODAY, up, up + 4 * DAY - 1), "a clock that went back");
	ok(expired(TODAY + 9 * DAY, TODAY, up, up + 4 * DAY), "… keeps nothing for ever");
	ok(!retry_is_expired(&(struct retry_options){ 60, 3600, 0 }, -99999, 0, 5 * DAY),
	    "no expiry");
}

/* 1970 -> today, and a clock that was years off. */
static void jumps(void)
{
	int32_t since = retry_since(0, 0, 50);

	is_num(since, RETRY_UNCOUNTED, "came at the start, in 1970");
	since = retry_since(0, TODAY, 90);
	is_num(since, 90, "the clock is set: its age is 0");
	ok(!retry_is_expired(&usual, since, 90, 91), "not expired by that");
	since = retry_since(TODAY, TODAY, 100);
	ok(!retry_is_expired(&usual, since, 100, 200), "a jump of years while it is here is not seen");
	since = retry_since(TODAY, TODAY + 900 * DAY, 100);
	ok(!retry_is_expired(&usual, since, 100, 100 + 3599),
	    "a jump between two starts leaves it Max_Retry_Interval");
	ok(retry_is_expired(&usual, since, 100, 100 + 3600), "… and no more");
	since = retry_since(1, UINT64_MAX, 0);
	ok(since < 0 && retry_is_expired(&usual, since, 0, 3600), "no overflow");
	is_num(retry_since(0, TODAY, UINT32_MAX), RETRY_UNCOUNTED - 1, "nor after 68 years up");
}

int main(void)
{
	waits();
	expiry();
	jumps();
	return done();
}
