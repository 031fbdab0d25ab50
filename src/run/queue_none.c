/* SPDX-License-Identifier: ISC */
/* Built without the spool. */
#include "run/queue.h"

#include <sysexits.h>

void queue_begin(struct queue_ask *q, const struct conf *conf, struct bytes request, bool trusted,
    void (*wake)(struct queue_ask *q))
{
	(void)conf;
	(void)request;
	(void)trusted;
	(void)wake;
	q->answered = false;
}

enum queue_step queue_step(struct queue_ask *q, struct fmt *f)
{
	if (q->answered)
		return QUEUE_ENDED;
	q->answered = true;
	fmt_add(f, "%u the spool is not built into this gatepost\n", EX_UNAVAILABLE);
	return QUEUE_MORE;
}

void queue_stop(struct queue_ask *q)
{
	(void)q;
}
