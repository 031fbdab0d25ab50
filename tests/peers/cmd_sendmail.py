#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""sendmail against a relay that does what its script says: what it submits, and when it says 0 (DESIGN 4, CASES C20)."""

import os
import socket
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.liar import Conn                                               # noqa: E402


class Door(Liar):
    """A scripted relay behind a Unix socket."""

    def __init__(self, folder, **script):  # pylint: disable=super-init-not-called
        self.scripts, self.conns, self.uses = [script], [], {}
        self.lock = threading.Condition()
        self.path = os.path.join(folder, "submit.sock")
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        os.chmod(self.path, 0o666)
        self.open = True
        self.sock.listen(8)
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        while self.open:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            sock.settimeout(60)
            one = Conn(self, sock, self.scripts[0], len(self.conns))
            self.conns.append(one)
            threading.Thread(target=one.run, daemon=True).start()


def submit(*words, stdin=b"Subject: disk\n\nbad\n", script=None, env=None, user=None):
    """(status, stderr, the relay) of one call."""
    with Files() as f, Door(f.dir, **(script or {})) as relay:
        code, out, err = gatepost(*words, stdin=stdin, argv0="sendmail", user=user,
                                  env={"GATEPOST_SUBMIT": relay.path, **(env or {})})
        equal(out, "", "stdout")
        return code, err, relay


def content(*words, **more):
    code, err, relay = submit(*words, **more)
    equal((code, err), (0, ""), "status and stderr")
    equal(len(relay.mails), 1, "mails")
    return relay.mails[0]


@cases("the mail arrives as it was written: {0}", [
    ("dots stay dots", ("-i",), b"S: x\n\n.\n..\n.a\n", b"S: x\r\n\r\n.\r\n..\r\n.a\r\n"),
    ("CRLF stays CRLF", ("-i",), b"S: x\r\n\r\nbody\r\n", b"S: x\r\n\r\nbody\r\n"),
    ("CR CR LF and CR are line ends", ("-i",), b"S: x\n\na\r\r\nb\rc\n", b"S: x\r\n\r\na\r\nb\r\nc\r\n"),
    ("a last line without its end gets one", (), b"S: x\n\nbody", b"S: x\r\n\r\nbody\r\n"),
    ("8-bit octets", (), b"S: x\n\n\xff\xfe\x80\n", b"S: x\r\n\r\n\xff\xfe\x80\r\n"),
    ("a line of 100,000 octets", (), b"S: x\n\n" + b"a" * 100000 + b"\n", b"S: x\r\n\r\n" + b"a" * 100000 + b"\r\n"),
    ("a lone dot ends it without -i", (), b"S: x\n\none\n.\ntwo\n", b"S: x\r\n\r\none\r\n"),
    ("a lone dot with CRLF too", (), b"S: x\r\n\r\none\r\n.\r\ntwo\r\n", b"S: x\r\n\r\none\r\n"),
    ("a mailbox's separator line goes", (), b"From joe Mon Jan  1\nS: x\n\nbody\n", b"S: x\r\n\r\nbody\r\n")])
def _(_name, words, stdin, wanted):
    mail = content(*words, "root@b.test", stdin=stdin)
    text = mail.text
    sender = mail.fields("From")
    equal(len(sender), 1, "From fields")
    equal(text.replace(b"From: " + sender[0].encode() + b"\r\n", b""), wanted, "content")


@cases("From: {0}", [
    ("a mail that has one keeps it", (), b"From: a@b\n\nx\n", "a@b"),
    ("one without gets that of -f", ("-f", "me@a.test"), b"S: x\n\nx\n", "<me@a.test>"),
    ("with the name of -F", ("-f", "me@a.test", "-F", 'Me "x"'), b"S: x\n\nx\n", '"Me \\"x\\"" <me@a.test>'),
    ("a body without a header too", ("-f", "me@a.test"), b"just text\n", "<me@a.test>"),
    ("nothing at all too", ("-f", "me@a.test"), b"", "<me@a.test>")])
def _(_name, words, stdin, wanted):
    equal(content(*words, "root@b.test", stdin=stdin).fields("From"), [wanted], "From")


@case("text without a header becomes a body")
def _():
    equal(content("-f", "a@b", "root@b.test", stdin=b"just text\nmore: text\n").body, b"just text\r\nmore: text\r\n", "body")


