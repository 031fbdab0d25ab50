#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""gatepost queue, and what status tells of the spool (DESIGN 4)."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.programs import free_port                                      # noqa: E402
from lib.relay import BINARY                                            # noqa: E402
from lib.spool import Folder, conf_of, spool_box                        # noqa: E402

SUSPENDED = "Suspend_Delivery = true\n"
SLOW = "Retry_Interval = 1h\nMax_Retry_Interval = 1h\n"
ABSENT = "00000000000000000000"


def send(c, *rcpts, sender="a@a.test", body=b"Subject: hello\r\n\r\nsecret body\r\n"):
    c.cmd(f"MAIL FROM:<{sender}>", "250")
    for one in rcpts or ("b@b.test",):
        c.cmd(f"RCPT TO:<{one}>", "250")
    c.cmd("DATA", "354")
    c.send(body + b".\r\n").reply("250")


def queue(relay, *words, exit=0):
    """What gatepost queue prints; its complaint where it ends with another status."""
    code, out, err = gatepost("queue", "-c", relay.conf, *words)
    equal(code, exit, f"exit of queue {' '.join(words)} ({err.strip()})")
    equal(err == "", exit == 0, f"a complaint: {err!r}")
    return out if exit == 0 else err


def listed(relay):
    value = json.loads(queue(relay, "--json"))
    equal(len(value["mails"]), value["listed"], "listed")
    return value["mails"]


def wait_seen(relay):
    """Until the relay has seen all of the folder, which takes a moment even where it is empty."""
    wait_for(lambda: relay.status()["queue"]["complete"], 60, "all of the folder is seen")


def only(relay):
    (one,) = listed(relay)
    return one


def shown(relay, mail):
    return json.loads(queue(relay, "show", mail, "--json"))


# --- list ---

@case("an empty queue")
def _():
    with spool_box() as (r, _g, _f):
        wait_seen(r)
        equal(queue(r), "no mail is kept\n", "text")
        equal(queue(r, "list"), "no mail is kept\n", "list")
        value = json.loads(queue(r, "--json"))
        equal((value["mails"], value["listed"], value["under_way"], value["complete"]), ([], 0, 0, True), "json")
        equal(queue(r, "flush"), "0 mails are flushed\n", "flush")


