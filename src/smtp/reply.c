/* SPDX-License-Identifier: ISC */
#include "smtp/reply.h"

#include <string.h>

/* ---- what is said ---- */

static char printable(uint8_t c)
{
	return c >= 32 && c <= 126 ? (char)c : '?';
}

/* Appends one octet of a line; false if it does not fit. */
static bool text_put(struct reply *r, char c)
{
	if (r->n == sizeof(r->text))
		return false;
	r->text[r->n++] = c;
	return true;
}

void reply_set(struct reply *r, unsigned code, const char *enhanced, struct bytes text)
{
	size_t n = strlen(enhanced);
	unsigned lines = 1;

	if (n >= sizeof(r->enhanced))
		n = 0;
	r->code = (uint16_t)code;
	r->n = 0;
	memcpy(r->enhanced, enhanced, n);
	r->enhanced[n] = '\0';
	for (size_t i = 0; i < text.n; i++) {
		bool end = text.p[i] == '\n';

		if (end && lines++ == LIMIT_REPLY_TEXT_LINES)
			return;
		if (!text_put(r, end ? '\n' : printable(text.p[i])))
			return;
	}
}

static struct bytes text_of(const struct reply *r)
{
	return (struct bytes){ (const uint8_t *)r->text, r->n };
}

void reply_line(struct fmt *f, const struct reply *r)
{
	fmt_pad(f, r->code, 3);
	if (r->enhanced[0] != '\0') {
		fmt_add(f, " %s", r->enhanced);
	}
	for (size_t i = 0; i < r->n; i++) {
		if (i == 0)
			fmt_char(f, ' ');
		fmt_char(f, r->text[i] == '\n' ? ' ' : r->text[i]);
	}
}

/* What stands before the text of each line: "550 5.7.1 "; the fourth octet tells the last line. */
struct front {
	char text[3 + 1 + REPLY_ENHANCED + 1];
	size_t n;
};

static void front_set(struct front *front, const struct reply *r)
{
	unsigned code = r->code % 1000;

	front->text[0] = (char)('0' + code / 100);
	front->text[1] = (char)('0' + code / 10 % 10);
	front->text[2] = (char)('0' + code % 10);
	front->text[3] = ' ';
	front->n = 4;
	if (r->enhanced[0] != '\0') {
		size_t n = strlen(r->enhanced);

		memcpy(front->text + 4, r->enhanced, n);
		front->text[4 + n] = ' ';
		front->n += n + 1;
	}
}

bool reply_print(struct buf *out, const struct reply *r)
{
	struct bytes rest = text_of(r);
	struct front front;
	bool last;

	if (buf_room(out) < LIMIT_REPLY_PRINTED)
		return false;
	front_set(&front, r);
	do {
		struct bytes line = bytes_first(rest, bytes_find(rest, '\n'));
		bool whole = line.n <= LIMIT_REPLY_LINE - 2 - front.n;

		if (!whole)
			line.n = LIMIT_REPLY_LINE - 2 - front.n;
		last = line.n == rest.n;
		rest = bytes_skip(rest, line.n + (whole && !last ? 1 : 0));
		front.text[3] = last ? ' ' : '-';
		buf_put(out, (struct bytes){ (const uint8_t *)front.text, front.n });
		buf_put(out, line);
		buf_put(out, BYTES("\r\n"));
	} while (!last);
	return true;
}

/* ---- what is heard ---- */

enum {
	AT_START,    /* no octet of a reply yet */
	AT_LINE,     /* before the first digit of a further line */
	AT_CODE,     /* within the digits */
	AT_MARK,     /* behind them */
	AT_HEAD,     /* at the beginning of the text, which is held back in head[] */
	AT_TEXT,     /* within the text */
	AT_NONSENSE, /* within a first line that made no sense, which is kept for the reader */
	AT_END,      /* the last line was given out by itself */
};

/* Octets of a first line without sense that are kept. */
#define NONSENSE_KEPT 200u

void reply_parser_init(struct reply_parser *p)
{
	memset(p, 0, sizeof(*p));
}

bool reply_parser_idle(const struct reply_parser *p)
{
	return p->state == AT_START;
}

static void begin_reply(struct reply_parser *p)
{
	p->reply.code = 0;
	p->reply.n = 0;
	p->reply.enhanced[0] = '\0';
	p->octets = 0;
	p->lines = 0;
}

static void begin_line(struct reply_parser *p)
{
	p->state = AT_CODE;
	p->line_at = 0;
	p->line_code = 0;
	p->head_n = 0;
	p->cr = false;
}

static bool given_by_line(const struct reply_parser *p)
{
	return p->by_line && p->reply.code < 300;
}

/* Is the text of this line wanted? */
static bool wanted(const struct reply_parser *p)
{
	return given_by_line(p) || p->lines < LIMIT_REPLY_TEXT_LINES;
}

static void put(struct reply_parser *p, uint8_t c)
{
	if (wanted(p))
		text_put(&p->reply, printable(c));
}

/* The text of a line begins: a line of its own, or one more. */
static void begin_text(struct reply_parser *p)
{
	p->state = AT_HEAD;
	if (given_by_line(p))
		p->reply.n = 0;
	else if (p->lines > 0 && wanted(p))
		text_put(&p->reply, '\n');
	p->line_start = p->reply.n;
}

/* RFC 3463 section 2: class "." subject "." detail, the numbers of one to three digits. */
static bool is_enhanced(struct bytes x)
{
	size_t at = 1;

	if (x.n < 5 || (x.p[0] != '2' && x.p[0] != '4' && x.p[0] != '5'))
		return false;
	for (int part = 0; part < 2; part++) {
		size_t digits = 0;

		if (at == x.n || x.p[at++] != '.')
			return false;
		while (at < x.n && digits < 3 && byte_is_digit(x.p[at])) {
			at++;
			digits++;
		}
		if (digits == 0)
			return false;
	}
	return at == x.n;
}

