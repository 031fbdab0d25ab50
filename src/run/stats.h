/* SPDX-License-Identifier: ISC */
/* Counters of the engine since its start; read by the control socket. */
#ifndef RUN_STATS_H
#define RUN_STATS_H

#include "base/bytes.h"

struct stats {
	uint64_t started_wall;       /* seconds since 1970 */
	uint64_t sessions_total;     /* clients accepted */
	uint64_t sessions_refused;   /* with 421: pool empty or per-address limits */
	uint32_t sessions_now;
	uint64_t mails_sent, mails_refused, mails_queued; /* as the log's mail line counts them */
	uint64_t recipients_sent, recipients_refused;
	uint64_t octets_sent;        /* content of mails sent */
	uint64_t gateway_connections_total;
	uint32_t gateway_connections_now;
	uint32_t sessions_high;
};

extern struct stats stats;

#endif
