/* SPDX-License-Identifier: ISC */
/*
 * The port to the disk: one folder of regular files, and corrupt/ in it. Supplied by
 * io/disk_posix.c, and by tests that lose and tear what was not synced.
 */
#ifndef SPOOL_DISK_H
#define SPOOL_DISK_H

#include "base/bytes.h"

#define DISK_NAME 255u /* octets of a name, without its NUL */

enum disk_status {
	DISK_OK,
	DISK_NONE,      /* there is no such file; the list is at its end */
	DISK_EXISTS,    /* there is one already */
	DISK_FULL,      /* no room, no inode, over quota */
	DISK_READ_ONLY, /* mounted read-only, perhaps since an error */
	DISK_DENIED,    /* no right to do that */
	DISK_FOREIGN,   /* no regular file */
	DISK_BUSY,      /* the box: no descriptor, no memory; another has the folder */
	DISK_GONE,      /* the folder itself is not there, or no longer */
	DISK_BROKEN     /* the medium or file system failed */
};

#define DISK_STATUSES (DISK_BROKEN + 1)

/*
 * Names are without slash and do not begin with a dot. A file that is open stays readable and
 * writable whatever becomes of its name. Nothing is on the medium before it was synced: what was
 * written by the file's sync, names by the folder's.
 */
struct disk_port {
	/* A new file, 0600, for reading and writing; never one that is there. */
	enum disk_status (*create)(void *self, const char *name, int *file);
	/* One that is there, for both. */
	enum disk_status (*open)(void *self, const char *name, int *file);
	void (*close)(void *self, int file);

	/* All of x from octet `at` on; on failure any part of it may have been written. */
	enum disk_status (*write)(void *self, int file, uint64_t at, struct bytes x);
	/* *n octets; fewer, told in *n, only where the file ends. */
	enum disk_status (*read)(void *self, int file, uint64_t at, void *to, size_t *n);
	enum disk_status (*size)(void *self, int file, uint64_t *octets);
	/*
	 * Data, and the size that reading it needs. After a failure nobody knows what is on the
	 * medium, and another sync that succeeds says nothing of what was written before.
	 */
	enum disk_status (*sync)(void *self, int file);
	/* Begins what sync is going to wait for; promises nothing. May be NULL. */
	void (*hurry)(void *self, int file);

	/* Replaces none. */
	enum disk_status (*rename)(void *self, const char *from, const char *to);
	enum disk_status (*remove)(void *self, const char *name);
	enum disk_status (*sync_folder)(void *self);

	/* Moves it to corrupt/, which is made where it is missing; replaces none. */
	enum disk_status (*bury)(void *self, const char *name);
	/* What lies there. */
	enum disk_status (*buried)(void *self, uint32_t *files, uint64_t *octets);

	enum disk_status (*space)(void *self, uint64_t *octets); /* that may still be written */

	/*
	 * list begins from the start; each next gives one name, folders and names with a dot in
	 * front left out, in any order. What is created or removed meanwhile may be given or not,
	 * all else is given once.
	 */
	enum disk_status (*list)(void *self);
	enum disk_status (*next)(void *self, char name[DISK_NAME + 1]);
};

struct disk {
	const struct disk_port *port;
	void *self;
};

#endif
