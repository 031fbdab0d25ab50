#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""DESIGN 3 and 4 word by word: where errors point, one message for one mistake, bounds, the log's one line."""

import os
import re
import socket
import sys
import time
from contextlib import ExitStack

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

G = "Gateway = 10.0.0.1\n"
USER = "" if os.geteuid() else "User = nobody\n"
MARK = "\u00ab"                 # stands before the token that is in error


def run(command, text, *words, name="gatepost.conf"):
    with Files(gatepost__conf=USER + text) as f:
        code, out, err = gatepost(command, "-c", f"{f.dir}/{name}", *words)
        return code, out.replace(f.dir + "/", ""), err.replace(f.dir + "/", "")


def evaluate(text, *words):
    code, out, err = run("eval", text, *words)
    equal(code, 0, f"exit of eval ({err})")
    return out.strip()


def limits():
    _code, out, _err = gatepost("version")
    return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", out)}


# --- where an error points ---

@cases("the very token is pointed at: {0}", [
    ("an option's name", MARK + "Gatway = 10.0.0.1\n", "Gateway"),
    ("an option's value", f"Client_Timeout = {MARK}x\n" + G, "30s"),
    ("a value on the next line", f"Client_Timeout =\n  {MARK}x\n" + G, "30s"),
    ("a list where one value belongs", f"Gateway = {MARK}( 10.0.0.1 10.0.0.2 )\n", "not a list"),
    ("the second block of a list", G + f'Relay_Hosts = ( 127.0.0.1 {MARK}"10.0.0.0/33" )\n', "10.0.0.0/33"),
    ("a public block behind a private one", G + f'Relay_Hosts = ( 127.0.0.1 local {MARK}"8.0.0.0/8" )\n', "Open_Relay"),
    ("a public block in a Peer", G + f'ESMTP_Listener {{ Peer 10.0.0.1 {{ Relay_Hosts = ( 10.0.0.1 {MARK}"0.0.0.0/0" ) }} }}\n',
     "Open_Relay"),
    ("a public IPv4-mapped block", G + f'Relay_Hosts = ( {MARK}"::ffff:8.0.0.0/104" )\n', "Open_Relay"),
    ("a bad route", f'Routes = ( "10.0.0.1" {MARK}"smtp://10.0.0.2?ttl=5" )\n', "not needed"),
    ("this relay among Routes", f'Routes = ( "10.0.0.1" "10.0.0.2" {MARK}"smtp://127.0.0.1?port=2599" )\n'
     'ESMTP_Listener { Listen "127.0.0.1:2599" {} }\n', "itself"),
    ("this relay first by preference", f'Routes = ( "10.0.0.1?pref=5" {MARK}"smtp://127.0.0.1:2599?pref=1" )\n'
     'ESMTP_Listener { Listen "127.0.0.1:2599" {} }\n', "itself"),
    ("this relay as an IPv4-mapped gateway", f'Gateway = {MARK}"[::ffff:127.0.0.1]:2599"\n'
     'ESMTP_Listener { Listen "127.0.0.1:2599" {} }\n', "itself"),
    ("this relay by Remote_SMTP_Port", f"Gateway = {MARK}127.0.0.1\nRemote_SMTP_Port = 2599\n"
     'ESMTP_Listener { Listen "127.0.0.1:2599" {} }\n', "itself"),
    ("a listener without a Listen is one at port 25", f"Gateway = {MARK}127.0.0.1\n", "itself"),
    ("a pattern that is broken", G + f'Domain {MARK}"/a(/" {{ }}\n', "("),
    ("the name of a Binding", G + f'Binding {MARK}"a b" {{ }}\n', "Binding"),
    ("a Binding in two groups", G + f"Binding_Group g {{ Binding b {{ }} }} Binding_Group h {{ Binding {MARK}b {{ }} }}\n",
     '"g"'),
    ("a Binding that is not there", G + f"ESMTP_Listener {{ Peer 10.0.0.1 {{ Binding = {MARK}B }} }} Binding b {{ }}\n",
     '"B"'),
    ("an option out of its scopes", f"ESMTP_Listener {{ {MARK}Gateway = 10.0.0.1 }}\n", "Binding_Group"),
    ("Routes in a Binding", G + f"Binding b {{ {MARK}Routes = ( 10.0.0.2 ) }}\n", "Domain and at global scope"),
    ("what is not needed, in any scope", G + f'ESMTP_Listener {{ Listen ":2599" {{ {MARK}banner_hostname = a }} }}\n',
     "not needed: "),
    ("the brace that is not closed", G + f'Binding b {MARK}{{ Idle_Timeout = 5\n', "closed"),
    ("a brace too many", G + f"Binding b {{ }} {MARK}}}\n", "{"),
    ("a comment without an end", G + f"Binding b {{ }} {MARK}/* x\n", "comment")])
