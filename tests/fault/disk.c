/* SPDX-License-Identifier: ISC */
/*
 * The engine's side of the spool against a real disk process in a folder of its own: what is stored,
 * read, marked and given back; a disk process that dies, or whose disk fails, at each call; a slow
 * disk; an engine that keeps to no rule.
 */
#include "run/tee_part.h"

#include "io/disk_posix.h"
#include "io/ipc.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEES (DISK_BLOCKS + 68)

static char folder[64];
static int pair[2][2] = { { -1, -1 }, { -1, -1 } }, sup = -1;
static uint8_t *blocks[2];
static pid_t disk_pid;
static uint32_t life, engine_number;
static struct timer *slots[16];
static struct blk blk_mem[4096];
static struct blk_arena arena;
static struct tee tees[TEES];

/* ---- a disk that fails, in the disk process ---- */

enum plan { PLAN_GOOD, PLAN_DIE, PLAN_BROKEN, PLAN_FULL, PLAN_SLOW };

static struct disk real;
static enum plan plan;
static unsigned plan_at, calls; /* the call that fails (is slow: the first), from 1; how many there were */
static unsigned slow_ms;

static enum disk_status before_call(void)
{
	calls++;
	if (plan == PLAN_SLOW && calls >= plan_at)
		usleep(slow_ms * 1000);
	if (calls != plan_at)
		return DISK_OK;
	if (plan == PLAN_DIE)
		_exit(99);
	return plan == PLAN_BROKEN ? DISK_BROKEN : plan == PLAN_FULL ? DISK_FULL : DISK_OK;
}

#define PORT(name, arguments, values)                                                   \
	static enum disk_status port_##name arguments                                   \
	{                                                                               \
		enum disk_status status = before_call();                                \
		return status == DISK_OK ? real.port->name values : status;             \
	}

PORT(create, (void *self, const char *name, int *file), (self, name, file))
PORT(open, (void *self, const char *name, int *file), (self, name, file))
PORT(write, (void *self, int file, uint64_t at, struct bytes x), (self, file, at, x))
PORT(read, (void *self, int file, uint64_t at, void *to, size_t *n), (self, file, at, to, n))
PORT(size, (void *self, int file, uint64_t *octets), (self, file, octets))
PORT(sync, (void *self, int file), (self, file))
PORT(rename, (void *self, const char *from, const char *to), (self, from, to))
PORT(remove, (void *self, const char *name), (self, name))
PORT(sync_folder, (void *self), (self))
PORT(bury, (void *self, const char *name), (self, name))
PORT(space, (void *self, uint64_t *octets), (self, octets))
PORT(list, (void *self), (self))
PORT(next, (void *self, char name[DISK_NAME + 1]), (self, name))

static struct disk failing(struct disk d)
{
	static struct disk_port port;

	real = d;
	port = *d.port;
	port.create = port_create;
	port.open = port_open;
	port.write = port_write;
	port.read = port_read;
	port.size = port_size;
	port.sync = port_sync;
	port.rename = port_rename;
	port.remove = port_remove;
	port.sync_folder = port_sync_folder;
	port.bury = port_bury;
	port.space = port_space;
	port.list = port_list;
	port.next = port_next;
	return (struct disk){ &port, d.self };
}

static uint64_t max_size = UINT64_MAX;

static void start_disk(void)
{
	int order[2];

	ipc_pair(order);
	fflush(stdout);
	life++;
	disk_pid = fork();
	if (disk_pid == 0) {
		static struct disk_posix posix;
		struct disk_args a = { .life = life, .max_size = max_size, .name = folder };

		close(order[0]);
		a.supervisor = order[1];
		for (unsigned i = 0; i < 2; i++) {
			a.engine[i] = pair[i][1];
			a.blocks[i] = blocks[i];
		}
		a.trouble = (uint8_t)disk_posix_open(&posix, folder);
		if (a.trouble == DISK_OK)
			a.disk = failing(disk_posix_port(&posix));
		_exit(disk_main(&a));
	}
	close(order[1]);
	if (sup >= 0)
		close(sup);
	sup = order[0];
}

