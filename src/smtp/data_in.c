/* SPDX-License-Identifier: ISC */
#include "smtp/data_in.h"

#include <string.h>

/* Where the decoder stands. What is held back at a cut (CRs, a dot) is known from the state, so it
 * is given later as a constant and never stored. After three CRs the first is a lone one. */
enum state {
	IN_LINE,  /* behind an octet of a line, or at a line's start behind a lone CR */
	START,    /* at a line's start behind CRLF, or at the start of the content */
	START_LF, /* at a line's start behind a lone LF */
	CR,       /* a CR is held back */
	CR_CR,    /* two are */
	DOT,      /* a dot behind CRLF is held back */
	DOT_CR,
	LF_DOT, /* a dot behind a lone LF, of a client whose first line ended in one */
	LF_DOT_CR,
};

/* What one octet led to. */
enum outcome {
	ON,       /* go on */
	LINE_END, /* a line ended: CRLF is to be passed on */
	ENDED,    /* that was the end of data */
};

static const uint8_t crlf[2] = { '\r', '\n' };

void data_in_init(struct data_in *d, const struct data_in_params *params)
{
	*d = (struct data_in){ .params = params, .state = START, .blank = true };
}

static void fail(struct data_in *d, enum data_fault fault)
{
	if (d->fault == DATA_OK)
		d->fault = (uint8_t)fault;
}

/* Something that is no CRLF ends a line. */
static void odd_line_end(struct data_in *d)
{
	if (d->in_body ? d->params->pedantic_body : d->params->pedantic_headers)
		fail(d, DATA_LONE_LF);
}

static enum outcome end_line(struct data_in *d, enum state next, bool lone_lf)
{
	if (!d->first_line_seen)
		d->first_line_lf = lone_lf;
	d->first_line_seen = true;
	if (d->blank)
		d->in_body = true;
	d->blank = true;
	d->state = (uint8_t)next;
	return LINE_END;
}

static enum outcome lone_lf(struct data_in *d)
{
	odd_line_end(d);
	return end_line(d, START_LF, true);
}

/* A held CR turns out to be a lone one; `next` is the state without it. */
static enum outcome lone_cr(struct data_in *d, enum state next)
{
	odd_line_end(d);
	return end_line(d, next, false);
}

/* An end of data that only a client which cannot do better is allowed. */
static bool lax_end(struct data_in *d)
{
	if (!d->params->lone_lf_ends_data)
		d->almost_ended = true;
	return d->params->lone_lf_ends_data;
}

/* An octet where nothing is held back, and which the fast path did not take. */
static enum outcome plain_octet(struct data_in *d, uint8_t c)
{
	if (c == '\n')
		return lone_lf(d);
	if (c == '\r') {
		d->state = CR;
	} else if (c == 0) {
		fail(d, DATA_NUL);
		d->blank = false;
		d->state = IN_LINE;
	} else {
		/* A dot at the start of a line: the others are the fast path's. */
		d->state = d->state == START ? DOT : LF_DOT;
	}
	return ON;
}

/* An octet behind a held dot. A dot that ended nothing was stuffed: it is taken off. */
static enum outcome after_dot(struct data_in *d, uint8_t c, bool *taken)
{
	if (c == '\n')
		return lax_end(d) ? ENDED : lone_lf(d);
	if (c == '\r') {
		d->state = d->state == DOT ? DOT_CR : LF_DOT_CR;
	} else {
		d->state = IN_LINE;
		*taken = false;
	}
	return ON;
}

static enum outcome after_dot_cr(struct data_in *d, uint8_t c, bool *taken)
{
	if (c == '\n') {
		if (d->state == DOT_CR || lax_end(d))
			return ENDED;
		return end_line(d, START, false);
	}
	*taken = c == '\r';
	d->state = *taken ? CR_CR : CR;
	return ON;
}

static enum outcome after_cr(struct data_in *d, uint8_t c, bool *taken)
{
	if (c == '\n')
		return end_line(d, START, false);
	if (c == '\r') {
		d->state = CR_CR;
		return ON;
	}
	*taken = false;
	return lone_cr(d, IN_LINE);
}

