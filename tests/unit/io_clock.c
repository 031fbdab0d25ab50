/* SPDX-License-Identifier: ISC */
/* Is the clock unset? And random numbers, which are small enough to stand here too. */
#include "io/clock.h"

#include "io/ipc.h"
#include "io/random.h"
#include "tap.h"

#include <errno.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

TAP_GP_BUG

#define BUILD 1795000000u

static void test_rtc(void)
{
	struct clock_view v = {.build_date = BUILD};

	ok(!clock_judge(&v, BUILD + 5, false, false), "rtc: after the build date it is set");
	ok(clock_judge(&v, BUILD - 5, false, false), "rtc: before the build date it is not");
	ok(clock_judge(&v, BUILD - 5, true, true), "rtc: whatever the kernel says");
	ok(!clock_judge(&v, BUILD + 5, false, false), "rtc: set right in the running, it is set");
	v = (struct clock_view){.build_date = BUILD, .started_unset = true};
	ok(clock_judge(&v, BUILD, false, false),
	    "rtc: started before the build date and put there by us: unset");
	ok(clock_judge(&v, BUILD + 100, false, false), "rtc: and stays so while it only runs on");
	ok(!clock_judge(&v, BUILD + 5000, false, true), "rtc: until somebody sets it");
	ok(!clock_judge(&v, BUILD + 5001, false, false), "rtc: from then on it is set");
	v = (struct clock_view){.build_date = BUILD, .started_unset = true};
	ok(!clock_judge(&v, BUILD + 100, true, false), "rtc: or the kernel calls it synchronised");
}

static void test_ntp(void)
{
	struct clock_view v = {.build_date = BUILD, .ntp = true};

	ok(clock_judge(&v, BUILD + 5, false, false),
	    "ntp: unset until the kernel calls it synchronised");
	ok(clock_judge(&v, BUILD + 5, false, true), "ntp: a jump alone is not enough");
	ok(!clock_judge(&v, BUILD + 5, true, false), "ntp: synchronised");
	ok(!clock_judge(&v, BUILD + 50, false, false),
	    "ntp: it stays set if the server goes away later");
	ok(clock_judge(&v, 5, true, true), "ntp: but never before the build date");
}

static void test_shared(void)
{
	uint64_t now = (uint64_t)time(NULL);
	int fd, status;
	pid_t child;

	ok(!clock_unset(), "shared: set unless told otherwise");
	clock_share();
	fd = clock_begin(now + 1000000, false, false);
	ok(fd >= 0, "shared: the kernel tells when it is set");
	ok(clock_unset(), "shared: a build date in the future");
	is_num(clock_least(), now + 1000000, "shared: it is that late at least");
	ok((uint64_t)time(NULL) < now + 1000,
	    "shared: without the right to, nobody sets the clock");
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 200 && clock_unset(); i++)
			usleep(10000);
		_exit(clock_unset() ? 1 : 0);
	}
	close(fd);
	fd = clock_begin(now - 1000000, false, false);
	waitpid(child, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "shared: a child sees that it is set");
	ok(!clock_look(fd, true), "shared: looking without news");
	ok(clock_least() >= now && clock_least() < now + 1000, "shared: it is as late as it says");
	close(fd);
}

static void test_monotonic(void)
{
	uint64_t a = clock_monotonic_ms(), b;

	usleep(20000);
	b = clock_monotonic_ms();
	ok(b >= a + 20 && b < a + 2000, "monotonic: milliseconds");
	ok(clock_wall() > 1600000000, "wall: seconds since 1970");
}

static void test_random(void)
{
	uint8_t a[16], b[16], big[1000];
	unsigned zero = 0, seen[7] = {0};
	bool all = true;
	int fd[2];

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	ok(memcmp(a, b, sizeof(a)) != 0, "random: never the same twice");
	memset(big, 0, sizeof(big));
	random_bytes(big, sizeof(big));
	for (unsigned i = 0; i < sizeof(big); i++)
		zero += big[i] == 0;
	ok(zero < 40, "random: more than a batch at one time (%u of 1000 are zero)", zero);
	for (unsigned i = 0; i < 2000; i++)
		seen[random_below(7)]++;
	for (unsigned i = 0; i < 7; i++)
		all &= seen[i] > 150 && seen[i] < 450;
	ok(all, "random: below a bound, evenly");
	is_num(random_below(1), 0, "random: below 1");
	if (pipe(fd) < 0)
		exit(2);
	if (fork() == 0) {
		random_forget();
		random_bytes(b, sizeof(b));
		_exit(write(fd[1], b, sizeof(b)) == (ssize_t)sizeof(b) ? 0 : 1);
	}
	random_bytes(a, sizeof(a));
	if (read(fd[0], b, sizeof(b)) != (ssize_t)sizeof(b))
		exit(2);
	wait(NULL);
	ok(memcmp(a, b, sizeof(a)) != 0, "random: a child that forgets draws others");
}

static void test_ipc(void)
{
	int fd[2], in = 42, out = 0, n = 0;
	char small = 'x';

	is_num(ipc_pair(fd), 0, "messages: a pair");
	is_num(ipc_take(fd[1], &out, sizeof(out)), -EAGAIN, "messages: none waits");
	is_num(ipc_send(fd[0], &in, sizeof(in)), 0, "messages: sent");
	is_num(ipc_send(fd[0], &small, 1), 0, "messages: one of another size");
	is_num(ipc_wait(fd[1], &out, sizeof(out)), 1, "messages: taken");
	is_num(out, 42, "messages: whole");
	is_num(ipc_take(fd[1], &out, sizeof(out)), -EBADMSG, "messages: of another size: dropped");
	while (n++ < 100000 && ipc_send(fd[0], &in, sizeof(in)) == 0)
		;
	ok(n < 100000, "messages: a reader that is behind makes nobody wait");
	close(fd[0]);
	while (ipc_take(fd[1], &out, sizeof(out)) == 1)
		;
	is_num(ipc_take(fd[1], &out, sizeof(out)), 0, "messages: the end of the pair");
	is_num(
	    ipc_send(fd[1], &in, sizeof(in)), -EPIPE, "messages: nobody hears any more, no signal");
	close(fd[1]);
}

int main(void)
{
	test_rtc();
	test_ntp();
	test_shared();
	test_monotonic();
	test_random();
	test_ipc();
	return done();
}
