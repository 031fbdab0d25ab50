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

bool cmd_say(int fd, const char *text, ...)
{
	char store[768];
	struct fmt f;
	va_list args;
	bool good = true;

	fmt_init(&f, store, sizeof(store));
	va_start(args, text);
	for (; text != NULL; text = va_arg(args, const char *)) {
		struct bytes x = bytes_of(text);

		while (x.n > 0) {
			size_t before = f.n;

			fmt_bytes(&f, x);
			x = bytes_skip(x, f.n - before);
			if (x.n > 0) {
				good = cmd_write(fd, fmt_done(&f)) && good;
				fmt_init(&f, store, sizeof(store));
			}
		}
	}
	va_end(args);
	return cmd_write(fd, fmt_done(&f)) && good;
}

const char *cmd_u64(struct cmd_number *n, uint64_t v)
{
	struct fmt f;

	fmt_init(&f, n->text, sizeof(n->text));
	fmt_u64(&f, v);
	return n->text;
}
