/* SPDX-License-Identifier: ISC */
/*
 * Log lines. Within `run` the engine and the helpers send them to the supervisor as datagrams and
 * never wait; a line that does not go is counted, and the count is logged as soon as lines go
 * again.
 */
#ifndef IO_LOG_H
#define IO_LOG_H

#include "base/fmt.h"
#include "base/inet.h"

#define LOG_LINE 1600 /* octets of a line at the most */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

/*
 * Where lines of this process go from now on: a datagram or seqpacket socket to the supervisor
 * (-1: stderr).
 */
void log_to(int fd);

/* One line without its end; escaped by whoever built it. */
void log_line(enum log_level level, struct bytes line);
void log_text(enum log_level level, const char *text);

/* The same from a format, see fmt_add. Text from the network is escaped before. */
#define log_add(level, ...) log_put(level, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 2, 3))) void log_put(enum log_level level, const char *format, ...);

/*
 * A process with a loop may let its lines wait for the end of the turn, and go together. log_flush:
 * now (before the process ends).
 */
void log_batch(bool on);
void log_flush(void);

/* Lines that could not be handed over since the last call. */
uint32_t log_dropped(void);

/*
 * For the supervisor, which writes. Control characters and octets above 126 come out as `?`;
 * nothing here ever waits for who reads.
 */
enum log_sink {
	LOG_SINK_STDERR, /* "2026-11-25T14:54:09Z warning: …" */
	LOG_SINK_SYSLOG, /* /dev/log, found again when syslogd was restarted */
	LOG_SINK_REMOTE, /* a syslog server by UDP */
};

/*
 * server: for LOG_SINK_REMOTE, with port; hostname: the name the box has there. May be called
 * again.
 */
void log_open(enum log_sink sink, const struct inet_addr *server, const char *hostname);

/*
 * Passes on the lines that wait at the supervisor's end of the socket, a bounded number at one
 * time; returns how many.
 */
unsigned log_relay(int fd);

#endif
