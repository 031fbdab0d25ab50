/* SPDX-License-Identifier: ISC */
/* What the files of TLS share, with the library behind it. Nobody else includes this. */
#ifndef IO_TLS_PART_H
#define IO_TLS_PART_H

#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include "base/digest.h"
#include "io/tls.h"
#include "io/tls_arena.h"

#include <mbedtls/ssl.h>

#define TLS_AHEAD 512u      /* octets read ahead: a record of a reply comes with one system call */
#define TLS_READS 64u       /* reads of the descriptor in one call, then the loop has its turn */
#define TLS_ODDITIES 100u   /* tickets and warnings of a peer in the life of a session */
#define TLS_TICKET_MAX 3072u /* a larger one is not kept: it must fit one record of ours again */

/* Octets of the heap for one session at the most: in its handshake, and with a ticket behind it. */
#define TLS_HEAP_SHAKING TLS_ARENA_SHAKING
#define TLS_HEAP_STANDING (TLS_ARENA_STANDING + TLS_TICKET_MAX)

/* What was found wrong with the peer's certificate. */
enum {
	TLS_BAD_TRUST = 1,
	TLS_BAD_EXPIRED = 2,
	TLS_BAD_FUTURE = 4,
	TLS_BAD_NAME = 8,
	TLS_BAD_HASH = 16,
	TLS_BAD_KEY = 32,
	TLS_BAD_USAGE = 64,
};

struct tls_check {
	bool seen;         /* there was a certificate: the session was not resumed */
	bool judged;
	bool leaf_pinned;
	bool verified;
	bool is_it;        /* the certificate is why it failed */
	uint8_t alert;     /* > 0: it is refused, and this is to be said */
	uint8_t bad;       /* TLS_BAD_*, of the whole chain */
	uint8_t looked;    /* how often for candidates */
	bool ca_date;      /* the date is that of a CA, not of the peer's own certificate */
	uint16_t year;     /* when it expired, or will be valid */
	uint8_t month, day;
	const mbedtls_x509_crt *sent; /* the chain, while it is verified */
};

struct tls {
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config conf;
	struct tls_client_how how;
	struct tls_check check;
	uint64_t wire_sent;
	int fd;
	int error;          /* of the descriptor: errno, or ECONNRESET at an end of the stream */
	uint32_t unsent;    /* octets of tls_write that the library took, but not the descriptor */
	unsigned id;        /* place, and owner in the arena */
	bool client;
	bool shaking, done, failed;
	bool closed;        /* the peer said close_notify */
	bool shut;          /* so did we */
	bool dry;           /* the descriptor had no more in this call */
	bool offered;       /* a session to resume */
	bool resumed;
	uint8_t reads;      /* of the descriptor in this call */
	uint8_t oddities;
	uint8_t nfirst;
	uint8_t first[12];  /* the first octets that came */
	uint16_t ahead, ahead_end;
	uint8_t ahead_mem[TLS_AHEAD];
	char why[TLS_WHY];
};

/* ---- tls_verify.c ---- */

/* Sets up the judging of the peer's certificate by t->how. */
void tls_verify_begin(struct tls *t);

/*
 * Behind a step of the handshake: where a certificate came that must be refused, sets t->why and
 * t->check.alert.
 */
void tls_verify_judge(struct tls *t);

/* ---- tls_words.c ---- */

/* Puts the library's error into words, t->why. */
void tls_explain(struct tls *t, int ret);

/* ---- tls_memory.c: sessions to resume ---- */

/* Offers what is remembered for t->how, if there is such a thing. */
void tls_memory_offer(struct tls *t);

/* Remembers the session, or the ticket that just came. */
void tls_memory_keep(struct tls *t);

/* The handshake failed with what was remembered. */
void tls_memory_drop(struct tls *t);

/* ---- tls_pair.c ---- */

/* The certificates and the key of a pair into a configuration: 0, or the library's error. */
int tls_pair_use(unsigned index, mbedtls_ssl_config *conf);

/* ---- tls_mbedtls.c ---- */

int tls_random(void *ctx, unsigned char *out, size_t n);

#endif
