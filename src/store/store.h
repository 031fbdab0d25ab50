/* SPDX-License-Identifier: ISC */
/*
 * One bundle of files (store/bundle.h) on a medium of erase blocks, replaced as a whole: whatever
 * happens, the old one or the new one is there. The medium is cut into slots of 64 KiB, or of one
 * erase block where that is larger, or two of half the medium where it is smaller than two. A slot
 * has a header and behind it, at octet 64, the bundle. Numbers have their high octet first.
 *
 *   0  8  "GateKeep"
 *   8  4  version of the format, 1. In every version the first 12 octets and the sum at 60 are this
 *  12  4  sequence number, above 0: the highest counts
 *  16  8  when it was written, seconds since 1970 as the box had it
 *  24  4  octets of the bundle
 *  28  4  CRC-32 of the bundle
 *  32 28  0
 *  60  4  CRC-32 of the 60 octets before
 *
 * A new bundle goes into the slot behind the newest one, which is the oldest, or one that holds
 * nothing: the slot is erased, the bundle programmed and read back, then the header. A slot that
 * cannot take it is passed over; the newest one is never touched. INTERNALS.md, "The store".
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "store/bundle.h"
#include "store/flash.h"

#define STORE_VERSION 1u
#define STORE_HEADER  64u
#define STORE_SLOTS   64u     /* of a medium that has more the rest is not used */
#define STORE_SLOT    65536u
#define STORE_LEAST   1024u   /* octets of a bundle for which a slot must have room */

enum store_status {
	STORE_OK,
	STORE_BLANK,    /* nothing is on the medium; the first bundle may be written */
	STORE_FOREIGN,  /* there is something else, or nothing whole: it wants to be erased */
	STORE_NEWER,    /* a slot has a newer format: it can be read, perhaps, not written */
	STORE_SMALL,    /* the medium is too small */
	STORE_LARGE,    /* the bundle is too large for a slot */
	STORE_UNREAD,   /* the medium cannot be read, see cause */
	STORE_UNWRITTEN /* it cannot be written, see cause; the bundle before counts */
};

enum store_slot_state {
	STORE_SLOT_NONE,    /* no header of ours */
	STORE_SLOT_WHOLE,
	STORE_SLOT_DAMAGED, /* a header of ours, but the bundle is not what it says */
	STORE_SLOT_NEWER,
	STORE_SLOT_UNREAD
};

struct store_slot {
	enum store_slot_state state;
	uint32_t version;  /* WHOLE, DAMAGED, NEWER: what the header says; the rest 0 for NEWER */
	uint32_t sequence;
	uint32_t n, sum;
	uint64_t written;
};

#define STORE_NO_SLOT UINT32_MAX

struct store {
	struct flash flash;
	uint32_t slot;     /* octets of one */
	uint32_t slots;
	uint32_t room;     /* octets of a bundle at the most */
	uint32_t newest;   /* slot, STORE_NO_SLOT: there is no bundle */
	uint32_t sequence; /* the highest of all */
	bool newer;        /* a slot has a newer format */
	bool damaged;      /* a bundle younger than the newest whole one is not whole */
	bool unread;       /* a slot cannot be read */
	int cause;         /* of UNREAD, UNWRITTEN: what the port returned; 0: read back wrong */
};

/*
 * Looks at all slots. STORE_OK: there is a bundle. STORE_BLANK, STORE_FOREIGN, STORE_NEWER (and no
 * bundle that can be read), STORE_SMALL, STORE_UNREAD otherwise; *s can then be given to
 * store_erase, and after STORE_BLANK to store_write.
 */
enum store_status store_open(struct store *s, struct flash flash);

/* One slot, 0 to slots - 1, for a person. */
void store_slot(const struct store *s, uint32_t i, struct store_slot *out);

/* Reads the newest bundle; an empty one after STORE_BLANK. STORE_OK, UNREAD or FOREIGN. */
enum store_status store_load(struct store *s, struct bundle *b);

/* Is that what the newest slot holds, and is nothing damaged? Then a write may be saved. */
bool store_holds(struct store *s, const struct bundle *b);

/*
 * Writes it: STORE_OK only when it is on the medium and was read back. b is padded behind its end.
 * now: seconds since 1970. STORE_NEWER, LARGE, FOREIGN, UNWRITTEN otherwise.
 */
enum store_status store_write(struct store *s, struct bundle *b, uint64_t now);

/*
 * Leaves an empty bundle and not one octet of any other: first as store_write, so that a power cut
 * leaves the old bundle or none; then all other slots are wiped. After STORE_UNWRITTEN remnants may
 * be left.
 */
enum store_status store_erase(struct store *s, uint64_t now);

#endif
