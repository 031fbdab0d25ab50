/* SPDX-License-Identifier: ISC */
#include "io/log.h"

#include "base/date.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/syslog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* octets of one message to the supervisor: lines, each with its level in front and \n behind */
#define LOG_MESSAGE 8192
#define LOG_BATCH   4 /* messages taken before the next turn */

/* How standard error can be written to without waiting. */
enum log_err {
	LOG_ERR_POLL,  /* unknown: asked first */
	LOG_ERR_PLAIN, /* a file, or opened anew without blocking */
	LOG_ERR_SOCKET,
};

static struct {
	int to; /* the supervisor's socket, or -1 */
	enum log_sink sink;
	enum log_err err;
	int err_fd;
	uint32_t dropped, unsaid;
	bool batch; /* lines wait for the end of the turn */
	struct loop_task flush;
	uint32_t held_lines;
	size_t held; /* octets of kept */
} out = { .to = -1, .sink = LOG_SINK_STDERR, .err = LOG_ERR_POLL, .err_fd = STDERR_FILENO };

/* What is held: of a message, or of standard error. Apart, since out is not all zeros. */
static uint8_t kept[LOG_MESSAGE];

void log_to(int fd)
{
	out.to = fd;
}

/*
 * The flags of standard error are shared with whoever started us: they are not changed, a
 * description of our own is opened instead.
 */
static void log_open_stderr(void)
{
	struct stat st;
	int fd;

	if (out.err_fd != STDERR_FILENO)
		close(out.err_fd);
	out.err_fd = STDERR_FILENO;
	out.err = LOG_ERR_POLL;
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	if (S_ISREG(st.st_mode)) {
		out.err = LOG_ERR_PLAIN;
	} else if (S_ISSOCK(st.st_mode)) {
		out.err = LOG_ERR_SOCKET;
	} else {
		fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			return;
		out.err_fd = fd;
		out.err = LOG_ERR_PLAIN;
	}
}

void log_open(enum log_sink sink, const struct inet_addr *server, const char *hostname)
{
	out.to = -1;
	out.sink = sink;
	switch (sink) {
	case LOG_SINK_STDERR:
		log_open_stderr();
		break;
	case LOG_SINK_SYSLOG:
		syslog_begin(NULL, "/dev/log", hostname);
		break;
	case LOG_SINK_REMOTE:
		syslog_begin(server, NULL, hostname);
		break;
	}
}

static bool log_write_stderr(struct bytes x)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n = -1;

	switch (out.err) {
	case LOG_ERR_POLL:
		if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT))
			n = write(STDERR_FILENO, x.p, x.n);
		break;
	case LOG_ERR_PLAIN:
		n = write(out.err_fd, x.p, x.n);
		break;
	case LOG_ERR_SOCKET:
		n = send(STDERR_FILENO, x.p, x.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	}
	return n == (ssize_t)x.n;
}

static void log_lost(uint32_t lines)
{
	out.dropped += lines;
	out.unsaid += lines;
}

static bool log_write_supervisor(struct bytes x)
{
	ssize_t n;

	do {
		n = send(out.to, x.p, x.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n >= 0;
}

/* Writes what is held; false if it does not go, and is lost. */
static bool log_write_held(void)
{
	struct bytes held = { kept, out.held };

	out.held = 0;
	out.held_lines = 0;
	return held.n == 0 || (out.to >= 0 ? log_write_supervisor(held) : log_write_stderr(held));
}

void log_flush(void)
{
	uint32_t lines = out.held_lines;

	if (!log_write_held())
		log_lost(lines);
}

static void log_flush_task(struct loop_task *t)
{
	(void)t;
	log_flush();
}

/*
 * Adds one line to what is held; written at once, at the end of the turn, or when all of a batch
 * has come.
 */
static bool log_hold(struct bytes line)
{
	if (out.held + line.n > sizeof(kept))
		log_flush();
	memcpy(kept + out.held, line.p, line.n);
	out.held += line.n;
	out.held_lines++;
	return out.batch || log_write_held();
}

void log_batch(bool on)
{
	log_flush();
	out.batch = on;
}

static bool log_pass(enum log_level level, struct bytes line)
{
	static const char *const word[] = { [LOG_LEVEL_ERROR] = " error: ",
		[LOG_LEVEL_WARNING] = " warning: ",
		[LOG_LEVEL_INFO] = " " };
	static char text[LOG_LINE + 64];
	struct fmt f;

	if (out.to < 0 && out.sink != LOG_SINK_STDERR)
		return syslog_line(level, line);
	fmt_init(&f, text, sizeof(text));
	if (out.to >= 0) {
		fmt_char(&f, (char)('0' + level));
		if (out.batch)
			loop_at_end(&out.flush, log_flush_task);
	} else {
		date_rfc3339(&f, clock_wall());
		fmt_str(&f, word[level]);
	}
	fmt_add(&f, "%.*s\n", SPAN(line));
	return log_hold(fmt_done(&f));
}

/* Says first how many were dropped. */
static bool log_catch_up(void)
{
	char text[80];
	struct fmt f;

	if (out.unsaid == 0)
		return true;
	fmt_init(&f, text, sizeof(text));
	fmt_add(&f, "log lines dropped: %u", out.unsaid);
	if (!log_pass(LOG_LEVEL_WARNING, fmt_done(&f)))
		return false;
	out.unsaid = 0;
	return true;
}

void log_line(enum log_level level, struct bytes line)
{
	line = bytes_first(line, LOG_LINE);
	if (log_catch_up() && log_pass(level, line))
		return;
	log_lost(1);
}

void log_put(enum log_level level, const char *format, ...)
{
	static char store[LOG_LINE + 1];
	struct fmt f;
	va_list args;

	fmt_init(&f, store, sizeof(store));
	va_start(args, format);
	fmt_put_list(&f, format, args);
	va_end(args);
	log_line(level, fmt_done(&f));
}

void log_text(enum log_level level, const char *text)
{
	log_put(level, "%s", text);
}

uint32_t log_dropped(void)
{
	uint32_t n = out.dropped;

	out.dropped = 0;
	return n;
}

static void log_relay_line(uint8_t *p, size_t n)
{
	unsigned level = p[0] - (unsigned)'0';

	for (size_t i = 1; i < n; i++) {
		if (p[i] < 32 || p[i] > 126)
			p[i] = '?';
	}
	log_line(level <= LOG_LEVEL_INFO ? (enum log_level)level : LOG_LEVEL_INFO,
	    (struct bytes){ p + 1, n - 1 });
}

static unsigned log_relay_message(uint8_t *p, size_t n)
{
	unsigned lines = 0;

	while (n > 0) {
		size_t end = bytes_find((struct bytes){ p, n }, '\n');

		if (end > 0)
			log_relay_line(p, end);
		lines++;
		if (end == n)
			break;
		p += end + 1;
		n -= end + 1;
	}
	return lines;
}

unsigned log_relay(int fd)
{
	static uint8_t text[LOG_MESSAGE];
	unsigned lines = 0;

	log_batch(out.sink == LOG_SINK_STDERR && out.to < 0);
	for (unsigned i = 0; i < LOG_BATCH; i++) {
		ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);

		if (n > 0)
			lines += log_relay_message(text, (size_t)n);
	}
	log_batch(false);
	return lines;
}
