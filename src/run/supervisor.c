/* SPDX-License-Identifier: ISC */
#include "run/supervisor.h"

#include "base/esc.h"
#include "base/on.h"
#include "io/clock.h"
#include "io/errtext.h"
#include "io/ifaces.h"
#include "io/log.h"
#include "run/descriptors.h"
#include "run/refresh.h"
#include "run/supervisor_part.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define DEATHS_WINDOW_MS 60000u
#define STOP_MS 29000u           /* from SIGTERM to the end of patience */
#define CLOCK_LOOK_MS 10000u     /* between two looks while the clock is unset */
#define NETWORKS_SETTLE_MS 1000u /* addresses come in groups */

struct supervisor sup;

/* Before the log stands, and for whoever sits at the terminal. */
int sup_complain(int status, const char *text)
{
	static char line[512];
	struct fmt f;
	ssize_t n;

	fmt_init(&f, line, sizeof(line));
	fmt_add(&f, "gatepost: %s\n", text);
	n = write(STDERR_FILENO, f.p, f.n);
	(void)n;
	if (sup.now.number != 0 || !sup.log_stderr)
		log_text(LOG_LEVEL_ERROR, text);
	return status;
}

void sup_open_log(const struct conf_global *g)
{
	enum log_sink sink = sup.how->syslog && CONFIG_LOG_SYSLOG ? LOG_SINK_SYSLOG
								  : LOG_SINK_STDERR;

	switch ((enum conf_log)g->log) {
	case CONF_LOG_DEFAULT:
		break;
	case CONF_LOG_STDERR:
		sink = LOG_SINK_STDERR;
		break;
	case CONF_LOG_SYSLOG:
		sink = LOG_SINK_SYSLOG;
		break;
	case CONF_LOG_SYSLOG_ADDR:
		sink = LOG_SINK_REMOTE;
		break;
	}
	sup.log_stderr = sink == LOG_SINK_STDERR;
	sup.env.silent = sup.how->detached && !sup.log_stderr;
	log_open(sink, &g->log_addr, (const char *)g->hostname.p);
}

/* ------------------------------------------------------------ generations */

bool sup_start_generation(void)
{
	static struct engine_args args;
	struct fmt f;
	char text[120];
	int err;

	memset(&args, 0, sizeof(args));
	args.conf = &sup.live->conf;
	args.keys = &sup.live->keys;
	bind_fill(&sup.set, &args);
	if (sup.doors.submit >= 0)
		args.listener[args.nlisteners++] = (struct engine_listener){
			.fd = sup.doors.submit, .index = ENGINE_SUBMIT, .unix_socket = true
		};
	sup.nnetworks = bind_networks(&sup.set, sup.networks, SUP_NETWORKS);
	args.local_nets = sup.networks;
	args.nlocal = sup.nnetworks;
	args.control = sup.doors.control;
	args.build_date = sup.how->build_date;
	if (sup.live->setup.why[0] != '\0')
		args.setup = sup.live->setup.why;
	args.store = sup.live->store;
	sup.now.slot = sup.old.number != 0 ? 1 - sup.old.slot : 0;
	err = spooler_serve(&sup.spooler, &args.conf->global, &sup.env, sup.now.slot, &args);
	if (err == 0)
		err = generation_start(&sup.now, ++sup.numbers, &args, &sup.env);
	if (err == 0)
		return true;
	fmt_init(&f, text, sizeof(text));
	fmt_add(&f, "cannot start the engine: %s", errtext(-err));
	sup.status = sup_complain(EX_OSERR, text);
	return false;
}

/*
 * What is in force is served by a new generation from now on; the one that runs drains once the
 * new one serves.
 */
static void sup_hand_over(void)
{
	sup.old = sup.now;
	if (sup_start_generation())
		return;
	sup.now = sup.old;
	generation_forget(&sup.old);
	sup.status = -1;
}

static void sup_serves(void)
{
	static const char nul;
	static char where[1024], word[1024];
	struct fmt w, f;

	sup.now.ready = true;
	if (sup.old.number != 0)
		generation_order(&sup.old, ENGINE_DRAIN);
	fmt_init(&w, where, sizeof(where));
	bind_print(&sup.set, &w);
	fmt_init(&f, word, sizeof(word));
	esc_word(&f, fmt_done(&w));
	log_add(LOG_LEVEL_INFO, "serve version=%s generation=%u listen=%s", sup.how->version,
	    sup.now.number, word);
	if (sup.served < 0)
		return;
	if (write(sup.served, &nul, 1) < 0)
		log_add(LOG_LEVEL_WARNING, "whoever started this relay did not wait");
	close(sup.served);
	sup.served = -1;
	if (sup.how->detached)
		descriptors_silent(!sup.log_stderr);
}

uint64_t sup_later(uint64_t ms)
{
	return clock_monotonic_ms() + ms;
}

