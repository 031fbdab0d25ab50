/* SPDX-License-Identifier: ISC */
#include "run/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DESCRIPTORS_OLD_KERNEL 4096 /* looked at where there is no close_range (before 5.9) */

void descriptors_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static void descriptors_close(unsigned first, unsigned last)
{
	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	for (unsigned fd = first; fd <= last && fd < DESCRIPTORS_OLD_KERNEL; fd++)
		close((int)fd);
}

void descriptors_keep(int *keep, unsigned n)
{
	unsigned from = STDERR_FILENO + 1;

	for (unsigned i = 1; i < n; i++) {
		int fd = keep[i];
		unsigned at = i;

		for (; at > 0 && keep[at - 1] > fd; at--)
			keep[at] = keep[at - 1];
		keep[at] = fd;
	}
	for (unsigned i = 0; i < n; i++) {
		if (keep[i] < (int)from)
			continue;
		descriptors_close(from, (unsigned)keep[i] - 1);
		from = (unsigned)keep[i] + 1;
	}
	descriptors_close(from, INT_MAX);
}

void descriptors_silent(int err)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	if (err)
		dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

unsigned long descriptors_limit(unsigned long n)
{
	struct rlimit lim, more;

	if (prlimit(0, RLIMIT_NOFILE, NULL, &lim) < 0)
		return n;
	if (lim.rlim_cur >= n)
		return (unsigned long)lim.rlim_cur;
	more = (struct rlimit){.rlim_cur = n, .rlim_max = lim.rlim_max < n ? n : lim.rlim_max};
	if (prlimit(0, RLIMIT_NOFILE, &more, NULL) == 0)
		return n;
	more = (struct rlimit){ .rlim_cur = lim.rlim_max < n ? lim.rlim_max : n,
		.rlim_max = lim.rlim_max };
	return prlimit(0, RLIMIT_NOFILE, &more, NULL) == 0 ? (unsigned long)more.rlim_cur
						    : (unsigned long)lim.rlim_cur;
}
