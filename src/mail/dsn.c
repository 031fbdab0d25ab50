/* SPDX-License-Identifier: ISC */
#include "mail/dsn_part.h"

#include "base/bug.h"

#define BOUNDARY "=_"
#define WHY_MOST 400u /* octets before the words of a gateway */

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
	dsn_add(out, "\r\n--" BOUNDARY "%.*s%s", SPAN(d->params->id), end);
}

static void put_from(struct dsn *d, struct buf *out)
{
	const struct dsn_params *p = d->params;

	if (is_plain(p->from))
		dsn_add(out, "From: Mail Delivery <%.*s>\r\n", SPAN(p->from));
	else
		dsn_add(out, "From: Mail Delivery <mailer-daemon@%.*s>\r\n", SPAN(p->hostname));
}

static void put_to(struct dsn *d, struct buf *out)
{
	if (is_plain(d->params->to))
		dsn_add(out, "To: <%.*s>\r\n", SPAN(d->params->to));
	else
		dsn_add(out, "To: undisclosed-recipients:;\r\n");
}

static void put_fields(struct dsn *d, struct buf *out)
{
	const struct dsn_params *p = d->params;

	dsn_add(out, "Subject: Your mail was not delivered\r\n");
	if (p->date.n > 0)
		dsn_add(out, "Date: %.*s\r\n", SPAN(p->date));
	dsn_add(out,
	    "Message-ID: %.*s\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"" BOUNDARY "%.*s\"\r\n",
	    SPAN(p->message_id), SPAN(p->id));
}

/* ---- for people ---- */

static void put_text(struct dsn *d, struct buf *out)
{
	put_delimiter(d, out,
	    PHRASE("\r\nContent-Type: text/plain; charset=utf-8\r\n"
		   "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		   "This is the mail relay\r\n"));
	d->rest = d->params->hostname;
	dsn_words(d, out, 0);
	dsn_add(
	    out, ".\r\n\r\nYour mail (%.*s) was not delivered to:\r\n", SPAN(d->params->mail_id));
	d->column = 0;
}

/* Code and enhanced code, before the words of a reply. */
static void put_codes(struct fmt *f, const struct dsn_rcpt *r)
{
	if (r->code == 0)
		return;
	fmt_add(f, "%u ", r->code);
	if (r->enhanced.n > 0)
		fmt_add(f, "%.*s ", SPAN(r->enhanced));
}

/* Who says it, and the codes; the words follow. */
static void put_why(struct dsn *d, struct buf *out)
{
	const struct dsn_rcpt *r = &d->now;
	char mem[WHY_MOST];
	struct fmt f;

	dsn_raw_end(d, out);
	fmt_init(&f, mem, sizeof(mem));
	fmt_add(&f, "    ");
	if (r->remote.n > 0)
		fmt_bytes(&f, r->remote);
	else
		fmt_add(&f, "The mail gateway");
	fmt_str(&f, r->code == 0 ? PHRASE(" could not be reached in time:\n")
		    : r->expired ? PHRASE(" did not take it in time. Its last answer was:\n")
				 : PHRASE(" refused it:\n"));
	put_codes(&f, r);
	d->rest = fmt_done(&f);
	dsn_words(d, out, 4);
	d->rest = r->text;
}

/* ---- for programs ---- */

static void put_status_head(struct dsn *d, struct buf *out)
{
	const struct dsn_params *p = d->params;

	put_delimiter(
	    d, out, PHRASE("\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns;"));
	d->column = 19;
	d->rest = p->hostname;
	dsn_fold(d, out);
	dsn_add(out, "\r\n");
	if (p->arrival.n > 0)
		dsn_add(out, "Arrival-Date: %.*s\r\n", SPAN(p->arrival));
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
	struct bytes status = r->code >= 500 ? BYTES("5.0.0")
			      : r->expired   ? BYTES("4.4.7")
					     : BYTES("4.0.0");

	if (is_enhanced(r->enhanced))
		status = r->enhanced;
	dsn_add(out, "\r\nAction: failed\r\nStatus: %.*s\r\n", SPAN(status));
}

static void put_rcpt_fields(struct dsn *d, struct buf *out)
{
	dsn_add(out, "\r\nFinal-Recipient: ");
	d->rest = address_of(d->now.path);
	dsn_addr(d, out);
	put_status(&d->now, out);
}

static void put_remote(struct dsn *d, struct buf *out)
{
	const struct dsn_rcpt *r = &d->now;
	char mem[32];
	struct fmt f;

	if (r->remote.n > 0) {
		dsn_add(out, "Remote-MTA: dns;");
		d->column = 16;
		d->rest = r->remote;
		dsn_fold(d, out);
		dsn_add(out, "\r\n");
	}
	dsn_add(out, "Diagnostic-Code: %s;", r->code > 0 ? "smtp" : PHRASE("x-gatepost"));
	d->column = 28;
	fmt_init(&f, mem, sizeof(mem));
	put_codes(&f, r);
	d->rest = fmt_done(&f);
	dsn_fold(d, out);
	d->rest = r->text;
}

static void put_header_head(struct dsn *d, struct buf *out)
{
	put_delimiter(d, out,
	    d->params->utf8 ? PHRASE("\r\nContent-Type: message/global-headers")
			    : PHRASE("\r\nContent-Type: text/rfc822-headers"));
	dsn_add(out, "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
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
	dsn_add(out, "\r\n");
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
	dsn_add(out, "\r\n");
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
		return true;
	case STATE_TEXT_WORDS:
		return end_words(d, out);
	case STATE_TEXT_END:
		dsn_add(out, "\r\nIt is not tried again. The header of the mail follows.\r\n");
		return true;
	case STATE_STATUS:
		put_status_head(d, out);
		return true;
	case STATE_STATUS_RCPT:
		put_rcpt_fields(d, out);
		return true;
	case STATE_STATUS_REMOTE:
		put_remote(d, out);
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
