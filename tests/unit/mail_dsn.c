/* SPDX-License-Identifier: ISC */
#include "mail/dsn.h"

#include "base/bug.h"
#include "tap.h"
#include "fuzz/lib/report.h"

TAP_GP_BUG

static void report_must(bool held, const char *what)
{
	if (!held)
		ok(false, "well formed: %s", what);
}

#define MAIL "Received: from scan\r\n\tby gatepost\r\nSubject: a =_ b\r\nX-Blank: x \r\n--=_r0: not a delimiter\r\n\r\nbody\r\n"

static struct report_input usual(const struct dsn_rcpt *rcpt, uint32_t n)
{
	return (struct report_input){
		.params = {
			.from = BYTES("mailer-daemon@box.example"),
			.to = BYTES("anna@x.example"),
			.hostname = BYTES("box.example"),
			.id = BYTES("r0"),
			.message_id = BYTES("<r0@box.example>"),
			.date = BYTES("Wed, 25 Nov 2026 14:54:09 +0000"),
			.mail_id = BYTES("0123456789abcdefghjk"),
			.arrival = BYTES("Sat, 21 Nov 2026 14:54:09 +0000"),
		},
		.rcpt = rcpt,
		.rcpts = n,
		.mail = BYTES(MAIL),
	};
}

static struct report make(const struct report_input *in)
{
	return report_parse(in, report_write(in, 4096, 1000));
}

static void whole(void)
{
	static const struct dsn_rcpt rcpt[] = {
		{ BYTES("<bert@y.example>"), 550, BYTES("5.1.1"), BYTES("No such user"), BYTES("smtp.gw.example"), false },
		{ BYTES("<carl@z.example>"), 451, BYTES(""), BYTES("Later\nplease"), BYTES("smtp.gw.example"), true },
		{ BYTES("<@a,@b:dora@z.example>"), 0, BYTES("4.4.1"), BYTES("cannot connect"), BYTES(""), true },
	};
	struct report_input in = usual(rcpt, 3);
	struct report r = make(&in);

	is_bytes(r.head, BYTES("From: Mail Delivery <mailer-daemon@box.example>\r\nTo: <anna@x.example>\r\nSubject: Your mail was not delivered\r\n"
		"Date: Wed, 25 Nov 2026 14:54:09 +0000\r\nMessage-ID: <r0@box.example>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
		"Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"=_r0\"\r\n"), "the header");
	is_bytes(r.text, BYTES("This is the mail relay\r\nbox.example.\r\n\r\nYour mail (0123456789abcdefghjk) was not delivered to:\r\n"
		"\r\nbert@y.example\r\n    smtp.gw.example refused it:\r\n    550 5.1.1 No such user\r\n"
		"\r\ncarl@z.example\r\n    smtp.gw.example did not take it in time. Its last answer was:\r\n    451 Later\r\n    please\r\n"
		"\r\ndora@z.example\r\n    The mail gateway could not be reached in time:\r\n    cannot connect\r\n"
		"\r\nIt is not tried again. The header of the mail follows.\r\n"), "the text");
	is_bytes(r.status, BYTES("Reporting-MTA: dns; box.example\r\nArrival-Date: Sat, 21 Nov 2026 14:54:09 +0000\r\n"
		"\r\nFinal-Recipient: rfc822; bert@y.example\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; smtp.gw.example\r\n"
		"Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n"
		"\r\nFinal-Recipient: rfc822; carl@z.example\r\nAction: failed\r\nStatus: 4.4.7\r\nRemote-MTA: dns; smtp.gw.example\r\n"
		"Diagnostic-Code: smtp; 451 Later please\r\n"
		"\r\nFinal-Recipient: rfc822; dora@z.example\r\nAction: failed\r\nStatus: 4.4.1\r\nDiagnostic-Code: x-gatepost; cannot connect\r\n"), "the status");
	is_bytes(r.header, report_header_of(BYTES(MAIL)), "the header of the mail, without its body");
	ok(!dsn_needs_utf8(&in.params), "ASCII");
	report_free(&r);
}

/* Whatever the room and however the mail is cut. */
static void cuts(void)
{
	static const struct dsn_rcpt rcpt[] = { { BYTES("<a@y.example>"), 554, BYTES("5.7.1"), BYTES("no"), BYTES("[192.0.2.1]"), false } };
	struct report_input in = usual(rcpt, 1);
	struct bytes first = report_write(&in, DSN_ROOM, 1);
	unsigned same = 0, n = 0;

	for (size_t room = DSN_ROOM; room < DSN_ROOM + 400; room += 13)
		for (size_t cut = 1; cut < 120; cut += 7, n++) {
			struct bytes again = report_write(&in, room, cut);

			same += bytes_same(first, again);
			free((void *)(uintptr_t)again.p);
		}
	is_num(same, n, "cut anywhere, with little room or much");
	free((void *)(uintptr_t)first.p);
}

