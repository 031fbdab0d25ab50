/* SPDX-License-Identifier: ISC */
/* Users and groups, as /etc/passwd and /etc/group have them; no other source is asked. */
#ifndef IO_USERS_H
#define IO_USERS_H

#include "base/bytes.h"

#define USERS_NAME 64 /* longer names are cut */

struct user {
	uint32_t uid, gid;
	char name[USERS_NAME];
};

/* False where there is no such user. */
bool users_by_name(struct bytes name, struct user *out);
bool users_by_uid(uint32_t uid, struct user *out);

/* The number of a group. False where there is no such group. */
bool users_group(struct bytes name, uint32_t *gid);

#endif
