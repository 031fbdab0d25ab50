#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Commands, exit codes, status, send, sendmail and the log (DESIGN 4)."""

import json
import os
import re
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

ROOT = os.geteuid() == 0


@case("gatepost alone prints a page that teaches")
def _():
    code, out, err = gatepost()
    text = out + err
    for word in ("run", "check", "eval", "send", "status", "version", "help", "gatepost.conf"):
        contains(text, word)
    among(code, (0, 64), "exit")


@cases("gatepost {0}: the same page, exit 0", ["help", "-h", "--help"])
def _(word):
    code, out, err = gatepost(word)
    equal((code, err), (0, ""))
    contains(out, "status")


@cases("gatepost help {0}", ["run", "check", "eval", "send", "status", "version", "help"])
def _(command):
    code, out, err = gatepost("help", command)
    equal((code, err), (0, ""))
    contains(out, command)
    check(len(out.splitlines()) >= 2, "one line only")


@cases("wrong usage is exit 64 and words on stderr: {0}", [
    ("an unknown command", ("frobnicate",)), ("help of an unknown command", ("help", "frobnicate")),
    ("an unknown option", ("check", "-z")), ("-c without a file", ("check", "-c")), ("send without a recipient", ("send",)),
    ("version with arguments", ("version", "x", "y")), ("status of two forms", ("status", "--json", "--prometheus", "x"))])
def _(_name, words):
    code, _out, err = gatepost(*words)
    equal(code, 64, f"exit ({err})")
    check(err.strip(), "nothing on stderr")


@case("version: first line, build options")
def _():
    code, out, _err = gatepost("version")
    equal(code, 0)
    check(re.match(r"gatepost \S+", out), out)


@case("check says FILE: ok on stdout")
def _():
    with Files(gatepost__conf="Gateway = 10.0.0.1\n" + ("User = nobody\n" if ROOT else "")) as f:
        path = f.dir + "/gatepost.conf"
        equal(gatepost("check", "-c", path), (0, f"{path}: ok\n", ""))


@case("status without a relay: exit 1 or 69, one line that says so, in each form")
def _():
    with Files() as f:
        path = f.put("gatepost.conf", f'Gateway = 10.0.0.1\nControl_Socket = "{f.dir}/c"\n')
        for form in ((), ("--json",), ("--prometheus",)):
            code, out, err = gatepost("status", "-c", path, *form)
            check(code != 0, f"exit 0 for {form}")
            check((out + err).strip(), "no words")


@case("status: a relay that works: exit 0 in each form, JSON that parses, metrics named gatepost_")
def _():
    with box() as (r, g):
        with r.session() as c:
            c.mail(wanted="250")
        code, out, _ = gatepost("status", "-c", r.conf)
        equal(code, 0, "exit")
        check(out.strip(), "no words")
        contains(out, g.at)
        code, out, _ = gatepost("status", "-c", r.conf, "--json")
        equal(code, 0, "exit")
        value = json.loads(out)
        equal(value["gateways"][0]["state"], "up")
        code, out, _ = gatepost("status", "-c", r.conf, "--prometheus")
        equal(code, 0, "exit")
        for row in out.splitlines():
            check(re.match(r"# (HELP|TYPE) gatepost_\w+ .+$|gatepost_\w+(\{[^}]*\})? [0-9.e+-]+$", row), repr(row))
        check(re.search(r'(?m)^gatepost_mails_total\{status="sent"\} 1$', out), out)


@case("status: the first line says why mail does not flow, exit 1 in each form")
def _():
    with Relay(f'Gateway = "127.0.0.1:{refused_port()}"\n') as r:
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451")
        for form in ((), ("--json",), ("--prometheus",)):
            equal(gatepost("status", "-c", r.conf, *form)[0], 1, f"exit of {form}")
        first = gatepost("status", "-c", r.conf)[1].splitlines()[0]
        contains(first, "127.0.0.1:")
        contains(first.lower(), "refused")
        check(r.status()["reason"], "no reason in JSON")


@case("status counts sent and refused mails")
def _():
    with box(DOT=["250 ok", "550 5.7.1 no", "250 ok"]) as (r, _g), r.session() as c:
        for wanted in ("250", "550", "250"):
            c.mail(wanted=wanted)
        out = gatepost("status", "-c", r.conf, "--prometheus")[1]
        check(re.search(r'gatepost_mails_total\{status="sent"\} 2\b', out), out)
        check(re.search(r'gatepost_mails_total\{status="refused"\} 1\b', out), out)