/* True: it had ended, and was started again. */
static bool watch_disk(void)
{
	int status;

	if (waitpid(disk_pid, &status, WNOHANG) != disk_pid)
		return false;
	plan = PLAN_GOOD;
	start_disk();
	return true;
}

static void stop_disk(void)
{
	struct disk_word word = { DISK_ORDER_STOP, 0 };
	int status = -1;

	ipc_send(sup, &word, sizeof(word));
	if (waitpid(disk_pid, &status, 0) != disk_pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		ok(false, "the disk process ends when told so (%#x)", (unsigned)status);
	disk_pid = 0;
}

static void order_disk(enum disk_order order, uint32_t engine)
{
	struct disk_word word = { order, engine };

	ipc_send(sup, &word, sizeof(word));
}

/* ---- the engine ---- */

static struct deadline stop;
static bool restarted;

static void stop_now(struct deadline *d)
{
	(void)d;
	loop_stop();
}

static void turn(unsigned ms)
{
	loop_after(&stop, ms, stop_now);
	loop_run();
	loop_deadline_clear(&stop);
	if (watch_disk())
		restarted = true;
}

static void woken(struct tee *t)
{
	(void)t;
	loop_stop();
}

static void start_engine(void)
{
	struct tee_args a = { .disk = pair[0][0], .blocks = blocks[0] };

	memset(&tee_all, 0, sizeof(tee_all));
	memset(tees, 0, sizeof(tees));
	memset(&stop, 0, sizeof(stop));
	a.engine = ++engine_number;
	loop_init(slots, 16);
	tee_init(&a);
}

static void empty_folder(void)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char path[400];

	while (d && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		unlink(path);
	}
	closedir(d);
}

static unsigned count_files(const char *end)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (end[0] ? len > strlen(end) && strcmp(e->d_name + len - strlen(end), end) == 0 :
			     len == TRACE_ID)
			n++;
	}
	closedir(d);
	return n;
}

static void begin(enum plan p, unsigned at)
{
	empty_folder();
	restarted = false;
	plan = p;
	plan_at = at;
	for (unsigned i = 0; i < 2; i++) {
		if (pair[i][0] >= 0) {
			close(pair[i][0]);
			close(pair[i][1]);
		}
		ipc_pair(pair[i]);
	}
	start_disk();
	/* One that dies while it starts: the engine would wait for it. */
	for (int i = 0; p == PLAN_DIE && i < 10 && !restarted; i++) {
		usleep(2000);
		restarted = watch_disk();
	}
	start_engine();
}

static void end(void)
{
	for (int i = 0; i < 500 && (tee_is_busy() || tee_all.unanswered > 0); i++)
		turn(10);
	stop_disk();
}

/* ---- mails ---- */

static struct envelope *envelope_with(unsigned n, size_t longer)
{
	static struct envelope e;
	char path[300];

	blk_arena_init(&arena, blk_mem, sizeof(blk_mem) / sizeof(blk_mem[0]));
	envelope_init(&e, &arena);
	envelope_sender(&e, BYTES("sender@example.com"));
	for (unsigned i = 0; i < n; i++) {
		struct envelope_cursor cur;
		int len = snprintf(path, sizeof(path), "%0*u@example.com", (int)longer, i);
		uint32_t at = envelope_add(&e, (struct bytes){ (uint8_t *)path, (size_t)len });

		if (envelope_at(&e, &cur, at, NULL))
			envelope_set_verdict(&e, &cur, RCPT_KEPT);
	}
	return &e;
}

static bool lazily; /* as mail is stored that a gateway is about to take */
static bool without_first; /* mails that begin with nothing of ours, as reports do */

