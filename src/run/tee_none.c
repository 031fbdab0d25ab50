/* SPDX-License-Identifier: ISC */
/* Built without the spool: there is never a file. */
#include "run/tee.h"

#include <string.h>

static const char none[] = "this relay is built without a spool";

void tee_init(const struct tee_args *args)
{
	(void)args;
}

bool tee_is_busy(void)
{
	return false;
}

bool tee_can(bool *no_room, const char **why)
{
	*no_room = false;
	*why = none;
	return false;
}

void tee_open(struct tee *t, const struct tee_mail *m, void (*wake)(struct tee *t))
{
	(void)m;
	(void)wake;
	memset(t, 0, sizeof(*t));
}

size_t tee_room(struct tee *t)
{
	(void)t;
	return 0;
}

void tee_hurry(struct tee *t)
{
	(void)t;
}

void tee_put(struct tee *t, struct bytes x)
{
	(void)t;
	(void)x;
}

void tee_commit(struct tee *t, const uint8_t *mark, uint32_t n)
{
	(void)t;
	(void)mark;
	(void)n;
}

void tee_drop(struct tee *t)
{
	(void)t;
}

void tee_release(struct tee *t, uint64_t wait_ms)
{
	(void)t;
	(void)wait_ms;
}

void tee_move(struct tee *to, struct tee *from, void (*wake)(struct tee *t))
{
	(void)to;
	(void)from;
	(void)wake;
}

enum tee_event tee_step(struct tee *t, struct bytes *got)
{
	(void)t;
	(void)got;
	return TEE_NOTHING;
}

const struct disk_state *tee_spool(uint64_t *at)
{
	static const struct disk_state nothing;

	*at = 0;
	return &nothing;
}
