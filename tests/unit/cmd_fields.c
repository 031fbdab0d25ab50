/* SPDX-License-Identifier: ISC */
/* The header that sendmail -t reads, and the addresses in it. */
#include "cmd/sendmail.h"

#include "tap.h"

/* All addresses of a list, parted by bars; one that is none with a ? behind it. */
static const char *addresses(struct bytes list)
{
	static char out[4096];
	char store[256];
	struct fmt f, one;

	fmt_init(&f, out, sizeof(out));
	fmt_init(&one, store, sizeof(store));
	for (;;) {
		enum address_status status = address_next(&list, &one);

		if (status == ADDRESS_END)
			return out;
		fmt_str(&f, f.n > 0 ? "|" : "");
		fmt_bytes(&f, fmt_done(&one));
		fmt_str(&f, status == ADDRESS_BAD ? "?" : "");
	}
}

static const struct {
	const char *list, *want;
} lists[] = {
	{"", ""},
	{"a@b.c", "a@b.c"},
	{"root", "root"},
	{" a@b , c@d,,e@f, ", "a@b|c@d|e@f"},
	{"Joe <j@x>", "j@x"},
	{"<j@x>", "j@x"},
	{"Joe Doe <j@x>, Ann <a@y>", "j@x|a@y"},
	{"\"Doe, Joe\" <j@x>", "j@x"},
	{"\"a;b:c<d>\" <j@x>", "j@x"},
	{"j@x (Joe, the (old) one), k@y", "j@x|k@y"},
	{"(c) j (c) @ (c) x (c)", "j@x"},
	{"j@x (a \\) b)", "j@x"},
	{"\"a b\"@x", "\"a b\"@x"},
	{"\"a\\\"b\"@x, c@y", "\"a\\\"b\"@x|c@y"},
	{"<@a,@b:j@x>, k@y", "j@x|k@y"},
	{"friends: a@x, b@y;", "a@x|b@y"},
	{"friends: a@x, b@y; , c@z", "a@x|b@y|c@z"},
	{"friends: Joe <a@x>;, c@z", "a@x|c@z"},
	{"undisclosed recipients:;", ""},
	{"none:;, a@x", "a@x"},
	{"a@x\r\n b@y", "a@xb@y?"},
	{"a@x,\r\n\tb@y", "a@x|b@y"},
	{"Joe\r\n <a@x>", "a@x"},
	{"j@[10.0.0.1]", "j@[10.0.0.1]"},
	{"j@[IPv6:2001:db8::1], k@y", "j@[IPv6:2001:db8::1]|k@y"},
	{"=?utf-8?Q?Doe,_Joe?= <j@x>, k@y", "j@x|k@y"},
	{"a=?b@x", "a=?b@x"},
	{"j\xc3\xb6@x", "j\xc3\xb6@x"},
	/* what cannot be made out */
	{"Joe Doe", "JoeDoe?"},
	{"Joe <j@x", "j@x?"},
	{"j@x (never closed", "j@x?"},
	{"\"never closed", "\"never closed?"},
	{"<>", "?"},
	{"j@x>", "j@x?"},
	{"j\001@x", "j\001@x?"},
};

static void long_address(void)
{
	char text[400];
	struct bytes list = {(const uint8_t *)text, sizeof(text)};
	char store[100];
	struct fmt one;

	memset(text, 'a', sizeof(text));
	fmt_init(&one, store, sizeof(store));
	is_num(address_next(&list, &one), ADDRESS_BAD, "an address that does not fit is none");
	is_num(address_next(&list, &one), ADDRESS_END, "and it is behind us");
}

static void fields(void)
{
	struct bytes text = BYTES("To: a@x,\r\n b@y\r\nSubject : one\r\n\ttwo\r\nX: y\r\n\r\nTo: body\r\n");
	struct bytes field;

	ok(field_next(&text, &field) && field_is(field, "to"), "a field with a fold");
	is_bytes(field, BYTES("To: a@x,\r\n b@y\r\n"), "is cut off whole");
	is_bytes(field_value(field), BYTES(" a@x,\r\n b@y\r\n"), "its value");
	ok(field_next(&text, &field) && field_is(field, "Subject"), "blanks before the colon");
	ok(field_next(&text, &field) && field_is(field, "X"), "the last field");
	ok(!field_is(field, "XY") && !field_is(field, ""), "is no other");
	ok(!field_next(&text, &field), "the empty line ends the header");
	is_bytes(text, BYTES("\r\nTo: body\r\n"), "and stays");
	ok(field_none(text), "it is no field");
	text = BYTES("just text\r\nTo: a@x\r\n");
	ok(!field_next(&text, &field) && field_none(text), "a line without a colon ends it");
	text = BYTES("two words: x\r\n");
	ok(!field_next(&text, &field) && field_none(text), "so does a blank in the name");
	text = BYTES(" folded: x\r\n");
	ok(!field_next(&text, &field) && field_none(text), "so does a fold at the beginning");
	text = BYTES("To: a@x");
	ok(!field_next(&text, &field) && !field_none(text), "a line without its end may go on");
	text = BYTES("To: a@x\r\n b@");
	ok(!field_next(&text, &field), "so may a fold without its end");
	is_bytes(text, BYTES("To: a@x\r\n b@"), "and nothing is taken");
}

