/* SPDX-License-Identifier: ISC */
#include "run/spooler.h"

#include "io/clock.h"
#include "io/disk_posix.h"
#include "io/errtext.h"
#include "io/ipc.h"
#include "io/log.h"
#include "run/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIVED_MS     10000u /* one that lived so long is forked again at once */
#define PAUSE_MS     500u   /* else after this, doubling … */
#define PAUSE_MAX_MS 10000u
#define LOOK_MS      60000u
#define FLASH_LIMIT  (64u << 20) /* Spool_Write_Limit on flash */

bool spooler_is_wanted(const struct conf_global *g)
{
	return g->spoolbase && (g->spool != CONF_SPOOL_OFF || g->suspend_delivery);
}

/* ---- the folder ---- */

/* A folder of that name is new: its name is to survive the power, too. */
static void sync_above(int folder)
{
	int above = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (above < 0)
		return;
	(void)fsync(above);
	close(above);
}

/* Opens the folder, which is made where it is missing; -1: see a->trouble and a->why. */
static int open_folder(struct spooler *s, const struct confine *c, struct disk_args *a)
{
	bool fresh = mkdir(s->with.folder, 0700) == 0;
	int fd = open(s->with.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0) {
		a->trouble = (uint8_t)disk_posix_status(errno, true);
		return -1;
	}
	if (fresh && c->root && fchown(fd, c->uid, c->gid) < 0)
		a->why = PHRASE("it cannot be given to User");
	if (fresh)
		sync_above(fd);
	if (fstat(fd, &st) < 0)
		a->why = PHRASE("it cannot be looked at");
	else if (st.st_uid != c->uid)
		a->why = PHRASE("it does not belong to the user that the relay runs as");
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		a->why = PHRASE("others may write to it (chmod 0700 helps)");
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	if (!a->why)
		return fd;
	a->trouble = DISK_DENIED;
	close(fd);
	return -1;
}

/* In the child, within the folder. */
static void take_folder(const struct spooler *s, struct disk_args *a)
{
	static struct disk_posix posix;
	enum disk_kind kind;

	a->trouble = (uint8_t)disk_posix_open(&posix, ".");
	if (a->trouble != DISK_OK)
		return;
	kind = disk_posix_kind(&posix);
	a->in_memory = kind == DISK_KIND_MEMORY;
	if (a->in_memory && !s->with.in_memory) {
		a->trouble = DISK_DENIED;
		a->why = PHRASE(
		    "it lies in memory, which loses all mail with the power (Spool_Volatile)");
		return;
	}
	a->disk = disk_posix_port(&posix);
	if (a->write_limit == UINT64_MAX)
		a->write_limit = kind == DISK_KIND_JFFS2 || kind == DISK_KIND_UBIFS ? FLASH_LIMIT
										    : 0;
}

/* ---- the process ---- */

static void lock_disk(void)
{
	generation_child_lock(SANDBOX_DISK);
}

_Noreturn static void child_disk(const struct spooler *s, const struct generation_env *env,
    struct disk_args *a, int folder, pid_t parent)
{
	struct confine c = *env->confine;
	int keep[] = { a->engine[0], a->engine[1], a->supervisor, env->log, folder, c.empty };

	generation_child_begin(env, keep, sizeof(keep) / sizeof(keep[0]));
	if (folder >= 0 && fchdir(folder) == 0)
		c.empty = folder;
	confine(&c, true, parent);
	if (folder >= 0) {
		take_folder(s, a);
		close(folder);
	}
	if (env->confine->empty >= 0)
		close(env->confine->empty);
	a->lock = lock_disk;
	_exit(disk_main(a));
}

static void wants_of(
    struct spooler_made *m, const struct conf_global *g, const struct generation_env *env)
{
	struct fmt f;

	memset(m, 0, sizeof(*m));
	fmt_init(&f, m->folder, sizeof(m->folder));
	fmt_str(&f, g->spoolbase);
	m->max_size = g->spool_max_size;
	m->reserve = g->spool_reserve;
	m->write_limit = g->spool_write_limit;
	m->uid = env->confine->uid;
	m->in_memory = g->spool_volatile;
}

