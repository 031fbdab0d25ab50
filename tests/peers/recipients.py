#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Recipients, delivery keys and scopes of the gateway (DESIGN 2: Recipients; 3.1; 3.2)."""

import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403


def rcpts(mail):
    return [r.split(b"<")[1].split(b">")[0].decode() for r in mail.rcpts]


def send(client, *recipients, body=HELLO):
    client.cmd("MAIL FROM:<a@a.test>", "250")
    codes = [str(client.cmd(f"RCPT TO:<{one}>").code) for one in recipients]
    if "250" in codes:
        client.data()
        client.send(body + b".\r\n").reply("250")
    else:
        client.cmd("RSET", "250")
    return codes


@case("recipients of one key travel together")
def _():
    with box() as (r, g), r.session() as c:
        equal(send(c, "b@b.test", "c@c.test", "d@d.test"), ["250"] * 3)
        equal(rcpts(g.one()), ["b@b.test", "c@c.test", "d@d.test"])
        equal(len(g.conns), 1, "connections")


@case("another gateway is another key: 452 4.5.3 for those of the second key")
def _():
    with Liar() as g, Liar() as h, Relay(g.conf() + f'Domain "c.test" {{ Gateway = "{h.at}" }}\n') as r:
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "250")
            c.cmd("RCPT TO:<c@c.test>", "452 4.5.3")
            c.cmd("RCPT TO:<d@b.test>", "250")
            c.data()
            c.send(HELLO + b".\r\n").reply("250")
            equal(rcpts(g.one()), ["b@b.test", "d@b.test"])
            equal(send(c, "c@c.test"), ["250"])
            equal(rcpts(h.one()), ["c@c.test"])


@cases("the same gateway with another {0} is another key", [
    ("EHLO_Hostname = other.test",), ("RcptTo_Timeout = 11s",), ("Bind_Address = 127.0.0.9",),
    ("Max_Deliveries_Per_Connection = 7",), ("Idle_Timeout = 7s",)])
def _(option):
    with Liar() as g, Relay(g.conf() + f'Domain "c.test" {{ {option} }}\n') as r, r.session() as c:
        equal(send(c, "b@b.test", "c@c.test"), ["250", "452"])


@cases("the same values, however they were found, are one key: {0}", [
    ("RcptTo_Timeout = 30s",), ("Max_Deliveries_Per_Connection = 100",), ("Connect_Timeout = 10",)])
def _(option):
    with Liar() as g, Relay(g.conf() + f'Domain "c.test" {{ {option} }}\n') as r, r.session() as c:
        equal(send(c, "b@b.test", "c@c.test"), ["250", "250"])


