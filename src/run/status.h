/* SPDX-License-Identifier: ISC */
/*
 * What status says, in pieces that fit a fixed buffer. A time is written as STATUS_TIME, seconds
 * since 1970 in decimal, STATUS_TIME_END: whoever asked puts it into the local time of its user,
 * for which the engine has no files.
 */
#ifndef RUN_STATUS_H
#define RUN_STATUS_H

#include "base/fmt.h"
#include "run/engine.h"
#include "run/tee.h"

struct gateway;

#define STATUS_TIME     '\002'
#define STATUS_TIME_END '\003'

#define STATUS_PIECE  1536u /* room that any piece fits */
#define STATUS_REASON 800u

/* What is told of, fixed for one answer. */
struct status {
	const struct engine_args *args;
	uint64_t wall; /* seconds since 1970 */
	uint64_t ms;   /* monotonic */
	uint64_t pid;  /* of the supervisor */
	bool trouble;
	const struct disk_state *spool; /* all zero: not known yet, or there is none */
	unsigned delivering;            /* of the spool */
	uint64_t next_s;                /* to the next try; UINT64_MAX: none */
	char reason[STATUS_REASON]; /* the first line: why mail does not flow, or that it does */
};

/* Where an answer has got to; all zero at its beginning. */
struct status_walk {
	unsigned part, i, k;
};

/* Fills s: judges how things are now. */
void status_judge(struct status *s, const struct engine_args *args, uint64_t pid);

/* Writes the next piece (out is empty and has room for STATUS_PIECE); false behind the last. */
typedef bool status_fn(const struct status *s, struct status_walk *w, struct fmt *out);

status_fn status_text, status_json, status_prometheus;

/* Helpers of the three. */
void status_time(struct fmt *f, uint64_t wall);
/* " since …"; nothing where that is not known (0). */
void status_since(struct fmt *f, uint64_t wall);
/* "gateway …" */
void status_gateway(struct fmt *f, const struct gateway *g);
/* " (why)", or nothing where why is empty. why may be a phrase. */
void status_brackets(struct fmt *f, const char *why);
void status_listener(struct fmt *f, const struct engine_args *args, unsigned i);
/* What is wrong with the store, in words; "": nothing. */
const char *status_store(const struct status *s);
/* "off", "fallback", "always" */
const char *status_spool(const struct engine_args *args);
/* "999", "12k", "3m": octets, rounded up */
void status_size(struct fmt *f, uint64_t octets);
uint64_t status_uptime(const struct status *s);

#endif
