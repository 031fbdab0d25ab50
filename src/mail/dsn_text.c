/* SPDX-License-Identifier: ISC */
#include "mail/dsn_part.h"

#include "base/bug.h"

#define QP_LINE   75u /* octets of a line of quoted-printable, without the last "=" */
#define QP_ROOM   32u /* that one octet of input makes at the most */
#define FOLD_LINE 76u
#define FOLD_WORD 900u /* octets of one word: an unfolded line has at most 998 */

static const char digits[] = "0123456789ABCDEF";

void dsn_put(struct buf *out, struct bytes x)
{
	if (!buf_put(out, x))
		gp_bug("dsn: no room where there was some");
}

void dsn_format(struct buf *out, const char *format, ...)
{
	va_list args;
	size_t room;
	char *p = (char *)buf_space(out, &room);
	struct fmt f;

	fmt_init(&f, p, room);
	va_start(args, format);
	fmt_put_list(&f, format, args);
	va_end(args);
	if (f.cut)
		gp_bug("dsn: no room where there was some");
	buf_added(out, f.n);
}

bool dsn_is_ascii(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] > 127)
			return false;
	}
	return true;
}

/*
 * The character at the front of x (RFC 3629); its octets in *n. 0: there is none but that octet
 * (*n = 1), or it is a control.
 */
static uint32_t first_character(struct bytes x, size_t *n)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned c = x.p[0], more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	uint32_t point = more == 0 ? c : c & (0x3fu >> more);

	*n = 1;
	if (c < 0x80)
		return c >= 32 && c != 127 ? c : 0;
	if (more == 0 || c > 0xf4 || x.n <= more)
		return 0;
	for (unsigned i = 1; i <= more; i++) {
		if ((x.p[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (x.p[i] & 0x3fu);
	}
	if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ||
	    point < 0xa0)
		return 0;
	*n = 1 + (size_t)more;
	return point;
}

bool dsn_is_utf8(struct bytes x)
{
	while (x.n > 0) {
		size_t n;

		if (first_character(x, &n) == 0)
			return false;
		x = bytes_skip(x, n);
	}
	return true;
}

/* ---- quoted-printable (RFC 2045 6.7) ---- */

/* Appends what must not be parted, on a new line if need be. */
static void qp_piece(struct dsn *d, struct buf *out, const uint8_t *p, size_t n)
{
	if (d->column + n > QP_LINE) {
		dsn_add(out, "=\r\n");
		d->column = 0;
	}
	dsn_put(out, (struct bytes){ p, n });
	d->column = (uint16_t)(d->column + n);
}

static void qp_encoded(struct dsn *d, struct buf *out, uint8_t c)
{
	uint8_t piece[3] = { '=', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15] };

	qp_piece(d, out, piece, sizeof(piece));
}

static void qp_line_end(struct dsn *d, struct buf *out)
{
	if (d->blank != 0)
		qp_encoded(d, out, d->blank);
	d->blank = 0;
	d->cr = false;
	d->column = 0;
	dsn_add(out, "\r\n");
}

/* What was held back is not at the end of a line. */
static void qp_held(struct dsn *d, struct buf *out)
{
	if (d->blank != 0)
		qp_piece(d, out, &d->blank, 1);
	if (d->cr)
		qp_encoded(d, out, '\r');
	d->blank = 0;
	d->cr = false;
}

static void qp_octet(struct dsn *d, struct buf *out, uint8_t c)
{
	if (d->cr && c == '\n') {
		qp_line_end(d, out);
		return;
	}
	if (c == '\r' && !d->cr) {
		d->cr = true;
		return;
	}
	qp_held(d, out);
	if (c == '\r')
		d->cr = true;
	else if (c == ' ' || c == '\t')
		d->blank = c;
	else if (c > 32 && c < 127 && c != '=')
		qp_piece(d, out, &c, 1);
	else
		qp_encoded(d, out, c);
}

bool dsn_raw(struct dsn *d, struct buf *out)
{
	while (d->rest.n > 0) {
		if (buf_room(out) < QP_ROOM)
			return false;
		qp_octet(d, out, d->rest.p[0]);
		d->rest = bytes_skip(d->rest, 1);
	}
	return true;
}

void dsn_raw_end(struct dsn *d, struct buf *out)
{
	if (d->blank != 0)
		qp_encoded(d, out, d->blank);
	d->blank = 0;
	qp_held(d, out);
	if (d->column > 0)
		dsn_add(out, "\r\n");
	d->column = 0;
}

bool dsn_words(struct dsn *d, struct buf *out, unsigned indent)
{
	while (d->rest.n > 0) {
		size_t n = 1;

		if (buf_room(out) < 4 * QP_ROOM)
			return false;
		if (d->rest.p[0] == '\n') {
			qp_line_end(d, out);
			for (unsigned i = 0; i < indent; i++)
				qp_octet(d, out, ' ');
		} else if (first_character(d->rest, &n) == 0) {
			qp_octet(d, out, '?');
		} else {
			for (size_t i = 0; i < n; i++)
				qp_octet(d, out, d->rest.p[i]);
		}
		d->rest = bytes_skip(d->rest, n);
	}
	return true;
}

/* ---- fields ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool dsn_fold(struct dsn *d, struct buf *out)
{
	while (d->rest.n > 0) {
		size_t blanks = 0, n = 0;

		if (buf_room(out) < FOLD_WORD + 4)
			return false;
		while (blanks < d->rest.n && is_blank(d->rest.p[blanks]))
			blanks++;
		d->rest = bytes_skip(d->rest, blanks);
		while (n < d->rest.n && n < FOLD_WORD && !is_blank(d->rest.p[n]))
			n++;
		if (n == 0)
			break;
		/* Where a word of more than a line is parted a blank comes in. */
		if (d->column + 1u + n > FOLD_LINE && d->column > 1) {
			dsn_add(out, "\r\n ");
			d->column = 1;
		} else if (d->column > 1) {
			dsn_add(out, " ");
			d->column++;
		}
		for (size_t i = 0; i < n; i++) {
			uint8_t c = d->rest.p[i];

			dsn_add(out, "%c", c > 32 && c < 127 ? c : '?');
		}
		d->column = (uint16_t)(d->column + n);
		d->rest = bytes_skip(d->rest, n);
	}
	return true;
}

/* RFC 6533 section 3: EmbeddedUnicodeChar, of at least two digits. */
static size_t embed(uint32_t point, char to[16])
{
	size_t n = 0;
	unsigned shift = 4;

	while (point >> shift > 15)
		shift += 4;
	to[n++] = '\\';
	to[n++] = 'x';
	to[n++] = '{';
	for (;; shift -= 4) {
		to[n++] = digits[point >> shift & 15];
		if (shift == 0)
			break;
	}
	to[n++] = '}';
	return n;
}

void dsn_addr(struct dsn *d, struct buf *out)
{
	bool ascii = dsn_is_ascii(d->rest);
	size_t used = 0;

	dsn_add(out, "%s; ", ascii ? "rfc822" : "utf-8");
	while (d->rest.n > 0) {
		size_t octets, n = 1;
		uint32_t point = first_character(d->rest, &octets);
		char piece[16] = { (char)point };

		if (point == 0)
			piece[0] = '?';
		else if (!ascii && (point <= 32 || point > 126 || point == '+' || point == '=' ||
				       point == '\\'))
			n = embed(point, piece);
		if (used + n > DSN_ADDR)
			break;
		dsn_put(out, (struct bytes){ (const uint8_t *)piece, n });
		used += n;
		d->rest = bytes_skip(d->rest, octets);
	}
	d->rest = (struct bytes){ 0 };
}
