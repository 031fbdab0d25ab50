#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""gatepost send: which gateway, along which addresses, what it says (DESIGN 2, 3.1, 4)."""

import os
import re
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403


def send(conf, *words):
    with Files() as f:
        user = "User = nobody\n" if os.geteuid() == 0 else ""
        path = f.put("gatepost.conf", f'Hostname = box.test\nControl_Socket = "{f.dir}/c"\n{user}{conf}')
        return gatepost("send", "-c", path, *words)


@case("accepted: one plain line with the gateway's words, exit 0")
def _():
    with Liar(DOT="250 2.0.0 Ok as 4711") as g:
        equal(send(g.conf(), "you@b.test"), (0, f"accepted by gateway {g.at}: 250 2.0.0 Ok as 4711\n", ""))
        equal(g.verbs, ["EHLO", "MAIL", "RCPT", "DATA", ".", "QUIT"])
        mail = g.one()
        equal(mail.sender, b"MAIL FROM:<gatepost@box.test>")
        equal(mail.fields("From"), ["Gatepost <gatepost@box.test>"])
        equal(mail.fields("To"), ["you@b.test"])
        contains(mail.fields("Subject")[0], "box.test")
        contains(mail.body.decode(), g.at)


@cases("the sender: {0}", [
    ("Envelope_From", "Envelope_From = env@a.test\n", (), b"<env@a.test>", "env@a.test"),
    ("Envelope_From and Header_From", "Envelope_From = env@a.test\nHeader_From = head@a.test\n", (), b"<env@a.test>", "head@a.test"),
    ("-f", "", ("-f", "me@a.test"), b"<me@a.test>", "me@a.test"),
    ("-f beats the options", "Envelope_From = env@a.test\n", ("-f", "me@a.test"), b"<me@a.test>", "me@a.test"),
    ("the null sender", "", ("-f", "<>"), b"<>", "gatepost@box.test")])
def _(_name, conf, words, envelope, author):
    with Liar() as g:
        equal(send(g.conf() + conf, *words, "you@b.test")[0], 0, "exit")
        equal(g.one().sender, b"MAIL FROM:" + envelope)
        equal(g.one().fields("From"), [f"Gatepost <{author}>"])


@cases("the subject: {0}", [
    ("plain", "hello there", "hello there"), ("beyond ASCII is encoded", "gr\u00fc\u00df", "=?utf-8?Q?gr=C3=BC=C3=9F?="),
    ("line ends cannot make a field", "a\r\nX-Bad: 1", "=?utf-8?Q?a=0D=0AX=2DBad=3A_1?=")])
def _(_name, subject, wanted):
    with Liar() as g:
        equal(send(g.conf(), "-s", subject, "you@b.test")[0], 0, "exit")
        equal(g.one().fields("Subject"), [wanted])
        equal(g.one().fields("X-Bad"), [])


@case("recipients with different gateways: one mail each")
def _():
    with Liar() as g, Liar() as h:
        code, out, _ = send(g.conf() + f'Domain "c.test" {{ Gateway = "{h.at}" }}\n', "a@b.test", "b@c.test", "c@B.test")
        equal((code, len(out.splitlines())), (0, 2))
        equal(g.one().rcpts, [b"RCPT TO:<a@b.test>", b"RCPT TO:<c@B.test>"])
        equal(h.one().rcpts, [b"RCPT TO:<b@c.test>"])


@case("one of two recipients refused: both are told, the exit is of the worse")
def _():
    with Liar(RCPT=["250 ok", "550 5.1.1 who?"]) as g:
        code, out, _ = send(g.conf(), "a@b.test", "x@b.test")
        equal((code, out), (69, f"x@b.test: refused by gateway {g.at}: 550 5.1.1 who?\n"
                                f"accepted by gateway {g.at}: 250 2.0.0 queued as 4711\n"))
        equal(g.one().fields("To"), ["a@b.test"])


@cases("{0}: exit {2}", [
    ("refused for good", {"DOT": "554 5.7.1 spam"}, 69, "554 5.7.1 spam"),
    ("MAIL refused", {"MAIL": "553 5.1.8 not you"}, 69, "553 5.1.8 not you"),
    ("put off", {"RCPT": "450 4.2.1 busy"}, 75, "450 4.2.1 busy"),
    ("a login is missing", {"MAIL": "530 5.7.0 login first"}, 75, "530 5.7.0 login first"),
    ("refused in the body", {"BODY": (10, ("550 5.7.1 enough", CLOSE))}, 69, "550 5.7.1 enough"),
    ("lost after the final dot", {"DOT": CLOSE}, 75, "may have arrived"),
    ("no greeting of a mail server", {"GREETING": "554 5.3.2 go away"}, 75, "554 5.3.2 go away"),
    ("nonsense", {"GREETING": b"HTTP/1.1 400\r\n"}, 75, "no sense"),
    ("silence", {"GREETING": SILENT}, 75, "did not answer in time")])
