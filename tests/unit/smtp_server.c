/* SPDX-License-Identifier: ISC */
/* The server machine: every cell of phase and verb, and what its owner is promised. What is said to devices in detail
 * stands in tests/dialogue. */
#include "smtp/server.h"

#include "base/on.h"
#include "smtp/command.h"
#include "tap.h"

TAP_GP_BUG

static const struct server_params params = {
	.hostname = { (const uint8_t *)"relay.test", 10 },
	.max_size = 1000,
	.max_recipients = 5,
};

static struct server s;
static struct buf out;
static uint8_t mem[LIMIT_OUT];
static struct server_what what;

static void begin(const struct server_params *p)
{
	buf_init(&out, mem, sizeof(mem));
	server_init(&s, p);
}

/* One step over all of text; what is left is kept in *rest. */
static enum server_event step(const char *text, struct bytes *rest)
{
	struct bytes in = bytes_of(text);
	enum server_event ev = server_step(&s, &in, &out, 100, &what);

	if (rest)
		*rest = in;
	return ev;
}

static void answer(unsigned code)
{
	struct reply r;

	reply_set(&r, code, "", BYTES("said"));
	server_answer(&s, &out, &r);
}

/* The code of the first line in out (0: none); out is emptied. */
static unsigned told(void)
{
	struct bytes x = buf_peek(&out);
	unsigned code = 0;

	for (size_t i = 0; i < 3 && i < x.n; i++)
		code = code * 10 + x.p[i] - '0';
	buf_clear(&out);
	return code;
}

enum where { IDLE, MAIL, RCPT, BODY, PARKED, OVER, PLACES };

static const char *const place_name[] = { "idle", "MAIL", "RCPT", "body", "parked", "over" };

static void go(enum where where)
{
	begin(&params);
	if (where == OVER)
		step("QUIT\r\n", NULL);
	if (where == MAIL || where == RCPT || where == BODY) {
		step("MAIL FROM:<a@b.test>\r\n", NULL);
		answer(250);
	}
	if (where == PARKED)
		step("MAIL FROM:<a@b.test>\r\n", NULL);
	if (where == RCPT || where == BODY) {
		step("RCPT TO:<a@b.test>\r\n", NULL);
		answer(250);
	}
	if (where == BODY) {
		step("DATA\r\n", NULL);
		answer(354);
	}
	buf_clear(&out);
}

/* What a verb does: an event, and what the client is told (0: nothing, the owner is asked). */
struct cell {
	enum server_event event;
	unsigned code;
};

#define ALL(event, code)                          \
	{                                         \
		{ event, code }, { event, code }, \
		{                                 \
			event, code               \
		}                                 \
	}

static const struct row {
	const char *line;
	struct cell cell[RCPT + 1];
} rows[] = {
	[SMTP_UNKNOWN] = { "FROB x", ALL(SERVER_MORE, 500) },
	[SMTP_HELO] = { "HELO x", ALL(SERVER_RESET, 250) },
	[SMTP_EHLO] = { "EHLO x", ALL(SERVER_RESET, 250) },
	[SMTP_MAIL] = { "MAIL FROM:<a@b.test>",
	    { { SERVER_MAIL, 0 }, { SERVER_MORE, 503 }, { SERVER_MORE, 503 } } },
	[SMTP_RCPT] = { "RCPT TO:<a@b.test>",
	    { { SERVER_MORE, 503 }, { SERVER_RCPT, 0 }, { SERVER_RCPT, 0 } } },
	[SMTP_DATA] = { "DATA",
	    { { SERVER_MORE, 503 }, { SERVER_MORE, 503 }, { SERVER_DATA, 0 } } },
	[SMTP_RSET] = { "RSET", ALL(SERVER_RESET, 250) },
	[SMTP_NOOP] = { "NOOP", ALL(SERVER_MORE, 250) },
	[SMTP_QUIT] = { "QUIT", ALL(SERVER_QUIT, 221) },
	[SMTP_VRFY] = { "VRFY x", ALL(SERVER_MORE, 252) },
	[SMTP_HELP] = { "HELP", ALL(SERVER_MORE, 214) },
	[SMTP_EXPN] = { "EXPN x", ALL(SERVER_MORE, 502) },
	[SMTP_BDAT] = { "BDAT 0 LAST", ALL(SERVER_MORE, 502) },
	[SMTP_AUTH] = { "AUTH LOGIN", ALL(SERVER_MORE, 502) },
	[SMTP_STARTTLS] = { "STARTTLS", ALL(SERVER_MORE, 502) },
	[SMTP_ETRN] = { "ETRN x", ALL(SERVER_MORE, 502) },
	[SMTP_TURN] = { "TURN", ALL(SERVER_MORE, 502) },
	[SMTP_XCLIENT] = { "XCLIENT ADDR=::1", ALL(SERVER_MORE, 502) },
	[SMTP_XFORWARD] = { "XFORWARD ADDR=::1", ALL(SERVER_MORE, 502) },
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == SMTP_XFORWARD + 1, "a verb is not tested");

