#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Reports about mail of the spool (DESIGN 2, "Reports"): when, to whom, what they say, and that there is never one about one."""

import email
import email.policy
import socket
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.spool import Folder, conf_of, spool_box                        # noqa: E402

BODY = b"Subject: scan of the day\r\nMessage-ID: <one@dev.test>\r\n\r\nsecret page\r\n"
NO = "550 5.1.1 nobody of that name here"


def offer(c, *rcpts, sender="scan@dev.test", body=BODY, params=""):
    c.cmd(f"MAIL FROM:<{sender}>{params}".encode("latin-1"), "250")
    for r in rcpts or ("b@b.test",):
        c.cmd(f"RCPT TO:<{r}>".encode("latin-1"), "250")
    c.cmd("DATA", "354")
    c.send(body + b".\r\n").reply("250")


def to(mail):
    return [r.partition(b"<")[2].rstrip(b">").decode("latin-1") for r in mail.rcpts]


def is_report(mail):
    return mail.sender.startswith(b"MAIL FROM:<>")


def parse(mail):
    """(the report's header, text, one message of fields for each recipient after the first, the mail's header)"""
    report = email.message_from_bytes(mail.text, policy=email.policy.default)
    equal(report.get_content_type(), "multipart/report", "type")
    equal(report.get_param("report-type"), "delivery-status", "report-type")
    parts = list(report.iter_parts())
    equal([p.get_content_type() for p in parts[:2]], ["text/plain", "message/delivery-status"], "parts")
    equal(report.defects + parts[0].defects + parts[1].defects, [], "defects")
    among(parts[2].get_content_type(), ("text/rfc822-headers", "message/global-headers"), "the third part")
    return report, parts[0].get_content(), parts[1].get_payload(), parts[2].get_content()


def only_report(g, seconds=15):
    g.wait(lambda: [m for m in g.mails if is_report(m)], seconds, "a report")
    time.sleep(0.3)
    found = [m for m in g.mails if is_report(m)]
    equal(len(found), 1, "reports")
    return found[0]


def refuse_others(*good):
    """RCPT: these are taken, others not."""
    return lambda _c, line: "250 ok" if any(g.encode() in line for g in good) else NO


@case("a recipient is refused: the sender hears which, by whom and why, and gets the mail's header, not its body")
def _():
    with spool_box(mode="always", RCPT=refuse_others("scan@dev.test", "good@")) as (r, g, f), r.session() as c:
        offer(c, "b@b.test", "good@b.test", "c@b.test")
        mail = only_report(g)
        f.empty()
        equal(to(mail), ["scan@dev.test"], "to")
        head, text, status, header = parse(mail)
        equal((head["To"], head["From"], head["Auto-Submitted"]),
              ("scan@dev.test", "Mail Delivery <mailer-daemon@box.test>", "auto-replied"), "header")
        check(head["Date"] and head["Message-ID"] and head["Subject"], "Date, Message-ID, Subject")
        contains(text, "nobody of that name here")
        lacks(text, "good@b.test")
        equal(status[0]["Reporting-MTA"], "dns; box.test", "Reporting-MTA")
        equal([(s["Final-Recipient"], s["Action"], s["Status"]) for s in status[1:]],
              [("rfc822; b@b.test", "failed", "5.1.1"), ("rfc822; c@b.test", "failed", "5.1.1")], "recipients")
        contains(status[1]["Diagnostic-Code"], "nobody of that name here")
        contains(header, "Subject: scan of the day")
        lacks(mail.text.decode("latin-1"), "secret page")
        equal(sorted(x for m in g.mails for x in to(m)), ["good@b.test", "scan@dev.test"], "who got mail")
        wait_for(lambda: len(r.events("delivery")) == 2, 60, "two attempts in the log")
        equal((r.events("delivery")[0]["status"], r.events("delivery")[0]["reply"]), ("bounced", NO), "status, reply")
        equal(r.event("report")["of"], r.event("mail")["id"], "the report in the log")


@cases("the whole mail is refused at {0}: one report", ["MAIL", "DATA", "DOT"])
def _(word):
    with spool_box(mode="always", **{word: ["554 5.7.1 not this one", {"DATA": "354 go"}.get(word, "250 ok")]}) as (r, g, f), r.session() as c:
        offer(c, "b@b.test", "c@b.test")
        _head, text, status, _header = parse(only_report(g))
        f.empty()
        equal([s["Final-Recipient"] for s in status[1:]], ["rfc822; b@b.test", "rfc822; c@b.test"], "recipients")
        contains(text, "not this one")


