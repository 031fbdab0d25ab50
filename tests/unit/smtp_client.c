/* SPDX-License-Identifier: ISC */
/* Sessions towards a gateway without TLS and login, as scripts: see lib/client_player.h. */
#include "lib/client_player.h"

#define HELLO "< 220 gw.test ESMTP", "> EHLO box.test", "< 250 gw.test", "! ready"
#define HELLO_PIPELINING \
	"< 220 gw.test ESMTP", "> EHLO box.test", "< 250-gw.test", "< 250 PIPELINING", "! ready"

static const struct script scripts[] = {
	{ "a mail, one command after the other",
	    { HELLO, "= mail a@a.test", "> MAIL FROM:<a@a.test>", "= no rcpt b@b.test",
		"< 250 2.1.0 ok", "! reply MAIL 250", "= rcpt b@b.test", "> RCPT TO:<b@b.test>",
		"< 250 2.1.5 ok", "! reply RCPT 250", "= data", "> DATA", "= no body x", "< 354 go",
		"! reply DATA 354", "= body Subject: x", ">. Subject: x", "= end", ">. \r\n.\r\n",
		"= no rset", "< 250 2.0.0 queued", "! reply end of data 250", "= quit", "> QUIT",
		"= no noop", "< 221 bye", "! reply QUIT 221" } },
	{ "a greeting of several lines",
	    { "< 220-one", "< 220-two", "< 220 three", "> EHLO box.test" } },
	{ "nothing is said before the greeting",
	    { "= no mail a@a.test", "<. 220 gw", "= no noop" } },
	{ "greeting 554", { "< 554 go away", "! failed greeting: bad greeting 554" } },
	{ "greeting 421", { "< 421 4.3.2 busy", "! failed greeting: bad greeting 421" } },
	{ "greeting 250", { "< 250 hello", "! failed greeting: bad greeting 250" } },
	{ "a greeting without sense", { "< hello", "! failed greeting: bad reply 0" } },
	{ "a greeting of another protocol",
	    { "< * OK IMAP4 ready", "! failed greeting: bad reply 0" } },

	/* C24 */
	{ "EHLO 500: HELO is tried",
	    { "< 220 x", "> EHLO box.test", "< 500 what?", "> HELO box.test", "< 250 x", "! ready",
		"= mail a@a.test size=100 8bit utf8", "> MAIL FROM:<a@a.test>" } },
	{ "EHLO 550: HELO is tried", { "< 220 x", "> EHLO box.test", "< 550-not", "< 550 you",
					 "> HELO box.test", "< 250 x", "! ready" } },
	{ "EHLO 502, HELO 550", { "< 220 x", "> EHLO box.test", "< 502 what?", "> HELO box.test",
				    "< 550 no", "! failed HELO: hello refused 550" } },
	{ "EHLO 421: no HELO", { "< 220 x", "> EHLO box.test", "< 421 4.7.0 try later",
				   "! failed EHLO: hello refused 421" } },
	{ "EHLO 421 of two lines", { "< 220 x", "> EHLO box.test", "< 421-4.7.0 Try again later",
				       "< 421 4.7.0 (EHLO)", "! failed EHLO: hello refused 421" } },
	{ "EHLO 450: no HELO",
	    { "< 220 x", "> EHLO box.test", "< 450 later", "! failed EHLO: hello refused 450" } },
	{ "EHLO 354",
	    { "< 220 x", "> EHLO box.test", "< 354 go", "! failed EHLO: bad reply 354" } },
	{ "HELO 354", { "< 220 x", "> EHLO box.test", "< 500 x", "> HELO box.test", "< 354 go",
			  "! failed HELO: bad reply 354" } },
	{ "EHLO 999", { "< 220 x", "> EHLO box.test", "< 999 x", "! failed EHLO: bad reply 0" } },

	/* Extensions. */
	{ "all extensions are used",
	    { "< 220 x", "> EHLO box.test", "< 250-gw.test at your service", "< 250-SIZE 1000",
		"< 250-8BITMIME", "< 250-SMTPUTF8", "< 250 ENHANCEDSTATUSCODES", "! ready",
		"= mail a@a.test size=99 8bit utf8",
		"> MAIL FROM:<a@a.test> SIZE=99 BODY=8BITMIME SMTPUTF8", "< 250 x",
		"! reply MAIL 250" } },
	{ "none is used where none is offered",
	    { HELLO, "= mail a@a.test size=99 8bit utf8", "> MAIL FROM:<a@a.test>" } },
	{ "only those that are offered",
	    { "< 220 x", "> EHLO box.test", "< 250-x", "< 250 SMTPUTF8", "! ready",
		"= mail a@a.test size=99 8bit utf8", "> MAIL FROM:<a@a.test> SMTPUTF8" } },
	{ "only those that are needed",
	    { "< 220 x", "> EHLO box.test", "< 250-x", "< 250-SIZE", "< 250-SMTPUTF8",
		"< 250 8BITMIME", "! ready", "= mail a@a.test", "> MAIL FROM:<a@a.test>", "< 250 x",
		"! reply MAIL 250" } },
	{ "8BITMIME alone", { "< 220 x", "> EHLO box.test", "< 250-x", "< 250 8BITMIME", "! ready",
				"= mail <> 8bit", "> MAIL FROM:<> BODY=8BITMIME" } },
	{ "lower case, blanks, other order",
	    { "< 220 x", "> EHLO box.test", "< 250-x", "< 250-8bitmime ", "< 250-pipelining",
		"< 250-AUTH=LOGIN", "< 250-auth PLAIN LOGIN", "< 250-X-THING a=b", "< 250-",
		"< 250 size", "! ready", "= mail a@a.test size=7 8bit", "= rcpt b@b.test",
		"> MAIL FROM:<a@a.test> SIZE=7 BODY=8BITMIME", "> RCPT TO:<b@b.test>" } },
	{ "a name of the gateway that looks like an extension",
	    { "< 220 x", "> EHLO box.test", "< 250-SIZE 1", "< 250 HELP", "! ready",
		"= mail a@a.test size=99", "> MAIL FROM:<a@a.test>" } },
	{ "what HELO's answer says is no extension",
	    { "< 220 x", "> EHLO box.test", "< 500 x", "> HELO box.test", "< 250-x",
		"< 250 SIZE 100", "! ready", "= mail a@a.test size=99",
		"> MAIL FROM:<a@a.test>" } },

	/* Pipelining. */
	{ "MAIL and RCPT together, DATA waits",
	    { HELLO_PIPELINING, "= mail a@a.test", "= rcpt b@b.test", "= rcpt c@c.test",
		"= no data", "> MAIL FROM:<a@a.test>", "> RCPT TO:<b@b.test>",
		"> RCPT TO:<c@c.test>", "< 250 x", "< 250 x", "! reply MAIL 250",
		"! reply RCPT 250", "= no data", "< 550 x", "! reply RCPT 550", "= data", "> DATA",
		"= no rset", "< 354 x", "! reply DATA 354" } },
	{ "the window is bounded",
	    { HELLO_PIPELINING, "= rset", "= rset", "= rset", "= rset", "= rset", "= rset",
		"= rset", "= rset", "= no rset", "> RSET", "> RSET", "> RSET", "> RSET", "> RSET",
		"> RSET", "> RSET", "> RSET", "< 250 x", "! reply RSET 250", "= rset", "= no rset",
		"> RSET" } },
	{ "nothing behind NOOP and QUIT",
	    { HELLO_PIPELINING, "= noop", "= no quit", "> NOOP", "< 250 x", "! reply NOOP 250",
		"= rset", "= quit", "= no noop", "> RSET", "> QUIT", "< 250 x", "< 221 x",
		"! reply RSET 250", "! reply QUIT 221" } },
	{ "a refused MAIL, and the answer to the RCPT behind it",
	    { HELLO_PIPELINING, "= mail a@a.test", "= rcpt b@b.test", "> MAIL FROM:<a@a.test>",
		"> RCPT TO:<b@b.test>", "< 550-5.7.1 no", "< 550 5.7.1 no", "< 503 MAIL first",
		"! reply MAIL 550", "! reply RCPT 503" } },

	/* Answers that are refusals are the owner's to judge. */
	{ "421 to MAIL",
	    { HELLO, "= mail a@a.test", "> MAIL FROM:<a@a.test>", "< 421 x", "! reply MAIL 421" } },
	{ "a refused DATA",
	    { HELLO, "= data", "> DATA", "< 554 no valid recipients", "! reply DATA 554",
		"= no body x", "= no end", "= rset", "> RSET" } },
	{ "a refused end of data, then another mail",
	    { HELLO, "= data", "> DATA", "< 354 x", "! reply DATA 354", "= end", "> .",
		"< 552 too big", "! reply end of data 552", "= mail b@b.test",
		"> MAIL FROM:<b@b.test>" } },
	{ "RCPT 251", { HELLO, "= rcpt b@b.test", "> RCPT TO:<b@b.test>", "< 251 will forward",
			  "! reply RCPT 251" } },

	/* Codes without meaning at that point. */
	{ "250 to DATA",
	    { HELLO, "= data", "> DATA", "< 250 ok", "! failed DATA: bad reply 250", "= no end" } },
	{ "350 to DATA", { HELLO, "= data", "> DATA", "< 350 what", "! failed DATA: bad reply 350",
			     "= no body x" } },
	{ "354 to MAIL", { HELLO, "= mail a@a.test", "> MAIL FROM:<a@a.test>", "< 354 go",
			     "! failed MAIL: bad reply 354" } },
	{ "354 to RCPT", { HELLO, "= rcpt a@a.test", "> RCPT TO:<a@a.test>", "< 354 go",
			     "! failed RCPT: bad reply 354" } },
	{ "354 to the end of data",
	    { HELLO, "= data", "> DATA", "< 354 x", "! reply DATA 354", "= end", "> .", "< 354 go",
		"! failed end of data: bad reply 354" } },
	{ "334 to RSET", { HELLO, "= rset", "> RSET", "< 334 x", "! failed RSET: bad reply 334" } },
	{ "199 to MAIL", { HELLO, "= mail a@a.test", "> MAIL FROM:<a@a.test>", "< 199 x",
			     "! failed MAIL: bad reply 0" } },
	{ "999 to RCPT", { HELLO, "= rcpt a@a.test", "> RCPT TO:<a@a.test>", "< 999 x",
			     "! failed RCPT: bad reply 0" } },
	{ "text only to MAIL", { HELLO, "= mail a@a.test", "> MAIL FROM:<a@a.test>", "< ok",
				   "! failed MAIL: bad reply 0" } },
	{ "a failure stays one",
	    { HELLO, "= rset", "> RSET", "< 199 x", "! failed RSET: bad reply 0", "= no rset",
		"< 250 x", "! failed RSET: bad reply 0" } },

	/* Nothing is accepted before it was asked for. */
	{ "a 421 while idle",
	    { HELLO, "< 421 4.4.2 idle for too long", "! failed nothing: closing 421" } },
	{ "a 421 of several lines while idle",
	    { HELLO, "< 421-4.4.2 idle", "< 421 bye", "! failed nothing: closing 421" } },
	{ "half a 421 while idle", { HELLO, "<. 42", "= no mail a@a.test" } },
	{ "another reply while idle", { HELLO, "< 250 ok", "! failed nothing: out of step 0" } },
	{ "the first octet of another reply is enough",
	    { HELLO, "<. 2", "! failed nothing: out of step 0" } },
	{ "422 while idle", { HELLO, "<. 422", "! failed nothing: out of step 0" } },
	{ "the first line of another reply is enough",
	    { HELLO, "< 250-ok", "! failed nothing: out of step 0" } },
	{ "an empty line while idle", { HELLO, "< ", "! failed nothing: out of step 0" } },
	{ "421 that is none",
	    { HELLO, "<. 4210", "= no rset", "< ", "! failed nothing: out of step 0" } },
	{ "greeting and a reply in one",
	    { "# whole", "< 220 x", "< 250 y", "! failed greeting: out of step 0" } },
	{ "EHLO refused and a reply in one", { "# whole", "< 220 x", "> EHLO box.test", "< 500 x",
						 "< 250 y", "! failed EHLO: out of step 0" } },
	{ "EHLO's answer and a reply in one",
	    { "# whole", "< 220 x", "> EHLO box.test", "< 250 x", "< 250 y", "! ready",
		"! failed nothing: out of step 0" } },
	{ "two replies to one command",
	    { "# whole", HELLO, "= rset", "> RSET", "< 250 x", "< 250 y", "! reply RSET 250",
		"! failed nothing: out of step 0" } },
	{ "a reply and a 421 in one", { "# whole", HELLO, "= rset", "> RSET", "< 250 x", "< 421 y",
					  "! reply RSET 250", "! failed nothing: closing 421" } },

	/* In the body. */
	{ "552 in the body",
	    { HELLO, "= data", "> DATA", "< 354 x", "! reply DATA 354", "= body abc", ">. abc",
		"< 552 5.3.4 too big", "! early 552", "= no body x", "= no end", "< 250 x",
		"! failed nothing: out of step 552" } },
	{ "421 in the body", { HELLO, "= data", "> DATA", "< 354 x", "! reply DATA 354",
				 "< 421 bye", "! early 421" } },
	{ "250 in the body", { HELLO, "= data", "> DATA", "< 354 x", "! reply DATA 354",
				 "< 250 bye", "! early 250" } },
	{ "354 and 250 in one", { "# whole", HELLO, "= data", "> DATA", "< 354 x", "< 250 y",
				    "! reply DATA 354", "! early 250" } },
	{ "nonsense in the body", { HELLO, "= data", "> DATA", "< 354 x", "! reply DATA 354",
				      "< what", "! failed nothing: bad reply 0" } },
	{ "a reply that began in the body",
	    { HELLO, "= data", "> DATA", "< 354 x", "! reply DATA 354", "<. 25", "= end", "> .",
		"< 0 ok", "! early 250" } },
	{ "dots are stuffed",
	    { HELLO, "= data", "> DATA", "< 354 x", "! reply DATA 354", "= body .", ">. ..",
		"= body ..", ">. ..", "= end", ">. \r\n.\r\n" } },
};

