/* SPDX-License-Identifier: ISC */
#include "mail/envelope.h"

#include "base/bug.h"

#define PREFIX 3 /* octets of a record before the path: length (high octet first), verdict */

const char *envelope_verdict_name(enum envelope_verdict verdict)
{
	static const char *const name[RCPT_VERDICTS] = {
		[RCPT_NEW] = "new",
		[RCPT_ACCEPTED] = "accepted",
		[RCPT_REFUSED] = "refused",
		[RCPT_DEFERRED] = "deferred",
		[RCPT_TAKEN] = "taken",
		[RCPT_KEPT] = "kept",
	};

	return (unsigned)verdict < RCPT_VERDICTS ? name[verdict] : "?";
}

void envelope_init(struct envelope *e)
{
	*e = (struct envelope){ 0 };
	blk_chain_init(&e->chain);
}

static bool add_record(struct blk_arena *a, struct envelope *e, struct bytes path)
{
	uint8_t prefix[PREFIX] = { (uint8_t)(path.n >> 8), (uint8_t)path.n, RCPT_NEW };

	if (path.n > LIMIT_PATH)
		gp_bug("envelope: path too long");
	if (PREFIX + path.n > blk_room(a, &e->chain))
		return false;
	return blk_append(a, &e->chain, (struct bytes){ prefix, PREFIX }) &&
	       blk_append(a, &e->chain, path);
}

bool envelope_sender(struct blk_arena *a, struct envelope *e, struct bytes path)
{
	if (e->chain.len > 0)
		gp_bug("envelope_sender: there is one");
	return add_record(a, e, path);
}

uint32_t envelope_add(struct blk_arena *a, struct envelope *e, struct bytes path)
{
	if (e->chain.len == 0)
		gp_bug("envelope_add: no sender yet");
	if (!add_record(a, e, path))
		return ENVELOPE_NONE;
	e->per[RCPT_NEW]++;
	return e->count++;
}

uint32_t envelope_count(const struct envelope *e)
{
	return e->count;
}

uint32_t envelope_count_of(const struct envelope *e, enum envelope_verdict verdict)
{
	return e->per[verdict];
}

/* Reads the record at cur->next. False at the end of the chain. */
static bool read_record(const struct blk_arena *a, const struct envelope *e,
    struct envelope_cursor *cur, uint8_t *path, size_t *n)
{
	uint8_t length[2], verdict;
	size_t len;

	if (blk_read(a, &e->chain, &cur->next, length, sizeof(length)) == 0)
		return false;
	cur->mark = cur->next;
	len = (size_t)(length[0] << 8 | length[1]);
	blk_read(a, &e->chain, &cur->next, &verdict, 1);
	cur->verdict = verdict;
	if (path) {
		*n = len;
		return blk_read(a, &e->chain, &cur->next, path, len) == len;
	}
	return blk_skip(a, &e->chain, &cur->next, len);
}

bool envelope_get_sender(
    const struct blk_arena *a, const struct envelope *e, uint8_t *path, size_t *n)
{
	struct envelope_cursor cur = { 0 };

	blk_cursor_init(&e->chain, &cur.next);
	return read_record(a, e, &cur, path, n);
}

void envelope_first(const struct envelope *e, struct envelope_cursor *cur)
{
	*cur = (struct envelope_cursor){ .index = ENVELOPE_NONE };
	blk_cursor_init(&e->chain, &cur->next);
}

bool envelope_next(const struct blk_arena *a, const struct envelope *e, struct envelope_cursor *cur,
    uint8_t *path, size_t *n)
{
	struct envelope_cursor next = *cur;

	if (cur->index == ENVELOPE_NONE && !read_record(a, e, &next, NULL, NULL))
		return false;
	if (!read_record(a, e, &next, path, n))
		return false;
	next.index = cur->index == ENVELOPE_NONE ? 0 : cur->index + 1;
	*cur = next;
	return true;
}

bool envelope_at(const struct blk_arena *a, const struct envelope *e, struct envelope_cursor *cur,
    uint32_t index, uint8_t *path, size_t *n)
{
	if (index >= e->count)
		return false;
	envelope_first(e, cur);
	while (cur->index == ENVELOPE_NONE || cur->index < index) {
		bool last = (cur->index == ENVELOPE_NONE ? 0 : cur->index + 1) == index;

		if (!envelope_next(a, e, cur, last ? path : NULL, n))
			gp_bug("envelope_at: fewer recipients than counted");
	}
	return true;
}

void envelope_set_verdict(struct blk_arena *a, struct envelope *e, struct envelope_cursor *cur,
    enum envelope_verdict verdict)
{
	if (cur->index == ENVELOPE_NONE || !blk_poke(a, &e->chain, &cur->mark, (uint8_t)verdict))
		gp_bug("envelope_set_verdict: on no recipient");
	e->per[cur->verdict]--;
	e->per[verdict]++;
	cur->verdict = verdict;
}

void envelope_free(struct blk_arena *a, struct envelope *e)
{
	blk_free(a, &e->chain);
	envelope_init(e);
}
