/* SPDX-License-Identifier: ISC */
#include "mail/head.h"

#include "base/bug.h"
#include "mail/mailbox.h"

#include <string.h>

enum state {
	STATE_LINE,  /* at the first octet of a line of the header */
	STATE_NAME,  /* in what may be a field's name; hold has what came in earlier calls */
	STATE_VALUE, /* behind the colon, or in a continuation */
	STATE_CR,    /* a line that began with CR: the empty line */
	STATE_TAIL,  /* the fields are over, missing ones go out */
	STATE_BODY
};

enum act {
	ACT_NONE, /* no field before this line */
	ACT_PASS,
	ACT_DROP,
	ACT_BLANK, /* a wanted field, only blanks so far, all of it in hold */
	ACT_FROM   /* the From to be replaced, its value going into from */
};

/* Those that are put in where they are missing come first, in their order. */
enum field {
	FIELD_FROM,
	FIELD_REPLY_TO,
	FIELD_DATE,
	FIELD_MESSAGE_ID,
	FIELD_SENDER, /* or Return-Path */
	FIELD_RECEIVED,
	FIELD_RETURN_PATH, /* of titles alone */
	FIELD_OTHER
};

static const char titles[FIELD_OTHER][14] = {
	[FIELD_FROM] = "From: ",
	[FIELD_REPLY_TO] = "Reply-To: ",
	[FIELD_DATE] = "Date: ",
	[FIELD_MESSAGE_ID] = "Message-ID: ",
	[FIELD_SENDER] = "Sender: ",
	[FIELD_RECEIVED] = "Received: ",
	[FIELD_RETURN_PATH] = "Return-Path: ",
};

enum name { NAME_MORE, NAME_FIELD, NAME_NOT };

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void enqueue(struct head *h, struct bytes run)
{
	if (h->queued == HEAD_QUEUE)
		gp_bug("head: queue full");
	if (run.n > 0)
		h->queue[h->queued++] = run;
}

static void enqueue_field(struct head *h, enum field field, struct bytes value)
{
	enqueue(h, bytes_of(titles[field]));
	enqueue(h, value);
	enqueue(h, BYTES("\r\n"));
}

static bool dequeue(struct head *h, struct bytes *run)
{
	if (h->sent == h->queued)
		return false;
	*run = h->queue[h->sent++];
	if (h->sent == h->queued) {
		h->sent = 0;
		h->queued = 0;
	}
	return true;
}

void head_init(struct head *h, const struct head_params *params)
{
	memset(h, 0, offsetof(struct head, hold));
	h->params = params;
	h->state = STATE_LINE;
	h->act = ACT_NONE;
	enqueue(h, params->received);
}

static bool wants_from(const struct head *h)
{
	return h->params->header_from.n > 0;
}

static bool wants_reply_to(const struct head *h)
{
	return wants_from(h) && h->params->add_reply_to;
}

static bool is_seen(const struct head *h, enum field field)
{
	return (h->seen & 1u << field) != 0;
}

static void mark_seen(struct head *h, enum field field)
{
	h->seen = (uint8_t)(h->seen | 1u << field);
}

/* The name comes with its colon and any blanks before it. */
static enum field field_of(struct bytes name)
{
	name = bytes_trim(bytes_first(name, name.n - 1));
	for (unsigned i = 0; i < FIELD_OTHER; i++) {
		struct bytes title = bytes_of(titles[i]);

		if (bytes_same_fold(name, bytes_first(title, title.n - 2)))
			return i == FIELD_RETURN_PATH ? FIELD_SENDER : (enum field)i;
	}
	return FIELD_OTHER;
}

static enum act act_for(struct head *h, enum field field)
{
	switch (field) {
	case FIELD_FROM:
		if (!wants_from(h))
			return ACT_PASS;
		if (is_seen(h, FIELD_FROM))
			return ACT_DROP;
		h->from_len = 0;
		h->filled = false;
		h->over = false;
		return ACT_FROM;
	case FIELD_REPLY_TO:
		return wants_reply_to(h) ? ACT_BLANK : ACT_PASS;
	case FIELD_DATE:
		return h->params->date.n > 0 ? ACT_BLANK : ACT_PASS;
	case FIELD_MESSAGE_ID:
		return h->params->message_id.n > 0 ? ACT_BLANK : ACT_PASS;
	case FIELD_SENDER:
		return wants_from(h) ? ACT_DROP : ACT_PASS;
	case FIELD_RECEIVED:
		h->hops += h->hops < UINT32_MAX;
		return ACT_PASS;
	case FIELD_RETURN_PATH:
	case FIELD_OTHER:
		break;
	}
	return ACT_PASS;
}

