/* SPDX-License-Identifier: ISC */
#include "run/disk_part.h"

#include "base/bug.h"
#include "io/ipc.h"
#include "io/log.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define MINUTE_MS 60000u
#define SWEEP_MS  10000u /* between two attempts to remove what is done with */
#define BUSY_MS   1000u /* a folder that another process has: a killed one lets go of it soon */
#define TELL_MS   200u  /* the numbers of the spool are told so often at the most */
#define BEHIND    32768 /* octets that an engine has not read: what it did not ask for can wait */
#define NAMES     16u   /* of the folder, looked at between orders */
#define BATCH     (2 * DISK_WINDOW)

struct disk_all disk_all;

static struct spool_params params;
static struct spool_entry entries[LIMIT_SPOOL_INDEX];
static uint32_t heads[SPOOL_HEADS(LIMIT_SPOOL_INDEX)];
static struct timer *slots[2];
static struct watch supervisor;
static struct deadline minute, tell;
static struct loop_task work;
static bool scan_failed;

static void work_on(struct loop_task *t);

/* ---- to the engines ---- */

void disk_answer(struct disk_engine *e, struct disk_message *answer, enum spool_status status)
{
	answer->status = (uint8_t)status;
	if (status == SPOOL_FULL || status == SPOOL_WORN || status == SPOOL_BROKEN) {
		/* The reason comes before what it has caused. */
		if (disk_all.ready && disk_all.state.usable) {
			disk_look(true);
			if (!disk_all.state.usable)
				disk_tell(e, 0);
		}
	}
	if (ipc_send(e->pair.fd, answer, sizeof(*answer)) == 0)
		return;
	/* It has more orders under way than it may: it does not keep to the rules. */
	log_add(LOG_LEVEL_ERROR, "spool event=engine reason=\"it does not take its answers\"");
	disk_engine_ended(e);
}

void disk_tell(struct disk_engine *e, uint32_t serial)
{
	struct disk_message m;
	int unread = 0;

	if (serial == 0 && (ioctl(e->pair.fd, SIOCOUTQ, &unread) < 0 || unread > BEHIND))
		return;
	memset(&m, 0, sizeof(m));
	m.op = DISK_STATE;
	m.life = disk_all.args->life;
	m.engine = e->number;
	m.serial = serial;
	m.job = m.block = DISK_NOTHING;
	disk_fill_state(&m.state);
	(void)ipc_send(e->pair.fd, &m, sizeof(m));
	e->told = disk_then(m.state.next_ms);
}

static void tell_all(struct deadline *d)
{
	(void)d;
	disk_all.changed = false;
	for (unsigned i = 0; i < DISK_ENGINES; i++)
		if (disk_all.engine[i].number != 0)
			disk_tell(&disk_all.engine[i], 0);
}

/* Engines that found nothing to deliver are told at once when that changes. */
static void tell_earlier(void)
{
	uint64_t due;

	if (!disk_all.earlier)
		return;
	disk_all.earlier = false;
	disk_all.changed = true;
	due = disk_then(disk_next_ms());
	for (unsigned i = 0; i < DISK_ENGINES; i++)
		if (disk_all.engine[i].number != 0 && disk_all.engine[i].waits &&
		    due < disk_all.engine[i].told)
			disk_tell(&disk_all.engine[i], 0);
}

/* ---- orders ---- */

static void hello(struct disk_engine *e, const struct disk_message *m)
{
	disk_engine_ended(e);
	disk_unblock();
	e->number = m->engine;
	disk_tell(e, m->serial);
}

/* Takes one order of an engine; false: none waits. */
static bool take_order(struct disk_engine *e)
{
	struct disk_message m;
	int got;

	if (e->pair.fd <= 0)
		return false;
	got = ipc_take(e->pair.fd, &m, sizeof(m));
	if (got == -EAGAIN)
		return false;
	if (got == -EBADMSG)
		return true;
	if (got != 1) {
		disk_engine_ended(e);
		loop_unwatch(&e->pair);
		return false;
	}
	if (m.op == DISK_HELLO && m.engine != 0 && m.serial != 0 &&
	    (m.life == 0 || m.life == disk_all.args->life))
		hello(e, &m);
	else if (m.life == disk_all.args->life && m.engine == e->number && e->number != 0)
		disk_order(e, &m);
	return true;
}

