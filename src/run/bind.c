/* SPDX-License-Identifier: ISC */
#include "run/bind.h"

#include "io/errtext.h"
#include "io/sockaddr.h"
#include "io/tune.h"
#include "run/unix_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define BIND_BACKLOG 512
#define BIND_UNIX_MODE 0666 /* who may come is decided by the folder it lies in */

/* What one Listen of the configuration wants. */
static void bind_want(const struct conf_listen *l, unsigned index, struct bound *b)
{
	struct fmt f;

	memset(b, 0, sizeof(*b));
	b->fd = -1;
	b->kind = l->kind;
	b->index = index;
	if (l->kind == CONF_LISTEN_ADDRESS)
		b->asked = l->addr;
	if (l->kind == CONF_LISTEN_ANY_V4)
		b->asked.a[10] = b->asked.a[11] = 0xff;
	b->asked.port = l->port;
	fmt_init(&f, b->name, sizeof(b->name));
	if (l->kind == CONF_LISTEN_INTERFACE || l->kind == CONF_LISTEN_UNIX)
		fmt_bytes(&f, l->name);
	if (l->kind == CONF_LISTEN_INTERFACE)
		b->interface = sockaddr_zone(b->name);
}

/*
 * Would the socket of `have` do for `want`? A port that the kernel chose may be named from then
 * on.
 */
static bool bind_does(const struct bound *have, const struct bound *want)
{
	return have->kind == want->kind && inet_same(have->asked.a, want->asked.a) &&
	       (have->asked.port == want->asked.port || have->at.port == want->asked.port) &&
	       strcmp(have->asked.zone, want->asked.zone) == 0 &&
	       strcmp(have->name, want->name) == 0 && have->interface == want->interface;
}

static bool bind_holds(const struct bind_set *set, int fd)
{
	for (const struct bound *b = set->bound; b < set->bound + set->n; b++) {
		if (b->fd == fd)
			return true;
	}
	return false;
}

/* Gives b the socket of `old` that will do, if no other of `out` has it. */
static void bind_keep(const struct bind_set *old, const struct bind_set *out, struct bound *b)
{
	for (const struct bound *o = old->bound; o < old->bound + old->n; o++) {
		if (bind_does(o, b) && !bind_holds(out, o->fd)) {
			b->fd = o->fd;
			b->at = o->at;
			return;
		}
	}
}

/* Of both families. */
static bool bind_is_both(const struct bound *b)
{
	return b->kind == CONF_LISTEN_ANY || b->kind == CONF_LISTEN_INTERFACE;
}

static int bind_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? errno : 0;
}