@case("no gateway in force: 550 5.4.4")
def _():
    with Liar() as g, Relay(f'Domain "c.test" {{ Gateway = "{g.at}" }}\n') as r, r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "550 5.4.4")
        c.cmd("RCPT TO:<c@c.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "550 5.4.4")


@case("too many recipients: 452 4.5.3, those before it go")
def _():
    with box("Max_Recipients_Per_Message = 3\n") as (r, g), r.session() as c:
        equal(send(c, *[f"u{n}@b.test" for n in range(5)]), ["250", "250", "250", "452", "452"])
        equal(len(g.one().rcpts), 3)


@case("too many recipients says 4.5.3")
def _():
    with box("Max_Recipients_Per_Message = 1\n") as (r, _g), r.session() as c:
        c.start()
        c.cmd("RCPT TO:<c@b.test>", "452 4.5.3")


@case("the default is 100 recipients")
def _():
    with box() as (r, g), r.session() as c:
        c.send("MAIL FROM:<a@a.test>\r\n" + "".join(f"RCPT TO:<u{n}@b.test>\r\n" for n in range(101)))
        c.reply("250")
        codes = [c.reply().code for _ in range(101)]
        equal(codes, [250] * 100 + [452])
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        equal(len(g.one().rcpts), 100)


SCOPES = """
Binding_Group "floor1" {{
  Binding "scanners" {{
    {binding}
    Domain "both.test" {{ Gateway = "{in_binding}" }}
  }}
  {group}
  Domain "both.test" {{ Gateway = "{in_group}" }}
  Domain "group.test" {{ Gateway = "{in_group}" }}
}}
Domain "both.test" {{ Gateway = "{in_global}" }}
Domain "group.test" {{ Gateway = "{in_global}" }}
Domain "global.test" {{ Gateway = "{in_global}" }}
ESMTP_Listener {{
  Listen "127.0.0.1:0" {{}}
  Peer "127.0.0.2" {{ Binding = "scanners" }}
}}
"""


@cases("the most specific scope wins: {0}", [
    ("Domain in the Binding", True, True, "both.test", "in_binding"),
    ("Domain in the Group before the Binding", True, True, "group.test", "in_group"),
    ("the Binding before a global Domain", True, True, "global.test", "binding"),
    ("the Group before a global Domain", False, True, "global.test", "group"),
    ("a global Domain before global", False, False, "global.test", "in_global"),
    ("global", False, False, "other.test", "all")])
def _(_name, binding, group, domain, wanted):
    names = ("all", "binding", "group", "in_binding", "in_group", "in_global")
    liars = {n: Liar() for n in names}
    try:
        text = liars["all"].conf() + SCOPES.format(
            binding=f'Gateway = "{liars["binding"].at}"' if binding else "",
            group=f'Gateway = "{liars["group"].at}"' if group else "",
            **{n: liars[n].at for n in names[3:]})
        with Relay(text) as r, r.session(source="127.0.0.2") as c:
            equal(send(c, f"x@{domain}"), ["250"])
            equal([n for n in names if liars[n].mails], [wanted], "gateways that got the mail")
    finally:
        for one in liars.values():
            one.stop()


@case("a mail without a binding goes by global scope, and Binding default is for it")
def _():
    with Liar() as g, Liar() as h:
        with Relay(g.conf() + f'Binding "default" {{ Gateway = "{h.at}" }}\n') as r, r.session() as c:
            equal(send(c, "x@b.test"), ["250"])
            equal((len(g.mails), len(h.mails)), (0, 1))


@cases("domain names compare without case and trailing dot: Domain \"{0}\", recipient at {1}", [
    ("Example.COM", "eXample.com"), ("example.com.", "example.com"), ("example.com", "EXAMPLE.COM")])
def _(name, domain):
    with Liar() as g, Liar() as h, Relay(g.conf() + f'Domain "{name}" {{ Gateway = "{h.at}" }}\n') as r:
        with r.session() as c:
            equal(send(c, f"x@{domain}"), ["250"])
            equal(len(h.mails), 1)


@cases("a Domain is no pattern: recipient at {0}", ["sub.example.com", "example.com.org", "xexample.com"])
def _(domain):
    with Liar() as g, Liar() as h, Relay(g.conf() + f'Domain "example.com" {{ Gateway = "{h.at}" }}\n') as r:
        with r.session() as c:
            equal(send(c, f"x@{domain}"), ["250"])
            equal((len(g.mails), len(h.mails)), (1, 0))


@cases("Domain /regex/, POSIX extended, without case, after plain names: {0}", [
    ("sub.example.com", 1), ("SUB.EXAMPLE.COM", 1), ("plain.example.com", 2), ("example.org", 0)])
def _(domain, wanted):
    with Liar() as a, Liar() as b, Liar() as d:
        text = (a.conf() + f'Domain "/^[a-z]+\\.example\\.com$/" {{ Gateway = "{b.at}" }}\n'
                f'Domain "plain.example.com" {{ Gateway = "{d.at}" }}\n')
        with Relay(text) as r, r.session() as c:
            equal(send(c, f"x@{domain}"), ["250"])
            equal([len(x.mails) for x in (a, b, d)], [int(n == wanted) for n in range(3)])


@case("regexes are tried in file order")
def _():
    with Liar() as a, Liar() as b:
        text = (f'Domain "/test$/" {{ Gateway = "{a.at}" }}\nDomain "/^b\\.test$/" {{ Gateway = "{b.at}" }}\n')
        with Relay(text) as r, r.session() as c:
            equal(send(c, "x@b.test"), ["250"])
            equal((len(a.mails), len(b.mails)), (1, 0))


@case("a stanza opened twice adds up, the later value wins")
def _():
    with Liar() as a, Liar() as b:
        text = (f'Domain "b.test" {{ Gateway = "{a.at}" EHLO_Hostname = one.test }}\n'
                f'Domain "b.test" {{ Gateway = "{b.at}" }}\n')
        with Relay(text) as r, r.session() as c:
            equal(send(c, "x@b.test"), ["250"])
            equal((len(a.mails), len(b.mails)), (0, 1))
            equal(b.conn().lines[0], b"EHLO one.test")


@case("options fall back each on its own")
def _():
    with Liar() as g:
        with Relay(g.conf() + 'EHLO_Hostname = global.test\nDomain "b.test" { RcptTo_Timeout = 9s }\n') as r:
            with r.session() as c:
                equal(send(c, "x@b.test"), ["250"])
                equal(g.conn().lines[0], b"EHLO global.test")


@case("binding names are case-sensitive: an unknown one is a load error")
def _():
    with Files(gatepost__conf='Gateway = 10.0.0.1\nBinding "Scanners" { EHLO_Hostname = a.test }\n'
               'ESMTP_Listener { Listen ":0" {} Peer "10.0.0.0/8" { Binding = "scanners" } }\n') as f:
        code, _out, err = gatepost("check", "-c", f.dir + "/gatepost.conf")
        equal(code, 78, "exit")
        contains(err, "scanners")


# --- Routes ---

@case("Routes: the order of the list is the order of preference")
def _():
    with Liar() as a, Liar() as b, Relay(f'Routes = ( "{a.at}" "{b.at}" )\n') as r, r.session() as c:
        for _ in range(4):
            equal(send(c, "x@b.test"), ["250"])
        equal((len(a.mails), len(b.mails)), (4, 0))


@case("Routes: lower pref first")
def _():
    with Liar() as a, Liar() as b:
        with Relay(f'Routes = ( "smtp://{a.at}?pref=20" "smtp://{b.at}?pref=10" )\n') as r, r.session() as c:
            equal(send(c, "x@b.test"), ["250"])
            equal((len(a.mails), len(b.mails)), (0, 1))


@case("Routes: equal pref is shared round-robin")
def _():
    with Liar() as a, Liar() as b:
        with Relay(f'Routes = ( "smtp://{a.at}?pref=10" "smtp://{b.at}?pref=10" )\n') as r:
            for _ in range(6):
                with r.session() as c:
                    equal(send(c, "x@b.test"), ["250"])
            equal((len(a.mails), len(b.mails)), (3, 3))


@case("Routes: port as a parameter")
def _():
    with Liar() as a, Relay(f'Routes = ( "smtp://127.0.0.1?pref=10&port={a.port}" )\n') as r, r.session() as c:
        equal(send(c, "x@b.test"), ["250"])
        equal(len(a.mails), 1)


@cases("Routes: the next one is tried when the first {0}", [
    ("is not there", None), ("greets with 554", {"GREETING": "554 no"}), ("closes at once", {"GREETING": CLOSE}),
    ("refuses EHLO and HELO", {"EHLO": "550 no", "HELO": "550 no"}), ("answers MAIL with 421", {"MAIL": "421 no"}),
    ("answers RCPT with 421", {"RCPT": "421 no"}), ("closes at RCPT", {"RCPT": CLOSE}),
    ("answers MAIL with nonsense", {"MAIL": b"eh?\r\n"}), ("answers DATA with 421", {"DATA": "421 no"}),
    ("closes at DATA", {"DATA": CLOSE})])
def _(_name, script):
    with Liar(**(script or {})) as a, Liar() as b:
        first = a.at if script is not None else f"127.0.0.1:{refused_port()}"
        with Relay(f'Routes = ( "{first}" "{b.at}" )\n') as r, r.session() as c:
            equal(send(c, "x@b.test"), ["250"])
            equal(rcpts(b.one()), ["x@b.test"])


@cases("Routes: a refusal is not asked elsewhere: {0}", [
    ("MAIL", "550 5.7.1 no"), ("RCPT", "550 5.1.1 no"), ("RCPT", "450 4.2.1 later"), ("MAIL", "451 4.7.1 later")])
def _(word, reply):
    with Liar(**{word: reply}) as a, Liar() as b, Relay(f'Routes = ( "{a.at}" "{b.at}" )\n') as r, r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", reply[:9])
        equal(len(b.conns), 0, "connections of the second route")


@case("Routes: all fail: 451 with the reason")
def _():
    with Liar(GREETING="554 no") as a, Liar(GREETING="554 neither") as b:
        with Relay(f'Routes = ( "{a.at}" "{b.at}" )\n') as r, r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451 4.4.2")


@case("Routes supplant Gateway in the same scope")
def _():
    with Liar() as a, Liar() as b, Relay(a.conf() + f'Routes = ( "{b.at}" )\n') as r, r.session() as c:
        equal(send(c, "x@b.test"), ["250"])
        equal((len(a.mails), len(b.mails)), (0, 1))


@case("for fallback Gateway and Routes are one option: a Domain's Gateway before global Routes")
def _():
    with Liar() as a, Liar() as b:
        with Relay(f'Routes = ( "{a.at}" )\nDomain "b.test" {{ Gateway = "{b.at}" }}\n') as r, r.session() as c:
            equal(send(c, "x@b.test"), ["250"])
            equal((len(a.mails), len(b.mails)), (0, 1))


@case("Routes in a Domain")
def _():
    with Liar() as a, Liar() as b:
        with Relay(a.conf() + f'Domain "b.test" {{ Routes = ( "{b.at}" ) }}\n') as r, r.session() as c:
            equal(send(c, "x@b.test"), ["250"])
            equal((len(a.mails), len(b.mails)), (0, 1))


need_binary()
main()
