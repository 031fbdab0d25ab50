/* SPDX-License-Identifier: ISC */
/* Between queue.c (what is asked, and of which entry) and queue_print.c (how it is told). */
#ifndef RUN_QUEUE_PART_H
#define RUN_QUEUE_PART_H

#include "run/queue.h"

enum queue_what { QUEUE_LIST, QUEUE_SHOW, QUEUE_FLUSH, QUEUE_REMOVE, QUEUE_FLUSH_ALL };

/* ---- list ---- */

void queue_print_begin(struct queue_ask *q, struct fmt *f);
/* The entry of q->look, and of q->tee where q->opened. False: there is more of it. */
bool queue_print_entry(struct queue_ask *q, struct fmt *f);
void queue_print_end(struct queue_ask *q, struct fmt *f);

/* ---- show ---- */

/* What is known without its file. */
void queue_print_head(struct queue_ask *q, struct fmt *f);
/*
 * One event of its file: what stands in q->left and is used up piece by piece. mark: of a
 * recipient. False: there is more of it.
 */
bool queue_print_event(struct queue_ask *q, enum record_event ev, uint8_t mark, struct fmt *f);
void queue_print_tail(struct queue_ask *q, struct fmt *f);

#endif
