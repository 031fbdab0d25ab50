/* SPDX-License-Identifier: ISC */
/*
 * A pattern becomes a program of steps, a match follows all its branches at once: a set of steps is
 * carried from octet to octet, so no input takes more than (octets * steps) work.
 */
#include "conf/regex.h"

#include "base/fmt.h"

#include <string.h>

enum step_op {
	STEP_OCTET, /* this octet (folded) */
	STEP_ANY,
	STEP_SET,   /* one of the 256 bits that lie in the next SET_STEPS steps */
	STEP_SPLIT, /* go on at x and at y */
	STEP_JUMP,  /* go on at x */
	STEP_BEGIN,
	STEP_END,
	STEP_MATCH,
};

#define SET_OCTETS 32u
#define SET_STEPS \
	((int16_t)((SET_OCTETS + sizeof(struct regex_step) - 1) / sizeof(struct regex_step)))
#define REPEAT_MAX 255u

struct compiler {
	struct bytes in; /* what is left of the pattern */
	struct regex_step *step;
	size_t n;
	unsigned depth;
	const char *why; /* the first error */
};

static void fail(struct compiler *c, const char *why)
{
	if (!c->why)
		c->why = why;
	c->in.n = 0;
}

static bool at(const struct compiler *c, uint8_t octet)
{
	return c->in.n > 0 && c->in.p[0] == octet;
}

static bool take(struct compiler *c, uint8_t octet)
{
	if (!at(c, octet))
		return false;
	c->in = bytes_skip(c->in, 1);
	return true;
}

/* Makes room for n zeroed steps at `where`. False when the program is too long. */
static bool open_gap(struct compiler *c, size_t where, size_t n)
{
	if (c->n + n > REGEX_STEPS_MAX - 1) {
		fail(c, PHRASE("the pattern is too long"));
		return false;
	}
	memmove(c->step + where + n, c->step + where, (c->n - where) * sizeof(*c->step));
	memset(c->step + where, 0, n * sizeof(*c->step));
	c->n += n;
	return true;
}

static void insert(struct compiler *c, size_t where, struct regex_step step)
{
	if (open_gap(c, where, 1))
		c->step[where] = step;
}

static void emit(struct compiler *c, struct regex_step step)
{
	insert(c, c->n, step);
}

static void set_octet(uint8_t set[SET_OCTETS], uint8_t octet)
{
	set[octet / 8] = (uint8_t)(set[octet / 8] | 1u << octet % 8);
}

