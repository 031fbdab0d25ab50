/* SPDX-License-Identifier: ISC */
/* STARTTLS and AUTH towards a gateway, as scripts: see lib/client_player.h. */
#include "lib/client_player.h"

#define HELLO "< 220 gw.test ESMTP", "> EHLO box.test"
#define OFFERS(...) HELLO, "< 250-gw.test", __VA_ARGS__

static const struct script tls_scripts[] = {
	{ "TLS no: STARTTLS is not used", { OFFERS("< 250 STARTTLS", "! ready") } },
	{ "TLS offered: it is used, and all that was said before is forgotten",
	    { "# offered", OFFERS("< 250-PIPELINING", "< 250-SIZE 100", "< 250-AUTH PLAIN",
				"< 250-8BITMIME", "< 250 STARTTLS"),
		"> STARTTLS", "= no mail a@a.test", "< 220 2.0.0 go", "! starttls",
		"= no mail a@a.test", "= secured", "> EHLO box.test", "= no mail a@a.test",
		"< 250-gw.test", "< 250 HELP", "! ready", "= mail a@a.test size=99 8bit",
		"> MAIL FROM:<a@a.test>" } },
	{ "… and the new list counts",
	    { "# required", OFFERS("< 250 STARTTLS"), "> STARTTLS", "< 220 go", "! starttls",
		"= secured", "> EHLO box.test", "< 250-gw.test", "< 250-STARTTLS", "< 250 SIZE",
		"! ready", "= mail a@a.test size=99", "> MAIL FROM:<a@a.test> SIZE=99" } },
	{ "TLS offered, but not by the gateway",
	    { "# offered", OFFERS("< 250 HELP", "! ready"), "= mail a@a.test",
		"> MAIL FROM:<a@a.test>" } },
	{ "TLS offered, and refused by 454: on in clear",
	    { "# offered", OFFERS("< 250-SIZE", "< 250 STARTTLS"), "> STARTTLS",
		"< 454 4.7.0 not now", "! ready", "= mail a@a.test size=9",
		"> MAIL FROM:<a@a.test> SIZE=9" } },
	{ "TLS offered, and refused by 502: on in clear",
	    { "# offered", OFFERS("< 250 starttls"), "> STARTTLS", "< 502 what?", "! ready" } },
	{ "TLS offered, and refused by 421: the end",
	    { "# offered", OFFERS("< 250 STARTTLS"), "> STARTTLS", "< 421 bye",
		"! failed STARTTLS: no STARTTLS 421" } },
	{ "TLS required, and not offered",
	    { "# required", OFFERS("< 250 HELP"), "! failed EHLO: no STARTTLS 0",
		"= no mail a@a.test" } },
	{ "TLS required, and refused",
	    { "# required", OFFERS("< 250 STARTTLS"), "> STARTTLS", "< 454-4.7.0 no",
		"< 454 4.7.0 certificate", "! failed STARTTLS: no STARTTLS 454" } },
	{ "TLS required, EHLO refused, HELO taken",
	    { "# required", HELLO, "< 500 what?", "> HELO box.test", "< 250-gw.test",
		"< 250 STARTTLS", "! failed HELO: no STARTTLS 0" } },
	{ "TLS offered, EHLO refused, HELO taken",
	    { "# offered", HELLO, "< 500-x", "< 500 STARTTLS", "> HELO box.test", "< 250 gw.test",
		"! ready" } },
	{ "a name of the gateway that looks like it",
	    { "# required", HELLO, "< 250-STARTTLS", "< 250 HELP", "! failed EHLO: no STARTTLS 0" } },
	{ "TLS required: 250 to STARTTLS", { "# required", OFFERS("< 250 STARTTLS"), "> STARTTLS",
					       "< 250 ok", "! failed STARTTLS: bad reply 250" } },
	{ "TLS required: 334 to STARTTLS", { "# required", OFFERS("< 250 STARTTLS"), "> STARTTLS",
					       "< 334 ok", "! failed STARTTLS: bad reply 334" } },
	{ "a reply behind the 220 to STARTTLS is not believed",
	    { "# whole required", OFFERS("< 250 STARTTLS"), "> STARTTLS", "< 220 go",
		"< 250-gw.test", "< 250 AUTH PLAIN", "! failed STARTTLS: out of step 0" } },
	{ "nor is one octet",
	    { "# whole offered", OFFERS("< 250 STARTTLS"), "> STARTTLS", "< 220 go", "<.  ",
		"! failed STARTTLS: out of step 0" } },
	{ "a reply behind the list in which STARTTLS is offered",
	    { "# whole required", OFFERS("< 250 STARTTLS", "< 220 go"),
		"! failed EHLO: out of step 0" } },
	{ "implicit TLS: no STARTTLS, whatever is offered",
	    { "# implicit", OFFERS("< 250 STARTTLS", "! ready") } },
	{ "EHLO is refused once TLS is on: HELO",
	    { "# required", OFFERS("< 250 STARTTLS"), "> STARTTLS", "< 220 go", "! starttls",
		"= secured", "> EHLO box.test", "< 502 x", "> HELO box.test", "< 250 x",
		"! ready" } },
	{ "a 421 once TLS is on",
	    { "# required", OFFERS("< 250 STARTTLS"), "> STARTTLS", "< 220 go", "! starttls",
		"= secured", "> EHLO box.test", "< 421 x", "! failed EHLO: hello refused 421" } },
	{ "little room is enough",
	    { "# required small", OFFERS("< 250 STARTTLS"), "> STARTTLS", "< 220 go", "! starttls",
		"= secured", "> EHLO box.test", "< 250 x", "! ready" } },
};