/* In the body a verb is text; parked and at the end nothing is taken. */
static struct cell expected(enum where where, enum smtp_verb verb)
{
	static const struct cell last[] = { { SERVER_BODY, 0 }, { SERVER_PARKED, 0 },
		{ SERVER_CLOSE, 0 } };

	return where < BODY ? rows[verb].cell[where] : last[where - BODY];
}

static void test_table(void)
{
	for (enum where where = IDLE; where < PLACES; where++) {
		for (enum smtp_verb verb = SMTP_UNKNOWN; verb <= SMTP_XFORWARD; verb++) {
			struct cell want = expected(where, verb);
			char line[64];
			struct bytes rest;

			snprintf(line, sizeof(line), "%s\r\n", rows[verb].line);
			go(where);
			is_num(step(line, &rest), want.event, "%s, %s: the event",
			    place_name[where], command_name(verb));
			is_num(told(), want.code, "%s, %s: the reply", place_name[where],
			    command_name(verb));
			is_num(rest.n == 0, where <= BODY, "%s, %s: what is taken",
			    place_name[where], command_name(verb));
			if (verb == SMTP_RSET || verb == SMTP_HELO || verb == SMTP_EHLO)
				ok(server_idle(&s) == (where < BODY), "%s, %s: idle behind it",
				    place_name[where], command_name(verb));
		}
	}
}

static void test_greeting(void)
{
	struct reply r;

	begin(&params);
	server_greet(&s, &out, NULL);
	is_bytes(bytes_first(buf_peek(&out), 19), BYTES("220 relay.test ESMT"),
	    "the greeting begins with the name");
	is_num(step("NOOP\r\n", NULL), SERVER_MORE, "and the session goes on");

	begin(&params);
	reply_set(&r, 421, "4.3.2", BYTES("Too many connections"));
	server_greet(&s, &out, &r);
	is_bytes(buf_peek(&out), BYTES("421 4.3.2 Too many connections\r\n"),
	    "a refusal stands in the greeting's place");
	struct bytes rest;

	is_num(step("NOOP\r\n", &rest), SERVER_CLOSE, "and ends the session");
	is_num(rest.n, 6, "before anything is taken");
}

static void test_answers(void)
{
	static const unsigned codes[] = { 250, 251, 354, 421, 450, 550 };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		unsigned code = codes[i];
		bool yes = code / 100 == 2;

		go(IDLE);
		step("MAIL FROM:<a@b.test>\r\n", NULL);
		ok(!server_idle(&s), "a question is open");
		answer(code);
		is_num(told(), code, "MAIL answered %u: so the client is told", code);
		is_num(step("RCPT TO:<a@b.test>\r\n", NULL),
		    yes           ? SERVER_RCPT
		    : code == 421 ? SERVER_CLOSE
				  : SERVER_MORE,
		    "then RCPT");
		go(MAIL);
		step("RCPT TO:<a@b.test>\r\n", NULL);
		answer(code);
		is_num(s.recipients, yes, "RCPT answered %u: counted or not", code);
		go(RCPT);
		step("DATA\r\n", NULL);
		answer(code);
		ok(server_in_data(&s) == (code == 354), "DATA answered %u: the body or not", code);
		ok(server_idle(&s) == (code != 354 && code != 421), "DATA answered %u: idle or not",
		    code);
		go(BODY);
		is_num(step("x\r\n.\r\n", NULL), SERVER_BODY, "content");
		is_num(step(".\r\n", NULL), SERVER_EOM, "its end");
		ok(!server_in_data(&s) && !server_idle(&s), "its end is a question");
		answer(code);
		ok(server_idle(&s) == (code != 421), "the end of data answered %u: idle", code);
	}
}

