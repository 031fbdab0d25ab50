/* SPDX-License-Identifier: ISC */
/* The store on NOR flash whose power is cut after each octet programmed and inside each erase, which has worn cells, calls that fail and parts that
 * cannot be read. Afterwards the old bundle is there or the new one, whole; what was said to be stored is there; and the next one can be written. Then
 * bugs of each kind are seeded, and each must be found. */
#include <stdio.h>

#include "tap.h"
#include "lib/nor_sim.h"
#include "store/store.h"

/* ---- bundles ---- */

#define BUNDLES 6u

static struct bundle made[BUNDLES], got;
static struct store store;
static bool seed_newest, seed_sequence, seed_promise; /* seeded: see the table */

/* Bundle 0 is empty; the others differ in size and content. Sizes with and without a rest of a unit, and one of several blocks. */
static void make_bundles(void)
{
	static const uint16_t sizes[BUNDLES] = { 0, 40, 700, 64 - 8, 5000, 300 };
	static uint8_t content[5000];

	for (unsigned i = 1; i < BUNDLES; i++) {
		made[i].n = 0;
		for (unsigned k = 0; k < sizes[i]; k++)
			content[k] = (uint8_t)(k * 7 + i * 31 + k / 64);
		MUST(bundle_put(&made[i], BYTES("f"), (struct bytes){ content, sizes[i] }, BUNDLE_MAX) == BUNDLE_OK, "no bundle");
		if (i == 2)
			MUST(bundle_put(&made[i], BYTES("keys/one"), BYTES("secret"), BUNDLE_MAX) == BUNDLE_OK, "no second file");
	}
}

/* Which one it is; BUNDLES: none of them. */
static unsigned which(const struct bundle *b)
{
	for (unsigned i = 0; i < BUNDLES; i++)
		if (bytes_same(bundle_bytes(b), bundle_bytes(&made[i])))
			return i;
	return BUNDLES;
}

/* ---- one step, and what must hold after it ---- */

static enum store_status open_store(void)
{
	enum store_status status = store_open(&store, nor_flash());

	nor.slot = store.slot;
	return status;
}

/* Looks afresh: the bundle that is there. NOTHING: blank. */
#define NOTHING (BUNDLES + 1)
#define DAMAGED (BUNDLES + 2)

static unsigned look(void)
{
	enum store_status status;
	unsigned i;

	status = open_store();
	if (status == STORE_BLANK)
		return NOTHING;
	if (status == STORE_FOREIGN || status == STORE_UNREAD)
		return DAMAGED;
	MUST(status == STORE_OK, "neither a store nor blank");
	MUST(store_load(&store, &got) == STORE_OK, "the newest bundle cannot be read");
	i = which(&got);
	MUST(i < BUNDLES, "a bundle that nobody wrote");
	return i;
}

static enum store_status write_bundle(unsigned i)
{
	enum store_status status = open_store();

	MUST(status == STORE_OK || status == STORE_BLANK, "it does not take a bundle");
	if (seed_newest && store.newest != STORE_NO_SLOT)
		store.newest = (store.newest + store.slots - 1) % store.slots;
	if (seed_sequence)
		store.sequence = 0;
	status = store_write(&store, &made[i], 1000 + i);
	if (seed_promise && status == STORE_UNWRITTEN)
		status = STORE_OK;
	return status;
}

/* A blank store is as good as an empty one. */
static bool is_old(unsigned there, unsigned old)
{
	return there == old || (old == NOTHING && there == 0);
}

/* `old` is there, `new` is written, or all is erased (new 0, erase); power is lost at step `cut`. Returns whether it was. */
static bool play(unsigned old, unsigned new, bool erase, uint32_t cut)
{
	volatile bool lost = true, said = false;
	unsigned there;

	nor.steps = 0;
	nor.cut_at = cut;
	if (!setjmp(power_lost)) {
		if (erase) {
			open_store();
			said = store_erase(&store, 1) == STORE_OK;
		} else {
			said = write_bundle(new) == STORE_OK;
		}
		lost = false;
		MUST(said, "it could not be written");
	}
	nor_restart();
	there = look();
	MUST(there != DAMAGED, "neither bundle is there");
	MUST(is_old(there, old) || there == new, "another bundle is there");
	MUST(!said || there == new, "what was stored is not there");
	return lost;
}

