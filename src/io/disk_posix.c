/* SPDX-License-Identifier: ISC */
#include "io/disk_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CORRUPT "corrupt"

/* File systems as statfs(2) tells them. */
#define TMPFS 0x01021994
#define RAMFS 0x858458f6
#define JFFS2 0x72b6
#define UBIFS 0x24051905
#define PROC  0x9fa0
#define SYSFS 0x62656572

enum disk_status disk_posix_status(int error, bool folder)
{
	switch (error) {
	case 0:
		return DISK_OK;
	case ENOENT:
		return folder ? DISK_GONE : DISK_NONE;
	case EEXIST:
	case ENOTEMPTY:
		return DISK_EXISTS;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EMLINK:
		return DISK_FULL;
	case EROFS:
		return DISK_READ_ONLY;
	case EACCES:
	case EPERM:
		return DISK_DENIED;
	case ELOOP:
	case EISDIR:
	case ENXIO:
	case ENAMETOOLONG:
	case ETXTBSY:
		return DISK_FOREIGN;
	case ENOTDIR:
		return folder ? DISK_GONE : DISK_FOREIGN;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
	case EBUSY:
		return DISK_BUSY;
	case ESTALE:
	case ENODEV:
	case ENOTCONN:
		return DISK_GONE;
	default:
		return DISK_BROKEN;
	}
}

static enum disk_status failed(void)
{
	return disk_posix_status(errno, false);
}

/* What a call has come to; folder: see disk_posix_status. */
static enum disk_status status_of(long result, bool folder)
{
	return result < 0 ? disk_posix_status(errno, folder) : DISK_OK;
}

static bool interrupted(long result)
{
	return result < 0 && errno == EINTR;
}

/* A call that was interrupted is made again. */
#define AGAIN(result, call)        \
	do                         \
		(result) = (call); \
	while (interrupted(result))

/* ---- files ---- */

static enum disk_status port_create(void *self, const char *name, int *file)
{
	struct disk_posix *d = self;
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;

	AGAIN(*file, openat(d->folder, name, flags, 0600));
	return status_of(*file, true);
}

static enum disk_status port_open(void *self, const char *name, int *file)
{
	struct disk_posix *d = self;
	int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	struct stat st;

	AGAIN(*file, openat(d->folder, name, flags));
	if (*file < 0)
		return failed();
	if (fstat(*file, &st) == 0 && S_ISREG(st.st_mode))
		return DISK_OK;
	close(*file);
	*file = -1;
	return DISK_FOREIGN;
}

static void port_close(void *self, int file)
{
	(void)self;
	close(file);
}

static enum disk_status port_write(void *self, int file, uint64_t at, struct bytes x)
{
	(void)self;
	while (x.n > 0) {
		ssize_t n;

		AGAIN(n, pwrite(file, x.p, x.n, (off_t)at));
		if (n < 0)
			return failed();
		if (n == 0)
			return DISK_FULL;
		x = bytes_skip(x, (size_t)n);
		at += (uint64_t)n;
	}
	return DISK_OK;
}

static enum disk_status port_read(void *self, int file, uint64_t at, void *to, size_t *n)
{
	size_t room = *n;

	(void)self;
	*n = 0;
	while (*n < room) {
		ssize_t got;

		AGAIN(got, pread(file, (uint8_t *)to + *n, room - *n, (off_t)(at + *n)));
		if (got < 0)
			return failed();
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return DISK_OK;
}

static enum disk_status port_size(void *self, int file, uint64_t *octets)
{
	struct stat st;

	(void)self;
	if (fstat(file, &st) != 0)
		return failed();
	*octets = (uint64_t)st.st_size;
	return DISK_OK;
}

/* fdatasync(2): data and the size; times do not matter. */
static enum disk_status port_sync(void *self, int file)
{
	int result;

