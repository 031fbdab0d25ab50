/* SPDX-License-Identifier: ISC */
#include "io/syslog.h"

#include "base/date.h"
#include "io/clock.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SYSLOG_FACILITY_MAIL 2u
#define SYSLOG_AGAIN_MS 1000u

static int sys_fd = -1; /* not connected */

static struct {
	int type;     /* SOCK_DGRAM, or SOCK_STREAM for the syslogds that want that */
	bool remote;
	uint64_t not_before; /* no further attempt to connect before */
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_storage room;
	} to;
	socklen_t to_len;
	char hostname[256];
} sys;

static void syslog_hang_up(void)
{
	if (sys_fd >= 0)
		close(sys_fd);
	sys_fd = -1;
}

void syslog_begin(const struct inet_addr *server, const char *path, const char *hostname)
{
	struct fmt f;

	syslog_hang_up();
	sys.type = SOCK_DGRAM;
	sys.not_before = 0;
	sys.remote = server != NULL;
	memset(&sys.to, 0, sizeof(sys.to));
	if (server != NULL) {
		sys.to_len = sockaddr_from(server, &sys.to.room);
	} else {
		sys.to.un.sun_family = AF_UNIX;
		fmt_init(&f, sys.to.un.sun_path, sizeof(sys.to.un.sun_path));
		fmt_str(&f, path);
		sys.to_len = sizeof(sys.to.un);
	}
	fmt_init(&f, sys.hostname, sizeof(sys.hostname));
	fmt_str(&f, hostname != NULL && hostname[0] != '\0' ? hostname : "-");
}

static int syslog_dial(int type)
{
	int fd = socket(sys.to.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (connect(fd, &sys.to.any, sys.to_len) == 0)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

static bool syslog_connected(void)
{
	uint64_t now;

	if (sys_fd >= 0)
		return true;
	now = clock_monotonic_ms();
	if (now < sys.not_before)
		return false;
	sys_fd = syslog_dial(sys.type);
	if (sys_fd == -EPROTOTYPE) {
		sys.type = sys.type == SOCK_DGRAM ? SOCK_STREAM : SOCK_DGRAM;
		sys_fd = syslog_dial(sys.type);
	}
	if (sys_fd >= 0)
		return true;
	sys_fd = -1;
	sys.not_before = now + SYSLOG_AGAIN_MS;
	return false;
}

static void syslog_print(struct fmt *f, enum log_level level, struct bytes line)
{
	static const uint8_t severity[] = {
		[LOG_LEVEL_ERROR] = 3, [LOG_LEVEL_WARNING] = 4, [LOG_LEVEL_INFO] = 6};

	fmt_add(f, "<%u>", SYSLOG_FACILITY_MAIL * 8 + severity[level]);
	if (sys.remote) {
		fmt_str(f, "1 ");
		date_rfc3339(f, clock_wall());
		fmt_add(f, " %s gatepost %d - - ", sys.hostname, getpid());
	} else {
		fmt_add(f, "gatepost[%d]: ", getpid());
	}
	fmt_bytes(f, line);
}

bool syslog_line(enum log_level level, struct bytes line)
{
	static char text[LOG_LINE + 384];
	struct fmt f;
	struct bytes out;
	ssize_t n;

	fmt_init(&f, text, sizeof(text));
	syslog_print(&f, level, line);
	out = fmt_done(&f);
	/*
	 * A datagram ends by itself; in a stream a NUL ends the message. A syslogd that went away
	 * is looked for once.
	 */
	for (int tries = 0; tries < 2; tries++) {
		if (!syslog_connected())
			return false;
		n = send(sys_fd, out.p, out.n + (sys.type == SOCK_STREAM ? 1 : 0),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= (ssize_t)out.n)
			return true;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ||
				 errno == EMSGSIZE))
			return false;
		if (!sys.remote || n >= 0)
			syslog_hang_up();
	}
	return false;
}
