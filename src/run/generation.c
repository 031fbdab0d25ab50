/* SPDX-License-Identifier: ISC */
#include "run/generation.h"

#include "base/on.h"
#include "io/clock.h"
#include "io/errtext.h"
#include "io/ipc.h"
#include "io/log.h"
#include "io/random.h"
#include "run/descriptors.h"
#include "run/keys.h"
#include "run/names.h"
#include "run/sandbox.h"
#include "run/spooler.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define NAMES_LIVED_MS 10000u /* a helper that lived so long is forked again at once */
#define NAMES_PAUSE_MS 500u   /* else after this, doubling … */
#define NAMES_PAUSE_MAX_MS 10000u

void generation_child_lock(enum sandbox_role role)
{
	int err = sandbox_lock(role);

	if (err != 0)
		log_add(LOG_LEVEL_WARNING, "this kernel cannot filter system calls: %s",
		    errtext(-err));
}

static void child_lock_engine(void)
{
	generation_child_lock(SANDBOX_ENGINE);
}

/* of a names helper: closed once it has given up all rights, which its parent waits for */
static int child_gate = -1;

static void child_lock_names(void)
{
	generation_child_lock(SANDBOX_NAMES);
	close(child_gate);
}

/*
 * What every child does first. The supervisor alone hears signals of the terminal and of init: it
 * tells its children.
 */
void generation_child_begin(const struct generation_env *env, int *keep, unsigned n)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT};
	sigset_t none;

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	random_forget();
	log_to(env->log);
	descriptors_keep(keep, n);
	descriptors_silent(env->silent);
}

_Noreturn static void child_engine(
    const struct engine_args *args, const struct generation_env *env, unsigned slot, pid_t parent)
{
	int keep[7 + CONFIG_LISTENERS + 1] = { args->names, args->tokens, args->control,
		args->supervisor, args->disk, env->log, env->confine->empty };
	const struct engine_listener *l = args->listener;
	unsigned n = 7;

	while (l < args->listener + args->nlisteners)
		keep[n++] = l++->fd;
	generation_child_begin(env, keep, n);
	spooler_forget(env->spooler, args->disk >= 0 ? slot : DISK_ENGINES);
	confine(env->confine, true, parent);
	close(env->confine->empty);
	_exit(engine_main(args, child_lock_engine));
}

_Noreturn static void child_names(
    const struct generation *g, const struct generation_env *env, pid_t parent)
{
	const struct names_args args = {
		.names = g->ask[1],
		.tokens = g->token[1],
		.refresh = g->refresh[1],
		.conf = g->conf,
		.keys = g->keys,
		.lock = child_lock_names,
	};
	int keep[] = {args.names, args.tokens, args.refresh, env->log, child_gate};

	generation_child_begin(env, keep, sizeof(keep) / sizeof(keep[0]));
	spooler_forget(env->spooler, DISK_ENGINES);
	if (args.keys != NULL)
		keys_wipe(args.keys);
	if (args.conf != NULL) /* it asks strangers for names: let it know no password */
		conf_wipe_passwords((struct conf *)(uintptr_t)args.conf);
	confine(env->confine, false, parent);
	names_main(&args);
}

static int generation_fork_names(struct generation *g, const struct generation_env *env)
{
	pid_t parent = getpid(), pid;
	int gate[2], err;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return -errno;
	pid = _Fork();
	if (pid == 0) {
		child_gate = gate[1];
		child_names(g, env, parent);
	}
	err = pid < 0 ? -errno : 0;
	close(gate[1]);
	while (err == 0 && read(gate[0], &gate[1], 1) < 0 && errno == EINTR)
		;
	close(gate[0]);
	if (err != 0)
		return err;
	g->names = pid;
	g->names_born = clock_monotonic_ms();
	g->names_due = 0;
	return 0;
}

static int generation_fork_engine(
    struct generation *g, struct engine_args *args, const struct generation_env *env)
{
	pid_t parent = getpid(), pid;
	int pair[2], err = ipc_pair(pair);

	if (err != 0)
		return err;
	args->supervisor = pair[1];
	args->names = g->ask[0];
	args->tokens = g->token[0];
	args->generation = g->number;
	pid = _Fork();
	if (pid == 0)
		child_engine(args, env, g->slot, parent);
	err = pid < 0 ? -errno : 0;
	close(pair[1]);
	g->orders = pair[0];
	g->engine = pid < 0 ? 0 : pid;
	return err;
}

void generation_forget(struct generation *g)
{
	memset(g, 0, sizeof(*g));
	memset(g->fds, -1, sizeof(g->fds)); /* all are -1 */
}

void generation_forget_conf(struct generation *g, const struct conf *conf)
{
	if (g->conf != conf)
		return;
	g->conf = NULL;
	g->keys = NULL;
}

int generation_start(struct generation *g, uint32_t number, struct engine_args *args,
    const struct generation_env *env)
{
	unsigned slot = g->slot;
	int err;

	generation_forget(g);
	g->slot = slot;
	g->number = number;
	g->conf = args->conf;
	g->keys = args->keys;
	err = ipc_pair(g->ask);
	if (err == 0 && ON(CONFIG_OAUTH))
		err = ipc_pair(g->token);
	if (err == 0 && ON(CONFIG_OAUTH))
		err = ipc_pair(g->refresh);
	if (err == 0)
		err = generation_fork_names(g, env);
	if (err == 0)
		err = generation_fork_engine(g, args, env);
	if (err != 0)
		generation_end(g);
	return err;
}

void generation_names_died(struct generation *g, uint64_t now)
{
	g->names = 0;
	if (now - g->names_born >= NAMES_LIVED_MS)
		g->names_pause = 0;
	g->names_due = now + g->names_pause;
	g->names_pause = g->names_pause == 0 ? NAMES_PAUSE_MS : g->names_pause * 2;
	if (g->names_pause > NAMES_PAUSE_MAX_MS)
		g->names_pause = NAMES_PAUSE_MAX_MS;
}

void generation_names_again(struct generation *g, uint64_t now, const struct generation_env *env)
{
	if (g->number == 0 || g->names_due == 0 || now < g->names_due)
		return;
	if (generation_fork_names(g, env) != 0)
		generation_names_died(g, now);
}

void generation_order(const struct generation *g, enum engine_order order)
{
	uint8_t octet = (uint8_t)order;

	if (g->orders >= 0)
		ipc_send(g->orders, &octet, sizeof(octet));
}

bool generation_listen(struct generation *g)
{
	uint8_t octet;
	int got = ipc_take(g->orders, &octet, sizeof(octet));

	if (got == 1 && octet == ENGINE_READY)
		return true;
	if (got == 0 || (got < 0 && got != -EAGAIN && got != -EBADMSG)) {
		close(g->orders);
		g->orders = -1;
	}
	return false;
}

void generation_log_end(const char *who, int status)
{
	if (WIFSIGNALED(status))
		log_add(LOG_LEVEL_ERROR, "%s was ended by %s", who,
		    errtext_signal(WTERMSIG(status)));
	else
		log_add(LOG_LEVEL_ERROR, "%s ended with status %d", who, WEXITSTATUS(status));
}

void generation_end(struct generation *g)
{
	if (g->number == 0)
		return;
	if (g->engine > 0)
		kill(g->engine, SIGKILL);
	if (g->names > 0)
		kill(g->names, SIGKILL);
	for (unsigned i = 0; i < sizeof(g->fds) / sizeof(g->fds[0]); i++) {
		if (g->fds[i] >= 0)
			close(g->fds[i]);
	}
	generation_forget(g);
}
