/* SPDX-License-Identifier: ISC */
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/times.h"

#include <string.h>

#define ID_MAX 64u /* octets of an id on the command line: what is longer is none */

static int no_answer(enum ask_result result, const char *path)
{
	switch (result) {
	case ASK_NOBODY:
		cmd_say(2, "gatepost queue: no relay is running (no answer at %s)\n", path);
		return EX_TEMPFAIL;
	case ASK_DENIED:
		cmd_say(2,
		    "gatepost queue: no access to %s: ask as root or as a member of the group "
		    "gatepost\n",
		    path);
		return EX_NOPERM;
	case ASK_BROKEN:
		cmd_say(2, "gatepost queue: the relay does not answer in full at %s\n", path);
		return EX_TEMPFAIL;
	case ASK_ANSWERED:
		break;
	}
	return EX_OK;
}

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
	if (result != ASK_ANSWERED)
		return no_answer(result, path);
	if (a.status == EX_OK)
		return times.failed ? EX_IOERR : EX_OK;
	cmd_say(
	    2, "gatepost queue: %s%s%s\n", id != NULL ? id : "", id != NULL ? ": " : "", a.word);
	return (int)a.status;
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
	const char *file = NULL, *verb = "list", *id = NULL;
	bool json = false, needs_id, takes_id;
	char store[ASK_PATH];
	struct fmt path;
	struct opts o;
	int c;

	opts_init(&o, argc, argv, "c: .json");
	while ((c = opts_next(&o)) > 0) {
		if (c == 'c')
			file = o.value;
		else
			json = true;
	}
	if (c < 0)
		return EX_USAGE;
	if (o.at < argc)
		verb = o.argv[o.at++];
	if (o.at < argc)
		id = o.argv[o.at++];
	needs_id = strcmp(verb, "show") == 0 || strcmp(verb, "remove") == 0;
	takes_id = needs_id || strcmp(verb, "flush") == 0;
	if (!takes_id && strcmp(verb, "list") != 0)
		return cmd_usage("queue", PHRASE("list, show, flush or remove"));
	if (needs_id && id == NULL)
		return cmd_usage("queue", PHRASE("the id of a mail is missing"));
	if ((id != NULL && !takes_id) || o.at < argc)
		return cmd_usage("queue", PHRASE("there are too many arguments"));
	if (id != NULL && !is_word(id))
		return cmd_usage("queue", PHRASE("that is not the id of a mail"));
	fmt_init(&path, store, sizeof(store));
	if (ask_path(file, &path) != ASK_PATH_CONFIGURED && file != NULL)
		cmd_say(2,
		    "gatepost queue: %s cannot be used (gatepost check tells why); asking at %s\n",
		    file, path.p);
	return request(path.p, verb, id, json);
}
