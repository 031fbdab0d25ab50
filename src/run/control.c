/* SPDX-License-Identifier: ISC */
#include "run/control.h"

#include "base/esc.h"
#include "base/num.h"
#include "base/on.h"
#include "io/conn.h"
#include "io/listen.h"
#include "io/log.h"
#include "run/gateway.h"
#include "run/queue.h"
#include "run/status.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define OUT 4096u

_Static_assert(OUT > STATUS_PIECE && OUT > QUEUE_PIECE, "a piece fits the buffer");

struct session {
	bool used, trusted; /* trusted: root, or our own user */
	bool answered;      /* the answer is in conn.out, or comes from `fn` */
	status_fn *fn;      /* NULL: nothing more comes, but from the queue */
	bool queueing;      /* the answer comes from `queue` */
	/* What is large comes last: what lies near the front is reached in fewer octets. */
	struct deadline idle;  /* without progress */
	struct deadline whole; /* for all of it */
	struct loop_task gone;
	struct conn conn;
	struct status_walk walk;
	struct queue_ask queue;
	struct status status;
	uint8_t in[CONTROL_REQUEST], out[OUT];
};

static struct session sessions[CONFIG_CONTROL_SESSIONS];
static struct listen listener;
static const struct engine_args *args;
static uint64_t supervisor;
static uid_t self;

static struct session *free_session(void)
{
	for (unsigned i = 0; i < CONFIG_CONTROL_SESSIONS; i++) {
		if (!sessions[i].used)
			return &sessions[i];
	}
	return NULL;
}

static void gone(struct loop_task *t)
{
	LOOP_OWNER(struct session, gone, t)->used = false;
	if (listener.watch.fd > 0)
		listen_resume(&listener);
}

static void end(struct session *s)
{
	loop_deadline_clear(&s->idle);
	loop_deadline_clear(&s->whole);
	if (s->queueing)
		queue_stop(&s->queue);
	s->queueing = false;
	conn_close(&s->conn, false);
	loop_at_end(&s->gone, gone);
}

static void put(struct session *s, const char *text)
{
	buf_put(&s->conn.out, bytes_of(text));
}

/* An answer of one line; text may be a phrase. */
static void say(struct session *s, unsigned status, const char *text)
{
	char store[128];
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	fmt_add(&f, "%u %s\n.\n", status, text);
	put(s, store);
	s->answered = true;
}

static void ask_status(struct session *s, struct bytes rest)
{
	status_fn *prometheus = ON(CONFIG_STATUS_PROMETHEUS) ? status_prometheus : NULL;
	struct bytes form = bytes_word(&rest);

	if (bytes_same(form, BYTES("text")))
		s->fn = status_text;
	else if (bytes_same(form, BYTES("json")))
		s->fn = status_json;
	else if (bytes_same(form, BYTES("prometheus")))
		s->fn = prometheus;
	if (s->fn == NULL) {
		say(s, EX_UNAVAILABLE,
		    PHRASE("this form of status is not built into this gatepost"));
		return;
	}
	status_judge(&s->status, args, supervisor);
	s->walk = (struct status_walk){ 0 };
	put(s, s->status.trouble ? "1 trouble\n" : "0 working\n");
	s->answered = true;
}

static void log_hint(const struct gateway *g, struct bytes why)
{
	char line[LOG_LINE / 2];
	struct fmt f;

	fmt_init(&f, line, sizeof(line));
	fmt_add(&f, "gateway gateway=");
	gateway_print(&f, g);
	fmt_add(&f, " state=%s send=failed reason=", health_name(&g->health));
	esc_word(&f, why);
	log_line(LOG_LEVEL_INFO, fmt_done(&f));
}

static void learned(struct session *s, struct bytes rest)
{
	struct bytes name = bytes_word(&rest);
	struct gateway *g = gateway_named(name, NULL);
	struct bytes how = bytes_word(&rest);

	if (!s->trusted) {
		say(s, EX_NOPERM, PHRASE("only root and the relay's own user may tell"));
	} else if (g == NULL) {
		say(s, EX_OK, PHRASE("that gateway is not in use"));
	} else {
		if (!bytes_same(how, BYTES("ok")))
			log_hint(g, bytes_trim(rest));
		else
			for (; g != NULL; g = gateway_named(name, g))
				gateway_probe_now(g);
		say(s, EX_OK, "noted");
	}
}

static void queue_wakes(struct queue_ask *q);

static void ask_queue(struct session *s, struct bytes rest)
{
	queue_begin(&s->queue, args->conf, rest, s->trusted, queue_wakes);
	s->queueing = true;
	s->answered = true;
}

static void request(struct session *s, struct bytes line)
{
	struct bytes verb = bytes_word(&line);

	if (bytes_same(verb, BYTES("status")))
		ask_status(s, line);
	else if (bytes_same(verb, BYTES("learned")))
		learned(s, line);
	else if (bytes_same(verb, BYTES("queue")))
		ask_queue(s, line);
	else
		say(s, EX_USAGE, PHRASE("there is no such request"));
}