#define ASKED(...) "# login", HELLO, "< 250-gw.test", "< 250 AUTH PLAIN LOGIN", "! login 3", \
	__VA_ARGS__
#define PLAIN "= login PLAIN pass", "> AUTH PLAIN AHVzZXIAcGFzcw=="

static const struct script login_scripts[] = {
	{ "PLAIN", { ASKED(PLAIN, "= no mail a@a.test", "< 235 2.7.0 ok", "! ready",
		       "= mail a@a.test", "> MAIL FROM:<a@a.test>") } },
	{ "LOGIN", { ASKED("= login LOGIN pass", "> AUTH LOGIN", "< 334 VXNlcm5hbWU6", "> dXNlcg==",
		       "< 334 UGFzc3dvcmQ6", "> cGFzcw==", "< 235 ok", "! ready") } },
	{ "LOGIN without a word", { ASKED("= login LOGIN pass", "> AUTH LOGIN", "< 334", "> dXNlcg==",
				      "< 334 ", "> cGFzcw==", "< 235 ok", "! ready") } },
	{ "LOGIN asks a third time",
	    { ASKED("= login LOGIN pass", "> AUTH LOGIN", "< 334", "> dXNlcg==", "< 334",
		"> cGFzcw==", "< 334", "! failed AUTH: bad login 334") } },
	{ "XOAUTH2", { "# implicit login", OFFERS("< 250 AUTH XOAUTH2", "! login secure 10"),
			 "= login XOAUTH2 token",
			 "> AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHRva2VuAQE=", "< 235 ok",
			 "! ready" } },
	{ "XOAUTH2 refused: once more with another token",
	    { "# implicit login", OFFERS("< 250 AUTH XOAUTH2", "! login secure 10"),
		"= login XOAUTH2 token", "> AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHRva2VuAQE=",
		"< 334 eyJzdGF0dXMiOiI0MDAifQ==", "> ", "< 535 5.7.8 expired", "! refused 535",
		"= no mail a@a.test", "= login XOAUTH2 token",
		"> AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHRva2VuAQE=", "< 235 ok", "! ready" } },
	{ "CRAM-MD5",
	    { "# login", OFFERS("< 250 AUTH CRAM-MD5", "! login 4"), "= login CRAM-MD5 pass",
		"> AUTH CRAM-MD5", "< 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
		"> dXNlciAyMjRmOGFmMWJmOWJjZjI2ZjRlZjAzMjllMDYxNDA1Yw==", "< 235 ok", "! ready" } },
	{ "CRAM-MD5: a challenge that is none",
	    { "# login", OFFERS("< 250 AUTH CRAM-MD5", "! login 4"), "= login CRAM-MD5 pass",
		"> AUTH CRAM-MD5", "< 334 <1234@x>", "! failed AUTH: bad login 334",
		"= no mail a@a.test" } },

	/* Refusals. */
	{ "535", { ASKED(PLAIN, "< 535 5.7.8 no", "! refused 535", "= no mail a@a.test") } },
	{ "535, and a good end",
	    { ASKED(PLAIN, "< 535-5.7.8 no", "< 535 5.7.8 way", "! refused 535", "= quit", "> QUIT",
		"= no quit", "< 221 bye", "! reply QUIT 221", "= no mail a@a.test") } },
	{ "454", { ASKED(PLAIN, "< 454 4.7.0 later", "! refused 454") } },
	{ "421", { ASKED(PLAIN, "< 421 4.7.0 bye", "! refused 421") } },
	{ "534", { ASKED("= login LOGIN pass", "> AUTH LOGIN", "< 534 too weak", "! refused 534") } },
	{ "refused, and an end later",
	    { ASKED(PLAIN, "< 535 no", "! refused 535", "< 421 x",
		"! failed nothing: closing 421") } },
	{ "refused, with more behind it: nothing is sent any more",
	    { "# whole login", OFFERS("< 250 AUTH PLAIN", "! login 1"), PLAIN, "< 535 no",
		"< 421 bye", "! refused 535", "! failed nothing: closing 421" } },

	/* Dialogues without sense. */
	{ "354", { ASKED(PLAIN, "< 354 go", "! failed AUTH: bad reply 354") } },
	{ "199", { ASKED(PLAIN, "< 199 go", "! failed AUTH: bad reply 0") } },
	{ "text only", { ASKED(PLAIN, "< yes", "! failed AUTH: bad reply 0") } },
	{ "PLAIN is asked on", { ASKED(PLAIN, "< 334 ", "! failed AUTH: bad login 334") } },
	{ "a challenge and more",
	    { "# whole login", OFFERS("< 250 AUTH LOGIN", "! login 2"), "= login LOGIN pass",
		"> AUTH LOGIN", "< 334 VXNlcm5hbWU6", "< 235 ok", "! failed AUTH: out of step 0" } },
	{ "a yes and more",
	    { "# whole login", OFFERS("< 250 AUTH PLAIN", "! login 1"), PLAIN, "< 235 ok",
		"< 250 ok", "! ready", "! failed nothing: out of step 0" } },
	{ "a list and a yes in one",
	    { "# whole login", OFFERS("< 250 AUTH PLAIN", "< 235 ok"),
		"! failed EHLO: out of step 0" } },
	{ "a yes before anything was asked", { ASKED("< 235 ok", "! failed nothing: out of step 0") } },
	{ "a 421 while a token is fetched",
	    { ASKED("< 421 4.4.2 idle", "! failed nothing: closing 421") } },

	/* No login, and lists. */
	{ "no login after all", { ASKED("= nologin", "! ready", "= mail a@a.test",
				    "> MAIL FROM:<a@a.test>") } },
	{ "AUTH is not offered", { "# login", OFFERS("< 250 HELP", "! login 0") } },
	{ "HELO alone: nothing is offered",
	    { "# login", HELLO, "< 500-x", "< 500 AUTH PLAIN", "> HELO box.test", "< 250-x",
		"< 250 AUTH PLAIN", "! login 0" } },
	{ "AUTH= and AUTH (C36)",
	    { "# login", OFFERS("< 250-AUTH=LOGIN PLAIN", "< 250 AUTH PLAIN LOGIN XOAUTH2",
			   "! login 13") } },
	{ "the other way round", { "# login", OFFERS("< 250-AUTH PLAIN LOGIN XOAUTH2",
						 "< 250 AUTH=LOGIN PLAIN", "! login 13") } },
	{ "AUTH= alone", { "# login", OFFERS("< 250 AUTH=LOGIN PLAIN", "! login 3") } },
	{ "AUTH =", { "# login", OFFERS("< 250 AUTH =LOGIN", "! login 2") } },
	{ "lower case, commas, strangers",
	    { "# login", OFFERS("< 250-auth gssapi,plain NTLM", "< 250-AUTH",
			   "< 250 AUTH   scram-sha-1  scram-sha-256 ", "! login 9") } },
	{ "the list in clear does not count behind TLS",
	    { "# required login", OFFERS("< 250-AUTH PLAIN LOGIN", "< 250 STARTTLS"), "> STARTTLS",
		"< 220 go", "! starttls", "= secured", "> EHLO box.test", "< 250-gw.test",
		"< 250 AUTH CRAM-MD5", "! login secure 4" } },
	{ "STARTTLS refused: the login is the owner's to decide",
	    { "# offered login", OFFERS("< 250-AUTH PLAIN", "< 250 STARTTLS"), "> STARTTLS",
		"< 454 no", "! login 1" } },
	{ "no EHLO after AUTH, and the list stays",
	    { "# login", OFFERS("< 250-SIZE", "< 250 AUTH PLAIN", "! login 1"), PLAIN, "< 235 ok",
		"! ready", "= mail a@a.test size=5", "> MAIL FROM:<a@a.test> SIZE=5" } },
};