def _(_name, text, word):
    before = USER + text[:text.index(MARK)]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    code, out, err = run("check", text.replace(MARK, ""))
    equal((code, out), (78, ""), f"exit and stdout ({err.strip()})")
    row = err.split("\n")[0]
    check(row.startswith(f"gatepost.conf:{line}:{column}: error: "), lambda: f"line {line}, column {column}: {err!r}")
    contains(row, word)


@case("the Listen beyond what the build has room for is pointed at")
def _():
    most = limits()["LISTENERS"]
    text = G + "ESMTP_Listener {\n" + "".join(f'Listen "127.0.0.1:{3000 + i}" {{}}\n' for i in range(most + 1)) + "}\n"
    line = (USER + text).count("\n") - 1
    code, _out, err = run("check", text)
    equal(code, 78, "exit")
    contains(err, f"gatepost.conf:{line}:8: error: ")
    contains(err, f"at most {most} (CONFIG_LISTENERS")
    equal(run("check", text.replace(f'Listen "127.0.0.1:{3000 + most}" {{}}\n', ""))[0], 0, "exit without it")


# --- one mistake, one message ---

@cases("one mistake, one message: {0}", [
    ("a Gateway in error", "Gateway = ::1\n"), ("a misspelt Gateway", "Gatewai = 10.0.0.1\n"),
    ("a Gateway without a value", "Gateway =\n"), ("a Gateway without =", "Gateway 10.0.0.1\n"),
    ("a list for Gateway", "Gateway = ( 10.0.0.1 )\n"), ("empty Routes", "Routes = ( )\n"),
    ("no gateway", "Hostname = a.test\n"), ("nothing at all", "")])
def _(_name, text):
    code, out, err = run("check", text)
    equal((code, out), (78, ""), "exit and stdout")
    equal(err.count("\n"), 1, f"lines of {err!r}")


@case("a file that is not there is the one thing that is wrong")
def _():
    code, out, err = run("check", G, name="nowhere.conf")
    equal((code, out), (78, ""), "exit and stdout")
    equal(err.count("\n"), 1, f"lines of {err!r}")
    contains(err, "nowhere.conf:1:1: error: ")


# --- names ---

@cases("{0} is unknown, {1} is the nearest", [
    ("Gatway", "Gateway"), ("gateways", "Gateway"), ("Max_Message_Sise", "Max_Message_Size"),
    ("MaxMessageSize", "Max_Message_Size"), ("EHLO_Host", "EHLO_Hostname"), ("Relay_Host", "Relay_Hosts"),
    ("idle_timout", "Idle_Timeout"), ("Max_Outbound", "Max_Outbound_Connections")])
def _(wrong, right):
    code, _out, err = run("check", G + f"{wrong} = 5\n")
    equal(code, 78, "exit")
    contains(err, f'unknown option "{wrong}": is {right} meant?')


@cases("an IPv6 address wants brackets: {0}", ["::1", "2001:db8::25", "fe80::1%eth0", "2001:db8::25:587"])
def _(text):
    code, _out, err = run("check", f'Gateway = "{text}"\n')
    equal(code, 78, "exit")
    contains(err, "bracket")


@cases("a size of {0} is refused: units are k, m and g", ["25mb", "25MB", "64kb", "1t", "1.5m", "25 m", "m", "-1", "0x10"])
def _(size):
    code, _out, err = run("check", G + f'Max_Message_Size = "{size}"\n')
    equal(code, 78, "exit")
    contains(err, size)


# --- stanzas opened again ---

@cases("a Binding may be opened again, in its group or outside of it: {0}", [
    ("outside behind the group", "Binding_Group g { Bind_Address = 10.0.0.9 Binding b { Idle_Timeout = 5 } }\n"
     "Binding b { Connect_Timeout = 7 }\n"),
    ("outside before the group", "Binding b { Connect_Timeout = 7 }\n"
     "Binding_Group g { Bind_Address = 10.0.0.9 Binding b { Idle_Timeout = 5 } }\n"),
    ("in the group twice", "Binding_Group g { Binding b { Idle_Timeout = 5 } }\n"
     "Binding_Group g { Bind_Address = 10.0.0.9 Binding b { Connect_Timeout = 7 } }\n")])
def _(_name, text):
    for option, value in (("Idle_Timeout", "5s"), ("Connect_Timeout", "7s"), ("Bind_Address", '"10.0.0.9"')):
        equal(evaluate(G + text, "binding", "b", option), f"{option} = {value}")


