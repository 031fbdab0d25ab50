/* SPDX-License-Identifier: ISC */
#include "run/engine.h"

#include "io/ipc.h"
#include "io/log.h"
#include "io/random.h"
#include "run/bulk.h"
#include "run/control.h"
#include "run/deliver.h"
#include "run/inbound_tls.h"
#include "run/keys.h"
#include "run/parted.h"
#include "run/stats.h"
#include "run/tee.h"

#include <sys/epoll.h>
#include <sysexits.h>

#define GRACE_MS  20000u /* for mails in their body, at ENGINE_STOP */
#define LAST_MS   28000u /* then it tells whoever still waits that the mail's fate is not known */
#define END_MS    28600u /* and ends */
#define ANSWER_MS 1000u  /* for answers at the control socket */
#define LOOK_MS   200u   /* how often it looks whether all is done */

/*
 * One for each session; limit, company and DIAL_PARALLEL attempts for each connection to a gateway;
 * answer and probe for each gateway.
 */
#define DEADLINES                                                             \
	(CONFIG_SESSIONS + (2 + DIAL_PARALLEL) * CONFIG_GATEWAY_CONNECTIONS + \
	    2 * CONFIG_GATEWAYS + CONFIG_LISTENERS + CONTROL_DEADLINES + TOKENS_DEADLINES +   \
	    DELIVER_DEADLINES + TEE_DEADLINES + 8)

static struct timer *slots[DEADLINES];
static const struct engine_args *args;
static struct listen listeners[CONFIG_LISTENERS + 1];
static struct watch orders;
static struct deadline look;
static uint64_t stop_since;

static void accepted(struct listen *l, int fd, const struct listen_peer *peer)
{
	inbound_accept((uint32_t)(l - listeners), fd, peer);
}

static void close_listeners(void)
{
	for (unsigned i = 0; i < args->nlisteners; i++)
		listen_close(&listeners[i]);
	control_stop();
}

static void look_around(struct deadline *d)
{
	uint64_t since = loop_now() - stop_since;

	(void)d;
	if (inbound_count() + parted_count() + deliver_count() == 0 && !tee_is_busy() &&
	    (!control_is_busy() || since >= ANSWER_MS)) {
		loop_stop();
		return;
	}
	if (inbound_env.stopping && since >= END_MS) {
		log_add(LOG_LEVEL_WARNING,
		    "engine event=stopped reason=\"some mails were not decided in time\"");
		loop_stop();
		return;
	}
	if (inbound_env.stopping && since >= GRACE_MS) {
		inbound_give_up(since >= LAST_MS);
		deliver_give_up(since >= LAST_MS);
	}
	if (inbound_env.stopping && since >= LAST_MS)
		parted_give_up();
	loop_after(&look, LOOK_MS, look_around);
}

static void end_gently(bool stop)
{
	if (inbound_env.stopping)
		return;
	inbound_env.draining = true;
	inbound_env.stopping = stop;
	stop_since = loop_now();
	close_listeners();
	outbound_close_idle();
	inbound_drain();
	deliver_drain();
	look_around(&look);
}

static void ordered(struct watch *w, uint32_t events)
{
	char order = 0;
	int got;

	(void)events;
	got = ipc_take(w->fd, &order, 1);
	if (got == 0) { /* the supervisor is gone */
		loop_close(w);
		end_gently(true);
	} else if (got == 1) {
		end_gently(order == ENGINE_STOP);
	}
}

static void tls_has_a_place(void)
{
	outbound_tls_room();
	inbound_tls_room();
}

/* Certificates of the listeners. False: said in the log. */
static bool start_tls(void)
{
	static char text[LOG_LINE / 2];
	struct fmt why;
	bool good;

	fmt_init(&why, text, sizeof(text));
	fmt_add(&why, "engine event=tls reason=\"");
	good = tls_init(&why);
	for (unsigned i = 0; good && args->keys && i < args->conf->listens; i++) {
		const struct keys_pair *p = &args->keys->pair[i];

		if (p->chain.n)
			good = tls_load_pair(i, p->chain, p->key, &why);
	}
	if (args->keys)
		keys_wipe(args->keys);
	fmt_char(&why, '"');
	if (!good)
		log_line(LOG_LEVEL_ERROR, fmt_done(&why));
	tls_when_room(tls_has_a_place);
	return good;
}

int engine_main(const struct engine_args *a, void (*lock)(void))
{
	args = a;
	loop_init(slots, DEADLINES);
	random_forget();
	stats.started_wall = loop_wall();
	bulk_init();
	outbound_init();
	gateway_init(a);
	inbound_init(a);
	tokens_init(a->tokens);
	tee_init(&(struct tee_args){
	    .disk = a->disk, .blocks = a->disk_blocks, .engine = a->generation });
	deliver_init(a);
	if (!start_tls())
		return EX_SOFTWARE;
	for (unsigned i = 0; i < a->nlisteners; i++)
		if (listen_open(&listeners[i], a->listener[i].fd, a->listener[i].unix_socket,
			accepted) != 0)
			return EX_OSERR;
	if (loop_watch(&orders, a->supervisor, EPOLLIN, ordered) != 0)
		return EX_OSERR;
	control_init(a);
	if (lock)
		lock();
	{
		char ready = ENGINE_READY;

		(void)ipc_send(a->supervisor, &ready, 1);
	}
	log_batch(true);
	loop_run();
	log_flush();
	return EX_OK;
}
