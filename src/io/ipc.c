/* SPDX-License-Identifier: ISC */
#include "io/ipc.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

int ipc_pair(int fd[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) < 0
		   ? -errno
		   : 0;
}

int ipc_send(int fd, const void *msg, size_t n)
{
	ssize_t sent;

	do {
		sent = send(fd, msg, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int ipc_take(int fd, void *msg, size_t n)
{
	ssize_t got;

	do {
		got = recv(fd, msg, n, MSG_DONTWAIT | MSG_TRUNC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (got == 0)
		return 0;
	return got == (ssize_t)n ? 1 : -EBADMSG;
}

int ipc_wait(int fd, void *msg, size_t n)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int got;

	while ((got = ipc_take(fd, msg, n)) == -EAGAIN) {
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return -errno;
	}
	return got;
}