/* ---- what scripts cannot say ---- */

static struct client c;
static struct buf out;
static uint8_t mem[4096];

static enum client_event hear_all(const char *text, struct client_what *what)
{
	struct bytes in = bytes_of(text);

	return client_step(&c, &in, &out, what);
}

static void begin(const char *extensions)
{
	struct client_what what;

	buf_init(&out, mem, sizeof(mem));
	client_init(&c, &(struct client_params){ .ehlo_name = BYTES("[192.0.2.1]") });
	hear_all("220 x\r\n", &what);
	hear_all(extensions, &what);
	buf_clear(&out);
}

static void test_surplus(void)
{
	struct smtp_mail_params params = { 0 };
	struct bytes in = BYTES("250 a\r\n250 b\r\n"), body = BYTES("x");
	struct client_what what;

	begin("250 x\r\n");
	client_rset(&c, &out);
	is_num(client_step(&c, &in, &out, &what), CLIENT_REPLY, "the reply that was asked for");
	ok(!client_may_send(&c), "while more lies unread nothing may be sent");
	ok(!client_mail(&c, &out, BYTES("a@a.test"), &params), "nor is it");
	is_num(client_step(&c, &in, &out, &what), CLIENT_FAILED, "the surplus is a failure");

	begin("250 x\r\n");
	in = BYTES("354 go\r\n250 queued already\r\n");
	client_data(&c, &out);
	is_num(client_step(&c, &in, &out, &what), CLIENT_REPLY, "354, with a 250 behind it");
	buf_clear(&out);
	client_body(&c, &body, &out);
	ok(buf_used(&out) == 0, "no content goes while more lies unread");
	ok(!client_end(&c, &out),
	    "nor does the end of data: its reply would be the one that lies there");
	is_num(client_step(&c, &in, &out, &what), CLIENT_EARLY, "it is an early one");
}