static void sup_clock(bool jumped)
{
	bool unset = clock_look(sup.clock, jumped);

	if (unset != sup.clock_unset)
		log_add(LOG_LEVEL_INFO, "the clock is %s", unset ? "unset" : "set");
	sup.clock_unset = unset;
	sup.clock_due = unset ? sup_later(CLOCK_LOOK_MS) : 0;
}

/* ------------------------------------------------------------ reload */

static void sup_refuse_reload(const char *why)
{
	log_add(LOG_LEVEL_ERROR, "not reloaded, everything stays as it was: %s", why);
}

/*
 * Binds what conf wants beside what is there; false, with the reason logged, leaves all as it was.
 */
static bool sup_rebind(const struct conf *conf)
{
	static struct bind_set next, before;
	struct doors doors = sup.doors;
	char text[512];
	struct fmt why;
	bool moved = !bytes_same(
	    conf->global.control_socket, sup.live->conf.global.control_socket);

	fmt_init(&why, text, sizeof(text));
	if (moved && doors_open(&doors, &sup.doors, conf->global.control_socket, sup.confine.root,
			 &why) != 0) {
		sup_refuse_reload(text);
		return false;
	}
	if (bind_open(conf, &sup.set, &next, &why) != 0) {
		sup_refuse_reload(text);
		if (moved)
			doors_close(&doors, &sup.doors);
		return false;
	}
	if (moved)
		doors_close(&sup.doors, &doors);
	sup.doors = doors;
	before = sup.set;
	sup.set = next;
	bind_retire(&before, &sup.set);
	return true;
}

/* Not what is in force. */
static struct loaded *sup_other(void)
{
	return &sup.loaded[sup.live == &sup.loaded[0]];
}

static void sup_reload(void)
{
	struct loaded *before = sup.live, *other = sup_other();
	struct confine confine = sup.confine;

	if (sup.stop_by != 0)
		return;
	sup.reload_due = true;
	if (!sup.now.ready)
		return;
	if (!sup_load(other, false)) {
		sup.reload_due = false;
		sup_refuse_reload(PHRASE("the configuration has errors"));
		return;
	}
	if (sup.old.number != 0) { /* at most two generations live */
		generation_order(&sup.old, ENGINE_STOP);
		return;
	}
	sup.reload_due = false;
	if (!confine_user(&confine, other->conf.global.user)) {
		sup_refuse_reload(PHRASE("there is no such User"));
		return;
	}
	if (!sup_rebind(&other->conf))
		return;
	sup.confine = confine;
	sup.live = other;
	sup_open_log(&other->conf.global);
	sup_tell(other, before);
	clock_want_ntp(other->conf.global.clock == CONF_CLOCK_NTP);
	sup_clock(false);
	sup_hand_over();
	spooler_retry(&sup.spooler);
}

/*
 * Interfaces got other addresses: a new generation learns them, under the configuration that is in
 * force.
 */
static void sup_look_at_networks(void)
{
	static struct inet_net nets[SUP_NETWORKS];
	unsigned n;

	sup.networks_due = 0;
	if (sup.stop_by != 0)
		return;
	if (!sup.now.ready || sup.old.number != 0) {
		sup.networks_due = sup_later(NETWORKS_SETTLE_MS);
		return;
	}
	n = bind_networks(&sup.set, nets, SUP_NETWORKS);
	if (n == sup.nnetworks && memcmp(nets, sup.networks, n * sizeof(nets[0])) == 0 &&
	    !bind_moved(&sup.set))
		return;
	log_add(LOG_LEVEL_INFO, "the networks listened on have changed");
	if (sup_rebind(&sup.live->conf))
		sup_hand_over();
}

/* ------------------------------------------------------------ ends */

static void sup_stop(void)
{
	if (sup.stop_by != 0)
		return;
	sup.stop_by = sup_later(STOP_MS);
	log_add(LOG_LEVEL_INFO, "stop");
	generation_order(&sup.old, ENGINE_STOP);
	generation_order(&sup.now, ENGINE_STOP);
	doors_close(&sup.doors, NULL);
	bind_close(&sup.set);
}

/* The engine in service ended by itself: started again, unless that happens too often. */
static void sup_engine_died(int status)
{
	uint64_t now = clock_monotonic_ms(), first;

	generation_log_end(PHRASE("the engine"), status);
	generation_end(&sup.now);
	memmove(&sup.deaths[1], &sup.deaths[0], sizeof(sup.deaths) - sizeof(sup.deaths[0]));
	sup.deaths[0] = now;
	first = sup.deaths[SUP_DEATHS - 1];
	if (first != 0 && now - first < DEATHS_WINDOW_MS) {
		sup.status = EX_SOFTWARE;
		log_add(LOG_LEVEL_ERROR, "the engine ended 5 times within a minute: giving up");
		return;
	}
	sup_start_generation();
}

