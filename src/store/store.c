/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "base/crc32.h"
#include "store/number.h"

#include <string.h>

#define PIECE 512u /* octets that are looked at together */

#define VERSION_AT  8u
#define SEQUENCE_AT 12u
#define TIME_AT     16u
#define LENGTH_AT   24u
#define SUM_AT      28u
#define OWN_SUM_AT  60u

#define KNOWN SEQUENCE_AT /* octets at the beginning that every header of this version has */

static const uint8_t known[KNOWN] = { 'G', 'a', 't', 'e', 'K', 'e', 'e', 'p', 0, 0, 0,
	STORE_VERSION };

static uint32_t at_of(const struct store *s, uint32_t slot)
{
	return slot * s->slot;
}

static uint32_t up_to(uint32_t n, uint32_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static int read_at(const struct store *s, uint32_t at, void *to, size_t n)
{
	return s->flash.port->read(s->flash.self, at, to, n);
}

/* ---- looking ---- */

/* The sum of n octets from at on. */
static int sum_of(const struct store *s, uint32_t at, uint32_t n, uint32_t *sum)
{
	uint8_t piece[PIECE];
	int cause = 0;

	*sum = 0;
	while (n > 0 && cause == 0) {
		uint32_t k = n < PIECE ? n : PIECE;

		cause = read_at(s, at, piece, k);
		*sum = crc32_add(*sum, (struct bytes){ piece, k });
		at += k;
		n -= k;
	}
	return cause;
}

static bool is_header(const uint8_t h[STORE_HEADER])
{
	return memcmp(h, known, VERSION_AT) == 0 &&
	       number_get(h + OWN_SUM_AT) == crc32_add(0, (struct bytes){ h, OWN_SUM_AT });
}

/* Looks at slot i; 0, or why it cannot be read. */
static int look(const struct store *s, uint32_t i, struct store_slot *v)
{
	uint8_t h[STORE_HEADER];
	int cause = read_at(s, at_of(s, i), h, sizeof(h));
	uint32_t sum;

	memset(v, 0, sizeof(*v));
	v->state = cause != 0 ? STORE_SLOT_UNREAD : STORE_SLOT_NONE;
	if (cause != 0 || !is_header(h))
		return cause;
	v->version = number_get(h + VERSION_AT);
	v->state = STORE_SLOT_NEWER;
	if (v->version > STORE_VERSION)
		return 0;
	v->state = STORE_SLOT_DAMAGED;
	v->sequence = number_get(h + SEQUENCE_AT);
	v->written = (uint64_t)number_get(h + TIME_AT) << 32 | number_get(h + TIME_AT + 4);
	v->n = number_get(h + LENGTH_AT);
	v->sum = number_get(h + SUM_AT);
	if (v->n > s->room || v->sequence == 0)
		return 0;
	cause = sum_of(s, at_of(s, i) + STORE_HEADER, v->n, &sum);
	if (cause == 0 && sum == v->sum)
		v->state = STORE_SLOT_WHOLE;
	return cause;
}

void store_slot(const struct store *s, uint32_t i, struct store_slot *out)
{
	(void)look(s, i, out);
}

/* Does x hold nothing but ones and nothing but zeros in each octet? */
static bool is_blank(const uint8_t *x, uint32_t n)
{
	while (n > 0 && (x[n - 1] == 0xff || x[n - 1] == 0))
		n--;
	return n == 0;
}

/* A header that was being programmed when the power went: bits only fall. */
static bool is_begun(const uint8_t *h)
{
	for (unsigned i = 0; i < KNOWN; i++) {
		if ((h[i] & known[i]) != known[i])
			return false;
	}
	return true;
}

/* Is there nothing in slot i, but for the beginnings of a first header? */
static bool is_unused(struct store *s, uint32_t i)
{
	uint8_t piece[PIECE];

	for (uint32_t at = 0; at < s->slot; at += PIECE) {
		uint32_t skip = 0;
		int cause = read_at(s, at_of(s, i) + at, piece, PIECE);

		if (cause != 0) {
			s->cause = cause;
			return false;
		}
		if (at == 0 && is_begun(piece))
			skip = STORE_HEADER;
		if (!is_blank(piece + skip, PIECE - skip))
			return false;
	}
	return true;
}

/* No slot has a bundle: may one be written? Not where one had. */
static enum store_status look_whether_blank(struct store *s)
{
	s->cause = 0;
	if (s->damaged)
		return STORE_FOREIGN;
	for (uint32_t i = 0; i < s->slots; i++) {
		if (!is_unused(s, i))
			return s->cause != 0 ? STORE_UNREAD : STORE_FOREIGN;
	}
	return STORE_BLANK;
}

/* False where it is too small. */
static bool divide(struct store *s)
{
	const struct flash *f = &s->flash;

	if (f->block == 0 || f->block % PIECE != 0 || f->block > f->size / 2)
		return false;
	s->slot = up_to(STORE_SLOT, f->block);
	if (f->size / s->slot < 2)
		s->slot = f->size / 2 / f->block * f->block;
	s->slots = f->size / s->slot < STORE_SLOTS ? f->size / s->slot : STORE_SLOTS;
	s->room = s->slot - STORE_HEADER < BUNDLE_MAX ? s->slot - STORE_HEADER : BUNDLE_MAX;
	s->room = s->room / FLASH_UNIT * FLASH_UNIT;
	return s->room >= STORE_LEAST;
}

/* Goes through all slots for the newest bundle. */
static void survey(struct store *s)
{
	uint32_t newest = 0;
	struct store_slot v;

	s->newest = STORE_NO_SLOT;
	s->sequence = 0;
	s->newer = s->damaged = s->unread = false;
	for (uint32_t i = 0; i < s->slots; i++) {
		int cause = look(s, i, &v);

		if (cause != 0)
			s->cause = cause;
		if (v.sequence > s->sequence)
			s->sequence = v.sequence;
		s->newer |= v.state == STORE_SLOT_NEWER;
		s->unread |= cause != 0;
		if (v.state == STORE_SLOT_WHOLE && v.sequence > newest) {
			newest = v.sequence;
			s->newest = i;
		}
	}
	s->damaged = s->sequence > newest;
}

enum store_status store_open(struct store *s, struct flash flash)
{
	memset(s, 0, sizeof(*s));
	s->flash = flash;
	s->newest = STORE_NO_SLOT;
	if (!divide(s))
		return STORE_SMALL;
	survey(s);
	if (s->newest != STORE_NO_SLOT)
		return STORE_OK;
	return s->newer ? STORE_NEWER : look_whether_blank(s);
}

enum store_status store_load(struct store *s, struct bundle *b)
{
	struct store_slot v;

	b->n = 0;
	if (s->newest == STORE_NO_SLOT)
		return STORE_OK;
	s->cause = look(s, s->newest, &v);
	if (s->cause == 0 && v.state == STORE_SLOT_WHOLE)
		s->cause = read_at(s, at_of(s, s->newest) + STORE_HEADER, b->mem, v.n);
	if (s->cause != 0)
		return STORE_UNREAD;
	if (v.state != STORE_SLOT_WHOLE || crc32_add(0, (struct bytes){ b->mem, v.n }) != v.sum ||
	    !bundle_is_whole((struct bytes){ b->mem, v.n }))
		return STORE_FOREIGN;
	b->n = v.n;
	return STORE_OK;
}

/* ---- writing ---- */

/* Is that what was programmed there? */
static bool reads_back(struct store *s, uint32_t at, struct bytes x)
{
	uint8_t piece[PIECE];

	while (x.n > 0) {
		struct bytes k = bytes_first(x, PIECE);

		s->cause = read_at(s, at, piece, k.n);
		if (s->cause != 0 || memcmp(piece, k.p, k.n) != 0)
			return false;
		at += (uint32_t)k.n;
		x = bytes_skip(x, k.n);
	}
	return true;
}

bool store_holds(struct store *s, const struct bundle *b)
{
	struct store_slot v;

	if (s->newest == STORE_NO_SLOT || s->damaged || look(s, s->newest, &v) != 0)
		return false;
	return v.state == STORE_SLOT_WHOLE && v.n == b->n &&
	       reads_back(s, at_of(s, s->newest) + STORE_HEADER, bundle_bytes(b));
}

/* The first n octets of slot i, and what else is in their blocks. */
static bool erase(struct store *s, uint32_t i, uint32_t n)
{
	s->cause = s->flash.port->erase(s->flash.self, at_of(s, i), up_to(n, s->flash.block));
	return s->cause == 0;
}

static bool program(struct store *s, uint32_t at, struct bytes x)
{
	s->cause = s->flash.port->program(s->flash.self, at, x);
	return s->cause == 0 && reads_back(s, at, x);
}

static void make_header(uint8_t h[STORE_HEADER], struct bytes x, uint32_t sequence, uint64_t now)
{
	memset(h, 0, STORE_HEADER);
	memcpy(h, known, KNOWN);
	number_put(h + SEQUENCE_AT, sequence);
	number_put(h + TIME_AT, (uint32_t)(now >> 32));
	number_put(h + TIME_AT + 4, (uint32_t)now);
	number_put(h + LENGTH_AT, (uint32_t)x.n);
	number_put(h + SUM_AT, crc32_add(0, x));
	number_put(h + OWN_SUM_AT, crc32_add(0, (struct bytes){ h, OWN_SUM_AT }));
}

/* Into slot i, which was erased. The octets behind x up to a whole unit are there to be written. */
static bool fill(struct store *s, uint32_t i, struct bytes x, uint64_t now)
{
	struct bytes padded = { x.p, up_to((uint32_t)x.n, FLASH_UNIT) };
	uint8_t h[STORE_HEADER];

	make_header(h, x, ++s->sequence, now);
	if (x.n > 0 && !program(s, at_of(s, i) + STORE_HEADER, padded))
		return false;
	if (!program(s, at_of(s, i), (struct bytes){ h, sizeof(h) }))
		return false;
	s->newest = i;
	return true;
}

/*
 * The first header ever, of an empty bundle: whatever becomes of the bundle that follows, this is a
 * store from then on. Where a slot reads as erased it is not erased: a power cut meanwhile would
 * leave what nobody knows for a blank medium.
 */
static bool begin(struct store *s, uint64_t now)
{
	static const struct bytes nothing;
	uint8_t h[STORE_HEADER], ones[STORE_HEADER];
	uint32_t first = 0;

	memset(ones, 0xff, sizeof(ones));
	while (first < s->slots && (read_at(s, at_of(s, first), h, sizeof(h)) != 0 ||
				       memcmp(h, ones, sizeof(h)) != 0))
		first++;
	if (first < s->slots && fill(s, first, nothing, now))
		return true;
	for (uint32_t i = 0; i < s->slots; i++) {
		if (erase(s, i, STORE_HEADER) && fill(s, i, nothing, now))
			return true;
	}
	return false;
}

/* Into one of the slots behind the newest; at least `reach` octets of it are erased. */
static enum store_status rotate(struct store *s, struct bytes x, uint32_t reach, uint64_t now)
{
	uint32_t i = s->newest, n = STORE_HEADER + (uint32_t)x.n;

	if (reach < n)
		reach = n;
	for (uint32_t tries = s->slots - 1; tries > 0; tries--) {
		int cause;

		if (s->sequence >= UINT32_MAX - 1)
			return STORE_FOREIGN;
		i = i + 1 < s->slots ? i + 1 : 0;
		if (erase(s, i, reach) && fill(s, i, x, now)) {
			s->damaged = false;
			return STORE_OK;
		}
		/* so that a header which is there, but could not be read back, does not count */
		cause = s->cause;
		(void)erase(s, i, STORE_HEADER);
		s->cause = cause;
	}
	return STORE_UNWRITTEN;
}

enum store_status store_write(struct store *s, struct bundle *b, uint64_t now)
{
	uint32_t end = up_to(b->n, FLASH_UNIT);

	if (s->newer)
		return STORE_NEWER;
	if (b->n > s->room)
		return STORE_LARGE;
	memset(b->mem + b->n, 0xff, end - b->n);
	if (s->newest == STORE_NO_SLOT && !begin(s, now))
		return STORE_UNWRITTEN;
	return rotate(s, bundle_bytes(b), 0, now);
}

static bool wipe(struct store *s, uint32_t i)
{
	uint8_t ones[FLASH_UNIT];
	bool good = erase(s, i, s->slot);

	memset(ones, 0xff, sizeof(ones));
	for (uint32_t at = 0; good && at < s->slot; at += FLASH_UNIT)
		good = reads_back(s, at_of(s, i) + at, (struct bytes){ ones, sizeof(ones) });
	return good;
}

enum store_status store_erase(struct store *s, uint64_t now)
{
	bool kept = !s->newer && s->newest != STORE_NO_SLOT &&
		    rotate(s, (struct bytes){ NULL, 0 }, s->slot, now) == STORE_OK;
	bool good = true;
	int cause = 0;

	for (uint32_t i = 0; i < s->slots; i++) {
		if ((kept && i == s->newest) || wipe(s, i))
			continue;
		good = false;
		cause = s->cause;
	}
	if (!kept) {
		s->newest = STORE_NO_SLOT;
		s->sequence = 0;
		s->newer = s->damaged = false;
		if (good && !begin(s, now))
			return STORE_UNWRITTEN;
	}
	s->cause = cause;
	return good ? STORE_OK : STORE_UNWRITTEN;
}
