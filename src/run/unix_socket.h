/* SPDX-License-Identifier: ISC */
/* Listening Unix sockets: made beside what may be there already. */
#ifndef RUN_UNIX_SOCKET_H
#define RUN_UNIX_SOCKET_H

#include "base/fmt.h"

#include <sys/types.h>

/*
 * Listens at path with that mode and group ((gid_t)-1: as it comes); missing folders above it are
 * made (0755). A socket that nobody serves is replaced, one that is served is not touched, nor is
 * anything that is no socket. Returns the descriptor (non-blocking, close-on-exec), or -errno
 * (-EADDRINUSE: served) with the reason in words appended to *why.
 */
int unix_socket_open(const char *path, mode_t mode, gid_t group, struct fmt *why);

#endif
