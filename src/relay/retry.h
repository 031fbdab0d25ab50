/* SPDX-License-Identifier: ISC */
/*
 * When a mail of the queue is tried again, and when it is given up (DESIGN section 2, "Queue").
 * Intervals and age run on the monotonic clock, in seconds. The wall clock is only asked how old a
 * mail was when it was taken up, so that no jump of it ages what is here.
 */
#ifndef RELAY_RETRY_H
#define RELAY_RETRY_H

#include "base/bytes.h"

#define RETRY_UNCOUNTED INT32_MAX /* the age is not counted yet: the clock is unset */

struct retry_options {
	uint32_t interval_s;     /* Retry_Interval, at least 1 */
	uint32_t interval_max_s; /* Max_Retry_Interval; less than interval_s counts as that */
	uint32_t expiration_s;   /* Message_Expiration; 0: never */
};

/*
 * How long after the attempt that failed, the tries-th of the mail (from 1), the next one comes:
 * Retry_Interval, doubled with each, up to Max_Retry_Interval; and up to an eighth more, by random
 * (all values equally likely). Never less than Retry_Interval.
 */
uint32_t retry_wait_s(const struct retry_options *o, uint32_t tries, uint32_t random);

/*
 * A mail is taken up: it came, or the process has started, or the clock has just been set. stamp:
 * the first moment known to have passed with the clock set while the mail was here, seconds since
 * 1970; 0: none. wall: now; 0: the clock is unset. Returns the moment on the monotonic clock from
 * which its age counts, perhaps before 0: RETRY_UNCOUNTED while the clock is unset; now, where
 * there is no stamp (wall is to be kept as the stamp) or one that lies in the future.
 */
int32_t retry_since(uint64_t stamp, uint64_t wall, uint32_t now_s);

/*
 * Is it to be given up, after an attempt that failed? since: of retry_since, called at taken_s.
 * What was taken up may owe its age to a clock that was wrong, once or now: it is given
 * Max_Retry_Interval here, whatever its age.
 */
bool retry_is_expired(
    const struct retry_options *o, int32_t since, uint32_t taken_s, uint32_t now_s);

#endif
