/* SPDX-License-Identifier: ISC */
/* Messages of fixed size between our processes, over SOCK_SEQPACKET pairs. */
#ifndef IO_IPC_H
#define IO_IPC_H

#include <stddef.h>

/* Both ends non-blocking and close-on-exec. 0 or -errno. */
int ipc_pair(int fd[2]);

/* Sends one message without waiting: 0, or -errno (-EAGAIN: the other side is behind). */
int ipc_send(int fd, const void *msg, size_t n);

/*
 * Takes one message: 1; 0 at the end of the pair; -EAGAIN where none waits; -EBADMSG for one of
 * another size (it is dropped).
 */
int ipc_take(int fd, void *msg, size_t n);

/* The same, waiting for it. */
int ipc_wait(int fd, void *msg, size_t n);

#endif