static void open_mail(struct tee *t, const struct envelope *e, unsigned number)
{
	uint8_t id[RECORD_ID] = { (uint8_t)number, (uint8_t)(number >> 8), 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	struct tee_mail m = { .id = id,
		.envelope = e,
		.peer = BYTES("192.0.2.1"),
		.binding = BYTES("default"),
		.lazy = lazily,
		.first = without_first ? BYTES("") : BYTES("Received: from test\r\n") };

	tee_open(t, &m, woken);
}

static enum tee_event await(struct tee *t, unsigned ms)
{
	struct bytes got;
	enum tee_event ev = tee_step(t, &got);

	for (unsigned i = 0; ev == TEE_NOTHING && i < ms / 10; i++) {
		turn(10);
		ev = tee_step(t, &got);
	}
	return ev;
}

/* The octet of a mail's content that stands there. */
static uint8_t octet_at(size_t at)
{
	return (uint8_t)(at * 131 + (at >> 8) * 7);
}

/* False: it can have no more. */
static bool put_content(struct tee *t, size_t n)
{
	static uint8_t text[5000];
	unsigned idle = 0;
	size_t at = 0;

	while (n > 0 && idle < 2000 && t->state != TEE_BROKEN) {
		size_t room = tee_room(t);

		if (room > n)
			room = n;
		if (room > sizeof(text))
			room = sizeof(text);
		for (size_t i = 0; i < room; i++)
			text[i] = octet_at(at++);
		if (room > 0)
			tee_put(t, (struct bytes){ text, room });
		n -= room;
		idle = room ? 0 : idle + 1;
		if (room == 0)
			turn(10);
	}
	return n == 0;
}

static enum tee_event store(struct tee *t, unsigned recipients, size_t n, unsigned number)
{
	enum tee_event ev;

	open_mail(t, envelope_with(recipients, 3), number);
	ev = await(t, 8000);
	if (ev != TEE_OPENED || !put_content(t, n))
		return ev == TEE_OPENED ? await(t, 100) : ev;
	tee_commit(t, NULL, 0);
	return await(t, 8000);
}

/* Reads a file: its marks, and how much content there is; false: it is not right. */
static bool read_back(struct tee *t, char *marks, size_t *content, unsigned *recipients)
{
	static struct record_reader r;
	size_t at = 0, before = 0;

	*content = 0;
	*recipients = 0;
	record_reader_init(&r, record_size(&t->info));
	tee_read(t, 0);
	for (int i = 0; i < 3000; i++) {
		struct bytes got, what;
		enum tee_event ev = tee_step(t, &got);
		enum record_event e = RECORD_MORE;

		if (ev == TEE_ENDED)
			return record_read(&r, &got, &what) == RECORD_END;
		if (ev == TEE_NOTHING)
			turn(5);
		else if (ev != TEE_READ)
			return false;
		while (ev == TEE_READ && (e = record_read(&r, &got, &what)) != RECORD_MORE &&
		       e != RECORD_END) {
			if (e >= RECORD_TORN)
				return false;
			*recipients += e == RECORD_RCPT;
			if (e == RECORD_MARKS && at + what.n < 2000) {
				memcpy(marks + at, what.p, what.n);
				at += what.n;
				marks[at] = '\0';
			}
			if (e == RECORD_CONTENT && *content == 0)
				before = what.p[0] == 'R' ? 21 : 0;
			for (size_t k = 0; e == RECORD_CONTENT && k < what.n; k++, ++*content)
				if (what.p[k] != (*content < before ? (uint8_t)"Received: from test\r\n"[*content]
								    : octet_at(*content - before)))
					return false;
		}
	}
	return false;
}

/* ---- what is promised ---- */

static void stores_and_delivers(void)
{
	static char marks[2001];
	struct tee *t = &tees[0];
	const struct disk_state *s;
	const char *why;
	size_t content;
	unsigned n;
	bool no_room;
	uint64_t at;

	begin(PLAN_GOOD, 0);
	ok(tee_can(&no_room, &why), "the spool can be used");
	is_num(store(t, 3, 100000, 1), TEE_COMMITTED, "a mail is stored");
	is_num(count_files(""), 1, "... its file is there");
	t->tries = 2;
	tee_release(t, 500);
	tee_next(t, woken);
	is_num(await(t, 3000), TEE_REFUSED, "it is not due at once");
	ok(t->wait_ms > 0 && t->wait_ms <= 700, "... but soon: %u ms", (unsigned)t->wait_ms);
	turn(700);
	tee_next(t, woken);
	is_num(await(t, 3000), TEE_OPENED, "... and then it is");
	is_num(t->tries, 2, "... with the number of its tries");
	ok(t->info.recipients == 3 && t->id[0] == 1, "... and it is that one");
	ok(read_back(t, marks, &content, &n), "it reads back whole");
	is_num(content, 100000 + 21, "... with all of its content");
	is_num(n, 3, "... and all recipients");
	is_str(marks, "nnn", "... which are new");
	tee_commit(t, (const uint8_t *)"ttn", 3);
	is_num(await(t, 3000), TEE_COMMITTED, "two of them are marked");
	tee_block(7, true);
	t->gateway = 7;
	tee_release(t, 1000000);
	tee_next(t, woken);
	is_num(await(t, 3000), TEE_REFUSED, "it waits for its gateway");
	tee_wake(NULL, 8);
	tee_next(t, woken);
	is_num(await(t, 3000), TEE_REFUSED, "another gateway's mail is woken: it is not");
	tee_block(7, false);
	tee_next(t, woken);
	is_num(await(t, 3000), TEE_OPENED, "its gateway takes mail: so it is");
	t->gateway = 0;
	tee_release(t, 1000000);
	tee_next(t, woken);
	is_num(await(t, 3000), TEE_REFUSED, "it waits for its time");
	tee_wake(NULL, 0);
	tee_next(t, woken);
	is_num(await(t, 3000), TEE_OPENED, "all are woken: so it is");
	tee_find(&tees[1], t->id, woken);
	is_num(await(&tees[1], 3000), TEE_REFUSED, "it is given to one at a time");
	is_str(tees[1].why, PHRASE("the mail is being delivered"), "... which is said");
	ok(read_back(t, marks, &content, &n), "it is still right");
	is_str(marks, "ttn", "its marks have stayed");
	tee_commit(t, (const uint8_t *)"ttt", 3);
	is_num(await(t, 3000), TEE_COMMITTED, "the last is marked");
	tee_release(t, 0);
	turn(300);
	is_num(count_files(""), 0, "one that nobody waits for is removed");
	s = tee_spool(&at);
	for (int i = 0; i < 200 && s->mails > 0; i++)
		turn(10);
	ok(s->usable && s->mails == 0 && s->ever > 100000, "the engine knows how the spool is");
	end();
}

static void drops(void)
{
	static const char *const when[] = { "at once", "when open", "in the content", "in the commit",
		"when safe" };

	for (unsigned w = 0; w < 5; w++) {
		struct tee *t = &tees[0];

		begin(PLAN_GOOD, 0);
		open_mail(t, envelope_with(2, 3), 1);
		if (w >= 1)
			await(t, 3000);
		if (w >= 2)
			put_content(t, 40000);
		if (w >= 3)
			tee_commit(t, NULL, 0);
		if (w >= 4)
			await(t, 3000);
		tee_drop(t);
		for (int i = 0; i < 20; i++)
			turn(10);
		ok(t->state == TEE_NONE && count_files("") + count_files(".new") == 0,
		    "a mail that is dropped %s leaves nothing", when[w]);
		is_num(store(t, 1, 10, 2), TEE_COMMITTED, "... and the next is stored");
		end();
		is_num(count_files(""), 1, "... and stays");
	}
}

static void large_envelopes(void)
{
	static char marks[2001];
	struct tee *t = &tees[0];
	const struct envelope *e;
	size_t content;
	unsigned n;

	begin(PLAN_GOOD, 0);
	e = envelope_with(1000, 180);
	open_mail(t, e, 1);
	is_num(e->count, 1000, "(a thousand recipients)");
	is_num(await(t, 3000), TEE_OPENED, "an envelope of many blocks is stored");
	put_content(t, 1000000);
	memset(marks, 'n', 1000);
	memset(marks + 900, 't', 100);
	tee_commit(t, (const uint8_t *)marks, 1000);
	is_num(await(t, 5000), TEE_COMMITTED, "... and safe");
	ok(read_back(t, marks, &content, &n), "... and right");
	ok(n == 1000 && content == 1000000 + 21, "... and whole");
	ok(strlen(marks) == 1000 && marks[899] == 'n' && marks[900] == 't' && marks[999] == 't',
	    "... with its marks");
	end();
}

/* More mails than blocks, all in the middle of their content. */
static void many(void)
{
	unsigned open = 0, safe = 0;
	bool put = true;

	begin(PLAN_GOOD, 0);
	envelope_with(1, 3);
	for (unsigned i = 0; i < TEES; i++)
		open_mail(&tees[i], envelope_with(1, 3), i + 1);
	for (unsigned i = 0; i < TEES; i++)
		open += await(&tees[i], 3000) == TEE_OPENED;
	is_num(open, TEES, "there may be many more mails than blocks (%u)", DISK_BLOCKS);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < TEES; i++)
			put = put && put_content(&tees[i], 3000);
	ok(put, "... and each gets on");
	for (unsigned i = 0; i < TEES; i++)
		tee_commit(&tees[i], NULL, 0);
	for (unsigned i = 0; i < TEES; i++)
		safe += await(&tees[i], 5000) == TEE_COMMITTED;
	is_num(safe, TEES, "... to its end");
	for (unsigned i = 0; i < TEES; i++)
		tee_release(&tees[i], 0);
	end();
	is_num(count_files(""), TEES, "all are there");
}

