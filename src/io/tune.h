/* SPDX-License-Identifier: ISC */
/* Options of our TCP sockets. */
#ifndef IO_TUNE_H
#define IO_TUNE_H

#include "base/limits.h"

#define TUNE_LAN_BUFFER (CONFIG_LAN_SOCKET_KIB * 1024)
#define TUNE_GATEWAY_BUFFER (CONFIG_GATEWAY_SOCKET_KIB * 1024)

/*
 * Buffers (towards the LAN of a listener: accepted sockets inherit all of it), no delay of small
 * segments, keepalive: a peer that is gone without a word is noticed within three minutes. Before
 * listen or connect. What the kernel does not grant is left.
 */
void tune_listener(int fd);
void tune_gateway(int fd);

#endif
