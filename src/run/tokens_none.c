/* SPDX-License-Identifier: ISC */
/* Built where OAuth 2.0 is left out: no configuration wants a token there. */
#include "run/tokens.h"

#include "base/bug.h"

void tokens_init(int fd)
{
	(void)fd;
}

void tokens_get(struct token_wait *w, const struct conf_sending *s, bool renew)
{
	(void)w;
	(void)s;
	(void)renew;
	gp_bug("a token is wanted, but OAuth 2.0 is not built in");
}

void tokens_drop(struct token_wait *w)
{
	(void)w;
}
