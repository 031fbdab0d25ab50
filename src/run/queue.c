/* SPDX-License-Identifier: ISC */
#include "run/queue_part.h"

#include "base/limits.h"
#include "io/log.h"
#include "run/gateway.h"

#include <string.h>
#include <sysexits.h>

#define HEADER_MAX 65536u /* octets of a header that are shown */

enum state {
	OVER,
	ANSWER, /* there is only a line to say */
	LOOK,   /* for the next entry */
	FIND,   /* that entry, or the one that was named, is to be opened */
	MARKS,  /* show: the first time through the file, for the marks */
	READ,   /* list: up to the sender; show: up to the header's end */
	PRINT,  /* what was read is written */
	GONE,   /* remove: is it? */
};

/* Marks of the one mail that is being shown. */
static uint8_t marks[CONFIG_RECIPIENTS_MAX];
static struct queue_ask *shower;

/* ---- answers ---- */

static enum queue_step finish(struct queue_ask *q)
{
	queue_stop(q);
	return QUEUE_MORE;
}

/* Says no. */
static enum queue_step say(struct queue_ask *q, struct fmt *f, unsigned status, const char *text)
{
	fmt_add(f, "%u %s\n", status, text);
	return finish(q);
}

/* Why the entry that was named cannot be had. */
static enum queue_step say_refused(struct queue_ask *q, struct fmt *f)
{
	if (q->tee.held)
		return say(q, f, EX_TEMPFAIL,
		    PHRASE("that mail is being delivered, or in doubt: its gateway has not "
			   "said yet whether it has it"));
	if (q->tee.absent)
		return say(q, f, EX_NOINPUT, PHRASE("there is no such mail"));
	return say(q, f, EX_TEMPFAIL, q->tee.why);
}

/* ---- which entry ---- */

static void looked(struct tee_look *l)
{
	struct queue_ask *q = LOOP_OWNER(struct queue_ask, look, l);

	q->wake(q);
}

static void tee_wakes(struct tee *t)
{
	struct queue_ask *q = LOOP_OWNER(struct queue_ask, tee, t);

	q->wake(q);
}

static void look(struct queue_ask *q, uint32_t from)
{
	q->state = LOOK;
	tee_look(&q->look, from, looked);
}

static void find(struct queue_ask *q, const uint8_t id[RECORD_ID])
{
	q->state = FIND;
	tee_find(&q->tee, id, tee_wakes);
}

static void read_again(struct queue_ask *q, enum state state)
{
	q->state = (uint8_t)state;
	q->ended = false;
	q->got = q->left = (struct bytes){ 0 };
	record_reader_init(&q->reader, record_size(&q->tee.info));
	tee_read(&q->tee, 0);
}

/* Back to the queue, as if nobody had looked. */
static void release(struct queue_ask *q)
{
	if (q->tee.state == TEE_SAFE || q->tee.state == TEE_BROKEN)
		tee_release(&q->tee, q->tee.wait_ms);
	else if (q->tee.state == TEE_OPENING)
		tee_drop(&q->tee);
}

/* ---- the file ---- */

/* Its next; RECORD_MORE: nothing has come yet; torn also where it is lost. */
static enum record_event next(struct queue_ask *q)
{
	for (;;) {
		enum record_event ev = record_read(&q->reader, &q->got, &q->left);

		if (ev != RECORD_MORE)
			return ev;
		if (q->ended || q->tee.state != TEE_SAFE)
			return RECORD_TORN;
		switch (tee_step(&q->tee, &q->got)) {
		case TEE_READ:
		case TEE_OPENED:
			break;
		case TEE_ENDED:
			q->ended = true;
			break;
		case TEE_NOTHING:
			return RECORD_MORE;
		case TEE_REFUSED:
		case TEE_LOST:
		case TEE_COMMITTED:
		case TEE_UNSAFE:
		case TEE_TORN:
			return RECORD_TORN;
		}
	}
}

static bool is_bad(enum record_event ev)
{
	return ev == RECORD_TORN || ev == RECORD_FOREIGN || ev == RECORD_NEWER;
}

/* ---- which gateway ---- */

static uint32_t find_binding(const struct conf *conf, struct bytes name)
{
	for (uint32_t i = 0; i < conf->bindings; i++)
		if (bytes_same(conf_binding_name(conf, i), name))
			return i;
	return CONF_BINDING_DEFAULT;
}

