/* SPDX-License-Identifier: ISC */
#include "run/names.h"

#include "base/bug.h"
#include "io/ipc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_STACK (128u * 1024u) /* address space; a look-up touches about a fifth of it */

/* Questions that wait, in a ring; pending counts those in work too. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct names_question question[CONFIG_PENDING_LOOKUPS];
	unsigned first, waiting, pending;
	int fd;
	struct names_room room[CONFIG_LOOKUP_THREADS];
} names = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

/* The helper may wait for an engine that is behind: nobody waits for the helper. */
static void names_answer(const struct names_answer *a)
{
	struct pollfd p = {.fd = names.fd, .events = POLLOUT};

	while (ipc_send(names.fd, a, sizeof(*a)) == -EAGAIN)
		poll(&p, 1, -1);
}

static void names_take(struct names_question *q)
{
	pthread_mutex_lock(&names.lock);
	while (names.waiting == 0)
		pthread_cond_wait(&names.more, &names.lock);
	*q = names.question[names.first];
	names.first = (names.first + 1) % CONFIG_PENDING_LOOKUPS;
	names.waiting--;
	pthread_mutex_unlock(&names.lock);
}

static void *names_worker(void *room)
{
	struct names_question q;
	struct names_answer a;

	for (;;) {
		names_take(&q);
		names_look_up(&q, &a, room);
		pthread_mutex_lock(&names.lock);
		names.pending--;
		pthread_mutex_unlock(&names.lock);
		names_answer(&a);
	}
	return NULL;
}

static bool names_queue(const struct names_question *q)
{
	bool room;

	pthread_mutex_lock(&names.lock);
	room = names.pending < CONFIG_PENDING_LOOKUPS;
	if (room) {
		names.question[(names.first + names.waiting) % CONFIG_PENDING_LOOKUPS] = *q;
		names.waiting++;
		names.pending++;
		pthread_cond_signal(&names.more);
	}
	pthread_mutex_unlock(&names.lock);
	return room;
}

static void names_start_threads(void)
{
	pthread_attr_t attr;
	pthread_t id;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, NAMES_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (unsigned i = 0; i < CONFIG_LOOKUP_THREADS; i++) {
		if (pthread_create(&id, &attr, names_worker, &names.room[i]) != 0)
			gp_bug("no thread for look-ups");
	}
	pthread_attr_destroy(&attr);
}

static void names_refuse(uint32_t id)
{
	struct names_answer a;
	struct fmt f;

	memset(&a, 0, sizeof(a));
	a.id = id;
	a.status = NAMES_TEMPORARY;
	fmt_init(&f, a.text, sizeof(a.text));
	fmt_str(&f, "too many look-ups at the same time");
	names_answer(&a);
}

void names_main(int fd, void (*lock)(void))
{
	struct names_question q;
	int got;

	names.fd = fd;
	names_start_threads();
	lock();
	for (;;) {
		got = ipc_wait(fd, &q, sizeof(q));
		if (got == 0)
			_exit(EXIT_SUCCESS);
		if (got == -EBADMSG)
			continue;
		if (got < 0)
			gp_bug("the names helper lost its pair");
		q.host[sizeof(q.host) - 1] = '\0';
		if (!names_queue(&q))
			names_refuse(q.id);
	}
}
