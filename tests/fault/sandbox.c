/* SPDX-License-Identifier: ISC */
/*
 * What a confined process can still do, and what ends it. The build with sanitizers has no filter:
 * there the calls must just work.
 */
#include "run/sandbox.h"

#include "io/ifaces.h"
#include "io/loop.h"
#include "io/random.h"
#include "io/sockaddr.h"
#include "run/confine.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKED 0

static struct timer *slots[4];

/* Runs what in a child under the list of role: its wait status. */
static int under(enum sandbox_role role, int (*what)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		loop_init(slots, 4);
		if (sandbox_lock(role) != 0)
			_exit(99);
		_exit(what());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		exit(2);
	return status;
}

static bool filter_built;

static int do_nothing(void)
{
	return WORKED;
}

static int do_ask(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
}

static void dies(enum sandbox_role role, int (*what)(void), const char *name)
{
	int status = under(role, what);

	if (filter_built)
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s ends it", name);
	else
		ok(WIFEXITED(status), "%s: no filter in this build", name);
}

static void works(enum sandbox_role role, int (*what)(void), const char *name)
{
	int status = under(role, what);

	if (!ok(WIFEXITED(status) && WEXITSTATUS(status) == WORKED, "%s: works", name))
		printf("# wait status %#x\n", (unsigned)status);
}

static int do_open(void)
{
	return open("/etc/passwd", O_RDONLY) < 0;
}

static int do_create(void)
{
	int fd = open("/tmp/gatepost.sandbox", O_WRONLY | O_CREAT, 0600);

	unlink("/tmp/gatepost.sandbox");
	return fd < 0;
}

/* As io/disk_posix.c does it. */
static int do_files(void)
{
	int folder = openat(AT_FDCWD, "/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	char octet = 'x';
	struct stat st;
	int bad = 0;

	fd = openat(folder, "gatepost.sandbox.1", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bad |= pwrite(fd, &octet, 1, 0) != 1 || fdatasync(fd) < 0 || fstat(fd, &st) < 0;
	bad |= pread(fd, &octet, 1, 0) != 1 || close(fd) < 0;
	bad |= renameat(folder, "gatepost.sandbox.1", folder, "gatepost.sandbox.2") < 0;
	bad |= fstatat(folder, "gatepost.sandbox.2", &st, AT_SYMLINK_NOFOLLOW) < 0;
	bad |= unlinkat(folder, "gatepost.sandbox.2", 0) < 0 || lseek(folder, 0, SEEK_SET) < 0;
	return bad || close(folder) < 0;
}

static int do_stat(void)
{
	struct stat st;

	return stat("/", &st) < 0;
}

static int do_unlink(void)
{
	return unlink("/nowhere") < 0 && errno != ENOENT;
}

static int do_exec(void)
{
	char *argv[] = {(char[]){"true"}, NULL}, *envp[] = {NULL};

	execve("/bin/true", argv, envp);
	return 1;
}

static int do_fork(void)
{
	return fork() < 0;
}

static int do_setuid(void)
{
	return setuid(1) < 0 && errno != EPERM;
}

static int do_kill(void)
{
	return kill(getpid(), 0) < 0;
}

static int do_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}

static int do_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0;
}

static int do_ptrace(void)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0) < 0;
}

static int do_executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static int do_network(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return 1;
	at.sin_port = htons(1);
	connect(fd, (struct sockaddr *)&at, sizeof(at));
	shutdown(fd, SHUT_RDWR);
	return close(fd) < 0;
}

static int do_ask_server(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&at, sizeof(at));
	return close(fd) < 0;
}

static void on_end(struct deadline *d)
{
	(void)d;
	loop_stop();
}

static int do_loop(void)
{
	static struct deadline d;
	uint8_t octets[300];

	random_bytes(octets, sizeof(octets));
	loop_after(&d, 20, on_end);
	loop_run();
	return loop_wall() == 0;
}

static int do_zone(void)
{
	uint32_t index;

	return sockaddr_zone("lo") != 1 && ifaces_zone(&index) == IFACE_ZONE_FOUND;
}

static int do_memory(void)
{
	char *p[64];
	int failed = 0;

	for (unsigned i = 0; i < 64; i++) {
		p[i] = malloc(1000 + i * 4000);
		failed |= p[i] == NULL;
		if (p[i] != NULL)
			p[i][0] = 1;
	}
	for (unsigned i = 0; i < 64; i++)
		free(p[i]);
	return failed;
}

