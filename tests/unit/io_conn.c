/* SPDX-License-Identifier: ISC */
/* A stream: filling, flushing, ends of several kinds. */
#include "io/conn.h"

#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

TAP_GP_BUG

static struct timer *slots[8];
static struct conn c;
static uint8_t in[64], out[64];
static uint32_t seen;

static void on_event(struct watch *w, uint32_t events)
{
	(void)w;
	seen |= events;
	loop_stop();
}

static void on_stop(struct deadline *d)
{
	(void)d;
	loop_stop();
}

static uint32_t wait_event(void)
{
	static struct deadline stop;

	seen = 0;
	loop_after(&stop, 300, on_stop);
	loop_run();
	loop_deadline_clear(&stop);
	return seen;
}

static int open_fd(int fd)
{
	memset(&c, 0, sizeof(c));
	buf_init(&c.in, in, sizeof(in));
	buf_init(&c.out, out, sizeof(out));
	return conn_open(&c, fd, on_event);
}

/* A connected pair of TCP sockets on loopback: ours in c, the other returned. */
static int open_tcp(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int l = socket(AF_INET, SOCK_STREAM, 0), peer = socket(AF_INET, SOCK_STREAM, 0), fd;

	if (bind(l, (struct sockaddr *)&at, n) < 0 || listen(l, 1) < 0 ||
	    getsockname(l, (struct sockaddr *)&at, &n) < 0 ||
	    connect(peer, (struct sockaddr *)&at, n) < 0)
		exit(2);
	fd = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	close(l);
	if (fd < 0 || open_fd(fd) != 0)
		exit(2);
	return peer;
}

static int open_pair(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) < 0 || open_fd(fd[0]) != 0)
		exit(2);
	return fd[1];
}

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		exit(2);
}

static void test_fill(void)
{
	int peer = open_pair();
	uint8_t big[100];

	ok(conn_is_open(&c), "open");
	is_num(conn_fill(&c), 0, "fill: nothing there");
	ok(!c.eof && !c.lost && c.drained, "fill: nothing there is no end");
	put(peer, "hello");
	ok(wait_event() & EPOLLIN, "fill: readable");
	is_num(conn_fill(&c), 5, "fill: what there is");
	ok(c.drained, "fill: a short read has drained it");
	is_bytes(buf_peek(&c.in), BYTES("hello"), "fill: the octets");
	memset(big, 'x', sizeof(big));
	if (write(peer, big, sizeof(big)) != (ssize_t)sizeof(big))
		exit(2);
	is_num(conn_fill(&c), 59, "fill: no more than the room");
	ok(!c.drained, "fill: a full one may not have drained it");
	is_num(conn_fill(&c), 0, "fill: no room, nothing read");
	ok(!c.eof, "fill: no room is no end");
	conn_rearm(&c, true);
	is_num(wait_event(), 0, "rearm: without room reading is not wanted");
	buf_drop(&c.in, 64);
	conn_rearm(&c, false);
	is_num(wait_event(), 0, "rearm: nor where the owner does not want it");
	conn_rearm(&c, true);
	ok(wait_event() & EPOLLIN, "rearm: with room it is");
	is_num(conn_fill(&c), 41, "fill: the rest");
	is_num(c.received, 105, "fill: counted");
	conn_close(&c, false);
	ok(!conn_is_open(&c), "close");
	close(peer);
}

static void test_eof(void)
{
	int peer = open_tcp();
	uint32_t events;

	put(peer, "QUIT\r\n");
	shutdown(peer, SHUT_WR);
	usleep(20000);
	events = wait_event();
	ok((events & EPOLLIN) && (events & EPOLLRDHUP), "half-closed: both are reported");
	conn_events(&c, events);
	ok(!c.eof && !c.lost, "half-closed: no end before what was sent is read");
	is_num(conn_fill(&c), 6, "half-closed: what was sent");
	ok(c.eof && !c.lost, "half-closed: one read shows the end");
	conn_rearm(&c, true);
	is_num(wait_event(), 0, "half-closed: no event over and over");
	buf_put(&c.out, BYTES("221\r\n"));
	is_num(conn_flush(&c), 5, "half-closed: it still hears us");
	conn_close(&c, false);
	close(peer);
}