@cases("the sender: {0}", [
    ("-f", ("-f", "me@a.test"), b"<me@a.test>"), ("-r", ("-r", "me@a.test"), b"<me@a.test>"),
    ("with a name", ("-f", "Me <me@a.test>"), b"<me@a.test>"), ("-f <>", ("-f", "<>"), b"<>"), ("-f ''", ("-f", ""), b"<>"),
    ("unqualified", ("-f", "root"), b"<root>")])
def _(_name, words, wanted):
    equal(content(*words, "root@b.test").sender.split(b" ")[1], b"FROM:" + wanted, "MAIL")


@case("the sender without -f is the user at this host")
def _():
    mail = content("root@b.test")
    contains(mail.sender.decode(), "<")
    contains(mail.sender.decode(), "@" + (socket.gethostname() or "localhost"))


@case("-t: recipients of folds, groups, comments and quoted names; Bcc goes, the rest stays")
def _():
    mail = content("-t", "-f", "me@a.test", "extra@b.test", stdin=(
        b'To: "Doe, Joe" <joe@b.test>,\n\tann@b.test (Ann, the (old) one)\nCc: friends: x@b.test, y@b.test;\n'
        b"bcc: secret@b.test,\n other@b.test\nSubject: To: no@b.test\nBcc: third@b.test\n\nTo: body@b.test\n"))
    equal([r.decode()[9:-1] for r in mail.rcpts], [
        "extra@b.test", "joe@b.test", "ann@b.test", "x@b.test", "y@b.test", "secret@b.test", "other@b.test", "third@b.test"])
    lacks(mail.text, b"secret", "content")
    lacks(mail.text, b"third", "content")
    equal(len(mail.fields("To")) + len(mail.fields("Cc")) + len(mail.fields("Subject")), 3, "fields")
    equal(mail.body, b"To: body@b.test\r\n", "body")


@cases("-t: {0}: {2}", [
    ("no recipients", b"Subject: x\n\nx\n", 64), ("a recipient that is none", b"To: Joe Doe\n\nx\n", 65),
    ("a header over 64 KiB", b"To: a@b.test\nX: " + b"y" * 70000 + b"\n\nx\n", 65)])
def _(_name, stdin, wanted):
    code, err, relay = submit("-t", stdin=stdin)
    equal(code, wanted, "status")
    equal(len(err.splitlines()), 1, f"lines on stderr: {err!r}")
    equal(len(relay.conns), 0, "connections")


@case("a header over 64 KiB goes through without -t")
def _():
    big = b"X: " + b"y" * 70000 + b"\n\nx\n"
    mail = content("root@b.test", stdin=big)
    check(mail.text.replace(b"\r\n", b"\n").endswith(big), "content")


@case("a mail of 20 MiB goes through, octet for octet, in little memory")
def _():
    body = (b"0123456789" * 7 + b"\n") * 300000
    with Files() as f, Door(f.dir) as relay:
        run = subprocess.Popen(["sendmail", "-i", "root@b.test"], executable=BINARY, stdin=subprocess.PIPE,
                               env={**os.environ, "GATEPOST_SUBMIT": relay.path})
        run.stdin.write(b"Subject: x\n\n" + body[:-71])
        run.stdin.flush()
        size = int(proc_status(run.pid)["VmRSS"].split()[0])
        run.stdin.write(body[-71:])
        run.stdin.close()
        equal(run.wait(60), 0, "status")
        check(size < (200000 if "asan" in BINARY else 2000), f"{size} KiB in memory")
        check(relay.mails[0].body == body.replace(b"\n", b"\r\n"), "body")


@cases("never 0 for a mail that is gone: {0}: {2}", [
    ("MAIL refused", {"MAIL": "550 5.7.1 no sender"}, 69, "550 5.7.1 no sender"),
    ("MAIL put off", {"MAIL": "450 4.7.1 slow down"}, 75, "450 4.7.1 slow down"),
    ("RCPT refused", {"RCPT": "550 5.1.1 no such user"}, 69, "550 5.1.1 no such user"),
    ("RCPT put off", {"RCPT": "451 4.4.1 gateway down"}, 75, "451 4.4.1 gateway down"),
    ("DATA refused", {"DATA": "554 5.5.1 no"}, 69, "554 5.5.1 no"),
    ("refused at the end", {"DOT": "550 5.7.1 spam"}, 69, "550 5.7.1 spam"),
    ("put off at the end", {"DOT": "451 4.4.2 gateway lost"}, 75, "451 4.4.2 gateway lost"),
    ("lost at the end", {"DOT": CLOSE}, 75, "closed the connection"),
    ("lost at once", {"GREETING": CLOSE}, 75, "closed the connection"),
    ("lost in the body", {"BODY": (10, RESET)}, 75, "connection"),
    ("a full relay", {"GREETING": "421 4.3.2 too many"}, 75, "421 4.3.2 too many"),
    ("a reply without sense", {"MAIL": b"what?\r\n"}, 75, "no sense")])