#define SCRAM \
	"# login", OFFERS("< 250 AUTH SCRAM-SHA-256", "! login 8"), "= login SCRAM-SHA-256 pencil", \
	"> AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=", \
	"< 334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlph" \
	"SjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=", \
	"> Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8laHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAscD1k" \
	"SHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3FtbWl6N0FuZFZRPQ=="

static const struct script scram_scripts[] = {
	{ "SCRAM-SHA-256 as in RFC 7677",
	    { SCRAM, "< 334 dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==", "> ",
		"< 235 ok", "! ready" } },
	{ "the proof in the 235",
	    { SCRAM, "< 235 dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==",
		"! ready" } },
	{ "a yes without proof", { SCRAM, "< 235 2.7.0 ok", "! failed AUTH: bad login 235" } },
	{ "a wrong proof",
	    { SCRAM, "< 334 dj03cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==",
		"! failed AUTH: bad login 334" } },
	{ "a wrong password", { SCRAM, "< 535 5.7.8 no", "! refused 535" } },
	{ "nonsense in the place of the first message",
	    { "# login", OFFERS("< 250 AUTH SCRAM-SHA-256", "! login 8"),
		"= login SCRAM-SHA-256 pencil",
		"> AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=", "< 334 eA==",
		"! failed AUTH: bad login 334" } },
};

