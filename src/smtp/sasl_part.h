/* SPDX-License-Identifier: ISC */
/* What a mechanism is to sasl.c: sasl_cram.c and sasl_scram.c are built only where wanted. */
#ifndef SMTP_SASL_PART_H
#define SMTP_SASL_PART_H

#include "smtp/sasl.h"

#define SASL_PIECES 5        /* that a response is put together from */
#define SASL_CHALLENGE 600u  /* octets of a challenge: what a struct reply keeps of a 334 */

struct sasl_kind {
	const char *name;
	uint8_t mechanism;  /* enum sasl_mechanism */
	uint8_t responses;  /* a challenge beyond so many makes no sense */
	bool speaks_first;  /* the first response needs no challenge */

	/* Optional, at the beginning. False: it cannot be done, why. */
	bool (*begin)(struct sasl *s, const char *nonce);

	/* Optional: takes the challenge (base64) before response s->stage. */
	enum sasl_event (*challenge)(struct sasl *s, struct bytes base64);
	enum sasl_event (*work)(struct sasl *s);      /* only after SASL_WORK */
	bool (*accept)(struct sasl *s, struct bytes text); /* optional */

	/* The pieces of response s->stage (from 1 on); all zero before. */
	void (*response)(const struct sasl *s, struct bytes piece[SASL_PIECES]);
};

extern const struct sasl_kind sasl_cram, sasl_scram;

/* SASL_WRONG, and why. */
enum sasl_event sasl_wrong(struct sasl *s, const char *why);

#endif
