/* SPDX-License-Identifier: ISC */
#include "base/likeness.h"

#define LIKENESS_MAX 63 /* letters that are compared */

/* Letters and digits of a name, lower case; 0 if they are too many to be like any of ours. */
static size_t plain_name(struct bytes name, uint8_t out[LIKENESS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '_' || name.p[i] == '-')
			continue;
		if (n == LIKENESS_MAX)
			return 0;
		out[n++] = byte_lower(name.p[i]);
	}
	return n;
}

static uint8_t least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return (uint8_t)(m < c ? m : c);
}

/*
 * Octets to insert, leave out, change or swap with their neighbour to make one name of the
 * other.
 */
static unsigned distance(struct bytes one, struct bytes two)
{
	uint8_t a[LIKENESS_MAX], b[LIKENESS_MAX];
	uint8_t row[3][LIKENESS_MAX + 1] = { { 0 } };
	size_t na = plain_name(one, a), nb = plain_name(two, b);

	if (na == 0 || nb == 0)
		return LIKENESS_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (uint8_t)j;
	for (size_t i = 1; i <= na; i++) {
		uint8_t *now = row[i % 3], *last = row[(i - 1) % 3], *before = row[(i + 1) % 3];

		now[0] = (uint8_t)i;
		for (size_t j = 1; j <= nb; j++) {
			bool same = a[i - 1] == b[j - 1];

			now[j] = least(last[j] + 1u, now[j - 1] + 1u, last[j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1u, UINT8_MAX);
		}
	}
	return row[na % 3][nb];
}

void likeness_begin(struct likeness *l, struct bytes name)
{
	*l = (struct likeness){ .name = name, .far = LIKENESS_MAX };
}

void likeness_try(struct likeness *l, const char *candidate)
{
	struct bytes known = bytes_of(candidate);
	unsigned far = distance(l->name, known);
	size_t shorter = known.n < l->name.n ? known.n : l->name.n;
	bool like = far <= 1 || far <= shorter / 3 ||
		    (l->name.n >= 4 && bytes_begins_fold(known, l->name));

	if (far < l->far && like) {
		l->best = candidate;
		l->far = far;
	}
}