/* ---- what scripts cannot say ---- */

static struct client c;
static struct sasl sasl;
static struct buf out;
static uint8_t mem[CLIENT_HELLO_ROOM];
static char sent[30000];

static enum client_event say(const char *text, struct client_what *what)
{
	struct bytes in = bytes_of(text);

	return client_step(&c, &in, &out, what);
}

static void begin(enum sasl_mechanism m, const char *offers, const char *secret)
{
	const struct client_params params = { .ehlo_name = BYTES("a.test"), .login = true };
	struct client_what what;

	buf_init(&out, mem, sizeof(mem));
	client_init(&c, &params);
	say("220 x\r\n", &what);
	is_num(say(offers, &what), CLIENT_LOGIN, "a login is asked for");
	buf_clear(&out);
	sasl_init(&sasl, m, BYTES("user"), bytes_of(secret), PLAYER_NONCE);
	client_login(&c, &sasl, &out);
}

/* A response larger than the buffer. */
static void test_slices(void)
{
	static char secret[SASL_TOKEN_MAX + 1];
	struct client_what what;
	unsigned turns = 0;
	size_t n = 0;

	memset(secret, 's', SASL_TOKEN_MAX);
	begin(SASL_LOGIN, "250-x\r\n250 AUTH LOGIN\r\n", secret);
	buf_clear(&out);
	is_num(say("334 \r\n", &what), CLIENT_MORE, "the name is asked for");
	ok(!client_is_writing(&c), "and written at once");
	buf_clear(&out);
	is_num(say("334 \r\n", &what), CLIENT_MORE, "the password is asked for");
	ok(client_is_writing(&c), "which does not fit");
	do {
		memcpy(sent + n, buf_peek(&out).p, buf_used(&out));
		n += buf_used(&out);
		buf_clear(&out);
		is_num(say("", &what), CLIENT_MORE, "a slice");
	} while (buf_used(&out) > 0 && turns++ < 100);
	ok(!client_is_writing(&c), "then all is written");
	is_num(n, (SASL_TOKEN_MAX + 2) / 3 * 4 + 2, "all of it");
	ok(memcmp(sent + n - 2, "\r\n", 2) == 0, "with a line end");
	is_num(say("235 ok\r\n", &what), CLIENT_READY, "and the login is done");

	begin(SASL_LOGIN, "250-x\r\n250 AUTH LOGIN\r\n", secret);
	buf_clear(&out);
	say("334 \r\n", &what);
	buf_clear(&out);
	say("334 \r\n", &what);
	is_num(say("500 line too long\r\n", &what), CLIENT_FAILED, "an answer before the end of it");
	is_num(what.why, CLIENT_BAD_REPLY, "is a failure");
	is_num(client_last(&c)->code, 500, "that can be told");
	ok(!client_is_writing(&c), "and nothing more is written");
}

