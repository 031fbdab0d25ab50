/* SPDX-License-Identifier: ISC */
/*
 * A non-blocking stream: descriptor, input and output buffers, perhaps TLS between them. It only
 * moves octets; its owner decides.
 */
#ifndef IO_CONN_H
#define IO_CONN_H

#include "base/buf.h"
#include "io/loop.h"
#include "io/tls.h"

struct conn {
	struct watch watch;
	struct buf in, out;
	/* the peer has ended its sending; what is in `in` may still be worked through */
	bool eof;
	/*
	 * reset, or a write failed: nothing more goes; what came before can still be read, up to
	 * eof
	 */
	bool lost;
	bool blocked;  /* the last write did not take all */
	bool drained;  /* the last read took all there was */
	/* epoll said that the peer has ended its sending; eof follows once all is read */
	bool hangup;
	bool shaking;  /* the handshake of tls is under way: nothing else goes */
	uint8_t step;  /* enum tls_step of its last step */
	int error;     /* errno where lost, else 0 */
	struct tls *tls; /* NULL: in clear */
	struct loop_task again; /* there is more to do than epoll knows */
	uint64_t received, sent; /* octets */
};

/*
 * fd: connected, non-blocking, becomes the conn's. The buffers are set up (buf_init) by the owner
 * before or after. 0 or -errno (fd is then still the caller's).
 */
int conn_open(struct conn *c, int fd, watch_fn *fn);

/* Calls the watch function at the end of this turn, or in the next, as if octets had come. */
void conn_again(struct conn *c);

/*
 * From now on all goes through t, which becomes c's; its handshake is to be done first. `in` has to
 * be empty: what lies there came in clear.
 */
void conn_secure(struct conn *c, struct tls *t);

/*
 * One step of the handshake, whenever the owner's watch function is called while `shaking` (events
 * may be 0: the next step is due). TLS_FAILED: tls_why(c->tls) tells, until conn_close. Rearms.
 */
enum tls_step conn_shake(struct conn *c);

/* Reads once, as far as `in` has room. Sets eof, lost. Returns octets read. */
size_t conn_fill(struct conn *c);

/* Writes what is in `out`; what is not taken stays. Sets lost, blocked. Returns octets written. */
size_t conn_flush(struct conn *c);

/*
 * Once at the end of a turn: interest in reading where `in` has room and no eof was seen and
 * want_in; in writing where blocked. The end of the peer's sending (EPOLLRDHUP) is watched until
 * seen. Octets that TLS has read already make the watch function be called as if they came then.
 */
void conn_rearm(struct conn *c, bool want_in);

/*
 * Takes over what epoll reported beside readiness: EPOLLERR and EPOLLHUP make it lost, after what
 * came before them was read as far as `in` has room.
 */
void conn_events(struct conn *c, uint32_t events);

/*
 * Octets of what was sent (with TLS: of what TLS made of it) that have left this machine's kernel:
 * the peer's has them. A write may find no room for long while this grows.
 */
uint64_t conn_taken(const struct conn *c);

/*
 * Acknowledges at once what was read: the peer may hold back the rest of its answer until then
 * (Nagle's algorithm at its end), and we have nothing to send meanwhile.
 */
void conn_acknowledge(struct conn *c);

/* Ends our sending, the peer's goes on. */
void conn_shut(struct conn *c);

/* Closes. With reset = true so that the peer learns at once (RST), unsent octets dropped. */
void conn_close(struct conn *c, bool reset);
/*
 * Behind the peer's end of sending: has it closed altogether, so that what we wrote came back as a
 * reset? (An instant's answer: over a network it may be late.)
 */
bool conn_is_reset(struct conn *c);
bool conn_is_open(const struct conn *c);

#endif