# --- the log ---

@case("one mail line for each mail offered, with its fields")
def _():
    with box(DOT="250 2.0.0 Ok queued") as (r, g), r.session() as c:
        c.mail(HELLO, recipients=("b@b.test", "c@b.test"), wanted="250")
        e = r.event()
        equal(len(r.events()), 1, "mail lines")
        for key, wanted in (("peer", "127.0.0.1"), ("from", "<a@a.test>"), ("nrcpt", "2"), ("mode", "pass"), ("status", "sent"),
                            ("sent", "2"), ("queued", "0"), ("refused", "0"), ("reply", "250 2.0.0 Ok queued")):
            equal(e.get(key), wanted, key)
        contains(e["to"], "b@b.test")
        contains(e["gateway"], g.at)
        check(e.get("id"), "no id")
        check(re.fullmatch(r"\d+\.\d+", e.get("delay", "")), f"delay {e.get('delay')}")
        within(int(e["size"]), len(HELLO), len(HELLO) + 600, "size")
        lacks(e, "client", "fields")


@cases("a refused mail is a mail line too: {0}", [
    ("MAIL", "550 5.7.1 no sender"), ("RCPT", "550 5.1.1 no user"), ("DATA", "554 5.7.1 no data"), ("DOT", "554 5.7.1 spam")])
def _(word, reply):
    with box(**{word: reply}) as (r, _g):
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            if c.cmd("RCPT TO:<b@b.test>").code == 250 and c.cmd("DATA").code == 354:
                c.send(HELLO + b".\r\n").reply("554")
            c.cmd("QUIT", "221")
        e = r.event()
        equal(e["status"], "refused")
        contains(e["reply"], reply)
        time.sleep(0.2)
        equal(len(r.events()), 1, "mail lines")


@case("status is the worst of the three: one refused of two")
def _():
    with box(RCPT=["250 ok", "550 5.1.1 no"]) as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.cmd("RCPT TO:<c@b.test>", "550")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        e = r.event()
        equal((e["status"], e["sent"], e["refused"]), ("refused", "1", "1"))


@cases("values from the network are escaped: {0}", [
    ("a quote in the reply", {"DOT": b'250 2.0.0 a "b" c=d\\\r\n'}, HELLO, "a@a.test"),
    ("ESC and 8-bit in the reply", {"DOT": b"250 2.0.0 \x1b[31m\xff\r\n"}, HELLO, "a@a.test"),
    ("a quoted sender with a blank and =", {}, HELLO, '"x status=sent y"@a.test')])
def _(_name, script, content, sender):
    with box(**script) as (r, _g), r.session() as c:
        c.mail(content, sender=sender, wanted="250")
        r.event()
        row = [x for x in r.log().splitlines() if "mail id=" in x][0]
        check(all(32 <= ord(ch) <= 126 for ch in row), repr(row))
        equal(len(re.findall(r" status=", re.sub(r'"(?:[^"\\]|\\.)*"|<[^>]*>', "", row))), 1, f"status fields in {row!r}")


@case("a sender with a line end cannot start a log line")
def _():
    with box() as (r, _g), r.session() as c:
        c.send(b"MAIL FROM:<a\rmail id=evil@a.test>\r\n").reply("501")
        c.send(b"EHLO x\rmail id=evil\r\n").reply()
        time.sleep(0.2)
        check(not re.search(r"(?m)^\s*mail id=evil", r.log()), r.log())


@case("Log to syslog at an address")
def _():
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        with box(f'Log = "syslog://127.0.0.1:{sock.getsockname()[1]}"\n') as (r, _g):
            with r.session() as c:
                c.mail(wanted="250")
            end, seen = time.monotonic() + 5, b""
            while b"mail id=" not in seen and time.monotonic() < end:
                seen = sock.recv(4096)
            check(re.match(rb"<\d{1,3}>", seen), repr(seen))
            contains(seen, b"mail id=")
            contains(seen, b"status=sent")


# --- send ---

@case("send: a test mail straight through the gateway, exit 0, no relay needed")
def _():
    with Liar() as g, Files() as f:
        path = f.put("gatepost.conf", g.conf() + f'Hostname = box.test\nControl_Socket = "{f.dir}/c"\n'
                     + ("User = nobody\n" if ROOT else ""))
        code, out, err = gatepost("send", "-c", path, "-f", "me@a.test", "-s", "a test", "you@b.test")
        equal(code, 0, f"exit ({out} {err})")
        mail = g.one()
        equal((mail.sender.split(b">")[0], mail.rcpts), (b"MAIL FROM:<me@a.test", [b"RCPT TO:<you@b.test>"]))
        equal(mail.fields("Subject"), ["a test"])
        equal([len(mail.fields(n)) for n in ("From", "To", "Date", "Message-ID")], [1, 1, 1, 1])


