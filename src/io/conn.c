/* SPDX-License-Identifier: ISC */
#include "io/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int conn_open(struct conn *c, int fd, watch_fn *fn)
{
	int err = loop_watch(&c->watch, fd, EPOLLIN | EPOLLRDHUP, fn);

	if (err != 0)
		return err;
	c->eof = c->lost = c->blocked = c->hangup = false;
	c->drained = true;
	c->error = 0;
	c->received = c->sent = 0;
	c->shaking = false;
	c->tls = NULL;
	return 0;
}

static void conn_lose(struct conn *c, int err)
{
	c->lost = true;
	c->blocked = false;
	if (c->error == 0)
		c->error = err;
}

/* ---- TLS ---- */

static void call_again(struct loop_task *t)
{
	struct conn *c = LOOP_OWNER(struct conn, again, t);

	if (conn_is_open(c))
		c->watch.fn(&c->watch, c->shaking ? 0 : EPOLLIN);
}

void conn_again(struct conn *c)
{
	loop_at_end(&c->again, call_again);
}

void conn_secure(struct conn *c, struct tls *t)
{
	c->tls = t;
	c->shaking = true;
	c->blocked = false;
	c->step = TLS_AGAIN;
	conn_again(c);
}

enum tls_step conn_shake(struct conn *c)
{
	enum tls_step step = tls_handshake(c->tls);

	c->step = (uint8_t)step;
	switch (step) {
	case TLS_AGAIN:
		conn_again(c);
		loop_interest(&c->watch, 0);
		break;
	case TLS_WANTS_READ:
		loop_interest(&c->watch, EPOLLIN);
		break;
	case TLS_WANTS_WRITE:
		loop_interest(&c->watch, EPOLLOUT);
		break;
	case TLS_DONE:
		c->shaking = false;
		if (tls_pending(c->tls))
			conn_again(c);
		break;
	case TLS_FAILED:
		conn_lose(c, EPROTO);
		break;
	}
	return step;
}

/* What TLS says of reading, as conn_fill does. */
static size_t fill_tls(struct conn *c, uint8_t *p, size_t room)
{
	int n = c->shaking ? -EAGAIN : tls_read(c->tls, p, room);

	c->drained = true;
	if (n == -EAGAIN)
		return 0;
	if (n <= 0) {
		c->eof = true;
		if (n < 0)
			conn_lose(c, -n);
		return 0;
	}
	buf_added(&c->in, (size_t)n);
	c->received += (uint64_t)n;
	c->drained = !tls_pending(c->tls);
	return (size_t)n;
}

/* One record after the other, as far as it goes. */
static size_t flush_tls(struct conn *c, struct bytes out)
{
	size_t sent = 0;

	c->blocked = false;
	while (sent < out.n && !c->shaking) {
		int n = tls_write(c->tls, out.p + sent, out.n - sent);

		if (n <= 0) {
			if (n == -EAGAIN)
				c->blocked = true;
			else
				conn_lose(c, n < 0 ? -n : EPIPE);
			break;
		}
		sent += (size_t)n;
	}
	buf_drop(&c->out, sent);
	c->sent += sent;
	return sent;
}

/* ---- both ---- */

size_t conn_fill(struct conn *c)
{
	size_t room;
	uint8_t *p = buf_space(&c->in, &room);
	ssize_t n;

	if (room == 0 || c->eof)
		return 0;
	if (c->tls)
		return fill_tls(c, p, room);
	do {
		n = recv(c->watch.fd, p, room, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		c->drained = true;
		c->eof = c->lost;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			conn_lose(c, errno);
		return 0;
	}
	buf_added(&c->in, (size_t)n);
	c->received += (uint64_t)n;
	c->drained = (size_t)n < room;
	if (n == 0 || (c->drained && c->hangup))
		c->eof = true;
	return (size_t)n;
}

size_t conn_flush(struct conn *c)
{
	struct bytes out = buf_peek(&c->out);
	ssize_t n;

	if (out.n == 0 || c->lost)
		return 0;
	if (c->tls)
		return flush_tls(c, out);
	do {
		n = send(c->watch.fd, out.p, out.n, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			conn_lose(c, errno);
		else
			c->blocked = true;
		return 0;
	}
	buf_drop(&c->out, (size_t)n);
	c->sent += (uint64_t)n;
	c->blocked = (size_t)n < out.n;
	return (size_t)n;
}

void conn_rearm(struct conn *c, bool want_in)
{
	uint32_t events = 0;

	if (c->lost) { /* told once: that it is lost will not change */
		loop_interest(&c->watch, EPOLLET);
		return;
	}
	if (c->shaking) /* conn_shake did */
		return;
	if (!c->eof && !c->hangup)
		events |= EPOLLRDHUP;
	if (want_in && !c->eof && buf_room(&c->in) > 0)
		events |= EPOLLIN;
	if (c->blocked && buf_used(&c->out) > 0)
		events |= EPOLLOUT;
	if (c->tls && !c->shaking && (events & EPOLLIN) && tls_pending(c->tls))
		conn_again(c);
	loop_interest(&c->watch, events);
}

void conn_events(struct conn *c, uint32_t events)
{
	int err = 0;
	socklen_t n = sizeof(err);

	if (events & EPOLLRDHUP)
		c->hangup = true;
	if (!(events & (EPOLLERR | EPOLLHUP)) || c->lost)
		return;
	c->hangup = true;
	conn_fill(c);
	if (c->lost)
		return;
	if (getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0 || err == 0)
		err = ECONNRESET;
	conn_lose(c, err);
}

uint64_t conn_taken(const struct conn *c)
{
	uint64_t sent = c->tls ? tls_wire_sent(c->tls) : c->sent;
	int waits = 0;

	if (ioctl(c->watch.fd, SIOCOUTQ, &waits) < 0 || waits < 0)
		return sent;
	return sent - (uint64_t)waits;
}

void conn_acknowledge(struct conn *c)
{
	int on = 1;

	(void)setsockopt(c->watch.fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

void conn_shut(struct conn *c)
{
	if (c->tls)
		tls_shut(c->tls);
	(void)shutdown(c->watch.fd, SHUT_WR);
}

void conn_close(struct conn *c, bool reset)
{
	struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	if (c->tls)
		tls_end(c->tls, reset || c->lost || c->shaking);
	c->tls = NULL;
	c->shaking = false;
	if (reset && conn_is_open(c))
		setsockopt(c->watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	loop_close(&c->watch);
}

bool conn_is_reset(struct conn *c)
{
	int err = 0;
	socklen_t n = sizeof(err);

	if (!c->lost && getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &err, &n) == 0 && err != 0)
		conn_lose(c, err);
	return c->lost;
}

bool conn_is_open(const struct conn *c)
{
	return c->watch.fd > 0;
}
