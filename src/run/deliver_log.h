/* SPDX-License-Identifier: ISC */
/* The log lines of deliveries, and what gateways said to those that were refused. */
#ifndef RUN_DELIVER_LOG_H
#define RUN_DELIVER_LOG_H

#include "run/outbound.h"
#include "spool/record.h"

enum delivery_status { DELIVERY_SENT, DELIVERY_DEFERRED, DELIVERY_BOUNCED };

/* One attempt. */
struct delivery_line {
	const char *id; /* as text */
	const struct envelope *envelope;
	uint32_t first;      /* index of the first recipient of this attempt … */
	uint32_t recipients; /* … and how many there are */
	const struct leg *leg;
	uint64_t delay_ms; /* since it came, or since the attempt began */
	uint32_t tries;
	uint8_t status; /* enum delivery_status */
	struct bytes reply;
};

void delivery_log(const struct delivery_line *l);

/*
 * What the gateway said of a mail whose mark says that it failed: kept for the report that the
 * queue makes of it, as long as there is room. NULL: nothing of that mail.
 */
struct delivery_note {
	uint8_t id[RECORD_ID];
	bool used;
	char remote[LIMIT_HOSTNAME + 1];
	struct reply reply;
};

void delivery_note(const uint8_t id[RECORD_ID], const struct gateway *g, const struct reply *r);
const struct delivery_note *delivery_noted(const uint8_t id[RECORD_ID]);
void delivery_forget(const uint8_t id[RECORD_ID]);

#endif