static void hostile(void)
{
	static uint8_t text[5000], path[1024], mail[300000];
	struct dsn_rcpt rcpt = { { path, sizeof(path) }, 550, BYTES("5.1.1"), { text, sizeof(text) }, BYTES("gw.example"), false };
	struct report_input in = usual(&rcpt, 1);
	struct report r;

	memset(path, 'p', sizeof(path));
	memset(text, 't', sizeof(text));
	r = make(&in);
	ok(report_has(r.status, "tttt"), "an address of 1,024 and a word of 5,000 octets");
	report_free(&r);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 3 ? ' ' : (uint8_t)i;
	memset(path, 0xc3, sizeof(path));
	r = make(&in);
	ok(report_has(r.status, "Final-Recipient: utf-8; ????"), "blanks, and octets that are no text");
	report_free(&r);
	for (size_t i = 0; i < sizeof(mail); i++)
		mail[i] = (uint8_t)(i % 251 == 13 || i % 251 == 10 ? 0 : i % 251);
	in.mail = (struct bytes){ mail, sizeof(mail) };
	r = make(&in);
	ok(r.header.n >= DSN_HEADER_MAX && r.header.n <= DSN_HEADER_MAX + 2, "a header without end is cut");
	ok(memcmp(r.header.p, mail, DSN_HEADER_MAX) == 0, "… and the same up to there");
	report_free(&r);
	in.mail = BYTES("");
	r = make(&in);
	is_num(r.header.n, 0, "no header");
	report_free(&r);
	in.mail = BYTES("\r\nbody");
	r = make(&in);
	is_num(r.header.n, 0, "a mail that begins with its body");
	report_free(&r);
}

static void utf8(void)
{
	static const struct dsn_rcpt rcpt[] = {
		{ BYTES("<m\xc3\xbcller@\xe4\xbe\x8b.example>"), 550, BYTES("5.6.7"), BYTES("M\xc3\xbcller?"), BYTES("gw.example"), false },
		{ BYTES("<\"a b+c\"@\xf0\x9f\x93\xac.example>"), 550, BYTES("nonsense"), BYTES("x"), BYTES("gw.example"), false },
	};
	struct report_input in = usual(rcpt, 2);
	struct report r;

	in.params.to = BYTES("j\xc3\xb6rg@x.example");
	in.params.utf8 = true;
	in.mail = BYTES("Subject: J\xc3\xb6rg\r\n\r\n");
	ok(dsn_needs_utf8(&in.params), "to an address in UTF-8");
	r = make(&in);
	ok(report_has(r.head, "\r\nTo: <j\xc3\xb6rg@x.example>\r\n"), "in its own letters in To");
	ok(report_has(r.text, "m\xc3\xbcller@\xe4\xbe\x8b.example\r\n"), "… in the text");
	ok(report_has(r.status, "Final-Recipient: utf-8; m\\x{FC}ller@\\x{4F8B}.example\r\n"), "… for programs (RFC 6533)");
	ok(report_has(r.status, "utf-8; \"a\\x{20}b\\x{2B}c\"@\\x{1F4EC}.example\r\n"), "… with what xtext does not take");
	ok(report_has(r.status, "Status: 5.0.0\r\n"), "no enhanced code");
	ok(report_has(r.status, "550 5.6.7 M??ller?"), "words in the field are ASCII");
	ok(report_has(r.text, "550 5.6.7 M\xc3\xbcller?"), "… in the text as they came");
	is_bytes(r.header, BYTES("Subject: J\xc3\xb6rg\r\n"), "the header in its own letters");
	report_free(&r);
	in.params.to = BYTES("bad\xff@x.example");
	in.params.from = BYTES("");
	in.params.date = BYTES("");
	r = make(&in);
	ok(report_has(r.head, "To: undisclosed-recipients:;\r\n"), "an address that is no text");
	ok(report_has(r.head, "From: Mail Delivery <mailer-daemon@box.example>\r\n"), "no Header_From");
	ok(!report_has(r.head, "Date:"), "no Date while the clock is unset");
	report_free(&r);
}

int main(void)
{
	whole();
	cuts();
	hostile();
	utf8();
	return done();
}
