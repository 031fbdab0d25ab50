/* SPDX-License-Identifier: ISC */
/*
 * Connecting along a list of addresses: in order, and while another one remains, an attempt that
 * is not up after 3 s gets company (after RFC 8305).
 */
#ifndef IO_DIAL_H
#define IO_DIAL_H

#include "base/inet.h"
#include "io/loop.h"

#define DIAL_PARALLEL 4
#define DIAL_COMPANY_MS 3000

/* Beside the errno values, a link-local address without a zone: */
#define DIAL_NO_ZONE 100001   /* no interface that it could mean */
#define DIAL_AMBIGUOUS 100002 /* more than one */

struct dial;

/* One address failed: err is a positive errno (ETIMEDOUT after connect_ms) or one of the above. */
typedef void dial_failed_fn(struct dial *d, unsigned index, int err);
/*
 * The first to connect won (fd is the receiver's, non-blocking, buffers set), or, with fd -1, no
 * address is left.
 */
typedef void dial_done_fn(struct dial *d, int fd, unsigned index);

struct dial_attempt {
	struct watch watch;
	struct deadline limit;
	int err; /* it failed at once; told when limit runs out, which is now */
	bool busy;
	uint8_t index;
	struct dial *dial;
};

struct dial {
	const struct inet_addr *addr;   /* with ports; owner's, unchanged meanwhile */
	uint8_t n, next;
	/*
	 * NULL, or the address to bind to (port 0); families that differ: that address fails with
	 * EAFNOSUPPORT
	 */
	const struct inet_addr *source;
	uint32_t connect_ms;            /* per address */
	dial_failed_fn *failed;
	dial_done_fn *done;
	struct deadline company;
	uint32_t serial;                /* of dial_start and dial_stop */
	struct dial_attempt attempt[DIAL_PARALLEL];
};

/*
 * Fields up to `done` are set by the caller (next is set to 0 here), the rest is all zero before
 * the first use. Deadlines: 1 + DIAL_PARALLEL for each struct. The callbacks never run from inside
 * dial_start; both may call dial_stop or start another dial of the same struct. With n = 0 it
 * fails at once.
 */
void dial_start(struct dial *d);

/* Ends all attempts; no callback. Harmless when none is under way. */
void dial_stop(struct dial *d);

/* What went wrong, in words: "connection refused", "no answer". */
const char *dial_error(int err);

/* Was it this box that had no descriptor or memory left? It says nothing about the address. */
bool dial_is_starved(int err);

#endif