static void test_eof_full(void)
{
	int peer = open_tcp();
	uint8_t big[70];
	uint32_t events;

	memset(big, 'y', sizeof(big));
	if (write(peer, big, sizeof(big)) != (ssize_t)sizeof(big))
		exit(2);
	shutdown(peer, SHUT_WR);
	usleep(20000);
	events = wait_event();
	conn_events(&c, events);
	is_num(conn_fill(&c), 64, "half-closed with more than the room: as much as fits");
	ok(!c.eof, "half-closed with more than the room: no end yet");
	conn_rearm(&c, true);
	is_num(wait_event(), 0, "half-closed with more than the room: quiet until there is room");
	buf_drop(&c.in, 64);
	conn_rearm(&c, true);
	conn_events(&c, wait_event());
	is_num(conn_fill(&c), 6, "half-closed with more than the room: the rest");
	ok(c.eof, "half-closed with more than the room: now the end");
	conn_close(&c, false);
	close(peer);
}

static void test_reset(void)
{
	struct linger at_once = {1, 0};
	int peer = open_tcp();

	put(peer, "421 bye\r\n");
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(peer);
	usleep(20000);
	conn_events(&c, wait_event());
	ok(c.lost, "reset: lost");
	is_num(c.error, ECONNRESET, "reset: why");
	is_bytes(buf_peek(&c.in), BYTES("421 bye\r\n"), "reset: what came before it was read");
	buf_put(&c.out, BYTES("x"));
	is_num(conn_flush(&c), 0, "reset: nothing is written any more");
	conn_close(&c, false);
}

static void test_blocked(void)
{
	int peer = open_pair(), small = 4096;
	size_t total = 0, got = 0;
	char text[4096];
	ssize_t n;

	setsockopt(c.watch.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	while (!c.blocked && total < 10000000) {
		buf_put(&c.out, BYTES("0123456789012345678901234567890123456789"));
		total += conn_flush(&c);
	}
	ok(c.blocked && !c.lost, "blocked: after some octets");
	ok(buf_used(&c.out) > 0, "blocked: what was not taken stays");
	conn_rearm(&c, false);
	is_num(wait_event(), 0, "blocked: waits for room");
	while ((n = read(peer, text, sizeof(text))) > 0)
		got += (size_t)n;
	ok(wait_event() & EPOLLOUT, "blocked: writable when the peer has read");
	total += conn_flush(&c);
	ok(!c.blocked, "blocked: not any more");
	conn_rearm(&c, false);
	is_num(wait_event(), 0, "blocked: and no event for nothing");
	while ((n = read(peer, text, sizeof(text))) > 0)
		got += (size_t)n;
	is_num(got, total, "blocked: every octet came once");
	is_num(c.sent, total, "sent: counted");
	conn_close(&c, false);
	close(peer);
}

static void test_close(void)
{
	int peer = open_tcp();
	char octet;

	conn_close(&c, true);
	usleep(20000);
	is_num(read(peer, &octet, 1), -1, "close with reset: the peer sees no orderly end");
	is_num(errno, ECONNRESET, "close with reset: but a reset");
	close(peer);
	peer = open_tcp();
	conn_close(&c, false);
	is_num(read(peer, &octet, 1), 0, "close: an orderly end");
	close(peer);
	conn_close(&c, true);
	ok(!conn_is_open(&c), "close: twice is harmless");
}

static void test_peer_gone(void)
{
	int peer = open_tcp();

	close(peer);
	usleep(20000);
	buf_put(&c.out, BYTES("220 hello\r\n"));
	conn_flush(&c);
	usleep(20000);
	buf_put(&c.out, BYTES("more"));
	conn_flush(&c);
	ok(c.lost, "write to one that is gone: lost, and no signal ends us");
	ok(c.error == EPIPE || c.error == ECONNRESET, "write to one that is gone: why");
	conn_close(&c, false);
}

int main(void)
{
	loop_init(slots, sizeof(slots) / sizeof(slots[0]));
	test_fill();
	test_eof();
	test_eof_full();
	test_reset();
	test_blocked();
	test_close();
	test_peer_gone();
	return done();
}
