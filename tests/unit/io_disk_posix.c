/* SPDX-License-Identifier: ISC */
/* The spool's folder by system calls: what the port promises, and the spool on it; on a folder of its own and on a tmpfs of 1 MiB. */
#include "io/disk_posix.h"

#include "base/bug.h"
#include "spool/spool.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

TAP_GP_BUG

static char top[64];
static struct disk_posix d;
static struct disk port;

static const char *in_top(const char *name)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static enum disk_status try_open(const char *name)
{
	int file;
	enum disk_status status = port.port->open(port.self, name, &file);

	if (status == DISK_OK)
		port.port->close(port.self, file);
	return status;
}

static enum disk_status make(const char *name, const char *text)
{
	int file;
	enum disk_status status = port.port->create(port.self, name, &file);

	if (status != DISK_OK)
		return status;
	status = port.port->write(port.self, file, 0, bytes_of(text));
	port.port->close(port.self, file);
	return status;
}

static void files(void)
{
	uint8_t mem[32];
	uint64_t size;
	struct stat st;
	size_t n;
	int file;

	is_num(port.port->create(port.self, "one", &file), DISK_OK, "a file");
	is_num(port.port->write(port.self, file, 0, BYTES("hello")), DISK_OK, "written");
	is_num(port.port->write(port.self, file, 8, BYTES("x")), DISK_OK, "… behind its end");
	is_num(port.port->sync(port.self, file), DISK_OK, "synced");
	is_num(port.port->size(port.self, file, &size), DISK_OK, "its size");
	is_num(size, 9, "… is nine");
	n = sizeof(mem);
	is_num(port.port->read(port.self, file, 1, mem, &n), DISK_OK, "read");
	is_bytes(((struct bytes){ mem, n }), ((struct bytes){ (const uint8_t *)"ello\0\0\0x", 8 }), "to its end");
	n = sizeof(mem);
	is_num(port.port->read(port.self, file, 100, mem, &n), DISK_OK, "behind it");
	is_num(n, 0, "… there is nothing");
	is_num(port.port->rename(port.self, "one", "two"), DISK_OK, "renamed while open");
	is_num(port.port->remove(port.self, "two"), DISK_OK, "removed while open");
	is_num(port.port->write(port.self, file, 0, BYTES("y")), DISK_OK, "still writable");
	port.port->close(port.self, file);
	is_num(port.port->sync_folder(port.self), DISK_OK, "the folder synced");
	make("mode", "x");
	ok(stat(in_top("mode"), &st) == 0 && (st.st_mode & 07777) == 0600, "nobody else may read it");
	unlink(in_top("mode"));
}

static void names(void)
{
	is_num(make("a", "1"), DISK_OK, "a");
	is_num(make("a", "1"), DISK_EXISTS, "never one that is there");
	is_num(make("b", "22"), DISK_OK, "b");
	is_num(port.port->rename(port.self, "a", "b"), DISK_EXISTS, "a rename replaces none");
	is_num(port.port->rename(port.self, "c", "d"), DISK_NONE, "nothing to rename");
	is_num(port.port->remove(port.self, "c"), DISK_NONE, "nothing to remove");
	is_num(try_open("c"), DISK_NONE, "nothing to open");
	is_num(symlink("/etc/passwd", in_top("link")), 0, "a link");
	is_num(try_open("link"), DISK_FOREIGN, "is not followed");
	is_num(make("link", "x"), DISK_EXISTS, "… nor written through");
	is_num(mkfifo(in_top("fifo"), 0600), 0, "a pipe");
	is_num(try_open("fifo"), DISK_FOREIGN, "is no file, and waits for nobody");
	is_num(mkdir(in_top("folder"), 0700), 0, "a folder");
	is_num(try_open("folder"), DISK_FOREIGN, "is no file");
	is_num(port.port->remove(port.self, "folder"), DISK_FOREIGN, "… and not removed");
	is_num(port.port->bury(port.self, "folder"), DISK_FOREIGN, "… nor moved");
}

