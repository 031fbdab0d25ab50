/* SPDX-License-Identifier: ISC */
/* Giving up rights: user, root folder, capabilities. */
#ifndef RUN_CONFINE_H
#define RUN_CONFINE_H

#include "base/bytes.h"

#include <sys/types.h>

struct confine {
	bool root;  /* we are root: user and root folder are changed */
	uid_t uid;
	gid_t gid;
	int empty;  /* an empty folder, open, or -1 */
};

/*
 * Whom to become: `user` is a name or a number; empty: gatepost where that exists, else nobody.
 * False where there is no such user. Not root: *c says so, nothing is looked up.
 */
bool confine_user(struct confine *c, struct bytes user);

/*
 * An empty folder for chroot: made in the first of the places (a list ended by NULL) that allows
 * it and removed at once. It lives on while it is open, nothing can be made in it, and nothing is
 * left behind. False where none allows it.
 */
bool confine_folder(struct confine *c, const char *const *places);

/*
 * In a child, before it does anything: dies with its parent, no core dumps, nobody of its user may
 * look into it, no new rights, no capabilities; as root the user is changed for good, and where
 * empty is wanted so is the root folder. What cannot be done ends the process.
 */
void confine(const struct confine *c, bool empty, pid_t parent);

/* For the supervisor and for commands: no core dumps, not dumpable. */
void confine_secrets(void);

#endif
