/* SPDX-License-Identifier: ISC */
/* Messages of the domain name system (RFC 1035 section 4): a question, and what an answer holds. */
#ifndef BASE_DNS_H
#define BASE_DNS_H

#include "base/bytes.h"

#define DNS_NAME 256     /* a name as text, NUL included */
#define DNS_QUESTION 271 /* the longest question */

enum dns_type {
	DNS_A = 1,
	DNS_MX = 15,
	DNS_AAAA = 28,
};

/*
 * The message that asks for the records of one type that name has (labels with dots between them,
 * one more dot at the end allowed). Its length; 0 where name cannot be one.
 */
size_t dns_ask(uint8_t out[DNS_QUESTION], uint16_t id, struct bytes name, enum dns_type type);

enum dns_verdict {
	DNS_ALIEN,   /* no answer to this question */
	DNS_CUT,     /* an answer that did not fit: ask by TCP */
	DNS_ANSWER,  /* there may be records in it */
	DNS_NO_NAME, /* the name does not exist */
	DNS_REFUSED, /* the server cannot or will not tell */
};

/* What kind of answer to question (of dns_ask) message is. */
enum dns_verdict dns_judge(struct bytes message, struct bytes question);

/* The records of the answer section. */
struct dns_records {
	struct bytes message;
	size_t at;
	unsigned left;
};

struct dns_record {
	unsigned type;
	struct bytes data;
	size_t at; /* of data in the message */
};

void dns_records(struct dns_records *r, struct bytes message);

/* The next one of class IN. False behind the last, and where the message is broken. */
bool dns_next(struct dns_records *r, struct dns_record *out);

/*
 * The name at that place of the message, compressed or not, without a dot at its end ("" is the
 * root). False where it is broken, points forward or holds what no host name has.
 */
bool dns_name(struct bytes message, size_t at, char out[DNS_NAME]);

#endif