@case("send: several recipients, and a default sender")
def _():
    with Liar() as g, Files() as f:
        path = f.put("gatepost.conf", g.conf() + f'Hostname = box.test\nControl_Socket = "{f.dir}/c"\n')
        code, out, err = gatepost("send", "-c", path, "you@b.test", "they@b.test")
        equal(code, 0, f"exit ({out} {err})")
        equal(len(g.one().rcpts), 2)


@case("send -v prints the dialogue")
def _():
    with Liar() as g, Files() as f:
        path = f.put("gatepost.conf", g.conf() + f'Hostname = box.test\nControl_Socket = "{f.dir}/c"\n')
        code, out, err = gatepost("send", "-v", "-c", path, "-f", "me@a.test", "you@b.test")
        equal(code, 0, f"exit ({out} {err})")
        for part in ("220 gw.test", "EHLO box.test", "MAIL FROM:<me@a.test>", "RCPT TO:<you@b.test>", "354", "250"):
            contains(out + err, part)


@cases("send: {0}: exit {2} and the reason", [
    ("a refusal", {"RCPT": "550 5.1.1 no such user"}, (65, 67, 69, 77), "no such user"),
    ("a refusal for now", {"RCPT": "450 4.2.1 later please"}, (75,), "later please"),
    ("a refusal of the mail", {"DOT": "554 5.7.1 spam"}, (65, 69, 77), "spam"),
    ("a gateway that fails", {"GREETING": "421 4.3.2 overload"}, (69, 75), "overload"),
    ("a lost connection", {"DATA": CLOSE}, (69, 75), "")])
def _(_name, script, codes, word):
    with Liar(**script) as g, Files() as f:
        path = f.put("gatepost.conf", g.conf() + f'Hostname = box.test\nControl_Socket = "{f.dir}/c"\n')
        code, out, err = gatepost("send", "-c", path, "-f", "me@a.test", "you@b.test")
        among(code, codes, "exit")
        contains(out + err, word)
        check((out + err).strip(), "no reason")


@case("send: nobody listens: exit 69 or 75 and the reason")
def _():
    with Files() as f:
        path = f.put("gatepost.conf", f'Gateway = "127.0.0.1:{refused_port()}"\nControl_Socket = "{f.dir}/c"\n')
        code, out, err = gatepost("send", "-c", path, "-f", "me@a.test", "you@b.test")
        among(code, (69, 75), "exit")
        contains((out + err).lower(), "refused")


@case("send: a bad address: exit 64 or 65, nothing is dialled")
def _():
    with Liar() as g, Files() as f:
        path = f.put("gatepost.conf", g.conf() + f'Control_Socket = "{f.dir}/c"\n')
        code, _out, err = gatepost("send", "-c", path, "-f", "me@a.test", "a b@@c")
        among(code, (64, 65), f"exit ({err})")
        equal(len(g.conns), 0)


@case("send tells a running relay what it learnt: a gateway that was down is up")
def _():
    with Liar({"GREETING": "554 no"}, {}) as g, Relay(g.conf() + "Host_Failure_Retry = 60s\n") as r:
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451")
        equal(r.gateway_state(), "down")
        equal(gatepost("send", "-c", r.conf, "-f", "me@a.test", "you@b.test")[0], 0, "exit of send")
        wait_for(lambda: r.gateway_state() == "up", 1.5, "state up before the first probe")


# --- sendmail ---

def sendmail(relay, *words, stdin=b"Subject: disk\n\nbad\n", user=None):
    return gatepost(*words, stdin=stdin, argv0="sendmail", user=user,
                    env={"GATEPOST_SUBMIT": os.path.join(relay.dir, "submit.sock")})


@cases("sendmail: a mail on stdin goes through the running relay: {0}", [
    ("plain", ("root@b.test",)), ("-i", ("-i", "root@b.test")), ("-oi", ("-oi", "root@b.test")),
    ("-f", ("-f", "me@a.test", "root@b.test")), ("-fme", ("-fme@a.test", "root@b.test")),
    ("--", ("-i", "--", "root@b.test")), ("-t with none given", ("-t",))])
