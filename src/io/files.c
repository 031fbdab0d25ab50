/* SPDX-License-Identifier: ISC */
#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum files_kind files_kind(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return FILES_NONE;
	if (S_ISREG(st.st_mode))
		return FILES_REGULAR;
	return S_ISDIR(st.st_mode) ? FILES_FOLDER : FILES_OTHER;
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
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
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
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *found = NULL;
	long n;

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
	return found != NULL;
}
