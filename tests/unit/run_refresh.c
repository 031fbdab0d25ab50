/* SPDX-License-Identifier: ISC */
/* Refresh tokens in files, and what the supervisor does for the helper that asks for them. */
#include "run/refresh.h"

#include "base/on.h"
#include "io/ipc.h"
#include "run/stored.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NAME "scanner@example.com-0badc0de"

static char folder[] = "/tmp/gatepost.refresh.XXXXXX";
static char file[64], path[128];
static uint8_t token[OAUTH_TOKEN];
static struct refresh_message m;
static int pair[2];

static void remove_all(void)
{
	char oauth[64], one[400];
	struct dirent *e;
	DIR *d;

	snprintf(oauth, sizeof(oauth), "%s/oauth", folder);
	d = opendir(oauth);
	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(one, sizeof(one), "%s/%s", oauth, e->d_name);
		unlink(one);
	}
	if (d != NULL)
		closedir(d);
	rmdir(oauth);
}

static char why[320];

static bool store(const char *text)
{
	struct fmt f;

	fmt_init(&f, why, sizeof(why));
	return refresh_store(file, NAME, bytes_of(text), &f);
}

static void test_files(void)
{
	struct stat st;
	struct fmt f;

	fmt_init(&f, path, sizeof(path));
	refresh_path(&f, file, NAME);
	is_num(refresh_load(file, NAME, token), 0, "there is none");
	ok(refresh_age(file, NAME, 1000) == UINT64_MAX, "so it has no age");
	ok(store("first"), "stored, the folder made");
	is_num(refresh_load(file, NAME, token), 5, "read back");
	ok(memcmp(token, "first", 5) == 0, "the same");
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "for its owner alone");
	*strrchr(path, '/') = '\0';
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700, "and so is the folder");
	ok(store("second"), "replaced");
	ok(refresh_load(file, NAME, token) == 6 && memcmp(token, "second", 6) == 0, "by another");
	fmt_init(&f, why, sizeof(why));
	ok(!refresh_store(file, "../x-01234567", BYTES("x"), &f) && why[0] != '\0',
	    "not outside the folder");
	ok(refresh_age(file, NAME, (uint64_t)time(NULL) + 100) >= 99, "its age");
	is_num(refresh_age(file, NAME, 1), 0, "of one from the future");
}

/* One message to the supervisor, and its answer if there is one. */
static bool say(uint8_t what, const char *name, const char *text)
{
	memset(&m, 0, sizeof(m));
	m.id = 7;
	m.what = what;
	snprintf(m.name, sizeof(m.name), "%s", name);
	m.n = (uint16_t)strlen(text);
	memcpy(m.token, text, m.n);
	if (ipc_send(pair[1], &m, sizeof(m)) != 0)
		exit(2);
	refresh_serve(pair[0], file);
	return ipc_take(pair[1], &m, sizeof(m)) == 1;
}

static void test_served(void)
{
	struct timeval old[2] = { { .tv_sec = time(NULL) - 8 * 86400 }, { 0 } };
	struct fmt f;

	old[1] = old[0];
	remove_all();
	ok(say(REFRESH_GET, NAME, "") && m.what == REFRESH_NONE && m.n == 0 && m.id == 7,
	    "none is there");
	ok(!say(REFRESH_PUT, NAME, "one"), "one is kept, without an answer");
	ok(say(REFRESH_GET, NAME, "") && m.what == REFRESH_FOUND && m.n == 3 &&
		memcmp(m.token, "one", 3) == 0,
	    "and given");
	say(REFRESH_PUT_LAZY, NAME, "two");
	ok(refresh_load(file, NAME, token) == 3 && memcmp(token, "one", 3) == 0,
	    "one that stays good is not replaced at once");
	fmt_init(&f, path, sizeof(path));
	refresh_path(&f, file, NAME);
	utimes(path, old);
	say(REFRESH_PUT_LAZY, NAME, "two");
	ok(refresh_load(file, NAME, token) == 3 && memcmp(token, "two", 3) == 0,
	    "but after a week");
	ok(!say(REFRESH_GET, "../../etc/passwd", "") && !say(REFRESH_GET, "", "") &&
		!say('x', NAME, "") && !say(REFRESH_PUT, NAME, ""),
	    "what makes no sense is left aside");
	ok(refresh_load(file, NAME, token) == 3, "and changes nothing");
	ok(ipc_send(pair[1], "short", 5) == 0 && say(REFRESH_GET, NAME, "") == false,
	    "nor is what has another size");
	refresh_serve(pair[0], file);
	ok(ipc_take(pair[1], &m, sizeof(m)) == 1 && m.what == REFRESH_FOUND,
	    "which holds up nothing behind it");
}

