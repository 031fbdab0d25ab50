/* SPDX-License-Identifier: ISC */
#include "run/unix_socket.h"

#include "io/errtext.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_BACKLOG 16

#define UNIX_LOOKS   20u /* for who still serves a socket … */
#define UNIX_LOOK_MS 50  /* … so long after one another */

static int unix_fail(struct fmt *why, const char *text, int err)
{
	fmt_str(why, text);
	return -err;
}

/* Makes the folders above path; what fails shows when the socket is bound. */
static void unix_make_folders(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct fmt f;

	fmt_init(&f, folder, sizeof(folder));
	fmt_str(&f, path);
	for (char *p = strchr(folder + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(folder, 0755);
		*p = '/';
	}
}

/* Does somebody serve it? A relay that was killed is given a moment: its children die behind it. */
static int unix_connect(const struct sockaddr_un *un)
{
	int err = 0;

	for (unsigned i = 0; i < UNIX_LOOKS; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return errno;
		err = connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0 ? errno : 0;
		close(fd);
		if (err != 0 && err != EAGAIN)
			break;
		poll(NULL, 0, UNIX_LOOK_MS);
	}
	return err;
}

/* Takes a socket that nobody serves out of the way. 0 or -errno. */
static int unix_clear(const struct sockaddr_un *un, struct fmt *why)
{
	struct stat st;
	int err;

	if (lstat(un->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return unix_fail(why, PHRASE("there is something that is not a socket"), EEXIST);
	err = unix_connect(un);
	if (err == 0 || err == EAGAIN)
		return unix_fail(why, PHRASE("another relay is running there"), EADDRINUSE);
	if (err != ECONNREFUSED)
		return unix_fail(why, errtext(err), err);
	if (unlink(un->sun_path) < 0 && errno != ENOENT)
		return unix_fail(why, errtext(errno), errno);
	return 0;
}

int unix_socket_open(const char *path, mode_t mode, gid_t group, struct fmt *why)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	mode_t before;
	int fd, err;

	if (strlen(path) >= sizeof(un.sun_path))
		return unix_fail(why, PHRASE("the path is too long"), ENAMETOOLONG);
	memcpy(un.sun_path, path, strlen(path));
	unix_make_folders(path);
	err = unix_clear(&un, why);
	if (err != 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return unix_fail(why, errtext(errno), errno);
	before = umask(0777 & ~mode);
	err = bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ? errno : 0;
	umask(before);
	if (err == 0 && group != (gid_t)-1 && chown(path, (uid_t)-1, group) < 0)
		err = errno;
	if (err == 0 && listen(fd, UNIX_BACKLOG) < 0)
		err = errno;
	if (err == 0)
		return fd;
	close(fd);
	return unix_fail(why, errtext(err), err);
}
