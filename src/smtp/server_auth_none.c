/* SPDX-License-Identifier: ISC */
/* Logins of clients are left out. */
#include "smtp/server_part.h"
#include "smtp/server_text.h"

void server_auth_offer(const struct server *s, struct buf *out)
{
	(void)s;
	(void)out;
}

enum server_event server_do_auth(struct server *s, const struct server_call *c)
{
	return server_fail(s, c, TEXT_NO_AUTH);
}

/* No challenge was ever sent. */
enum server_event server_auth_line(struct server *s, struct bytes line, const struct server_call *c)
{
	(void)line;
	return server_fail(s, c, TEXT_NO_AUTH);
}

enum server_event server_auth_skipped(struct server *s, const struct server_call *c)
{
	return server_fail(s, c, TEXT_NO_AUTH);
}

void server_auth_answer(struct server *s, struct buf *out, unsigned code)
{
	(void)s;
	(void)out;
	(void)code;
}
