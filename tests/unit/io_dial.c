/* SPDX-License-Identifier: ISC */
/*
 * Dialling: order, failures, company, sources, zones. Silent addresses are listeners whose queue
 * is full.
 */
#include "io/dial.h"

#include "base/limits.h"
#include "io/sockaddr.h"
#include "io/tune.h"
#include "lib/said.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

TAP_GP_BUG

static struct timer *slots[16];
static struct dial d;
static struct inet_addr list[8];
static int result, failures[8], nfailures;
static unsigned winner, finished;
static uint64_t took;

static void on_failed(struct dial *dial, unsigned index, int err)
{
	(void)dial;
	failures[index] = err;
	nfailures++;
}

static void on_done(struct dial *dial, int fd, unsigned index)
{
	(void)dial;
	result = fd;
	winner = index;
	finished++;
	loop_stop();
}

static void on_stop(struct deadline *s)
{
	(void)s;
	loop_stop();
}

static void dial_run(unsigned n, uint32_t connect_ms)
{
	static struct deadline stop;
	uint64_t start = loop_now();

	result = -2;
	nfailures = 0;
	finished = 0;
	memset(failures, 0, sizeof(failures));
	d.addr = list;
	d.n = (uint8_t)n;
	d.connect_ms = connect_ms;
	d.failed = on_failed;
	d.done = on_done;
	dial_start(&d);
	ok(finished == 0 && nfailures == 0, "no callback from inside dial_start");
	loop_after(&stop, 20000, on_stop);
	loop_run();
	loop_deadline_clear(&stop);
	took = loop_now() - start;
}

/*
 * An address that the kernel gave a listening socket; with full, its queue is filled so that
 * nobody gets through.
 */
static int open_listener(const char *host, struct inet_addr *at, bool full)
{
	struct sockaddr_storage ss;
	socklen_t n;
	int fd;

	if (!inet_parse_addr(bytes_of(host), at))
		exit(2);
	n = sockaddr_from(at, &ss);
	fd = socket(ss.ss_family, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&ss, n) < 0 || listen(fd, full ? 0 : 5) < 0)
		exit(2);
	n = sizeof(ss);
	getsockname(fd, (struct sockaddr *)&ss, &n);
	sockaddr_to(&ss, at);
	for (int i = 0; full && i < 3; i++) {
		int filler = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

		connect(filler, (struct sockaddr *)&ss, n);
		usleep(20000);
	}
	return fd;
}

static void refused(struct inet_addr *at)
{
	close(open_listener("127.0.0.1", at, false));
}

static void test_simple(void)
{
	int l = open_listener("127.0.0.1", &list[0], false), sndbuf = 0;
	socklen_t n = sizeof(sndbuf);

	dial_run(1, 5000);
	ok(result > 2, "one address that answers: connected");
	is_num(winner, 0, "one address that answers: it won");
	is_num(nfailures, 0, "one address that answers: no failure");
	getsockopt(result, SOL_SOCKET, SO_SNDBUF, &sndbuf, &n);
	is_num(sndbuf, 2 * TUNE_GATEWAY_BUFFER, "its buffer is set");
	is_num(write(result, "x", 1), 1, "it can be written to");
	close(result);
	close(l);
}

static void test_order(void)
{
	int l;

	refused(&list[0]);
	refused(&list[1]);
	l = open_listener("127.0.0.3", &list[2], false);
	dial_run(3, 5000);
	is_num(winner, 2, "in order: the third, the first that answers");
	is_num(failures[0], ECONNREFUSED, "in order: the first refused");
	is_num(failures[1], ECONNREFUSED, "in order: the second refused");
	ok(took < 1000, "in order: without waiting");
	close(result);
	close(l);
	dial_run(2, 5000);
	is_num(result, -1, "all refuse: none is left");
	is_num(nfailures, 2, "all refuse: each is told");
	is_num(finished, 1, "all refuse: told once");
	dial_run(0, 5000);
	is_num(result, -1, "no address at all: none is left");
}

