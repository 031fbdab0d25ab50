/* SPDX-License-Identifier: ISC */
#include "cmd/lines.h"

enum state { START, MIDDLE, CR, DOT, DOT_CR };

void lines_init(struct lines *l, bool dot_ends)
{
	*l = (struct lines){.dot_ends = dot_ends, .state = START};
}

static void line_end(struct lines *l, struct buf *out)
{
	buf_put(out, BYTES("\r\n"));
	l->state = START;
}

/* What was held back is no end after all. */
static void release(struct lines *l, struct buf *out)
{
	switch ((enum state)l->state) {
	case START:
	case MIDDLE:
		return;
	case DOT:
		buf_put(out, BYTES("."));
		l->state = MIDDLE;
		return;
	case DOT_CR:
		buf_put(out, BYTES("."));
		break;
	case CR:
		break;
	}
	line_end(l, out);
}

static void put(struct lines *l, uint8_t c, struct buf *out)
{
	bool dotted = l->state == DOT || l->state == DOT_CR;

	if (c == '\n') {
		if (dotted)
			l->ended = true;
		else
			line_end(l, out);
		return;
	}
	if (c == '\r') {
		l->state = dotted ? DOT_CR : CR;
		return;
	}
	release(l, out);
	if (c == '.' && l->dot_ends && l->state == START) {
		l->state = DOT;
		return;
	}
	buf_put(out, (struct bytes){&c, 1});
	l->state = MIDDLE;
}

/* Within a line: all of it that there is, as far as out has room. */
static size_t run(struct bytes in, const struct buf *out)
{
	in = bytes_first(in, buf_room(out));
	in = bytes_first(in, bytes_find(in, '\n'));
	return bytes_find(in, '\r');
}

void lines_put(struct lines *l, struct bytes *in, struct buf *out)
{
	while (in->n > 0 && !l->ended && buf_room(out) >= LINES_ROOM) {
		size_t n = l->state == MIDDLE ? run(*in, out) : 0;

		if (n > 0) {
			buf_put(out, bytes_first(*in, n));
			*in = bytes_skip(*in, n);
		} else {
			put(l, in->p[0], out);
			*in = bytes_skip(*in, 1);
		}
	}
}

void lines_end(struct lines *l, struct buf *out)
{
	release(l, out);
}