static void test_full(void)
{
	struct bytes rest;
	static uint8_t some[LIMIT_OUT - LIMIT_REPLY_PRINTED + 1];

	go(IDLE);
	buf_put(&out, (struct bytes){ some, sizeof(some) });
	is_num(
	    step("NOOP\r\n", &rest), SERVER_FULL, "no command without room for the longest reply");
	is_num(rest.n, 6, "and nothing is taken");
	buf_drop(&out, 1);
	is_num(step("NOOP\r\n", &rest), SERVER_MORE, "with room it is run");
	is_num(step("NOOP\r\nNOOP\r\n", &rest), SERVER_FULL, "until the room is gone");
	is_num(rest.n, 12, "which is where it stops");
	is_num(step("", NULL), SERVER_MORE, "nothing needs no room");

	go(BODY);
	struct bytes in = BYTES("text\r\n.\r\n");

	is_num(server_step(&s, &in, &out, 1, &what), SERVER_FULL,
	    "no content without two octets of room");
	is_num(in.n, 9, "and none is taken");
	is_num(server_step(&s, &in, &out, 2, &what), SERVER_BODY, "with two there is");
	is_bytes(what.run, BYTES("te"), "as much as there is room");
	in = BYTES("\0");
	is_num(server_step(&s, &in, &out, 2, &what), SERVER_MORE, "a NUL comes");
	in = BYTES("more\r\n.\r\nRSET\r\n");
	is_num(server_step(&s, &in, &out, 0, &what), SERVER_EOM,
	    "what is refused anyway needs no room");
	is_num(what.fault, DATA_NUL, "and is told at its end");
	is_num(in.n, 6, "what follows waits");
}

static void test_many_recipients(void)
{
	unsigned refused = 0;

	go(MAIL);
	for (unsigned i = 0; i < 100000; i++) {
		if (step("RCPT TO:<a@b.test>\r\n", NULL) == SERVER_RCPT)
			answer(250);
		refused += told() == 452;
	}
	is_num(refused, 99995, "100,000 recipients: all but those allowed are put off");
	is_num(step("DATA\r\n", NULL), SERVER_DATA, "and the mail goes on");
	answer(250);
	is_num(s.recipients, 0, "the next one begins at none");
}

static void test_names(void)
{
	char line[400];

	go(IDLE);
	step("EHLO  a b\tc \r\n", NULL);
	is_bytes(((struct bytes){ (const uint8_t *)s.hello, s.hello_n }), BYTES("a b\tc"),
	    "the name as it was given");
	ok(s.esmtp, "by EHLO");
	snprintf(line, sizeof(line), "HELO %0300d\r\n", 0);
	step(line, NULL);
	is_num(s.hello_n, LIMIT_HELLO, "of a long one the beginning");
	ok(!s.esmtp, "by HELO");
	step("HELO\r\n", NULL);
	is_num(s.hello_n, 0, "no name");
	step("HELO a\033b\r\n", NULL);
	is_num(s.hello_n, 0, "no control characters");
}

static void test_longest_name(void)
{
	static uint8_t name[LIMIT_HOSTNAME];
	struct server_params p = params;

	memset(name, 'n', sizeof(name));
	p.hostname = (struct bytes){ name, sizeof(name) };
	p.max_size = UINT64_MAX;
	begin(&p);
	step("EHLO x\r\n", NULL);
	ok(buf_used(&out) <= LIMIT_REPLY_PRINTED, "the longest EHLO reply has %zu octets",
	    buf_used(&out));
}

static uint8_t scratch[SERVER_SCRATCH];

static void begin_secure(uint8_t auth, bool requires_tls)
{
	static struct server_params p;

	p = params;
	p.starttls = true;
	p.auth = auth;
	p.auth_requires_tls = requires_tls;
	p.challenge = BYTES("<1@relay.test>");
	p.scratch = scratch;
	begin(&p);
}

static void test_starttls(void)
{
	struct bytes rest;

	begin_secure(SERVER_AUTH_USERS, false);
	step("EHLO dev\r\n", NULL);
	buf_clear(&out);
	is_num(step("STARTTLS\r\n", NULL), SERVER_STARTTLS, "STARTTLS is a question");
	ok(!server_idle(&s), "that is open");
	answer(454);
	is_num(told(), 454, "it may be put off");
	is_num(step("NOOP\r\n", NULL), SERVER_MORE, "then the session goes on in clear");
	step("AUTH PLAIN AGEAYg==\r\n", NULL);
	answer(235);
	ok(s.authenticated, "a login in clear");
	step("STARTTLS\r\n", NULL);
	buf_clear(&out);
	answer(220);
	is_num(told(), 220, "TLS may begin");
	is_num(step("NOOP\r\n", &rest), SERVER_PARKED, "nothing is done before it stands");
	is_num(rest.n, 6, "and nothing taken");
	ok(!server_idle(&s), "the session is not idle");
	server_secured(&s);
	ok(server_idle(&s) && s.secure && !s.authenticated && !s.esmtp && s.hello_n == 0,
	    "what was said before is forgotten");
	is_num(step("AUTH PLAIN AGEAYg==\r\n", NULL), SERVER_LOGIN, "a login is possible again");
	is_bytes(what.login.user, BYTES("a"), "of this user");
	is_bytes(what.login.password, BYTES("b"), "with this password");

	begin_secure(SERVER_AUTH_USERS, true);
	server_secured(&s);
	buf_clear(&out);
	is_num(step("STARTTLS\r\n", NULL), SERVER_MORE, "STARTTLS within an implicit session");
	is_num(told(), 503, "is out of place");
	is_num(step("AUTH PLAIN AGEAYg==\r\n", NULL), SERVER_LOGIN, "a login needs none");
}

