/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <unistd.h>

bool cmd_write(int fd, struct bytes x)
{
	while (x.n > 0) {
		ssize_t n = write(fd, x.p, x.n);

		if (n > 0) {
			x = bytes_skip(x, (size_t)n);
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};

			poll(&p, 1, -1);
		} else if (n == 0 || errno != EINTR) {
			return false;
		}
	}
	return true;
}

bool cmd_put(int fd, const char *format, ...)
{
	static char store[CMD_SAY];
	struct fmt f;
	va_list args;

	fmt_init(&f, store, sizeof(store));
	va_start(args, format);
	fmt_put_list(&f, format, args);
	va_end(args);
	return cmd_write(fd, fmt_done(&f));
}
