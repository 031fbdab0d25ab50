/* SPDX-License-Identifier: ISC */
/*
 * SASL towards a gateway (RFC 4422, RFC 4954): one exchange, as a function over bytes. PLAIN
 * (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), SCRAM-SHA-256 (RFC 7677, RFC 5802), XOAUTH2.
 */
#ifndef SMTP_SASL_H
#define SMTP_SASL_H

#include "base/buf.h"
#include "base/digest.h"

enum sasl_mechanism { /* bits: a set of them fits an octet */
	SASL_NONE = 0,
	SASL_PLAIN = 1,
	SASL_LOGIN = 2,
	SASL_CRAM_MD5 = 4,
	SASL_SCRAM_SHA_256 = 8,
	SASL_XOAUTH2 = 16,
};

#define SASL_NONCE 20u       /* octets of a nonce, printable ASCII without a comma */
#define SASL_TOKEN_MAX 8192u /* octets of a token or password */
#define SASL_ROUNDS 1024u    /* of PBKDF2 in one step */
#define SASL_ROUNDS_MAX 200000u /* a server that wants more fails */
#define SASL_LINE_MAX 512u   /* octets of the line of AUTH (RFC 4954 section 4), XOAUTH2 apart */
#define SASL_WRITE_ROOM 32u  /* octets of room with which sasl_write always gets on */

struct sasl_kind;

struct sasl {
	const struct sasl_kind *kind;
	uint8_t stage;     /* responses begun, the one on the line of AUTH counted */
	uint8_t part;      /* of the line that is written: enum in sasl.c */
	bool proved;       /* SCRAM: the server knows the password */
	struct bytes user, secret; /* the owner's; secret: password or token */
	size_t written;    /* octets of the present response that were encoded */
	const char *why;   /* of SASL_WRONG and of a false sasl_accept: a phrase */
	/* SCRAM */
	uint32_t rounds;   /* that are left */
	uint8_t u[DIGEST_SHA256], sum[DIGEST_SHA256];
	uint8_t proof[DIGEST_SHA256]; /* that the server has to show */
	uint16_t tail;     /* where in text the first message ends, then the last one begins */
	uint16_t text_n;
	char text[1024];   /* a response; SCRAM: all messages so far (its AuthMessage) */
};

/* Which mechanism that word (case does not matter) is, built in or not; SASL_NONE: none of ours. */
enum sasl_mechanism sasl_named(struct bytes word);
const char *sasl_name(enum sasl_mechanism m); /* "SCRAM-SHA-256"; "" for SASL_NONE */

/*
 * Those that are named in the words of an AUTH line (what stands behind the keyword): a set. Words
 * may be parted by blanks, `=` or commas.
 */
uint8_t sasl_offered(struct bytes words);

/* Those that are built in: a set. */
uint8_t sasl_built_in(void);

/*
 * The strongest of the set that is built in: XOAUTH2 alone where there is a token, else
 * SCRAM-SHA-256, CRAM-MD5, PLAIN, LOGIN. SASL_NONE: there is none.
 */
enum sasl_mechanism sasl_strongest(uint8_t offered, bool token);

/*
 * m: one that is built in. nonce: SASL_NONCE octets of the owner's randomness (SCRAM; else not
 * looked at). user and secret outlive s. The first response goes on the line of AUTH where that may
 * be and the line is not too long; XOAUTH2's always does, as its providers want it.
 *
 * Passwords and names beyond ASCII go as they are written (no SASLprep, RFC 4013).
 */
void sasl_init(struct sasl *s, enum sasl_mechanism m, struct bytes user, struct bytes secret,
    const char *nonce);

/* The mechanism of an exchange. */
enum sasl_mechanism sasl_of(const struct sasl *s);

enum sasl_event {
	SASL_WRITE,  /* sasl_write has something to say */
	SASL_WORK,   /* sasl_work, as often as it says so */
	SASL_WRONG,  /* the server's challenge makes no sense, or its proof is wrong: why */
};

/* Takes a challenge: the text of a 334, in base64. */
enum sasl_event sasl_challenge(struct sasl *s, struct bytes base64);

/* A slice of SCRAM's work. SASL_WORK: call again (in the next turn). */
enum sasl_event sasl_work(struct sasl *s);

/*
 * Appends what fits of "AUTH MECHANISM response CRLF" (the first time) or of the response to the
 * last challenge, in base64; true when all of it is in.
 */
bool sasl_write(struct sasl *s, struct buf *out);

/*
 * The server said yes: may it be believed? False for SCRAM without (or with a wrong) proof: why.
 * text: of its 235, which may hold SCRAM's last message in base64.
 */
bool sasl_accept(struct sasl *s, struct bytes text);

/* Wipes all secrets. */
void sasl_end(struct sasl *s);

#endif
