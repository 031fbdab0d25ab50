/* SPDX-License-Identifier: ISC */
/*
 * The event loop: descriptors (epoll, level-triggered) and deadlines, nothing else. One loop per
 * process.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "base/timer.h"

struct watch;
/* events: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR */
typedef void watch_fn(struct watch *w, uint32_t events);

/*
 * A descriptor that is watched. Embedded in its owner, which lies in static storage: a late event
 * for a closed one finds no descriptor and is dropped, and so is one for a descriptor that was put
 * there in the same turn. Descriptors 0, 1 and 2 are never watched.
 */
struct watch {
	int fd;          /* -1, or 0 in storage never used: none */
	uint32_t events; /* interest as the kernel knows it */
	uint32_t turn;   /* of the loop in which it began */
	watch_fn *fn;
};

struct deadline;
typedef void deadline_fn(struct deadline *d);

struct deadline {
	struct timer timer;
	deadline_fn *fn;
};

/*
 * Something to be done once, at the end of this turn of the loop (giving an object back to its
 * pool, starting the next delivery). Embedded in its owner.
 */
struct loop_task {
	struct loop_task *next;
	bool queued;
	uint32_t turn; /* in which it ran last */
	void (*fn)(struct loop_task *t);
};

#define LOOP_OWNER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/*
 * slots: room for every deadline that can be set at one time. Ends the process if epoll cannot be
 * had.
 */
void loop_init(struct timer **slots, uint32_t nslots);

/* Begins to watch fd (non-blocking, owned by the caller). 0 or -errno. */
int loop_watch(struct watch *w, int fd, uint32_t events, watch_fn *fn);

/*
 * Changes the interest; no system call if nothing changes. events 0 still reports EPOLLERR and
 * EPOLLHUP.
 */
void loop_interest(struct watch *w, uint32_t events);

/*
 * Closes the descriptor (closing takes it out of epoll: no descriptor that is watched may be
 * shared with another process; use loop_unwatch before).
 */
void loop_close(struct watch *w);

/* Stops watching without closing. */
void loop_unwatch(struct watch *w);

/*
 * Deadlines are in milliseconds of the monotonic clock, as loop_now. One that is already past runs
 * in this turn, after the descriptors.
 */
void loop_deadline(struct deadline *d, uint64_t when, deadline_fn *fn);
void loop_after(struct deadline *d, uint32_t ms, deadline_fn *fn); /* ms from now */
void loop_deadline_clear(struct deadline *d);

/*
 * Queues t unless it is queued already. Tasks queued by tasks run in the same turn's end, but none
 * twice in a turn: it waits for the next, which then comes at once.
 */
void loop_at_end(struct loop_task *t, void (*fn)(struct loop_task *t));

/*
 * Milliseconds, monotonic; read once per turn. loop_wall: seconds since 1970, read once per turn
 * too.
 */
uint64_t loop_now(void);
uint64_t loop_wall(void);

/* Runs until loop_stop. */
void loop_run(void);
void loop_stop(void);

#endif
