/* SPDX-License-Identifier: ISC */
#include "relay/verdict.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

static enum verdict of(enum client_command cmd, unsigned code)
{
	struct reply r;

	reply_set(&r, code, "", BYTES("x"));
	return verdict_of(cmd, &r);
}

static const enum client_command commands[] = {
	CLIENT_CMD_NONE,
	CLIENT_CMD_GREETING,
	CLIENT_CMD_EHLO,
	CLIENT_CMD_HELO,
	CLIENT_CMD_STARTTLS,
	CLIENT_CMD_AUTH,
	CLIENT_CMD_MAIL,
	CLIENT_CMD_RCPT,
	CLIENT_CMD_DATA,
	CLIENT_CMD_END,
	CLIENT_CMD_RSET,
	CLIENT_CMD_NOOP,
	CLIENT_CMD_QUIT,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* The codes that speak of the gateway, to whatever they are the answer. */
static void test_gateways_own(void)
{
	static const unsigned codes[] = { 421, 432, 454, 500, 502, 503, 530, 534, 535, 538 };

	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		bool good = true;

		for (unsigned k = 0; k < COMMANDS; k++)
			good = good && of(commands[k], codes[i]) == VERDICT_FAIL;
		ok(good, "%u is the gateway's failure, to anything", codes[i]);
	}
}

/* Every other code to the four commands that carry a mail. */
static void test_all_codes(void)
{
	static const unsigned own[] = { 421, 432, 454, 500, 502, 503, 530, 534, 535, 538 };
	bool good = true;

	for (unsigned code = 0; code < 1000; code++) {
		enum verdict refused = code < 400 || code > 599 ? VERDICT_FAIL
				       : code < 500             ? VERDICT_DEFER
								: VERDICT_REJECT;
		bool twice = code >= 200 && code < 300, go = code == 354;

		for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
			if (own[i] == code)
				refused = VERDICT_FAIL;
		good = good && of(CLIENT_CMD_MAIL, code) == (twice ? VERDICT_OK : refused);
		good = good && of(CLIENT_CMD_RCPT, code) == (twice ? VERDICT_OK : refused);
		good = good && of(CLIENT_CMD_END, code) == (twice ? VERDICT_OK : refused);
		good = good && of(CLIENT_CMD_DATA, code) == (go ? VERDICT_OK : refused);
		good = good && of(CLIENT_CMD_NONE, code) == refused;
	}
	ok(good,
	    "MAIL, RCPT, DATA, the end of data and replies before it: each code from 0 to 999");
}

static void test_others(void)
{
	static const enum client_command session[] = { CLIENT_CMD_EHLO, CLIENT_CMD_HELO,
		CLIENT_CMD_STARTTLS, CLIENT_CMD_AUTH, CLIENT_CMD_RSET, CLIENT_CMD_NOOP, CLIENT_CMD_QUIT };
	bool good = true;

	for (unsigned i = 0; i < sizeof(session) / sizeof(session[0]); i++) {
		good = good && of(session[i], 250) == VERDICT_OK;
		good = good && of(session[i], 450) == VERDICT_FAIL;
		good = good && of(session[i], 550) == VERDICT_FAIL;
		good = good && of(session[i], 354) == VERDICT_FAIL;
	}
	ok(good, "a refused EHLO, HELO, STARTTLS, AUTH, RSET, NOOP or QUIT is never the mail's fault");
	is_num(of(CLIENT_CMD_GREETING, 220), VERDICT_OK, "a greeting of 220");
	is_num(of(CLIENT_CMD_GREETING, 250), VERDICT_FAIL, "one of 250");
	is_num(of(CLIENT_CMD_GREETING, 554), VERDICT_FAIL, "one of 554");
}

static void test_words(void)
{
	static const struct {
		enum verdict_trouble trouble;
		const char *enhanced;
	} troubles[] = {
		{ VERDICT_NO_NAME, "4.4.1" },
		{ VERDICT_NO_CONNECT, "4.4.1" },
		{ VERDICT_TLS, "4.7.0" },
		{ VERDICT_CERTIFICATE, "4.7.0" },
		{ VERDICT_LOGIN, "4.7.0" },
		{ VERDICT_TIMEOUT, "4.4.2" },
		{ VERDICT_LOST, "4.4.2" },
		{ VERDICT_PROTOCOL, "4.4.2" },
	};
	const unsigned n = sizeof(troubles) / sizeof(troubles[0]);

	for (unsigned i = 0; i < n; i++)
		is_str(verdict_enhanced(troubles[i].trouble), troubles[i].enhanced,
		    "enhanced code of trouble %u", (unsigned)troubles[i].trouble);
}

static void test_trouble_of(void)
{
	static const unsigned login[] = { 530, 534, 535, 538 },
			      other[] = { 421, 432, 454, 500, 502, 503 };
	struct reply r;
	bool good = true;

	for (unsigned i = 0; i < sizeof(login) / sizeof(login[0]); i++) {
		reply_set(&r, login[i], "", BYTES(""));
		good = good && verdict_trouble_of(&r) == VERDICT_LOGIN;
	}
	ok(good, "530, 534, 535 and 538 speak of the login");
	for (unsigned i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		reply_set(&r, other[i], "", BYTES(""));
		good = good && verdict_trouble_of(&r) == VERDICT_PROTOCOL;
	}
	ok(good, "the others do not");
}

int main(void)
{
	test_gateways_own();
	test_all_codes();
	test_others();
	test_words();
	test_trouble_of();
	return done();
}