/* A TCP socket for b with all its options, not bound: *fd. */
static int bind_socket(const struct bound *b, sa_family_t family, int *fd)
{
	int err = 0;

	*fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	bind_option(*fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (family == AF_INET6)
		err = bind_option(*fd, IPPROTO_IPV6, IPV6_V6ONLY, !bind_is_both(b));
	if (err == 0 && b->kind == CONF_LISTEN_ADDRESS)
		err = bind_option(*fd, IPPROTO_IP, IP_FREEBIND, 1);
	if (err == 0 && b->kind == CONF_LISTEN_INTERFACE &&
	    setsockopt(*fd, SOL_SOCKET, SO_BINDTODEVICE, b->name, (socklen_t)strlen(b->name) + 1) <
		0)
		err = errno;
	tune_listener(*fd);
	if (err != 0) {
		close(*fd);
		*fd = -1;
	}
	return err;
}

static int bind_tcp_family(struct bound *b, bool v4)
{
	struct inet_addr to = b->asked;
	struct sockaddr_storage ss;
	socklen_t n;
	int err;

	if (v4)
		to.a[10] = to.a[11] = 0xff;
	n = sockaddr_from(&to, &ss);
	err = bind_socket(b, ss.ss_family, &b->fd);
	if (err != 0)
		return err;
	if (bind(b->fd, (struct sockaddr *)&ss, n) < 0 || listen(b->fd, BIND_BACKLOG) < 0) {
		err = errno;
		close(b->fd);
		b->fd = -1;
		return err;
	}
	n = sizeof(ss);
	if (getsockname(b->fd, (struct sockaddr *)&ss, &n) == 0)
		sockaddr_to(&ss, &b->at);
	memcpy(b->at.zone, to.zone, sizeof(b->at.zone));
	return 0;
}

/* One socket for both families, or one for IPv4 on a machine without IPv6. */
static int bind_tcp(struct bound *b)
{
	int err = bind_tcp_family(b, false);

	if ((err == EAFNOSUPPORT || err == EADDRNOTAVAIL) && bind_is_both(b))
		err = bind_tcp_family(b, true);
	return err;
}

static bool bind_is_tcp(const struct bound *b)
{
	return b->kind != CONF_LISTEN_UNIX;
}

/*
 * Listeners of `old` on that port that `now` has not stop listening (on = false), in every process
 * that has them, or listen again.
 */
static bool bind_step_aside(
    const struct bind_set *old, const struct bind_set *now, uint16_t port, bool on)
{
	bool any = false;

	for (const struct bound *b = old->bound; b < old->bound + old->n && port != 0; b++) {
		if (!bind_is_tcp(b) || b->asked.port != port || bind_holds(now, b->fd))
			continue;
		any = true;
		if (on)
			listen(b->fd, BIND_BACKLOG);
		else
			shutdown(b->fd, SHUT_RD);
	}
	return any;
}

static int bind_exit_status(int err)
{
	if (err == EACCES || err == EPERM)
		return EX_NOPERM;
	return err == EADDRINUSE || err == ENODEV || err == EADDRNOTAVAIL ? EX_UNAVAILABLE
									  : EX_OSERR;
}

static void bind_reason(const struct bound *b, int err, struct fmt *why)
{
	if (err == EACCES && b->asked.port != 0 && b->asked.port < 1024) {
		fmt_add(why, "Permission denied (ports below 1024 need root)");
	} else if (err == ENODEV || (err == EINVAL && b->asked.zone[0] != '\0')) {
		fmt_add(why, "there is no interface %s",
		    b->kind == CONF_LISTEN_INTERFACE ? b->name : b->asked.zone);
	} else if (err == EINVAL && inet_is_link_local(b->asked.a)) {
		fmt_add(why, "a link-local address needs its interface: %%interface behind it");
	} else if (err == EADDRINUSE) {
		fmt_add(why, "another program listens there");
	} else {
		fmt_str(why, errtext(err));
	}
}

static int bind_one(const struct conf_listen *l, const struct bind_set *old,
    const struct bind_set *now, struct bound *b, struct fmt *why)
{
	int err;

	fmt_add(why, "cannot listen on %.*s: ", SPAN(l->text));
	if (b->kind == CONF_LISTEN_UNIX) {
		b->fd = unix_socket_open(b->name, BIND_UNIX_MODE, (gid_t)-1, why);
		return b->fd >= 0 ? 0 : bind_exit_status(-b->fd);
	}
	err = bind_tcp(b);
	if (err == EADDRINUSE && bind_step_aside(old, now, b->asked.port, false)) {
		err = bind_tcp(b);
		if (err != 0)
			bind_step_aside(old, now, b->asked.port, true);
	}
	if (err == 0)
		return 0;
	bind_reason(b, err, why);
	return bind_exit_status(err);
}

/* Back to `old`: what was opened for `out` goes, what stepped aside listens again. */
static void bind_undo(const struct bind_set *old, struct bind_set *out)
{
	for (const struct bound *b = out->bound; b < out->bound + out->n; b++) {
		if (b->fd < 0 || bind_holds(old, b->fd))
			continue;
		close(b->fd);
		if (bind_is_tcp(b))
			bind_step_aside(old, out, b->asked.port, true);
		else
			unlink(b->name);
	}
	out->n = 0;
}

int bind_open(
    const struct conf *conf, const struct bind_set *old, struct bind_set *out, struct fmt *why)
{
	size_t start = why->n;

	out->n = conf->listens < BIND_MAX ? conf->listens : BIND_MAX;
	for (unsigned i = 0; i < out->n; i++)
		bind_want(&conf->listen[i], i, &out->bound[i]);
	for (struct bound *b = out->bound; b < out->bound + out->n; b++)
		bind_keep(old, out, b);
	for (struct bound *b = out->bound; b < out->bound + out->n; b++) {
		int status;

		if (b->fd >= 0)
			continue;
		why->n = start;
		status = bind_one(&conf->listen[b->index], old, out, b, why);
		if (status != 0) {
			b->fd = -1;
			bind_undo(old, out);
			return status;
		}
	}
	why->n = start;
	why->p[start] = '\0';
	return 0;
}

void bind_retire(const struct bind_set *old, const struct bind_set *now)
{
	for (const struct bound *b = old->bound; b < old->bound + old->n; b++) {
		if (bind_holds(now, b->fd))
			continue;
		close(b->fd);
		if (!bind_is_tcp(b))
			unlink(b->name);
	}
}

void bind_close(struct bind_set *set)
{
	static struct bind_set nothing; /* not const: .bss takes no room in the file */

	bind_retire(set, &nothing);
	set->n = 0;
}

void bind_fill(const struct bind_set *set, struct engine_args *args)
{
	for (const struct bound *b = set->bound; b < set->bound + set->n; b++) {
		struct engine_listener *l = &args->listener[args->nlisteners++];
		struct fmt zone;

		memset(l, 0, sizeof(*l));
		l->fd = b->fd;
		l->index = b->index;
		l->at = b->at;
		l->unix_socket = !bind_is_tcp(b);
		fmt_init(&zone, l->zone, sizeof(l->zone));
		if (b->kind == CONF_LISTEN_INTERFACE)
			fmt_str(&zone, b->name);
	}
}

void bind_print(const struct bind_set *set, struct fmt *f)
{
	for (const struct bound *b = set->bound; b < set->bound + set->n; b++) {
		if (b != set->bound)
			fmt_char(f, ' ');
		fmt_str(f, b->name); /* "" but of an interface or a path */
		if (bind_is_both(b))
			fmt_add(f, ":%u", b->at.port);
		else if (bind_is_tcp(b))
			inet_print_port(f, &b->at);
	}
}