static void test_work(void)
{
	struct client_what what;
	unsigned slices = 0;
	enum client_event event;
	static const char first[] = /* r=…x,s=QUJD,i=5000 */
	    "334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxT3gscz1RVUpELGk9NTAwMA==\r\n";

	if (!(sasl_built_in() & SASL_SCRAM_SHA_256))
		return;
	begin(SASL_SCRAM_SHA_256, "250-x\r\n250 AUTH SCRAM-SHA-256\r\n", "pencil");
	buf_clear(&out);
	event = say(first, &what);
	while (event == CLIENT_WORK && slices++ < 100)
		event = say("", &what);
	is_num(slices, 6, "5000 rounds are done in slices, the turn is given up between them");
	is_num(client_awaits(&c), CLIENT_CMD_AUTH, "then the proof goes out");

	begin(SASL_SCRAM_SHA_256, "250-x\r\n250 AUTH SCRAM-SHA-256\r\n", "pencil");
	buf_clear(&out);
	say(first, &what);
	is_num(say("235 ok\r\n", &what), CLIENT_FAILED, "a yes while the work is done");
	is_num(what.why, CLIENT_OUT_OF_STEP, "was not asked for");
}

/* Whatever a gateway asks: it ends. */
static void test_endless(void)
{
	struct client_what what;
	enum client_event event = CLIENT_MORE;
	unsigned n = 0;

	begin(SASL_LOGIN, "250-x\r\n250 AUTH LOGIN\r\n", "pass");
	while (event == CLIENT_MORE && n++ < 100) {
		buf_clear(&out);
		event = say("334 \r\n", &what);
	}
	is_num(event, CLIENT_FAILED, "endless challenges end");
	is_num(what.why, CLIENT_BAD_LOGIN, "as a bad login");
	ok(*client_login_why(&c) != '\0', "in words: %s", client_login_why(&c));
}

#define PLAY(list) play_all(list, sizeof(list) / sizeof((list)[0]))

int main(void)
{
	const uint8_t all = SASL_CRAM_MD5 | SASL_SCRAM_SHA_256 | SASL_XOAUTH2;

	PLAY(tls_scripts);
	if ((sasl_built_in() & all) == all) {
		PLAY(login_scripts);
		PLAY(scram_scripts);
	}
	test_slices();
	test_work();
	test_endless();
	return done();
}