/* All orders that wait, in turns; false: there may be more. */
static bool take_orders(void)
{
	bool more = true;

	for (unsigned n = 0; n < BATCH && more; n++) {
		more = false;
		for (unsigned i = 0; i < DISK_ENGINES; i++)
			more = take_order(&disk_all.engine[i]) || more;
	}
	return !more;
}

/* ---- the folder ---- */

static void log_found(void)
{
	const struct spool *s = &disk_all.spool;

	log_add(LOG_LEVEL_INFO, "spool event=ready mails=%u octets=%ju corrupt=%u%s", s->mails,
	    s->octets, s->buried, disk_all.state.in_memory ? PHRASE(" in_memory=yes") : "");
}

static void look_at_names(void)
{
	bool scanned = disk_all.spool.scanned;
	uint32_t buried = disk_all.spool.buried, indexed = disk_all.spool.indexed;
	enum spool_scan got;

	if (!disk_all.ready || scan_failed || !spool_wants_scan(&disk_all.spool))
		return;
	got = spool_scan(&disk_all.spool, NAMES);
	disk_all.changed = true;
	disk_all.earlier = disk_all.earlier || disk_all.spool.indexed > indexed;
	if (disk_all.spool.buried > buried)
		log_add(LOG_LEVEL_WARNING, "spool event=corrupt reason=\"a file that is no mail, "
					   "or torn: set aside\"");
	if (disk_all.spool.scanned && !scanned)
		log_found();
	if (got == SPOOL_SCAN_FAILED) {
		scan_failed = true; /* until the next minute */
		disk_all.failed = true;
	} else if (got == SPOOL_SCAN_DONE && spool_is_unsettled(&disk_all.spool)) {
		(void)spool_settle(&disk_all.spool);
	}
	if (got == SPOOL_SCAN_MORE || got == SPOOL_SCAN_DONE)
		loop_at_end(&work, work_on);
}

static void begin(void)
{
	const struct disk_args *a = disk_all.args;
	enum spool_status status;
	uint64_t space = 0;

	if (!a->disk.port)
		return;
	disk_all.state.trouble = DISK_OK;
	if (a->max_size == 0)
		disk_all.state.trouble = (uint8_t)a->disk.port->space(a->disk.self, &space);
	params = (struct spool_params){
		.disk = a->disk,
		.entries = entries,
		.heads = heads,
		.capacity = LIMIT_SPOOL_INDEX,
		.max_size = a->max_size != 0 ? a->max_size : space / 4 * 3,
		.reserve = a->reserve,
		.write_limit = a->write_limit,
	};
	if (disk_all.state.trouble != DISK_OK)
		return;
	status = spool_init(&disk_all.spool, &params, loop_now(), disk_wall());
	disk_all.ready = status == SPOOL_OK;
	disk_all.state.trouble = disk_all.ready ? DISK_OK : disk_all.spool.trouble;
}

/* What could not be done is tried again; for a folder another process is needed. */
static void try_again(void)
{
	if (!disk_all.args->disk.port) {
		loop_stop();
		return;
	}
	if (!disk_all.ready)
		begin();
	if (disk_all.ready)
		spool_sweep(&disk_all.spool);
	scan_failed = false;
	disk_look(!disk_all.state.usable);
	loop_at_end(&work, work_on);
}

static void each_minute(struct deadline *d)
{
	(void)d;
	try_again();
	for (uint32_t i = 0; disk_all.ready && i < disk_all.spool.fresh; i++) {
		struct spool_entry *e = spool_at(&disk_all.spool, i);

		if (e->state == SPOOL_QUEUED && !e->held)
			disk_take_up(e);
	}
	disk_all.changed = true;
	loop_after(&minute, disk_all.spool.removed ? SWEEP_MS : MINUTE_MS, each_minute);
}

