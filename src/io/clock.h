/* SPDX-License-Identifier: ISC */
/* The clocks, and whether the wall clock can be believed. */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since some moment before the process began; never goes back. */
uint64_t clock_monotonic_ms(void);

/* Seconds since 1970 as the system has it; 1 if it is earlier. */
uint64_t clock_wall(void);

/*
 * Is the wall clock unset? Cheap: one read of memory that the supervisor shares with its children.
 */
bool clock_unset(void);

/*
 * The least that the time can be, in seconds since 1970, for dates in certificates: the wall clock,
 * or the build date where the clock stands before it.
 */
uint64_t clock_least(void);

/* What clock_judge needs to know, and what it remembers. */
struct clock_view {
	uint64_t build_date; /* seconds since 1970 */
	/* Clock = ntp: believed only once the kernel says that it is synchronised */
	bool ntp;
	bool started_unset;  /* at the start the clock was before the build date */
	bool believed;       /* it has jumped, or was synchronised, since */
};

/*
 * One look: wall now, whether the kernel calls it synchronised, whether it was set (jumped) since
 * the last look. Returns whether it is unset.
 */
bool clock_judge(struct clock_view *v, uint64_t wall, bool synchronised, bool jumped);

/*
 * For the supervisor. clock_share: before the first fork, so that its children see what it finds
 * out.
 */
void clock_share(void);

/*
 * Begins: where the clock is before build_date it is set to it if that is allowed (may_set and
 * rights), and stays unset until it jumps or is synchronised. Returns a descriptor that is
 * readable once when somebody sets the clock, or -1.
 */
int clock_begin(uint64_t build_date, bool ntp, bool may_set);

/* Another value of Clock came with a reload. */
void clock_want_ntp(bool ntp);

/*
 * Looks again: jumped where the descriptor of clock_begin was readable (fd is then made ready for
 * the next time). Returns clock_unset().
 */
bool clock_look(int fd, bool jumped);

#endif
