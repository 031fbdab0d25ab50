/* SPDX-License-Identifier: ISC */
#include "io/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define CLOCK_FAR ((time_t)0x7fffffff) /* as late as a 32-bit time_t can say */

static atomic_uint clock_alone;           /* of a process that shares nothing */
static atomic_uint *clock_state = &clock_alone; /* 1: unset */
static struct clock_view view;

uint64_t clock_monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t clock_wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec < 1 ? 1 : (uint64_t)t.tv_sec;
}

bool clock_unset(void)
{
	return atomic_load_explicit(clock_state, memory_order_relaxed) != 0;
}

bool clock_judge(struct clock_view *v, uint64_t wall, bool synchronised, bool jumped)
{
	if (wall < v->build_date)
		return true;
	if (synchronised || (jumped && !v->ntp))
		v->believed = true;
	return !v->believed && (v->ntp || v->started_unset);
}

void clock_share(void)
{
	void *page = mmap(
	    NULL, sizeof(atomic_uint), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page != MAP_FAILED)
		clock_state = page;
}

static bool clock_synchronised(void)
{
	/* The beginning of the kernel's struct timex, and more than its end. */
	struct {
		unsigned modes;
		long offset, freq, maxerror, esterror;
		int status;
		long rest[40];
	} tx = {.modes = 0};
	long state = syscall(SYS_adjtimex, &tx);

	return state >= 0 && state != TIME_ERROR && !(tx.status & STA_UNSYNC);
}

/* Armed for a moment that never comes, it is readable only when the clock is set. */
static bool clock_watch(int fd)
{
	struct itimerspec never = {.it_value = {.tv_sec = CLOCK_FAR}};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

int clock_begin(uint64_t build_date, bool ntp, bool may_set)
{
	struct timespec to = {.tv_sec = (time_t)build_date};
	int fd;

	view = (struct clock_view){.build_date = build_date, .ntp = ntp};
	view.started_unset = clock_wall() < build_date;
	if (view.started_unset && may_set)
		clock_settime(CLOCK_REALTIME, &to);
	fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd >= 0 && !clock_watch(fd)) {
		close(fd);
		fd = -1;
	}
	clock_look(-1, false);
	return fd;
}

uint64_t clock_least(void)
{
	uint64_t wall = clock_wall();

	return wall > view.build_date ? wall : view.build_date;
}

void clock_want_ntp(bool ntp)
{
	view.ntp = ntp;
	clock_look(-1, false);
}

bool clock_look(int fd, bool jumped)
{
	uint64_t expired;
	bool unset;

	if (fd >= 0 && jumped) {
		jumped = read(fd, &expired, sizeof(expired)) < 0 && errno == ECANCELED;
		clock_watch(fd);
	}
	unset = clock_judge(&view, clock_wall(), clock_synchronised(), jumped);
	atomic_store_explicit(clock_state, unset ? 1u : 0u, memory_order_relaxed);
	return unset;
}
