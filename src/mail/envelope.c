/* SPDX-License-Identifier: ISC */
#include "mail/envelope.h"

#include "base/bug.h"

#define PREFIX 3 /* octets of a record before the path: length (high octet first), verdict */

void envelope_init(struct envelope *e, struct blk_arena *arena)
{
	*e = (struct envelope){ .arena = arena };
	blk_chain_init(&e->chain);
}

static bool add_record(struct envelope *e, struct bytes path)
{
	uint8_t prefix[PREFIX] = { (uint8_t)(path.n >> 8), (uint8_t)path.n, RCPT_NEW };

	if (path.n > LIMIT_PATH)
		gp_bug("envelope: path too long");
	if (PREFIX + path.n > blk_room(e->arena, &e->chain))
		return false;
	return blk_append(e->arena, &e->chain, (struct bytes){ prefix, PREFIX }) &&
	       blk_append(e->arena, &e->chain, path);
}

bool envelope_sender(struct envelope *e, struct bytes path)
{
	if (e->chain.len > 0)
		gp_bug("envelope_sender: there is one");
	return add_record(e, path);
}

uint32_t envelope_add(struct envelope *e, struct bytes path)
{
	if (e->chain.len == 0)
		gp_bug("envelope_add: no sender yet");
	if (!add_record(e, path))
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

/* Reads the record at cur->next, its path to text if that is not NULL. False at the end. */
static bool read_record(const struct envelope *e, struct envelope_cursor *cur, uint8_t *text)
{
	uint8_t prefix[PREFIX];
	struct blk_cursor at = cur->next;
	size_t n;

	if (blk_read(e->arena, &e->chain, &at, prefix, 2) == 0)
		return false;
	cur->mark = at;
	n = (size_t)(prefix[0] << 8 | prefix[1]);
	blk_read(e->arena, &e->chain, &at, prefix, 1);
	cur->verdict = prefix[0];
	cur->path = (struct bytes){ text, n };
	if (text)
		blk_read(e->arena, &e->chain, &at, text, n);
	else
		blk_skip(e->arena, &e->chain, &at, n);
	cur->next = at;
	return true;
}

bool envelope_get_sender(const struct envelope *e, uint8_t *text, struct bytes *path)
{
	struct envelope_cursor cur = { 0 };
	bool found;

	blk_cursor_init(&e->chain, &cur.next);
	found = read_record(e, &cur, text);
	*path = cur.path;
	return found;
}

void envelope_first(const struct envelope *e, struct envelope_cursor *cur, uint8_t *text)
{
	*cur = (struct envelope_cursor){ .index = ENVELOPE_NONE, .text = text };
	blk_cursor_init(&e->chain, &cur->next);
}

bool envelope_next(const struct envelope *e, struct envelope_cursor *cur)
{
	struct envelope_cursor next = *cur;

	/* behind the sender, who is no recipient */
	if (cur->index == ENVELOPE_NONE && !read_record(e, &next, NULL))
		return false;
	if (!read_record(e, &next, cur->text))
		return false;
	next.index++; /* ENVELOPE_NONE + 1 is 0 */
	*cur = next;
	return true;
}

bool envelope_at(
    const struct envelope *e, struct envelope_cursor *cur, uint32_t index, uint8_t *text)
{
	if (index >= e->count)
		return false;
	envelope_first(e, cur, NULL);
	while (cur->index != index) {
		cur->text = cur->index + 1 == index ? text
						    : NULL; /* those before are passed over */
		if (!envelope_next(e, cur))
			gp_bug("envelope_at: fewer recipients than counted");
	}
	return true;
}

void envelope_set_verdict(
    struct envelope *e, struct envelope_cursor *cur, enum envelope_verdict verdict)
{
	if (cur->index == ENVELOPE_NONE ||
	    !blk_poke(e->arena, &e->chain, &cur->mark, (uint8_t)verdict))
		gp_bug("envelope_set_verdict: on no recipient");
	e->per[cur->verdict]--;
	e->per[verdict]++;
	cur->verdict = verdict;
}

void envelope_change(struct envelope *e, enum envelope_verdict from, enum envelope_verdict to)
{
	struct envelope_cursor cur;

	envelope_first(e, &cur, NULL);
	while (envelope_next(e, &cur))
		if (cur.verdict == from)
			envelope_set_verdict(e, &cur, to);
}

void envelope_free(struct envelope *e)
{
	blk_free(e->arena, &e->chain);
	envelope_init(e, e->arena);
}
