/* SPDX-License-Identifier: ISC */
/* Raw flash, by what the kernel says of it: its calls are answered here. Files are tested in run_stored.c. */
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include <mtd/mtd-user.h>

#include "io/flash_device.h"
#include "io/textfile.h"
#include "tap.h"

static int fake_ioctl(int fd, unsigned long request, void *arg);
static bool fake_open(struct textfile *t, const char *path);

#define ioctl fake_ioctl
#define textfile_open fake_open
#include "../../src/io/flash_mtd.c"
#undef ioctl
#undef textfile_open

TAP_GP_BUG

static struct mtd_info_user info;
static int info_error, locked, erase_error;
static char calls[200];
static const char *proc_mtd;

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	const struct erase_info_user *range = arg;
	size_t n = strlen(calls);
	int error = 0, result = 0;

	(void)fd;
	if (request == MEMGETINFO) {
		memcpy(arg, &info, sizeof(info));
		error = info_error;
	} else if (request == MEMISLOCKED) {
		error = locked < 0 ? EOPNOTSUPP : 0;
		result = locked;
	} else {
		snprintf(calls + n, sizeof(calls) - n, "%s %x+%x;", request == MEMUNLOCK ? "unlock" : "erase", range->start, range->length);
		error = request == MEMERASE ? erase_error : 0;
	}
	errno = error;
	return error != 0 ? -1 : result;
}

static bool fake_open(struct textfile *t, const char *path)
{
	(void)path;
	return textfile_open(t, proc_mtd);
}

static enum flash_opened describe(uint8_t type, uint32_t writesize, struct flash *out, char why[200])
{
	struct fmt f;

	info = (struct mtd_info_user){ .type = type, .size = 0xc0000, .erasesize = 0x1000, .writesize = writesize };
	fmt_init(&f, why, 200);
	return flash_mtd_open(3, out, &f);
}

static void test_kinds(void)
{
	static const struct {
		const char *name, *says;
		uint8_t type;
		uint32_t writesize;
	} unfit[] = {
		{ "NAND", "is NAND flash, whose blocks go bad: name a file on a UBIFS there", MTD_NANDFLASH, 2048 },
		{ "MLC NAND", "is NAND flash, whose blocks go bad: name a file on a UBIFS there", MTD_MLCNANDFLASH, 4096 },
		{ "DataFlash", "is no NOR flash: name a file on it instead", MTD_DATAFLASH, 264 },
		{ "a UBI volume", "is no NOR flash: name a file on it instead", MTD_UBIVOLUME, 1 },
		{ "a ROM", "is no NOR flash: name a file on it instead", MTD_ROM, 1 },
		{ "NOR of large pages", "cannot be programmed in pieces of 64 octets", MTD_NORFLASH, 1024 },
		{ "NOR of odd pages", "cannot be programmed in pieces of 64 octets", MTD_NORFLASH, 48 },
		{ "NOR that says 0", "cannot be programmed in pieces of 64 octets", MTD_NORFLASH, 0 },
	};
	static const uint32_t fit[] = { 1, 2, 16, 32, 64 };
	struct flash out;
	char why[200];

	for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
		is_num(describe(unfit[i].type, unfit[i].writesize, &out, why), FLASH_UNFIT, "%s is refused", unfit[i].name);
		is_str(why, unfit[i].says, "told");
	}
	for (size_t i = 0; i < sizeof(fit) / sizeof(fit[0]); i++) {
		is_num(describe(MTD_NORFLASH, fit[i], &out, why), FLASH_OPEN, "NOR that is programmed in pieces of %u", fit[i]);
		is_num(out.size, 0xc0000, "its size");
		is_num(out.block, 0x1000, "its blocks");
	}
	is_num(describe(MTD_RAM, 1, &out, why), FLASH_OPEN, "RAM that plays flash");
	info_error = ENOTTY;
	is_num(describe(MTD_NORFLASH, 1, &out, why), FLASH_UNFIT, "another device is refused");
	info_error = 0;
}

static void test_erase(void)
{
	struct flash_device device = { 3 };
	struct flash out;
	char why[200];

	describe(MTD_NORFLASH, 1, &out, why);
	locked = 0;
	is_num(out.port->erase(&device, 0x2000, 0x3000), 0, "an erase");
	is_str(calls, "erase 2000+3000;", "one call for all blocks");
	calls[0] = '\0';
	locked = 1;
	is_num(out.port->erase(&device, 0, 0x1000), 0, "blocks that are locked");
	is_str(calls, "unlock 0+1000;erase 0+1000;", "are unlocked");
	calls[0] = '\0';
	locked = -1;
	is_num(out.port->erase(&device, 0, 0x1000), 0, "a chip that knows no locks");
	is_str(calls, "erase 0+1000;", "is not asked to unlock");
	erase_error = EIO;
	is_num(out.port->erase(&device, 0, 0x1000), EIO, "an erase that fails");
}

static void test_names(void)
{
	char file[] = "/tmp/gatepost-mtd-XXXXXX", text[32];
	FILE *f = fdopen(mkstemp(file), "w");
	struct fmt path;

	fputs("dev:    size   erasesize  name\nmtd0: 00040000 00040000 \"loader\"\nmtd1: 00200000 00040000 \"store two\"\n"
	      "mtd12: 000c0000 00040000 \"store\"\n", f);
	fclose(f);
	proc_mtd = file;
	fmt_init(&path, text, sizeof(text));
	ok(flash_mtd_path("store", &path), "a partition by name");
	is_str(text, "/dev/mtd12", "its device");
	fmt_init(&path, text, sizeof(text));
	ok(flash_mtd_path("store two", &path), "a name with a blank");
	is_str(text, "/dev/mtd1", "its device");
	ok(!flash_mtd_path("stor", &path) && !flash_mtd_path("", &path) && !flash_mtd_path("name", &path), "others are not there");
	proc_mtd = "/nonexistent";
	ok(!flash_mtd_path("store", &path), "a kernel without MTD");
	remove(file);
}

int main(void)
{
	test_kinds();
	test_erase();
	test_names();
	return done();
}
