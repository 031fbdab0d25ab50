/* SPDX-License-Identifier: ISC */
/* Exchanges with a gateway; those of the RFCs to the letter. */
#include "smtp/sasl.h"

#include "base/base64.h"
#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

#define NONCE "rOprNGfwEbeRWgbNEkqO" /* RFC 7677 section 3 */

static struct sasl s;
static char line[BASE64_ENCODED(3 * SASL_TOKEN_MAX)];
static size_t room; /* of the buffer that lines are written to */

/* What is written next, as far as it comes in pieces of a small buffer; without CRLF. */
static const char *written(void)
{
	static uint8_t mem[20000];
	struct buf out;
	size_t n = 0;
	bool whole = false;

	for (unsigned turns = 0; !whole && turns < 20000; turns++) {
		buf_init(&out, mem, room);
		whole = sasl_write(&s, &out);
		if (!whole && buf_used(&out) == 0)
			return "(it does not get on)";
		memcpy(line + n, buf_peek(&out).p, buf_used(&out));
		n += buf_used(&out);
	}
	if (n < 2 || memcmp(line + n - 2, "\r\n", 2) != 0)
		return "(no line end)";
	line[n - 2] = '\0';
	return line;
}

/* The base64 at the end of a line, decoded; octets below 32 as `^`. */
static const char *decoded(const char *text)
{
	static uint8_t plain[3 * SASL_TOKEN_MAX];
	const char *blank = strrchr(text, ' ');
	size_t n;

	if (!base64_decode(bytes_of(blank != NULL ? blank + 1 : text), plain, sizeof(plain) - 1, &n))
		return "(no base64)";
	for (size_t i = 0; i < n; i++)
		plain[i] = plain[i] < 32 ? '^' : plain[i];
	plain[n] = '\0';
	return (const char *)plain;
}

static enum sasl_event challenge(const char *text)
{
	return sasl_challenge(&s, bytes_of(text));
}

/* The same, put into base64 before. */
static enum sasl_event challenge_plain(const char *text)
{
	static char store[2000];
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	base64_encode(&f, bytes_of(text));
	return challenge(store);
}

static void begin(enum sasl_mechanism m, const char *user, const char *secret)
{
	sasl_init(&s, m, bytes_of(user), bytes_of(secret), NONCE);
}

/* Is it built in? */
static bool has(enum sasl_mechanism m)
{
	return (sasl_built_in() & m) != 0;
}