static enum outcome after_cr_cr(struct data_in *d, uint8_t c, bool *taken)
{
	if (c == '\n') {
		odd_line_end(d);
		return end_line(d, START, false);
	}
	*taken = c == '\r';
	return lone_cr(d, *taken ? CR_CR : CR);
}

/*
 * The slow path: one octet. *taken is cleared where it is to be looked at again. Few octets come
 * here: it may be small.
 */
__attribute__((cold, noinline)) static enum outcome octet(struct data_in *d, uint8_t c, bool *taken)
{
	*taken = true;
	switch ((enum state)d->state) {
	case IN_LINE:
	case START:
	case START_LF:
		return plain_octet(d, c);
	case CR:
		return after_cr(d, c, taken);
	case CR_CR:
		return after_cr_cr(d, c, taken);
	case DOT:
	case LF_DOT:
		return after_dot(d, c, taken);
	case DOT_CR:
	case LF_DOT_CR:
		return after_dot_cr(d, c, taken);
	}
	return ON;
}

/* Octets at the front of p that are above CR, and so neither NUL, LF nor CR: a word at a time. */
static size_t above_cr(const uint8_t *p, size_t n)
{
	const size_t each = SIZE_MAX / 255; /* 0x0101…01 */
	size_t i = 0, w;

	for (; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		/* The top bit of an octet is set here if the octet is below 14 (or if a lower one
		 * is). */
		if ((w - each * 14) & ~w & each * 0x80)
			break;
	}
	while (i < n && p[i] > '\r')
		i++;
	return i;
}

/* Is a dot here the start of something else than text? */
static bool dot_counts(const struct data_in *d)
{
	return d->state == START || (d->state == START_LF && d->first_line_lf);
}

/* The fast path: octets at the front of p that pass as they are, up to NUL, a lone CR or LF, or a
 * dot behind CRLF. */
static size_t scan(struct data_in *d, const uint8_t *p, size_t n)
{
	size_t i = 0, line = d->blank ? 0 : SIZE_MAX;

	if (n > 0 && p[0] == '.' && dot_counts(d))
		return 0;
	for (;;) {
		i += above_cr(p + i, n - i);
		if (i == n)
			break;
		if (p[i] != '\r' && p[i] != '\n' && p[i] != 0) {
			i++;
			continue;
		}
		if (p[i] != '\r' || n - i < 2 || p[i + 1] != '\n')
			break;
		d->first_line_seen = true;
		if (i == line)
			d->in_body = true;
		i += 2;
		line = i;
		if (i < n && p[i] == '.')
			break;
	}
	if (i > 0) {
		d->blank = i == line;
		d->state = d->blank ? START : IN_LINE;
	}
	return i;
}

/* Counts what is to be passed on, cuts it at the limit; false if none of it is to be. */
static bool pass(struct data_in *d, struct bytes *run)
{
	uint64_t max = d->params->max_size;
	uint64_t before = d->size;
	bool good = d->fault == DATA_OK;

	d->size += run->n;
	if (max > 0 && d->size > max) {
		fail(d, DATA_TOO_BIG);
		if (before >= max)
			return false;
		run->n = (size_t)(max - before);
	}
	return good;
}

enum data_in_event data_in_step(struct data_in *d, struct bytes *in, size_t room, struct bytes *run)
{
	bool ended = false;

	while (in->n > 0 && !ended) {
		size_t n = in->n > room && d->fault == DATA_OK ? room : in->n;
		bool taken;

		n = d->state <= START_LF ? scan(d, in->p, n) : 0;
		if (n > 0) {
			*run = bytes_first(*in, n);
			*in = bytes_skip(*in, n);
			if (pass(d, run))
				return DATA_IN_RUN;
			continue;
		}
		enum outcome outcome = octet(d, in->p[0], &taken);

		if (taken)
			*in = bytes_skip(*in, 1);
		*run = (struct bytes){ crlf, sizeof(crlf) };
		if (outcome == LINE_END && pass(d, run))
			return DATA_IN_RUN;
		ended = outcome == ENDED;
	}
	*run = (struct bytes){ NULL, 0 };
	return ended ? DATA_IN_END : DATA_IN_MORE;
}