/* The head is over, by an octet that cannot belong to an enhanced code: is it one? */
static bool take_enhanced(struct reply_parser *p)
{
	struct bytes head = { (const uint8_t *)p->head, p->head_n };

	if (!is_enhanced(head))
		return false;
	if (p->reply.enhanced[0] == '\0') {
		memcpy(p->reply.enhanced, p->head, p->head_n);
		p->reply.enhanced[p->head_n] = '\0';
		return true;
	}
	/* Another one than on the lines before is text, so that it is not lost. */
	return bytes_same(head, bytes_of(p->reply.enhanced));
}

static void flush_head(struct reply_parser *p)
{
	for (unsigned i = 0; i < p->head_n; i++)
		put(p, (uint8_t)p->head[i]);
	p->head_n = 0;
}

/* One octet of text that is not part of the line's end. */
static void on_text(struct reply_parser *p, uint8_t c)
{
	if (p->state == AT_TEXT) {
		put(p, c);
		return;
	}
	if ((byte_is_digit(c) || c == '.') && p->head_n < sizeof(p->head) - 1) {
		p->head[p->head_n++] = (char)c;
		return;
	}
	p->state = AT_TEXT;
	if (c == ' ' && take_enhanced(p))
		return;
	flush_head(p);
	put(p, c);
}

/* The text of a line is over. */
static enum reply_status end_line(struct reply_parser *p)
{
	if (p->state == AT_HEAD && !take_enhanced(p))
		flush_head(p);
	p->lines++;
	if (p->lines == LIMIT_REPLY_LINES && p->more)
		return REPLY_BAD;
	if (given_by_line(p)) {
		p->state = p->more ? AT_LINE : AT_END;
		return REPLY_LINE;
	}
	p->state = p->more ? AT_LINE : AT_START;
	if (p->more)
		return REPLY_MORE;
	if (p->reply.n == sizeof(p->reply.text) && p->reply.text[p->reply.n - 1] == '\n')
		p->reply.n--; /* nothing of the line behind it did fit */
	return REPLY_DONE;
}

/* A first line that makes no sense is read to its end and kept; elsewhere the reply is given up. */
static enum reply_status nonsense(struct reply_parser *p, uint8_t c)
{
	unsigned digits = p->line_at - 1;
	unsigned code = p->line_code;

	if (p->lines > 0)
		return REPLY_BAD;
	if (digits > 3)
		digits = 3;
	for (unsigned i = digits, unit = 1; i > 0; i--, unit *= 10)
		p->head[i - 1] = (char)('0' + code / unit % 10);
	p->head_n = (uint8_t)digits;
	p->reply.code = 0;
	p->reply.n = 0;
	flush_head(p);
	p->state = AT_NONSENSE;
	if (c == '\n')
		return REPLY_BAD;
	if (c != '\r')
		put(p, c);
	return REPLY_MORE;
}

/* The digits: three of them, the same on each line. */
static enum reply_status on_code(struct reply_parser *p, uint8_t c)
{
	if (!byte_is_digit(c))
		return nonsense(p, c);
	p->line_code = (uint16_t)(p->line_code * 10 + (c - '0'));
	if (p->line_at == 3)
		p->state = AT_MARK;
	return REPLY_MORE;
}

static enum reply_status on_mark(struct reply_parser *p, uint8_t c)
{
	if (p->line_code < 200 || p->line_code > 599)
		return nonsense(p, c);
	if (p->lines > 0 && p->line_code != p->reply.code)
		return REPLY_BAD;
	if (c != ' ' && c != '-' && c != '\r' && c != '\n')
		return nonsense(p, c);
	p->reply.code = p->line_code;
	begin_text(p);
	p->more = c == '-';
	if (c == '\n')
		return end_line(p);
	p->cr = c == '\r';
	return REPLY_MORE;
}

static enum reply_status on_octet(struct reply_parser *p, uint8_t c)
{
	if (p->state == AT_START)
		begin_reply(p);
	if (p->state == AT_START || p->state == AT_LINE)
		begin_line(p);
	if (++p->octets > LIMIT_REPLY_SIZE)
		return REPLY_BAD;
	p->line_at++;
	if (p->state == AT_CODE)
		return on_code(p, c);
	if (p->state == AT_MARK)
		return on_mark(p, c);
	if (p->state == AT_NONSENSE) {
		if (c == '\n' || p->line_at > NONSENSE_KEPT)
			return REPLY_BAD;
		if (c != '\r')
			put(p, c);
		return REPLY_MORE;
	}
	if (c == '\n')
		return end_line(p);
	if (p->cr)
		on_text(p, '\r');
	p->cr = c == '\r';
	if (!p->cr)
		on_text(p, c);
	return REPLY_MORE;
}

enum reply_status reply_parse(struct reply_parser *p, struct bytes *in)
{
	enum reply_status status = REPLY_MORE;

	if (p->state == AT_END) {
		p->state = AT_START;
		return REPLY_DONE;
	}
	while (status == REPLY_MORE && in->n > 0) {
		status = on_octet(p, in->p[0]);
		*in = bytes_skip(*in, 1);
	}
	if (status == REPLY_BAD) {
		if (p->state != AT_NONSENSE)
			p->reply.n = 0;
		p->reply.code = 0;
		p->reply.enhanced[0] = '\0';
		p->state = AT_START;
	}
	return status;
}

struct bytes reply_parser_line(const struct reply_parser *p, uint32_t *number)
{
	*number = p->lines - 1;
	return bytes_skip(text_of(&p->reply), p->line_start);
}