static void replace_from(struct head *h)
{
	struct bytes value = { h->from, h->from_len };
	struct mailbox box;

	mark_seen(h, FIELD_FROM);
	if (h->over || !mailbox_parse(value, &box)) {
		enqueue_field(h, FIELD_FROM, h->params->header_from);
		return;
	}
	h->answer = box.qualified;
	enqueue(h, BYTES("From:"));
	enqueue(h, bytes_skip(bytes_first(value, box.addr_begin), box.begin));
	enqueue(h, h->params->header_from);
	enqueue(h, bytes_skip(bytes_first(value, box.end), box.addr_end));
	enqueue(h, BYTES("\r\n"));
}

/* The current field is over. One still in ACT_BLANK was empty: nothing of it ever goes out. */
static void end_field(struct head *h)
{
	if (h->act == ACT_FROM && h->filled)
		replace_from(h);
	h->act = ACT_NONE;
	h->held = 0;
}

/* Keeps what fits: only blanks that no value needs are ever lost. */
static void hold(struct head *h, struct bytes x)
{
	if (x.n > HEAD_HOLD - (size_t)h->held)
		return;
	memcpy(h->hold + h->held, x.p, x.n);
	h->held = (uint16_t)(h->held + x.n);
}

static void on_line(struct head *h, struct bytes *in)
{
	if (is_blank(in->p[0]) && h->act != ACT_NONE) {
		if (h->act == ACT_BLANK && h->held + 3u <= HEAD_HOLD)
			hold(h, BYTES("\r\n"));
		h->state = STATE_VALUE;
		return;
	}
	end_field(h);
	if (in->p[0] == '\r') {
		*in = bytes_skip(*in, 1);
		h->state = STATE_CR;
		return;
	}
	h->blank = false;
	h->state = STATE_NAME;
}

static void on_cr(struct head *h, struct bytes *in)
{
	if (in->p[0] == '\n')
		*in = bytes_skip(*in, 1);
	else
		hold(h, BYTES("\r"));
	h->state = STATE_TAIL;
}

/* The octet c at place n of a line: RFC 5322 3.6.8 with the blanks of 4.5.8. */
static enum name name_octet(struct head *h, size_t n, uint8_t c)
{
	if (c == ':')
		return n > 0 ? NAME_FIELD : NAME_NOT;
	if (n + 1 >= HEAD_HOLD)
		return NAME_NOT;
	if (is_blank(c)) {
		h->blank = true;
		return n > 0 ? NAME_MORE : NAME_NOT;
	}
	return c > 32 && c < 127 && !h->blank ? NAME_MORE : NAME_NOT;
}

static void on_name(struct head *h, struct bytes *in)
{
	enum name what = NAME_MORE;
	bool whole = h->held == 0; /* all of the line so far is in *in */
	size_t n = 0;

	while (n < in->n && what == NAME_MORE) {
		what = name_octet(h, h->held + n, in->p[n]);
		n++;
	}
	if (what == NAME_NOT) {
		h->state = STATE_TAIL;
		return;
	}
	if (what == NAME_FIELD && whole) {
		h->field = (uint8_t)field_of(bytes_first(*in, n));
		h->act = (uint8_t)act_for(h, (enum field)h->field);
		h->state = STATE_VALUE;
		if (h->act == ACT_PASS)
			return;
	}
	hold(h, bytes_first(*in, n));
	*in = bytes_skip(*in, n);
	if (what == NAME_MORE || whole)
		return;
	h->field = (uint8_t)field_of((struct bytes){ h->hold, h->held });
	h->act = (uint8_t)act_for(h, (enum field)h->field);
	h->state = STATE_VALUE;
	if (h->act == ACT_PASS)
		enqueue(h, (struct bytes){ h->hold, h->held });
}

/* Up to the end of the line, or of what there is. */
static bool on_value_pass(struct head *h, struct bytes *in, struct bytes *run)
{
	size_t n = bytes_find(*in, '\n');

	if (n < in->n) {
		n++;
		h->state = STATE_LINE;
	}
	*run = bytes_first(*in, n);
	*in = bytes_skip(*in, n);
	return h->act == ACT_PASS;
}

