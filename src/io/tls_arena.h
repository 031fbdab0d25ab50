/* SPDX-License-Identifier: ISC */
/*
 * All memory of TLS, in .bss, untouched until used. The record buffers of a session have places of
 * their own; all else comes from one heap that joins what is given back with its neighbours. Each
 * block is charged to an owner, who may hold no more than it was given: no session can take what
 * another will need.
 */
#ifndef IO_TLS_ARENA_H
#define IO_TLS_ARENA_H

#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who pays. The sessions are 0 to CONFIG_TLS_SESSIONS - 1. */
enum {
	TLS_ARENA_PAIRS = CONFIG_TLS_SESSIONS, /* certificates and keys of this box */
	TLS_ARENA_MEMORY,                      /* sessions that may be resumed */
	TLS_ARENA_LIBRARY,                     /* what the library itself keeps */
	TLS_ARENA_OWNERS,
};

/*
 * Octets of a session in the heap: in its handshake, and once that is done; of a pair with its
 * chain; of a session that may be resumed. Measured by tests/unit/io_tls_memory.c.
 */
#define TLS_ARENA_SHAKING 40960u
#define TLS_ARENA_STANDING 8192u
#define TLS_ARENA_PAIR 12288u
#define TLS_ARENA_TICKET 1024u
#define TLS_ARENA_FIXED 16384u

struct tls_arena_use {
	uint32_t now, high; /* octets in the heap and in record buffers */
	bool failed;        /* was refused memory */
};

/* The library's allocator. Zeroed; NULL where the owner has had its share, or nothing is left. */
void *tls_arena_calloc(size_t count, size_t size);
void tls_arena_free(void *p);

/* From now on this owner pays, with `limit` octets of the heap at most. */
void tls_arena_charge(unsigned owner, uint32_t limit);

/* While on, what a session takes are its two record buffers and little else. */
void tls_arena_records(bool on);

/* What an owner has; high and failed begin anew. */
void tls_arena_begin(unsigned owner);
const struct tls_arena_use *tls_arena_use(unsigned owner);

/* All together: now and the most ever; what the largest free block would give. */
size_t tls_arena_now(void);
size_t tls_arena_most(void);
size_t tls_arena_largest(void);

#endif