def _(_name, words):
    with box() as (r, g):
        stdin = b"To: root@b.test\nSubject: disk\n\nbad\n.\nafter the dot\n"
        if "-i" not in words and "-oi" not in words:
            stdin = b"To: root@b.test\nSubject: disk\n\nbad\n"
        code, out, err = sendmail(r, *words, stdin=stdin)
        equal((code, out), (0, ""), f"exit and output ({err})")
        mail = g.one()
        equal(mail.rcpts, [b"RCPT TO:<root@b.test>"])
        equal(mail.fields("Subject"), ["disk"])
        equal(mail.body, b"bad\r\n.\r\nafter the dot\r\n" if b"after" in stdin else b"bad\r\n")
        if any(w.startswith("-f") for w in words):
            contains(mail.sender, b"<me@a.test>")


@case("sendmail without -i: a line of one dot ends the mail")
def _():
    with box() as (r, g):
        code, _out, err = sendmail(r, "root@b.test", stdin=b"Subject: x\n\none\n.\ntwo\n")
        equal(code, 0, f"exit ({err})")
        equal(g.one().body, b"one\r\n")


@case("sendmail -t: To, Cc and Bcc are recipients, Bcc is removed, folded ones too")
def _():
    with box() as (r, g):
        code, _out, err = sendmail(r, "-t", stdin=b"To: \"A, B\" <one@b.test>,\n two@b.test\nCc: three@b.test (x)\n"
                                   b"Bcc: four@b.test,\n five@b.test\nSubject: x\n\nbody\n")
        equal(code, 0, f"exit ({err})")
        mail = g.one()
        equal(sorted(x.split(b"<")[1].split(b"@")[0] for x in mail.rcpts), [b"five", b"four", b"one", b"three", b"two"])
        equal(mail.fields("Bcc"), [])
        lacks(mail.raw, b"five@b.test")
        equal(mail.fields("Subject"), ["x"])


@case("sendmail: a refusal is a sysexits code and words, never 0")
def _():
    with box(RCPT="550 5.1.1 no such user") as (r, _g):
        code, _out, err = sendmail(r, "root@b.test")
        within(code, 64, 78, "exit")
        contains(err, "no such user")


@case("sendmail: a gateway that is away is EX_TEMPFAIL")
def _():
    with Relay(f'Gateway = "127.0.0.1:{refused_port()}"\n') as r:
        code, _out, err = sendmail(r, "root@b.test")
        equal(code, 75, "exit")
        check(err.strip(), "no words")


@case("sendmail: no relay: EX_TEMPFAIL and one line")
def _():
    with Files() as f:
        code, out, err = gatepost("root@b.test", stdin=b"Subject: x\n\ny\n", argv0="sendmail",
                                  env={"GATEPOST_SUBMIT": f.dir + "/nothing.sock"})
        equal((code, out), (75, ""))
        equal(len(err.splitlines()), 1, f"lines ({err!r})")


@case("sendmail by another user than root, the configuration unreadable to it")
def _():
    if not ROOT:
        raise Skip("needs root to change to another user")
    with box() as (r, g):
        os.chmod(r.conf, 0o600)
        code, _out, err = sendmail(r, "-i", "root@b.test", user=65534)
        equal(code, 0, f"exit ({err})")
        g.one()


@case("sendmail -C FILE finds the socket by the configuration")
def _():
    with box() as (r, g):
        code, _out, err = gatepost("-C", r.conf, "-i", "root@b.test", stdin=b"Subject: x\n\ny\n", argv0="sendmail")
        equal(code, 0, f"exit ({err})")
        g.one()


@case("sendmail without recipients is a usage error")
def _():
    with box() as (r, g):
        code, _out, err = sendmail(r)
        within(code, 64, 78, "exit")
        check(err.strip(), "no words")
        equal(len(g.mails), 0)


@case("sendmail: an unqualified recipient with Local_Recipient; without it, a code that is not 0")
def _():
    with box("Local_Recipient = owner@home.test\n") as (r, g):
        code, _out, err = sendmail(r, "-i", "root")
        equal(code, 0, f"exit ({err})")
        equal(g.one().rcpts, [b"RCPT TO:<owner@home.test>"])
    with box() as (r, g):
        within(sendmail(r, "-i", "root")[0], 64, 78, "exit")


@case("the submit socket is mode 0666, the control socket 0660")
def _():
    with box() as (r, _g):
        modes = [oct(os.stat(os.path.join(r.dir, n)).st_mode & 0o777) for n in ("submit.sock", "control.sock")]
        equal(modes, ["0o666", "0o660"])


need_binary()
main()
