/* SPDX-License-Identifier: ISC */
/* The folder of the spool, by system calls: implements spool/disk.h. */
#ifndef IO_DISK_POSIX_H
#define IO_DISK_POSIX_H

#include "spool/disk.h"

/* What kind of file system the folder lies on, as far as it matters to the spool. */
enum disk_kind {
	DISK_KIND_OTHER,
	DISK_KIND_NO_FILES, /* proc, sysfs: nothing can be kept there */
	DISK_KIND_MEMORY, /* tmpfs, ramfs: gone with the power */
	DISK_KIND_JFFS2,  /* flash; writes through */
	DISK_KIND_UBIFS   /* flash */
};

struct disk_posix {
	int folder;
	int corrupt;    /* -1: it is missing */
	uint32_t at, n; /* of names */
	_Alignas(8) uint8_t names[4096];
};

/*
 * Opens the folder and takes it for this process alone (DISK_BUSY: another has it). All is done by
 * descriptors: neither a chroot nor a rename of the folder disturbs it. A folder that this user may
 * not write is DISK_DENIED. Cleared on failure.
 */
enum disk_status disk_posix_open(struct disk_posix *d, const char *path);
void disk_posix_close(struct disk_posix *d);

enum disk_kind disk_posix_kind(const struct disk_posix *d);

/* The same of a folder by name; of the nearest one above that is there where it is not. */
enum disk_kind disk_posix_kind_at(const char *path);

/* The port; d outlives it. */
struct disk disk_posix_port(struct disk_posix *d);

/* What an error number means; folder: it came of a call that makes a name or opens the folder. */
enum disk_status disk_posix_status(int error, bool folder);

#endif