static uint16_t find_gateway(const struct queue_ask *q, struct bytes rcpt)
{
	struct conf_sending s;
	size_t at = rcpt.n;

	while (at > 0 && rcpt.p[at - 1] != '@')
		at--;
	conf_sending(q->conf, q->binding, bytes_skip(rcpt, at > 0 ? at : rcpt.n), &s);
	for (uint32_t i = 0; s.routes && i < s.routes->n; i++) {
		const struct gateway *g = gateway_find(&s.routes->route[i], &s);

		if (g)
			return (uint16_t)(gateway_index(g) + 1);
	}
	return 0;
}

/* What q->left tells of that. */
static void note(struct queue_ask *q, enum record_event ev)
{
	if (ev == RECORD_BINDING)
		q->binding = find_binding(q->conf, q->left);
	if (ev == RECORD_RCPT && q->gateway == 0)
		q->gateway = find_gateway(q, q->left);
}

/* ---- list ---- */

/* An entry has come: what is to be told of it? */
static void take_entry(struct queue_ask *q)
{
	q->listed++;
	q->octets += q->look.octets;
	q->held += q->look.held;
	q->begun = q->opened = false;
	q->left = (struct bytes){ 0 };
	q->gateway = 0;
	if (q->look.held)
		q->state = PRINT;
	else
		find(q, q->look.id);
}

/* Up to the first recipient. False: nothing has come yet. */
static bool read_sender(struct queue_ask *q)
{
	enum record_event ev;

	do {
		ev = next(q);
		if (ev == RECORD_MORE)
			return false;
		note(q, ev);
		if (ev == RECORD_SENDER) {
			q->sender_n = q->left.n;
			memcpy(q->sender, q->left.p, q->left.n);
		}
	} while (
	    ev == RECORD_INFO || ev == RECORD_PEER || ev == RECORD_BINDING || ev == RECORD_SENDER);
	release(q);
	q->opened = ev == RECORD_RCPT;
	q->left = (struct bytes){ q->sender, q->opened ? q->sender_n : 0 };
	q->state = PRINT;
	return true;
}

static enum queue_step list(struct queue_ask *q, struct fmt *f)
{
	struct bytes got;

	for (;;) {
		switch ((enum state)q->state) {
		case LOOK:
			if (q->look.busy)
				return QUEUE_WAIT;
			if (!q->look.found) {
				queue_print_end(q, f);
				return finish(q);
			}
			take_entry(q);
			break;
		case FIND:
			if (tee_step(&q->tee, &got) == TEE_NOTHING)
				return QUEUE_WAIT;
			if (q->tee.state == TEE_SAFE)
				read_again(q, READ);
			else
				q->state = PRINT;
			break;
		case READ:
			if (!read_sender(q))
				return QUEUE_WAIT;
			break;
		case PRINT:
			if (queue_print_entry(q, f))
				look(q, q->look.at + 1);
			return QUEUE_MORE;
		case OVER:
		case ANSWER:
		case MARKS:
		case GONE:
			return QUEUE_ENDED;
		}
	}
}

/* ---- show ---- */

/* The first time through. */
static enum queue_step read_marks(struct queue_ask *q, struct fmt *f)
{
	enum record_event ev;

	do {
		ev = next(q);
		if (ev == RECORD_MORE)
			return QUEUE_WAIT;
		if (is_bad(ev))
			return say(q, f, EX_IOERR, PHRASE("its file cannot be read"));
		note(q, ev);
		for (size_t i = 0; ev == RECORD_MARKS && i < q->left.n; i++, q->marks++)
			if (q->marks < CONFIG_RECIPIENTS_MAX)
				marks[q->marks] = q->left.p[i];
	} while (ev != RECORD_CONTENT && ev != RECORD_END);
	queue_print_head(q, f);
	q->octets = 0;
	q->lines = 1;
	read_again(q, READ);
	return QUEUE_MORE;
}

/* The content up to the end of the header, and not more than is wanted of it. */
static void cut_header(struct queue_ask *q)
{
	size_t i = 0;

	while (i < q->left.n && q->lines < 2 && q->octets < HEADER_MAX) {
		if (q->left.p[i] == '\n')
			q->lines++;
		else if (q->left.p[i] != '\r')
			q->lines = 0;
		q->octets++;
		i++;
	}
	q->left = bytes_first(q->left, i);
}

