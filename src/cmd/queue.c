/* SPDX-License-Identifier: ISC */
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/times.h"

#include <string.h>

#define ID_MAX 64u /* octets of an id on the command line: what is longer is none */

/* "queue show json ID\n" */
static int request(const char *path, const char *verb, const char *id, bool json)
{
	struct times times = {0};
	struct ask a = {.body = times_put, .ctx = &times};
	char store[ID_MAX + 32];
	enum ask_result result;
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	fmt_add(&f, "queue %s%s", verb, json ? " json" : "");
	if (id != NULL) {
		fmt_add(&f, " %s", id);
	}
	fmt_char(&f, '\n');
	result = ask(&a, path, fmt_done(&f));
	if (result == ASK_NOBODY)
		return cmd_fail(EX_TEMPFAIL, "no relay is running (no answer at %s)", path);
	if (result != ASK_ANSWERED) {
		struct fmt *why = cmd_why();

		ask_why(why, result, path);
		return cmd_fail(result == ASK_DENIED ? EX_NOPERM : EX_TEMPFAIL, "%s", why->p);
	}
	if (a.status == EX_OK)
		return times.failed ? EX_IOERR : EX_OK;
	return cmd_fail(
	    (int)a.status, "%s%s%s", id != NULL ? id : "", id != NULL ? ": " : "", a.word);
}

/* One word of printable characters, or the request would be another one. */
static bool is_word(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return n > 0 && n <= ID_MAX;
}

int cmd_queue(int argc, char **argv)
{
	enum { CONF, JSON, OPTIONS };
	const char *value[OPTIONS] = { NULL }, *verb = "list", *id = NULL;
	int at = opts_take(argc, argv, "c: -.json", value);
	bool needs_id, takes_id;
	char store[ASK_PATH];
	struct fmt path;

	if (at == 0)
		return EX_USAGE;
	if (at < argc)
		verb = argv[at++];
	if (at < argc)
		id = argv[at++];
	needs_id = strcmp(verb, "show") == 0 || strcmp(verb, "remove") == 0;
	takes_id = needs_id || strcmp(verb, "flush") == 0;
	if (!takes_id && strcmp(verb, "list") != 0)
		return cmd_usage(PHRASE("list, show, flush or remove"));
	if (needs_id && id == NULL)
		return cmd_usage(PHRASE("the id of a mail is missing"));
	if ((id != NULL && !takes_id) || at < argc)
		return cmd_usage(PHRASE("there are too many arguments"));
	if (id != NULL && !is_word(id))
		return cmd_usage(PHRASE("that is not the id of a mail"));
	fmt_init(&path, store, sizeof(store));
	ask_where(value[CONF], &path);
	return request(path.p, verb, id, value[JSON] != NULL);
}
