/* SPDX-License-Identifier: ISC */
/* Logins of clients are left out: the session refuses them by itself. */
#include "run/login.h"

void login_prepare(struct inbound *in)
{
	in->params.auth = SERVER_AUTH_NO;
}

void login_asked(struct inbound *in, const struct server_login *login)
{
	(void)login;
	login_refuse(in);
}

void login_refuse(struct inbound *in)
{
	(void)in;
}

void login_forget(struct inbound *in)
{
	(void)in;
}

void login_wipe(struct inbound *in)
{
	in->server.secret = false;
}

void login_end(struct inbound *in)
{
	(void)in;
}