static void lists(void)
{
	char name[DISK_NAME + 1];
	unsigned n = 0, count = 0;
	enum disk_status status;
	uint32_t files;
	uint64_t octets;

	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "a-name-of-some-length-%u", i);
		n += make(name, "x") == DISK_OK;
	}
	make(".hidden", "x");
	is_num(n, 300, "300 files");
	is_num(port.port->list(port.self), DISK_OK, "a list");
	while ((status = port.port->next(port.self, name)) == DISK_OK) {
		count += strncmp(name, "a-name", 6) == 0;
		ok(count > 300 || (name[0] != '.' && strcmp(name, "folder") != 0), "%s", name);
		if (strncmp(name, "a-name", 6) == 0)
			port.port->remove(port.self, name);
	}
	is_num(status, DISK_NONE, "comes to its end");
	is_num(count, 300, "each once, though they are removed meanwhile");
	is_num(port.port->buried(port.self, &files, &octets), DISK_OK, "corrupt/");
	ok(files == 0 && octets == 0, "… is missing and empty");
	is_num(port.port->bury(port.self, "b"), DISK_OK, "b is moved there");
	is_num(port.port->bury(port.self, "link"), DISK_OK, "a link too");
	make("b", "333");
	is_num(port.port->bury(port.self, "b"), DISK_EXISTS, "another b is not");
	is_num(port.port->buried(port.self, &files, &octets), DISK_OK, "what lies there");
	is_num(files, 2, "two files");
	disk_posix_close(&d);
	is_num(disk_posix_open(&d, top), DISK_OK, "opened again");
	is_num(port.port->buried(port.self, &files, &octets), DISK_OK, "what lies there");
	ok(files == 2 && octets == 2 + strlen("/etc/passwd"), "… and how much");
}

static void folders(void)
{
	struct disk_posix other;
	struct rlimit limit, few;
	enum disk_status status;
	uint64_t octets;
	int file;

	is_num(disk_posix_open(&other, "/nowhere/at/all"), DISK_GONE, "no such folder");
	is_num(disk_posix_open(&other, "/etc/passwd"), DISK_GONE, "no folder");
	is_num(disk_posix_open(&other, top), DISK_BUSY, "another has it");
	is_num(other.folder, -1, "… and nothing is left open");
	is_num(port.port->space(port.self, &octets), DISK_OK, "its free space");
	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	is_num(port.port->create(port.self, "more", &file), DISK_BUSY, "no descriptor left");
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_FSIZE, &limit);
	few = limit;
	few.rlim_cur = 4;
	setrlimit(RLIMIT_FSIZE, &few);
	status = make("large", "12345678"); /* no line of ours may be written meanwhile */
	setrlimit(RLIMIT_FSIZE, &limit);
	is_num(status, DISK_FULL, "a file that may not grow");
	port.port->remove(port.self, "large");
}

