/* SPDX-License-Identifier: ISC */
#include "cmd/talk.h"

#include "io/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUIT_MS 2000u

static void begin_tls(struct talk *t)
{
	t->tls = tls_connect(t->fd, t->how.secure);
	t->shaking = true;
	t->busy = true;
}

void talk_open(struct talk *t, int fd, const struct talk_how *how)
{
	const struct client_params params = {
		.ehlo_name = how->ehlo_name, .tls = how->tls, .login = how->login
	};

	memset(t, 0, sizeof(*t));
	t->fd = fd;
	t->how = *how;
	buf_init(&t->in, t->in_mem, sizeof(t->in_mem));
	buf_init(&t->out, t->out_mem, sizeof(t->out_mem));
	client_init(&t->client, &params);
	if (how->tls == CLIENT_TLS_IMPLICIT)
		begin_tls(t);
}

/* One event of what has come already; TALK_OK if there is none yet. */
static enum talk_event step(struct talk *t)
{
	struct bytes in = buf_peek(&t->in);
	size_t before = in.n;
	enum client_event event = client_step(&t->client, &in, &t->out, &t->what);

	buf_drop(&t->in, before - in.n);
	switch (event) {
	case CLIENT_MORE:
		break;
	case CLIENT_WORK:
		t->busy = true;
		break;
	case CLIENT_STARTTLS:
		begin_tls(t);
		break;
	case CLIENT_READY:
		return TALK_READY;
	case CLIENT_LOGIN:
		return TALK_LOGIN;
	case CLIENT_LOGIN_REFUSED:
		return TALK_LOGIN_REFUSED;
	case CLIENT_REPLY:
		return TALK_REPLY;
	case CLIENT_EARLY:
		return TALK_EARLY;
	case CLIENT_FAILED:
		return TALK_FAILED;
	}
	return TALK_OK;
}

static enum talk_event lost(struct talk *t, int error)
{
	t->error = error;
	return TALK_LOST;
}

/* One step of the handshake; *events: what it waits for. */
static enum talk_event shake(struct talk *t, short *events)
{
	switch (t->tls != NULL ? tls_handshake(t->tls) : TLS_FAILED) {
	case TLS_AGAIN:
		t->busy = true;
		break;
	case TLS_WANTS_READ:
		break;
	case TLS_WANTS_WRITE:
		*events = POLLOUT;
		break;
	case TLS_DONE:
		t->shaking = false;
		t->busy = true;
		if (t->client.phase == CLIENT_PHASE_HANDSHAKE)
			client_secured(&t->client, &t->out);
		talk_trace_tls(t);
		break;
	case TLS_FAILED:
		return TALK_TLS;
	}
	return TALK_OK;
}

/* Reads once. TALK_OK, or TALK_LOST or TALK_TLS. */
static enum talk_event fill(struct talk *t)
{
	size_t room;
	uint8_t *p = buf_space(&t->in, &room);
	int n;

	if (room == 0)
		return TALK_OK;
	n = t->tls != NULL ? tls_read(t->tls, p, room) : (int)read(t->fd, p, room);
	if (n < 0 && t->tls == NULL)
		n = -errno;
	if (n == -EAGAIN || n == -EINTR)
		return TALK_OK;
	if (n == -EPROTO && t->tls != NULL)
		return TALK_TLS;
	if (n <= 0)
		return lost(t, -n);
	talk_trace(t, '<', (struct bytes){p, (size_t)n});
	buf_added(&t->in, (size_t)n);
	return TALK_OK;
}

/*
 * Writes what goes. *some: there was progress. A reply may still wait behind a failed write, unless
 * it is TLS that failed.
 */
static enum talk_event flush(struct talk *t, bool *some)
{
	struct bytes x = buf_peek(&t->out);
	ssize_t n = 0;

	if (x.n > 0)
		n = t->tls != NULL ? tls_write(t->tls, x.p, x.n)
				   : send(t->fd, x.p, x.n, MSG_NOSIGNAL);
	if (n <= 0)
		return n == -EPROTO ? TALK_TLS : TALK_OK;
	talk_trace(t, '>', bytes_first(x, (size_t)n));
	buf_drop(&t->out, (size_t)n);
	*some = true;
	t->busy = t->busy || client_is_writing(&t->client);
	return TALK_OK;
}

static bool readable(const struct talk *t, short events)
{
	return (events & (POLLIN | POLLHUP | POLLERR)) != 0 ||
	       (t->tls != NULL && tls_pending(t->tls));
}

/* Steps, writes, waits and reads until there is an event or, where asked, until all is sent. */
static enum talk_event converse(struct talk *t, uint64_t ms, bool until_sent)
{
	uint64_t until = clock_monotonic_ms() + ms;