static void test_plain(void)
{
	char password[1000];

	begin(SASL_PLAIN, "tim", "tanstaaftanstaaf");
	is_str(written(), "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "PLAIN: RFC 4616 section 4");
	ok(sasl_accept(&s, BYTES("2.7.0 ok")), "is believed");
	is_num(challenge(""), SASL_WRONG, "a challenge behind it makes no sense");
	ok(s.why != NULL && *s.why != '\0', "and it is told why: %s", s.why);

	memset(password, 'p', sizeof(password) - 1);
	password[sizeof(password) - 1] = '\0';
	begin(SASL_PLAIN, "u", password);
	is_str(written(), "AUTH PLAIN", "a long line of AUTH goes without the response");
	is_num(challenge("R28gb24="), SASL_WRITE, "which is asked for, whatever the words");
	is_num(strlen(decoded(written())), 1 + 1 + 1 + sizeof(password) - 1, "and comes then");
	is_num(challenge(""), SASL_WRONG, "once");

	begin(SASL_PLAIN, "u", "");
	is_str(decoded(written()), "^u^", "an empty password");
}

static void test_login(void)
{
	static const char *const prompts[][2] = { { "VXNlcm5hbWU6", "UGFzc3dvcmQ6" },
		{ "VXNlciBOYW1lAA==", "UGFzc3dvcmQA" }, { "", "" }, { "Username:", "????" } };

	for (unsigned i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
		begin(SASL_LOGIN, "tim", "secret");
		is_str(written(), "AUTH LOGIN", "LOGIN");
		is_num(challenge(prompts[i][0]), SASL_WRITE, "prompt \"%s\"", prompts[i][0]);
		is_str(written(), "dGlt", "the user's name");
		is_num(challenge(prompts[i][1]), SASL_WRITE, "prompt \"%s\"", prompts[i][1]);
		is_str(written(), "c2VjcmV0", "the password");
	}
	is_num(challenge("Vm9ybmFtZTo="), SASL_WRONG, "a third question makes no sense");
}

static void test_cram(void)
{
	begin(SASL_CRAM_MD5, "tim", "tanstaaftanstaaf");
	is_str(written(), "AUTH CRAM-MD5", "CRAM-MD5");
	is_num(challenge("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"), SASL_WRITE,
	    "the challenge of RFC 2195 section 2");
	is_str(written(), "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw", "and its answer");
	is_num(challenge("PDE+"), SASL_WRONG, "once");

	begin(SASL_CRAM_MD5, "tim", "tanstaaftanstaaf");
	is_num(challenge("<1896.697170952@postoffice>"), SASL_WRONG, "no base64: no challenge");
	begin(SASL_CRAM_MD5, "tim", "tanstaaftanstaaf");
	is_num(challenge(""), SASL_WRONG, "an empty challenge could be anybody's");
}

static void test_xoauth2(void)
{
	begin(SASL_XOAUTH2, "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
	is_str(written(),
	    "AUTH XOAUTH2 dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRx"
	    "bVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==",
	    "XOAUTH2 as its providers describe it");
	is_num(challenge("eyJzdGF0dXMiOiI0MDEifQ=="), SASL_WRITE, "a 334 tells an error");
	is_str(written(), "", "an empty line fetches the 535");
	is_num(challenge(""), SASL_WRONG, "no more than that");
}

/* The largest secret through small buffers. */
static void test_slices(void)
{
	static char token[SASL_TOKEN_MAX + 1];
	static const size_t rooms[] = { SASL_WRITE_ROOM, 33, 100, 4096, 20000 };
	const char *text;

	for (size_t i = 0; i < SASL_TOKEN_MAX; i++)
		token[i] = (char)('!' + i % 90);
	for (unsigned i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		room = rooms[i];
		begin(SASL_LOGIN, "u", token);
		written();
		challenge("");
		written();
		challenge("");
		ok(memcmp(decoded(written()), token, SASL_TOKEN_MAX) == 0,
		    "a password of 8 KiB through %zu octets", room);
		if (!has(SASL_XOAUTH2))
			continue;
		begin(SASL_XOAUTH2, "u", token);
		text = decoded(written());
		ok(strncmp(text, "user=u^auth=Bearer !", 20) == 0 &&
			strlen(text) == 19 + SASL_TOKEN_MAX + 2 &&
			memcmp(text + 19, token, SASL_TOKEN_MAX) == 0,
		    "a token too");
	}
	room = 20000;
}

#define SERVER_FIRST \
	"r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"

/* Up to the client's proof; how many slices of work that took. */
static unsigned scram_to_proof(const char *secret, const char *server_first)
{
	enum sasl_event event;
	unsigned slices = 0;

	begin(SASL_SCRAM_SHA_256, "user", secret);
	written();
	event = challenge_plain(server_first);
	while (event == SASL_WORK && slices < 1000) {
		slices++;
		event = sasl_work(&s);
	}
	return event == SASL_WRITE ? slices : 0;
}

static void test_scram(void)
{
	begin(SASL_SCRAM_SHA_256, "user", "pencil");
	is_str(decoded(written()), "n,,n=user,r=" NONCE, "SCRAM-SHA-256: RFC 7677 section 3");
	is_num(scram_to_proof("pencil", SERVER_FIRST), 4, "4096 rounds in 4 slices");
	is_str(decoded(written()),
	    "c=biws,r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    "the client's proof");
	is_num(challenge_plain("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), SASL_WRITE,
	    "its proof is right");
	is_str(written(), "", "and answered by an empty line");
	ok(sasl_accept(&s, BYTES("2.7.0 ok")), "then its yes is believed");
	is_num(challenge(""), SASL_WRONG, "it asks on");

	scram_to_proof("pencil", SERVER_FIRST);
	written();
	ok(!sasl_accept(&s, BYTES("2.7.0 ok")), "a yes without the server's proof is no yes");
	ok(s.why != NULL && *s.why != '\0', "told: %s", s.why);
	begin(SASL_SCRAM_SHA_256, "user", "pencil");
	written();
	ok(!sasl_accept(&s, BYTES("2.7.0 ok")), "nor one to the first message");
	scram_to_proof("pencil", SERVER_FIRST);
	ok(sasl_accept(&s, BYTES("Welcome\ndj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJz"
				 "amw5NUc0PQ==")),
	    "a proof in the 235 is as good");
	scram_to_proof("pencil", SERVER_FIRST);
	ok(!sasl_accept(&s, BYTES("dj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE9")),
	    "a wrong one is not");
	is_num(scram_to_proof("pencil", "r=" NONCE "x,s=QUJD,i=1"), 1, "one round is enough");
	is_num(scram_to_proof("pencil", "r=" NONCE "x,s=QUJD,i=2,x=more"), 1,
	    "attributes that are not known are skipped");
	is_num(scram_to_proof("pencil", "r=" NONCE "x,s=QUJD,i=1025"), 1, "1024 more: one slice");
	is_num(scram_to_proof("pencil", "r=" NONCE "x,s=QUJD,i=1026"), 2, "1025 more: two");
}

static void test_scram_wrong(void)
{
	static const char *const firsts[] = { "", "r=", "r=" NONCE ",s=QUJD,i=4096",
		"r=other" NONCE ",s=QUJD,i=4096", "r=" NONCE "x", "r=" NONCE "x,s=QUJD",
		"r=" NONCE "x,i=4096,s=QUJD", "r=" NONCE "x,s=QUJD,i=0", "r=" NONCE "x,s=QUJD,i=",
		"r=" NONCE "x,s=QUJD,i=-1", "r=" NONCE "x,s=QUJD,i=200001",
		"r=" NONCE "x,s=QUJD,i=99999999999999999999999", "r=" NONCE "x,s=,i=4096",
		"r=" NONCE "x,s=Q,i=4096", "r=" NONCE "\x07x,s=QUJD,i=4096",
		"m=x,r=" NONCE "x,s=QUJD,i=4096", "e=unknown-user", "n,,n=user,r=" NONCE };
	static const char *const finals[] = { "", "v=", "v=AAAA",
		"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G", "x=y",
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4AAAAA" };
	char longest[500];

	for (unsigned i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		begin(SASL_SCRAM_SHA_256, "user", "pencil");
		written();
		is_num(challenge_plain(firsts[i]), SASL_WRONG, "\"%s\": %s", firsts[i], s.why);
	}
	for (unsigned i = 0; i < sizeof(finals) / sizeof(finals[0]); i++) {
		scram_to_proof("pencil", SERVER_FIRST);
		written();
		is_num(challenge_plain(finals[i]), SASL_WRONG, "\"%s\": %s", finals[i], s.why);
		ok(!sasl_accept(&s, BYTES("ok")), "is not believed");
	}
	scram_to_proof("wrong", SERVER_FIRST);
	written();
	is_num(challenge_plain("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), SASL_WRONG,
	    "the proof of another password");
	scram_to_proof("wrong", SERVER_FIRST);
	written();
	is_num(challenge_plain("e=invalid-proof"), SASL_WRITE, "an error's name: its 535 follows");
	is_str(written(), "", "behind an empty line");
	ok(!sasl_accept(&s, BYTES("ok")), "a yes behind it is not believed");

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, "r=" NONCE, strlen("r=" NONCE));
	memcpy(longest + 480, ",s=QUJD,i=4", 12);
	begin(SASL_SCRAM_SHA_256, "user", "pencil");
	is_num(challenge_plain(longest), SASL_WRONG, "a challenge without measure: %s", s.why);
}

static void test_scram_names(void)
{
	char name[2000];

	begin(SASL_SCRAM_SHA_256, "a,b=c", "pencil");
	is_str(decoded(written()), "n,,n=a=2Cb=3Dc,r=" NONCE, "comma and = in a name");
	memset(name, 'u', 400);
	name[400] = '\0';
	begin(SASL_SCRAM_SHA_256, name, "pencil");
	is_str(written(), "AUTH SCRAM-SHA-256", "a long name does not go on the line of AUTH");
	is_num(challenge(""), SASL_WRITE, "but behind it");
	is_num(strlen(decoded(written())), 5 + 400 + 3 + SASL_NONCE, "whole");
	is_num(challenge_plain("r=" NONCE "x,s=QUJD,i=1"), SASL_WORK, "and the exchange goes on");
	memset(name, ',', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	begin(SASL_SCRAM_SHA_256, name, "pencil");
	written();
	is_num(challenge(""), SASL_WRONG, "one that cannot be said: %s", s.why);
}

static void test_lists(void)
{
	const uint8_t all = SASL_PLAIN | SASL_LOGIN | SASL_CRAM_MD5 | SASL_SCRAM_SHA_256 |
			    SASL_XOAUTH2;

	is_num(sasl_named(BYTES("cram-md5")), SASL_CRAM_MD5, "case does not matter");
	is_num(sasl_named(BYTES("PLAINX")), SASL_NONE, "whole words only");
	is_num(sasl_named(BYTES("")), SASL_NONE, "nothing is none");
	is_num(sasl_offered(BYTES("PLAIN LOGIN XOAUTH2 NTLM")),
	    SASL_PLAIN | SASL_LOGIN | SASL_XOAUTH2, "a list");
	is_num(sasl_offered(BYTES("=LOGIN,PLAIN\tSCRAM-SHA-256-PLUS  scram-sha-256")),
	    SASL_LOGIN | SASL_PLAIN | SASL_SCRAM_SHA_256, "one in a sloppy form");
	is_num(sasl_offered(BYTES("")), 0, "an empty one");
	is_num(sasl_strongest(all, false),
	    has(SASL_SCRAM_SHA_256)  ? SASL_SCRAM_SHA_256
	    : has(SASL_CRAM_MD5) ? SASL_CRAM_MD5
				 : SASL_PLAIN,
	    "the strongest of all");
	is_num(sasl_strongest(SASL_LOGIN | SASL_PLAIN | SASL_CRAM_MD5, false),
	    has(SASL_CRAM_MD5) ? SASL_CRAM_MD5 : SASL_PLAIN, "the next");
	is_num(sasl_strongest(SASL_LOGIN | SASL_PLAIN, false), SASL_PLAIN, "the next");
	is_num(sasl_strongest(SASL_LOGIN, false), SASL_LOGIN, "the last");
	is_num(sasl_strongest(SASL_XOAUTH2, false), SASL_NONE, "a password is no token");
	is_num(sasl_strongest(all, true), has(SASL_XOAUTH2) ? SASL_XOAUTH2 : SASL_NONE,
	    "with a token XOAUTH2");
	is_num(sasl_strongest(SASL_PLAIN | SASL_LOGIN, true), SASL_NONE, "and nothing else");
	for (unsigned m = SASL_PLAIN; m <= SASL_XOAUTH2; m <<= 1)
		is_num(sasl_named(bytes_of(sasl_name((enum sasl_mechanism)m))), m, "%s",
		    sasl_name((enum sasl_mechanism)m));
}

static void test_wipe(void)
{
	const uint8_t *p = (const uint8_t *)&s;
	bool clean = true;

	begin(SASL_PLAIN, "tim", "secret");
	written();
	sasl_end(&s);
	for (size_t i = 0; i < sizeof(s); i++)
		clean = clean && p[i] == 0;
	ok(clean, "nothing is left of it");
}

int main(void)
{
	room = 20000;
	test_plain();
	test_login();
	test_slices();
	if (has(SASL_CRAM_MD5))
		test_cram();
	if (has(SASL_XOAUTH2))
		test_xoauth2();
	if (has(SASL_SCRAM_SHA_256)) {
		test_scram();
		test_scram_wrong();
		test_scram_names();
	}
	test_lists();
	test_wipe();
	return done();
}
