/* SPDX-License-Identifier: ISC */
#include "base/bug.h"
#include "base/date.h"
#include "tap.h"

#include <time.h>

TAP_GP_BUG

static const char *rfc5322(uint64_t seconds)
{
	static char p[64];
	struct fmt f;

	fmt_init(&f, p, sizeof(p));
	date_rfc5322(&f, seconds);
	return p;
}

static const char *rfc3339(uint64_t seconds)
{
	static char p[64];
	struct fmt f;

	fmt_init(&f, p, sizeof(p));
	date_rfc3339(&f, seconds);
	return p;
}

static bool same_as_libc(uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char mail[64], net[64];

	gmtime_r(&t, &tm);
	strftime(mail, sizeof(mail), "%a, X%d %b %Y %H:%M:%S +0000", &tm);
	strftime(net, sizeof(net), "%Y-%m-%dT%H:%M:%SZ", &tm);
	memmove(strchr(mail, 'X'), strchr(mail, 'X') + (tm.tm_mday < 10 ? 2 : 1),
	    strlen(strchr(mail, 'X')));
	if (strcmp(mail, rfc5322(seconds)) == 0 && strcmp(net, rfc3339(seconds)) == 0)
		return true;
	printf("# %llu: %s, %s\n", (unsigned long long)seconds, rfc5322(seconds), mail);
	return false;
}

int main(void)
{
	bool good = true;

	is_str(rfc5322(0), "Thu, 1 Jan 1970 00:00:00 +0000", "the beginning");
	is_str(rfc5322(1795618449), "Wed, 25 Nov 2026 14:54:09 +0000", "a Wednesday");
	is_str(rfc3339(1795618449), "2026-11-25T14:54:09Z", "the same for machines");
	is_str(rfc3339(951782399), "2000-02-28T23:59:59Z", "before a leap day");
	is_str(rfc3339(951782400), "2000-02-29T00:00:00Z", "2000 has one");
	is_str(rfc3339(4107542400), "2100-03-01T00:00:00Z", "2100 has none");
	is_str(rfc3339(253402300799), "9999-12-31T23:59:59Z", "the last second");
	is_str(rfc5322(253402300800), "Fri, 31 Dec 9999 23:59:59 +0000",
	    "what is later prints as the last second");
	is_str(rfc3339(UINT64_MAX), "9999-12-31T23:59:59Z", "even the largest number");
	for (uint64_t day = 0; day < 150000 && good; day++)
		good = same_as_libc(day * 86400) && same_as_libc(day * 86400 + 86399);
	ok(good, "every day of 400 years agrees with libc, at both ends");
	srand(7);
	for (int i = 0; i < 200000 && good; i++)
		good = same_as_libc(
		    (uint64_t)(((uint64_t)rand() << 31 ^ (uint64_t)rand()) % 253402300800));
	ok(good, "200,000 random seconds up to year 9999 agree with libc");
	return done();
}
