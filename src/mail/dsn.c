/* SPDX-License-Identifier: ISC */
#include "mail/dsn_part.h"

#include "base/bug.h"
#include "base/fmt.h"

#define BOUNDARY  "=_"
#define HOST_MOST 255u /* octets of a name that are told */

/* What is written next; where nothing else is said, at once. */
enum state {
	STATE_FROM,
	STATE_TO,
	STATE_FIELDS,
	STATE_TEXT,
	STATE_TEXT_ASK, /* for a recipient, or the end of the text */
	STATE_TEXT_RCPT,
	STATE_TEXT_PATH, /* as there is room */
	STATE_TEXT_WHY,
	STATE_TEXT_WORDS, /* as there is room */
	STATE_TEXT_END,
	STATE_STATUS,
	STATE_STATUS_ASK,
	STATE_STATUS_RCPT,
	STATE_STATUS_REMOTE,
	STATE_STATUS_WORDS, /* as there is room */
	STATE_HEADER,
	STATE_HEADER_ASK,
	STATE_HEADER_COPY, /* as there is room */
	STATE_CLOSE,       /* … the end of that, then the last delimiter */
	STATE_END
};

void dsn_init(struct dsn *d, const struct dsn_params *params)
{
	*d = (struct dsn){ .params = params };
}

static bool is_plain(struct bytes x)
{
	return x.n > 0 && x.n <= DSN_ADDR && dsn_is_utf8(x);
}

bool dsn_needs_utf8(const struct dsn_params *params)
{
	return (is_plain(params->to) && !dsn_is_ascii(params->to)) ||
	       (is_plain(params->from) && !dsn_is_ascii(params->from));
}

/* A path without its brackets and source route. */
static struct bytes address_of(struct bytes path)
{
	if (path.n > 1 && path.p[0] == '<' && path.p[path.n - 1] == '>')
		path = bytes_first(bytes_skip(path, 1), path.n - 2);
	if (path.n > 0 && path.p[0] == '@' && bytes_find(path, ':') < path.n)
		path = bytes_skip(path, bytes_find(path, ':') + 1);
	return path;
}

/* ---- the header ---- */

static void put_delimiter(struct dsn *d, struct buf *out, const char *end)
{
	dsn_str(out, "\r\n--" BOUNDARY);
	dsn_put(out, bytes_first(d->params->id, 40));
	dsn_str(out, end);
}

static void put_from(struct dsn *d, struct buf *out)
{
	dsn_str(out, "From: Mail Delivery <");
	if (is_plain(d->params->from)) {
		dsn_put(out, d->params->from);
	} else {
		dsn_str(out, "mailer-daemon@");
		dsn_put(out, bytes_first(d->params->hostname, HOST_MOST));
	}
	dsn_str(out, ">\r\n");
}

static void put_to(struct dsn *d, struct buf *out)
{
	if (!is_plain(d->params->to)) {
		dsn_str(out, "To: undisclosed-recipients:;\r\n");
		return;
	}
	dsn_str(out, "To: <");
	dsn_put(out, d->params->to);
	dsn_str(out, ">\r\n");
}

static void put_fields(struct dsn *d, struct buf *out)
{
	const struct dsn_params *p = d->params;

	dsn_str(out, "Subject: Your mail was not delivered\r\n");
	if (p->date.n > 0) {
		dsn_str(out, "Date: ");
		dsn_put(out, bytes_first(p->date, 64));
		dsn_str(out, "\r\n");
	}
	dsn_str(out, "Message-ID: ");
	dsn_put(out, bytes_first(p->message_id, 400));
	dsn_str(out, "\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
		     "Content-Type: multipart/report; report-type=delivery-status;\r\n"
		     "\tboundary=\"" BOUNDARY);
	dsn_put(out, bytes_first(p->id, 40));
	dsn_str(out, "\"\r\n");
}

/* ---- for people ---- */