static const char *recipients(bool extract, char **to, int nto, struct bytes header)
{
	static char out[1024];
	static struct sendmail_rcpts r;
	const struct sendmail m = {.extract = extract, .to = to, .nto = nto};
	struct fmt f;

	fmt_init(&f, out, sizeof(out));
	sendmail_rcpts_init(&r, &m, header);
	while (sendmail_rcpts_next(&r) == ADDRESS_OK) {
		fmt_str(&f, f.n > 0 ? "|" : "");
		fmt_bytes(&f, fmt_done(&r.address));
	}
	return out;
}

static void extraction(void)
{
	static char joe[] = "joe", two[] = "a@x, b@y";
	char *none[] = {NULL}, *some[] = {joe, two, NULL};
	struct bytes header = BYTES("From: f@x\r\nTo: t@x\r\nSubject: To: no@x\r\n"
				    "CC: c@x, d@x\r\nbcc : secret@x\r\n\r\nTo: body@x\r\n");

	is_str(recipients(false, some, 2, header), "joe|a@x|b@y", "those of the command line");
	is_str(recipients(true, none, 0, header), "t@x|c@x|d@x|secret@x", "with -t those of the header");
	is_str(recipients(true, some, 2, header), "joe|a@x|b@y|t@x|c@x|d@x|secret@x", "and both");
	header = BYTES("To: t@x\r\nResent-To: r@x\r\nCc: c@x\r\nResent-Bcc: s@x\r\n\r\n");
	is_str(recipients(true, none, 0, header), "r@x|s@x", "a mail sent again goes to Resent- alone");
}

static int options(struct sendmail *m, const char *line)
{
	static char words[256];
	static char *argv[32];
	int argc = 0;

	snprintf(words, sizeof(words), "sendmail %s", line);
	for (char *w = strtok(words, " "); w != NULL && argc < 31; w = strtok(NULL, " "))
		argv[argc++] = w;
	argv[argc] = NULL;
	return sendmail_options(m, argc, argv);
}

static void arguments(void)
{
	struct sendmail m;

	is_num(options(&m, "root"), 0, "a recipient");
	ok(m.nto == 1 && strcmp(m.to[0], "root") == 0 && !m.extract && !m.ignore_dots, "alone");
	is_num(options(&m, "-i -t"), 0, "-i -t");
	ok(m.extract && m.ignore_dots && m.nto == 0, "are both seen");
	is_num(options(&m, "-ti"), 0, "-ti");
	ok(m.extract && m.ignore_dots, "too");
	is_num(options(&m, "-oi -oem -odi -FCronDaemon -B8BITMIME root"), 0, "as cron calls it");
	ok(m.ignore_dots && m.eight_bit && strcmp(m.name, "CronDaemon") == 0, "is understood");
	is_num(options(&m, "-fme@x -bm -N never -R hdrs -V id -L tag -X log -O a=b -h 5 a@x"), 0, "values");
	ok(strcmp(m.from, "me@x") == 0 && m.nto == 1 && strcmp(m.to[0], "a@x") == 0, "are no recipients");
	is_num(options(&m, "-f me@x -r you@x a@x -C file b@x"), 0, "options between recipients");
	ok(m.nto == 2 && strcmp(m.to[1], "b@x") == 0 && strcmp(m.config, "file") == 0, "are options");
	ok(strcmp(m.from, "you@x") == 0, "the last sender counts");
	is_num(options(&m, "-o i a@x"), 0, "-o i");
	ok(m.ignore_dots && m.nto == 1, "is -oi");
	is_num(options(&m, "-- -t"), 0, "behind --");
	ok(!m.extract && m.nto == 1, "all are recipients");
	is_num(options(&m, "-Am -v -G -U -n a@x"), 0, "what has no meaning here");
	is_num(m.nto, 1, "is ignored");
}

static void refusals(void)
{
	static const char *const bad[] = {"-bs", "-bp", "-bd", "-bi", "-q", "-q15m", "-z", "-f", "-bt x"};
	struct sendmail m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_num(options(&m, bad[i]), 64, "%s is refused", bad[i]);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		is_str(addresses(bytes_of(lists[i].list)), lists[i].want, "list %zu", i);
	long_address();
	fields();
	extraction();
	arguments();
	refusals();
	return done();
}
