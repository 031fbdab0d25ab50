/* SPDX-License-Identifier: ISC */
#include "run/confine.h"

#include "base/fmt.h"
#include "base/num.h"
#include "io/errtext.h"
#include "io/identity.h"
#include "io/log.h"
#include "io/users.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static bool confine_look_up(struct confine *c, struct bytes user)
{
	struct user found;
	uint64_t number;

	if (num_u64(user, UINT32_MAX - 1, &number)) {
		c->uid = (uid_t)number;
		c->gid = users_by_uid(c->uid, &found) ? found.gid : (gid_t)number;
		return true;
	}
	if (!users_by_name(user, &found))
		return false;
	c->uid = found.uid;
	c->gid = found.gid;
	return true;
}

bool confine_user(struct confine *c, struct bytes user)
{
	c->root = geteuid() == 0;
	c->uid = geteuid();
	c->gid = getegid();
	if (!c->root)
		return true;
	if (user.n > 0)
		return confine_look_up(c, user);
	return confine_look_up(c, BYTES("gatepost")) || confine_look_up(c, BYTES("nobody"));
}

static int confine_folder_in(const char *place)
{
	char name[256];
	struct fmt f;
	int fd;

	fmt_init(&f, name, sizeof(name));
	fmt_add(&f, "%s/.gatepost.XXXXXX", place);
	if (f.cut || mkdtemp(name) == NULL)
		return -1;
	if (chmod(name, 0555) < 0)
		return -1;
	fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rmdir(name);
	return fd;
}

bool confine_folder(struct confine *c, const char *const *places)
{
	c->empty = -1;
	for (unsigned i = 0; places[i] != NULL && c->empty < 0; i++)
		c->empty = confine_folder_in(places[i]);
	return c->empty >= 0;
}

_Noreturn static void confine_failed(const char *what)
{
	log_add(LOG_LEVEL_ERROR, "cannot give up rights: %s: %s", what, errtext(errno));
	_exit(EX_OSERR);
}

void confine_secrets(void)
{
	struct rlimit none = {0, 0};

	prlimit(0, RLIMIT_CORE, &none, NULL);
	prctl(PR_SET_DUMPABLE, 0);
}

/* Not only for root: a container may have given us some. */
static void confine_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, data) < 0 && errno != ENOSYS)
		confine_failed("capset");
}

static void confine_root(const struct confine *c, bool empty)
{
	if (empty) {
		if (fchdir(c->empty) < 0 || chroot(".") < 0)
			confine_failed("chroot");
	} else if (chdir("/") < 0) {
		confine_failed("chdir");
	}
	if (syscall(IDENTITY_NR_setgroups, 0, NULL) < 0 ||
	    syscall(IDENTITY_NR_setgid, c->gid) < 0 || syscall(IDENTITY_NR_setuid, c->uid) < 0)
		confine_failed("setuid");
	if (c->uid != 0 && syscall(IDENTITY_NR_setuid, 0) == 0)
		confine_failed(PHRASE("setuid can be undone"));
}

void confine(const struct confine *c, bool empty, pid_t parent)
{
	if (c->root)
		confine_root(c, empty);
	confine_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		confine_failed("no_new_privs");
	confine_secrets();
	/* A change of user forgets it: last. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		confine_failed("PR_SET_PDEATHSIG");
	if (getppid() != parent)
		_exit(EX_OSERR);
}
