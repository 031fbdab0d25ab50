/* SPDX-License-Identifier: ISC */
#include "token/json.h"

#include "base/num.h"
#include "token/url.h"

#include <string.h>

struct json {
	struct bytes rest;
	unsigned depth;
	bool array[JSON_DEPTH]; /* else an object */
	const char *names;
	struct json_member *want;
};

static void skip_blanks(struct json *j)
{
	while (j->rest.n > 0 && memchr(" \t\r\n", j->rest.p[0], 4) != NULL)
		j->rest = bytes_skip(j->rest, 1);
}

/* Takes the octet if it comes next. */
static bool take(struct json *j, uint8_t c)
{
	if (j->rest.n == 0 || j->rest.p[0] != c)
		return false;
	j->rest = bytes_skip(j->rest, 1);
	return true;
}

static bool take_word(struct json *j, struct bytes word)
{
	if (!bytes_same(bytes_first(j->rest, word.n), word))
		return false;
	j->rest = bytes_skip(j->rest, word.n);
	return true;
}

static int hex4(struct bytes x)
{
	int v = 0;

	if (x.n < 4)
		return -1;
	for (unsigned i = 0; i < 4; i++) {
		int digit = hex_digit(x.p[i]);

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

/* Octets of the escape at the front of x, 0 where it is none. */
static size_t escape_length(struct bytes x)
{
	if (x.n < 2)
		return 0;
	if (x.p[1] == 'u')
		return hex4(bytes_skip(x, 2)) >= 0 ? 6 : 0;
	return memchr("\"\\/bfnrt", x.p[1], 8) != NULL ? 2 : 0;
}

/* A string behind its opening quote: what is inside. */
static bool take_string(struct json *j, struct bytes *inside)
{
	struct bytes x = j->rest;

	while (x.n > 0 && x.p[0] != '"') {
		size_t n = x.p[0] == '\\' ? escape_length(x) : x.p[0] >= ' ' ? 1 : 0;

		if (n == 0)
			return false;
		x = bytes_skip(x, n);
	}
	*inside = bytes_first(j->rest, j->rest.n - x.n);
	j->rest = x;
	return take(j, '"');
}

static bool take_digits(struct json *j)
{
	bool any = false;

	while (j->rest.n > 0 && byte_is_digit(j->rest.p[0])) {
		j->rest = bytes_skip(j->rest, 1);
		any = true;
	}
	return any;
}

static bool take_number(struct json *j, struct bytes *text)
{
	struct bytes from = j->rest;

	(void)take(j, '-');
	if (!take(j, '0') && !take_digits(j))
		return false;
	if (take(j, '.') && !take_digits(j))
		return false;
	if (take(j, 'e') || take(j, 'E')) {
		if (!take(j, '+'))
			(void)take(j, '-');
		if (!take_digits(j))
			return false;
	}
	*text = bytes_first(from, from.n - j->rest.n);
	return true;
}

static bool open(struct json *j, bool array)
{
	if (j->depth == JSON_DEPTH)
		return false;
	j->array[j->depth++] = array;
	return true;
}

/* A value; of an array or an object only its beginning. */
static bool take_value(struct json *j, struct json_member *m)
{
	m->kind = JSON_OTHER;
	if (take(j, '{'))
		return open(j, false);
	if (take(j, '['))
		return open(j, true);
	if (take_word(j, BYTES("true")) || take_word(j, BYTES("false")) ||
	    take_word(j, BYTES("null")))
		return true;
	if (take(j, '"')) {
		m->kind = JSON_STRING;
		return take_string(j, &m->text);
	}
	m->kind = JSON_NUMBER;
	return take_number(j, &m->text);
}

static bool same_name(struct bytes inside, struct bytes name)
{
	struct json_member m = { .kind = JSON_STRING, .text = inside };
	char store[64];
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	return json_string(&f, &m) && bytes_same(fmt_done(&f), name);
}

/* Where the value of the member of that name goes; *twice where it stands there already. */
static struct json_member *wanted(struct json *j, struct bytes inside, bool *twice)
{
	struct bytes names = bytes_of(j->names), name;
	struct json_member *m = j->want;

	for (; j->depth == 1 && (name = bytes_word(&names)).n > 0; m++) {
		if (same_name(inside, name)) {
			*twice = m->kind != JSON_NONE;
			return m;
		}
	}
	return NULL;
}

/* The next value, with its name where it is a member of an object. */
static bool take_element(struct json *j)
{
	struct json_member other, *m = NULL;
	struct bytes name;
	bool twice = false;

	skip_blanks(j);
	if (!j->array[j->depth - 1]) {
		if (!take(j, '"') || !take_string(j, &name))
			return false;
		m = wanted(j, name, &twice);
		skip_blanks(j);
		if (twice || !take(j, ':'))
			return false;
		skip_blanks(j);
	}
	return take_value(j, m != NULL ? m : &other);
}

static uint8_t closer(const struct json *j)
{
	return j->array[j->depth - 1] ? ']' : '}';
}

/* Behind a value: closes what ends here. Then all is over, or a comma was taken. */
static bool close_all(struct json *j)
{
	for (;;) {
		skip_blanks(j);
		if (j->depth == 0)
			return j->rest.n == 0;
		if (!take(j, closer(j)))
			return take(j, ',');
		j->depth--;
	}
}

bool json_object(struct bytes x, const char *names, struct json_member *want, unsigned n)
{
	struct json j = { .rest = x, .names = names, .want = want };
	bool empty = true; /* nothing was taken since the one that is open began */

	memset(want, 0, n * sizeof(*want)); /* JSON_NONE */
	skip_blanks(&j);
	if (!take(&j, '{') || !open(&j, false))
		return false;
	while (j.depth > 0) {
		unsigned depth = j.depth;

		skip_blanks(&j);
		if (!empty || j.rest.n == 0 || j.rest.p[0] != closer(&j)) {
			if (!take_element(&j))
				return false;
			empty = j.depth > depth;
			if (empty)
				continue;
		}
		if (!close_all(&j))
			return false;
		empty = false;
	}
	return true;
}

static void put_utf8(struct fmt *f, uint32_t c)
{
	static const uint8_t first[] = { 0, 0xc0, 0xe0, 0xf0 };
	unsigned more = c < 0x80 ? 0 : c < 0x800 ? 6 : c < 0x10000 ? 12 : 18;

	fmt_char(f, (char)(first[more / 6] | c >> more));
	for (; more > 0; more -= 6)
		fmt_char(f, (char)(0x80 | (c >> (more - 6) & 63)));
}

/* The character of the \u at the front of x, with the second half of a pair; 0: none. */
static uint32_t unicode(struct bytes *x)
{
	int first = hex4(bytes_skip(*x, 2)), second;

	*x = bytes_skip(*x, 6);
	if (first < 0xd800 || first > 0xdfff)
		return first > 0 ? (uint32_t)first : 0;
	if (first > 0xdbff || x->n < 6 || x->p[0] != '\\' || x->p[1] != 'u')
		return 0;
	second = hex4(bytes_skip(*x, 2));
	*x = bytes_skip(*x, 6);
	if (second < 0xdc00 || second > 0xdfff)
		return 0;
	return 0x10000u + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00);
}

bool json_string(struct fmt *f, const struct json_member *m)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	struct bytes x = m->text;

	while (m->kind == JSON_STRING && x.n > 0) {
		if (x.p[0] != '\\') {
			fmt_char(f, (char)x.p[0]);
			x = bytes_skip(x, 1);
		} else if (escape_length(x) == 6) {
			uint32_t c = unicode(&x);

			if (c == 0)
				return false;
			put_utf8(f, c);
		} else {
			const char *at = x.n > 1 ? memchr(from, x.p[1], 8) : NULL;

			if (at == NULL)
				return false;
			fmt_char(f, to[at - from]);
			x = bytes_skip(x, 2);
		}
	}
	return m->kind == JSON_STRING && !f->cut;
}

bool json_u64(const struct json_member *m, uint64_t max, uint64_t *out)
{
	return (m->kind == JSON_NUMBER || m->kind == JSON_STRING) && num_u64(m->text, max, out);
}