/* Mails that hold a block with nothing in it that the disk has not: it is taken from them at once. */
static void pressed(void)
{
	static char marks[2001];
	unsigned open = 0, n;
	size_t content;

	begin(PLAN_GOOD, 0);
	is_num(store(&tees[0], 1, 200000, 1), TEE_COMMITTED, "a mail is stored");
	tee_release(&tees[0], 0);
	without_first = true;
	for (unsigned i = 1; i <= DISK_BLOCKS; i++)
		open_mail(&tees[i], envelope_with(1, 3), i + 1);
	for (unsigned i = 1; i <= DISK_BLOCKS; i++)
		open += await(&tees[i], 3000) == TEE_OPENED;
	is_num(open, DISK_BLOCKS, "... and all blocks are held by others that stand still");
	tee_next(&tees[0], woken);
	is_num(await(&tees[0], 3000), TEE_OPENED, "... it is delivered all the same");
	ok(read_back(&tees[0], marks, &content, &n) && content == 200000 + 21, "... and reads back whole");
	tee_release(&tees[0], 0);
	open_mail(&tees[DISK_BLOCKS + 1], envelope_with(1, 3), 1000);
	is_num(await(&tees[DISK_BLOCKS + 1], 3000), TEE_OPENED, "... and one more finds a block");
	without_first = false;
	for (unsigned i = 1; i <= DISK_BLOCKS + 1; i++)
		tee_drop(&tees[i]);
	end();
}

