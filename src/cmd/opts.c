/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include <string.h>

/* A command line on its way. */
struct opts {
	char **argv;
	int at;            /* the next to be read */
	int argc, end;     /* from `end` on are arguments that were moved behind the options */
	const char *spec;
	const char **value;
};

static bool complain(const char *what, struct bytes which)
{
	struct fmt *why = cmd_why();

	fmt_add(why, "%s%.*s", what, SPAN(which));
	cmd_usage(why->p);
	return false;
}

/* The entry of spec with that letter, or that name: NULL, or where it stands, as number *i. */
static const uint8_t *find(const struct opts *o, struct bytes name, bool letter, size_t *i)
{
	struct bytes spec = bytes_of(o->spec), entry;

	for (*i = 0; (entry = bytes_word(&spec)).n > 0; ++*i) {
		struct bytes own = letter ? bytes_first(entry, 1) : bytes_skip(entry, 2);

		if (own.n > 0 && bytes_same(own, name))
			return entry.p;
	}
	complain(letter ? PHRASE("there is no option -") : PHRASE("there is no option --"), name);
	return NULL;
}

/* An option's value: what stands inside the argument with it, else the next one. */
static bool with_value(struct opts *o, size_t i, const char *inside)
{
	if (inside == NULL && o->at == o->end)
		return complain(
		    PHRASE("a value is missing after "), bytes_of(o->argv[o->at - 1]));
	o->value[i] = inside != NULL ? inside : o->argv[o->at++];
	return true;
}

static bool long_option(struct opts *o, const char *arg)
{
	struct bytes word = bytes_of(arg);
	struct bytes name = bytes_first(word, bytes_find(word, '='));
	const char *inside = name.n < word.n ? arg + name.n + 1 : NULL;
	const uint8_t *entry;
	size_t i;

	entry = find(o, name, false, &i);
	if (entry == NULL)
		return false;
	if (entry[1] == ':')
		return with_value(o, i, inside);
	o->value[i] = arg;
	return inside == NULL || complain(PHRASE("no value belongs to --"), word);
}

/* The letters behind one dash. */
static bool letters(struct opts *o, const char *p)
{
	while (*p != '\0') {
		size_t i;
		const uint8_t *entry = find(o, (struct bytes){(const uint8_t *)p, 1}, true, &i);

		if (entry == NULL)
			return false;
		p++;
		if (entry[1] == ':')
			return with_value(o, i, *p != '\0' ? p : NULL);
		o->value[i] = p;
	}
	return true;
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

int opts_take(int argc, char **argv, const char *spec, const char **value)
{
	struct opts o = {argv, 1, argc, argc, spec, value};
	bool over = false; /* "--" came */

	while (o.at < o.end) {
		const char *arg = argv[o.at];

		if (over || arg[0] != '-' || arg[1] == '\0') {
			move_back(&o);
			continue;
		}
		o.at++;
		if (strcmp(arg, "--") == 0)
			over = true;
		else if (!(arg[1] == '-' ? long_option(&o, arg + 2) : letters(&o, arg + 1)))
			return 0;
	}
	return o.at;
}