	(void)self;
	AGAIN(result, fdatasync(file));
	return status_of(result, false);
}

/* The file system then has one piece of work for all files that are synced one after the other. */
static void port_hurry(void *self, int file)
{
	(void)self;
	(void)sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* ---- names ---- */

/* This process alone gives names here, so that nobody comes between the look and the rename. */
static enum disk_status move(int from_folder, const char *from, int to_folder, const char *to)
{
	struct stat st;

	if (fstatat(to_folder, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return DISK_EXISTS;
	if (errno != ENOENT || renameat(from_folder, from, to_folder, to) != 0)
		return failed();
	return DISK_OK;
}

static enum disk_status port_rename(void *self, const char *from, const char *to)
{
	struct disk_posix *d = self;

	return move(d->folder, from, d->folder, to);
}

static enum disk_status port_remove(void *self, const char *name)
{
	struct disk_posix *d = self;

	return status_of(unlinkat(d->folder, name, 0), false);
}

static enum disk_status port_sync_folder(void *self)
{
	struct disk_posix *d = self;
	int result;

	AGAIN(result, fsync(d->folder));
	return status_of(result, true);
}

static int open_corrupt(const struct disk_posix *d)
{
	return openat(d->folder, CORRUPT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static enum disk_status port_bury(void *self, const char *name)
{
	struct disk_posix *d = self;
	struct stat st;

	if (d->corrupt < 0) {
		if (mkdirat(d->folder, CORRUPT, 0700) != 0 && errno != EEXIST)
			return failed();
		d->corrupt = open_corrupt(d);
	}
	if (d->corrupt < 0)
		return failed();
	if (fstatat(d->folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return failed();
	return S_ISDIR(st.st_mode) ? DISK_FOREIGN : move(d->folder, name, d->corrupt, name);
}

/* ---- lists ---- */

/* As getdents64(2) writes it; opendir would take memory from a heap. */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

#define TYPE_FOLDER 4 /* DT_DIR */

static enum disk_status rewind_names(struct disk_posix *d, int folder)
{
	d->at = 0;
	d->n = 0;
	return status_of(lseek(folder, 0, SEEK_SET), false);
}

static enum disk_status next_name(struct disk_posix *d, int folder, char name[DISK_NAME + 1])
{
	for (;;) {
		const struct entry *e;

		if (d->at == d->n) {
			long n = syscall(SYS_getdents64, folder, d->names, sizeof(d->names));

			if (n <= 0)
				return n < 0 ? disk_posix_status(errno, true) : DISK_NONE;
			d->n = (uint32_t)n;
			d->at = 0;
		}
		e = (const struct entry *)(const void *)(d->names + d->at);
		d->at += e->length;
		if (e->name[0] == '.' || e->type == TYPE_FOLDER || strlen(e->name) > DISK_NAME)
			continue;
		memcpy(name, e->name, strlen(e->name) + 1);
		return DISK_OK;
	}
}

static enum disk_status port_list(void *self)
{
	struct disk_posix *d = self;

	return rewind_names(d, d->folder);
}

static enum disk_status port_next(void *self, char name[DISK_NAME + 1])
{
	struct disk_posix *d = self;

	return next_name(d, d->folder, name);
}

static enum disk_status port_buried(void *self, uint32_t *files, uint64_t *octets)
{
	struct disk_posix *d = self;
	enum disk_status status;
	char name[DISK_NAME + 1];
	struct stat st;

	*files = 0;
	*octets = 0;
	if (d->corrupt < 0)
		return DISK_OK;
	status = rewind_names(d, d->corrupt);
	while (status == DISK_OK) {
		status = next_name(d, d->corrupt, name);
		if (status != DISK_OK)
			break;
		*files += 1;
		if (fstatat(d->corrupt, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			*octets += (uint64_t)st.st_size;
	}
	d->at = 0;
	d->n = 0;
	return status == DISK_NONE ? DISK_OK : status;
}

static enum disk_status port_space(void *self, uint64_t *octets)
{
	struct disk_posix *d = self;
	struct statvfs fs;
	int result;

	AGAIN(result, fstatvfs(d->folder, &fs));
	if (result < 0)
		return disk_posix_status(errno, true);
	*octets = (uint64_t)fs.f_bavail * fs.f_frsize;
	return DISK_OK;
}

/* ---- the folder ---- */

enum disk_status disk_posix_open(struct disk_posix *d, const char *path)
{
	enum disk_status status = DISK_OK;

	memset(d, 0, sizeof(*d));
	d->corrupt = -1;
	d->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
	if (d->folder < 0)
		return disk_posix_status(errno, true);
	if (flock(d->folder, LOCK_EX | LOCK_NB) != 0)
		status = disk_posix_status(errno, true);
	else if (faccessat(d->folder, ".", R_OK | W_OK | X_OK, 0) != 0)
		status = disk_posix_status(errno, true);
	if (status == DISK_OK)
		d->corrupt = open_corrupt(d);
	if (status == DISK_OK && d->corrupt < 0 && errno != ENOENT && errno != ENOTDIR &&
	    errno != ELOOP)
		status = failed();
	if (status != DISK_OK)
		disk_posix_close(d);
	return status;
}

void disk_posix_close(struct disk_posix *d)
{
	if (d->folder >= 0)
		close(d->folder);
	if (d->corrupt >= 0)
		close(d->corrupt);
	d->folder = -1;
	d->corrupt = -1;
}

static enum disk_kind kind_of(const struct statfs *fs)
{
	switch ((unsigned long)fs->f_type) {
	case TMPFS:
	case RAMFS:
		return DISK_KIND_MEMORY;
	case PROC:
	case SYSFS:
		return DISK_KIND_NO_FILES;
	case JFFS2:
		return DISK_KIND_JFFS2;
	case UBIFS:
		return DISK_KIND_UBIFS;
	default:
		return DISK_KIND_OTHER;
	}
}

enum disk_kind disk_posix_kind(const struct disk_posix *d)
{
	struct statfs fs;

	return fstatfs(d->folder, &fs) == 0 ? kind_of(&fs) : DISK_KIND_OTHER;
}

enum disk_kind disk_posix_kind_at(const char *path)
{
	static char folder[1100];
	size_t n = strlen(path);
	struct statfs fs;

	if (n >= sizeof(folder))
		return DISK_KIND_OTHER;
	memcpy(folder, path, n + 1);
	while (statfs(folder, &fs) != 0) {
		while (n > 1 && folder[n - 1] != '/')
			n--;
		while (n > 1 && folder[n - 1] == '/')
			n--;
		if (errno != ENOENT || strcmp(folder, "/") == 0)
			return DISK_KIND_OTHER;
		folder[n] = '\0';
	}
	return kind_of(&fs);
}

struct disk disk_posix_port(struct disk_posix *d)
{
	static const struct disk_port port = {
		.create = port_create,
		.open = port_open,
		.close = port_close,
		.write = port_write,
		.read = port_read,
		.size = port_size,
		.sync = port_sync,
		.hurry = port_hurry,
		.rename = port_rename,
		.remove = port_remove,
		.sync_folder = port_sync_folder,
		.bury = port_bury,
		.buried = port_buried,
		.space = port_space,
		.list = port_list,
		.next = port_next,
	};

	return (struct disk){ &port, d };
}
