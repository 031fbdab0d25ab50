/* SPDX-License-Identifier: ISC */
#include "io/flash_device.h"

#include "io/clock.h"
#include "io/errtext.h"
#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAJOR_MTDBLOCK 31u
#define LOCK_PAUSE_MS  20

/* ---- the port ---- */

int flash_device_read(void *self, uint32_t at, void *to, size_t n)
{
	const struct flash_device *d = self;
	char *p = to;

	while (n > 0) {
		ssize_t got = pread(d->fd, p, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? errno : EIO;
		p += got;
		at += (uint32_t)got;
		n -= (size_t)got;
	}
	return 0;
}

int flash_device_write(void *self, uint32_t at, struct bytes x)
{
	const struct flash_device *d = self;

	while (x.n > 0) {
		ssize_t n = pwrite(d->fd, x.p, x.n, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : ENOSPC;
		at += (uint32_t)n;
		x = bytes_skip(x, (size_t)n);
	}
	return 0;
}

/* On the medium, and out of the page cache, so that reading back tells of the medium. */
static int settle(int fd)
{
	if (fdatasync(fd) != 0)
		return errno;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

static int file_program(void *self, uint32_t at, struct bytes x)
{
	const struct flash_device *d = self;
	int err = flash_device_write(self, at, x);

	return err != 0 ? err : settle(d->fd);
}

static int file_erase(void *self, uint32_t at, uint32_t n)
{
	static uint8_t ones[FLASH_FILE_BLOCK];
	const struct flash_device *d = self;
	int err = 0;

	memset(ones, 0xff, sizeof(ones));
	for (uint32_t end = at + n; at < end && err == 0; at += sizeof(ones))
		err = flash_device_write(self, at, (struct bytes){ ones, sizeof(ones) });
	return err != 0 ? err : settle(d->fd);
}

static const struct flash_port file_port = { flash_device_read, file_program, file_erase };

/* ---- opening ---- */

static enum flash_opened refuse(enum flash_opened result, struct fmt *why, const char *text)
{
	fmt_str(why, text);
	return result;
}

static enum flash_opened failed(int err, struct fmt *why)
{
	fmt_str(why, errtext(err));
	switch (err) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return FLASH_MISSING;
	case EACCES:
	case EPERM:
	case EROFS:
		return FLASH_DENIED;
	default:
		return FLASH_FAILED;
	}
}

static bool wait_until(uint64_t until)
{
	return clock_monotonic_ms() < until && poll(NULL, 0, LOCK_PAUSE_MS) == 0;
}

/* A block device is opened for us alone: one that is mounted is not. */
static int open_it(const char *path, enum flash_how how, uint64_t until)
{
	int flags = (how == FLASH_TO_READ ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;
	int fd;

	if (stat(path, &st) == 0) {
		if (how != FLASH_TO_READ && S_ISBLK(st.st_mode))
			flags |= O_EXCL;
	} else if (how == FLASH_TO_MAKE && errno == ENOENT &&
		   strncmp(path, "/dev/", 5) != 0) {
		flags |= O_CREAT;
	}
	do
		fd = open(path, flags, 0600);
	while (fd < 0 && errno == EBUSY && wait_until(until));
	return fd;
}

static enum flash_opened lock(int fd, enum flash_how how, uint64_t until, struct fmt *why)
{
	int operation = (how == FLASH_TO_READ ? LOCK_SH : LOCK_EX) | LOCK_NB;

	while (flock(fd, operation) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return failed(errno, why);
		if (!wait_until(until))
			return refuse(FLASH_BUSY, why, PHRASE("another process has its lock"));
	}
	return FLASH_OPEN;
}

/* An empty file is made as large as a store. */
static int make_file(int fd, const char *path)
{
	if (fallocate(fd, 0, 0, FLASH_FILE_SIZE) != 0 && ftruncate(fd, FLASH_FILE_SIZE) != 0)
		return errno;
	if (fsync(fd) != 0)
		return errno;
	return -files_sync_folder(path);
}

static enum flash_opened describe(
    int fd, const char *path, enum flash_how how, struct flash *out, struct fmt *why)
{
	uint64_t size;
	struct stat st;
	int err = 0;

	if (fstat(fd, &st) != 0)
		return failed(errno, why);
	if (S_ISCHR(st.st_mode))
		return flash_mtd_open(fd, out, why);
	if (S_ISBLK(st.st_mode) && major(st.st_rdev) == MAJOR_MTDBLOCK)
		return refuse(FLASH_UNFIT, why,
		    PHRASE("writes whole erase blocks as it likes: name /dev/mtdN, or mtd:NAME"));
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return refuse(FLASH_UNFIT, why, PHRASE("is neither a file nor a device"));
	size = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode)) {
		err = ioctl(fd, BLKGETSIZE64, &size) != 0 ? errno : 0;
	} else if (size == 0) {
		if (how != FLASH_TO_MAKE)
			return refuse(FLASH_MISSING, why, PHRASE("is empty"));
		err = make_file(fd, path);
		size = FLASH_FILE_SIZE;
	}
	if (err != 0)
		return failed(err, why);
	out->port = &file_port;
	out->block = FLASH_FILE_BLOCK;
	out->size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
	return FLASH_OPEN;
}

enum flash_opened flash_open(struct flash_device *d, const char *name, enum flash_how how,
    unsigned wait_ms, struct flash *out, struct fmt *why)
{
	uint64_t until = clock_monotonic_ms() + wait_ms;
	enum flash_opened result;
	char text[32];
	struct fmt path;

	d->fd = -1;
	fmt_init(&path, text, sizeof(text));
	if (strncmp(name, "mtd:", 4) == 0) {
		if (!flash_mtd_path(name + 4, &path))
			return refuse(
			    FLASH_MISSING, why, PHRASE("there is no MTD partition of that name"));
		name = path.p;
	}
	d->fd = open_it(name, how, until);
	if (d->fd < 0 && errno == EBUSY)
		return refuse(FLASH_BUSY, why, PHRASE("it is mounted, or another process has it"));
	if (d->fd < 0)
		return failed(errno, why);
	result = lock(d->fd, how, until, why);
	if (result == FLASH_OPEN)
		result = describe(d->fd, name, how, out, why);
	out->self = d;
	if (result != FLASH_OPEN)
		flash_close(d);
	return result;
}

void flash_close(struct flash_device *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}