static unsigned long restarts;

/* From here on it goes on: one more bundle is written and is there. */
static void go_on(void)
{
	restarts++;
	MUST(write_bundle(3) == STORE_OK, "the next bundle could not be written");
	nor_restart();
	MUST(look() == 3, "the next bundle is not there");
}

static struct nor kept;

static void keep(void)
{
	memcpy(kept.mem, nor.mem, nor.size);
	memcpy(kept.used, nor.used, sizeof(nor.used));
}

static void back(void)
{
	memcpy(nor.mem, kept.mem, nor.size);
	memcpy(nor.used, kept.used, sizeof(nor.used));
	nor_restart();
}

static const struct {
	const char *name;
	uint32_t size, block;
	uint8_t fill;
	bool file;
	uint32_t stride; /* every so many steps power is lost */
} media[] = {
	{ "two slots, blocks of 16 KiB", 32768, 16384, 0xff, false, 1 },
	{ "three slots, sub-sectors of 4 KiB", 196608, 4096, 0xff, false, 3 },
	{ "three slots, blocks of 64 KiB", 196608, 65536, 0xff, false, 17 },
	{ "three slots, blocks of 256 KiB", 786432, 262144, 0xff, false, 61 },
	{ "a file of zeros", 196608, 4096, 0x00, true, 11 },
	{ "a small file", 16384, 4096, 0x00, true, 1 },
};

#define MEDIA (sizeof(media) / sizeof(media[0]))

static void fresh(unsigned m, uint32_t seed)
{
	nor_init(media[m].size, media[m].block, media[m].fill, seed);
	nor.torn_to_ones = media[m].file;
}

static bool fits(unsigned new)
{
	open_store();
	return made[new].n <= store.room;
}

/* One step at every moment, from the state that is there; leaves it done without a cut. */
static void at_every_moment(unsigned m, unsigned old, unsigned new, bool erase)
{
	uint32_t cut = 0;

	keep();
	while (play(old, new, erase, cut)) {
		go_on();
		back();
		cut += media[m].stride;
	}
	MUST(cut >= media[m].stride, "no moment at which power could be lost");
	back();
	play(old, new, erase, NOR_NEVER);
}

/* Round the slots more than once, so that each has been every one of them. */
static void cuts(unsigned m)
{
	static const uint8_t order[] = { 1, 2, 4, 3, 5, 2, 1 };
	unsigned old = NOTHING;

	fresh(m, 12345 + m);
	for (unsigned i = 0; i < sizeof(order); i++) {
		if (!fits(order[i]))
			continue;
		at_every_moment(m, old, order[i], false);
		old = order[i];
	}
	at_every_moment(m, old, 0, true);
	for (uint32_t i = 0, seen = 0; i < nor.size; i++) {
		seen += nor.mem[i] != 0xff && i % nor.slot < STORE_HEADER;
		MUST(nor.mem[i] == 0xff || i % nor.slot < STORE_HEADER, "remnants after an erase");
		MUST(seen <= STORE_HEADER, "more than one header after an erase");
	}
	at_every_moment(m, 0, 2, false);
}

/* Power is lost again and again, at random moments. */
static void cut_often(unsigned m)
{
	unsigned old = NOTHING;

	fresh(m, 777 + m);
	for (unsigned i = 0; i < 3000 / media[m].stride; i++) {
		unsigned new = 1 + nor_random() % (BUNDLES - 1);
		bool erase = nor_random() % 16 == 0 && old != NOTHING;

		if (!fits(new))
			continue;
		play(old, erase ? 0 : new, erase, nor_random() % (made[new].n + 140));
		old = look();
		MUST(old != DAMAGED, "nothing is there");
		restarts++;
	}
}

/* ---- faults ---- */

/* Two bundles are there; what comes next meets the fault. The store may be able to go round it, or else says so. */
static enum store_status with_fault(unsigned new)
{
	enum store_status status = write_bundle(new);
	unsigned there;