@case("every mail that waits is listed")
def _():
    with spool_box(SUSPENDED) as (r, g, f), r.session() as c:
        for i in range(3):
            send(c, *[f"r{k}@b.test" for k in range(i + 1)], sender="" if i == 2 else f"s{i}@a.test")
        wait_seen(r)
        mails = listed(r)
        equal(sorted(m["id"] for m in mails), f.files, "ids")
        equal(sorted(m["id"] for m in mails), sorted(e["id"] for e in r.events()), "the log's ids")
        equal(sorted(m["from"] for m in mails), ["", "s0@a.test", "s1@a.test"], "senders")
        equal(sorted(m["open"] for m in mails), [1, 2, 3], "recipients")
        for m in mails:
            equal((m["tries"], m["state"], m["next"]), (0, "waiting", 0), "tries, state, next")
            equal(m["size"], os.stat(os.path.join(f.path, m["id"])).st_size, "size")
            within(m["age"], 0, 20)
            check(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", m["came"]), m["came"])
        text = queue(r, "list").splitlines()
        equal(len(text), 5, "lines")
        equal(text[0].split(), ["ID", "AGE", "SIZE", "OPEN", "TRIES", "NEXT", "FROM"], "heading")
        check(text[4].startswith("3 mails, "), text[4])
        row = next(ln for ln in text if "s1@a.test" in ln).split()
        equal((row[3], row[4], row[5], row[6]), ("2", "0", "due", "<s1@a.test>"), "columns")
        check(not g.offered, "nothing was sent")


@case("a mail that was put off: tries, next try, what the gateway said")
def _():
    with spool_box(SLOW, mode="always", DOT="451 4.3.0 not now") as (r, _g, _f), r.session() as c:
        send(c)
        wait_for(lambda: only(r)["tries"] > 0, 60, "a try")
        one = only(r)
        within(one["next"], 3000, 4200)
        contains(one["last_reply"], "not now")
        wait_for(lambda: 3000 < (r.status()["queue"]["next"] or 0) < 4200, 60, "the next try in status")
        text = queue(r)
        contains(text, one["gateway"] + ": 451 4.3.0 not now")
        check(re.search(r" 5\dm +<a@a.test>| 6\dm +<a@a.test>| 1h +<a@a.test>", text), text)


@case("a mail whose gateway is down: it goes when that is up again")
def _():
    with Folder() as f, Relay(f'Gateway = "127.0.0.1:{free_port()}"\n' + conf_of(f, more=SLOW)) as r, r.session() as c:
        send(c)
        wait_for(lambda: only(r).get("when_up"), 60, "when_up")
        check(re.search(r" when up +<a@a.test>", queue(r)), queue(r))
        contains(queue(r, "show", only(r)["id"]), ", next when its gateway is up again, or in ")


@case("300 mails are listed, to a reader that takes its time, too")
def _():
    with spool_box(SUSPENDED) as (r, _g, f):
        with r.session() as c:
            for i in range(300):
                send(c, sender=f"s{i}@" + "x" * 60 + ".test")
        equal(sorted(m["id"] for m in listed(r)), f.files, "ids")
        wait_seen(r)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(r.control)
            sock.settimeout(20)
            sock.sendall(b"queue list\n")
            got = b""
            while data := sock.recv(1500):
                got += data
                time.sleep(0.01)
        rows = got.decode().splitlines()
        equal(rows[0], "0 queue", "first line")
        equal(rows[-1], ".", "last line")
        equal(sorted(ln.split()[0] for ln in rows[2:-2]), f.files, "ids")
        equal(queue(r, "flush"), "300 mails are flushed\n", "flush")


@case("whoever hangs up in the middle holds nothing up")
def _():
    with spool_box(SLOW, mode="always", DOT=["451 4.3.0 no", "250 ok"]) as (r, g, f), r.session() as c:
        send(c, body=b"".join(b"X-%d: %s\r\n" % (i, b"y" * 900) for i in range(60)) + b"\r\n")
        wait_for(lambda: only(r)["tries"] > 0, 60, "a try")
        mail = only(r)["id"]
        for _n in range(3):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(r.control)
                sock.sendall(f"queue show {mail}\n".encode())
                sock.recv(100)
        queue(r, "flush", mail)
        f.empty()
        equal(len(g.offered), 2, "deliveries")


# --- show ---

@case("one mail: envelope, marks, header, and not its body")
def _():
    body = b"Subject: \x1b[1mhello\r\nX-Odd: m\xc3\xbcll\r\n\tfolded\r\n\r\nsecret body\r\n"
    with spool_box(SUSPENDED) as (r, _g, _f), r.session() as c:
        send(c, "one@b.test", '"two"@b.test', body=body)
        mail = only(r)["id"]
        text = queue(r, "show", mail)
        for part in (f"id:      {mail}\n", "peer:    127.0.0.1\n", "binding: default\n", "from:    <a@a.test>\n",
                     "to:      <one@b.test> (new)\n", 'to:      <"two"@b.test> (new)\n', "tries:   0, due now\n",
                     "\n  Subject: \\x1b[1mhello\n", "\n  X-Odd: m\\xc3\\xbcll\n", "\n  \tfolded\n", "\n  Received: from "):
            contains(text, part)
        check("secret" not in text and "\x1b" not in text, text)
        value = shown(r, mail)
        equal((value["id"], value["from"], value["peer"], value["binding"]), (mail, "a@a.test", "127.0.0.1", "default"),
              "envelope")
        equal(value["to"], [{"address": "one@b.test", "mark": "new"}, {"address": '"two"@b.test', "mark": "new"}], "to")
        contains(value["header"], "Subject: \x1b[1mhello\r\nX-Odd: m\u00c3\u00bcll\r\n\tfolded\r\n")
        check(value["header"].endswith("\r\n\r\n") and "secret" not in value["header"], repr(value["header"]))
        equal((value["report"], value["utf8"], value["tries"]), (False, False, 0), "flags")


@case("a hundred recipients and a header of 100 KiB")
def _():
    with spool_box(SUSPENDED) as (r, _g, _f), r.session() as c:
        rcpts = [f"r{i:02}-{'x' * 50}@b.test" for i in range(100)]
        send(c, *rcpts, body=b"".join(b"X-%03d: %s\r\n" % (i, b"y" * 1000) for i in range(100)) + b"\r\nbody\r\n")
        value = shown(r, only(r)["id"])
        equal([t["address"] for t in value["to"]], rcpts, "recipients")
        equal({t["mark"] for t in value["to"]}, {"new"}, "marks")
        within(len(value["header"]), 60000, 66000)
        contains(value["header"], "X-050: yyyy")


@case("some recipients are taken, those that are kept are open")
def _():
    def rcpt(_conn, line):
        return "450 4.2.0 full" if b"kept" in line else "250 ok"

    with spool_box(SLOW, RCPT=rcpt) as (r, _g, _f), r.session() as c:
        send(c, "taken@b.test", "kept@b.test")
        wait_for(lambda: only(r)["state"] == "waiting", 60, "it waits")
        equal(only(r)["open"], 1, "open")
        marks = {t["address"]: t["mark"] for t in shown(r, only(r)["id"])["to"]}
        equal(marks["kept@b.test"], "new", "kept")
        check(marks.get("taken@b.test", "taken") in ("taken", "refused"), marks)


# --- flush and remove ---

@case("flush: one, then all that wait")
def _():
    with spool_box(SLOW, mode="always", DOT=["451 4.3.0 no"] * 3 + ["250 ok"]) as (r, g, f), r.session() as c:
        for i in range(3):
            send(c, sender=f"s{i}@a.test")
        wait_for(lambda: [m["tries"] for m in listed(r)] == [1] * 3 and
                 all(m["state"] == "waiting" for m in listed(r)), 15, "a try of each")
        mail = next(m["id"] for m in listed(r) if m["from"] == "s1@a.test")
        equal(queue(r, "flush", mail), f"{mail} is flushed\n", "flush of one")
        wait_for(lambda: len(f.files) == 2, 60, "one less")
        check(mail not in f.files, "the right one")
        equal(json.loads(queue(r, "flush", "--json")), {"flushed": 2, "under_way": 0}, "flush of all")
        f.empty()
        equal([e["event"] for e in r.events("queue")], ["flushed", "flushed"], "the log")


@case("flush calls a gateway that is down")
def _():
    with socket.socket() as sock, Folder() as f:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        conf = f'Gateway = "127.0.0.1:{sock.getsockname()[1]}"\n' + conf_of(f, more=SLOW).replace(
            "Host_Failure_Retry = 1\n", "Host_Failure_Retry = 10m\n")
        with Relay(conf) as r, r.session() as c:
            send(c)
            time.sleep(7)       # it was probed after 2 and 6 s, the next time is after 14 s
            sock.listen()
            sock.settimeout(5)
            queue(r, "flush")
            begin = time.monotonic()
            gw, _ = sock.accept()
            within(time.monotonic() - begin, 0, 3)
            gw.close()


@case("remove: it is gone, nobody hears of it")
def _():
    with spool_box(SUSPENDED) as (r, g, f), r.session() as c:
        send(c, sender="one@a.test")
        send(c, sender="two@a.test")
        mail = next(m["id"] for m in listed(r) if m["from"] == "one@a.test")
        equal(queue(r, "remove", mail), f"{mail} is removed\n", "remove")
        equal(f.files, [only(r)["id"]], "what remains")
        equal(only(r)["from"], "two@a.test", "... is the other one")
        equal(r.event("queue"), {"event": "removed", "id": mail}, "the log")
        contains(queue(r, "remove", mail, exit=66), "there is no such mail")
        value = json.loads(queue(r, "remove", only(r)["id"], "--json"))
        equal(value["done"], "removed", "json")
        equal(listed(r), [], "nothing is left")
        r.reload(open(r.conf, encoding="ascii").read().replace(SUSPENDED, ""))
        wait_for(lambda: r.status()["generation"] == 2, 60, "the reload")
        time.sleep(0.5)
        check(not g.offered, "nothing was sent")


@case("a mail under way is left alone")
def _():
    with spool_box(SLOW, mode="always", DOT=(3, "250 ok")) as (r, g, f), r.session() as c:
        send(c)
        wait_for(lambda: g.offered, 60, "it is offered")
        one = only(r)
        equal((one["state"], one["from"], one["next"]), ("under way", None, None), "listed so")
        contains(queue(r), "(being delivered, or in doubt)")
        for verb in ("show", "flush", "remove"):
            contains(queue(r, verb, one["id"], exit=75), "being delivered, or in doubt")
        equal(queue(r, "flush"), "0 mails are flushed; being delivered, or in doubt: 1\n", "flush")
        f.empty()
        equal(len(g.offered), 1, "once")


# --- what does not work ---

@cases("queue {0}: {2}", [
    (("frobnicate",), 64, "list, show, flush or remove"), (("show",), 64, "id of a mail is missing"),
    (("remove",), 64, "id of a mail is missing"), (("list", "x"), 64, "too many arguments"),
    (("show", ABSENT, "x"), 64, "too many arguments"), (("--prometheus",), 64, "there is no option"),
    (("show", ABSENT), 66, "there is no such mail"), (("flush", ABSENT), 66, "there is no such mail"),
    (("remove", ABSENT), 66, "there is no such mail"), (("show", "../../etc/passwd"), 66, "not the id of a mail"),
    (("show", "a b"), 64, "not the id of a mail"), (("show", ""), 64, "not the id of a mail")])
def _(words, code, wanted):
    with spool_box() as (r, _g, _f):
        contains(queue(r, *words, exit=code), wanted)


@case("without a relay")
def _():
    with Files(gatepost__conf="") as files:
        conf = files.put("gatepost.conf", f'Gateway = gw\nControl_Socket = "{files.dir}/c"\n')
        code, out, err = gatepost("queue", "-c", conf)
        equal((code, out), (75, ""), "exit and output")
        contains(err, "no relay is running")


@case("without a spool")
def _():
    with box() as (r, _g):
        contains(queue(r, exit=69), "there is no spool")
        contains(queue(r, "flush", exit=69), "there is no spool")
        value = r.status()
        equal((value["spool"], value["queue"]), ("off", None), "status")


@case("the group may list, the rest is for root and the relay's user")
def _():
    if os.geteuid() != 0:
        return
    with spool_box(SUSPENDED) as (r, _g, f), r.session() as c:
        send(c)
        mail = only(r)["id"]

        def ask(user, *words):
            group = os.stat(r.control).st_gid
            run = subprocess.run([BINARY, "queue", "-c", r.conf, *words], user=user, group=group, extra_groups=[],
                                 capture_output=True, text=True, timeout=20)
            return run.returncode, run.stdout, run.stderr

        code, out, _ = ask(12345)
        equal(code, 0, "list")
        contains(out, mail)
        for words in (("show", mail), ("flush",), ("flush", mail), ("remove", mail)):
            code, out, err = ask(12345, *words)
            equal((code, out), (77, ""), f"{words}: exit and output")
            contains(err, "only root")
        equal(ask("nobody", "show", mail)[0], 0, "the relay's user")
        code, out, err = gatepost("queue", "-c", r.conf, user=12345)
        equal((code, out), (77, ""), "outside of the group")
        equal(f.files, [mail], "it is still there")


# --- status ---

def first_line(relay):
    return gatepost("status", "-c", relay.conf)[1].splitlines()[0]


@case("status: what is kept, and why")
def _():
    with socket.socket() as sock, Folder() as f:
        sock.bind(("127.0.0.1", 0))
        conf = f'Gateway = "127.0.0.1:{sock.getsockname()[1]}"\n' + conf_of(f, more=SLOW)
        with Relay(conf) as r, r.session() as c:
            value = r.status()
            equal((value["exit"], value["spool"], value["queue"]["mails"], value["queue"]["usable"]),
                  (0, "fallback", 0, True), "at first")
            send(c)
            wait_for(lambda: r.status()["queue"]["mails"] == 1, 60, "one mail")
            value = r.status()
            check(re.fullmatch(r"gateway \S+ is down since .*\(.*\); 1 mail kept", first_line(r)), first_line(r))
            equal(value["exit"], 1, "trouble")
            equal(value["mails"]["queued"], 1, "counted")
            equal((value["queue"]["in_doubt"], value["queue"]["corrupt"]), (0, 0), "none")
            within(value["queue"]["octets"], os.stat(os.path.join(f.path, f.files[-1])).st_size, 20000)
            within(value["queue"]["written"], 100, 100000)
            check(value["queue"]["oldest"], "oldest")
            _, metrics, _ = gatepost("status", "-c", r.conf, "--prometheus")
            if metrics:
                contains(metrics, "\ngatepost_queue_messages 1\n")
                contains(metrics, "\ngatepost_spool_usable 1\n")
                check(re.search(r"\ngatepost_queue_bytes \d+\n", metrics), "bytes")
                check(re.search(r"\ngatepost_spool_written_bytes_total \d+\n", metrics), "written")
            queue(r, "remove", only(r)["id"])
            wait_for(lambda: r.status()["queue"]["mails"] == 0, 60, "none")
            contains(first_line(r), "; mails are kept")


@case("status: delivery is suspended")
def _():
    with spool_box(SUSPENDED) as (r, _g, _f), r.session() as c:
        equal(r.status()["exit"], 1, "trouble")
        send(c)
        wait_for(lambda: r.status()["queue"]["mails"] == 1, 60, "one mail")
        equal(first_line(r), "delivery is suspended (Suspend_Delivery); 1 mail kept", "first line")
        check(r.status()["queue"]["suspended"], "suspended")


@cases("status: {0}, a spool that cannot be used", [
    ("fallback", 0, r"working: .*; the net is gone \(.*\): mail passes through without it"),
    ("always", 1, r"the spool cannot be used \(.*\); mails are refused")])
def _(mode, code, wanted):
    with Folder() as f, Liar() as g:
        with open(os.path.join(f.top, "file"), "w", encoding="ascii"):
            pass
        with Relay(g.conf() + conf_of(f, mode).replace(f.path, f.top + "/file/spool")) as r:
            value = wait_for(lambda: (v := r.status())["queue"]["why"].startswith(f.top) and v, 60, "why")
            equal((value["exit"], value["queue"]["usable"]), (code, False), "exit, usable")
            check(re.fullmatch(wanted, first_line(r)), first_line(r))
            contains(queue(r), "the spool cannot be used: " + f.top)


@cases("check: a Spoolbase {0}", [
    ("of the kernel's", "/proc/gatepost", 78, "error: Spoolbase: /proc/gatepost: no file can be kept there"),
    ("whose parent is missing", "/nowhere/at/all", 0, "warning: Spoolbase: /nowhere/at/all: the folder above it is not there")])
def _(_name, path, status, words):
    with Files() as files:
        code, _out, err = gatepost("check", "-c", files.put("gatepost.conf", f'Gateway = 192.0.2.1\nSpoolbase = "{path}"\n'))
        equal(code, status, f"exit ({err})")
        contains(err, words)


@case("a Spoolbase in memory wants Spool_Volatile, and is told of")
def _():
    if "\ntmpfs /dev/shm " not in open("/proc/mounts", encoding="utf-8").read():
        return
    path = f"/dev/shm/gatepost-test-{os.getpid()}"
    with Files() as files, Liar() as g:
        text = f'{g.conf()}Spoolbase = "{path}"\n'
        line = text.count("\n")
        conf = files.put("gatepost.conf", text)
        code, out, err = gatepost("check", "-c", conf)
        equal((code, out), (78, ""), "exit and output of check")
        contains(err, f"{conf}:{line}:13: error: Spoolbase: {path}: lies in memory")
        conf = files.put("gatepost.conf", text + "Spool_Volatile = true\n")
        code, out, err = gatepost("check", "-c", conf)
        equal((code, out), (0, f"{conf}: ok\n"), "exit and output of check")
        contains(err, f"{conf}:{line}:13: warning: Spoolbase: {path}: lies in memory")
        try:
            with Relay(text + "Spool_Volatile = true\n") as r:
                check(r.status()["queue"]["in_memory"], "status")
                contains(gatepost("status", "-c", r.conf)[1], "spool: in memory (Spool_Volatile)")
                r.wait_log("warning: .*lies in memory")
        finally:
            shutil.rmtree(path, ignore_errors=True)


@case("the log tells at the start what there is")
def _():
    with spool_box(SUSPENDED) as (r, _g, f):
        equal(r.event("spool")["event"], "ready", "event")
        equal(r.event("spool")["mails"], "0", "mails")
        with r.session() as c:
            send(c)
        text = open(r.conf, encoding="ascii").read()
        with Relay(text.split("\n", 1)[1], start=False) as other:
            r.signal(15)
            r.process.wait(20)
            r.process = None
            other.start()
            equal(other.event("spool")["mails"], "1", "mails, after the start of another")
            equal([m["id"] for m in listed(other)], f.files, "it is listed")


need_binary()
if "no-SPOOL" in gatepost("version")[1]:
    skip_all("built without the spool")
main()
