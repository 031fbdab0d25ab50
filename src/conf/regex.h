/* SPDX-License-Identifier: ISC */
/*
 * POSIX extended regular expressions (IEEE 1003.1, 9.4) without regard to the case of ASCII
 * letters.
 * They answer only whether a text matches, in time bounded by its length times the pattern's, and
 * take no memory but the caller's. Octets are characters; no collating elements, no equivalence
 * classes, no back-references.
 */
#ifndef CONF_REGEX_H
#define CONF_REGEX_H

#include "base/bytes.h"

#define REGEX_PATTERN_MAX 255u /* octets of a pattern */
#define REGEX_STEPS_MAX   512u /* steps of a compiled one */
#define REGEX_DEPTH_MAX   16u  /* brackets within brackets */

struct regex_step {
	uint8_t op;
	uint8_t octet;
	int16_t x, y; /* where to go on, in steps from here */
};

struct conf_regex {
	uint32_t n;
	struct regex_step step[];
};

/*
 * Compiles the pattern (without slashes) into steps, which has room for REGEX_STEPS_MAX. Returns
 * how many it took, or 0 and in *why what is wrong.
 */
size_t regex_compile(struct bytes pattern, struct regex_step *steps, const char **why);

/* Is there a match anywhere in the text? */
bool regex_match(const struct conf_regex *re, struct bytes text);

#endif