/* Readers that stand still do not keep others from storing. */
static void readers(void)
{
	static struct tee r[DISK_BLOCKS];
	struct bytes got;
	unsigned n = 0;

	begin(PLAN_GOOD, 0);
	for (unsigned i = 0; i < DISK_BLOCKS; i++) {
		store(&tees[0], 1, 50000, i + 1);
		tee_release(&tees[0], 0);
	}
	memset(r, 0, sizeof(r));
	for (unsigned i = 0; i < DISK_BLOCKS; i++) {
		tee_next(&r[i], woken);
		n += await(&r[i], 3000) == TEE_OPENED;
		tee_read(&r[i], 0);
	}
	is_num(n, DISK_BLOCKS, "each mail of the queue is given once");
	for (int i = 0; i < 20; i++)
		turn(10);
	n = 0;
	for (unsigned i = 0; i < DISK_BLOCKS; i++)
		n += tee_step(&r[i], &got) == TEE_READ;
	is_num(n, DISK_BLOCKS / 2, "half of the blocks may stand still with readers");
	is_num(store(&tees[0], 1, 500000, 1000), TEE_COMMITTED, "the others go on");
	for (unsigned i = 0; i < DISK_BLOCKS; i++)
		tee_release(&r[i], 0);
	end();
}

/* Mail that a gateway is about to take lies in the blocks while there are some, and in no file. */
static void lazy_ones(void)
{
	static char marks[2001];
	const size_t large = DISK_MEMORY / 2 + 12345;
	size_t content;
	unsigned n, calls_before;

	begin(PLAN_GOOD, 0);
	lazily = true;
	for (unsigned i = 0; i < 3; i++) {
		open_mail(&tees[i], envelope_with(2, 3), 600 + i);
		ok(put_content(&tees[i], DISK_MEMORY / 8 + i), "a mail that is hardly ever needed lies in blocks");
	}
	turn(50);
	is_num(count_files(".new"), 0, "... and in no file");
	calls_before = tee_all.serials;
	tee_drop(&tees[0]);
	turn(50);
	ok(!tee_is_busy() && tee_all.unanswered == 0 && tee_all.serials == calls_before,
	    "... and one that is dropped is not heard of");
	tee_hurry(&tees[1]);
	is_num(await(&tees[1], 3000), TEE_OPENED, "what is needed after all has its file at once");
	is_num(count_files(".new"), 1, "... it alone");
	ok(put_content(&tees[2], 0), "the other goes on");
	tee_commit(&tees[2], NULL, 0);
	is_num(await(&tees[2], 5000), TEE_COMMITTED, "... and is committed without having been in a hurry");
	ok(read_back(&tees[2], marks, &content, &n) && content == DISK_MEMORY / 8 + 2 + 21 && n == 2,
	    "... and reads back as it was put");
	tee_drop(&tees[2]);
	tee_commit(&tees[1], (const uint8_t *)"tn", 2);
	is_num(await(&tees[1], 5000), TEE_COMMITTED, "... the first one as well");
	ok(read_back(&tees[1], marks, &content, &n) && content == DISK_MEMORY / 8 + 1 + 21 &&
		strcmp(marks, "tn") == 0, "... with its marks");
	tee_drop(&tees[1]);
	for (unsigned i = 0; i < 3; i++) {
		open_mail(&tees[i], envelope_with(i == 1 ? 1000 : 2, i == 1 ? 200 : 3), 700 + i);
		ok(put_content(&tees[i], large), "more than there are blocks for goes on");
	}
	ok(count_files(".new") > 0, "... as a file, some of it");
	for (unsigned i = 0; i < 3; i++) {
		tee_commit(&tees[i], NULL, 0);
		is_num(await(&tees[i], 8000), TEE_COMMITTED, "... it can be committed");
		ok(read_back(&tees[i], marks, &content, &n) && content == large + 21, "... and is whole");
		tee_release(&tees[i], 0);
	}
	lazily = false;
	end();
}

