/* SPDX-License-Identifier: ISC */
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/times.h"

#include "base/esc.h"
#include "base/on.h"

#define TROUBLE 1 /* the exit status */

/* No relay answers: that is the status, in each form. */
static int no_answer(char form, const struct fmt *why)
{
	static char store[2 * CMD_WHY];
	struct fmt json;

	if (form == 'p')
		return cmd_say("# HELP gatepost_up Whether the relay answers.\n"
			       "# TYPE gatepost_up gauge\ngatepost_up 0\n");
	if (form == 't')
		return cmd_say("%s\n", why->p);
	fmt_init(&json, store, sizeof(store));
	esc_json(&json, fmt_done(why));
	return cmd_say("{\"state\":\"trouble\",\"reason\":\"%s\"}\n", store);
}

/* form: "text", "json" or "prometheus". */
static int report(const char *form, const char *path)
{
	struct times times = {0};
	struct ask a = {.body = times_put, .ctx = &times};
	struct fmt *f = cmd_why();
	enum ask_result result;

	fmt_add(f, "status %s\n", form);
	result = ask(&a, path, fmt_done(f));
	if (result == ASK_ANSWERED) {
		if (a.status > TROUBLE)
			cmd_fail(EX_OK, "%s", a.word);
		return times.failed ? EX_IOERR : (int)a.status;
	}
	f = cmd_why();
	ask_why(f, result, path);
	no_answer(*form, f);
	return TROUBLE;
}

int cmd_status(int argc, char **argv)
{
	enum { CONF, JSON, PROMETHEUS, OPTIONS };
	const char *value[OPTIONS] = { NULL }, *form = "text";
	int at = opts_take(argc, argv, "c: -.json -.prometheus", value);
	char store[ASK_PATH];
	struct fmt path;

	if (at == 0)
		return EX_USAGE;
	if (value[JSON] != NULL && value[PROMETHEUS] != NULL)
		return cmd_usage(PHRASE("one form at a time"));
	if (at < argc)
		return cmd_usage(PHRASE("takes no arguments"));
	if (value[PROMETHEUS] != NULL) {
		if (!ON(CONFIG_STATUS_PROMETHEUS))
			return cmd_fail(
			    EX_UNAVAILABLE, "--prometheus is not built into this gatepost");
		form = "prometheus";
	} else if (value[JSON] != NULL) {
		form = "json";
	}
	fmt_init(&path, store, sizeof(store));
	ask_where(value[CONF], &path);
	return report(form, path.p);
}
