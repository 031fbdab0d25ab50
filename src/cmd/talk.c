/* SPDX-License-Identifier: ISC */
#include "cmd/talk.h"

#include "cmd/cmd.h"
#include "io/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUIT_MS 2000u

void talk_open(struct talk *t, int fd, struct bytes ehlo_name, bool trace)
{
	memset(t, 0, sizeof(*t));
	t->fd = fd;
	t->trace = trace;
	buf_init(&t->in, t->in_mem, sizeof(t->in_mem));
	buf_init(&t->out, t->out_mem, sizeof(t->out_mem));
	client_init(&t->client, &(struct client_params){ .ehlo_name = ehlo_name });
}

/* The other side's octets must not reach the terminal as they are. */
static void trace(struct talk *t, char side, struct bytes x)
{
	char store[512];
	struct fmt f;

	if (!t->trace)
		return;
	fmt_init(&f, store, sizeof(store));
	for (size_t i = 0; i < x.n; i++) {
		uint8_t c = x.p[i];

		if (t->side != side) {
			if (t->side != 0)
				fmt_char(&f, '\n');
			fmt_char(&f, side);
			fmt_char(&f, ' ');
			t->side = side;
		}
		if (c == '\n') {
			fmt_char(&f, '\n');
			t->side = 0;
		} else if (c != '\r') {
			fmt_char(&f, c >= 32 && c < 127 ? (char)c : '?');
		}
		if (f.n + 8 > f.cap) {
			cmd_write(1, fmt_done(&f));
			fmt_init(&f, store, sizeof(store));
		}
	}
	cmd_write(1, fmt_done(&f));
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
	case CLIENT_READY:
		return TALK_READY;
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

/* Reads once. TALK_OK, or TALK_LOST. */
static enum talk_event fill(struct talk *t)
{
	size_t room;
	uint8_t *p = buf_space(&t->in, &room);
	ssize_t n = room > 0 ? read(t->fd, p, room) : -1;

	if (n == 0)
		return lost(t, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR || room == 0 ? TALK_OK : lost(t, errno);
	trace(t, '<', (struct bytes){p, (size_t)n});
	buf_added(&t->in, (size_t)n);
	return TALK_OK;
}

/* Writes what goes. *some: there was progress. A reply may still wait behind a failed write. */
static void flush(struct talk *t, bool *some)
{
	struct bytes x = buf_peek(&t->out);
	ssize_t n = x.n > 0 ? send(t->fd, x.p, x.n, MSG_NOSIGNAL) : 0;

	if (n <= 0)
		return;
	trace(t, '>', bytes_first(x, (size_t)n));
	buf_drop(&t->out, (size_t)n);
	*some = true;
}

/* Steps, writes, waits and reads until there is an event or, where asked, until all is sent. */
static enum talk_event converse(struct talk *t, uint64_t ms, bool until_sent)
{
	uint64_t until = clock_monotonic_ms() + ms;

	for (;;) {
		enum talk_event event = step(t);
		struct pollfd p = {.fd = t->fd, .events = POLLIN};
		bool some = false;
		uint64_t now;

		if (event != TALK_OK)
			return event;
		flush(t, &some);
		if (until_sent && buf_used(&t->out) == 0)
			return TALK_OK;
		now = clock_monotonic_ms();
		if (some)
			until = now + ms;
		if (now >= until)
			return TALK_TIMEOUT;
		if (buf_used(&t->out) > 0)
			p.events |= POLLOUT;
		if (poll(&p, 1, until - now > 3600000 ? 3600000 : (int)(until - now)) <= 0)
			continue;
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			event = fill(t);
		if (event != TALK_OK)
			return event;
	}
}

static enum talk_event remember(struct talk *t, enum talk_event event)
{
	t->over = t->over || event == TALK_LOST || event == TALK_FAILED || event == TALK_TIMEOUT;
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
	bool may = t->fd >= 0 && !t->over && client_may_send(&t->client);

	if (may && client_quit(&t->client, &t->out))
		talk_wait(t, QUIT_MS);
	talk_close(t);
}

void talk_close(struct talk *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	if (t->side != 0)
		cmd_say(1, "\n", NULL);
	t->side = 0;
}

static const char *failure(enum client_failure why)
{
	switch (why) {
	case CLIENT_OK:
		break;
	case CLIENT_BAD_GREETING:
		return "it does not greet with 220";
	case CLIENT_HELLO_REFUSED:
		return "it refuses EHLO and HELO";
	case CLIENT_BAD_REPLY:
		return "its reply makes no sense";
	case CLIENT_OUT_OF_STEP:
		return "it sent a reply that nobody asked for";
	case CLIENT_CLOSING:
		return "it ended the session";
	}
	return "it failed";
}

void talk_why(const struct talk *t, enum talk_event event, struct fmt *f)
{
	const struct reply *r = client_last(&t->client);

	switch (event) {
	case TALK_LOST:
		fmt_str(f, t->error == ECONNRESET ? "it reset the connection"
						  : "it closed the connection");
		return;
	case TALK_TIMEOUT:
		fmt_str(f, "it did not answer in time");
		return;
	case TALK_FAILED:
		fmt_str(f, failure(t->what.why));
		if (r->code == 0)
			return;
		fmt_str(f, ": ");
		break;
	case TALK_OK:
	case TALK_READY:
	case TALK_REPLY:
	case TALK_EARLY:
		break;
	}
	reply_line(f, r);
}