def _(_name, script, wanted, words):
    code, err, _relay = submit("root@b.test", script=script, stdin=b"Subject: x\n\n" + b"y" * 200 + b"\n")
    equal(code, wanted, f"status ({err})")
    contains(err, words, "stderr")
    equal(len(err.splitlines()), 1, f"lines on stderr: {err!r}")


@case("one of two recipients refused: the other gets it, the status is not 0")
def _():
    code, err, relay = submit("a@b.test", "b@b.test", script={"RCPT": ["550 5.1.1 who?", "250 ok"]})
    equal(code, 69, "status")
    equal(err, "sendmail: a@b.test: 550 5.1.1 who?\n", "stderr")
    equal(relay.mails[0].rcpts, [b"RCPT TO:<b@b.test>"])


@case("a mail that cannot be read to its end is not sent")
def _():
    with Files() as f, Door(f.dir) as relay:
        folder = os.open(f.dir, os.O_RDONLY)
        run = subprocess.run(["sendmail", "root@b.test"], executable=BINARY, stdin=folder, stderr=subprocess.PIPE,
                             env={**os.environ, "GATEPOST_SUBMIT": relay.path}, timeout=20, check=False)
        os.close(folder)
        equal(run.returncode, 74, "status")
        equal(relay.mails, [], "mails")


@case("a caller that is killed in the middle sends nothing")
def _():
    with Files() as f, Door(f.dir) as relay:
        run = subprocess.Popen(["sendmail", "root@b.test"], executable=BINARY, stdin=subprocess.PIPE,
                               env={**os.environ, "GATEPOST_SUBMIT": relay.path})
        run.stdin.write(b"Subject: x\n\n" + b"y" * 200000)
        run.stdin.flush()
        relay.conn().wait_line("DATA")
        run.kill()
        run.wait()
        run.stdin.close()
        wait_for(lambda: relay.conns[0].closed, 60, "the end of the connection")
        equal(relay.offered, [], "mails")


@cases("{0}: refused with one line, nothing is read", ["-bs", "-bp", "-bd", "-q", "-z"])
def _(word):
    code, err, relay = submit(word)
    equal((code, len(err.splitlines()), len(relay.conns)), (64, 1, 0), f"status, lines, connections ({err!r})")


@case("other options of sendmail are taken")
def _():
    content("-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-B8BITMIME", "-Am", "-N", "never", "-R", "hdrs", "-v", "-bm", "-U",
            "-X", "/dev/null", "-h", "3", "root@b.test")


@case("addresses beyond ASCII ask for SMTPUTF8")
def _():
    contains(content("j\u00f6@b.test").sender, b" SMTPUTF8")


@case("the relay's socket may not be there, or be closed to us: 75 and one line")
def _():
    code, _out, err = gatepost("root@b.test", stdin=b"x\n", argv0="/usr/sbin/sendmail", env={"GATEPOST_SUBMIT": "/nowhere/x"})
    equal((code, err), (75, "sendmail: gatepost is not running (no answer at /nowhere/x); the mail was not sent\n"))
    if os.geteuid() == 0:
        with Files() as f, Door(f.dir) as relay:
            os.chmod(relay.path, 0o600)
            code, _out, err = gatepost("root@b.test", stdin=b"x\n", argv0="sendmail", user=65534,
                                       env={"GATEPOST_SUBMIT": relay.path})
            equal((code, len(err.splitlines())), (75, 1), err)


@case("-C with a configuration that it may not read: the environment counts")
def _():
    with Files() as f, Door(f.dir) as relay:
        code, _out, err = gatepost("-C", f.dir + "/none.conf", "root@b.test", stdin=b"x\n", argv0="sendmail",
                                   env={"GATEPOST_SUBMIT": relay.path})
        equal((code, err, len(relay.mails)), (0, "", 1))


need_binary()
main()