/* ---- the loop ---- */

static void finish(void)
{
	while (!take_orders())
		disk_settle();
	disk_settle();
	for (unsigned i = 0; i < DISK_ENGINES; i++)
		disk_engine_ended(&disk_all.engine[i]);
	if (disk_all.ready) {
		(void)spool_settle(&disk_all.spool);
		spool_stop(&disk_all.spool, disk_wall());
	}
	loop_stop();
}

static void work_on(struct loop_task *t)
{
	uint64_t octets = disk_all.spool.octets;
	uint32_t removed = disk_all.spool.removed;

	(void)t;
	if (disk_all.ready)
		spool_tick(&disk_all.spool, loop_now(), disk_wall());
	take_orders();
	disk_settle();
	if (disk_all.stop) {
		finish();
		return;
	}
	look_at_names();
	disk_all.failed = disk_all.failed || disk_all.spool.removed > removed;
	if (disk_all.failed || (!disk_all.state.usable && disk_all.spool.octets < octets))
		disk_look(disk_all.failed);
	disk_all.failed = false;
	if (disk_all.spool.removed > removed && minute.timer.when > loop_now() + SWEEP_MS)
		loop_after(&minute, SWEEP_MS, each_minute);
	tell_earlier();
	if (disk_all.changed && !timer_is_set(&tell.timer))
		loop_after(&tell, TELL_MS, tell_all);
}

static void readable(struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	loop_at_end(&work, work_on);
}

static void ordered(struct watch *w, uint32_t events)
{
	struct disk_word word;
	int got;

	(void)events;
	got = ipc_take(w->fd, &word, sizeof(word));
	if (got == -EAGAIN || got == -EBADMSG)
		return;
	if (got != 1) {
		loop_unwatch(w);
		disk_all.stop = true;
	} else if (word.order == DISK_ORDER_STOP) {
		disk_all.stop = true;
	} else if (word.order == DISK_ORDER_RETRY) {
		try_again();
	} else if (word.order == DISK_ORDER_GONE) {
		/* Whatever it still ordered comes first. */
		while (!take_orders())
			disk_settle();
		disk_settle();
		for (unsigned i = 0; i < DISK_ENGINES; i++)
			if (disk_all.engine[i].number == word.engine)
				disk_engine_ended(&disk_all.engine[i]);
	}
	loop_at_end(&work, work_on);
}

static void say_hello(struct disk_engine *e)
{
	struct disk_message m;

	memset(&m, 0, sizeof(m));
	m.op = DISK_HELLO;
	m.life = disk_all.args->life;
	m.job = m.block = DISK_NOTHING;
	(void)ipc_send(e->pair.fd, &m, sizeof(m));
}

int disk_main(const struct disk_args *args)
{
	disk_all.args = args;
	loop_init(slots, sizeof(slots) / sizeof(slots[0]));
	disk_all.state.trouble = args->trouble;
	disk_all.state.in_memory = args->in_memory;
	begin();
	for (unsigned i = 0; i < DISK_ENGINES; i++) {
		struct disk_engine *e = &disk_all.engine[i];

		e->blocks = args->blocks[i];
		if (args->engine[i] < 0)
			continue;
		if (loop_watch(&e->pair, args->engine[i], EPOLLIN, readable) != 0)
			gp_bug("the disk process has no pair");
		say_hello(e);
	}
	if (args->supervisor >= 0 &&
	    loop_watch(&supervisor, args->supervisor, EPOLLIN, ordered) != 0)
		gp_bug("the disk process has no supervisor");
	if (args->lock)
		args->lock();
	disk_look(true);
	log_batch(true);
	loop_after(&minute, args->trouble == DISK_BUSY ? BUSY_MS : MINUTE_MS, each_minute);
	loop_at_end(&work, work_on);
	loop_run();
	log_flush();
	return disk_all.stop ? 0 : DISK_AGAIN + disk_all.state.trouble;
}
