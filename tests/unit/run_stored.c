/* SPDX-License-Identifier: ISC */
#include "run/stored.h"
#include "tap.h"

#include "io/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

TAP_GP_BUG

static char top[] = "/tmp/gatepost-stored-XXXXXX";
static char words[400];
static struct fmt why;

static const char *in(const char *name)
{
	static char path[2][400];
	static unsigned turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", top, name);
	return path[turn];
}

static void put(const char *name, const char *text)
{
	if (files_replace(in(name), bytes_of(text), 0600) != 0)
		abort();
}

static struct fmt *fresh(void)
{
	fmt_init(&why, words, sizeof(words));
	return &why;
}

static const char *store(void)
{
	return in("store");
}

static enum stored write_one(const char *name, const char *content)
{
	struct stored_file file = { name, bytes_of(content), false };

	return stored_replace(store(), &file, 1, fresh());
}

static void test_files(void)
{
	struct stored_file two[] = { { "oauth/a", BYTES("new"), false }, { "gatepost.conf", BYTES(""), true } };
	struct stored_file bad[] = { { "b", BYTES("1"), false }, { "../c", BYTES("2"), false } };
	uint8_t mem[64];
	size_t n = 0;

	is_num(stored_read(store(), "a", mem, sizeof(mem), &n, fresh()), STORED_NONE, "there is no such store");
	ok(strstr(words, "store: No such file"), "told: %s", words);
	is_num(write_one("gatepost.conf", "Gateway = x\n"), STORED_OK, "the first file makes it");
	is_num(write_one("oauth/a", "old"), STORED_OK, "another");
	is_num(stored_read(store(), "oauth/a", mem, sizeof(mem), &n, fresh()), STORED_OK, "read");
	is_bytes(((struct bytes){ mem, n }), BYTES("old"), "what was written");
	is_num(stored_read(store(), "oauth/a", mem, 2, &n, fresh()), STORED_REFUSED, "too large for the reader");
	is_num(stored_read(store(), "oauth/b", mem, sizeof(mem), &n, fresh()), STORED_NONE, "no such file");
	is_num(stored_replace(store(), bad, 2, fresh()), STORED_REFUSED, "a name that is none");
	is_num(stored_read(store(), "b", mem, sizeof(mem), &n, fresh()), STORED_NONE, "so none of the files was written");
	is_num(stored_replace(store(), two, 2, fresh()), STORED_OK, "one is replaced, one goes");
	is_num(stored_read(store(), "oauth/a", mem, sizeof(mem), &n, fresh()), STORED_OK, "read");
	is_bytes(((struct bytes){ mem, n }), BYTES("new"), "what was written last");
	is_num(stored_read(store(), "gatepost.conf", mem, sizeof(mem), &n, fresh()), STORED_NONE, "the other is gone");
}

static void test_unchanged(void)
{
	struct stat before, after;

	is_num(write_one("k", "same"), STORED_OK, "a file");
	stat(store(), &before);
	usleep(20000);
	is_num(write_one("k", "same"), STORED_OK, "the same again");
	stat(store(), &after);
	ok(memcmp(&before.st_mtim, &after.st_mtim, sizeof(after.st_mtim)) == 0, "was not written");
	is_num(write_one("k", "other"), STORED_OK, "another content");
	stat(store(), &after);
	ok(memcmp(&before.st_mtim, &after.st_mtim, sizeof(after.st_mtim)) != 0, "was");
	is_num(after.st_mode & 0777, 0600, "nobody else may read it");
}

static void test_compare(void)
{
	struct stored_file gone = { "k", BYTES(""), true };

	stored_replace(store(), &gone, 1, fresh());
	write_one("gatepost.conf", "Gateway = x\n");
	mkdir(in("etc"), 0700);
	mkdir(in("etc/oauth"), 0700);
	put("etc/gatepost.conf", "Gateway = x\n");
	put("etc/oauth/a", "new");
	put("etc/.hidden", "1");
	is_num(stored_compare(store(), in("etc"), fresh()), STORED_OK, "the same");
	put("etc/gatepost.conf", "Gateway = y\n");
	is_num(stored_compare(store(), in("etc"), fresh()), STORED_DIFFERS, "another content");
	is_str(words, "gatepost.conf differs from the store", "told");
	put("etc/gatepost.conf", "Gateway = x\n");
	put("etc/z", "");
	is_num(stored_compare(store(), in("etc"), fresh()), STORED_DIFFERS, "one file more");
	is_str(words, "z differs from the store", "told");
	unlink(in("etc/z"));
	unlink(in("etc/oauth/a"));
	is_num(stored_compare(store(), in("etc"), fresh()), STORED_DIFFERS, "one file less");
	is_str(words, "oauth/a is in the store alone", "told");
	put("etc/oauth/a", "new");
	is_num(stored_compare(store(), in("etc"), fresh()), STORED_OK, "the same again");
	is_num(stored_compare(in("none"), in("etc"), fresh()), STORED_NONE, "no store");
}

static void test_trouble(void)
{
	int fd = open(store(), O_RDWR);
	uint8_t mem[8];
	size_t n;

	ok(fd >= 0 && flock(fd, LOCK_EX) == 0, "somebody holds its lock");
	is_num(write_one("k", "1"), STORED_BUSY, "so it is not written");
	is_num(stored_read(store(), "k", mem, sizeof(mem), &n, fresh()), STORED_BUSY, "nor read");
	ok(strstr(words, "another process has its lock"), "told: %s", words);
	close(fd);
	put("foreign", "something else that is no store, at least as long as two small slots would be");
	is_num(truncate(in("foreign"), 16384), 0, "a foreign file");
	is_num(stored_read(in("foreign"), "k", mem, sizeof(mem), &n, fresh()), STORED_REFUSED, "is refused");
	ok(strstr(words, "gatepost store erase"), "told: %s", words);
	put("tiny", "x");
	is_num(stored_read(in("tiny"), "k", mem, sizeof(mem), &n, fresh()), STORED_REFUSED, "so is one that is too small");
	put("blank", "");
	is_num(truncate(in("blank"), 131072), 0, "a blank file");
	is_num(stored_read(in("blank"), "k", mem, sizeof(mem), &n, fresh()), STORED_BLANK, "is blank");
	is_num(stored_read("/dev/null", "k", mem, sizeof(mem), &n, fresh()), STORED_UNFIT, "a device that is no flash");
	is_num(stored_read(top, "k", mem, sizeof(mem), &n, fresh()), STORED_UNFIT, "a folder");
	is_num(stored_read("mtd:none", "k", mem, sizeof(mem), &n, fresh()), STORED_NONE, "no such partition");
	is_num(stored_read("", "k", mem, sizeof(mem), &n, fresh()), STORED_NONE, "no store at all");
}

int main(void)
{
	char remove[64];

	if (!mkdtemp(top))
		return printf("Bail out! mkdtemp\n"), 1;
	test_files();
	test_unchanged();
	test_compare();
	test_trouble();
	snprintf(remove, sizeof(remove), "rm -rf %s", top);
	if (system(remove) != 0)
		printf("# %s is left\n", top);
	return done();
}