	for (;;) {
		struct pollfd p = {.fd = t->fd, .events = POLLIN};
		enum talk_event event;
		bool some = false;
		uint64_t now;

		t->busy = false;
		event = t->shaking ? shake(t, &p.events) : step(t);
		if (event == TALK_OK && !t->shaking)
			event = flush(t, &some);
		if (event != TALK_OK)
			return event;
		if (until_sent && buf_used(&t->out) == 0)
			return TALK_OK;
		now = clock_monotonic_ms();
		if (some)
			until = now + ms;
		if (now >= until)
			return TALK_TIMEOUT;
		if (!t->shaking && buf_used(&t->out) > 0)
			p.events |= POLLOUT;
		if (t->busy || (t->tls != NULL && !t->shaking && tls_pending(t->tls)))
			now = until;
		if (poll(&p, 1, until - now > 3600000 ? 3600000 : (int)(until - now)) < 0)
			continue;
		if (!t->shaking && readable(t, p.revents))
			event = fill(t);
		if (event != TALK_OK)
			return event;
	}
}

static enum talk_event remember(struct talk *t, enum talk_event event)
{
	t->over = t->over || event >= TALK_FAILED;
	return event;
}

enum talk_event talk_wait(struct talk *t, uint64_t ms)
{
	return remember(t, converse(t, ms, false));
}

enum talk_event talk_flush(struct talk *t, uint64_t ms)
{
	return remember(t, converse(t, ms, true));
}

enum talk_event talk_body(struct talk *t, struct bytes content, uint64_t ms)
{
	while (content.n > 0) {
		enum talk_event event;

		client_body(&t->client, &content, &t->out);
		event = content.n > 0 ? talk_flush(t, ms) : TALK_OK;
		if (event != TALK_OK)
			return event;
	}
	return TALK_OK;
}

void talk_quit(struct talk *t)
{
	if (t->fd >= 0 && !t->over && client_quit(&t->client, &t->out))
		talk_wait(t, QUIT_MS);
	if (t->tls != NULL && !t->over)
		tls_shut(t->tls);
	talk_close(t);
}

void talk_close(struct talk *t)
{
	if (t->tls != NULL)
		tls_end(t->tls, true);
	t->tls = NULL;
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	digest_wipe(t->out_mem, sizeof(t->out_mem));
	talk_trace_end(t);
}

static const char *failure(enum client_failure why)
{
	switch (why) {
	case CLIENT_OK:
		break;
	case CLIENT_BAD_GREETING:
		return PHRASE("it does not greet with 220");
	case CLIENT_HELLO_REFUSED:
		return PHRASE("it refuses EHLO and HELO");
	case CLIENT_BAD_REPLY:
		return PHRASE("its reply makes no sense");
	case CLIENT_OUT_OF_STEP:
		return PHRASE("it sent a reply that nobody asked for");
	case CLIENT_CLOSING:
		return PHRASE("it ended the session");
	case CLIENT_NO_STARTTLS:
		return PHRASE("it refuses TLS (STARTTLS)");
	case CLIENT_BAD_LOGIN:
		break;
	}
	return PHRASE("it failed");
}

void talk_why(const struct talk *t, enum talk_event event, struct fmt *f)
{
	const struct reply *r = client_last(&t->client);

	switch (event) {
	case TALK_LOST:
		fmt_str(f, t->error == ECONNRESET ? PHRASE("it reset the connection")
						  : PHRASE("it closed the connection"));
		return;
	case TALK_TIMEOUT:
		fmt_str(f, t->shaking ? PHRASE("it did not finish the TLS handshake in time")
				      : PHRASE("it did not answer in time"));
		return;
	case TALK_TLS:
		fmt_str(f, t->tls != NULL ? tls_why(t->tls) : PHRASE("there is no memory for TLS"));
		return;
	case TALK_FAILED:
		if (t->what.why == CLIENT_BAD_LOGIN) {
			fmt_add(f, "the login makes no sense: %s", client_login_why(&t->client));
			return;
		}
		if (t->what.why == CLIENT_NO_STARTTLS && r->code == 0) {
			fmt_add(f, "it offers no TLS (STARTTLS)");
			return;
		}
		fmt_str(f, failure(t->what.why));
		if (r->code == 0)
			return;
		fmt_str(f, ": ");
		break;
	case TALK_LOGIN_REFUSED:
		fmt_str(f, r->code < 500 ? PHRASE("it takes no login just now: ")
					 : PHRASE("it refuses the login: "));
		break;
	case TALK_OK:
	case TALK_READY:
	case TALK_LOGIN:
	case TALK_REPLY:
	case TALK_EARLY:
		break;
	}
	reply_line(f, r);
}