static void test_awaits(void)
{
	struct client_what what;

	buf_init(&out, mem, sizeof(mem));
	client_init(&c, &(struct client_params){ .ehlo_name = BYTES("a.test") });
	is_num(client_awaits(&c), CLIENT_CMD_GREETING, "first the greeting is awaited");
	hear_all("220 x\r\n", &what);
	is_num(client_awaits(&c), CLIENT_CMD_EHLO, "then the answer to EHLO");
	hear_all("250-x\r\n250-SIZE 35882577\r\n250 PIPELINING\r\n", &what);
	is_num(client_awaits(&c), CLIENT_CMD_NONE, "then nothing");
	is_num(c.size_limit, 35882577, "the size announced");
	ok(c.pipelining && c.offers_size && !c.eightbitmime && !c.smtputf8 && c.esmtp,
	    "what was offered");
	client_rset(&c, &out);
	client_quit(&c, &out);
	is_num(client_awaits(&c), CLIENT_CMD_RSET, "the oldest of two");
	hear_all("250 x\r\n", &what);
	is_num(client_awaits(&c), CLIENT_CMD_QUIT, "the other");
}

static void test_sizes(void)
{
	static const struct {
		const char *line;
		uint64_t limit;
	} sizes[] = {
		{ "SIZE 0", 0 },
		{ "SIZE", 0 },
		{ "SIZE  10240000 ", 10240000 },
		{ "size=5", 5 },
		{ "SIZE 18446744073709551615", UINT64_MAX },
		{ "SIZE 18446744073709551616", 0 },
		{ "SIZE x", 0 },
		{ "SIZE 10 20", 0 },
	};
	char text[200];

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(text, sizeof(text), "250-x\r\n250 %s\r\n", sizes[i].line);
		begin(text);
		ok(client_may_send(&c) && c.offers_size && c.size_limit == sizes[i].limit, "%s", sizes[i].line);
	}
	begin("250-x\r\n250-SIZEABLE 7\r\n250 PIPELININGS\r\n");
	ok(client_may_send(&c) && !c.offers_size && !c.pipelining,
	    "words that only begin like an extension are none");
}

