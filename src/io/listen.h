/* SPDX-License-Identifier: ISC */
/* A listening socket in the loop. One client is accepted per readiness event. */
#ifndef IO_LISTEN_H
#define IO_LISTEN_H

#include "base/inet.h"
#include "io/loop.h"

/* without accepting, after the descriptors or the memory were used up */
#define LISTEN_PAUSE_MS 1000u
#define LISTEN_SILENCE_MS 60000u /* between two log lines about that */

struct listen_peer {
	struct inet_addr addr; /* all zero for a Unix socket */
	bool local;            /* it came by a Unix socket */
	uint32_t uid;          /* then: of the process at the other end when it connected */
};

struct listen;

/* fd: accepted, non-blocking, close-on-exec; the receiver's. May pause or close the listener. */
typedef void listen_fn(struct listen *l, int fd, const struct listen_peer *peer);

struct listen {
	struct watch watch;
	int fd;
	struct deadline again; /* after LISTEN_PAUSE_MS */
	uint64_t quiet_until;
	bool unix_socket;
	bool paused;           /* by the owner */
	listen_fn *fn;
};

/*
 * fd: listening and non-blocking; becomes the listener's. Storage all zero before the first use. 0
 * or -errno (fd is then still the caller's).
 */
int listen_open(struct listen *l, int fd, bool unix_socket, listen_fn *fn);

/* Clients wait in the kernel's queue meanwhile. */
void listen_pause(struct listen *l);
void listen_resume(struct listen *l);

/*
 * Closes this process's descriptor; the socket goes on listening where another process has it.
 * Harmless when closed.
 */
void listen_close(struct listen *l);

/* The address at our end of a connection; all zero for a Unix socket. */
void listen_local(int fd, struct inet_addr *out);

#endif