/* The second time. False: the header is over. */
static bool take_event(struct queue_ask *q, enum record_event ev)
{
	if (ev == RECORD_CONTENT)
		cut_header(q);
	if (ev == RECORD_END || (ev == RECORD_CONTENT && q->left.n == 0))
		return false;
	q->seen += ev == RECORD_RCPT;
	q->part = (uint8_t)ev;
	q->begun = false;
	q->state = PRINT;
	return true;
}

static enum queue_step print_event(struct queue_ask *q, struct fmt *f)
{
	uint32_t i = q->seen - 1;
	uint8_t mark = q->seen > 0 && i < q->marks && i < CONFIG_RECIPIENTS_MAX ? marks[i] : 0;

	if (queue_print_event(q, (enum record_event)q->part, mark, f))
		q->state = READ;
	return QUEUE_MORE;
}

static enum queue_step show(struct queue_ask *q, struct fmt *f)
{
	enum record_event ev;

	if (q->state == MARKS)
		return read_marks(q, f);
	if (q->state == PRINT)
		return print_event(q, f);
	ev = next(q);
	if (ev == RECORD_MORE)
		return QUEUE_WAIT;
	if (is_bad(ev)) {
		queue_stop(q);
		return QUEUE_BROKEN;
	}
	if (take_event(q, ev))
		return print_event(q, f);
	queue_print_tail(q, f);
	return finish(q);
}

/* ---- flush and remove ---- */

/* Gateways that are down are tried now; not one that refuses the login, or it locks the account. */
static void try_gateways(uint16_t number)
{
	for (unsigned i = 0; i < CONFIG_GATEWAYS; i++) {
		struct gateway *g = gateway_numbered(i);

		if (g && (number == 0 || number == i + 1) && health_is_down(&g->health) &&
		    !g->health.login_wait_ms)
			gateway_probe_now(g);
	}
}

static void log_event(const struct queue_ask *q, const char *event)
{
	log_add(LOG_LEVEL_INFO, "queue event=%s%s%s", event, q->id[0] ? " id=" : "", q->id);
}

static enum queue_step done(struct queue_ask *q, struct fmt *f, const char *what)
{
	log_event(q, what);
	fmt_put(f,
	    q->json ? PHRASE("0 done\n{\"id\":\"%s\",\"done\":\"%s\"}\n")
		    : PHRASE("0 done\n%s is %s\n"),
	    q->id, what);
	return finish(q);
}

static enum queue_step flush_one(struct queue_ask *q, struct fmt *f)
{
	/* 0 where it is not known which it waits for: then all are */
	uint16_t number = q->tee.gateway;

	tee_release(&q->tee, 0);
	try_gateways(number);
	return done(q, f, "flushed");
}

static enum queue_step flush_all(struct queue_ask *q, struct fmt *f)
{
	uint32_t due;

	while (!q->look.busy && q->look.found) {
		q->listed++;
		q->held += q->look.held;
		look(q, q->look.at + 1);
	}
	if (q->look.busy)
		return QUEUE_WAIT;
	due = q->listed - q->held;
	tee_wake(NULL, 0);
	try_gateways(0);
	log_event(q, "flushed");
	if (q->json) {
		fmt_add(f, "0 done\n{\"flushed\":%u,\"under_way\":%u}\n", due, q->held);
		return finish(q);
	}
	fmt_add(f, "0 done\n%u mail%s flushed", due, due == 1 ? " is" : "s are");
	if (q->held > 0)
		fmt_add(f, "; being delivered, or in doubt: %u", q->held);
	fmt_char(f, '\n');
	return finish(q);
}

/* It is asked for again: gone is what cannot be found. */
static void remove_entry(struct queue_ask *q)
{
	uint8_t id[RECORD_ID];

	memcpy(id, q->tee.id, sizeof(id));
	tee_drop(&q->tee);
	find(q, id);
	q->state = GONE;
}

static enum queue_step removed(struct queue_ask *q, struct fmt *f)
{
	if (q->tee.state == TEE_SAFE)
		return say(q, f, EX_IOERR, PHRASE("the disk did not remove it"));
	return q->tee.absent ? done(q, f, "removed") : say_refused(q, f);
}

