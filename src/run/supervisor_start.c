/* SPDX-License-Identifier: ISC */
#include "run/supervisor_part.h"

#include "base/limits.h"
#include "io/clock.h"
#include "io/errtext.h"
#include "io/ifaces.h"
#include "io/log.h"
#include "run/descriptors.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define LAST_MS           500u /* for processes that were killed */
#define SPARE_DESCRIPTORS 64u /* of the engine, beside what its pools need */

static void sup_raise_limit(void)
{
	unsigned long need = CONFIG_SESSIONS + 2ul * CONFIG_GATEWAY_CONNECTIONS +
			     CONFIG_CONTROL_SESSIONS + CONFIG_LISTENERS + SPARE_DESCRIPTORS;
	unsigned long have = descriptors_limit(need);

	if (have < need)
		log_add(LOG_LEVEL_WARNING,
		    "this system allows only %zu file descriptors of the %zu that all sessions "
		    "need (ulimit -n)",
		    (size_t)have, (size_t)need);
}

/* From here on signals are not lost: they wait in the descriptor. */
static bool sup_catch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sup.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return sup.signals >= 0;
}

static void sup_start_clock(const struct conf_global *g)
{
	clock_share();
	sup.clock = clock_begin(sup.how->build_date, g->clock == CONF_CLOCK_NTP, sup.confine.root);
	sup.clock_unset = clock_unset();
	sup.clock_due = sup.clock_unset ? sup_later(0) : 0;
	if (sup.clock_unset)
		log_add(LOG_LEVEL_WARNING,
		    "the clock is unset: no Date is added to mail until it is set");
}

static int sup_open_doors(const struct conf_global *g, struct fmt *wrong)
{
	static char text[512];
	struct fmt why;
	int status;

	fmt_init(&why, text, sizeof(text));
	status = doors_open(&sup.doors, NULL, g->control_socket, sup.confine.root, &why);
	if (status != 0) {
		fmt_add(wrong, "cannot listen on %s", text);
		return status;
	}
	if (sup.doors.control < 0)
		log_add(LOG_LEVEL_WARNING,
		    "no control socket, status, send and sendmail will not find this relay "
		    "(Control_Socket helps): %s",
		    text);
	return EX_OK;
}

/* All that it listens on. An exit status; what is wrong is told, and is in why. */
static int sup_open(struct fmt *why)
{
	static struct bind_set nothing; /* not const: .bss takes no room in the file */
	int status = sup_open_doors(&sup.live->conf.global, why);

	if (status == EX_OK)
		status = bind_open(&sup.live->conf, &nothing, &sup.set, why);
	return status != EX_OK ? sup_complain(status, why->p) : EX_OK;
}

static int sup_open_or_set_up(void)
{
	static char text[640];
	struct fmt why;
	int status;

	fmt_init(&why, text, sizeof(text));
	status = sup_open(&why);
	if (status == EX_OK || !sup_load_instead(sup.live, text, sup.doors.control >= 0))
		return status;
	doors_close(&sup.doors, NULL);
	sup_open_log(&sup.live->conf.global);
	sup_tell(sup.live, sup.live);
	fmt_init(&why, text, sizeof(text));
	return sup_open(&why);
}

static bool sup_open_folder(void)
{
	char folder[DOORS_PATH];
	const char *places[] = {folder, "/run", "/var/run", "/tmp", "/dev", NULL};
	struct fmt f;
	char *end;

	sup.confine.empty = -1;
	if (!sup.confine.root)
		return true;
	fmt_init(&f, folder, sizeof(folder));
	fmt_str(&f, sup.doors.control_path);
	end = strrchr(folder, '/');
	if (end != NULL)
		end[1] = '\0';
	return confine_folder(&sup.confine, places);
}

int sup_prepare(void)
{
	const struct conf_global *g = &sup.live->conf.global;
	int status;

	descriptors_standard();
	descriptors_keep(&sup.served, 1);
	if (!sup_catch_signals() || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sup.log) < 0)
		return sup_complain(EX_OSERR, errtext(errno));
	sup.env = (struct generation_env){
		.confine = &sup.confine, .log = sup.log[1], .spooler = &sup.spooler
	};
	umask(022);
	confine_secrets();
	if (!sup_load(sup.live, true))
		return EX_CONFIG;
	if (!confine_user(&sup.confine, g->user))
		return sup_complain(EX_NOUSER,
		    PHRASE("there is neither a user gatepost nor nobody: name one with User"));
	sup_open_log(g);
	sup_tell(sup.live, sup.live);
	sup_raise_limit();
	sup_start_clock(g);
	sup.links = ifaces_watch();
	status = sup_open_or_set_up();
	if (status != EX_OK)
		return status;
	if (!sup_open_folder())
		return sup_complain(EX_OSERR, PHRASE("there is no place for an empty folder: /run "
						     "and /tmp cannot be written to"));
	return sup_start_generation() ? EX_OK : sup.status;
}

/* One that is stuck in the kernel, on a disk that hangs, is left to it. */
static void wait_for_all(void)
{
	uint64_t until = sup_later(LAST_MS);
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0 || errno == EINTR) {
		if (pid == 0 && clock_monotonic_ms() >= until) {
			log_add(LOG_LEVEL_WARNING,
			    "a process that hangs in the kernel is left behind");
			return;
		}
		if (pid == 0)
			(void)poll(NULL, 0, 10);
	}
}

/* Children are ended and waited for, so that their last lines are logged. */
void sup_finish(void)
{
	generation_end(&sup.old);
	generation_end(&sup.now);
	spooler_kill(&sup.spooler);
	wait_for_all();
	while (log_relay(sup.log[0]) > 0)
		;
	doors_close(&sup.doors, NULL);
	bind_close(&sup.set);
}
