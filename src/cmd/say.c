/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static char said[CMD_SAY]; /* what is written next */
static char why[CMD_WHY];
static const char *name = ""; /* of the command that runs */

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

int cmd_put(const char *format, ...)
{
	struct fmt f;
	va_list args;

	fmt_init(&f, said, sizeof(said));
	va_start(args, format);
	fmt_put_list(&f, format, args);
	va_end(args);
	return cmd_write(1, fmt_done(&f)) ? EX_OK : EX_IOERR;
}

void cmd_named(const char *command)
{
	name = command;
}

int cmd_put_failure(int status, const char *format, ...)
{
	const char *before = "gatepost ";
	struct fmt f;
	va_list args;

	if (*name == '\0')
		before = "gatepost";
	else if (strcmp(name, "sendmail") == 0)
		before = "";
	fmt_init(&f, said, sizeof(said));
	fmt_add(&f, "%s%s: ", before, name);
	va_start(args, format);
	fmt_put_list(&f, format, args);
	va_end(args);
	fmt_char(&f, '\n');
	cmd_write(2, fmt_done(&f));
	return status;
}

int cmd_usage(const char *what)
{
	return cmd_fail(EX_USAGE, "%s; see: gatepost help %s", what, name);
}

struct fmt *cmd_why(void)
{
	static struct fmt f;

	fmt_init(&f, why, sizeof(why));
	return &f;
}
