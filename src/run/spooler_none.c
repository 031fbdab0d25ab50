/* SPDX-License-Identifier: ISC */
/* Built without the spool. */
#include "run/spooler.h"

bool spooler_is_wanted(const struct conf_global *g)
{
	(void)g;
	return false;
}

int spooler_serve(struct spooler *s, const struct conf_global *g, const struct generation_env *env,
    unsigned slot, struct engine_args *args)
{
	(void)s;
	(void)g;
	(void)env;
	(void)slot;
	args->disk = -1;
	return 0;
}

void spooler_engine_gone(struct spooler *s, uint32_t number)
{
	(void)s;
	(void)number;
}

void spooler_adopt(
    struct spooler *s, const struct conf_global *g, const struct generation_env *env)
{
	(void)s;
	(void)g;
	(void)env;
}

void spooler_retry(struct spooler *s)
{
	(void)s;
}

void spooler_died(struct spooler *s, int status)
{
	(void)s;
	(void)status;
}

void spooler_look(struct spooler *s, uint64_t now, const struct conf_global *g,
    const struct generation_env *env)
{
	(void)s;
	(void)now;
	(void)g;
	(void)env;
}

uint64_t spooler_due(const struct spooler *s)
{
	(void)s;
	return 0;
}

bool spooler_stop(struct spooler *s)
{
	(void)s;
	return true;
}

void spooler_kill(struct spooler *s)
{
	(void)s;
}

void spooler_forget(const struct spooler *s, unsigned slot)
{
	(void)s;
	(void)slot;
}
