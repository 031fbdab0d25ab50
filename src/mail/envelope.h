/* SPDX-License-Identifier: ISC */
/*
 * The envelope of one mail: reverse-path, then forward-paths with a verdict each, on a block
 * chain.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include "base/blk.h"
#include "base/limits.h"

#define ENVELOPE_NONE UINT32_MAX

/* What has become of a recipient. The values are written to disk: append, never renumber. */
enum envelope_verdict {
	RCPT_NEW,      /* not asked yet */
	RCPT_ACCEPTED, /* the gateway said 2xx to its RCPT */
	RCPT_REFUSED,  /* refused to the client's face */
	RCPT_DEFERRED, /* put off by the gateway with 4xx */
	RCPT_TAKEN,    /* the gateway has the mail for it */
	RCPT_KEPT      /* the spool has the mail for it */
};

#define RCPT_VERDICTS (RCPT_KEPT + 1)

struct envelope {
	struct blk_arena *arena;
	struct blk_chain chain; /* records: length, verdict, path; the sender's comes first */
	uint32_t count;         /* recipients */
	uint32_t per[RCPT_VERDICTS];
	bool utf8; /* SMTPUTF8 was asked for; the owner's to set */
};

/* One recipient after the other; recipients may be added meanwhile. */
struct envelope_cursor {
	struct blk_cursor next;
	struct blk_cursor mark; /* the verdict of the recipient last given */
	uint32_t index;         /* of that recipient, from 0; ENVELOPE_NONE before the first */
	enum envelope_verdict verdict;
	struct bytes path; /* where it was asked for: in `text` */
	uint8_t *text;
};

/* Empty; nothing is taken from the arena. */
void envelope_init(struct envelope *e, struct blk_arena *arena);

/*
 * Begins the envelope with the reverse-path (at most LIMIT_PATH octets, brackets and all, as the
 * owner wants to see it again; "<>" is the null sender). Once, before the first recipient. False,
 * and nothing changed, if the arena has no room.
 */
bool envelope_sender(struct envelope *e, struct bytes path);

/* Appends a recipient as RCPT_NEW; its index, or ENVELOPE_NONE if the arena has no room. */
uint32_t envelope_add(struct envelope *e, struct bytes path);

uint32_t envelope_count(const struct envelope *e);
uint32_t envelope_count_of(const struct envelope *e, enum envelope_verdict verdict);

/* Copies the reverse-path to text (LIMIT_PATH octets); *path is that. False: there is none. */
bool envelope_get_sender(const struct envelope *e, uint8_t *text, struct bytes *path);

/*
 * Before the first recipient. text: LIMIT_PATH octets to which the path of each is copied, or NULL
 * where it is not wanted.
 */
void envelope_first(const struct envelope *e, struct envelope_cursor *cur, uint8_t *text);

/*
 * Goes to the next recipient, filling cur's index, verdict and path. False at the end, where cur
 * stays: a recipient that is added then is the next one.
 */
bool envelope_next(const struct envelope *e, struct envelope_cursor *cur);

/* Puts cur on recipient index; text as above. False: no such. */
bool envelope_at(
    const struct envelope *e, struct envelope_cursor *cur, uint32_t index, uint8_t *text);

/* Changes the verdict of the recipient that cur gave last. */
void envelope_set_verdict(
    struct envelope *e, struct envelope_cursor *cur, enum envelope_verdict verdict);

/* The same for all that have the verdict `from`. */
void envelope_change(struct envelope *e, enum envelope_verdict from, enum envelope_verdict to);

/* Gives the blocks back; e is as after envelope_init. */
void envelope_free(struct envelope *e);

#endif
