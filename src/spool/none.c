/* SPDX-License-Identifier: ISC */
/* Built without the spool: a spool that is never there. */
#include "spool/spool.h"

#include <string.h>

enum spool_status spool_init(
    struct spool *s, const struct spool_params *params, uint64_t now_ms, uint64_t wall)
{
	(void)now_ms;
	(void)wall;
	memset(s, 0, sizeof(*s));
	s->p = params;
	s->trouble = DISK_GONE;
	return SPOOL_BROKEN;
}

const char *spool_status_name(enum spool_status status)
{
	return status == SPOOL_BROKEN ? "broken" : "?";
}
