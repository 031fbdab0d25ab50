/* SPDX-License-Identifier: ISC */
#include "run/doors.h"

#include "io/users.h"
#include "run/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define DOORS_CONTROL_MODE 0660
#define DOORS_SUBMIT_MODE 0666

static bool doors_paths(struct doors *d, struct bytes path)
{
	struct fmt c, s;
	const char *end;

	fmt_init(&c, d->control_path, sizeof(d->control_path));
	fmt_bytes(&c, path);
	end = strrchr(d->control_path, '/');
	path.n = end != NULL ? (size_t)(end + 1 - d->control_path) : 0;
	fmt_init(&s, d->submit_path, sizeof(d->submit_path));
	fmt_add(&s, "%.*ssubmit.sock", SPAN(path));
	return !c.cut && !s.cut;
}

static int doors_fail(const struct doors *d, int err, bool root)
{
	bool far = err == -EACCES || err == -EPERM || err == -ENOENT || err == -EROFS;

	if (!root && far && strcmp(d->control_path, DOORS_CONTROL) == 0)
		return 0;
	return err == -EADDRINUSE ? EX_UNAVAILABLE : EX_CANTCREAT;
}

static int doors_one(const char *path, mode_t mode, gid_t group, struct fmt *why)
{
	fmt_add(why, "%s: ", path);
	return unix_socket_open(path, mode, group, why);
}

int doors_open(
    struct doors *d, const struct doors *old, struct bytes path, bool root, struct fmt *why)
{
	uint32_t group = (uint32_t)-1;
	size_t start = why->n;

	if (root)
		(void)users_group(BYTES("gatepost"), &group);
	d->control = d->submit = -1;
	if (!doors_paths(d, path)) {
		fmt_add(why, "Control_Socket: the path is too long");
		return EX_CONFIG;
	}
	d->control = doors_one(d->control_path, DOORS_CONTROL_MODE, group, why);
	if (d->control < 0)
		return doors_fail(d, d->control, root);
	why->n = start;
	if (old && old->submit >= 0 && strcmp(old->submit_path, d->submit_path) == 0)
		d->submit = old->submit;
	else
		d->submit = doors_one(d->submit_path, DOORS_SUBMIT_MODE, (gid_t)-1, why);
	if (d->submit < 0) {
		int err = d->submit;

		doors_close(d, NULL);
		return doors_fail(d, err, root);
	}
	why->n = start;
	why->p[start] = '\0';
	return 0;
}

static void doors_shut(int *fd, const char *path)
{
	if (*fd < 0)
		return;
	close(*fd);
	unlink(path);
	*fd = -1;
}

void doors_close(struct doors *d, const struct doors *keep)
{
	doors_shut(&d->control, d->control_path);
	if (!keep || keep->submit != d->submit)
		doors_shut(&d->submit, d->submit_path);
}