static void engine_ends(void)
{
	begin(PLAN_GOOD, 0);
	store(&tees[0], 1, 100, 1);
	open_mail(&tees[1], envelope_with(1, 3), 2);
	await(&tees[1], 3000);
	store(&tees[2], 1, 100, 3);
	tee_release(&tees[2], 0);
	turn(50);
	tee_next(&tees[3], woken);
	is_num(await(&tees[3], 3000), TEE_OPENED, "(a delivery is under way)");
	is_num(count_files(".new"), 1, "(and a mail on its way to the spool)");
	order_disk(DISK_ORDER_GONE, engine_number);
	for (int i = 0; i < 30; i++)
		turn(10);
	is_num(count_files(".new"), 0, "an engine ended: what it had begun to store is gone");
	is_num(count_files(""), 2, "... what was safe is there");
	start_engine();
	tee_wake(NULL, 0);
	tee_next(&tees[0], woken);
	is_num(await(&tees[0], 3000), TEE_OPENED, "... and given to the next one");
	tee_next(&tees[1], woken);
	is_num(await(&tees[1], 3000), TEE_OPENED, "... all of it");
	end();
}

/* The disk dies, or fails, in its nth call: true while there is such a call. */
static bool fails_at(enum plan p, unsigned n, const char *how)
{
	struct tee *t = &tees[0];
	enum tee_event ev, marked = TEE_NOTHING;
	bool right = true, found = false, read = false, ran;
	size_t content;
	char marks[16] = "";
	unsigned nrcpt;

	begin(p, n);
	ev = store(t, 2, 20000, 1);
	if (ev == TEE_COMMITTED) {
		tee_commit(t, (const uint8_t *)"tn", 2);
		marked = await(t, 8000);
		if (t->state == TEE_SAFE)
			tee_release(t, 0);
	}
	if (t->state != TEE_NONE)
		tee_drop(t);
	for (int i = 0; i < 10; i++)
		turn(5);
	for (int i = 0; i < 40 && !read; i++) {
		tee_wake(NULL, 0);
		tee_next(t, woken);
		found = await(t, 3000) == TEE_OPENED;
		read = found && read_back(t, marks, &content, &nrcpt) && content == 20021;
		if (found && !read && t->state == TEE_SAFE)
			tee_release(t, 0);
		turn(5);
		if (!found && ev != TEE_COMMITTED && i > 3)
			break;
	}
	ran = p == PLAN_DIE ? restarted : true;
	if (ev == TEE_COMMITTED && !found)
		right = false;
	/* A disk that fails took nothing it did not promise; one that died may have. */
	if (ev != TEE_COMMITTED && found && p != PLAN_DIE)
		right = false;
	if (found && !read)
		right = false;
	if (marked == TEE_COMMITTED && strcmp(marks, "tn") != 0)
		right = false;
	if (t->state == TEE_SAFE)
		tee_drop(t);
	end();
	if (!right)
		ok(false, "%s at call %u: stored %d, marked %d, found %d \"%s\"", how, n, ev, marked,
		    found, marks);
	if (count_files(".new") > 0)
		ok(false, "%s at call %u: half a file stays", how, n);
	return ran;
}

