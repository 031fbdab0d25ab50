/* SPDX-License-Identifier: ISC */
/*
 * TLS over a connected, non-blocking descriptor (RFC 8446, RFC 5246; TLS 1.3 and 1.2 only). Only
 * tls_*.c and digest_mbedtls.c know the library behind it; tls_none.c is built in their place where
 * TLS is left out.
 *
 * All memory comes from one arena in .bss: for CONFIG_TLS_SESSIONS sessions that stand and
 * CONFIG_TLS_HANDSHAKES that are in their handshake. The last place for a handshake is only for
 * sessions towards gateways, so that no client of the LAN can keep mail from leaving.
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/fmt.h"
#include "base/inet.h"
#include "base/limits.h"
#include "io/ca_index.h"

#define TLS_WHY 200       /* octets of tls_why, NUL included */
#define TLS_PIN_SIZE 32   /* SHA-256 of a SubjectPublicKeyInfo */
#define TLS_NO_MEMORY (~0u)

struct tls;

enum tls_verify {
	TLS_VERIFY_NO,
	TLS_VERIFY_CA,
	TLS_VERIFY_HOST,
};

enum { TLS_1_2 = 1, TLS_1_3 = 2 }; /* versions: bits */

/* What a session towards a gateway wants. All that is pointed to outlives the session. */
struct tls_client_how {
	/*
	 * Whom the certificate must name: a host name (sent as SNI too) or an address without
	 * brackets. n = 0: no SNI, and TLS_VERIFY_HOST cannot succeed.
	 */
	struct bytes name;
	const struct ca_set *ca; /* NULL: there is none */
	const uint8_t (*pin)[TLS_PIN_SIZE];
	uint32_t pins;           /* > 0: DESIGN 3.6 "TLS_Pin", whatever verify says */
	uint8_t verify;          /* enum tls_verify */
	uint8_t versions;        /* TLS_1_2 | TLS_1_3 */
	/*
	 * The clock cannot be trusted: notBefore is not verified, notAfter against `now`, which is
	 * then the newest time that is known to have passed.
	 */
	bool clock_unset;
	uint64_t now;            /* seconds since 1970 */
	/*
	 * Which session is to be resumed, and where the new one is remembered: 0 to CONFIG_GATEWAYS
	 * - 1, or TLS_NO_MEMORY. One that was made under another name, verification, CA set or pins
	 * is forgotten.
	 */
	unsigned memory;
};

/*
 * Once in each process that uses TLS, before any other call and again behind a fork. False, and
 * why, where the library does not start.
 */
bool tls_init(struct fmt *why);

/* Is TLS built in? */
bool tls_is_there(void);

/* ---- certificates of this box ---- */

/*
 * Does the PEM chain (leaf first) hold a certificate, and does the PEM key fit it? RSA and EC, not
 * encrypted. key.p NULL: the chain alone. False: why, in words without a file's name. Leaves
 * nothing behind.
 */
bool tls_check_pair(struct bytes chain, struct bytes key, struct fmt *why);

/*
 * Makes the pair number `index` (0 to CONFIG_LISTENERS - 1) for tls_accept. The texts may go. Not
 * while a session uses the pair that had this number before.
 */
bool tls_load_pair(unsigned index, struct bytes chain, struct bytes key, struct fmt *why);

struct tls_wish {
	const struct bytes *name; /* DNS names and addresses; the first is the subject too */
	unsigned names;
	unsigned days;
	uint64_t from;            /* valid from then on, seconds since 1970 */
};

/*
 * A new EC P-256 key and a certificate for it, signed by itself. PEM texts, NUL-terminated, into
 * cert and key; false with why, also where they do not fit n octets.
 */
bool tls_make_pair(
    const struct tls_wish *w, char *cert, char *key, size_t n, struct fmt *why);

/* ---- sessions ---- */

/* May a session begin now, or must it wait for a place? */
bool tls_has_room(bool towards_gateway);

/* fn is called, by loop_at_end, when a place has become free. */
void tls_when_room(void (*fn)(void));

/*
 * A new session; NULL where there is no room. fd stays the caller's, who closes it after tls_end.
 * *how is copied.
 */
struct tls *tls_connect(int fd, const struct tls_client_how *how);
struct tls *tls_accept(int fd, unsigned pair);

enum tls_step {
	TLS_AGAIN,      /* a step is done: call again in the next turn of the loop */
	TLS_WANTS_READ, /* call again when the descriptor is readable */
	TLS_WANTS_WRITE,
	TLS_DONE,       /* octets may flow */
	TLS_FAILED,     /* tls_why() */
};

/* One step of the handshake. */
enum tls_step tls_handshake(struct tls *t);

/*
 * Octets read or written, > 0. 0 from tls_read: the peer has ended its sending (close_notify).
 * -EAGAIN; else -errno (-EPROTO: tls_why() tells). An end of the stream without close_notify is
 * -ECONNRESET. After -EAGAIN tls_write is called again with the same octets (more may follow them).
 */
int tls_read(struct tls *t, uint8_t *p, size_t n);
int tls_write(struct tls *t, const uint8_t *p, size_t n);

/* Are there octets inside that poll and epoll cannot see? */
bool tls_pending(const struct tls *t);

/* Octets that went into the descriptor since the session began. */
uint64_t tls_wire_sent(const struct tls *t);

/* Says that nothing more will be sent (close_notify), as far as the descriptor takes it. */
void tls_shut(struct tls *t);

/* Gives the session back. Says close_notify first unless abrupt. Wipes what it held. */
void tls_end(struct tls *t, bool abrupt);

/* ---- what became of it ---- */

/*
 * Why the handshake, or a read or write, failed: in words for a person, without the peer's name:
 * "its certificate expired 2026-01-03", "its certificate is for mail.example.net, not
 * smtp.example.com", "its certificate is signed by a CA that is not known", "it speaks no TLS that
 * TLS_Protocols allows". "" where it did not.
 */
const char *tls_why(const struct tls *t);

/* Was it the certificate? */
bool tls_is_certificate(const struct tls *t);

/* "TLSv1.3"; "" before the handshake is done. Was the session resumed? */
const char *tls_version(const struct tls *t);
bool tls_resumed(const struct tls *t);

/* Did it try to resume a session? Where it failed, that one is forgotten: another try may do. */
bool tls_tried_memory(const struct tls *t);

/* The oldest version that a client which failed had offered at best, "TLS 1.0"; "" if not known. */
const char *tls_offered(const struct tls *t);

/*
 * Is the peer's certificate one that was verified (CA or pin) as `how` wanted? With TLS_VERIFY_NO:
 * would it have been with TLS_VERIFY_HOST?
 */
bool tls_verified(const struct tls *t);

/* Sessions now, and the most octets of the arena that were ever in use. */
unsigned tls_count(void);
size_t tls_arena_high(void);

#endif
