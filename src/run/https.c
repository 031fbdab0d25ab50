/* SPDX-License-Identifier: ISC */
#include "run/https.h"

#include "base/digest.h"
#include "io/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define CONNECT_MS 10000u /* per address */

static void https_turn(struct https *h);

static void https_close(struct https *h)
{
	loop_deadline_clear(&h->limit);
	dial_stop(&h->dial);
	if (h->tls != NULL)
		tls_end(h->tls, h->state != HTTPS_RECEIVE);
	h->tls = NULL;
	loop_close(&h->watch);
}

static void https_over(struct https *h)
{
	bool looking = h->state == HTTPS_LOOKUP;

	https_close(h);
	h->state = looking && h->lookup.stage != LOOKUP_IDLE ? HTTPS_STALE : HTTPS_IDLE;
}

static void https_done(struct loop_task *t)
{
	struct https *h = LOOP_OWNER(struct https, task, t);

	if (h->ended) {
		h->ended = false;
		h->done(h);
		return;
	}
	https_turn(h);
}

/* Its end, told at the end of the turn. */
static void https_end(struct https *h)
{
	https_over(h);
	h->ended = true;
	loop_at_end(&h->task, https_done);
}

static void https_fail(struct https *h, const char *what)
{
	struct fmt f;

	fmt_init(&f, h->why, sizeof(h->why));
	fmt_add(&f, "%s: %s", h->host, what);
	h->good = false;
	https_end(h);
}

static void https_late(struct deadline *d)
{
	https_fail(LOOP_OWNER(struct https, limit, d), PHRASE("no answer in time"));
}

/* ---- request and response ---- */

void https_wipe(struct https *h)
{
	size_t n = h->used > h->http.body.n ? h->used : h->http.body.n;

	digest_wipe(h->room, n < sizeof(h->room) ? n : sizeof(h->room));
	h->used = 0;
	h->body = (struct bytes){ 0 };
}

static void https_answered(struct https *h, enum http_event e)
{
	if (e == HTTP_BAD) {
		https_fail(h, h->http.why);
		return;
	}
	h->good = true;
	h->status = h->http.status;
	h->body = fmt_done(&h->http.body);
	https_end(h);
}

static void https_receive(struct https *h)
{
	static uint8_t piece[4096];
	int got = tls_read(h->tls, piece, sizeof(piece));
	enum http_event e = HTTP_MORE;

	if (got > 0)
		e = http_put(&h->http, (struct bytes){ piece, (size_t)got });
	else if (got == 0)
		e = http_end(&h->http);
	digest_wipe(piece, sizeof(piece));
	if (e != HTTP_MORE)
		https_answered(h, e);
	else if (got > 0)
		loop_at_end(&h->task, https_done);
	else if (got == -EAGAIN)
		loop_interest(&h->watch, EPOLLIN);
	else
		https_fail(h, got == -EPROTO ? tls_why(h->tls) : PHRASE("the connection was cut"));
}

static void https_send(struct https *h)
{
	int sent = tls_write(h->tls, h->request.p, h->request.n);

	if (sent == -EAGAIN) {
		loop_interest(&h->watch, EPOLLOUT);
		return;
	}
	if (sent < 0) {
		https_fail(h, sent == -EPROTO ? tls_why(h->tls) : PHRASE("the connection was cut"));
		return;
	}
	h->request = bytes_skip(h->request, (size_t)sent);
	if (h->request.n == 0) {
		h->state = HTTPS_RECEIVE;
		https_wipe(h);
		http_init(&h->http, h->room, sizeof(h->room));
	}
	loop_at_end(&h->task, https_done);
}

static void https_handshake(struct https *h)
{
	switch (tls_handshake(h->tls)) {
	case TLS_AGAIN:
		loop_at_end(&h->task, https_done);
		break;
	case TLS_WANTS_READ:
		loop_interest(&h->watch, EPOLLIN);
		break;
	case TLS_WANTS_WRITE:
		loop_interest(&h->watch, EPOLLOUT);
		break;
	case TLS_DONE:
		h->state = HTTPS_SEND;
		loop_at_end(&h->task, https_done);
		break;
	case TLS_FAILED:
		https_fail(h, tls_why(h->tls));
		break;
	}
}

