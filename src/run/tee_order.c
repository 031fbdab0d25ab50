/* SPDX-License-Identifier: ISC */
/* Orders and answers between the tees and the disk process. */
#include "run/tee_part.h"

#include "base/bug.h"
#include "io/clock.h"
#include "io/ipc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#define HOPE_MS  3000 /* within which another disk process answers */
#define FIRST_MS 2000 /* the longest wait for the first answer, when the engine starts */

static void say_hello(void)
{
	struct disk_message m;

	memset(&m, 0, sizeof(m));
	m.op = DISK_HELLO;
	m.life = tee_all.life;
	m.engine = tee_all.args.engine;
	m.serial = ++tee_all.hello;
	m.job = m.block = DISK_NOTHING;
	(void)ipc_send(tee_all.args.disk, &m, sizeof(m));
}

/* ---- sending ---- */

static void fill(struct disk_message *m, const struct tee_order *o)
{
	memset(m, 0, sizeof(*m));
	m->op = o->op;
	m->life = tee_all.life;
	m->engine = tee_all.args.engine;
	m->serial = o->serial;
	m->job = o->job;
	m->block = o->block;
	m->octets = o->octets;
	m->at = o->at;
	m->tries = o->tries;
	m->gateway = o->gateway;
	m->held = o->same;
	m->wait_ms = o->wait_ms;
	memcpy(m->id, o->id, RECORD_ID);
	if (o->op == DISK_NEXT)
		memcpy(m->blocked, tee_all.blocked, sizeof(m->blocked));
	m->further = o->further;
	for (uint16_t i = 0, block = o->block; i < o->further; i++)
		m->list[i] = block = tee_all.after[block];
	if (o->op == DISK_BODY) {
		const struct tee_job *j = &tee_all.job[o->job];

		m->info = j->record.info;
		m->lazy = j->lazy;
	}
}

