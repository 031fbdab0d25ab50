/* SPDX-License-Identifier: ISC */
#include "run/resolver.h"

#include "io/sockaddr.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

static uint8_t message[RESOLVER_MESSAGE];

static void resolver_end(struct loop_task *task)
{
	struct resolver *r = LOOP_OWNER(struct resolver, task, task);

	loop_deadline_clear(&r->again);
	for (unsigned i = 0; i < RESOLV_SERVERS; i++)
		loop_close(&r->server[i].udp);
	r->settled(r);
}

static void ask_settle(struct resolver_ask *a, enum resolver_state state)
{
	struct resolver *r = a->owner;

	loop_close(&a->tcp);
	a->state = state;
	for (unsigned i = 0; i < r->asks; i++) {
		if (r->ask[i].state == RESOLVER_WAITS)
			return;
	}
	loop_at_end(&r->task, resolver_end);
}

/* One that does not get through is sent again when it is time, as one that is lost. */
static void ask_send(const struct resolver_ask *a, const struct resolver_server *s)
{
	if (s->udp.fd > 0)
		(void)send(s->udp.fd, a->question, a->length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Does each of them say that it cannot tell, not only once? */
static bool ask_hopeless(const struct resolver_ask *a)
{
	for (unsigned i = 0; i < RESOLV_SERVERS; i++) {
		if (a->owner->server[i].udp.fd > 0 && a->refusals[i] < 2)
			return false;
	}
	return true;
}

/* A server cannot tell, or its TCP does not work: once more. */
static void ask_refused(struct resolver_ask *a, unsigned server)
{
	if (a->refusals[server] < 2)
		a->refusals[server]++;
	if (ask_hopeless(a))
		ask_settle(a, RESOLVER_FAILED);
	else if (a->refusals[server] < 2)
		ask_send(a, &a->owner->server[server]);
}

static void ask_take(struct resolver_ask *a, enum dns_verdict verdict, struct bytes answer)
{
	if (verdict == DNS_NO_NAME) {
		ask_settle(a, RESOLVER_NO_NAME);
		return;
	}
	a->owner->answer(a->owner, answer);
	ask_settle(a, RESOLVER_ANSWERED);
}

/* ---- TCP ---- */

static void tcp_failed(struct resolver_ask *a)
{
	loop_close(&a->tcp);
	ask_refused(a, a->tcp_server);
}

static void tcp_read(struct watch *w, uint32_t events)
{
	struct resolver_ask *a = LOOP_OWNER(struct resolver_ask, tcp, w);
	struct bytes whole = {a->reply + 2, 0};
	enum dns_verdict verdict;
	ssize_t n = recv(w->fd, a->reply + a->got, sizeof(a->reply) - a->got, MSG_DONTWAIT);

	(void)events;
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			tcp_failed(a);
		return;
	}
	a->got += (uint32_t)n;
	if (a->got < 2)
		return;
	whole.n = (size_t)(a->reply[0] << 8 | a->reply[1]);
	if (whole.n > RESOLVER_MESSAGE)
		whole.n = RESOLVER_MESSAGE;
	if (a->got - 2 < whole.n)
		return;
	verdict = dns_judge(whole, (struct bytes){a->question, a->length});
	if (verdict == DNS_ALIEN || verdict == DNS_REFUSED)
		tcp_failed(a);
	else
		ask_take(a, verdict, whole);
}

/* Connected: the question, which the socket has room for. */
static void tcp_ask(struct watch *w, uint32_t events)
{
	struct resolver_ask *a = LOOP_OWNER(struct resolver_ask, tcp, w);
	uint8_t out[2 + DNS_QUESTION];

	(void)events;
	out[0] = (uint8_t)(a->length >> 8);
	out[1] = (uint8_t)a->length;
	memcpy(out + 2, a->question, a->length);
	if (send(w->fd, out, a->length + 2u, MSG_DONTWAIT | MSG_NOSIGNAL) != a->length + 2) {
		tcp_failed(a);
		return;
	}
	w->fn = tcp_read;
	loop_interest(w, EPOLLIN);
}

static int server_socket(const struct inet_addr *at, int type)
{
	struct sockaddr_storage ss;
	socklen_t n = sockaddr_from(at, &ss);
	int fd = socket(ss.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&ss, n) < 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void tcp_begin(struct resolver_ask *a, unsigned server)
{
	int fd;

	if (a->tcp.fd > 0)
		return;
	a->got = 0;
	a->tcp_server = (uint8_t)server;
	fd = server_socket(&a->owner->conf.server[server], SOCK_STREAM);
	if (fd >= 0 && loop_watch(&a->tcp, fd, EPOLLOUT, tcp_ask) < 0)
		close(fd);
	if (a->tcp.fd <= 0)
		ask_refused(a, server);
}

/* ---- UDP ---- */

static void udp_judge(struct resolver *r, unsigned server, struct bytes answer)
{
	for (unsigned i = 0; i < r->asks; i++) {
		struct resolver_ask *a = &r->ask[i];
		enum dns_verdict verdict =
		    dns_judge(answer, (struct bytes){a->question, a->length});

		if (a->state != RESOLVER_WAITS || verdict == DNS_ALIEN)
			continue;
		if (verdict == DNS_CUT)
			tcp_begin(a, server);
		else if (verdict == DNS_REFUSED)
			ask_refused(a, server);
		else
			ask_take(a, verdict, answer);
	}
}

static void udp_read(struct watch *w, uint32_t events)
{
	struct resolver_server *s = LOOP_OWNER(struct resolver_server, udp, w);
	ssize_t n = recv(w->fd, message, sizeof(message), MSG_DONTWAIT);

	(void)events;
	if (n > 0)
		udp_judge(s->owner, (unsigned)(s - s->owner->server),
		    (struct bytes){message, (size_t)n});
}

static void server_open(struct resolver *r, unsigned i)
{
	struct resolver_server *s = &r->server[i];
	int fd = server_socket(&r->conf.server[i], SOCK_DGRAM);

	s->owner = r;
	if (fd >= 0 && loop_watch(&s->udp, fd, EPOLLIN, udp_read) < 0)
		close(fd);
}

/* ---- both ---- */

/* Time for the next attempt, or to give up. */
static void resolver_again(struct deadline *d)
{
	struct resolver *r = LOOP_OWNER(struct resolver, again, d);
	bool last = r->tries == r->conf.attempts;

	for (unsigned i = 0; i < r->asks; i++) {
		struct resolver_ask *a = &r->ask[i];

		if (a->state != RESOLVER_WAITS)
			continue;
		for (unsigned k = 0; !last && k < RESOLV_SERVERS; k++)
			ask_send(a, &r->server[k]);
		if (last)
			ask_settle(a, RESOLVER_FAILED);
	}
	r->tries++;
	if (!last)
		loop_after(d, r->conf.timeout * 1000u / r->conf.attempts, resolver_again);
}

void resolver_ask(struct resolver *r, struct bytes name, const enum dns_type *type, unsigned n)
{
	uint16_t id[RESOLVER_ASKS];

	r->asks = n;
	r->tries = 0;
	if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
		memset(id, 0, sizeof(id)); /* the port is at random too */
	for (unsigned i = 0; i < n; i++) {
		struct resolver_ask *a = &r->ask[i];

		a->owner = r;
		memset(a->refusals, 0, sizeof(a->refusals));
		a->length = (uint16_t)dns_ask(a->question, id[i], name, type[i]);
		a->state = RESOLVER_WAITS;
	}
	for (unsigned i = 0; r->ask[0].length > 0 && i < r->conf.servers; i++)
		server_open(r, i);
	if (!ask_hopeless(&r->ask[0])) {
		resolver_again(&r->again);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		ask_settle(&r->ask[i], r->ask[0].length > 0 ? RESOLVER_FAILED : RESOLVER_NO_NAME);
}