static void put_text(struct dsn *d, struct buf *out)
{
	put_delimiter(d, out,
	    "\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	dsn_str(out, "This is the mail relay\r\n");
	d->rest = bytes_first(d->params->hostname, HOST_MOST);
	dsn_words(d, out, 0);
	dsn_str(out, ".\r\n\r\nYour mail (");
	d->column += 12;
	d->rest = bytes_first(d->params->mail_id, 40);
	dsn_words(d, out, 0);
	dsn_str(out, ") was not delivered to:\r\n");
	d->column = 0;
}

static void put_why(struct dsn *d, struct buf *out)
{
	const struct dsn_rcpt *r = &d->now;
	bool named = r->remote.n > 0;

	dsn_raw_end(d, out);
	d->rest = BYTES("    ");
	dsn_words(d, out, 4);
	d->rest = named ? bytes_first(r->remote, HOST_MOST) : BYTES("The mail gateway");
	dsn_words(d, out, 4);
	if (r->code == 0)
		d->rest = BYTES(" could not be reached in time:\n");
	else if (r->expired)
		d->rest = BYTES(" did not take it in time. Its last answer was:\n");
	else
		d->rest = BYTES(" refused it:\n");
	dsn_words(d, out, 4);
}

/* Code and enhanced code, before the words of a reply. */
static void put_codes(struct fmt *f, const struct dsn_rcpt *r)
{
	if (r->code == 0)
		return;
	fmt_add(f, "%u ", r->code);
	if (r->enhanced.n == 0 || r->enhanced.n > 11)
		return;
	fmt_add(f, "%.*s ", SPAN(r->enhanced));
}

/* Puts them, and has the words follow. */
static void begin_words(struct dsn *d, struct buf *out, bool fold)
{
	char mem[32];
	struct fmt f;

	fmt_init(&f, mem, sizeof(mem));
	put_codes(&f, &d->now);
	d->rest = fmt_done(&f);
	if (fold)
		dsn_fold(d, out);
	else
		dsn_words(d, out, 4);
	d->rest = d->now.text;
}

/* ---- for programs ---- */

static void put_status_head(struct dsn *d, struct buf *out)
{
	put_delimiter(d, out, "\r\nContent-Type: message/delivery-status\r\n\r\n");
	dsn_str(out, "Reporting-MTA: dns;");
	d->column = 19;
	d->rest = bytes_first(d->params->hostname, HOST_MOST);
	dsn_fold(d, out);
	dsn_str(out, "\r\n");
	if (d->params->arrival.n == 0)
		return;
	dsn_str(out, "Arrival-Date: ");
	dsn_put(out, bytes_first(d->params->arrival, 64));
	dsn_str(out, "\r\n");
}

/* "4.7.1" as RFC 3463 section 2 has it, of the class 4 or 5. */
static bool is_enhanced(struct bytes x)
{
	unsigned dots = 0, digits = 0;

	if (x.n < 5 || (x.p[0] != '4' && x.p[0] != '5'))
		return false;
	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] == '.' && digits > 0) {
			dots++;
			digits = 0;
		} else if (!byte_is_digit(x.p[i]) || ++digits > (dots == 0 ? 1u : 3u)) {
			return false;
		}
	}
	return dots == 2 && digits > 0;
}

static void put_status(const struct dsn_rcpt *r, struct buf *out)
{
	dsn_str(out, "Status: ");
	if (is_enhanced(r->enhanced))
		dsn_put(out, r->enhanced);
	else if (r->code >= 500)
		dsn_str(out, "5.0.0");
	else
		dsn_str(out, r->expired ? "4.4.7" : "4.0.0");
	dsn_str(out, "\r\n");
}

static void put_rcpt_fields(struct dsn *d, struct buf *out)
{
	const struct dsn_rcpt *r = &d->now;

	dsn_str(out, "\r\nFinal-Recipient: ");
	d->rest = address_of(r->path);
	dsn_addr(d, out);
	dsn_str(out, "\r\nAction: failed\r\n");
	put_status(r, out);
}

static void put_remote(struct dsn *d, struct buf *out)
{
	const struct dsn_rcpt *r = &d->now;

	if (r->remote.n > 0) {
		dsn_str(out, "Remote-MTA: dns;");
		d->column = 16;
		d->rest = bytes_first(r->remote, HOST_MOST);
		dsn_fold(d, out);
		dsn_str(out, "\r\n");
	}
	dsn_str(out, r->code > 0 ? "Diagnostic-Code: smtp;" : "Diagnostic-Code: x-gatepost;");
	d->column = 28;
}