def _(_name, script, wanted, words):
    with Liar(**script) as g:
        code, out, err = send(g.conf() + "EHLO_Timeout = 2s\n", "you@b.test")
        equal((code, err), (wanted, ""), "exit and stderr")
        contains(out, words)
        contains(out, g.at)
        equal(len(out.splitlines()), 1, f"lines: {out!r}")


@case("EHLO refused: HELO is tried")
def _():
    with Liar(EHLO="502 5.5.1 what?") as g:
        equal(send(g.conf(), "you@b.test")[0], 0, "exit")
        equal(g.verbs[:3], ["EHLO", "HELO", "MAIL"])


@case("Routes: the next one is tried; both are told of where both fail")
def _():
    with Liar(GREETING="421 4.3.2 full") as g, Liar() as h:
        code, out, _ = send(f'Routes = ( "{g.at}" "{h.at}" )\n', "you@b.test")
        equal(code, 0, f"exit ({out})")
        check(re.match(f"gateway {g.at} failed: .*421 4.3.2 full\naccepted by gateway {h.at}: 250 ", out), out)
        h.deaf()
        code, out, _ = send(f'Routes = ( "{g.at}" "{h.at}" )\n', "you@b.test")
        equal((code, len(out.splitlines())), (75, 2), f"exit, lines ({out})")
        contains(out, "connection refused")


@case("no gateway for a recipient: exit 78, the others get it")
def _():
    with Liar() as g:
        code, out, err = send(f'Domain "b.test" {{ Gateway = "{g.at}" }}\n', "you@b.test", "you@c.test")
        equal(code, 78, f"exit ({out})")
        contains(err, "no gateway is configured for mail to you@c.test")
        equal(g.one().rcpts, [b"RCPT TO:<you@b.test>"])


@case("this box itself is not dialled")
def _():
    with Liar() as g:
        code, out, err = send(f'Gateway = "localhost:{g.port}"\nESMTP_Listener {{ Listen ":{g.port}" {{}} }}\n', "you@b.test")
        equal(code, 78, f"exit ({out} {err})")
        contains(out + err, "loop")
        equal(len(g.conns), 0, "connections")


@case("Prohibited_Hosts are not dialled")
def _():
    with Liar() as g:
        code, out, _ = send(f'Gateway = "localhost:{g.port}"\nProhibited_Hosts = ( "127.0.0.0/8" "::1" )\n', "you@b.test")
        equal((code, len(g.conns)), (78, 0), f"exit, connections ({out})")
        contains(out, "Prohibited_Hosts")


@case("addresses beyond ASCII: with SMTPUTF8 or not at all")
def _():
    with Liar() as g:
        equal(send(g.conf(), "j\u00f6@b.test")[0], 0, "exit")
        contains(g.one().sender, b" SMTPUTF8")
    with Liar(EXTENSIONS=("PIPELINING",)) as g:
        code, out, _ = send(g.conf(), "j\u00f6@b.test", "you@b.test")
        equal(code, 69, f"exit ({out})")
        equal(g.one().rcpts, [b"RCPT TO:<you@b.test>"])


@case("-v: the dialogue, nothing of it unprintable, the result last")
def _():
    with Liar(DOT=b"250 2.0.0 \x1b[31mred\xff\r\n") as g:
        code, out, _ = send(g.conf(), "-v", "you@b.test")
        equal(code, 0, "exit")
        rows = out.splitlines()
        for row in (f"* connected to {g.at}", "< 220 gw.test ESMTP", "> EHLO box.test", "> MAIL FROM:<gatepost@box.test>",
                    "> DATA", "> .", "< 250 2.0.0 ?[31mred?", "> QUIT"):
            check(row in rows, f"no {row!r} in {out}")
        check(rows[-1].startswith("accepted by gateway"), out)


@cases("wrong usage: {0}: exit {2}", [
    ("no recipient", (), 64), ("an unqualified one", ("root",), 64), ("a broken one", ("a@b@c",), 64),
    ("a broken sender", ("-f", "a b", "you@b.test"), 64), ("an unknown option", ("-z", "you@b.test"), 64)])
def _(_name, words, wanted):
    with Liar() as g:
        code, _out, err = send(g.conf(), *words)
        equal((code, len(g.conns)), (wanted, 0), f"exit, connections ({err})")
        check(err, "nothing on stderr")


@case("a configuration with errors: exit 78 and the errors")
def _():
    code, _out, err = send("Gatway = 10.0.0.1\n", "you@b.test")
    equal(code, 78, "exit")
    contains(err, "gatepost.conf:")


@case("options may stand behind the recipients")
def _():
    with Liar() as g:
        equal(send(g.conf(), "you@b.test", "-s", "late")[0], 0, "exit")
        equal(g.one().fields("Subject"), ["late"])


need_binary()
main()
