/* SPDX-License-Identifier: ISC */
#include "io/files.h"

#include "base/fmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES_PATH 1100 /* octets of a path here, its NUL included */

static const struct files_view *view;

void files_show(const struct files_view *v)
{
	view = v;
}

/* Is it shown by the view? Then *name is what is left of it below the folder. */
static bool is_shown(const char *path, struct bytes *name)
{
	struct bytes x = bytes_of(path), folder;

	if (view == NULL)
		return false;
	folder = bytes_of(view->folder);
	*name = bytes_skip(x, folder.n + 1);
	return bytes_same(bytes_first(x, folder.n), folder) &&
	       (x.n == folder.n || path[folder.n] == '/');
}

enum files_kind files_kind(const char *path)
{
	char first[FILES_NAME_MAX + 1];
	struct bytes name;
	struct stat st;

	if (is_shown(path, &name)) {
		if (view->get(view->ctx, name, &(struct bytes){ NULL, 0 }))
			return FILES_REGULAR;
		return view->next(view->ctx, name, "", first) ? FILES_FOLDER : FILES_NONE;
	}
	if (stat(path, &st) != 0)
		return FILES_NONE;
	if (S_ISREG(st.st_mode))
		return FILES_REGULAR;
	return S_ISDIR(st.st_mode) ? FILES_FOLDER : FILES_OTHER;
}

bool files_for_all(const char *path)
{
	struct bytes name;
	struct stat st;

	return !is_shown(path, &name) && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & S_IROTH) != 0;
}

static int open_shown(struct bytes name)
{
	struct bytes x;
	int fd;

	if (!view->get(view->ctx, name, &x)) {
		errno = ENOENT;
		return -1;
	}
	fd = memfd_create("shown", MFD_CLOEXEC);
	if (fd >= 0 &&
	    (write(fd, x.p, x.n) != (ssize_t)x.n || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int files_open(const char *path)
{
	struct bytes name;

	return is_shown(path, &name) ? open_shown(name)
				     : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

static ssize_t read_some(int fd, void *to, size_t n)
{
	ssize_t got;

	do
		got = read(fd, to, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

int64_t files_read(const char *path, void *mem, size_t n)
{
	int fd = files_open(path);
	size_t used = 0;
	ssize_t got = 1;
	char more;

	if (fd < 0)
		return -errno;
	while (used < n && got > 0) {
		got = read_some(fd, (char *)mem + used, n - used);
		used += got > 0 ? (size_t)got : 0;
	}
	if (used == n && got >= 0)
		got = read_some(fd, &more, 1) > 0 ? -EFBIG : 0;
	close(fd);
	return got < 0 ? got : (int64_t)used;
}

/* As getdents64(2) writes it; opendir would take memory from a heap. */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

/* Does the name come after `after`, and before the one found so far? */
static bool is_next(const char *this, const char *after, const char *found)
{
	return strcmp(this, ".") != 0 && strcmp(this, "..") != 0 &&
	       strlen(this) <= FILES_NAME_MAX && strcmp(this, after) > 0 &&
	       (found == NULL || strcmp(this, found) < 0);
}

bool files_next(const char *path, const char *after, char name[FILES_NAME_MAX + 1])
{
	static _Alignas(struct entry) char store[4096];
	const char *found = NULL;
	struct bytes folder;
	long n;
	int fd;

	errno = 0;
	if (is_shown(path, &folder))
		return view->next(view->ctx, folder, after, name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = syscall(SYS_getdents64, fd, store, sizeof(store))) > 0) {
		const struct entry *e;

		for (long at = 0; at < n; at += e->length) {
			e = (const struct entry *)(const void *)(store + at);
			if (!is_next(e->name, after, found))
				continue;
			memcpy(name, e->name, strlen(e->name) + 1);
			found = name;
		}
	}
	close(fd);
	if (n < 0)
		found = NULL;
	return found != NULL;
}

static int write_all(int fd, struct bytes x)
{
	while (x.n > 0) {
		ssize_t n = write(fd, x.p, x.n);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			x = bytes_skip(x, (size_t)n);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int files_sync_folder(const char *path)
{
	static char folder[FILES_PATH];
	struct fmt f;
	int fd, err;

	fmt_init(&f, folder, sizeof(folder));
	fmt_str(&f, path);
	while (f.n > 1 && folder[f.n - 1] != '/')
		folder[--f.n] = '\0';
	fd = open(folder[0] == '/' || f.n > 1 ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
	close(fd);
	return err;
}

int files_replace(const char *path, struct bytes x, unsigned mode)
{
	static char beside[FILES_PATH];
	struct fmt f;
	int fd, err;

	fmt_init(&f, beside, sizeof(beside));
	fmt_add(&f, "%s.new", path);
	if (f.cut)
		return -ENAMETOOLONG;
	unlink(beside); /* left behind by a power cut */
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	err = write_all(fd, x);
	if (close(fd) < 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(beside, path) < 0)
		err = -errno;
	if (err != 0) {
		unlink(beside);
		return err;
	}
	return files_sync_folder(path);
}
