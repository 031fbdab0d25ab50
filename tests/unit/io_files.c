/* SPDX-License-Identifier: ISC */
#include "io/files.h"
#include "tap.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

TAP_GP_BUG

static char top[] = "/tmp/gatepost-files-XXXXXX";

static const char *in(const char *name)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(in(name), "w");

	if (!f)
		abort();
	fputs(text, f);
	fclose(f);
}

static void test_kind(void)
{
	is_num(files_kind(in("b")), FILES_REGULAR, "a file");
	is_num(files_kind(in("sub")), FILES_FOLDER, "a folder");
	is_num(files_kind(in("pipe")), FILES_OTHER, "a pipe");
	is_num(files_kind(in("link")), FILES_REGULAR, "a link to a file");
	is_num(files_kind(in("dangling")), FILES_NONE, "a link to nothing");
	is_num(files_kind(in("nothing")), FILES_NONE, "nothing");
	is_num(files_kind("/proc/self/exe/x"), FILES_NONE, "below a file");
}

static void test_read(void)
{
	char mem[8] = "-------";

	is_num(files_read(in("b"), mem, 8), 5, "five octets");
	ok(memcmp(mem, "12345--", 7) == 0, "... and no more is touched");
	is_num(files_read(in("b"), mem, 5), 5, "room for just as many");
	is_num(files_read(in("b"), mem, 4), -EFBIG, "room for one less");
	is_num(files_read(in("empty"), mem, 8), 0, "an empty file");
	is_num(files_read(in("empty"), mem, 0), 0, "... and no room");
	is_num(files_read(in("nothing"), mem, 8), -ENOENT, "nothing");
	is_num(files_read(in("sub"), mem, 8), -EISDIR, "a folder");
	is_num(files_read("/dev/zero", mem, 8), -EFBIG, "a file without end");
}

static void test_next(void)
{
	static const char *const want[] = {".hidden", "B", "a", "b", "dangling", "empty", "link", "pipe", "sub"};
	char name[FILES_NAME_MAX + 1], after[FILES_NAME_MAX + 1] = "";
	unsigned n = 0;

	while (n < 9 && files_next(top, after, name)) {
		is_str(name, want[n], "entry %u in the order of octets", n);
		strcpy(after, name);
		n++;
	}
	is_num(n, 9, "nine of them");
	ok(!files_next(top, after, name), "... and none after the last");
	ok(!files_next(in("nothing"), "", name), "a folder that is not there");
	ok(!files_next(in("b"), "", name), "a file");
	ok(!files_next(in("sub"), "", name), "an empty folder");
}

int main(void)
{
	static const char *const all[] = {".hidden", "B", "a", "b", "dangling", "empty", "link", "pipe"};

	if (!mkdtemp(top))
		abort();
	put("b", "12345");
	put("empty", "");
	put("a", "");
	put("B", "");
	put(".hidden", "");
	if (mkdir(in("sub"), 0700) != 0 || mkfifo(in("pipe"), 0600) != 0 || symlink("b", in("link")) != 0 ||
		symlink("none", in("dangling")) != 0)
		abort();
	test_kind();
	test_read();
	test_next();
	for (unsigned i = 0; i < 8; i++)
		unlink(in(all[i]));
	rmdir(in("sub"));
	rmdir(top);
	return done();
}