/* Pairs and mappings, once. */
static int make(struct spooler *s)
{
	if (s->made)
		return 0;
	for (unsigned i = 0; i < DISK_ENGINES; i++) {
		void *mem = mmap(NULL, DISK_MEMORY, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		int err;

		if (mem == MAP_FAILED)
			return -errno;
		s->blocks[i] = mem;
		err = ipc_pair(s->pair[i]);
		if (err != 0)
			return err;
	}
	s->made = true;
	return 0;
}

static int start(struct spooler *s, const struct conf_global *g, const struct generation_env *env)
{
	static struct disk_args a;
	pid_t parent = getpid(), pid;
	int pair[2], folder, err = ipc_pair(pair);

	if (err != 0)
		return err;
	wants_of(&s->with, g, env);
	memset(&a, 0, sizeof(a));
	for (unsigned i = 0; i < DISK_ENGINES; i++) {
		a.engine[i] = s->pair[i][1];
		a.blocks[i] = s->blocks[i];
	}
	a.supervisor = pair[1];
	a.life = ++s->life;
	a.known = s->known;
	a.name = s->with.folder;
	a.max_size = s->with.max_size;
	a.reserve = s->with.reserve;
	a.write_limit = s->with.write_limit;
	s->dev = 0;
	s->ino = 0;
	folder = open_folder(s, env->confine, &a);
	pid = _Fork();
	if (pid == 0)
		child_disk(s, env, &a, folder, parent);
	err = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (folder >= 0)
		close(folder);
	if (err != 0) {
		close(pair[0]);
		return err;
	}
	s->orders = pair[0];
	s->pid = pid;
	s->born = clock_monotonic_ms();
	s->due = 0;
	s->look_due = folder >= 0 ? s->born + LOOK_MS : 0;
	s->known = DISK_OK;
	s->stopping = false;
	return 0;
}

int spooler_serve(struct spooler *s, const struct conf_global *g, const struct generation_env *env,
    unsigned slot, struct engine_args *args)
{
	int err;

	args->disk = -1;
	if (!spooler_is_wanted(g))
		return 0;
	err = make(s);
	if (err == 0 && s->pid == 0)
		err = start(s, g, env);
	if (err != 0)
		return err;
	args->disk = s->pair[slot][0];
	args->disk_blocks = s->blocks[slot];
	return 0;
}

/* ---- what it is told ---- */

static void order(const struct spooler *s, enum disk_order order, uint32_t engine)
{
	struct disk_word word = { .order = order, .engine = engine };

	if (s->pid > 0)
		(void)ipc_send(s->orders, &word, sizeof(word));
}

void spooler_engine_gone(struct spooler *s, uint32_t number)
{
	order(s, DISK_ORDER_GONE, number);
}

void spooler_retry(struct spooler *s)
{
	order(s, DISK_ORDER_RETRY, 0);
	if (s->look_due != 0)
		s->look_due = clock_monotonic_ms();
}

/* Another one takes its place once it has ended. */
static void replace(struct spooler *s)
{
	if (!s->stopping)
		order(s, DISK_ORDER_STOP, 0);
	s->stopping = true;
}

void spooler_adopt(struct spooler *s, const struct conf_global *g, const struct generation_env *env)
{
	static struct spooler_made with;

	if (s->pid == 0)
		return;
	if (!spooler_is_wanted(g)) {
		replace(s);
		return;
	}
	wants_of(&with, g, env);
	if (memcmp(&with, &s->with, sizeof(with)) != 0)
		replace(s);
}

bool spooler_stop(struct spooler *s)
{
	s->over = true;
	s->due = s->look_due = 0;
	if (s->pid == 0)
		return true;
	replace(s);
	return false;
}

void spooler_kill(struct spooler *s)
{
	if (s->pid > 0)
		kill(s->pid, SIGKILL);
	s->pid = 0;
	s->due = s->look_due = 0;
}

void spooler_forget(const struct spooler *s, unsigned slot)
{
	for (unsigned i = 0; s->made && i < DISK_ENGINES; i++)
		if (i != slot)
			munmap(s->blocks[i], DISK_MEMORY);
}

/* ---- its end ---- */

void spooler_died(struct spooler *s, int status)
{
	uint64_t now = clock_monotonic_ms();
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	bool again = code >= DISK_AGAIN && code < DISK_AGAIN + DISK_STATUSES;

	close(s->orders);
	s->orders = -1;
	s->pid = 0;
	s->look_due = 0;
	if (again)
		s->known = (uint8_t)(code - DISK_AGAIN);
	if (again || (code == 0 && s->stopping)) {
		s->due = s->over ? 0 : now;
		return;
	}
	generation_log_end("the disk process", status);
	if (now - s->born >= LIVED_MS)
		s->pause = 0;
	s->due = now + s->pause;
	s->pause = s->pause == 0 ? PAUSE_MS : s->pause * 2;
	if (s->pause > PAUSE_MAX_MS)
		s->pause = PAUSE_MAX_MS;
}

/* Is another folder there now, or none? */
static void look_at_folder(struct spooler *s, uint64_t now)
{
	struct stat st;

	s->look_due = now + LOOK_MS;
	if (stat(s->with.folder, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		return;
	log_add(LOG_LEVEL_WARNING,
	    "spool event=replaced reason=\"Spoolbase is gone, or another folder has its name\"");
	replace(s);
}

void spooler_look(
    struct spooler *s, uint64_t now, const struct conf_global *g, const struct generation_env *env)
{
	if (s->due != 0 && now >= s->due) {
		s->due = 0;
		if (!s->over && spooler_is_wanted(g) && start(s, g, env) != 0)
			s->due = now + PAUSE_MAX_MS;
	}
	if (s->look_due != 0 && now >= s->look_due)
		look_at_folder(s, now);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

uint64_t spooler_due(const struct spooler *s)
{
	return earlier(s->due, s->look_due);
}