static void sup_engine_ended(struct generation *g, int status)
{
	g->engine = 0;
	spooler_engine_gone(&sup.spooler, g->number);
	if (g == &sup.now && sup.stop_by == 0) {
		sup_engine_died(status);
		return;
	}
	if (status != 0)
		generation_log_end(PHRASE("an engine that was to end"), status);
	generation_end(g);
	if (sup.now.conf != &sup_other()->conf)
		keys_close(&sup_other()->keys);
	if (sup.stop_by == 0)
		spooler_adopt(&sup.spooler, &sup.live->conf.global, &sup.env);
	if (g == &sup.old && sup.reload_due)
		sup_reload();
}

static bool sup_is_child_of(struct generation *g, pid_t pid, int status)
{
	if (pid == g->engine) {
		sup_engine_ended(g, status);
		return true;
	}
	if (pid == g->names) {
		generation_log_end(PHRASE("the names helper"), status);
		generation_names_died(g, clock_monotonic_ms());
		return true;
	}
	return false;
}

static void sup_children(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == sup.spooler.pid)
			spooler_died(&sup.spooler, status);
		else if (!sup_is_child_of(&sup.old, pid, status))
			sup_is_child_of(&sup.now, pid, status);
	}
}

/* ------------------------------------------------------------ the loop */

static void sup_signals(void)
{
	struct signalfd_siginfo info;

	while (read(sup.signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			sup_children();
		else if (info.ssi_signo == SIGHUP)
			sup_reload();
		else
			sup_stop();
	}
}

static int sup_patience(void)
{
	const uint64_t due[] = { sup.networks_due, sup.clock_due, sup.stop_by, sup.now.names_due,
		sup.old.names_due, spooler_due(&sup.spooler) };
	uint64_t next = UINT64_MAX, now = clock_monotonic_ms();

	for (unsigned i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
		if (due[i] != 0 && due[i] < next)
			next = due[i];
	}
	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 0 : (int)(next - now);
}

static bool sup_is_due(uint64_t due, uint64_t now)
{
	return due != 0 && now >= due;
}

static void sup_deadlines(void)
{
	uint64_t now = clock_monotonic_ms();

	generation_names_again(&sup.now, now, &sup.env);
	generation_names_again(&sup.old, now, &sup.env);
	spooler_look(&sup.spooler, now, &sup.live->conf.global, &sup.env);
	if (sup_is_due(sup.networks_due, now))
		sup_look_at_networks();
	if (sup_is_due(sup.clock_due, now))
		sup_clock(false);
	if (sup_is_due(sup.stop_by, now)) {
		log_add(LOG_LEVEL_WARNING, "ended before all sessions had");
		generation_end(&sup.old);
		generation_end(&sup.now);
		spooler_kill(&sup.spooler);
	}
}

static void sup_turn(void)
{
	const int fd[] = { sup.log[0], sup.signals, sup.now.orders, sup.old.orders, sup.clock,
		sup.links, sup.now.refresh[0], sup.old.refresh[0] };
	struct pollfd p[sizeof(fd) / sizeof(fd[0])];

	for (unsigned i = 0; i < sizeof(fd) / sizeof(fd[0]); i++)
		p[i] = (struct pollfd){ .fd = fd[i], .events = POLLIN };
	if (poll(p, sizeof(p) / sizeof(p[0]), sup_patience()) > 0) {
		if (p[0].revents != 0)
			log_relay(sup.log[0]);
		if (p[2].revents != 0 && generation_listen(&sup.now))
			sup_serves();
		if (p[3].revents != 0)
			generation_listen(&sup.old);
		if (p[4].revents != 0)
			sup_clock(true);
		if (p[5].revents != 0) {
			ifaces_drain(sup.links);
			sup.networks_due = sup_later(NETWORKS_SETTLE_MS);
		}
		for (unsigned i = 6; ON(CONFIG_OAUTH) && i < 8; i++) {
			if (p[i].revents != 0)
				refresh_serve(p[i].fd, sup.how->file);
		}
		if (p[1].revents != 0)
			sup_signals();
	}
	sup_deadlines();
	if (sup.reload_due && sup.now.ready && sup.old.number == 0)
		sup_reload();
	if (sup.stop_by != 0 && sup.now.number == 0 && sup.old.number == 0 && sup.status < 0 &&
	    spooler_stop(&sup.spooler))
		sup.status = EX_OK;
}

int supervisor_run(const struct supervisor_how *how)
{
	sup.how = how;
	sup.live = sup.loaded;
	if (ON(CONFIG_OAUTH))
		refresh_keep_in(how->store);
	sup.served = how->served;
	sup.log_stderr = true;
	sup.status = -1;
	sup.doors.control = sup.doors.submit = sup.clock = sup.links = sup.signals = -1;
	sup.log[0] = sup.log[1] = -1;
	generation_forget(&sup.now);
	generation_forget(&sup.old);
	sup.status = sup_prepare();
	if (sup.status == EX_OK) {
		sup.status = -1;
		while (sup.status < 0)
			sup_turn();
	}
	sup_finish();
	return sup.status;
}
