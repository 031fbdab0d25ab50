/* SPDX-License-Identifier: ISC */
/* Logins of clients: Auth_User, Auth = any. login_none.c where SERVER_AUTH is left out. */
#ifndef RUN_LOGIN_H
#define RUN_LOGIN_H

#include "run/inbound.h"

/* What the session may offer, once its options and its right to relay are known. */
void login_prepare(struct inbound *in);

/* The client wants to log in; answered here, a refusal after a while (in->wait). */
void login_asked(struct inbound *in, const struct server_login *login);

/* The refusal is due. */
void login_refuse(struct inbound *in);

/* Whoever logged in is forgotten (TLS has begun). */
void login_forget(struct inbound *in);

/* Overwrites what was taken of the client's input. */
void login_wipe(struct inbound *in);

/* The session has ended: half a login may be left. */
void login_end(struct inbound *in);

#endif
