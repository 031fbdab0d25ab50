/* SPDX-License-Identifier: ISC */
/* Against the C library's answers; the files are this machine's, or in namespaces of its own ours. */
#include "io/users.h"
#include "tap.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

TAP_GP_BUG

static struct user u;

static void test_machine(void)
{
	static const char *const names[] = { "root", "nobody", "daemon" };
	uint32_t gid = 1;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct passwd *p = getpwnam(names[i]);

		ok(users_by_name(bytes_of(names[i]), &u) == (p != NULL) &&
			(p == NULL || (u.uid == p->pw_uid && u.gid == p->pw_gid)),
		    "%s", names[i]);
	}
	ok(users_by_uid(0, &u) && strcmp(u.name, "root") == 0 && u.gid == 0, "by number");
	ok(users_group(BYTES("root"), &gid) && gid == 0, "a group");
	ok(!users_by_name(BYTES("no such user"), &u), "no such user");
	ok(!users_by_uid(4294967290u, &u), "no such number");
	ok(!users_group(BYTES("no such group"), &gid), "no such group");
}

static void put_over(const char *over, const char *text, size_t n)
{
	char name[] = "/tmp/gatepost-users-XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0 || write(fd, text, n) != (ssize_t)n || mount(name, over, NULL, MS_BIND, NULL) < 0)
		exit(2);
	close(fd);
	unlink(name);
}

static void test_own(void)
{
	static const char passwd[] = "+::::\nbroken\nhalf:x:5\nbad:x:z:1:::\n"
				     "fax:x:70:71:The fax:/:/bin/false\nfax:x:80:81::/:\n"
				     "last:x:90:91::/:";
	static char group[10000];
	uint32_t gid = 0;
	size_t n;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		skip("no namespaces of its own without root");
		return;
	}
	put_over("/etc/passwd", passwd, sizeof(passwd) - 1);
	ok(users_by_name(BYTES("fax"), &u) && u.uid == 70 && u.gid == 71, "the first of that name");
	ok(users_by_uid(90, &u) && u.gid == 91 && strcmp(u.name, "last") == 0,
	    "a last line without an end");
	ok(!users_by_name(BYTES("half"), &u) && !users_by_name(BYTES("bad"), &u),
	    "broken lines are none");
	ok(!users_by_name(BYTES("fa"), &u) && !users_by_name(BYTES("faxe"), &u), "whole names only");
	n = (size_t)snprintf(group, sizeof(group), "many:x:7:");
	memset(group + n, 'a', sizeof(group) - n);
	memcpy(group + sizeof(group) - 15, "\ngatepost:x:8:\n", 15);
	put_over("/etc/group", group, sizeof(group));
	ok(users_group(BYTES("many"), &gid) && gid == 7, "a group with thousands of members");
	ok(users_group(BYTES("gatepost"), &gid) && gid == 8, "and the one behind it");
}

int main(void)
{
	test_machine();
	test_own();
	return done();
}