@cases("eval says what it misses: {0}", [
    ("domain", "a name is missing"), ("binding nowhere gateway", 'no Binding "nowhere"'),
    ("binding_group nowhere gateway", 'no Binding_Group "nowhere"'), ("listen :2600 enable", 'no Listen ":2600"'),
    ("gatway", "Gateway"), ("planet x gateway", "planet"), ("peer 10.0.0.1 gateway", "not an option of Peer"),
    ("enable", "not an option at global scope")])
def _(words, part):
    code, out, err = run("eval", G, *words.split())
    equal((code, out), (64, ""), f"exit and stdout ({err.strip()})")
    contains(err, part)


# --- bounds ---

@cases("{0} is capped by the build, and the error says by what", [
    ("Max_Recipients_Per_Message", "RECIPIENTS_MAX"), ("Max_Outbound_Connections", "GATEWAY_CONNECTIONS"),
    ("Peer_Sessions", "SESSIONS")])
def _(option, symbol):
    most = limits()[symbol]
    equal(run("check", G + f"{option} = {most}\n")[0], 0, f"exit for {most}")
    code, _out, err = run("check", G + f"{option} = {most + 1}\n")
    equal(code, 78, "exit")
    contains(err, f"at most {most} (CONFIG_{symbol})")


@case("more gateways than the table holds, one after the other: each is served")
def _():
    n = limits()["GATEWAYS"] + 3
    if n > 70:
        raise Skip("this build holds more gateways than the test has")
    with ExitStack() as stack:
        gateways = [stack.enter_context(Liar()) for _ in range(n)]
        text = "".join(f'Domain "d{i}.test" {{ Gateway = "{g.at}" }}\n' for i, g in enumerate(gateways))
        r = stack.enter_context(Relay(text))
        with r.session() as c:
            for i in (*range(n), 0):
                c.cmd("MAIL FROM:<a@a.test>", "250")
                c.cmd(f"RCPT TO:<b@d{i}.test>", "250")
                c.data()
                c.send(HELLO + b".\r\n").reply("250")
        equal([len(g.mails) for g in gateways], [2] + [1] * (n - 1), "mails")


# --- what the log and a reload promise ---

@case("a mail without an accepted recipient: the log tells the gateway's reason")
def _():
    with box(RCPT="550 5.1.1 no such user") as (r, _g), r.session() as c:
        c.send(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n")
        c.reply("250")
        c.reply("550 5.1.1")
        c.reply("554 5.5.1")
        c.cmd("QUIT", "221")
        event = r.event()
        equal(event["status"], "refused", "status")
        equal(event["reply"], "550 5.1.1 no such user", "reply")


@case("an address cannot forge a field of its log line")
def _():
    with box() as (r, _g), r.session() as c:
        c.cmd('MAIL FROM:<"x> status=refused reply=no"@a.test>', "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        event = r.event()
        equal((event["status"], event["to"]), ("sent", "<b@b.test>"), "status and to")
        line = [x for x in r.log().splitlines() if "mail id=" in x][0]
        equal(len(re.findall(r"(?<= )status=", line)), 1, f"fields called status in {line!r}")


@cases("a reload moves the control socket {0}", [("within its folder", "moved.sock"), ("to another folder", "sub/moved.sock")])
def _(_name, name):
    with Liar() as g, Relay(g.conf(), mortal=True) as r:
        before, after = r.control, f"{r.dir}/{name}"
        os.makedirs(os.path.dirname(after), exist_ok=True)
        r.control = after
        r.reload(g.conf())
        wait_for(lambda: r.status(fail=False) and r.status()["exit"] == 0, 60, "status at the new place")
        check(not os.path.exists(before), "the old one is still there")
        submit = os.path.join(os.path.dirname(after), "submit.sock")
        code, _out, err = gatepost("b@b.test", stdin=b"Subject: x\n\nx\n", argv0="sendmail",
                                   env={"GATEPOST_SUBMIT": submit})
        equal(code, 0, f"exit of sendmail ({err})")
        equal(len(g.mails), 1, "mails")


@case("a question at the control socket that a reload overtakes is still answered")
def _():
    with Liar() as g, Relay(g.conf(), mortal=True) as r, socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(r.control)
        s.sendall(b"status ")
        time.sleep(0.2)
        r.reload(g.conf())
        time.sleep(0.3)
        s.sendall(b"text\n")
        answer = b""
        while chunk := s.recv(4096):
            answer += chunk
        check(answer.startswith(b"0 working") and answer.endswith(b"\n.\n"), lambda: f"the answer: {answer!r}")


need_binary()
main(jobs=3)
