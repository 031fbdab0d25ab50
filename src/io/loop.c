/* SPDX-License-Identifier: ISC */
#include "io/loop.h"

#include "base/bug.h"
#include "io/clock.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LOOP_EVENTS 64 /* taken from the kernel at one time */

static struct {
	int epoll;
	bool stop;
	uint32_t turn;
	uint64_t now, wall; /* wall 0: not read in this turn */
	struct timer_heap timers;
	struct loop_task *first, **last; /* of this turn */
	struct loop_task *later, **later_last;
	struct epoll_event events[LOOP_EVENTS];
} loop;

void loop_init(struct timer **slots, uint32_t nslots)
{
	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop.epoll < 0)
		gp_bug("no epoll");
	loop.stop = false;
	loop.turn = 1;
	loop.now = clock_monotonic_ms();
	loop.wall = 0;
	loop.first = NULL;
	loop.last = &loop.first;
	loop.later = NULL;
	loop.later_last = &loop.later;
	timer_heap_init(&loop.timers, slots, nslots);
}

int loop_watch(struct watch *w, int fd, uint32_t events, watch_fn *fn)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (fd <= STDERR_FILENO)
		return -EBADF;
	if (epoll_ctl(loop.epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	w->fd = fd;
	w->events = events;
	w->turn = loop.turn;
	w->fn = fn;
	return 0;
}

void loop_interest(struct watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (w->fd <= 0 || w->events == events)
		return;
	if (epoll_ctl(loop.epoll, EPOLL_CTL_MOD, w->fd, &ev) < 0)
		gp_bug("a watched descriptor is not in epoll");
	w->events = events;
}

void loop_close(struct watch *w)
{
	if (w->fd > 0)
		close(w->fd);
	w->fd = -1;
}

void loop_unwatch(struct watch *w)
{
	if (w->fd > 0)
		epoll_ctl(loop.epoll, EPOLL_CTL_DEL, w->fd, NULL);
	w->fd = -1;
}

void loop_deadline(struct deadline *d, uint64_t when, deadline_fn *fn)
{
	d->fn = fn;
	timer_set(&loop.timers, &d->timer, when);
}

void loop_after(struct deadline *d, uint32_t ms, deadline_fn *fn)
{
	loop_deadline(d, loop.now + ms, fn);
}

void loop_deadline_clear(struct deadline *d)
{
	timer_clear(&loop.timers, &d->timer);
}

void loop_at_end(struct loop_task *t, void (*fn)(struct loop_task *t))
{
	if (t->queued)
		return;
	t->queued = true;
	t->fn = fn;
	t->next = NULL;
	if (t->turn == loop.turn) {
		*loop.later_last = t;
		loop.later_last = &t->next;
	} else {
		*loop.last = t;
		loop.last = &t->next;
	}
}

uint64_t loop_now(void)
{
	return loop.now;
}

uint64_t loop_wall(void)
{
	if (loop.wall == 0)
		loop.wall = clock_wall();
	return loop.wall;
}

static int loop_patience(void)
{
	uint64_t next;

	if (loop.first != NULL)
		return 0;
	next = timer_next(&loop.timers);
	if (next == TIMER_NEVER)
		return -1;
	if (next <= loop.now)
		return 0;
	next -= loop.now;
	return next > INT_MAX ? INT_MAX : (int)next;
}

static void loop_run_tasks(void)
{
	struct loop_task *t;

	while ((t = loop.first) != NULL) {
		loop.first = t->next;
		if (loop.first == NULL)
			loop.last = &loop.first;
		t->queued = false;
		t->turn = loop.turn;
		t->fn(t);
	}
	if (loop.later != NULL) {
		loop.first = loop.later;
		loop.last = loop.later_last;
		loop.later = NULL;
		loop.later_last = &loop.later;
	}
}

static void loop_turn(void)
{
	struct timer *t;
	int n = epoll_wait(loop.epoll, loop.events, LOOP_EVENTS, loop_patience());

	if (n < 0 && errno != EINTR)
		gp_bug("epoll_wait");
	loop.turn++;
	loop.now = clock_monotonic_ms();
	loop.wall = 0;
	for (int i = 0; i < n; i++) {
		struct watch *w = loop.events[i].data.ptr;

		if (w->fd > 0 && w->turn != loop.turn)
			w->fn(w, loop.events[i].events);
	}
	while ((t = timer_expired(&loop.timers, loop.now)) != NULL) {
		struct deadline *d = LOOP_OWNER(struct deadline, timer, t);

		d->fn(d);
	}
	loop_run_tasks();
}

void loop_run(void)
{
	while (!loop.stop)
		loop_turn();
	loop.stop = false;
}

void loop_stop(void)
{
	loop.stop = true;
}