/* The lines that hold (a part of) a login are told of, and no others. */
static void test_secrets(void)
{
	static const struct {
		const char *line;
		bool secret;
	} lines[] = {
		{ "EHLO x\r\n", false },
		{ "AUTH\r\n", false },
		{ "AUTH PLAIN !\r\n", true },
		{ "AUTH NTLM abcd\r\n", true },
		{ "NOOP\r\n", false },
		{ "AUTH LOGIN YQ==\r\n", true },
		{ "*\r\n", true },
		{ "RSET\r\n", false },
		{ "AUTH PLAIN\r\nQUIT\r\n", true },
		{ "AUTH PLAIN AGEAYg==\r\n", true },
	};
	char line[4000];

	begin_secure(SERVER_AUTH_USERS, false);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		s.secret = false;
		step(lines[i].line, NULL);
		buf_clear(&out);
		ok(s.secret == lines[i].secret, "line %zu holds a secret: %d", i, lines[i].secret);
	}
	answer(535);
	snprintf(line, sizeof(line), "AUTH PLAIN %03000d", 0);
	s.secret = false;
	is_num(step(line, NULL), SERVER_MORE, "a login too long to be kept");
	ok(s.secret, "is one");
	s.secret = false;
	is_num(step("\r\n", NULL), SERVER_LOGIN, "its end");
	ok(s.secret && what.login.unreadable, "belongs to it");
	answer(235);
	s.secret = false;
	buf_clear(&out);
	step("AUTH PLAIN AGEAYg==\r\n", NULL);
	ok(told() == 503 && s.secret, "one that is out of place is one too");
	begin_secure(SERVER_AUTH_USERS, true);
	s.secret = false;
	step("AUTH PLAIN AGEAYg==\r\n", NULL);
	ok(told() == 538 && s.secret, "or without TLS");
}

static void test_refused_logins(void)
{
	begin_secure(SERVER_AUTH_USERS, false);
	for (unsigned i = 0; i < LIMIT_LOGINS; i++) {
		is_num(step("AUTH PLAIN AGEAYg==\r\n", NULL), SERVER_LOGIN, "try %u", i + 1);
		buf_clear(&out);
		answer(535);
	}
	is_bytes(buf_peek(&out), BYTES("535 said\r\n421 4.7.0 Too many failed logins\r\n"),
	    "the last one is told both");
	is_num(step("NOOP\r\n", NULL), SERVER_CLOSE, "and ends the session");

	begin_secure(SERVER_AUTH_USERS, false);
	step("AUTH PLAIN AGEAYg==\r\n", NULL);
	buf_clear(&out);
	answer(421);
	is_bytes(buf_peek(&out), BYTES("421 said\r\n"), "421 to a login is the only reply");
	is_num(step("NOOP\r\n", NULL), SERVER_CLOSE, "and ends the session at once");
}

static void test_longest_list(void)
{
	static uint8_t name[LIMIT_HOSTNAME];
	static struct server_params p;

	memset(name, 'n', sizeof(name));
	begin_secure(SERVER_AUTH_USERS, false);
	p = *s.params;
	p.hostname = (struct bytes){ name, sizeof(name) };
	p.max_size = UINT64_MAX;
	begin(&p);
	step("EHLO x\r\n", NULL);
	ok(buf_used(&out) <= LIMIT_REPLY_PRINTED, "with everything offered it has %zu",
	    buf_used(&out));
}

int main(void)
{
	if (ON(CONFIG_SERVER_AUTH)) {
		test_starttls();
		test_secrets();
		test_refused_logins();
		test_longest_list();
	}
	test_table();
	test_greeting();
	test_answers();
	test_full();
	test_many_recipients();
	test_names();
	test_longest_name();
	return done();
}
