/* SPDX-License-Identifier: ISC */
/* Time zones, against the C library where it knows them. */
#include "base/zone.h"
#include "tap.h"

#include <time.h>

TAP_GP_BUG

#define JANUARY 1767225600u /* 2026-01-01T00:00:00Z */
#define DAY     86400u

static int32_t offset;

/* By the rule at many times, as by localtime_r. */
static bool agrees(const char *rule)
{
	setenv("TZ", rule, 1);
	tzset();
	for (uint64_t t = 0; t < 4000000000u; t += 7 * 3600 + 1801) {
		time_t clock = (time_t)t;
		struct tm tm;

		localtime_r(&clock, &tm);
		if (!zone_by_rule(bytes_of(rule), t, &offset) || offset != tm.tm_gmtoff) {
			printf("# %s at %llu: %d, %ld\n", rule, (unsigned long long)t, (int)offset,
			    (long)tm.tm_gmtoff);
			return false;
		}
	}
	return true;
}

static int32_t by_rule(const char *rule, uint64_t wall)
{
	return zone_by_rule(bytes_of(rule), wall, &offset) ? offset : -1;
}

static void test_rules(void)
{
	static const char *const rules[] = {
		"UTC0",
		"CET-1CEST,M3.5.0,M10.5.0/3",
		"EST5EDT,M3.2.0,M11.1.0",
		"IST-5:30",
		"AEST-10AEDT,M10.1.0,M4.1.0/3",
		"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
		"<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
		"IST-1GMT0,M10.5.0,M3.5.0/1",
	};
	static const char *const none[] = { "", "C", "CE1", "CET", "CET-", "<CET-1", "1", ":x",
		"Europe/Berlin" };
	bool good = true;

	for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		ok(agrees(rules[i]), "%s", rules[i]);
	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		good &= !zone_by_rule(bytes_of(none[i]), JANUARY, &offset);
	ok(good, "what is no rule");
	is_num(by_rule("CET-1CEST,J80,J300", JANUARY + 200 * DAY), 3600,
	    "days of another form: winter");
	is_num(by_rule("CET-1CEST,M13.1.0,M10.5.0", JANUARY + 200 * DAY), 3600,
	    "a broken day: winter");
	is_num(by_rule("CET-99999999999", JANUARY), 3600 * 9999, "large numbers do no harm");
}

/* ---- files ---- */

static uint8_t file[4096];
static size_t n;

static void put(uint64_t v, unsigned width)
{
	while (width-- > 0)
		file[n++] = (uint8_t)(v >> 8 * width);
}

static void header(unsigned times, unsigned types)
{
	memcpy(file + n, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	n += 20;
	put(0, 4);
	put(0, 4);
	put(0, 4);
	put(times, 4);
	put(types, 4);
	put(4, 4);
}

static void types(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		put(3600 * (i + 1), 4);
		put(i << 8, 2);
	}
	put(0, 4);
}

/* One hour east, from January two, from February three; behind that the rule. */
static void make(const char *rule)
{
	n = 0;
	header(0, 1);
	types(1);
	header(2, 3);
	put(JANUARY, 8);
	put(JANUARY + 31 * DAY, 8);
	put(1, 1);
	put(2, 1);
	types(3);
	memcpy(file + n, rule, strlen(rule));
	n += strlen(rule);
}

static int32_t at(uint64_t wall)
{
	return zone_by_file((struct bytes){ file, n }, wall, &offset) ? offset : -1;
}

static void test_file(void)
{
	bool good = true;
	size_t whole;

	make("\n<+05>-5\n");
	is_num(at(0), 3600, "before the first change");
	is_num(at(JANUARY - 1), 3600, "just before it");
	is_num(at(JANUARY), 7200, "at it");
	is_num(at(JANUARY + 31 * DAY - 1), 7200, "up to the next");
	is_num(at(JANUARY + 31 * DAY), 5 * 3600, "behind the last: the rule");
	make("\n\n");
	is_num(at(JANUARY + 31 * DAY), 3 * 3600, "without a rule: as it was last");
	whole = n - 2;
	for (n = 0; n < whole; n++) {
		uint8_t *exact = malloc(n + 1);

		memcpy(exact, file, n);
		good &= !zone_by_file((struct bytes){ exact, n }, JANUARY, &offset);
		free(exact);
	}
	ok(good, "cut at any octet: none");
	n = whole;
	file[4] = 0;
	is_num(at(JANUARY), -1, "version 1: none");
}

/* The zone database of this machine, where it has one. */
static void test_database(void)
{
	static const char *const zones[] = { "Europe/Berlin", "America/New_York", "Asia/Kolkata",
		"Australia/Lord_Howe", "Africa/Casablanca", "America/Nuuk", "Europe/Dublin",
		"UTC" };

	for (unsigned i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		char path[100];
		bool good = true;
		FILE *f;

		snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zones[i]);
		f = fopen(path, "r");
		if (!f)
			continue;
		n = fread(file, 1, sizeof(file), f);
		fclose(f);
		setenv("TZ", zones[i], 1);
		tzset();
		for (uint64_t t = JANUARY; t < JANUARY + 5000 * DAY; t += 3600) {
			time_t clock = (time_t)t;
			struct tm tm;

			localtime_r(&clock, &tm);
			good = good && at(t) == tm.tm_gmtoff;
		}
		ok(good, "%s", zones[i]);
	}
}

static void test_hostile(void)
{
	uint32_t seed = 1;
	unsigned good = 0;

	for (int i = 0; i < 100000; i++) {
		uint8_t *exact;

		make("\nCET-1CEST,M3.5.0,M10.5.0/3\n");
		for (int k = 0; k < 3; k++) {
			seed = seed * 1664525 + 1013904223;
			file[(seed >> 8) % n] = (uint8_t)(seed >> 24);
		}
		exact = malloc(n);
		memcpy(exact, file, n);
		good += zone_by_file((struct bytes){ exact, n }, JANUARY + seed, &offset);
		free(exact);
	}
	ok(good > 0 && good < 100000, "octets changed: never too far");
}

int main(void)
{
	test_rules();
	test_file();
	test_database();
	test_hostile();
	return done();
}
