/* SPDX-License-Identifier: ISC */
#include "io/dial.h"

#include "io/errtext.h"
#include "io/ifaces.h"
#include "io/sockaddr.h"
#include "io/tune.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static void dial_next(struct dial *d);

static void attempt_end(struct dial_attempt *a)
{
	loop_close(&a->watch);
	loop_deadline_clear(&a->limit);
	a->busy = false;
}

void dial_stop(struct dial *d)
{
	d->serial++;
	loop_deadline_clear(&d->company);
	for (unsigned i = 0; i < DIAL_PARALLEL; i++) {
		if (d->attempt[i].busy)
			attempt_end(&d->attempt[i]);
	}
}

static bool dial_busy(const struct dial *d)
{
	for (unsigned i = 0; i < DIAL_PARALLEL; i++) {
		if (d->attempt[i].busy)
			return true;
	}
	return false;
}

static void attempt_failed(struct dial_attempt *a, int err)
{
	struct dial *d = a->dial;
	uint32_t serial = d->serial;

	attempt_end(a);
	d->failed(d, a->index, err);
	if (d->serial != serial)
		return;
	if (d->next < d->n) {
		dial_next(d);
	} else if (!dial_busy(d)) {
		dial_stop(d);
		d->done(d, -1, 0);
	}
}

static void attempt_late(struct deadline *l)
{
	struct dial_attempt *a = LOOP_OWNER(struct dial_attempt, limit, l);

	attempt_failed(a, a->err != 0 ? a->err : ETIMEDOUT);
}

static void attempt_ready(struct watch *w, uint32_t events)
{
	struct dial_attempt *a = LOOP_OWNER(struct dial_attempt, watch, w);
	struct dial *d = a->dial;
	int fd = w->fd, err = 0;
	unsigned index = a->index;
	socklen_t n = sizeof(err);

	if (events & (EPOLLERR | EPOLLHUP)) {
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0)
			err = errno;
		attempt_failed(a, err != 0 ? err : ECONNRESET);
		return;
	}
	loop_unwatch(w);
	dial_stop(d);
	d->done(d, fd, index);
}

/* The zone that a link-local IPv6 address lacks. */
static int dial_zone(const struct inet_addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 in6;

	if (inet_is_v4(a->a) || !inet_is_link_local(a->a))
		return 0;
	memcpy(&in6, ss, sizeof(in6));
	if (in6.sin6_scope_id != 0)
		return 0;
	if (a->zone[0] != '\0')
		return ENODEV;
	switch (ifaces_zone(&in6.sin6_scope_id)) {
	case IFACE_ZONE_NONE:
		return DIAL_NO_ZONE;
	case IFACE_ZONE_AMBIGUOUS:
		return DIAL_AMBIGUOUS;
	case IFACE_ZONE_FOUND:
		break;
	}
	memcpy(ss, &in6, sizeof(in6));
	return 0;
}

static int dial_bind(const struct dial *d, int fd, sa_family_t family)
{
	struct sockaddr_storage ss;
	socklen_t n;
	int on = 1;

	if (d->source == NULL)
		return 0;
	n = sockaddr_from(d->source, &ss);
	if (ss.ss_family != family)
		return EAFNOSUPPORT;
	/* The port is chosen at connect, when it need only differ for this gateway. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, (struct sockaddr *)&ss, n) < 0 ? errno : 0;
}

static int attempt_connect(struct dial_attempt *a, const struct inet_addr *to)
{
	struct sockaddr_storage ss;
	socklen_t n = sockaddr_from(to, &ss);
	int fd, err = dial_zone(to, &ss);

	if (err != 0)
		return err;
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	tune_gateway(fd);
	err = dial_bind(a->dial, fd, ss.ss_family);
	if (err == 0 && connect(fd, (struct sockaddr *)&ss, n) < 0 && errno != EINPROGRESS)
		err = errno;
	if (err == 0)
		err = -loop_watch(&a->watch, fd, EPOLLOUT, attempt_ready);
	if (err != 0)
		close(fd);
	return err;
}

static void dial_company(struct deadline *c)
{
	dial_next(LOOP_OWNER(struct dial, company, c));
}

/* Tries the next address, if there is one and a place for it. */
static void dial_next(struct dial *d)
{
	struct dial_attempt *a = NULL;
	bool failed;

	for (unsigned i = 0; i < DIAL_PARALLEL && a == NULL; i++) {
		if (!d->attempt[i].busy)
			a = &d->attempt[i];
	}
	if (a == NULL || d->next >= d->n)
		return;
	a->busy = true;
	a->dial = d;
	a->index = d->next++;
	a->watch.fd = -1;
	a->err = attempt_connect(a, &d->addr[a->index]);
	failed = a->err != 0;
	loop_after(&a->limit, failed ? 0 : d->connect_ms, attempt_late);
	if (d->next < d->n)
		loop_after(&d->company, DIAL_COMPANY_MS, dial_company);
	else
		loop_deadline_clear(&d->company);
}

static void dial_nothing(struct deadline *c)
{
	struct dial *d = LOOP_OWNER(struct dial, company, c);

	d->done(d, -1, 0);
}

void dial_start(struct dial *d)
{
	dial_stop(d);
	d->next = 0;
	if (d->n == 0)
		loop_after(&d->company, 0, dial_nothing);
	else
		dial_next(d);
}

const char *dial_error(int err)
{
	switch (err) {
	case DIAL_NO_ZONE:
		return PHRASE("link-local address, but no interface has one");
	case DIAL_AMBIGUOUS:
		return PHRASE("link-local address without a zone, and more than one interface "
			      "could be meant: write %interface behind it");
	case ETIMEDOUT:
		return PHRASE("no answer");
	case EMFILE:
	case ENFILE:
		return PHRASE("this box has no file descriptor left");
	case ENOMEM:
	case ENOBUFS:
		return PHRASE("this box has no memory left");
	case ECONNREFUSED:
		return PHRASE("connection refused");
	case ECONNRESET:
	case EPIPE:
		return PHRASE("connection reset");
	case EHOSTUNREACH:
		return PHRASE("host not reachable");
	case ENETUNREACH:
		return PHRASE("network not reachable");
	case EADDRNOTAVAIL:
		return PHRASE("this machine does not have the address to call from");
	case EAFNOSUPPORT:
		return PHRASE("no address of that family to call from");
	case ENODEV:
		return PHRASE("no such interface");
	default:
		return errtext(err);
	}
}

bool dial_is_starved(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS;
}
