/* SPDX-License-Identifier: ISC */
#include "io/ifaces.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IFACES_BUFFER 8192 /* the kernel cuts its answer into pieces that fit */

struct walk {
	iface_fn *fn;
	void *ctx;
	bool done;
	int err;
};

static bool ifaces_attribute(
    const struct ifaddrmsg *m, const struct rtattr *r, struct iface_addr *out)
{
	size_t n = RTA_PAYLOAD(r);

	if (m->ifa_family == AF_INET && n == 4) {
		memset(out->a, 0, 10);
		out->a[10] = out->a[11] = 0xff;
		memcpy(out->a + 12, RTA_DATA(r), 4);
		out->bits = (uint8_t)(96 + m->ifa_prefixlen);
		return true;
	}
	if (m->ifa_family == AF_INET6 && n == 16) {
		memcpy(out->a, RTA_DATA(r), 16);
		out->bits = m->ifa_prefixlen;
		return true;
	}
	return false;
}

static void ifaces_message(struct walk *w, struct nlmsghdr *h)
{
	struct ifaddrmsg *m = NLMSG_DATA(h);
	struct iface_addr addr = { .index = m->ifa_index,
		.tentative = (m->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0 };
	int left = (int)IFA_PAYLOAD(h);
	bool found = false;

	/* IFA_LOCAL is our end of a point-to-point link, where IFA_ADDRESS is the other. */
	for (struct rtattr *r = IFA_RTA(m); RTA_OK(r, left); r = RTA_NEXT(r, left)) {
		if (r->rta_type == IFA_LOCAL || (r->rta_type == IFA_ADDRESS && !found))
			found |= ifaces_attribute(m, r, &addr);
	}
	if (found && !w->fn(w->ctx, &addr))
		w->done = true;
}

static void ifaces_piece(struct walk *w, void *piece, size_t n)
{
	size_t left = n;

	for (struct nlmsghdr *h = piece; !w->done && NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == NLMSG_DONE) {
			w->done = true;
		} else if (h->nlmsg_type == NLMSG_ERROR) {
			struct nlmsgerr *e = NLMSG_DATA(h);

			w->err = h->nlmsg_len >= NLMSG_LENGTH(sizeof(*e)) && e->error != 0
				     ? e->error
				     : -EIO;
			w->done = true;
		} else if (h->nlmsg_type == RTM_NEWADDR &&
			   h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg))) {
			ifaces_message(w, h);
		}
	}
}

int ifaces_walk(iface_fn *fn, void *ctx)
{
	static _Alignas(struct nlmsghdr) uint8_t piece[IFACES_BUFFER];
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg body;
	} ask = {
		.head = { .nlmsg_len = sizeof(ask),
		    .nlmsg_type = RTM_GETADDR,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
	};
	struct walk w = {.fn = fn, .ctx = ctx};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (send(fd, &ask, sizeof(ask), 0) < 0)
		w.err = -errno;
	while (w.err == 0 && !w.done) {
		ssize_t n = recv(fd, piece, sizeof(piece), 0);

		if (n > 0)
			ifaces_piece(&w, piece, (size_t)n);
		else if (n == 0 || errno != EINTR)
			w.err = n == 0 ? -EIO : -errno;
	}
	close(fd);
	return w.err;
}

int ifaces_watch(void)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void ifaces_drain(int fd)
{
	char event[256]; /* cut: only that there was one matters */
	ssize_t n;

	do {
		n = recv(fd, event, sizeof(event), 0);
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == ENOBUFS)));
}

struct zone_search {
	uint32_t index;
	bool more;
};

static bool ifaces_zone_candidate(void *ctx, const struct iface_addr *addr)
{
	struct zone_search *s = ctx;

	if (inet_is_v4(addr->a) || !inet_is_link_local(addr->a) || addr->tentative)
		return true;
	if (s->index != 0 && s->index != addr->index)
		s->more = true;
	s->index = addr->index;
	return !s->more;
}

enum iface_zone ifaces_zone(uint32_t *index)
{
	struct zone_search s = {0};

	if (ifaces_walk(ifaces_zone_candidate, &s) < 0 || s.index == 0)
		return IFACE_ZONE_NONE;
	*index = s.index;
	return s.more ? IFACE_ZONE_AMBIGUOUS : IFACE_ZONE_FOUND;
}
