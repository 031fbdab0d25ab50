/* SPDX-License-Identifier: ISC */
#include "cmd/times.h"

#include "base/date.h"
#include "cmd/cmd.h"
#include "io/clock.h"
#include "io/zone.h"
#include "run/status.h"

/* "10:32", with the day where it is not today's. */
static void local_time(struct fmt *f, uint64_t wall)
{
	uint64_t then = zone_local(wall), now = zone_local(clock_wall());
	char text[32];
	struct fmt date;

	fmt_init(&date, text, sizeof(text));
	date_rfc3339(&date, then);
	if (then / 86400 != now / 86400) {
		fmt_bytes(f, bytes_first(fmt_done(&date), 10));
		fmt_char(f, ' ');
	}
	fmt_bytes(f, bytes_first(bytes_skip(fmt_done(&date), 11), 5));
}

void times_put(void *ctx, struct bytes x)
{
	struct times *times = ctx;
	char store[640];
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (c == STATUS_TIME) {
			times->inside = true;
			times->value = 0;
		} else if (c == STATUS_TIME_END) {
			times->inside = false;
			local_time(&f, times->value);
		} else if (times->inside) {
			times->value = times->value * 10 + (uint64_t)(c - '0');
		} else {
			fmt_char(&f, (char)c);
		}
		if (f.n + 32 > f.cap || i + 1 == x.n) {
			times->failed = !cmd_write(1, fmt_done(&f)) || times->failed;
			fmt_init(&f, store, sizeof(store));
		}
	}
}
