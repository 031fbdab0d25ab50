/* SPDX-License-Identifier: ISC */
/*
 * Accepting: one at a time, pauses, descriptors used up, a socket that its supervisor takes out of
 * service.
 */
#include "io/listen.h"

#include "io/log.h"
#include "io/sockaddr.h"
#include "io/tune.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TAP_GP_BUG

static struct timer *slots[16];
static struct listen l;
static struct listen_peer last;
static int accepted[32];
static unsigned naccepted;

static void on_accept(struct listen *from, int fd, const struct listen_peer *peer)
{
	(void)from;
	last = *peer;
	accepted[naccepted++] = fd;
}

static void on_stop(struct deadline *d)
{
	(void)d;
	loop_stop();
}

static void run_for(uint64_t ms)
{
	static struct deadline stop;

	loop_after(&stop, ms, on_stop);
	loop_run();
	loop_deadline_clear(&stop);
}

static void forget(void)
{
	for (unsigned i = 0; i < naccepted; i++)
		close(accepted[i]);
	naccepted = 0;
}

static int open_tcp(const char *host, struct sockaddr_storage *ss, socklen_t *n)
{
	struct inet_addr at;
	int fd;

	inet_parse_addr(bytes_of(host), &at);
	*n = sockaddr_from(&at, ss);
	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	tune_listener(fd);
	if (bind(fd, (struct sockaddr *)ss, *n) < 0 || listen(fd, 20) < 0)
		exit(2);
	*n = sizeof(*ss);
	getsockname(fd, (struct sockaddr *)ss, n);
	return fd;
}

static int call(const struct sockaddr_storage *ss, socklen_t n)
{
	int fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)ss, n) < 0)
		exit(2);
	return fd;
}

static int number(int fd, int level, int option)
{
	int v = -1;
	socklen_t n = sizeof(v);

	getsockopt(fd, level, option, &v, &n);
	return v;
}

static void test_tcp(void)
{
	struct sockaddr_storage ss;
	struct inet_addr at, here;
	socklen_t n;
	int fd = open_tcp("127.0.0.1", &ss, &n), c;
	char text[INET_TEXT];
	struct fmt f;

	is_num(listen_open(&l, fd, false, on_accept), 0, "open");
	c = call(&ss, n);
	run_for(30);
	is_num(naccepted, 1, "accept: one client, once");
	fmt_init(&f, text, sizeof(text));
	inet_print_addr(&f, &last.addr);
	is_str(text, "127.0.0.1", "accept: its address");
	ok(!last.local, "accept: not local");
	ok(fcntl(accepted[0], F_GETFL) & O_NONBLOCK, "accept: non-blocking");
	ok(fcntl(accepted[0], F_GETFD) & FD_CLOEXEC, "accept: close-on-exec");
	is_num(number(accepted[0], SOL_SOCKET, SO_SNDBUF), 2 * TUNE_LAN_BUFFER,
	    "accept: buffers are inherited");
	is_num(number(accepted[0], IPPROTO_TCP, TCP_NODELAY), 1, "accept: so is TCP_NODELAY");
	is_num(number(accepted[0], SOL_SOCKET, SO_KEEPALIVE), 1, "accept: so is keepalive");
	sockaddr_to(&ss, &at);
	listen_local(accepted[0], &here);
	ok(inet_same(at.a, here.a) && at.port == here.port, "accept: the address at our end");
	forget();
	close(c);

	listen_pause(&l);
	c = call(&ss, n);
	run_for(50);
	is_num(naccepted, 0, "pause: the client waits");
	listen_resume(&l);
	run_for(50);
	is_num(naccepted, 1, "resume: it is served");
	forget();
	close(c);
	listen_close(&l);
	listen_close(&l);
	c = socket(AF_INET, SOCK_STREAM, 0);
	is_num(connect(c, (struct sockaddr *)&ss, n), -1, "close: nobody listens any more");
	close(c);
}

/* Lines that the loop logs while descriptors are used up. */
static unsigned log_lines(int fd)
{
	char text[2000];
	unsigned count = 0;

	while (recv(fd, text, sizeof(text), MSG_DONTWAIT) > 0)
		count++;
	return count;
}

