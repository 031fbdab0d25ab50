/* SPDX-License-Identifier: ISC */
/*
 * The control socket, on the engine's side. A client sends one line and gets one answer:
 *
 *     status text | json | prometheus    how it goes (run/status.h)
 *     learned HOST:PORT ok               `gatepost send` reached it: if it is down it is probed now
 *     learned HOST:PORT failed TEXT      `gatepost send` did not: only logged
 *     queue list [json]                  the mail that waits in the spool (run/queue.h)
 *     queue show [json] ID               one of them: envelope, marks, header
 *     queue flush [json] [ID]            it is due now; without ID all are
 *     queue remove [json] ID             it goes, and nobody gets a report
 *
 * The answer's first line is an exit status (0, 1, or one of sysexits.h), a blank and a word or a
 * message; then come the lines asked for, then a line with a lone dot: without it the answer was
 * cut short. Then the connection is closed. That it answers is the sign that the relay serves.
 *
 * Who may connect is a matter of the socket's mode; `learned`, show, flush and remove are for root
 * and the relay's own user.
 */
#ifndef RUN_CONTROL_H
#define RUN_CONTROL_H

#include "run/engine.h"

#define CONTROL_REQUEST 768u /* octets of a request, its line end included */
#define CONTROL_WAIT_MS 5000u /* without progress */
#define CONTROL_DEADLINES (2u * CONFIG_CONTROL_SESSIONS + 1u) /* of the loop that it needs */

/*
 * Listens on args->control (nothing to do where that is -1); args outlive the engine. The gateways
 * of the configuration are put into the table.
 */
void control_init(const struct engine_args *args);

/* Accepts no one any more: a new generation answers. Answers under way are finished. */
void control_stop(void);

/* Is an answer under way? */
bool control_is_busy(void);

#endif