static void test_timeout(void)
{
	int l = open_listener("127.0.0.1", &list[0], true);

	dial_run(1, 400);
	is_num(result, -1, "silence: fails");
	is_num(failures[0], ETIMEDOUT, "silence: as no answer");
	ok(took >= 400 && took < 1500, "silence: after the time for one address (%llu ms)",
	    (unsigned long long)took);
	close(l);
}

static void test_company(void)
{
	int silent = open_listener("127.0.0.1", &list[0], true),
	    good = open_listener("127.0.0.2", &list[1], false);

	dial_run(2, 10000);
	is_num(winner, 1, "company: the second wins while the first is silent");
	ok(took >= 2900 && took < 4000, "company: after 3 seconds (%llu ms)",
	    (unsigned long long)took);
	is_num(nfailures, 0, "company: the first has not failed");
	close(result);
	close(good);
	refused(&list[1]);
	dial_run(2, 4000);
	is_num(failures[1], ECONNREFUSED, "company that is refused");
	is_num(failures[0], ETIMEDOUT, "the silent one keeps its own time");
	is_num(result, -1, "none is left");
	ok(took >= 3900 && took < 5500, "and that is the end of it (%llu ms)",
	    (unsigned long long)took);
	close(silent);
}

static void test_source(void)
{
	struct inet_addr source, at;
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int l = open_listener("127.0.0.1", &list[0], false);

	inet_parse_addr(BYTES("127.0.0.9"), &source);
	d.source = &source;
	dial_run(1, 5000);
	getsockname(result, (struct sockaddr *)&ss, &n);
	sockaddr_to(&ss, &at);
	ok(inet_same(at.a, source.a), "source: called from the address asked for");
	close(result);
	inet_parse_addr(BYTES("::1"), &source);
	dial_run(1, 5000);
	is_num(failures[0], EAFNOSUPPORT, "source: of the other family");
	inet_parse_addr(BYTES("192.0.2.77"), &source);
	dial_run(1, 5000);
	is_num(failures[0], EADDRNOTAVAIL, "source: not ours");
	d.source = NULL;
	close(l);
}

static void test_zone(void)
{
	inet_parse_addr(BYTES("fe80::1"), &list[0]);
	list[0].port = 9;
	memcpy(list[0].zone, "nosuchif0", 10);
	dial_run(1, 2000);
	is_num(failures[0], ENODEV, "zone: no such interface");
	is_str(said(dial_error(ENODEV)), "no such interface", "zone: in words");
	ok(strstr(said(dial_error(DIAL_AMBIGUOUS)), "%interface") != NULL,
	    "zone: ambiguous, and what helps");
}

static struct dial other;
static int silent_fd;

/* From inside the callback the same struct goes on to another list. */
static void on_failed_switch(struct dial *dial, unsigned index, int err)
{
	(void)index;
	(void)err;
	nfailures++;
	if (nfailures == 1) {
		dial->addr = &list[4];
		dial->n = 1;
		dial_start(dial);
	}
}

static void test_switch(void)
{
	int l = open_listener("127.0.0.1", &list[4], false);
	static struct deadline stop;

	refused(&list[0]);
	refused(&list[1]);
	nfailures = 0;
	finished = 0;
	d.addr = list;
	d.n = 2;
	d.failed = on_failed_switch;
	dial_start(&d);
	loop_after(&stop, 5000, on_stop);
	loop_run();
	is_num(nfailures, 1, "switched in the callback: the old list is left alone");
	is_num(finished, 1, "switched in the callback: the new one is dialled");
	ok(result > 2, "switched in the callback: and connects");
	close(result);
	close(l);
	silent_fd = open_listener("127.0.0.1", &list[0], true);
	finished = 0;
	other = (struct dial){
		.addr = list, .n = 1, .connect_ms = 300, .failed = on_failed, .done = on_done
	};
	dial_start(&other);
	dial_stop(&other);
	dial_stop(&other);
	loop_after(&stop, 600, on_stop);
	loop_run();
	is_num(finished, 0, "stopped: no callback ever");
	close(silent_fd);
}

int main(void)
{
	loop_init(slots, sizeof(slots) / sizeof(slots[0]));
	test_simple();
	test_order();
	test_timeout();
	test_company();
	test_source();
	test_zone();
	test_switch();
	return done();
}
