/* SPDX-License-Identifier: ISC */
#include "relay/health.h"

#include "base/bug.h"
#include "base/timer.h"
#include "tap.h"

TAP_GP_BUG

#define MAX 60000u

static struct health h;

static void down(uint64_t now)
{
	health_failed(&h, now, 5000, MAX, BYTES("no connection"));
}

static void test_unknown(void)
{
	health_init(&h);
	ok(!health_is_down(&h), "at first it is not down");
	is_str(health_name(&h), "unknown", "nor known to work");
	ok(health_probe_at(&h) == TIMER_NEVER, "nothing is to be probed");
	ok(!h.accepted_once, "it has accepted nothing");
	health_ok(&h, 4711);
	is_str(health_name(&h), "up", "it works");
	is_num(h.since, 4711, "since then");
	health_ok(&h, 4800);
	is_num(h.since, 4711, "a second success does not change since when");
	ok(!h.accepted_once, "EHLO alone does not end day one");
	health_accepted(&h);
	ok(h.accepted_once, "MAIL or a login does");
}

static void test_probes(void)
{
	static const uint64_t waits[] = { 4000, 8000, 16000, 32000, 60000, 60000 };
	uint64_t now = 100000;
	bool good = true;

	health_init(&h);
	down(now);
	ok(health_is_down(&h), "down");
	is_str(health_name(&h), "down", "called so");
	is_num(h.since, 5000, "since then");
	is_str(h.reason, "no connection", "with the reason");
	is_num(health_probe_at(&h) - now, 2000, "first probe after 2 s");
	for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		now = health_probe_at(&h);
		health_probe_begin(&h);
		good = good && health_probe_at(&h) == TIMER_NEVER;
		now += 3000; /* the probe takes its time */
		health_probe_failed(&h, now, MAX, BYTES("timed out"));
		good = good && health_probe_at(&h) == now + waits[i];
	}
	ok(good,
	    "each failed probe doubles the wait, up to Host_Failure_Retry, one probe at a time");
	is_str(h.reason, "timed out", "the newest reason is kept");
	is_num(h.since, 5000, "it is down since the first failure");
	health_probe_begin(&h);
	health_ok(&h, 9000);
	ok(!health_is_down(&h), "a probe that works ends it");
	is_num(h.since, 9000, "since then it is up");
	is_str(h.reason, "", "without a reason");
	ok(health_probe_at(&h) == TIMER_NEVER, "and without probes");
	down(now);
	is_num(health_probe_at(&h) - now, 2000, "the next time begins with 2 s again");
}

static void test_failed_while_down(void)
{
	health_init(&h);
	down(100000);
	health_failed(&h, 101000, 6000, MAX, BYTES("refused"));
	is_num(health_probe_at(&h), 102000, "mails that fail meanwhile do not put the probe off");
	is_num(h.since, 5000, "nor change since when");
	is_str(h.reason, "refused", "but the reason is the newest");
	health_probe_begin(&h);
	health_failed(&h, 102500, 6000, MAX, BYTES("refused"));
	ok(health_probe_at(&h) == TIMER_NEVER, "nor do they start a second probe");
}

static void test_late_probe(void)
{
	health_init(&h);
	down(100000);
	health_probe_begin(&h);
	health_ok(&h, 7000); /* by a mail that was under way */
	health_probe_failed(&h, 103000, MAX, BYTES("lost"));
	ok(!health_is_down(&h), "a probe that fails after a mail has worked changes nothing");
	is_str(h.reason, "", "not the reason either");
	health_probe_begin(&h);
	ok(health_probe_at(&h) == TIMER_NEVER, "nothing to probe while up");
	down(200000);
	is_num(health_probe_at(&h), 202000, "a probe begun while up is no obstacle later");
}

static void test_bounds(void)
{
	static uint8_t text[300];
	bool good = true;

	health_init(&h);
	health_failed(&h, 1000, 5, 1500, BYTES("x"));
	is_num(health_probe_at(&h), 2500, "a Host_Failure_Retry below 2 s counts at once");
	health_init(&h);
	health_failed(&h, 1000, 5, 0, BYTES("x"));
	is_num(health_probe_at(&h), 2000, "but there is 1 s between probes at least");

	memset(text, 0x1b, sizeof(text));
	health_init(&h);
	health_failed(&h, 1000, 5, MAX, (struct bytes){ text, sizeof(text) });
	is_num(strlen(h.reason), HEALTH_REASON - 1, "a long reason is cut");
	for (unsigned i = 0; i < HEALTH_REASON - 1; i++)
		good = good && h.reason[i] == '?';
	ok(good, "what is not printable becomes ?");
}

static void test_login(void)
{
	static const unsigned minutes[] = { 5, 10, 20, 40, 60, 60 };
	uint64_t now = 1000;

	health_init(&h);
	health_login_refused(&h, now, 50, BYTES("535 no"));
	ok(health_is_down(&h), "a refused login is a gateway that is down");
	is_num(h.since, 50, "since then");
	health_login_refused(&h, now + 10, 60, BYTES("535 no"));
	is_num(health_probe_at(&h), 301000, "a second try that was under way changes nothing");
	for (unsigned i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
		is_num(health_probe_at(&h) - now, minutes[i] * 60000u, "the next try is due later");
		now = health_probe_at(&h);
		health_probe_begin(&h);
		health_login_refused(&h, now, 70, BYTES("535 no"));
	}
	is_num(h.since, 50, "it is down since the first refusal");
	health_probe_begin(&h);
	health_probe_failed(&h, now, MAX, BYTES("no connection"));
	is_num(health_probe_at(&h) - now, 3600000, "a lost line does not bring the next login nearer");
	health_ok(&h, 80);
	down(now);
	is_num(health_probe_at(&h) - now, 2000, "once a login was taken all is forgotten");
}

int main(void)
{
	test_login();
	test_unknown();
	test_probes();
	test_failed_while_down();
	test_late_probe();
	test_bounds();
	return done();
}
