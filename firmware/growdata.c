/* SPDX-License-Identifier: ISC */
/*
 * growdata DEVICE FOLDER: the ext4 file system of DEVICE, which is mounted on FOLDER, becomes as large as DEVICE. The
 * kernel does it, while the file system is in use and safe against a power cut; this only asks for it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <unistd.h>

#define DEVICE_OCTETS _IOR(0x12, 114, size_t)     /* BLKGETSIZE64 */
#define EXT4_RESIZE   _IOW('f', 16, uint64_t)     /* EXT4_IOC_RESIZE_FS: to so many blocks */

static int failed(const char *what)
{
	(void)fprintf(stderr, "growdata: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		(void)fputs("usage: growdata DEVICE FOLDER\n", stderr);
		return 64;
	}
	uint64_t octets = 0;
	int device = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (device < 0 || ioctl(device, DEVICE_OCTETS, &octets) < 0)
		return failed(argv[1]);
	struct statfs fs;
	int folder = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || fstatfs(folder, &fs) < 0)
		return failed(argv[2]);
	uint64_t blocks = octets / (uint64_t)fs.f_bsize;
	if (ioctl(folder, EXT4_RESIZE, &blocks) < 0)
		return failed("the file system does not grow");
	return 0;
}
