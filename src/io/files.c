/* SPDX-License-Identifier: ISC */
#include "io/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
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

bool files_next(const char *path, const char *after, char name[FILES_NAME_MAX + 1])
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	while ((entry = readdir(dir)) != NULL) {
		const char *this = entry->d_name;

		if (strcmp(this, ".") == 0 || strcmp(this, "..") == 0 ||
		    strlen(this) > FILES_NAME_MAX || strcmp(this, after) <= 0 ||
		    (found && strcmp(this, name) >= 0))
			continue;
		memcpy(name, this, strlen(this) + 1);
		found = true;
	}
	closedir(dir);
	return found;
}
