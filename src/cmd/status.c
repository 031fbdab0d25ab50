/* SPDX-License-Identifier: ISC */
#include "cmd/ask.h"
#include "cmd/cmd.h"

#include "base/date.h"
#include "base/esc.h"
#include "base/num.h"
#include "base/on.h"
#include "io/clock.h"
#include "io/zone.h"
#include "run/status.h"

#include <errno.h>
#include <string.h>

#define TROUBLE 1 /* the exit status */

enum form { TEXT, JSON, PROMETHEUS };

/* Times on their way from the relay's form into that of the reader. */
struct times {
	bool inside;
	uint64_t value;
	bool failed; /* standard output took no more */
};

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

static void body(void *ctx, struct bytes x)
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

/* No relay answers: that is the status, in each form. */
static int no_answer(enum form form, struct bytes why)
{
	static char store[512];
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	switch (form) {
	case TEXT:
		fmt_bytes(&f, why);
		break;
	case JSON:
		fmt_str(&f, "{\"state\":\"trouble\",\"reason\":\"");
		esc_json(&f, why);
		fmt_str(&f, "\"}");
		break;
	case PROMETHEUS:
		fmt_str(&f, "# HELP gatepost_up Whether the relay answers.\n"
			    "# TYPE gatepost_up gauge\ngatepost_up 0");
		break;
	}
	fmt_char(&f, '\n');
	cmd_write(1, fmt_done(&f));
	return TROUBLE;
}

static int report(enum form form, const char *path)
{
	static const char *const requests[] = {
		[TEXT] = "status text\n",
		[JSON] = "status json\n",
		[PROMETHEUS] = "status prometheus\n",
	};
	struct times times = {0};
	struct ask a = {.body = body, .ctx = &times};
	static char store[256];
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	switch (ask(&a, path, bytes_of(requests[form]))) {
	case ASK_ANSWERED:
		if (a.status > TROUBLE)
			cmd_say(2, "gatepost status: ", a.word, "\n", NULL);
		return times.failed ? EX_IOERR : (int)a.status;
	case ASK_NOBODY:
		fmt_str(&f, "gatepost is not running (no answer at ");
		fmt_str(&f, path);
		fmt_char(&f, ')');
		break;
	case ASK_DENIED:
		fmt_str(&f, "no access to ");
		fmt_str(&f, path);
		fmt_str(&f, ": ask as root or as a member of the group gatepost");
		break;
	case ASK_BROKEN:
		fmt_str(&f, "gatepost does not answer in full at ");
		fmt_str(&f, path);
		break;
	}
	return no_answer(form, fmt_done(&f));
}

int cmd_status(int argc, char **argv)
{
	char store[ASK_PATH];
	struct fmt path;
	struct opts o;
	const char *file = NULL;
	enum form form = TEXT;
	int c;

	opts_init(&o, argc, argv, "c: .json .prometheus");
	while ((c = opts_next(&o)) > 0) {
		if (c == 'c')
			file = o.value;
		else if (form != TEXT)
			return cmd_usage("status", "one form at a time");
		else
			form = c == 'j' ? JSON : PROMETHEUS;
	}
	if (c < 0)
		return EX_USAGE;
	if (o.at < argc)
		return cmd_usage("status", "takes no arguments");
	if (form == PROMETHEUS && !ON(CONFIG_STATUS_PROMETHEUS)) {
		cmd_say(2, "gatepost status: --prometheus is not built into this gatepost\n", NULL);
		return EX_UNAVAILABLE;
	}
	fmt_init(&path, store, sizeof(store));
	if (ask_path(file, &path) != ASK_PATH_CONFIGURED && file != NULL)
		cmd_say(2, "gatepost status: ", file,
		    " cannot be used (gatepost check tells why); asking at ", path.p, "\n", NULL);
	return report(form, path.p);
}
