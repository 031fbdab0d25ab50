/* SPDX-License-Identifier: ISC */
#include "base/phrase.h"

#include "base/bug.h"
#include "base/fmt.h"

/* Two octets for each code. Zeros where nothing is packed; the packer puts its own table here. */
extern const uint8_t phrase_pairs[PHRASE_CODES * 2];
__attribute__((weak)) const uint8_t phrase_pairs[PHRASE_CODES * 2] = { 0 };

bool phrase_open(struct phrase *p, const char *text)
{
	p->packed = text[0] == PHRASE_MARK[0];
	p->p = text + p->packed;
	p->n = 0;
	return p->packed;
}

char phrase_next(struct phrase *p)
{
	unsigned c;

	if (p->n > 0)
		c = p->held[--p->n];
	else if ((c = (uint8_t)*p->p) != 0)
		p->p++;
	while (p->packed && c >= 256 - PHRASE_CODES) {
		const uint8_t *pair = &phrase_pairs[(c - (256 - PHRASE_CODES)) * 2];

		if (p->n == PHRASE_DEPTH)
			gp_bug("phrase_next: too deep");
		p->held[p->n++] = pair[1];
		c = pair[0];
	}
	return (char)c;
}