static void test_many_extensions(void)
{
	static char text[8000];
	size_t n = 0;

	n += (size_t)snprintf(text + n, sizeof(text) - n, "250-x\r\n");
	for (unsigned i = 0; i < 70; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "250-X-%u %080u\r\n", i, i);
	snprintf(text + n, sizeof(text) - n, "250-PIPELINING\r\n250 SMTPUTF8\r\n");
	begin(text);
	ok(client_may_send(&c) && c.pipelining && c.smtputf8, "an extension on the 72nd line is seen");
}

static void test_no_room(void)
{
	struct smtp_mail_params params = { .size = 5 };
	static char path[1100];
	struct buf small;
	uint8_t few[30];

	begin("250-x\r\n250 SIZE\r\n");
	buf_init(&small, few, sizeof(few));
	ok(!client_mail(&c, &small, BYTES("someone@example.test"), &params),
	    "MAIL that does not fit");
	is_num(buf_used(&small), 0, "is not written in part");
	is_num(client_awaits(&c), CLIENT_CMD_NONE, "and not awaited");
	ok(client_mail(&c, &small, BYTES("a@a.test"), &params), "one that fits to the last octet");
	is_bytes(buf_peek(&small), BYTES("MAIL FROM:<a@a.test> SIZE=5\r\n"), "is");

	begin("250 x\r\n");
	memset(path, 'a', LIMIT_PATH - 2);
	ok(client_rcpt(&c, &out, bytes_of(path)), "the longest path goes");
	is_num(buf_used(&out), LIMIT_PATH - 2 + 12, "whole");
}

