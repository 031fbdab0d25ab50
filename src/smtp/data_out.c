/* SPDX-License-Identifier: ISC */
#include "smtp/data_out.h"

#include <string.h>

enum {
	LINE_START,
	LINE_WITHIN,
	LINE_CR,
};

void data_out_init(struct data_out *d)
{
	d->state = LINE_START;
}

/*
 * How many octets from the front of p may be copied as they are: up to, not including, the first
 * dot behind a line end within p. Dots are rarer than line ends, and base64 has none: the whole of
 * a large run is looked at in one go.
 */
static size_t plain(const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	const uint8_t *dot = memchr(p, '.', n);

	while (dot != NULL) {
		if (dot > p && dot[-1] == '\n')
			return (size_t)(dot - p);
		dot = memchr(dot + 1, '.', (size_t)(end - dot - 1));
	}
	return n;
}

static uint8_t state_behind(uint8_t c)
{
	if (c == '\n')
		return LINE_START;
	return c == '\r' ? LINE_CR : LINE_WITHIN;
}

void data_out_put(struct data_out *d, struct bytes *in, struct buf *out)
{
	size_t room;
	uint8_t *to = buf_space(out, &room);
	const uint8_t *from = in->p;
	size_t left = in->n;
	size_t written = 0;

	while (left > 0 && room > written) {
		size_t n = left < room - written ? left : room - written;

		if (d->state == LINE_START && *from == '.') {
			if (room - written < 2)
				break;
			to[written++] = '.';
			/* The dot itself and what follows it are plain. */
			d->state = LINE_WITHIN;
			n = left < room - written ? left : room - written;
		}
		n = plain(from, n);
		memcpy(to + written, from, n);
		written += n;
		from += n;
		left -= n;
		d->state = state_behind(from[-1]);
	}
	buf_added(out, written);
	*in = (struct bytes){ from, left };
}

size_t data_out_fits(size_t room)
{
	/* At worst each line is ".\r\n" and becomes "..\r\n". */
	return room - room / 4 - (room % 4 > 0);
}

bool data_out_end(struct data_out *d, struct buf *out)
{
	switch (d->state) {
	case LINE_START:
		return buf_put(out, BYTES(".\r\n"));
	case LINE_CR:
		return buf_put(out, BYTES("\n.\r\n"));
	default:
		return buf_put(out, BYTES("\r\n.\r\n"));
	}
}
