#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The running relay and the store: what is put there is read, what differs is told, tokens are kept (DESIGN 3.6, 6, 7)."""

import os
import re
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.endpoint import *                                              # noqa: E402,F403
from lib.tlsgateway import TlsLiar                                      # noqa: E402

SIZE = 196608
DIFFERS = "gatepost.conf differs from the store, and will be lost with the power"


class Flash:
    """A store in a file."""

    def __init__(self, content=b"\xff" * SIZE):
        self.files = Files()
        self.path = os.path.join(self.files.dir, "store")
        if content is not None:
            self.fill(content)

    def fill(self, content):
        with open(self.path, "wb") as file:
            file.write(content)

    def octets(self):
        with open(self.path, "rb") as file:
            return file.read()

    def command(self, *words, stdin=b"", conf=None, wanted=0):
        more = ["-c", conf] if conf else []
        code, out, err = gatepost("store", *more, "-s", self.path, *words, stdin=stdin)
        equal(code, wanted, f"exit of store {words}: {out} {err}")
        return out

    def get(self, name):
        return self.command("get", name)

    def names(self):
        return re.findall(r"\S+/?\S+", self.command("list"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.files.dir, ignore_errors=True)


class Box(Relay):
    """A relay whose configuration lies in a folder of its own, as on the box."""

    def __init__(self, text, start=True, **how):
        super().__init__("", start=False, mortal=True, **how)
        self.etc = os.path.join(self.dir, "etc")
        os.mkdir(self.etc)
        os.unlink(self.conf)
        self.conf = os.path.join(self.etc, "gatepost.conf")
        self.write(text)
        if start:
            try:
                self.start()
            except BaseException:
                self.kill()
                raise


def read(path):
    with open(path, "rb") as file:
        return file.read()


def store_says(r, words):
    return wait_for(lambda: (s := r.status())["store"] == words and s, what=f"store: {words!r}, not {r.status()['store']!r}")


@case("a blank store: setup mode says so; a configuration that is put there ends it")
def _():
    with Liar() as g, Flash() as f:
        with Box("Gatewya = x\n", arguments=("-s", f.path, "--setup", "--listen", "127.0.0.1:0")) as r:
            now = r.status()
            equal(now["exit"], 1)
            contains(now["reason"], "Gatewya")
            contains(now["reason"], f"{f.path}: is blank")
            good = read(r.conf).replace(b"Gatewya = x", g.conf().encode())
            out = f.command("put", "gatepost.conf", stdin=good, conf=r.conf)
            contains(out, "The relay reads it now.")
            wait_for(lambda: r.status().get("setup") is False, what="the end of setup mode")
            equal(read(r.conf), good, "the file beside")
            store_says(r, "")
            r.wait_ready()
            with r.session() as c:
                c.mail(wanted="250")
            equal(len(g.mails), 1)


@case("a broken store, a good configuration: it relays and says so")
def _():
    with Liar() as g, Flash(os.urandom(SIZE)) as f:
        with Box(g.conf(), arguments=("-s", f.path, "--setup")) as r:
            now = r.status()
            equal((now["exit"], now["setup"]), (0, False))
            contains(now["store"], f"{f.path}: is not a store")
            with r.session() as c:
                c.mail(wanted="250")
            _, out, _ = gatepost("status", "-c", r.conf)
            contains(out, f"\nstore: {f.path}: is not a store")


@case("a broken store and no gateway: setup mode tells of both")
def _():
    with Flash(os.urandom(SIZE)) as f:
        with Box("", arguments=("-s", f.path, "--setup")) as r:
            now = r.status()
            equal((now["exit"], now["setup"]), (1, True))
            contains(now["reason"], "names no gateway; ")
            contains(now["reason"], "is not a store")


@case("a file changed by hand: status says that it differs, until it is put into the store")
def _():
    with Liar() as g, Flash() as f:
        with Box(g.conf(), arguments=("-s", f.path)) as r:
            equal(r.status()["store"], f"{f.path}: is blank")
            f.command("put", "gatepost.conf", stdin=read(r.conf), conf=r.conf)
            store_says(r, "")
            r.reload(g.conf() + "Max_Message_Size = 1m\n")
            equal(store_says(r, DIFFERS)["exit"], 0, "exit of status")
            code, out, _ = gatepost("status", "-c", r.conf)
            equal(code, 0)
            contains(out, f"\nstore: {DIFFERS}\n")
            r.wait_log(f'store reason="{DIFFERS}"')
            before = f.octets()
            f.command("put", "gatepost.conf", stdin=read(r.conf), conf=r.conf)
            store_says(r, "")
            check(f.octets() != before, "it was stored")
            before = f.octets()
            f.command("put", "gatepost.conf", stdin=read(r.conf), conf=r.conf)
            equal(f.octets() == before, True, "what is in it already is not written")
            _, out, _ = gatepost("status", "-c", r.conf)
            lacks(out, "\nstore: ")


@case("a configuration with errors is not put, and the relay goes on")
def _():
    with Liar() as g, Flash() as f:
        with Box(g.conf(), arguments=("-s", f.path)) as r:
            before = f.octets()
            f.command("put", "gatepost.conf", stdin=b"Gatewya = x\n", conf=r.conf, wanted=78)
            check(f.octets() == before, "the store is as it was")
            with r.session() as c:
                c.mail(wanted="250")


@cases("the store {0}: that is nobody's trouble", [("is not there", None), ("was not named", "")])
def _(_name, what):
    with Liar() as g, Flash(None) as f:
        with Box(g.conf(), arguments=("-s", f.path) if what is None else ()) as r:
            equal((r.status()["exit"], r.status()["store"]), (0, ""))
            check(not os.path.exists(f.path), "a store was made")


# --- tokens ---

def oauth_box(e, f):
    """A relay with that store before a gateway that wants a token, and the gateway."""
    g = TlsLiar(login=TokenLogin(e))
    token = e.new_refresh()
    e.given.remove(token)
    r = Box(g.conf() + e.conf(refresh=token, more="Idle_Timeout = 1s\n"), arguments=("-s", f.path), start=False)
    return r, g


def token_in(f):
    names = re.findall(r"oauth/\S+", f.command("list")) if f.octets() != b"\xff" * SIZE else []
    return f.get(names[0]).strip() if names else None


def mail(r):
    with r.session() as c:
        c.mail(wanted="250")
        c.cmd("QUIT", "221")


@case("a refresh token that is good once is in the store at once, and outlasts the power")
def _():
    with Flash() as f, Endpoint("once", grant="code", life=1) as e:
        r, g = oauth_box(e, f)
        with g, r.start():
            f.command("put", "gatepost.conf", stdin=read(r.conf))
            mail(r)
            wait_for(lambda: token_in(f) == e.given[-1], what="the token in the store")
            time.sleep(1.5)
            mail(r)
            wait_for(lambda: token_in(f) == e.given[-1], what="the next token in the store")
            check(len(e.given) >= 2, f"given: {len(e.given)}")
            for pid in r.pids():                                # the power fails, RAM is lost
                os.kill(pid, signal.SIGKILL)
            r.process.wait(30)
            shutil.rmtree(r.etc)
            f.command("export", r.etc)
            r.start()
            equal(r.status()["store"], "", "store")
            mail(r)
            lacks(r.log(), "invalid_grant")
            equal([q for _, q in e.requests if q["refresh_token"] in e.refresh - set(e.given[-1:])], [], "old ones asked with")


@case("one that stays good is not written again and again")
def _():
    with Flash() as f, Endpoint() as e:
        r, g = oauth_box(e, f)
        with g, r.start():
            mail(r)
            wait_for(lambda: token_in(f) is not None, what="a token in the store")
            before = f.octets()
            e.life = 1
            for number in range(2, 5):
                r.reload()
                r.wait_log(f"generation={number}")
                mail(r)
            check(len(e.given) >= 4, f"given: {len(e.given)}")
            check(f.octets() == before, "the store was written")


@case("a store that cannot be written: it is said, the token counts, and is stored later")
def _():
    with Flash(os.urandom(SIZE)) as f, Endpoint("once", grant="code", life=1) as e:
        r, g = oauth_box(e, f)
        with g, r.start():
            mail(r)
            r.wait_log("the new refresh token is in memory alone, it cannot be stored: .*is not a store")
            lacks(r.log(), e.given[0])
            time.sleep(1.5)
            mail(r)
            f.fill(b"\xff" * SIZE)
            time.sleep(1.5)
            mail(r)
            wait_for(lambda: token_in(f) == e.given[-1], what="the token in the store")


@case("gatepost login keeps the token in the store, too")
def _():
    with Flash() as f, Endpoint() as e:
        with Files(gatepost__conf='Gateway = "127.0.0.1:2525"\n' + e.conf()) as files:
            conf = os.path.join(files.dir, "gatepost.conf")
            code, out, err = gatepost("login", "-c", conf, "-s", f.path)
            equal(code, 0, err)
            contains(out, " and in the store.")
            equal(token_in(f), e.given[-1])
            f.fill(os.urandom(SIZE))
            code, _, err = gatepost("login", "-c", conf, "-s", f.path)
            equal(code, 73)
            contains(err, "is not a store")
            lacks(err, e.given[-1])


need_binary()
main()
