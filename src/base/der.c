/* SPDX-License-Identifier: ISC */
#include "base/der.h"

bool der_next(struct bytes *at, struct der *e)
{
	size_t head = 2, n;

	if (at->n < 2 || (at->p[0] & 0x1f) == 0x1f)
		return false;
	n = at->p[1];
	if (n > 0x7f) {
		head += n & 0x7f;
		if (head > 4 || head == 2 || at->n < head)
			return false;
		n = head == 3 ? at->p[2] : (size_t)at->p[2] << 8 | at->p[3];
		if (n < (head == 3 ? 0x80u : 0x100u))
			return false;
	}
	if (at->n - head < n)
		return false;
	e->tag = at->p[0];
	e->whole = bytes_first(*at, head + n);
	e->value = bytes_skip(e->whole, head);
	*at = bytes_skip(*at, head + n);
	return true;
}

bool der_take(struct bytes *at, uint8_t tag, struct der *e)
{
	return at->n > 0 && at->p[0] == tag && der_next(at, e);
}

bool der_subject(struct bytes cert, struct bytes *subject)
{
	struct der all, tbs, part;

	if (!der_take(&cert, DER_SEQUENCE, &all) || cert.n > 0)
		return false;
	if (!der_take(&all.value, DER_SEQUENCE, &tbs) ||
	    !der_take(&all.value, DER_SEQUENCE, &part) || /* signatureAlgorithm */
	    !der_take(&all.value, DER_BITS, &part) || all.value.n > 0)
		return false;
	(void)der_take(&tbs.value, DER_PART_0, &part);    /* version */
	if (!der_take(&tbs.value, DER_INTEGER, &part) ||  /* serialNumber */
	    !der_take(&tbs.value, DER_SEQUENCE, &part) || /* signature */
	    !der_take(&tbs.value, DER_SEQUENCE, &part) || /* issuer */
	    !der_take(&tbs.value, DER_SEQUENCE, &part) || /* validity */
	    !der_take(&tbs.value, DER_SEQUENCE, &part))
		return false;
	*subject = part.whole;
	return der_take(&tbs.value, DER_SEQUENCE, &part); /* subjectPublicKeyInfo */
}