static void fails_everywhere(enum plan p, unsigned most, const char *how)
{
	unsigned n = 1;

	while (n < most && fails_at(p, n, how))
		n++;
	ok(n > 20, "a disk that %s: at each of %u calls nothing that was promised is lost", how,
	    n - 1);
}

static void slow(void)
{
	struct tee *t = &tees[0];
	uint64_t began;

	slow_ms = 7000;
	begin(PLAN_SLOW, 25);
	began = loop_now();
	open_mail(t, envelope_with(1, 3), 1);
	ok(!put_content(t, DISK_MEMORY + 1500000), "a disk that is far too slow takes not all of it");
	ok(loop_now() - began >= TEE_PATIENCE_MS && loop_now() - began < TEE_PATIENCE_MS + 3000,
	    "... the tee is given up after its patience (%u ms)", (unsigned)(loop_now() - began));
	ok(await(t, 100) == TEE_REFUSED || t->state == TEE_BROKEN, "... and that is told");
	kill(disk_pid, SIGKILL);
	waitpid(disk_pid, NULL, 0);
}

static void full(void)
{
	struct tee *t = &tees[0];
	bool no_room = false;
	const char *why = "";

	max_size = 60000;
	begin(PLAN_GOOD, 0);
	is_num(store(t, 1, 50000, 1), TEE_COMMITTED, "as much as Spool_Max_Size");
	tee_release(t, 0);
	ok(store(t, 1, 50000, 2) != TEE_COMMITTED, "... and no more");
	ok(t->no_room, "... because there is no room");
	is_str(t->why, PHRASE("the spool is full"), "... which is said");
	for (int i = 0; i < 100 && count_files(".new") > 0; i++)
		turn(10);
	is_num(count_files("") + count_files(".new"), 1, "... and nothing stays of it");
	is_num(store(t, 1, 8000, 3), TEE_COMMITTED, "a smaller one fits");
	ok(!tee_can(&no_room, &why) || true, "(the state is known)");
	end();
	max_size = UINT64_MAX;
}

