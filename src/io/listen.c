/* SPDX-License-Identifier: ISC */
#include "io/listen.h"

#include "io/log.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static void listen_interest(struct listen *l)
{
	bool waiting = timer_is_set(&l->again.timer);

	loop_interest(&l->watch, l->paused || waiting ? 0 : EPOLLIN);
}

static void listen_ready(struct watch *w, uint32_t events);

static void listen_again(struct deadline *d)
{
	struct listen *l = LOOP_OWNER(struct listen, again, d);

	if (l->watch.fd <= 0 && loop_watch(&l->watch, l->fd, 0, listen_ready) < 0)
		loop_after(d, LISTEN_PAUSE_MS, listen_again);
	listen_interest(l);
}

/*
 * The supervisor took the socket out of service for a listener of the next generation; perhaps it
 * comes back. Its hang-up is reported until it is not watched any more.
 */
static void listen_asleep(struct listen *l)
{
	loop_unwatch(&l->watch);
	loop_after(&l->again, LISTEN_PAUSE_MS, listen_again);
}

/* Trying on at once would be a busy loop: the client stays in the queue, the event stays due. */
static void listen_starved(struct listen *l, int err)
{
	char text[160];
	struct fmt f;

	loop_after(&l->again, LISTEN_PAUSE_MS, listen_again);
	listen_interest(l);
	if (loop_now() < l->quiet_until)
		return;
	l->quiet_until = loop_now() + LISTEN_SILENCE_MS;
	fmt_init(&f, text, sizeof(text));
	fmt_add(&f, "cannot accept clients: %s; trying again each second",
	    err == EMFILE || err == ENFILE ? PHRASE("all file descriptors are in use")
					   : PHRASE("the kernel is out of memory"));
	log_line(LOG_LEVEL_ERROR, fmt_done(&f));
}

static void listen_identify(struct listen_peer *peer, int fd, const struct sockaddr_storage *ss)
{
	struct ucred who = {.uid = UINT32_MAX};
	socklen_t n = sizeof(who);

	sockaddr_to(ss, &peer->addr);
	if (!peer->local)
		return;
	peer->uid = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 ? who.uid : UINT32_MAX;
}

static void listen_ready(struct watch *w, uint32_t events)
{
	struct listen *l = LOOP_OWNER(struct listen, watch, w);
	struct listen_peer peer = {.local = l->unix_socket};
	struct sockaddr_storage ss = {.ss_family = AF_UNSPEC};
	socklen_t n = sizeof(ss);
	int fd;

	if (events & EPOLLHUP) {
		listen_asleep(l);
		return;
	}
	if (l->paused)
		return;
	fd = accept4(w->fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			listen_starved(l, errno);
		return;
	}
	listen_identify(&peer, fd, &ss);
	l->fn(l, fd, &peer);
}

int listen_open(struct listen *l, int fd, bool unix_socket, listen_fn *fn)
{
	l->fd = fd;
	l->unix_socket = unix_socket;
	l->paused = false;
	l->quiet_until = 0;
	l->fn = fn;
	return loop_watch(&l->watch, fd, EPOLLIN, listen_ready);
}

void listen_pause(struct listen *l)
{
	l->paused = true;
	listen_interest(l);
}

void listen_resume(struct listen *l)
{
	l->paused = false;
	listen_interest(l);
}

void listen_close(struct listen *l)
{
	loop_deadline_clear(&l->again);
	loop_unwatch(&l->watch);
	if (l->fd > 0)
		close(l->fd);
	l->fd = -1;
}

void listen_local(int fd, struct inet_addr *out)
{
	struct sockaddr_storage ss = {.ss_family = AF_UNSPEC};
	socklen_t n = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &n) < 0)
		memset(out, 0, sizeof(*out));
	else
		sockaddr_to(&ss, out);
}
