/* SPDX-License-Identifier: ISC */
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/times.h"

#include "base/esc.h"
#include "base/on.h"


#define TROUBLE 1 /* the exit status */

enum form { TEXT, JSON, PROMETHEUS };

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
		fmt_add(&f, "{\"state\":\"trouble\",\"reason\":\"");
		esc_json(&f, why);
		fmt_str(&f, "\"}");
		break;
	case PROMETHEUS:
		fmt_add(&f, "# HELP gatepost_up Whether the relay answers.\n"
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
	struct ask a = {.body = times_put, .ctx = &times};
	static char store[256];
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	switch (ask(&a, path, bytes_of(requests[form]))) {
	case ASK_ANSWERED:
		if (a.status > TROUBLE)
			cmd_say(2, "gatepost status: %s\n", a.word);
		return times.failed ? EX_IOERR : (int)a.status;
	case ASK_NOBODY:
		fmt_add(&f, "gatepost is not running (no answer at %s)", path);
		break;
	case ASK_DENIED:
		fmt_add(
		    &f, "no access to %s: ask as root or as a member of the group gatepost", path);
		break;
	case ASK_BROKEN:
		fmt_add(&f, "gatepost does not answer in full at %s", path);
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
			return cmd_usage("status", PHRASE("one form at a time"));
		else
			form = c == 'j' ? JSON : PROMETHEUS;
	}
	if (c < 0)
		return EX_USAGE;
	if (o.at < argc)
		return cmd_usage("status", PHRASE("takes no arguments"));
	if (form == PROMETHEUS && !ON(CONFIG_STATUS_PROMETHEUS)) {
		cmd_say(2, "gatepost status: --prometheus is not built into this gatepost\n");
		return EX_UNAVAILABLE;
	}
	fmt_init(&path, store, sizeof(store));
	if (ask_path(file, &path) != ASK_PATH_CONFIGURED && file != NULL)
		cmd_say(2,
		    "gatepost status: %s cannot be used (gatepost check tells why); asking at %s\n",
		    file, path.p);
	return report(form, path.p);
}