static void put_header_head(struct dsn *d, struct buf *out)
{
	put_delimiter(d, out,
	    d->params->utf8 ? "\r\nContent-Type: message/global-headers\r\n"
			    : "\r\nContent-Type: text/rfc822-headers\r\n");
	dsn_str(out, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	d->column = 0;
}

/* The header's part of what came: up to the empty line, or what is sent along of it at the most. */
static struct bytes take_header(struct dsn *d, struct bytes x)
{
	size_t n = 0;

	while (n < x.n) {
		uint8_t c = x.p[n];

		if (d->header >= DSN_HEADER_MAX || (c == '\n' && !d->line)) {
			d->state = STATE_CLOSE;
			break;
		}
		if (c != '\r')
			d->line = c != '\n';
		d->header++;
		n++;
	}
	return bytes_first(x, n);
}

/* ---- in order ---- */

void dsn_rcpt(struct dsn *d, const struct dsn_rcpt *rcpt)
{
	bool text = d->state == STATE_TEXT_ASK;

	if (!text && d->state != STATE_STATUS_ASK)
		gp_bug("dsn_rcpt: nobody asked");
	if (!rcpt) {
		d->rcpt = 0;
		d->state = text ? STATE_TEXT_END : STATE_HEADER;
		return;
	}
	d->now = *rcpt;
	d->rcpt++;
	d->state = text ? STATE_TEXT_RCPT : STATE_STATUS_RCPT;
}

void dsn_header(struct dsn *d, struct bytes x)
{
	if (d->state != STATE_HEADER_ASK)
		gp_bug("dsn_header: nobody asked");
	d->state = x.n > 0 ? STATE_HEADER_COPY : STATE_CLOSE;
	d->rest = take_header(d, x);
}

static void put_text_rcpt(struct dsn *d, struct buf *out)
{
	dsn_str(out, "\r\n");
	d->column = 0;
	d->rest = address_of(d->now.path);
}

/* The words are through: their line ends. */
static bool end_words(struct dsn *d, struct buf *out)
{
	if (!dsn_words(d, out, 4))
		return false;
	dsn_raw_end(d, out);
	return true;
}

static bool end_fold(struct dsn *d, struct buf *out)
{
	if (!dsn_fold(d, out))
		return false;
	dsn_str(out, "\r\n");
	return true;
}

/* A CR that was held back belongs to the empty line that ended the header. */
static bool put_end(struct dsn *d, struct buf *out)
{
	if (!dsn_raw(d, out) || buf_room(out) < DSN_ROOM / 2)
		return false;
	d->cr = false;
	dsn_raw_end(d, out);
	put_delimiter(d, out, "--\r\n");
	return true;
}

/* Writes what the state is for; false: there was no room for all of it. */
static bool put(struct dsn *d, struct buf *out)
{
	switch ((enum state)d->state) {
	case STATE_FROM:
		put_from(d, out);
		return true;
	case STATE_TO:
		put_to(d, out);
		return true;
	case STATE_FIELDS:
		put_fields(d, out);
		return true;
	case STATE_TEXT:
		put_text(d, out);
		return true;
	case STATE_TEXT_RCPT:
		put_text_rcpt(d, out);
		return true;
	case STATE_TEXT_PATH:
		return dsn_words(d, out, 0);
	case STATE_TEXT_WHY:
		put_why(d, out);
		begin_words(d, out, false);
		return true;
	case STATE_TEXT_WORDS:
		return end_words(d, out);
	case STATE_TEXT_END:
		dsn_str(out, "\r\nIt is not tried again. The header of the mail follows.\r\n");
		return true;
	case STATE_STATUS:
		put_status_head(d, out);
		return true;
	case STATE_STATUS_RCPT:
		put_rcpt_fields(d, out);
		return true;
	case STATE_STATUS_REMOTE:
		put_remote(d, out);
		begin_words(d, out, true);
		return true;
	case STATE_STATUS_WORDS:
		return end_fold(d, out);
	case STATE_HEADER:
		put_header_head(d, out);
		return true;
	case STATE_HEADER_COPY:
		return dsn_raw(d, out);
	case STATE_CLOSE:
		return put_end(d, out);
	case STATE_TEXT_ASK:
	case STATE_STATUS_ASK:
	case STATE_HEADER_ASK:
	case STATE_END:
		break;
	}
	gp_bug("dsn: no such state");
}

/* Behind the last of a recipient, or of a piece of the header, more is asked for. */
static uint8_t next_of(uint8_t state)
{
	if (state == STATE_TEXT_WORDS)
		return STATE_TEXT_ASK;
	if (state == STATE_STATUS_WORDS)
		return STATE_STATUS_ASK;
	return state == STATE_HEADER_COPY ? STATE_HEADER_ASK : (uint8_t)(state + 1);
}

enum dsn_event dsn_step(struct dsn *d, struct buf *out)
{
	for (;;) {
		if (d->state == STATE_TEXT_ASK || d->state == STATE_STATUS_ASK)
			return DSN_RCPT;
		if (d->state == STATE_HEADER_ASK)
			return DSN_HEADER;
		if (d->state == STATE_END)
			return DSN_END;
		if (buf_room(out) < DSN_ROOM || !put(d, out))
			return DSN_FULL;
		d->state = next_of(d->state);
	}
}