static void read_request(struct session *s)
{
	struct bytes in, line;

	conn_fill(&s->conn);
	in = buf_peek(&s->conn.in);
	line = bytes_first(in, bytes_find(in, '\n'));
	if (line.n < in.n) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		request(s, line);
		buf_clear(&s->conn.in);
	} else if (buf_room(&s->conn.in) == 0) {
		say(s, EX_USAGE, PHRASE("the request is too long"));
	}
}

/* The next piece of the queue. False: none just now, or no more. */
static bool take_piece(struct session *s)
{
	size_t room;
	uint8_t *p = buf_space(&s->conn.out, &room);
	struct fmt f;

	fmt_init(&f, (char *)p, room);
	switch (queue_step(&s->queue, &f)) {
	case QUEUE_MORE:
		buf_added(&s->conn.out, f.n);
		return true;
	case QUEUE_WAIT:
		return false;
	case QUEUE_ENDED:
		put(s, ".\n");
		break;
	case QUEUE_BROKEN: /* an answer without its last line is none */
		break;
	}
	s->queueing = false;
	return false;
}

/* Puts into out what there is room for. */
static void produce(struct session *s)
{
	while (s->queueing && buf_room(&s->conn.out) >= QUEUE_PIECE && take_piece(s))
		;
	while (s->fn != NULL && buf_room(&s->conn.out) >= STATUS_PIECE) {
		size_t room;
		uint8_t *p = buf_space(&s->conn.out, &room);
		struct fmt f;

		fmt_init(&f, (char *)p, room);
		if (s->fn(&s->status, &s->walk, &f)) {
			buf_added(&s->conn.out, f.n);
		} else {
			put(s, ".\n");
			s->fn = NULL;
		}
	}
}

static void too_late(struct deadline *d);

static void serve(struct session *s)
{
	bool moved, over;

	if (!s->answered)
		read_request(s);
	do {
		produce(s);
		moved = conn_flush(&s->conn) > 0;
		if (moved)
			loop_after(&s->idle, CONTROL_WAIT_MS, too_late);
	} while (moved && (s->fn != NULL || s->queueing) && !s->conn.blocked);
	over = s->answered ? s->fn == NULL && !s->queueing && buf_used(&s->conn.out) == 0
			   : s->conn.eof;
	if (s->conn.lost || over)
		end(s);
	else
		conn_rearm(&s->conn, !s->answered);
}

static void queue_wakes(struct queue_ask *q)
{
	struct session *s = LOOP_OWNER(struct session, queue, q);

	if (!s->queueing)
		return;
	loop_after(&s->idle, CONTROL_WAIT_MS, too_late);
	serve(s);
}

static void ready(struct watch *w, uint32_t events)
{
	struct session *s = LOOP_OWNER(struct session, conn.watch, w);

	conn_events(&s->conn, events);
	serve(s);
}

static void too_late(struct deadline *d)
{
	end(LOOP_OWNER(struct session, idle, d));
}

static void much_too_late(struct deadline *d)
{
	end(LOOP_OWNER(struct session, whole, d));
}

static void accepted(struct listen *l, int fd, const struct listen_peer *peer)
{
	struct session *s = free_session();

	if (s == NULL) { /* cannot be: the listener is paused meanwhile */
		close(fd);
		return;
	}
	buf_init(&s->conn.in, s->in, sizeof(s->in));
	buf_init(&s->conn.out, s->out, sizeof(s->out));
	if (conn_open(&s->conn, fd, ready) != 0) {
		close(fd);
		return;
	}
	s->used = true;
	s->trusted = peer->uid == 0 || peer->uid == self;
	s->answered = false;
	s->fn = NULL;
	s->queueing = false;
	loop_after(&s->idle, CONTROL_WAIT_MS, too_late);
	loop_after(&s->whole, 12 * CONTROL_WAIT_MS, much_too_late);
	if (free_session() == NULL)
		listen_pause(l);
}

/* Status tells of the gateways that are configured before the first mail. */
static void know_gateways(const struct conf *conf)
{
	for (uint32_t b = 0; b < conf->bindings; b++) {
		struct conf_sending s;

		conf_sending(conf, b, (struct bytes){ 0 }, &s);
		for (uint32_t i = 0; s.routes != NULL && i < s.routes->n; i++)
			gateway_get(&s.routes->route[i], &s);
	}
}

void control_init(const struct engine_args *a)
{
	args = a;
	self = geteuid();
	supervisor = (uint64_t)getppid();
	know_gateways(a->conf);
	if (a->control < 0)
		return;
	if (listen_open(&listener, a->control, true, accepted) != 0)
		log_add(LOG_LEVEL_ERROR, "the control socket cannot be watched");
}

bool control_is_busy(void)
{
	for (unsigned i = 0; i < CONFIG_CONTROL_SESSIONS; i++) {
		if (sessions[i].used)
			return true;
	}
	return false;
}

void control_stop(void)
{
	if (listener.watch.fd > 0)
		listen_close(&listener);
}