	nor.fail_at = NOR_NEVER;
	nor_restart();
	there = look();
	restarts++;
	MUST(there != DAMAGED, "no bundle is there");
	if (status == STORE_OK)
		MUST(there == new, "what was stored is not there");
	else
		MUST(there == 2, "it was not stored, but the old bundle is not there");
	return status;
}

static void two_bundles(unsigned m)
{
	fresh(m, 99);
	MUST(write_bundle(1) == STORE_OK && write_bundle(2) == STORE_OK, "a good flash takes no bundle");
	nor.calls = 0;
}

/* Each program and each erase fails half-way. */
static void failing_calls(unsigned m)
{
	for (uint32_t k = 0; k < 8; k++) {
		two_bundles(m);
		nor.fail_at = k;
		if (with_fault(5) != STORE_OK)
			MUST(store.slots == 2, "a good slot was not used");
		go_on();
	}
}

/* Each octet of the slot to be written is worn: a bit that does not rise, one that does not fall. */
static void worn_cells(unsigned m)
{
	uint32_t begin, n = STORE_HEADER + made[5].n;

	two_bundles(m);
	begin = (store.newest + 1) % store.slots * store.slot;
	keep();
	for (uint32_t i = 0; i < 2 * n; i += media[m].stride) {
		bool good;

		back();
		nor.stuck_at = begin + i / 2;
		nor.stuck_ones = i & 1 ? (uint8_t)(1u << nor_random() % 8) : 0;
		nor.stuck_zeros = i & 1 ? 0 : (uint8_t)(1u << nor_random() % 8);
		good = with_fault(5) == STORE_OK;
		MUST(good || store.slots == 2, "a good slot was not used");
		nor.stuck_at = NOR_NEVER;
	}
}

/* Parts cannot be read: of the slot to be written, and of the one that counts. */
static void unread_parts(unsigned m)
{
	two_bundles(m);
	keep();
	for (uint32_t at = 0; at < nor.size; at += at % 8192 < 2048 ? 512 : 8192 - at % 8192) {
		uint32_t slot = at / store.slot;
		unsigned there, store_said = 0;

		back();
		nor.bad_at = at;
		nor.bad_end = at + 1;
		there = look();
		MUST(there == 2 || there == 1 || there == 0 || there == DAMAGED, "a bundle that nobody wrote last");
		MUST(there == 2 || slot == 1 || slot == 2 || store.slots == 2, "a part that does not matter");
		if (there == 2) {
			enum store_status status = write_bundle(5);

			store_said = status == STORE_OK ? 5 : 2;
			MUST(status != STORE_OK || look() == 5, "what was stored cannot be read");
			MUST(status == STORE_OK || look() == 2, "it was not stored, but the old bundle is not there");
			MUST(status == STORE_OK || store.slots == 2, "a good slot was not used");
		}
		restarts++;
		nor.bad_at = NOR_NEVER;
		nor.bad_end = 0;
		if (there == 2)
			MUST(look() == store_said, "it is another one once all can be read again");
	}
}

/* ---- what is on the medium before ---- */

static void other_media(void)
{
	fresh(1, 5);
	nor.mem[70000] = 0x41; /* something small, anywhere */
	MUST(look() == DAMAGED, "foreign content is taken for a blank medium");
	memset(nor.mem, 0xff, nor.size);
	memcpy(nor.mem, "Gatecrash", 9);
	MUST(look() == DAMAGED, "foreign content at the very beginning is taken for a blank medium");
	memset(nor.mem, 0xff, nor.size);
	memcpy(nor.mem + 64, "data behind nothing", 19);
	MUST(look() == DAMAGED, "foreign content behind ones is taken for a blank medium");
	nor_restart();
	MUST(store_erase(&store, 1) == STORE_OK, "cannot be erased");
	MUST(look() == 0, "not empty after it was erased");
	go_on();
}