static bool has_octet(const uint8_t *set, uint8_t octet)
{
	return set[octet / 8] >> octet % 8 & 1;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_print(uint8_t c)
{
	return c >= ' ' && c < 127;
}

static bool in_class(struct bytes name, uint8_t c)
{
	static const char names[12][8] = { "alpha", "digit", "alnum", "upper", "lower", "space",
		"blank", "punct", "print", "graph", "cntrl", "xdigit" };
	bool hex = byte_is_digit(c) || (byte_lower(c) >= 'a' && byte_lower(c) <= 'f');
	bool graph = is_print(c) && c != ' ';
	const bool held[12] = { byte_is_alpha(c), byte_is_digit(c), byte_is_alnum(c),
		byte_is_alpha(c), /* case does not matter */
		byte_is_alpha(c), is_space(c), c == ' ' || c == '\t', graph && !byte_is_alnum(c),
		is_print(c), graph, c < 32 || c == 127, hex };

	for (size_t i = 0; i < 12; i++) {
		if (bytes_same(name, bytes_of(names[i])))
			return held[i];
	}
	return false;
}

static bool is_class(struct bytes name)
{
	return in_class(name, 'a') || in_class(name, '1') || in_class(name, ' ') ||
	       in_class(name, '.') || in_class(name, 1);
}

/* [:name:], the bracket already taken. */
static void parse_class(struct compiler *c, uint8_t set[SET_OCTETS])
{
	struct bytes name = bytes_first(c->in, bytes_find(c->in, ':'));

	c->in = bytes_skip(c->in, name.n);
	if (!take(c, ':') || !take(c, ']') || !is_class(name)) {
		fail(c, "there is no such class: [:alpha:], [:digit:], [:alnum:] … are known");
		return;
	}
	for (unsigned o = 0; o < 256; o++) {
		if (in_class(name, (uint8_t)o))
			set_octet(set, (uint8_t)o);
	}
}

/* One octet, or a range. */
static void parse_range(struct compiler *c, uint8_t set[SET_OCTETS])
{
	uint8_t from = c->in.p[0], to = from;

	c->in = bytes_skip(c->in, 1);
	if (c->in.n >= 2 && c->in.p[0] == '-' && c->in.p[1] != ']') {
		to = c->in.p[1];
		c->in = bytes_skip(c->in, 2);
		if (to == '[' && (at(c, '.') || at(c, '='))) {
			fail(c, PHRASE("[. .] and [= =] are not known"));
			return;
		}
		if (to < from) {
			fail(c, PHRASE("a range runs from the lower to the higher octet"));
			return;
		}
	}
	for (unsigned o = from; o <= to; o++)
		set_octet(set, (uint8_t)o);
}

static void fold_set(uint8_t set[SET_OCTETS])
{
	for (unsigned i = 0; i < 26; i++) {
		uint8_t o = (uint8_t)('a' + i), upper = (uint8_t)('A' + i);

		if (has_octet(set, o) || has_octet(set, upper)) {
			set_octet(set, o);
			set_octet(set, upper);
		}
	}
}

/* The inside of [ ], the first bracket already taken. */
static void parse_set(struct compiler *c)
{
	uint8_t set[SET_OCTETS] = { 0 };
	bool negated = take(c, '^'), first = true;
	size_t where = c->n;

	while (c->in.n > 0 && (first || !at(c, ']'))) {
		first = false;
		if (at(c, '[') && c->in.n > 1 && (c->in.p[1] == '.' || c->in.p[1] == '=')) {
			fail(c, PHRASE("[. .] and [= =] are not known"));
			return;
		}
		if (at(c, '[') && c->in.n > 1 && c->in.p[1] == ':') {
			c->in = bytes_skip(c->in, 2);
			parse_class(c, set);
		} else {
			parse_range(c, set);
		}
	}
	if (!take(c, ']')) {
		fail(c, PHRASE("[ without ]"));
		return;
	}
	fold_set(set);
	for (size_t i = 0; negated && i < SET_OCTETS; i++)
		set[i] = (uint8_t)~set[i];
	if (!open_gap(c, where, 1 + (size_t)SET_STEPS))
		return;
	c->step[where].op = STEP_SET;
	memcpy(c->step + where + 1, set, sizeof(set));
}

static void parse_alternatives(struct compiler *c);

static void parse_escape(struct compiler *c)
{
	uint8_t octet = c->in.n > 0 ? c->in.p[0] : 0;

	if (c->in.n == 0) {
		fail(c, PHRASE("a backslash at the end"));
		return;
	}
	if (byte_is_alnum(octet)) {
		fail(c, PHRASE("a backslash before a letter or digit has no meaning: write [0-9], "
			       "[[:alnum:]] ..."));
		return;
	}
	c->in = bytes_skip(c->in, 1);
	emit(c, (struct regex_step){ .op = STEP_OCTET, .octet = octet });
}

static void parse_atom(struct compiler *c)
{
	uint8_t octet = c->in.p[0];

	c->in = bytes_skip(c->in, 1);
	switch (octet) {
	case '(':
		if (++c->depth > REGEX_DEPTH_MAX) {
			fail(c, PHRASE("too many brackets within brackets"));
			return;
		}
		parse_alternatives(c);
		if (!take(c, ')'))
			fail(c, PHRASE("( without )"));
		c->depth--;
		return;
	case '[':
		parse_set(c);
		return;
	case '.':
		emit(c, (struct regex_step){ .op = STEP_ANY });
		return;
	case '^':
		emit(c, (struct regex_step){ .op = STEP_BEGIN });
		return;
	case '$':
		emit(c, (struct regex_step){ .op = STEP_END });
		return;
	case '\\':
		parse_escape(c);
		return;
	case '*':
	case '+':
	case '?':
	case '{':
		fail(c, PHRASE("there is nothing before *, +, ? or { that could be repeated"));
		return;
	default:
		emit(c, (struct regex_step){ .op = STEP_OCTET, .octet = byte_lower(octet) });
		return;
	}
}

static int16_t steps(size_t n)
{
	return (int16_t)n;
}

/* Makes what stands from `begin` on optional. */
static void make_optional(struct compiler *c, size_t begin)
{
	size_t n = c->n - begin;

	insert(c, begin, (struct regex_step){ .op = STEP_SPLIT, .x = 1, .y = steps(n + 1) });
}

/* Once or more often. */
static void make_repeated(struct compiler *c, size_t begin)
{
	size_t n = c->n - begin;

	emit(c, (struct regex_step){ .op = STEP_SPLIT, .x = steps(0) - steps(n), .y = 1 });
}

/* A decimal number up to REPEAT_MAX; larger: an error. */
static unsigned parse_number(struct compiler *c)
{
	unsigned v = 0;

	if (c->in.n == 0 || !byte_is_digit(c->in.p[0]))
		fail(c, PHRASE("{ wants numbers: {2}, {2,} or {2,5}; write \\{ for the character"));
	while (c->in.n > 0 && byte_is_digit(c->in.p[0])) {
		v = v * 10 + (unsigned)(c->in.p[0] - '0');
		c->in = bytes_skip(c->in, 1);
		if (v > REPEAT_MAX) {
			fail(c, PHRASE("at most 255 repetitions"));
			return 0;
		}
	}
	return v;
}

/* Another copy, at the end, of the n steps at `begin`. */
static void copy_steps(struct compiler *c, size_t begin, size_t n)
{
	size_t where = c->n;

	if (open_gap(c, where, n))
		memcpy(c->step + where, c->step + begin, n * sizeof(*c->step));
}

/* {min}, {min,} or {min,max} behind what stands from `begin` on; the { already taken. */
static void parse_repeat(struct compiler *c, size_t begin)
{
	unsigned min = parse_number(c), max = min;
	size_t n = c->n - begin;
	bool open = false;

	if (take(c, ',')) {
		open = at(c, '}');
		max = open ? min : parse_number(c);
	}
	if (!take(c, '}') || max < min) {
		fail(c, PHRASE("{ wants numbers: {2}, {2,} or {2,5}; write \\{ for the character"));
		return;
	}
	if (max == 0 && !open) {
		c->n = begin;
		return;
	}
	for (unsigned i = 1; i < max; i++) {
		size_t where = c->n;

		copy_steps(c, begin, n);
		if (c->why)
			return;
		if (i >= min)
			make_optional(c, where);
	}
	if (open)
		make_repeated(c, c->n - n);
	if (min == 0)
		make_optional(c, begin);
}

static void parse_piece(struct compiler *c)
{
	size_t begin = c->n;

	parse_atom(c);
	while (!c->why) {
		if (take(c, '*')) {
			make_repeated(c, begin);
			make_optional(c, begin);
		} else if (take(c, '+')) {
			make_repeated(c, begin);
		} else if (take(c, '?')) {
			make_optional(c, begin);
		} else if (take(c, '{')) {
			parse_repeat(c, begin);
		} else {
			return;
		}
	}
}

/*
 * Until the end or a ) that is not ours. The jumps from the alternatives' ends are chained by x
 * until the end is known.
 */
static void parse_alternatives(struct compiler *c)
{
	size_t begin = c->n, chain = 0;

	for (;;) {
		while (c->in.n > 0 && !at(c, '|') && !at(c, ')'))
			parse_piece(c);
		if (c->why || !take(c, '|'))
			break;
		insert(c, begin,
		    (struct regex_step){ .op = STEP_SPLIT, .x = 1, .y = steps(c->n - begin + 2) });
		emit(c, (struct regex_step){ .op = STEP_JUMP, .x = steps(chain) });
		chain = c->n - 1;
		begin = c->n;
	}
	while (!c->why && chain > 0) {
		size_t last = (size_t)c->step[chain].x;

		c->step[chain].x = steps(c->n - chain);
		chain = last;
	}
}

size_t regex_compile(struct bytes pattern, struct regex_step *out, const char **why)
{
	struct compiler c = { .in = pattern, .step = out };

	if (pattern.n == 0 || pattern.n > REGEX_PATTERN_MAX) {
		*why = pattern.n == 0 ? PHRASE("the pattern is empty")
				      : PHRASE("the pattern is too long");
		return 0;
	}
	parse_alternatives(&c);
	if (!c.why && c.in.n > 0)
		c.why = PHRASE(") without (");
	if (c.why) {
		*why = c.why;
		return 0;
	}
	out[c.n++] = (struct regex_step){ .op = STEP_MATCH };
	return c.n;
}

#define WORDS (REGEX_STEPS_MAX / 32)

struct reached {
	uint32_t bits[WORDS];
};

static void reach(struct reached *r, size_t i)
{
	r->bits[i / 32] |= 1u << i % 32;
}

static bool is_reached(const struct reached *r, size_t i)
{
	return r->bits[i / 32] >> i % 32 & 1;
}

struct matcher {
	const struct conf_regex *re;
	bool at_begin, at_end;
	bool matched;
};

static size_t target(size_t from, int16_t by)
{
	return (size_t)((ptrdiff_t)from + by);
}

/*
 * Adds what is reached from r without taking an octet. Steps behind are found in one pass,
 * those before need another.
 */
static void follow(struct matcher *m, struct reached *r)
{
	bool again = true;

	while (again && !m->matched) {
		again = false;
		for (size_t i = 0; i < m->re->n; i++) {
			const struct regex_step *s = &m->re->step[i];
			size_t to[2] = { i, i };

			if (r->bits[i / 32] >> i % 32 == 0) {
				i |= 31;
				continue;
			}
			if (!is_reached(r, i))
				continue;
			if (s->op == STEP_SPLIT || s->op == STEP_JUMP)
				to[0] = to[1] = target(i, s->x);
			if (s->op == STEP_SPLIT)
				to[1] = target(i, s->y);
			if ((s->op == STEP_BEGIN && m->at_begin) ||
			    (s->op == STEP_END && m->at_end))
				to[0] = i + 1;
			if (s->op == STEP_MATCH)
				m->matched = true;
			for (size_t k = 0; k < 2; k++) {
				again |= to[k] < i && !is_reached(r, to[k]);
				reach(r, to[k]);
			}
		}
	}
}

/* The steps reached from r by taking the octet. */
static void advance(
    const struct matcher *m, const struct reached *r, uint8_t octet, struct reached *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < m->re->n; i++) {
		const struct regex_step *s = &m->re->step[i];

		if (!is_reached(r, i))
			continue;
		if (s->op == STEP_ANY || (s->op == STEP_OCTET && s->octet == byte_lower(octet)))
			reach(out, i + 1);
		else if (s->op == STEP_SET && has_octet((const uint8_t *)(s + 1), octet))
			reach(out, i + 1 + (size_t)SET_STEPS);
	}
}

bool regex_match(const struct conf_regex *re, struct bytes text)
{
	struct matcher m = { .re = re };
	struct reached now = { { 0 } }, next;

	for (size_t i = 0;; i++) {
		m.at_begin = i == 0;
		m.at_end = i == text.n;
		reach(&now, 0);
		follow(&m, &now);
		if (m.matched || i == text.n)
			return m.matched;
		advance(&m, &now, text.p[i], &next);
		now = next;
	}
}