static void send_orders(struct loop_task *task)
{
	bool behind = false;

	(void)task;
	while (tee_all.up && tee_all.orders > 0 && tee_all.unanswered < DISK_WINDOW) {
		const struct tee_order *o = &tee_all.order[tee_all.order_at];
		struct disk_message m;

		fill(&m, o);
		behind = ipc_send(tee_all.args.disk, &m, sizeof(m)) != 0;
		if (behind)
			break;
		tee_all.wakes -= o->op == DISK_WAKE;
		tee_all.unanswered++;
		tee_all.order_at = (tee_all.order_at + 1) % TEE_ORDERS;
		tee_all.orders--;
	}
	if (tee_all.orders == 0)
		tee_all.order_at = 0;
	loop_interest(&tee_all.pair, behind ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

struct tee_order *tee_order(enum disk_op op, struct tee_job *j)
{
	struct tee_order *o = &tee_all.order[(tee_all.order_at + tee_all.orders) % TEE_ORDERS];

	if (tee_all.orders == TEE_ORDERS)
		gp_bug("tee: more orders than there can be");
	memset(o, 0, sizeof(*o));
	o->op = (uint8_t)op;
	o->job = o->block = DISK_NOTHING;
	if (j) {
		o->job = (uint16_t)(j - tee_all.job);
		o->serial = j->serial;
		j->unanswered++;
		j->begun = true;
	}
	tee_all.orders++;
	loop_at_end(&tee_all.send, send_orders);
	return o;
}

void tee_wake(const uint8_t *id, uint16_t gateway)
{
	struct tee_order *o;

	if (!tee_all.up || tee_all.wake_all)
		return;
	if (tee_all.wakes == TEE_WAKES) {
		tee_all.wake_all = true;
		return;
	}
	o = tee_order(DISK_WAKE, NULL);
	tee_all.wakes++;
	o->gateway = gateway;
	if (id)
		memcpy(o->id, id, RECORD_ID);
}

bool tee_is_hopeful(void)
{
	return tee_all.up || loop_now() < tee_all.hope_until;
}

/* ---- looks ---- */

void tee_look(struct tee_look *l, uint32_t from, void (*done)(struct tee_look *l))
{
	unsigned i = 0;

	while (i < TEE_LOOKS && tee_all.look[i])
		i++;
	if (i == TEE_LOOKS || l->busy)
		gp_bug("tee: too many looks");
	tee_all.look[i] = l;
	l->busy = true;
	l->found = false;
	l->at = from;
	l->done = done;
	if (tee_all.up) {
		struct tee_order *o = tee_order(DISK_LIST, NULL);

		o->at = from;
		o->serial = ++tee_all.serials;
		l->serial = o->serial;
		return;
	}
	l->serial = 0; /* nobody will answer: told at the end of the turn */
	tee_stir(NULL, TEE_NOTHING);
}

void tee_look_stop(struct tee_look *l)
{
	for (unsigned i = 0; i < TEE_LOOKS; i++)
		if (tee_all.look[i] == l)
			tee_all.look[i] = NULL;
	l->busy = false;
}

static void look_ends(unsigned i)
{
	struct tee_look *l = tee_all.look[i];

	tee_all.look[i] = NULL;
	l->busy = false;
	l->done(l);
}

static void on_list(const struct disk_message *m)
{
	for (unsigned i = 0; i < TEE_LOOKS; i++) {
		struct tee_look *l = tee_all.look[i];

		if (!l || l->serial != m->serial)
			continue;
		l->found = m->status == SPOOL_OK;
		l->at = m->at;
		memcpy(l->id, m->id, RECORD_ID);
		l->octets = m->octets;
		l->open = m->open;
		l->stamp = m->stamp;
		l->tries = m->tries;
		l->held = m->held != 0;
		l->wait_ms = m->wait_ms;
		look_ends(i);
		return;
	}
}

void tee_order_looks(void)
{
	for (unsigned i = 0; i < TEE_LOOKS; i++)
		if (tee_all.look[i] && tee_all.look[i]->serial == 0)
			look_ends(i);
}

/* ---- answers ---- */

static void on_state(const struct disk_message *m)
{
	tee_all.state = m->state;
	tee_all.state.why[DISK_WHY - 1] = '\0';
	tee_all.state_at = loop_now();
	tee_all.changed = true;
	tee_stir(NULL, TEE_NOTHING);
}

/* Another disk process: what the one before it was asked for is lost. */
static void on_another(const struct disk_message *m)
{
	tee_all.life = m->life;
	tee_all.up = false;
	tee_all.hope_until = loop_now() + HOPE_MS;
	tee_all.orders = tee_all.order_at = tee_all.unanswered = tee_all.wakes = 0;
	for (unsigned i = 0; i < TEE_LOOKS; i++)
		if (tee_all.look[i])
			tee_all.look[i]->serial = 0;
	tee_jobs_reset();
	tee_all.changed = true;
	tee_stir(NULL, TEE_NOTHING);
	say_hello();
}

static void on_answer(const struct disk_message *m)
{
	struct tee_job *j = m->job < DISK_JOBS ? &tee_all.job[m->job] : NULL;

	tee_all.unanswered -= tee_all.unanswered > 0;
	if (m->op == DISK_LIST)
		on_list(m);
	if (m->block < DISK_BLOCKS)
		tee_block_done(m->block);
	for (uint16_t i = 0; i < m->further && i < DISK_FURTHER; i++)
		if (m->list[i] < DISK_BLOCKS)
			tee_block_done(m->list[i]);
	if (!j || !j->used || j->serial != m->serial || j->unanswered == 0)
		return;
	j->unanswered--;
	if (j->owner && !j->ended)
		tee_answered(j, m);
	tee_job_free(j);
}

static void take(const struct disk_message *m)
{
	if (m->op == DISK_HELLO) {
		on_another(m);
	} else if (m->life != tee_all.life && (tee_all.up || m->op != DISK_STATE)) {
		return;
	} else if (m->engine != tee_all.args.engine) {
		return;
	} else if (m->op == DISK_STATE) {
		if (m->serial == tee_all.hello) {
			tee_all.life = m->life;
			tee_all.up = true;
		}
		if (tee_all.up)
			on_state(m);
	} else {
		on_answer(m);
	}
}

static void take_all(void)
{
	struct disk_message m;
	int got;

	while ((got = ipc_take(tee_all.args.disk, &m, sizeof(m))) != -EAGAIN) {
		if (got == 1) {
			take(&m);
		} else if (got != -EBADMSG) {
			loop_unwatch(&tee_all.pair);
			tee_all.up = false;
			tee_jobs_reset();
			return;
		}
	}
}

static void readable(struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	take_all();
	if (tee_all.wake_all && tee_all.up && tee_all.wakes < TEE_WAKES) {
		tee_all.wake_all = false;
		tee_wake(NULL, 0);
	}
	loop_at_end(&tee_all.send, send_orders);
}

void tee_init(const struct tee_args *args)
{
	uint64_t until = clock_monotonic_ms() + FIRST_MS;

	tee_all.args = *args;
	tee_all.last = &tee_all.first;
	if (args->disk < 0)
		return;
	if (loop_watch(&tee_all.pair, args->disk, EPOLLIN, readable) != 0)
		gp_bug("the disk process's pair cannot be watched");
	say_hello();
	while (!tee_all.up) {
		uint64_t now = clock_monotonic_ms();
		struct pollfd p = { .fd = args->disk, .events = POLLIN };

		if (now >= until || poll(&p, 1, (int)(until - now)) < 0)
			break;
		take_all();
	}
}

bool tee_is_busy(void)
{
	return tee_all.orders > 0;
}
