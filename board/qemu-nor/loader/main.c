/* SPDX-License-Identifier: ISC */
/*
 * The loader: runs from RAM, where start.S has copied it, with the MMU off. Chooses a set by the boot marks, counts the
 * try, and starts the set's kernel.
 */
#include "choose.h"

#include <stddef.h>

/* QEMU's virt. Offsets in the flash come from the board's layout by the command line of the compiler. */
#define RAM       0x40000000u
#define UART      0x09000000u
#define FLASH     0x00000000u
#define KERNEL_AT 0x40800000u /* unpacks itself to 0x40008000; with the tree it fits 12 MiB */
#define TREE_AT   0x40b00000u

/* The compiler may call these wherever it likes. */
void *memset(void *to, int octet, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);

void *memset(void *to, int octet, size_t n)
{
	for (uint8_t *p = to; n > 0; n--)
		*p++ = (uint8_t)octet;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	const uint8_t *in = from;

	for (uint8_t *p = to; n > 0; n--)
		*p++ = *in++;
	return to;
}

static void print(const char *text)
{
	volatile uint32_t *uart = (volatile uint32_t *)UART;

	for (; *text; text++) {
		while (uart[6] & 0x20) /* its FIFO is full */
			;
		uart[0] = (uint8_t)*text;
	}
}

/* ---- two chips of Intel's command set side by side, 16 bits each ---- */

#define BOTH(command) ((command) * 0x10001u)

static volatile uint32_t *flash(uint32_t offset)
{
	return (volatile uint32_t *)(FLASH + offset);
}

static bool flash_wait(volatile uint32_t *at)
{
	for (uint32_t n = 0; n < 10000000; n++) {
		if ((*at & BOTH(0x80)) == BOTH(0x80))
			return true;
	}
	return false;
}

/* Clears all bits of a word. False: none fell. */
static bool flash_clear(volatile uint32_t *at)
{
	*at = BOTH(0x60); /* blocks may be locked when the power comes */
	*at = BOTH(0xd0);
	flash_wait(at);
	*at = BOTH(0x50);
	*at = BOTH(0x40);
	*at = 0;
	flash_wait(at);
	*at = BOTH(0x50);
	*at = BOTH(0xff);
	return *at != MARK_FREE;
}

/* ---- */

static void copy(uint32_t to, const uint8_t *from, uint32_t n)
{
	uint32_t *out = (uint32_t *)to;
	const uint32_t *in = (const uint32_t *)from;

	for (n = (n + 3) / 4; n > 0; n--)
		*out++ = *in++;
	*out = 0; /* no tree behind the kernel that it would take for its own */
}

/* Of the RAM, as QEMU tells it at its beginning; in octets as a device tree writes them. */
static void memory_size(void)
{
	const uint8_t *from = tree_memory((uint8_t *)RAM, 0x200000);
	uint8_t *to = tree_memory((uint8_t *)TREE_AT, SET_TREE_MAX);
	uint32_t size;

	if (!from || !to)
		return;
	size = tree_word(from);
	if (size < 0x800000 || size > 0xc0000000u)
		return;
	for (unsigned i = 0; i < 4; i++)
		to[i] = from[i];
}

static struct set look(unsigned n)
{
	return n == 0 ? set_check((const uint8_t *)FLASH + SET_A_OFFSET, SET_A_SIZE, 0)
		      : set_check((const uint8_t *)FLASH + SET_B_OFFSET, SET_B_SIZE, 1);
}

static const char *name(unsigned set)
{
	return set == 0 ? "A" : "B";
}

/* One more try is counted; where the flash takes no mark it could not be: no try then. */
static bool count(const struct choice *c)
{
	volatile uint32_t *mark = flash(MARKS_OFFSET);

	for (uint32_t word = c->word, i = c->trial; i <= MARK_TRIES; word++, i++) {
		if (flash_clear(&mark[word]))
			return true;
	}
	return false;
}

static void tell(unsigned set, const struct choice *c, const char *why)
{
	static const char tries[] = "123";
	char digit[2] = { 0, 0 };

	print("Gatepost: set ");
	print(name(set));
	if (why) {
		print(", since ");
		print(name(!set));
		print(why);
	} else if (c->trial > 0) {
		digit[0] = tries[c->trial - 1];
		print(", on trial, boot ");
		print(digit);
		print(" of 3");
	}
	print("\r\n");
}

uint32_t load(void);

/* Returns where the kernel is; start.S jumps there with the tree's address. */
uint32_t load(void)
{
	struct choice c = choose(flash(MARKS_OFFSET), MARKS_SIZE / (MARK_WORDS * 4));
	struct set set = look(c.set);
	const char *why = c.tired ? " did not report well" : 0;
	unsigned n = c.set;

	if (set.state == SET_WHOLE && c.trial > 0 && !count(&c)) {
		set.state = SET_NONE;
		why = "'s boots cannot be counted";
		n = !c.set;
	} else if (set.state != SET_WHOLE) {
		why = " is damaged";
		n = !c.set;
	}
	if (n != c.set) {
		struct set other = look(n);

		/* Nothing is whole: what begins as a set may still boot. */
		if (other.state < SET_WHOLE && set.state >= other.state) {
			n = c.set;
			why = set.state == SET_DAMAGED ? " is damaged, too" : " is none, too";
		} else {
			set = other;
		}
	}
	tell(n, &c, why);
	if (set.state == SET_NONE) {
		print("Gatepost: there is nothing to boot\r\n");
		while (1)
			;
	}
	copy(TREE_AT, set.tree, set.tree_size);
	copy(KERNEL_AT, set.kernel, set.kernel_size);
	memory_size();
	return KERNEL_AT;
}