@case("C30: the gateway refuses the mail and the report about it: nothing more is sent, nothing stays")
def _():
    with spool_box(mode="always", RCPT=NO) as (r, g, f), r.session() as c:
        offer(c)
        f.empty()
        time.sleep(1.5)
        equal(len([ln for ln in g.lines if ln.startswith(b"RCPT")]), 2, "recipients asked for")
        equal([e["status"] for e in r.events("delivery")], ["bounced", "bounced"], "log")
        check([e for e in r.events("report") if "dropped" in e.get("reason", "")], "the log says that the report is dropped")


@case("C28: a gateway whose name is not found: kept, and no report before Message_Expiration")
def _():
    more = "Message_Expiration = 4\n"
    with Folder() as f, Liar() as g:
        conf = g.conf() + 'Domain "far.test" { Gateway = "nowhere.invalid" }\n' + conf_of(f, "always", more)
        with Relay(conf) as r, r.session() as c:
            begin = time.monotonic()
            offer(c, "b@far.test")
            report = only_report(g, 20)
            within(time.monotonic() - begin, 3.5, 12)
            f.empty()
            contains(parse(report)[1], "nowhere.invalid")


@case("Message_Expiration: a mail that is put off for too long is given up, and the last reply told")
def _():
    def answer(_conn, line):
        return "250 ok" if b"scan@" in line else "450 4.2.1 the box is busy"

    with spool_box("Message_Expiration = 3\n", mode="always", RCPT=answer) as (r, g, f), r.session() as c:
        offer(c)
        mail = only_report(g, 20)
        f.empty()
        _head, text, status, _header = parse(mail)
        contains(text, "the box is busy")
        equal(status[1]["Action"], "failed", "Action")
        check(status[1]["Status"].startswith("4."), f"Status {status[1]['Status']}")
        equal([e["status"] for e in r.events("delivery") if e["to"] == "<b@b.test>"][-1], "bounced", "log")


@case("the gateway refuses the null sender: once more from Envelope_From")
def _():
    def sender(_conn, line):
        return "550 5.7.1 no null sender here" if b"<>" in line else "250 ok"

    with spool_box('Envelope_From = "box@home.test"\nMDN_Failures_Notify = "admin@home.test"\n', mode="always", MAIL=sender,
                   RCPT=refuse_others("admin@home.test")) as (r, g, f), r.session() as c:
        offer(c)
        mail = g.one()
        f.empty()
        equal((mail.sender.split(b" ")[1], to(mail)), (b"FROM:<box@home.test>", ["admin@home.test"]), "sender, recipient")
        equal(parse(mail)[0]["Auto-Submitted"], "auto-replied", "Auto-Submitted")


@cases("the null sender is refused at {0}: once more from Envelope_From", ["RCPT", "DATA", "DOT"])
def _(where):
    null = {}

    def mail(conn, line):
        null[conn] = b"<>" in line
        return "250 ok"

    def refuse(conn, line=b""):
        good = {"RCPT": "250 ok", "DATA": "354 go on", "DOT": "250 ok"}[where]
        return "550 5.7.1 no null sender here" if null[conn] else "550 5.1.1 no" if b"b@b.test" in line else good

    script = {"MAIL": mail, "RCPT": refuse_others("admin@home.test"), where: refuse}
    with spool_box('Envelope_From = "box@home.test"\nMDN_Failures_Notify = "admin@home.test"\n', mode="always", **script) as (r, g, f), \
            r.session() as c:
        offer(c)
        mail = g.one()
        f.empty()
        equal((mail.sender.split(b" ")[1], to(mail)), (b"FROM:<box@home.test>", ["admin@home.test"]), "sender, recipient")
        equal(len([ln for ln in g.lines if ln.startswith(b"MAIL")]), 3, "attempts")


@cases("to whom, after a reload with another Envelope_From: {0}", [
    ("the present one, where the mail has the one of then", "old@home.test", "new@home.test", "new@home.test"),
    ("the original sender, where it was not rewritten", "", "scan@dev.test", "scan@dev.test"),
    ("the one of then, where there is none any more", "old@home.test", "", "old@home.test")])
def _(_name, then, now, wanted):
    def conf(address, more=""):
        return (f'Envelope_From = "{address}"\n' if address else "") + more

    more = 'MDN_Failures_Notify = "admin@home.test"\n' if wanted == "scan@dev.test" else ""
    with spool_box(conf(then, "Suspend_Delivery = true\n"), mode="always", mortal=True, RCPT=refuse_others("home.test", "scan@dev.test")) as (r, g, f):
        with r.session() as c:
            offer(c)
        r.reload(g.conf() + conf_of(f, "always", conf(now, more)))
        equal(to(only_report(g)), [wanted], "report to")
        f.empty()