static void test_reply_text(void)
{
	struct client_what what;
	char line[100];
	struct fmt f;

	begin("250 x\r\n");
	client_rcpt(&c, &out, BYTES("a@a.test"));
	hear_all("550-5.1.1 no such\r\n550 5.1.1 user\r\n", &what);
	fmt_init(&f, line, sizeof(line));
	reply_line(&f, client_last(&c));
	is_str(line, "550 5.1.1 no such user", "the reply is there with its text");

	client_rcpt(&c, &out, BYTES("a@a.test"));
	hear_all("250-2.1.5 one\r\n250 2.1.5 two\r\n", &what);
	fmt_init(&f, line, sizeof(line));
	reply_line(&f, client_last(&c));
	is_str(line, "250 2.1.5 one two", "an acceptance of two lines too");

	buf_init(&out, mem, sizeof(mem));
	client_init(&c, &(struct client_params){ .ehlo_name = BYTES("a.test") });
	is_num(hear_all("HTTP/1.1 400 Bad Request\r\n", &what), CLIENT_FAILED, "what is no SMTP");
	is_bytes(((struct bytes){ (const uint8_t *)client_last(&c)->text, client_last(&c)->n }),
	    BYTES("HTTP/1.1 400 Bad Request"), "can be shown");
}

static void test_names(void)
{
	bool good = true;

	for (int i = CLIENT_CMD_NONE; i <= CLIENT_CMD_QUIT; i++)
		for (int k = CLIENT_CMD_NONE; k < i; k++)
			good = good && strcmp(client_command_name((enum client_command)i),
					   client_command_name((enum client_command)k)) != 0;
	ok(good, "each command has a name of its own");
}

int main(void)
{
	play_all(scripts, sizeof(scripts) / sizeof(scripts[0]));
	test_surplus();
	test_awaits();
	test_sizes();
	test_many_extensions();
	test_no_room();
	test_reply_text();
	test_names();
	return done();
}