static void on_value_blank(struct head *h, struct bytes *in)
{
	size_t n = 0;

	for (; n < in->n && h->state == STATE_VALUE; n++) {
		uint8_t c = in->p[n];

		if (c == '\n') {
			h->state = STATE_LINE;
		} else if (is_blank(c)) {
			hold(h, (struct bytes){ in->p + n, 1 });
		} else if (c != '\r') {
			mark_seen(h, (enum field)h->field);
			enqueue(h, (struct bytes){ h->hold, h->held });
			h->act = ACT_PASS;
			break;
		}
	}
	*in = bytes_skip(*in, n);
}

static void on_value_from(struct head *h, struct bytes *in)
{
	size_t n = 0;

	for (; n < in->n && h->state == STATE_VALUE; n++) {
		uint8_t c = in->p[n];

		if (c == '\n') {
			h->state = STATE_LINE;
			continue;
		}
		if (c == '\r')
			continue;
		if (!is_blank(c))
			h->filled = true;
		if (h->from_len < sizeof(h->from))
			h->from[h->from_len++] = c;
		else
			h->over = true;
	}
	*in = bytes_skip(*in, n);
}

static bool on_value(struct head *h, struct bytes *in, struct bytes *run)
{
	if (h->act == ACT_BLANK)
		on_value_blank(h, in);
	else if (h->act == ACT_FROM)
		on_value_from(h, in);
	else
		return on_value_pass(h, in, run);
	return false;
}

/* One of the missing fields after the other, then the empty line. */
static void on_tail(struct head *h)
{
	const struct head_params *p = h->params;
	enum field field = (enum field)h->tail++;
	struct bytes value = { NULL, 0 };

	if (field == FIELD_FROM)
		value = p->header_from;
	else if (field == FIELD_DATE)
		value = p->date;
	else if (field == FIELD_MESSAGE_ID)
		value = p->message_id;
	else if (field == FIELD_REPLY_TO && wants_reply_to(h) && h->answer)
		value = bytes_trim((struct bytes){ h->from, h->from_len });
	if (value.n > 0 && !is_seen(h, field))
		enqueue_field(h, field, value);
	if (field <= FIELD_MESSAGE_ID)
		return;
	enqueue(h, BYTES("\r\n"));
	enqueue(h, (struct bytes){ h->hold, h->held });
	h->open = h->held > 0;
	h->state = STATE_BODY;
}

enum head_event head_step(struct head *h, struct bytes *in, struct bytes *run)
{
	for (;;) {
		if (dequeue(h, run))
			return HEAD_RUN;
		if (h->state == STATE_TAIL) {
			on_tail(h);
			continue;
		}
		if (in->n == 0)
			return HEAD_MORE;
		if (h->state == STATE_BODY) {
			*run = *in;
			*in = bytes_skip(*in, in->n);
			h->open = run->p[run->n - 1] != '\n';
			return HEAD_RUN;
		}
		if (h->state == STATE_LINE)
			on_line(h, in);
		else if (h->state == STATE_CR)
			on_cr(h, in);
		else if (h->state == STATE_NAME)
			on_name(h, in);
		else if (on_value(h, in, run))
			return HEAD_RUN;
	}
}

/* What the end of the input means to a state; false: all is said. */
static bool on_end(struct head *h)
{
	switch ((enum state)h->state) {
	case STATE_LINE:
		end_field(h);
		h->state = STATE_TAIL;
		return true;
	case STATE_NAME:
	case STATE_CR:
		h->state = STATE_TAIL;
		return true;
	case STATE_VALUE:
		if (h->act == ACT_PASS)
			enqueue(h, BYTES("\r\n"));
		h->state = STATE_LINE;
		return true;
	case STATE_TAIL:
		on_tail(h);
		return true;
	case STATE_BODY:
		if (!h->open)
			return false;
		enqueue(h, BYTES("\r\n"));
		h->open = false;
		return true;
	}
	gp_bug("head: no such state");
}

enum head_event head_end(struct head *h, struct bytes *run)
{
	for (;;) {
		if (dequeue(h, run))
			return HEAD_RUN;
		if (!on_end(h))
			return HEAD_END;
	}
}

uint32_t head_hops(const struct head *h)
{
	return h->hops;
}

bool head_in_body(const struct head *h)
{
	return h->state == STATE_BODY;
}