static void https_turn(struct https *h)
{
	switch (h->state) {
	case HTTPS_HANDSHAKE:
		https_handshake(h);
		break;
	case HTTPS_SEND:
		https_send(h);
		break;
	case HTTPS_RECEIVE:
		https_receive(h);
		break;
	case HTTPS_IDLE:
	case HTTPS_LOOKUP:
	case HTTPS_STALE:
	case HTTPS_DIAL:
		break;
	}
}

static void https_ready(struct watch *w, uint32_t events)
{
	(void)events;
	https_turn(LOOP_OWNER(struct https, watch, w));
}

/* ---- the way there ---- */

static void https_failed(struct dial *d, unsigned index, int err)
{
	(void)index;
	LOOP_OWNER(struct https, dial, d)->dial_err = err;
}

static void https_dialled(struct dial *d, int fd, unsigned index)
{
	struct https *h = LOOP_OWNER(struct https, dial, d);
	const struct tls_client_how how = {
		.name = h->url.host,
		.ca = h->ca,
		.verify = TLS_VERIFY_HOST,
		.versions = TLS_1_2 | TLS_1_3,
		.clock_unset = clock_unset(),
		.now = clock_least(),
		.memory = TLS_NO_MEMORY,
	};

	(void)index;
	if (fd < 0) {
		https_fail(h,
		    h->dial_err != 0 ? dial_error(h->dial_err) : PHRASE("it has no address"));
		return;
	}
	h->state = HTTPS_HANDSHAKE;
	if (loop_watch(&h->watch, fd, EPOLLOUT, https_ready) == 0)
		h->tls = tls_connect(fd, &how);
	if (h->tls == NULL)
		https_fail(h, PHRASE("there is no memory left for TLS"));
}

/* A link-local address without a zone cannot be called from here. */
static bool is_usable(const struct inet_addr *a)
{
	return inet_is_v4(a->a) || !inet_is_link_local(a->a) || a->zone[0] != '\0';
}

static void https_looked_up(struct lookup *l)
{
	struct https *h = LOOP_OWNER(struct https, lookup, l);
	unsigned n = 0;

	if (h->state != HTTPS_LOOKUP) {
		h->state = HTTPS_IDLE;
		if (h->freed != NULL)
			h->freed(h);
		return;
	}
	if (l->answer.status != NAMES_OK) {
		https_fail(h, l->answer.text);
		return;
	}
	for (unsigned i = 0; i < l->answer.n; i++) {
		h->addr[n] = l->answer.addr[i];
		h->addr[n].port = h->url.port;
		n += is_usable(&h->addr[n]);
	}
	h->state = HTTPS_DIAL;
	h->dial_err = 0;
	h->dial.addr = h->addr;
	h->dial.n = (uint8_t)n;
	h->dial.source = NULL;
	h->dial.connect_ms = CONNECT_MS;
	h->dial.failed = https_failed;
	h->dial.done = https_dialled;
	dial_start(&h->dial);
}

static void https_look_up(struct https *h)
{
	memset(&h->lookup.q, 0, sizeof(h->lookup.q));
	memcpy(h->lookup.q.host, h->host, sizeof(h->lookup.q.host));
	h->lookup.done = https_looked_up;
	h->state = HTTPS_LOOKUP;
	lookup_start(&h->lookup);
}

struct fmt https_form(struct https *h)
{
	struct fmt f;

	fmt_init(&f, h->room + HTTPS_HEAD, HTTPS_FORM);
	return f;
}

bool https_post(struct https *h, const char *url, const struct fmt *form)
{
	struct fmt head, host;
	bool good;

	if (h->state != HTTPS_IDLE)
		return false;
	h->ended = false;
	memset(&h->url, 0, sizeof(h->url));
	good = url_parse(bytes_of(url), &h->url);
	fmt_init(&host, h->host, sizeof(h->host));
	if (good)
		fmt_bytes(&host, h->url.host);
	h->body = (struct bytes){ 0 };
	loop_after(&h->limit, h->limit_ms, https_late);
	fmt_init(&head, h->room, HTTPS_HEAD);
	http_post(&head, &h->url, form->n);
	if (!good || head.cut || form->cut) {
		https_fail(h,
		    good ? PHRASE("the request is too long") : PHRASE("its address is broken"));
		return true;
	}
	memmove(h->room + head.n, form->p, form->n);
	h->used = (size_t)HTTPS_HEAD + form->n;
	h->request = (struct bytes){ (const uint8_t *)h->room, head.n + form->n };
	https_look_up(h);
	return true;
}
