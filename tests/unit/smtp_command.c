/* SPDX-License-Identifier: ISC */
#include "smtp/command.h"

#include "tap.h"

TAP_GP_BUG

static void splits(const char *line, enum smtp_verb verb, const char *args)
{
	struct bytes rest;

	is_num(command_parse(bytes_of(line), &rest), verb, "the verb of '%s'", line);
	is_bytes(rest, bytes_of(args), "what follows it");
}

static void test_parse(void)
{
	splits("EHLO box.test", SMTP_EHLO, "box.test");
	splits("ehlo  two  words ", SMTP_EHLO, "two  words");
	splits("  \tHeLo\tx\t ", SMTP_HELO, "x");
	splits("QUIT", SMTP_QUIT, "");
	splits("QUIT \r\r", SMTP_QUIT, "");
	splits("MAIL FROM:<a@b.test> SIZE=1", SMTP_MAIL, "FROM:<a@b.test> SIZE=1");
	splits("", SMTP_UNKNOWN, "");
	splits(" ", SMTP_UNKNOWN, "");
	splits("?", SMTP_UNKNOWN, "");
	splits("EHLOX box", SMTP_UNKNOWN, "");
	splits("EHL", SMTP_UNKNOWN, "");
	splits("MAIL:x", SMTP_UNKNOWN, "");
}

static void test_names(void)
{
	for (enum smtp_verb v = SMTP_UNKNOWN + 1; v <= SMTP_XFORWARD; v++) {
		struct bytes rest;

		is_num(command_parse(bytes_of(command_name(v)), &rest), v,
		    "%s is found by its name", command_name(v));
	}
	is_str(command_name(SMTP_UNKNOWN), "?", "what is not known has a name too");
}

static void test_begun(void)
{
	is_num(command_begun(BYTES("AUTH")), SMTP_UNKNOWN, "a verb may go on");
	is_num(command_begun(BYTES("auth ")), SMTP_AUTH, "a blank ends it");
	is_num(command_begun(BYTES("AUTHX ")), SMTP_UNKNOWN, "another word");
	is_num(command_begun(BYTES("")), SMTP_UNKNOWN, "nothing yet");
}

static void test_controls(void)
{
	ok(!command_has_controls(BYTES("a b\tc~\x80\xff")),
	    "text, a tab and octets above 127 are none");
	ok(command_has_controls(BYTES("a\0b")), "NUL is one");
	ok(command_has_controls(BYTES("\x1f")), "31 is one");
	ok(command_has_controls(BYTES("a\r")), "CR is one");
	ok(command_has_controls(BYTES("\x7f")), "127 is one");
	ok(!command_has_controls(BYTES("")), "nothing has none");
}

int main(void)
{
	test_parse();
	test_names();
	test_begun();
	test_controls();
	return done();
}