static void errors(void)
{
	static const struct {
		int error;
		bool folder;
		enum disk_status status;
	} table[] = {
		{ 0, false, DISK_OK }, { ENOSPC, false, DISK_FULL }, { EDQUOT, true, DISK_FULL }, { EFBIG, false, DISK_FULL }, { EROFS, false, DISK_READ_ONLY },
		{ EACCES, false, DISK_DENIED }, { EPERM, true, DISK_DENIED }, { EIO, false, DISK_BROKEN }, { EBADF, false, DISK_BROKEN }, { EUCLEAN, false, DISK_BROKEN },
		{ ENOENT, false, DISK_NONE }, { ENOENT, true, DISK_GONE }, { ENOTDIR, true, DISK_GONE }, { ESTALE, false, DISK_GONE }, { EMFILE, false, DISK_BUSY },
		{ ENOMEM, false, DISK_BUSY }, { EWOULDBLOCK, true, DISK_BUSY }, { ELOOP, false, DISK_FOREIGN }, { EISDIR, false, DISK_FOREIGN }, { EEXIST, false, DISK_EXISTS },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		is_num(disk_posix_status(table[i].error, table[i].folder), table[i].status, "%s", strerror(table[i].error));
	for (int error = 0; error < 200; error++)
		if (disk_posix_status(error, false) >= DISK_STATUSES)
			ok(false, "error %d", error);
}

/* ---- the spool on it ---- */

#define CAPACITY 16u

static struct spool s;
static struct spool_entry entries[CAPACITY];
static uint32_t heads[SPOOL_HEADS(CAPACITY)];
static struct spool_params params;

static void start(void)
{
	params = (struct spool_params){ .disk = port, .entries = entries, .heads = heads, .capacity = CAPACITY, .max_size = UINT64_MAX };
	is_num(spool_init(&s, &params, 0, 0), SPOOL_OK, "a spool");
}

/* A mail of so many KiB; it is settled and open. */
static enum spool_status store(struct spool_mail *m, uint8_t number, unsigned kib)
{
	static uint8_t mem[RECORD_FRONT + 100], block[1024];
	struct record_mail mail = { .recipients = 1, .came = 1000, .sender = BYTES("<s@x>") };
	struct record_writer w;
	enum spool_status status;
	struct buf b;

	memset(mail.id, number, RECORD_ID);
	memset(block, number, sizeof(block));
	status = spool_begin(&s, m, mail.id);
	if (status != SPOOL_OK)
		return status;
	buf_init(&b, mem, sizeof(mem));
	if (!record_front(&w, &mail, &b) || !record_rcpt(&w, BYTES("<a@x>"), &b) || !record_marks(&w, &b))
		abort();
	status = spool_write(&s, m, buf_peek(&b));
	if (status == SPOOL_OK)
		status = spool_body(&s, m, &w.info, true);
	for (unsigned i = 0; i < kib && status == SPOOL_OK; i++)
		status = spool_write(&s, m, (struct bytes){ block, sizeof(block) });
	if (status != SPOOL_OK) {
		spool_abort(&s, m);
		return status;
	}
	status = spool_commit(&s, m);
	return status == SPOOL_OK ? spool_settle(&s) : status;
}

static bool reads_whole(uint8_t number, uint64_t octets)
{
	static struct record_reader r;
	struct spool_mail m = { 0 };
	struct bytes in = { 0 }, what;
	uint8_t id[RECORD_ID], some[3000];
	uint64_t at = 0, content = 0;

	memset(id, number, RECORD_ID);
	if (spool_find(&s, id) == SPOOL_NONE || spool_open(&s, &m, spool_find(&s, id)) != SPOOL_OK)
		return false;
	record_reader_init(&r, record_size(spool_info(&m)));
	for (;;) {
		enum record_event event = record_read(&r, &in, &what);
		size_t n = sizeof(some);

		if (event >= RECORD_END) {
			spool_close(&s, &m);
			return event == RECORD_END && content == octets;
		}
		if (event == RECORD_CONTENT)
			content += what.n;
		if (event != RECORD_MORE)
			continue;
		if (spool_read(&s, &m, at, some, &n) != SPOOL_OK || n == 0)
			return false;
		at += n;
		in = (struct bytes){ some, n };
	}
}

static void on_disk(void)
{
	struct spool_mail m = { 0 };

	start();
	is_num(store(&m, 1, 200), SPOOL_OK, "a mail of 200 KiB");
	is_num(spool_mark(&s, &m, 0, RECORD_FAILED), SPOOL_OK, "marked");
	is_num(spool_sync(&s, &m), SPOOL_OK, "synced");
	spool_close(&s, &m);
	spool_stop(&s, 0);
	start();
	is_num(spool_scan(&s, 1000), SPOOL_SCAN_DONE, "found again");
	ok(s.mails == 1 && s.ever > 200 * 1024, "counted");
	ok(reads_whole(1, 200 * 1024), "and whole");
	ok(s.buried > 2, "what other tests left is foreign");
}

static void full(void)
{
	struct spool_mail m = { 0 };
	unsigned n = 0;
	uint64_t before = 0, space = 1;

	ok(disk_posix_kind(&d) == DISK_KIND_MEMORY, "tmpfs is memory");
	start();
	spool_scan(&s, 1000);
	while (n < 20 && store(&m, (uint8_t)(n + 1), 200) == SPOOL_OK) {
		spool_close(&s, &m);
		n++;
	}
	ok(n == 4 || n == 5, "%u mails of 200 KiB fit 1 MiB", n);
	port.port->space(port.self, &before);
	is_num(store(&m, 100, 200), SPOOL_FULL, "one more is full");
	is_num(s.mails, n, "nothing is left of it");
	port.port->space(port.self, &space);
	is_num(space, before, "… and no room taken");
	params.max_size = UINT64_MAX;
	spool_init(&s, &params, 0, 0);
	spool_scan(&s, 1000);
	for (unsigned i = 0; i < n; i++)
		ok(reads_whole((uint8_t)(i + 1), 200 * 1024), "mail %u is whole", i + 1);
	ok(mount(NULL, top, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0, "read-only");
	is_num(store(&m, 101, 1), SPOOL_BROKEN, "nothing is stored");
	is_num(s.trouble, DISK_READ_ONLY, "… because of that");
}

/* With mounts of its own from here on. */
static void on_tmpfs(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("none", top, "tmpfs", 0, "size=1m") != 0) {
		skip("no namespaces here: a tmpfs of 1 MiB");
		return;
	}
	is_num(disk_posix_open(&d, top), DISK_OK, "a tmpfs of 1 MiB");
	full();
	disk_posix_close(&d);
	umount(top);
}

static void clean(const char *path)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	if (system(command) != 0)
		printf("# %s is left\n", path);
}

int main(void)
{
	signal(SIGXFSZ, SIG_IGN);
	snprintf(top, sizeof(top), "/tmp/gatepost-disk-XXXXXX");
	if (!mkdtemp(top))
		return 1;
	is_num(disk_posix_open(&d, top), DISK_OK, "a folder");
	port = disk_posix_port(&d);
	files();
	names();
	lists();
	folders();
	errors();
	on_disk();
	disk_posix_close(&d);
	on_tmpfs();
	clean(top);
	return done();
}