static void test_engine(void)
{
	dies(SANDBOX_ENGINE, do_open, "engine: opening a file");
	dies(SANDBOX_ENGINE, do_create, "engine: making a file");
	dies(SANDBOX_ENGINE, do_stat, "engine: looking at a file");
	dies(SANDBOX_ENGINE, do_unlink, "engine: removing a file");
	dies(SANDBOX_ENGINE, do_exec, "engine: running a program");
	dies(SANDBOX_ENGINE, do_fork, "engine: forking");
	dies(SANDBOX_ENGINE, do_setuid, "engine: changing its user");
	dies(SANDBOX_ENGINE, do_kill, "engine: sending signals");
	dies(SANDBOX_ENGINE, do_unix, "engine: a new Unix socket");
	dies(SANDBOX_ENGINE, do_packet, "engine: a packet socket");
	dies(SANDBOX_ENGINE, do_ptrace, "engine: looking into processes");
	dies(SANDBOX_ENGINE, do_executable_memory, "engine: memory that can be run");
	works(SANDBOX_ENGINE, do_network, "engine: calling out");
	works(SANDBOX_ENGINE, do_loop, "engine: loop, clocks, random numbers");
	works(SANDBOX_ENGINE, do_zone, "engine: finding an interface");
	works(SANDBOX_ENGINE, do_memory, "engine: memory");
}

static void test_disk(void)
{
	works(SANDBOX_DISK, do_files, "disk: storing, renaming and removing files");
	works(SANDBOX_DISK, do_loop, "disk: loop, clocks, random numbers");
	works(SANDBOX_DISK, do_memory, "disk: memory");
	dies(SANDBOX_DISK, do_network, "disk: calling out");
	dies(SANDBOX_DISK, do_unix, "disk: a new Unix socket");
	dies(SANDBOX_DISK, do_exec, "disk: running a program");
	dies(SANDBOX_DISK, do_fork, "disk: forking");
	dies(SANDBOX_DISK, do_setuid, "disk: changing its user");
	dies(SANDBOX_DISK, do_kill, "disk: sending signals");
}

static void test_names(void)
{
	works(SANDBOX_NAMES, do_open, "names: reading a file");
	works(SANDBOX_NAMES, do_ask_server, "names: asking a server");
	works(SANDBOX_NAMES, do_memory, "names: memory");
	dies(SANDBOX_NAMES, do_create, "names: making a file");
	dies(SANDBOX_NAMES, do_unlink, "names: removing a file");
	dies(SANDBOX_NAMES, do_exec, "names: running a program");
	dies(SANDBOX_NAMES, do_fork, "names: forking");
	dies(SANDBOX_NAMES, do_setuid, "names: changing its user");
	dies(SANDBOX_NAMES, do_unix, "names: a Unix socket");
}

/* ------------------------------------------------------------ user, root folder, capabilities */

static struct confine c;
static pid_t parent;

static int in_child(int (*what)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	parent = getpid();
	pid = fork();
	if (pid == 0)
		_exit(what());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int confined_as_root(void)
{
	struct stat st;

	confine(&c, true, parent);
	if (getuid() != c.uid || geteuid() != c.uid || getgid() != c.gid || getgroups(0, NULL) != 0)
		return 1;
	if (setuid(0) == 0)
		return 2;
	if (stat("/etc", &st) == 0 || stat("/proc", &st) == 0)
		return 3;
	if (open("/file", O_WRONLY | O_CREAT, 0600) >= 0)
		return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0)
		return 5;
	return WORKED;
}

static int confined_without_root(void)
{
	struct confine mine = {.root = false, .empty = -1};
	int signal = 0;

	confine(&mine, true, parent);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0)
		return 1;
	prctl(PR_GET_PDEATHSIG, &signal);
	if (signal != SIGKILL)
		return 2;
	/* Whoever it is, even root has no capability left. */
	return chroot("/") == 0 ? 3 : WORKED;
}

static int orphan(void)
{
	confine(&(struct confine){.empty = -1}, false, parent + 1);
	return WORKED;
}

static void test_confine(void)
{
	const char *places[] = {"/nowhere/at/all", "/tmp", NULL};
	struct stat st;

	is_num(in_child(confined_without_root), WORKED,
	    "without root: no new rights, not dumpable, dies with its parent, no capabilities");
	ok(in_child(orphan) != WORKED, "one whose parent is gone already ends");
	if (geteuid() != 0) {
		ok(confine_user(&c, BYTES("root")) && !c.root && c.uid == geteuid(),
		    "not root: no other user");
		return;
	}
	ok(confine_user(&c, BYTES("nobody")) && c.root && c.uid != 0, "a user by name");
	ok(!confine_user(&c, BYTES("no-such-user-here")), "an unknown name");
	ok(confine_user(&c, BYTES("12345")) && c.uid == 12345 && c.gid == 12345,
	    "a user by number");
	ok(confine_user(&c, (struct bytes){0}), "nobody, where there is no gatepost");
	ok(confine_folder(&c, places), "an empty folder, in the first place that allows it");
	ok(fstat(c.empty, &st) == 0 && st.st_nlink == 0, "it is removed already");
	is_num(in_child(confined_as_root), WORKED,
	    "as root: user and root folder changed for good, nothing can be made there");
	close(c.empty);
}

int main(void)
{
	int status = under(SANDBOX_ENGINE, do_nothing);

	ok(WIFEXITED(status) && WEXITSTATUS(status) == WORKED, "the kernel takes the filter");
	status = under(SANDBOX_ENGINE, do_ask);
	filter_built = WIFSIGNALED(status); /* prctl is on no list */
	test_engine();
	test_disk();
	test_names();
	test_confine();
	return done();
}
