/* SPDX-License-Identifier: ISC */
/* Without CONFIG_SETUP: the command line knows no --setup. */
#include "run/setup.h"

enum conf_status setup_load(struct setup *s, const struct setup_room *room, const char *file,
    const struct setup_how *how, const struct settings_how *as)
{
	(void)s;
	(void)how;
	return settings_load(room->conf, room->mem, room->n, file, as);
}

enum conf_status setup_instead(struct setup *s, const struct setup_room *room, const char *file,
    const struct setup_how *how, const struct settings_how *as)
{
	(void)s;
	(void)room;
	(void)file;
	(void)how;
	(void)as;
	return CONF_BAD;
}

void setup_add(struct setup *s, const char *what)
{
	(void)s;
	(void)what;
}

void setup_log(const struct setup *s, const struct setup *before)
{
	(void)before;
	(void)s;
}

bool setup_answer(struct inbound *in)
{
	(void)in;
	return false;
}