/* ---- an engine that keeps to no rule ---- */

static uint32_t seed;

static uint32_t any(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 4) * n >> 28);
}

static void scribble(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)any(256);
}

static void send_any(int fd)
{
	struct disk_message m;

	scribble(&m, sizeof(m));
	m.life = any(8) ? life : m.life;
	m.engine = any(16) ? 999 : m.engine;
	m.op = (uint8_t)any(DISK_OPS + 1);
	if (any(4))
		m.job = (uint16_t)any(4);
	m.serial = any(3);
	if (any(4))
		m.block = (uint16_t)any(DISK_BLOCKS);
	if (any(4)) {
		m.octets = any(200);
		m.at = any(300);
	}
	if (any(2))
		memset(m.id, (int)any(3), RECORD_ID);
	if (any(2)) {
		m.info.recipients = any(3);
		m.info.envelope = any(400);
		m.info.content = 0;
		memcpy(m.info.id, m.id, RECORD_ID);
	}
	if (any(50) == 0)
		(void)send(fd, &m, any(sizeof(m)), MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		(void)ipc_send(fd, &m, sizeof(m));
}

static void rude(void)
{
	struct disk_message m;
	struct tee *t = &tees[0];
	unsigned stored = 0;
	bool alive;

	begin(PLAN_GOOD, 0);
	seed = 1;
	memset(&m, 0, sizeof(m));
	m.op = DISK_HELLO;
	m.engine = 999;
	m.serial = 1;
	ipc_send(pair[1][0], &m, sizeof(m));
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned i = 0; i < 200; i++) {
			if (i % 50 == 0)
				scribble(blocks[1], 600);
			send_any(pair[1][0]);
			if (any(3) || round % 2)
				while (ipc_take(pair[1][0], &m, sizeof(m)) != -EAGAIN)
					;
		}
		while (ipc_take(pair[1][0], &m, sizeof(m)) != -EAGAIN)
			;
		stored += store(t, 1, 30000, 100 + round) == TEE_COMMITTED;
		if (t->state == TEE_SAFE)
			tee_release(t, 1000000);
		turn(1);
	}
	alive = kill(disk_pid, 0) == 0 && !restarted;
	ok(alive, "an engine that sends whatever it likes does not end the disk process");
	is_num(stored, 40, "... and another one's mails are stored");
	end();
	stored = count_files("");
	ok(stored >= 40, "... and stay: %u", stored);
}

int main(void)
{
	snprintf(folder, sizeof(folder), "/tmp/gatepost-disk.XXXXXX");
	if (!mkdtemp(folder))
		return 2;
	for (unsigned i = 0; i < 2; i++)
		blocks[i] = mmap(NULL, DISK_MEMORY, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stores_and_delivers();
	drops();
	large_envelopes();
	many();
	pressed();
	readers();
	lazy_ones();
	engine_ends();
	full();
	fails_everywhere(PLAN_DIE, 200, "ends");
	fails_everywhere(PLAN_BROKEN, 60, "fails");
	fails_everywhere(PLAN_FULL, 60, "is full");
	rude();
	slow();
	empty_folder();
	rmdir(folder);
	return done();
}
