/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include "base/on.h"
#include "io/errtext.h"
#include "run/settings.h"
#include "run/supervisor.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The file by its absolute name: the folder changes. */
static const char *run_absolute(const char *file, char name[2 * PATH_MAX])
{
	struct fmt f;

	fmt_init(&f, name, 2 * PATH_MAX);
	/* the C library's getcwd brings a heap */
	if (file[0] == '/' || syscall(SYS_getcwd, name, PATH_MAX) < 0)
		return file;
	f.n = strlen(name);
	fmt_add(&f, "/%s", file);
	return name;
}

/* The parent: waits until the relay serves, or ends. */
static int run_wait(int served, pid_t pid)
{
	char octet;
	int status;
	ssize_t n;

	do {
		n = read(served, &octet, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		return EX_OK;
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return EX_SOFTWARE;
	return WEXITSTATUS(status);
}

/*
 * Ends with the process: what sanitizers would look for at its end cannot be looked at in one that
 * is not dumpable.
 */
_Noreturn static void run_serve(const struct supervisor_how *how)
{
	_exit(supervisor_run(how));
}

static int run_detached(struct supervisor_how *how)
{
	static char file[2 * PATH_MAX], offer[2 * PATH_MAX], store[2 * PATH_MAX];
	int served[2];
	pid_t pid;

	how->file = run_absolute(how->file, file);
	if (how->setup.offer != NULL)
		how->setup.offer = run_absolute(how->setup.offer, offer);
	if (how->store != NULL && strncmp(how->store, "mtd:", 4) != 0)
		how->store = run_absolute(how->store, store);
	how->syslog = how->detached = true;
	if (pipe2(served, O_CLOEXEC) < 0 || (pid = _Fork()) < 0)
		return cmd_fail(EX_OSERR, "%s", errtext(errno));
	if (pid > 0) {
		close(served[1]);
		return run_wait(served[0], pid);
	}
	how->served = served[1];
	if (setsid() < 0 || chdir("/") < 0)
		cmd_fail(EX_OK, "%s", errtext(errno));
	run_serve(how);
}

int cmd_run(int argc, char **argv)
{
	enum { CONF, STORE, LISTEN, OFFER, DETACH, SETUP, SYSLOG, OPTIONS };
	const char *value[OPTIONS] = { [CONF] = SETTINGS_FILE };
	int at = opts_take(
	    argc, argv, "c:file s:store l:listen o:offer d.detach u.setup y.syslog", value);
	struct supervisor_how how = { .file = value[CONF],
		.store = settings_store(value[CONF], value[STORE]),
		.syslog = value[SYSLOG] != NULL,
		.served = -1,
		.version = GATEPOST_VERSION,
		.build_date = BUILD_DATE,
		.setup = { .wanted = value[SETUP] != NULL,
			.listen = value[LISTEN],
			.offer = value[OFFER] } };

	if (at == 0)
		return EX_USAGE;
	if (how.setup.wanted && !ON(CONFIG_SETUP))
		return cmd_usage(PHRASE("--setup is not built into this gatepost"));
	if (!how.setup.wanted && (how.setup.listen != NULL || how.setup.offer != NULL))
		return cmd_usage(PHRASE("--listen and --offer want --setup"));
	if (at < argc)
		return cmd_usage(PHRASE("takes no arguments"));
	if (value[DETACH] != NULL)
		return run_detached(&how);
	run_serve(&how);
}