static void test_starved(void)
{
	struct rlimit lim = {64, 64};
	struct sockaddr_storage ss;
	socklen_t n;
	int fd = open_tcp("127.0.0.1", &ss, &n), c, filler[64], nfiller = 0, log[2];
	struct rusage before, after;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, log) < 0)
		exit(2);
	log_to(log[1]);
	setrlimit(RLIMIT_NOFILE, &lim);
	listen_open(&l, fd, false, on_accept);
	c = call(&ss, n);
	while ((filler[nfiller] = dup(c)) >= 0)
		nfiller++;
	getrusage(RUSAGE_SELF, &before);
	run_for(2500);
	getrusage(RUSAGE_SELF, &after);
	is_num(naccepted, 0, "descriptors used up: nobody is accepted");
	ok(after.ru_nvcsw - before.ru_nvcsw < 20, "descriptors used up: no busy loop");
	ok(after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec -
		    before.ru_utime.tv_sec * 1000000 - before.ru_utime.tv_usec <
		500000,
	    "descriptors used up: no processor time");
	is_num(log_lines(log[0]), 1, "descriptors used up: one line, not one a second");
	for (int i = 0; i < nfiller; i++)
		close(filler[i]);
	run_for(1200);
	is_num(naccepted, 1, "descriptors free again: the client is served");
	log_to(-1);
	forget();
	listen_close(&l);
	close(c);
	close(log[0]);
	close(log[1]);
}

static void test_out_of_service(void)
{
	struct sockaddr_storage ss;
	socklen_t n;
	int fd = open_tcp("127.0.0.1", &ss, &n), other, c, on = 1;
	struct rusage before, after;

	/* A port that was asked for by number stays the socket's. */
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, n) < 0 || listen(fd, 20) < 0)
		exit(2);
	other = dup(fd);
	listen_open(&l, fd, false, on_accept);
	run_for(5);
	shutdown(other, SHUT_RD);
	getrusage(RUSAGE_SELF, &before);
	run_for(1500);
	getrusage(RUSAGE_SELF, &after);
	ok(after.ru_nvcsw - before.ru_nvcsw < 20, "taken out of service elsewhere: no busy loop");
	listen(other, 20);
	c = call(&ss, n);
	run_for(1500);
	is_num(naccepted, 1, "in service again: clients are served");
	forget();
	close(c);
	close(other);
	listen_close(&l);
}

static void test_unix(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0),
	    c = socket(AF_UNIX, SOCK_STREAM, 0);
	struct inet_addr none, here;

	memset(&none, 0, sizeof(none));
	snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/io_listen.%d", (int)getpid());
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, 5) < 0)
		exit(2);
	listen_open(&l, fd, true, on_accept);
	if (connect(c, (struct sockaddr *)&un, sizeof(un)) < 0)
		exit(2);
	run_for(30);
	is_num(naccepted, 1, "Unix socket: accepted");
	ok(last.local, "Unix socket: local");
	is_num(last.uid, getuid(), "Unix socket: whose process it is");
	ok(memcmp(&last.addr, &none, sizeof(none)) == 0, "Unix socket: no address");
	listen_local(accepted[0], &here);
	ok(memcmp(&here, &none, sizeof(none)) == 0, "Unix socket: nor at our end");
	forget();
	listen_close(&l);
	close(c);
	unlink(un.sun_path);
}

static void test_mapped(void)
{
	struct sockaddr_storage ss, v4;
	struct inet_addr at;
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t n;
	int off = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), c;

	if (fd < 0) {
		skip("no IPv6");
		return;
	}
	memset(&at, 0, sizeof(at));
	n = sockaddr_from(&at, &ss);
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&ss, n) < 0 || listen(fd, 5) < 0) {
		skip("no IPv6");
		close(fd);
		return;
	}
	getsockname(fd, (struct sockaddr *)&ss, &n);
	sockaddr_to(&ss, &at);
	in.sin_port = htons(at.port);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(&v4, &in, sizeof(in));
	listen_open(&l, fd, false, on_accept);
	c = call(&v4, sizeof(in));
	run_for(30);
	ok(naccepted == 1 && inet_is_v4(last.addr.a) && inet_is_loopback(last.addr.a),
	    "IPv4 client of a socket for both: counts as IPv4");
	forget();
	close(c);
	listen_close(&l);
}

int main(void)
{
	loop_init(slots, sizeof(slots) / sizeof(slots[0]));
	test_tcp();
	test_out_of_service();
	test_unix();
	test_mapped();
	test_starved();
	return done();
}
