/* SPDX-License-Identifier: ISC */
/* Lines to a syslogd on this machine or elsewhere. Never waits. */
#ifndef IO_SYSLOG_H
#define IO_SYSLOG_H

#include "io/log.h"

/*
 * server NULL: the local syslogd at path (/dev/log), without a time: it has a clock of its own.
 * Else by UDP (RFC 5426) in the form of RFC 5424. What could not be opened is tried again with a
 * later line, once a second.
 */
void syslog_begin(const struct inet_addr *server, const char *path, const char *hostname);

/* One line; false where it could not be handed over. */
bool syslog_line(enum log_level level, struct bytes line);

#endif