static void newer_format(void)
{
	uint8_t *h;

	two_bundles(1);
	h = nor.mem + store.newest * store.slot;
	/* the version and its sum by hand: 2 in the place of 1 */
	h[11] = 2;
	{
		uint32_t crc = ~0u;

		for (unsigned i = 0; i < 60; i++) {
			crc ^= h[i];
			for (unsigned k = 0; k < 8; k++)
				crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
		}
		crc = ~crc;
		for (unsigned i = 0; i < 4; i++)
			h[60 + i] = (uint8_t)(crc >> (24 - 8 * i));
	}
	nor_restart();
	MUST(look() == 1, "the bundle before the newer format cannot be read");
	MUST(store.newer, "a newer format is not noticed");
	MUST(store_write(&store, &made[5], 1) == STORE_NEWER, "written over a newer format");
	MUST(look() == 1 && store.newer, "it was written all the same");
	MUST(store_erase(&store, 1) == STORE_OK && look() == 0 && !store.newer, "a newer format cannot be erased");
}

static void unchanged(void)
{
	two_bundles(1);
	open_store();
	MUST(store_holds(&store, &made[2]), "what is there is not found to be there");
	MUST(!store_holds(&store, &made[1]), "another bundle is taken for what is there");
	nor.mem[store.newest * store.slot + 70] ^= 1;
	nor_restart();
	MUST(look() == 1 && store.damaged, "a damaged bundle is not noticed");
	MUST(!store_holds(&store, &made[1]), "nothing would be written over a damaged bundle");
	MUST(write_bundle(1) == STORE_OK && look() == 1 && !store.damaged, "a damaged bundle stays");
	MUST(store_holds(&store, &made[1]), "what was written is not found");
}

/* ---- */

static unsigned at_medium;

static bool holds(void (*search)(unsigned), unsigned m, bool loud)
{
	at_medium = m;
	why = "not found";
	if (setjmp(broken)) {
		if (loud)
			printf("# %s: %s, step %u\n", media[m].name, why, nor.steps);
		return false;
	}
	search(m);
	return true;
}

static void others(unsigned m)
{
	(void)m;
	other_media();
	newer_format();
	unchanged();
}

static void (*const searches[])(unsigned) = { cuts, cut_often, failing_calls, worn_cells, unread_parts };
static const char *const names[] = { "power is lost at every moment", "power is lost again and again", "each call fails", "each cell is worn",
	"parts cannot be read" };

#define SEARCHES (sizeof(searches) / sizeof(searches[0]))

static const struct {
	const char *name;
	enum nor_bug bug;
	bool *flag;
} seeds[] = {
	{ "the header is programmed first", NOR_HEADER_FIRST, NULL },
	{ "nothing is read back", NOR_BLIND, NULL },
	{ "a slot is programmed without an erase", NOR_NO_ERASE, NULL },
	{ "the slot behind is erased, too", NOR_WIDE_ERASE, NULL },
	{ "only the first block is erased", NOR_SHORT_ERASE, NULL },
	{ "the end of a bundle is left out", NOR_SHORT_BUNDLE, NULL },
	{ "the newest slot is written over", NOR_NO_BUG, &seed_newest },
	{ "the sequence begins anew", NOR_NO_BUG, &seed_sequence },
	{ "a failed write is ignored", NOR_NO_BUG, &seed_promise },
};

int main(void)
{
	if (setjmp(broken))
		return printf("Bail out! %s\n", why), 1;
	make_bundles();
	for (unsigned m = 0; m < MEDIA; m++) {
		for (unsigned i = 0; i < SEARCHES; i++) {
			bool good;

			restarts = 0;
			good = holds(searches[i], m, true);
			ok(good && restarts > 0, "%s: %s (%lu restarts)", media[m].name, names[i], restarts);
		}
	}
	ok(holds(others, 1, true), "foreign media, newer formats, what does not change");
	for (size_t k = 0; k < sizeof(seeds) / sizeof(seeds[0]); k++) {
		bool found = false;

		nor.bug = seeds[k].bug;
		if (seeds[k].flag)
			*seeds[k].flag = true;
		for (unsigned m = 0; m < 2 && !found; m++)
			for (unsigned i = 0; i < SEARCHES && !found; i++)
				found = !holds(searches[i], m, false);
		ok(found, "found: %s (%s)", seeds[k].name, why);
		nor.bug = NOR_NO_BUG;
		if (seeds[k].flag)
			*seeds[k].flag = false;
	}
	return done();
}
