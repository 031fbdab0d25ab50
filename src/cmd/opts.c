/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include <string.h>

/* One entry of a spec. */
struct option {
	char letter;          /* 0: none */
	bool valued;
	struct bytes name;    /* empty: none */
};

void opts_init(struct opts *o, int argc, char **argv, const char *spec)
{
	*o = (struct opts){.argc = argc, .argv = argv, .spec = spec, .at = 1, .end = argc};
}

static bool option_next(struct bytes *spec, struct option *out)
{
	struct bytes entry = bytes_word(spec);

	if (entry.n == 0)
		return false;
	*out = (struct option){0};
	if (entry.p[0] != '.') {
		out->letter = (char)entry.p[0];
		entry = bytes_skip(entry, 1);
	}
	out->valued = entry.n > 0 && entry.p[0] == ':';
	out->name = bytes_skip(entry, 1);
	return true;
}

static int complain(const struct opts *o, const char *what, const char *which)
{
	cmd_say(
	    2, "gatepost %s: %s%s; see: gatepost help %s\n", o->argv[0], what, which, o->argv[0]);
	return -1;
}

/* Takes the value from the next argument where there is none yet. */
static int with_value(struct opts *o, const struct option *option, const char *inside)
{
	if (inside != NULL) {
		o->value = inside;
	} else if (o->at < o->end) {
		o->value = o->argv[o->at++];
	} else {
		return complain(o, PHRASE("a value is missing after "), o->argv[o->at - 1]);
	}
	return option->letter != 0 || option->name.n == 0 ? option->letter : option->name.p[0];
}

static int next_long(struct opts *o, const char *arg)
{
	struct bytes spec = bytes_of(o->spec);
	struct bytes word = bytes_of(arg + 2);
	struct bytes name = bytes_first(word, bytes_find(word, '='));
	const char *inside = name.n < word.n ? arg + 2 + name.n + 1 : NULL;
	struct option option;

	while (option_next(&spec, &option)) {
		if (option.name.n == 0 || !bytes_same(option.name, name))
			continue;
		if (option.valued)
			return with_value(o, &option, inside);
		if (inside != NULL)
			return complain(o, PHRASE("no value belongs to "), arg);
		return option.letter != 0 ? option.letter : option.name.p[0];
	}
	return complain(o, PHRASE("there is no option "), arg);
}

static int next_letter(struct opts *o)
{
	struct bytes spec = bytes_of(o->spec);
	char letter = *o->more++;
	char shown[3] = {'-', letter, '\0'};
	struct option option;

	while (option_next(&spec, &option)) {
		const char *rest = o->more;

		if (option.letter != letter)
			continue;
		if (*rest == '\0' || option.valued)
			o->more = NULL;
		if (option.valued)
			return with_value(o, &option, *rest != '\0' ? rest : NULL);
		return letter;
	}
	return complain(o, PHRASE("there is no option "), shown);
}

/* Moves the argument at `at` behind all the others. */
static void move_back(struct opts *o)
{
	char *arg = o->argv[o->at];

	memmove(o->argv + o->at, o->argv + o->at + 1,
		(size_t)(o->argc - o->at - 1) * sizeof(o->argv[0]));
	o->argv[o->argc - 1] = arg;
	o->end--;
}

int opts_next(struct opts *o)
{
	const char *arg;

	o->value = NULL;
	if (o->more != NULL)
		return next_letter(o);
	while (o->at < o->end && (o->argv[o->at][0] != '-' || o->argv[o->at][1] == '\0'))
		move_back(o);
	if (o->at >= o->end)
		return 0;
	arg = o->argv[o->at++];
	if (strcmp(arg, "--") == 0) {
		while (o->at < o->end)
			move_back(o);
		return 0;
	}
	if (arg[1] == '-')
		return next_long(o, arg);
	o->more = arg + 1;
	return next_letter(o);
}
