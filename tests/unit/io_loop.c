/* SPDX-License-Identifier: ISC */
/* The loop: readiness, deadlines, tasks, events that come too late. */
#include "io/loop.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

TAP_GP_BUG

#define MANY 400

static struct timer *slots[MANY + 16];
static unsigned fired[MANY], nfired;

struct end {
	struct watch watch;
	int other; /* the other end of the pair */
	unsigned calls;
	uint32_t events;
};

static void end_pair(struct end *e, uint32_t events, watch_fn *fn)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) < 0)
		exit(2);
	e->other = fd[1];
	e->calls = 0;
	if (loop_watch(&e->watch, fd[0], events, fn) != 0)
		exit(2);
}

static void end_free(struct end *e)
{
	loop_close(&e->watch);
	close(e->other);
}

static void on_stop(struct deadline *d)
{
	(void)d;
	loop_stop();
}

/* Runs the loop for that long at the most. */
static void run_for(uint64_t ms)
{
	static struct deadline stop;

	loop_after(&stop, ms, on_stop);
	loop_run();
	loop_deadline_clear(&stop);
}

/* ------------------------------------------------------------ deadlines */

struct mark {
	struct deadline deadline;
	unsigned id;
};

static void on_mark(struct deadline *d)
{
	fired[nfired++] = LOOP_OWNER(struct mark, deadline, d)->id;
}

static uint64_t real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void test_deadlines(void)
{
	static struct mark mark[5];
	static const unsigned ms[5] = {40, 10, 30, 20, 50};
	uint64_t start = loop_now(), took; /* of the last turn: from then on they count */
	bool order = true;

	for (unsigned i = 0; i < 5; i++) {
		mark[i].id = ms[i];
		loop_after(&mark[i].deadline, ms[i], on_mark);
	}
	loop_deadline_clear(&mark[4].deadline);
	run_for(80);
	took = real_ms() - start;
	is_num(nfired, 4, "deadlines: all but the cleared one came");
	for (unsigned i = 0; i < nfired; i++)
		order &= fired[i] == 10 * (i + 1);
	ok(order, "deadlines: in the order of their times");
	ok(took >= 80 && took < 2000, "deadlines: not before their time (%llu ms)",
	    (unsigned long long)took);
	nfired = 0;
	loop_deadline(&mark[0].deadline, loop_now() - 5, on_mark);
	loop_deadline(&mark[1].deadline, 0, on_mark);
	run_for(20);
	is_num(nfired, 2, "deadlines: ones that are past come at once");
}

static unsigned chain;

static void on_chain(struct deadline *d)
{
	if (++chain < 5)
		loop_deadline(d, loop_now(), on_chain);
	else
		loop_stop();
}

static void test_deadline_again(void)
{
	static struct deadline d;

	loop_deadline(&d, loop_now(), on_chain);
	loop_run();
	is_num(chain, 5, "deadlines: one set anew from its own callback comes again");
}

/* ------------------------------------------------------------ descriptors */

static unsigned served;

static void on_one_of_many(struct watch *w, uint32_t events)
{
	char c;

	if ((events & EPOLLIN) && read(w->fd, &c, 1) == 1 && ++served == MANY)
		loop_stop();
}

static void test_many(void)
{
	static struct end end[MANY];

	for (unsigned i = 0; i < MANY; i++) {
		end_pair(&end[i], EPOLLIN, on_one_of_many);
		if (write(end[i].other, "x", 1) != 1)
			exit(2);
	}
	run_for(5000);
	is_num(served, MANY, "descriptors: more than fit one batch are all served, once");
	for (unsigned i = 0; i < MANY; i++)
		end_free(&end[i]);
}

static struct end rival[2];

static void on_rival(struct watch *w, uint32_t events)
{
	struct end *me = LOOP_OWNER(struct end, watch, w),
		   *you = me == &rival[0] ? &rival[1] : &rival[0];

	(void)events;
	me->calls++;
	loop_close(&you->watch);
	loop_stop();
}

