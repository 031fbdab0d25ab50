/* SPDX-License-Identifier: ISC */
#include "io/tune.h"

#include "base/limits.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define TUNE_KEEP_IDLE 60 /* seconds without a segment before the first probe */
#define TUNE_KEEP_PAUSE 30
#define TUNE_KEEP_PROBES 4

static void tune(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value));
}

static void tune_stream(int fd, int buffer)
{
	tune(fd, SOL_SOCKET, SO_RCVBUF, buffer);
	tune(fd, SOL_SOCKET, SO_SNDBUF, buffer);
	tune(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	tune(fd, IPPROTO_TCP, TCP_KEEPIDLE, TUNE_KEEP_IDLE);
	tune(fd, IPPROTO_TCP, TCP_KEEPINTVL, TUNE_KEEP_PAUSE);
	tune(fd, IPPROTO_TCP, TCP_KEEPCNT, TUNE_KEEP_PROBES);
	tune(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void tune_listener(int fd)
{
	tune_stream(fd, TUNE_LAN_BUFFER);
}

void tune_gateway(int fd)
{
	tune_stream(fd, TUNE_GATEWAY_BUFFER);
}