/* The entry that was named has come, or not. */
static enum queue_step found(struct queue_ask *q, struct fmt *f)
{
	struct bytes got;

	if (tee_step(&q->tee, &got) == TEE_NOTHING)
		return QUEUE_WAIT;
	if (q->state == GONE)
		return removed(q, f);
	if (q->tee.state != TEE_SAFE)
		return say_refused(q, f);
	q->opened = true;
	if (q->what == QUEUE_FLUSH)
		return flush_one(q, f);
	if (q->what == QUEUE_SHOW) {
		read_again(q, MARKS);
		return read_marks(q, f);
	}
	remove_entry(q);
	return QUEUE_WAIT;
}

/* ---- all of them ---- */

enum queue_step queue_step(struct queue_ask *q, struct fmt *f)
{
	switch ((enum state)q->state) {
	case OVER:
		return QUEUE_ENDED;
	case ANSWER:
		return say(q, f, q->status, q->line);
	case LOOK:
		if (q->what == QUEUE_FLUSH_ALL)
			return flush_all(q, f);
		break;
	case FIND:
	case GONE:
		if (q->what != QUEUE_LIST)
			return found(q, f);
		break;
	case MARKS:
	case READ:
	case PRINT:
		if (q->what == QUEUE_SHOW)
			return show(q, f);
		break;
	}
	if (q->answered)
		return list(q, f);
	queue_print_begin(q, f);
	q->answered = true;
	return QUEUE_MORE;
}

static void refuse(struct queue_ask *q, unsigned status, const char *line)
{
	q->state = ANSWER;
	q->status = (uint8_t)status;
	q->line = line;
}

/* What is asked for; false: refused. */
static bool parse(struct queue_ask *q, struct bytes request, uint8_t id[RECORD_ID])
{
	static const char names[][8] = { [QUEUE_LIST] = "list",
		[QUEUE_SHOW] = "show",
		[QUEUE_FLUSH] = "flush",
		[QUEUE_REMOVE] = "remove" };
	struct bytes verb = bytes_word(&request), word = bytes_word(&request);

	q->what = QUEUE_LIST;
	while (q->what <= QUEUE_REMOVE && !bytes_same(verb, bytes_of(names[q->what])))
		q->what++;
	if (bytes_same(word, BYTES("json"))) {
		q->json = true;
		word = bytes_word(&request);
	}
	if (q->what == QUEUE_FLUSH && word.n == 0)
		q->what = QUEUE_FLUSH_ALL;
	if (q->what <= QUEUE_REMOVE && q->what != QUEUE_LIST) {
		struct fmt f;

		if (!trace_id_parse(word, id)) {
			refuse(q, EX_NOINPUT,
			    PHRASE("that is not the id of a mail: gatepost queue shows them"));
			return false;
		}
		fmt_init(&f, q->id, sizeof(q->id));
		fmt_bytes(&f, word);
		word = bytes_word(&request);
	}
	if (q->what > QUEUE_FLUSH_ALL || word.n > 0) {
		refuse(q, EX_USAGE, PHRASE("there is no such request"));
		return false;
	}
	return true;
}

void queue_begin(struct queue_ask *q, const struct conf *conf, struct bytes request, bool trusted,
    void (*wake)(struct queue_ask *q))
{
	uint8_t id[RECORD_ID];

	memset(q, 0, sizeof(*q));
	q->conf = conf;
	q->wake = wake;
	if (!parse(q, request, id))
		return;
	if (conf->global.spool == CONF_SPOOL_OFF)
		refuse(q, EX_UNAVAILABLE, PHRASE("there is no spool: Spool = off"));
	else if (q->what != QUEUE_LIST && !trusted)
		refuse(q, EX_NOPERM, PHRASE("only root and the relay's own user may do that"));
	else if (q->what == QUEUE_SHOW && shower)
		refuse(q, EX_TEMPFAIL, PHRASE("another mail is being shown just now"));
	else if (q->what == QUEUE_LIST || q->what == QUEUE_FLUSH_ALL)
		look(q, 0);
	else
		find(q, id);
	if (q->what == QUEUE_SHOW && q->state == FIND)
		shower = q;
}

void queue_stop(struct queue_ask *q)
{
	if (q->look.busy)
		tee_look_stop(&q->look);
	release(q);
	if (shower == q)
		shower = NULL;
	q->state = OVER;
}
