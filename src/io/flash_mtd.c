/* SPDX-License-Identifier: ISC */
#include "io/flash_device.h"

#include "io/textfile.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <mtd/mtd-user.h>

/* Some chips come up locked. Others, asked to unlock, would wear a register: asked first. */
static int mtd_erase(void *self, uint32_t at, uint32_t n)
{
	const struct flash_device *d = self;
	struct erase_info_user range = { at, n };

	if (ioctl(d->fd, MEMISLOCKED, &range) > 0)
		(void)ioctl(d->fd, MEMUNLOCK, &range);
	return ioctl(d->fd, MEMERASE, &range) != 0 ? errno : 0;
}

/* ---- opening ---- */

/* A line of /proc/mtd: `mtd3: 000c0000 00040000 "store"` */
bool flash_mtd_path(const char *name, struct fmt *path)
{
	struct bytes wanted = bytes_of(name), line;
	static struct textfile t;
	bool found = false;

	if (!textfile_open(&t, "/proc/mtd"))
		return false;
	while (!found && textfile_line(&t, &line)) {
		struct bytes device = bytes_first(line, bytes_find(line, ':'));
		struct bytes quoted = bytes_skip(line, bytes_find(line, '"') + 1);

		found = quoted.n > 0 && quoted.p[quoted.n - 1] == '"' &&
			bytes_same(bytes_first(quoted, quoted.n - 1), wanted);
		if (found) {
			fmt_add(path, "/dev/%.*s", SPAN(device));
		}
	}
	textfile_close(&t);
	return found && !path->cut;
}

enum flash_opened flash_mtd_open(int fd, struct flash *out, struct fmt *why)
{
	static const struct flash_port port = { flash_device_read, flash_device_write, mtd_erase };
	const char *wrong = NULL;
	struct mtd_info_user info;

	if (ioctl(fd, MEMGETINFO, &info) != 0)
		wrong = PHRASE("is a device, but no flash");
	else if (info.type == MTD_NANDFLASH || info.type == MTD_MLCNANDFLASH)
		wrong = PHRASE("is NAND flash, whose blocks go bad: name a file on a UBIFS there");
	else if (info.type != MTD_NORFLASH && info.type != MTD_RAM)
		wrong = PHRASE("is no NOR flash: name a file on it instead");
	else if (info.writesize == 0 || FLASH_UNIT % info.writesize != 0)
		wrong = PHRASE("cannot be programmed in pieces of 64 octets");
	if (wrong != NULL) {
		fmt_str(why, wrong);
		return FLASH_UNFIT;
	}
	out->port = &port;
	out->size = info.size;
	out->block = info.erasesize;
	return FLASH_OPEN;
}