static void test_stale(void)
{
	for (unsigned i = 0; i < 2; i++) {
		end_pair(&rival[i], EPOLLIN, on_rival);
		if (write(rival[i].other, "x", 1) != 1)
			exit(2);
	}
	run_for(5000);
	is_num(rival[0].calls + rival[1].calls, 1,
	    "stale: the event of one that was closed in the same turn is dropped");
	end_free(&rival[0]);
	end_free(&rival[1]);
}

static unsigned wrong;

static void on_fresh(struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	wrong++;
}

/* Closes the other one and puts a new descriptor in its place, which is not ready. */
static void on_replace(struct watch *w, uint32_t events)
{
	struct end *me = LOOP_OWNER(struct end, watch, w),
		   *you = me == &rival[0] ? &rival[1] : &rival[0];

	(void)events;
	loop_close(&you->watch);
	close(you->other);
	end_pair(you, EPOLLIN, on_fresh);
	loop_interest(w, 0);
}

static void test_replaced(void)
{
	for (unsigned i = 0; i < 2; i++) {
		end_pair(&rival[i], EPOLLIN, on_replace);
		if (write(rival[i].other, "x", 1) != 1)
			exit(2);
	}
	run_for(30);
	is_num(wrong, 0, "stale: a descriptor put in place of a closed one does not get its event");
	end_free(&rival[0]);
	end_free(&rival[1]);
}

static unsigned woken;

static void on_count(struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	woken++;
}

static void test_interest(void)
{
	static struct end e;

	end_pair(&e, 0, on_count);
	if (write(e.other, "x", 1) != 1)
		exit(2);
	run_for(20);
	is_num(woken, 0, "interest: none, no event");
	loop_interest(&e.watch, EPOLLIN);
	run_for(5);
	ok(woken > 0, "interest: level-triggered, what waited is reported");
	loop_unwatch(&e.watch);
	is_num(e.watch.fd, -1, "unwatch: not watched any more");
	is_num(loop_watch(&e.watch, STDERR_FILENO, EPOLLIN, on_count), -EBADF,
	    "watch: standard descriptors are refused");
	close(e.other);
}

/* ------------------------------------------------------------ tasks */

struct job {
	struct loop_task task;
	unsigned runs;
	struct job *then;
};

static void on_job(struct loop_task *t)
{
	struct job *j = LOOP_OWNER(struct job, task, t);

	j->runs++;
	if (j->then != NULL)
		loop_at_end(&j->then->task, on_job);
}

static unsigned turns;

static void on_turn(struct deadline *d)
{
	if (++turns == 10)
		loop_stop();
	else
		loop_after(d, 1, on_turn);
}

static void test_tasks(void)
{
	static struct job first, second, endless;
	static struct deadline turn;

	first.then = &second;
	endless.then = &endless;
	loop_at_end(&first.task, on_job);
	loop_at_end(&first.task, on_job);
	loop_deadline(&turn, loop_now(), on_turn);
	loop_run();
	is_num(first.runs, 1, "tasks: queued twice, run once");
	is_num(second.runs, 1, "tasks: one that a task queued runs too");
	turns = 0;
	loop_at_end(&endless.task, on_job);
	loop_deadline(&turn, loop_now(), on_turn);
	loop_run();
	ok(endless.runs >= 9, "tasks: one that queues itself does not hold up the loop");
}

static void test_wall(void)
{
	uint64_t now = (uint64_t)time(NULL);

	run_for(1);
	ok(loop_wall() + 2 >= now && loop_wall() <= now + 2, "wall: the system's time");
}

int main(void)
{
	struct rlimit lim = {4096, 4096};

	setrlimit(RLIMIT_NOFILE, &lim);
	loop_init(slots, sizeof(slots) / sizeof(slots[0]));
	test_deadlines();
	test_deadline_again();
	test_many();
	test_stale();
	test_replaced();
	test_interest();
	test_tasks();
	test_wall();
	return done();
}
