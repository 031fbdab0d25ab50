/* SPDX-License-Identifier: ISC */
/*
 * What a store can lie on (store/flash.h): a plain file or a block device (flash_file.c), raw NOR
 * flash through MTD (flash_mtd.c).
 */
#ifndef IO_FLASH_DEVICE_H
#define IO_FLASH_DEVICE_H

#include "base/fmt.h"
#include "store/flash.h"

#define FLASH_FILE_SIZE  196608u /* octets of a plain file that is made */
#define FLASH_FILE_BLOCK 4096u   /* octets of a block there, and on a block device */

enum flash_how {
	FLASH_TO_READ,
	FLASH_TO_WRITE, /* what is there */
	FLASH_TO_MAKE   /* the same; a plain file that is missing or empty is made, 0600 */
};

enum flash_opened {
	FLASH_OPEN,
	FLASH_MISSING, /* there is no such file or device */
	FLASH_DENIED,  /* no right to do that */
	FLASH_BUSY,    /* another has its lock, or a block device is mounted */
	FLASH_UNFIT,   /* nothing that a store can lie on */
	FLASH_FAILED   /* the system failed */
};

struct flash_device {
	int fd;
};

/*
 * Opens it by name: a path, or mtd:NAME for the MTD partition of that name. Takes a lock, shared to
 * read, else exclusive, that lasts until flash_close; waits for it at most wait_ms. *out is valid
 * until then. Otherwise *why gets the reason, in words to be put behind the name and a colon.
 */
enum flash_opened flash_open(struct flash_device *d, const char *name, enum flash_how how,
    unsigned wait_ms, struct flash *out, struct fmt *why);

void flash_close(struct flash_device *d);

/* Of the port, for both; self is the struct flash_device. */
int flash_device_read(void *self, uint32_t at, void *to, size_t n);
int flash_device_write(void *self, uint32_t at, struct bytes x);

/* flash_mtd.c, for flash_open. */

/* The path of the partition of that name, out of /proc/mtd; false: there is none. */
bool flash_mtd_path(const char *name, struct fmt *path);

/* Fills in out, but for `self`, for the open character device; words where it is unfit. */
enum flash_opened flash_mtd_open(int fd, struct flash *out, struct fmt *why);

#endif