static void test_unreadable(void)
{
	remove_all();
	say(REFRESH_PUT, "other-01234567", "x");
	snprintf(path, sizeof(path), "%s/oauth/%s", folder, NAME);
	mkdir(path, 0700);
	ok(say(REFRESH_GET, NAME, "") && m.what == REFRESH_FAILED && m.n == 0,
	    "one that cannot be read is not one that is not there");
	rmdir(path);
}

/* A file stands where the folder should be. */
static void test_kept(void)
{
	char place[64];

	remove_all();
	snprintf(place, sizeof(place), "%s/oauth", folder);
	close(open(place, O_CREAT | O_WRONLY, 0600));
	say(REFRESH_PUT, NAME, "three");
	ok(say(REFRESH_GET, NAME, "") && m.what == REFRESH_FOUND && m.n == 5 &&
		memcmp(m.token, "three", 5) == 0,
	    "what cannot be stored is kept in memory");
	unlink(place);
	is_num(refresh_load(file, NAME, token), 0, "alone");
	ok(say(REFRESH_GET, NAME, "") && m.n == 5 && refresh_load(file, NAME, token) == 5,
	    "and stored with the next message");
}

static void test_bounded(void)
{
	char name[40];
	unsigned n = 0;

	remove_all();
	for (unsigned i = 0; i < REFRESH_FILES + 5; i++) {
		snprintf(name, sizeof(name), "user%u-01234567", i);
		say(REFRESH_PUT, name, "x");
	}
	say(REFRESH_GET, "user0-01234567", "");
	n = 0;
	for (unsigned i = 0; i < REFRESH_FILES + 5; i++) {
		snprintf(name, sizeof(name), "user%u-01234567", i);
		n += refresh_load(file, name, token) == 1;
	}
	is_num(n, REFRESH_FILES, "a helper cannot have more files made than these");
	say(REFRESH_PUT, "user0-01234567", "y");
	ok(refresh_load(file, "user0-01234567", token) == 1 && token[0] == 'y',
	    "but one that is there is replaced");
}

static char flash[80], before[65536 * 3], after[sizeof(before)];

static void look(char *to)
{
	int fd = open(flash, O_RDONLY);

	memset(to, 0, sizeof(before));
	if (fd < 0 || read(fd, to, sizeof(before)) <= 0)
		printf("# cannot read %s\n", flash);
	close(fd);
}

static bool in_store(const char *text)
{
	char mem[64];
	size_t n = 0;
	struct fmt f;

	fmt_init(&f, why, sizeof(why));
	return stored_read(flash, "oauth/" NAME, mem, sizeof(mem), &n, &f) == STORED_OK &&
	       n == strlen(text) && memcmp(mem, text, n) == 0;
}

static void test_store(void)
{
	unsigned n = 0;

	remove_all();
	snprintf(flash, sizeof(flash), "%s/none/store", folder);
	refresh_keep_in(flash);
	ok(!store("one") && strstr(why, "none/store") != NULL, "a store that is not there is told");
	ok(refresh_load(file, NAME, token) == 3, "the file is written all the same");
	say(REFRESH_PUT, NAME, "two");
	ok(say(REFRESH_GET, NAME, "") && m.n == 3 && memcmp(m.token, "two", 3) == 0,
	    "the helper's one counts, too");
	snprintf(flash, sizeof(flash), "%s/store", folder);
	say(REFRESH_GET, NAME, "");
	ok(in_store("two\n"), "and is in the store once that can be used");
	ok(store("three") && in_store("three\n"), "another");
	look(before);
	ok(store("three"), "the same again");
	look(after);
	ok(memcmp(before, after, sizeof(before)) == 0, "is not written");
	say(REFRESH_PUT_LAZY, NAME, "four");
	ok(in_store("three\n"), "nor is one that need not be kept yet");
	while (n < 400 && store(n % 2 == 0 ? "a" : "b"))
		n++;
	ok(n > 90 && n < 200 && strstr(why, "spared") != NULL, "the flash is not worn out");
	refresh_keep_in(NULL);
	unlink(flash);
}

int main(void)
{
	if (mkdtemp(folder) == NULL || ipc_pair(pair) != 0)
		return 2;
	snprintf(file, sizeof(file), "%s/gatepost.conf", folder);
	test_files();
	test_served();
	test_unreadable();
	test_kept();
	test_bounded();
	if (ON(CONFIG_STORE))
		test_store();
	remove_all();
	rmdir(folder);
	return done();
}
