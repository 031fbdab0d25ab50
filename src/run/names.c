/* SPDX-License-Identifier: ISC */
#include "run/names.h"

#include "base/bug.h"
#include "base/on.h"
#include "io/ipc.h"
#include "run/lookup.h"
#include "run/token_helper.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define DEADLINES (CONFIG_PENDING_LOOKUPS + ON(CONFIG_OAUTH) * TOKEN_HELPER_DEADLINES)

static struct {
	struct watch pair;
	struct timer *slots[DEADLINES];
	struct lookup lookup[CONFIG_PENDING_LOOKUPS];
} names;

/* The helper may wait for an engine that is behind: nobody waits for the helper. */
static void names_answer(const struct names_answer *a)
{
	struct pollfd p = {.fd = names.pair.fd, .events = POLLOUT};

	while (ipc_send(p.fd, a, sizeof(*a)) == -EAGAIN)
		poll(&p, 1, -1);
}

static void names_done(struct lookup *l)
{
	names_answer(&l->answer);
}

static void names_refuse(uint32_t id)
{
	struct names_answer a;
	struct fmt f;

	memset(&a, 0, sizeof(a));
	a.id = id;
	a.status = NAMES_TEMPORARY;
	fmt_init(&f, a.text, sizeof(a.text));
	fmt_add(&f, "too many look-ups at the same time");
	names_answer(&a);
}

static void names_begin(const struct names_question *q)
{
	for (unsigned i = 0; i < CONFIG_PENDING_LOOKUPS; i++) {
		struct lookup *l = &names.lookup[i];

		if (l->stage != LOOKUP_IDLE)
			continue;
		l->q = *q;
		l->q.host[sizeof(l->q.host) - 1] = '\0';
		l->done = names_done;
		lookup_start(l);
		return;
	}
	names_refuse(q->id);
}

static void names_read(struct watch *w, uint32_t events)
{
	struct names_question q;
	int got;

	(void)events;
	while ((got = ipc_take(w->fd, &q, sizeof(q))) != -EAGAIN) {
		if (got == 1)
			names_begin(&q);
		else if (got == 0 || got == -ECONNRESET)
			_exit(EXIT_SUCCESS);
		else if (got != -EBADMSG)
			gp_bug("the names helper lost its pair");
	}
}

void names_main(const struct names_args *args)
{
	loop_init(names.slots, DEADLINES);
	if (loop_watch(&names.pair, args->names, EPOLLIN, names_read) < 0)
		gp_bug("the names helper has no pair");
	if (ON(CONFIG_OAUTH))
		token_helper_init(args);
	args->lock();
	loop_run();
	_exit(EXIT_SUCCESS);
}