@cases("to whom: {0}", [
    ("the original sender", "", "scan@dev.test", "scan@dev.test"),
    ("rewritten: MDN_Failures_Notify", 'Envelope_From = "box@home.test"\nMDN_Failures_Notify = "admin@home.test"\n', "scan@dev.test",
     "admin@home.test"),
    ("rewritten, nothing else: Envelope_From", 'Envelope_From = "box@home.test"\n', "scan@dev.test", "box@home.test"),
    ("the null sender: MDN_Failures_Notify", 'MDN_Failures_Notify = "admin@home.test"\n', "", "admin@home.test"),
    ("the null sender, nothing else: nobody", "", "", None),
    ("Generate_Bounces = false: nobody", "Generate_Bounces = false\n", "scan@dev.test", None)])
def _(_name, conf, sender, wanted):
    with spool_box(conf, mode="always", RCPT=refuse_others("home.test", "scan@dev.test")) as (r, g, f), r.session() as c:
        offer(c, sender=sender)
        f.empty()
        wait_for(lambda: r.events("report"), 60, "a report's line")
        g.wait(lambda: not wanted or g.mails, 10, "the report")
        equal([x for m in g.mails for x in to(m)], [wanted] if wanted else [], "reports to")
        equal(len([ln for ln in g.lines if ln.startswith(b"RCPT")]), 2 if wanted else 1, "recipients asked for")


@case("From is Header_From where there is one")
def _():
    with spool_box('Header_From = "scanner@home.test"\n', mode="always", RCPT=refuse_others("scan@dev.test")) as (r, g, f), r.session() as c:
        offer(c)
        equal(parse(only_report(g))[0]["From"], "Mail Delivery <scanner@home.test>", "From")
        f.empty()


@case("a long refusal, and a mail in UTF-8 to a gateway that knows no SMTPUTF8: the report is well formed")
def _():
    long = "550-5.7.1 " + "\n".join("go away " * 50 + str(n) for n in range(20))
    with spool_box(mode="always", EXTENSIONS=("PIPELINING",), DOT=[long.replace("550-", "550 "), "250 ok"]) as (r, g, f), r.session() as c:
        offer(c, body="Subject: Gr\u00fc\u00dfe\r\n\r\nx\r\n".encode(), params=" BODY=8BITMIME")
        mail = only_report(g)
        contains(parse(mail)[1], "go away")
        check(max(len(ln) for ln in mail.text.split(b"\r\n")) <= 998, "a line is too long")
        check(mail.text.isascii(), "it is not ASCII")
        c.cmd("RSET", "250")
        offer(c, "b\u00fc@b.test".encode().decode("latin-1"), params=" SMTPUTF8")
        g.wait(lambda: len(g.mails) == 2, 10, "the second report")
        contains(parse(g.mails[1])[1], "SMTPUTF8")
        f.empty()


@case("a client that had its 250 before the gateway's refusal: its sender gets the report")
def _():
    with spool_box("Client_Patience = 2\n", DOT=[(4, "554 5.6.0 spam of yours"), "250 ok"]) as (r, g, f), r.session() as c:
        offer(c)
        contains(parse(only_report(g, 20))[1], "spam of yours")
        f.empty()


@case("the report that cannot be stored is owed, and comes when there is room")
def _():
    port_sock = socket.socket()
    port_sock.bind(("127.0.0.1", 0))
    port = port_sock.getsockname()[1]
    port_sock.close()
    big = b"Subject: scan of the day\r\n\r\n" + b"0123456789\r\n" * 5400
    with Folder() as f:
        tight = 'Spool_Max_Size = 64k\n'
        conf = f'Gateway = "127.0.0.1:{port}"\n'
        with Relay(conf + conf_of(f, "always", tight)) as r, r.session() as c:
            offer(c, body=big)
        with Liar(port=port, DOT=[NO, "250 ok"]) as g:
            with Relay(conf + conf_of(f, "always", tight), mortal=True) as r:
                wait_for(lambda: [e for e in r.events("delivery") if e["status"] == "bounced"], 60, "the refusal")
                time.sleep(1)
                equal((len(g.mails), len(f.files)), (0, 1), "reports, files")
                r.reload(conf + conf_of(f, "always"))
                contains(parse(only_report(g))[3], "Subject: scan of the day")
                f.empty()
                equal(len([m for m in g.offered if not is_report(m)]), 1, "attempts")


need_binary()
main()
