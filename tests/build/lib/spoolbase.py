#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A build with a Spoolbase of its own, that of $SPOOLBASE: it keeps mail without being told to, and serves without where that
folder cannot be used. Run by tests/build/configs.sh."""

import os
import shutil
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "peers"))
from lib import *                                                       # noqa: E402,F403
from lib.setup import in_setup, new_box                                 # noqa: E402
from lib.spool import QUICK                                             # noqa: E402

FOLDER = os.environ["SPOOLBASE"]
PARENT = os.path.dirname(FOLDER)


def fresh(parent=True):
    shutil.rmtree(PARENT, ignore_errors=True)
    if parent:
        os.mkdir(PARENT)


@case("mail is kept over a kill of all, and delivered")
def _():
    fresh()
    with Relay(f'Gateway = "127.0.0.1:{refused_port()}"\n{QUICK}', mortal=True) as relay:
        equal(relay.status()["spool"], "fallback", "Spool")
        equal(gatepost("eval", "-c", relay.conf, "spoolbase")[1], f'Spoolbase = "{FOLDER}"\n', "eval")
        with relay.session() as c:
            c.mail(wanted="250")
        for pid in relay.pids():
            os.kill(pid, signal.SIGKILL)
        relay.process.wait()
        with Liar() as gateway:
            relay.write(gateway.conf() + QUICK)
            relay.start()
            gateway.wait(lambda: gateway.mails, 60)


@case("where it cannot be made the relay serves without it, says so once, and takes it up when it can")
def _():
    fresh(parent=False)
    with Liar() as gateway, Relay(gateway.conf() + QUICK, mortal=True) as relay:
        equal(gatepost("check", "-c", relay.conf)[0], 0, "check")
        with relay.session() as c:
            c.mail(wanted="250")
        relay.wait_log("spool event=unusable")
        contains(gatepost("status", "-c", relay.conf)[1], f"cannot be used: {FOLDER}: no such folder", "status")
        relay.reload()
        relay.wait_log("generation=2")
        with relay.session() as c:
            c.mail(wanted="250")
        equal(relay.log().count("event=unusable"), 1, "how often it is told")
        os.mkdir(PARENT)
        relay.reload()
        relay.wait_log("spool event=(usable|ready)", 90)


@case("a file in its place: that is no error, unless the folder is written")
def _():
    fresh()
    with open(FOLDER, "w", encoding="ascii"):
        pass
    with Liar() as gateway, Relay(gateway.conf(), mortal=True) as relay:
        with relay.session() as c:
            c.mail(wanted="250")
        relay.wait_log("spool event=unusable")
        relay.write(gateway.conf() + f'Spoolbase = "{FOLDER}"\n')
        equal(gatepost("check", "-c", relay.conf)[0], 78, "check")


@case("neither setup mode nor Spool = off makes it")
def _():
    fresh()
    for text, why in (("Gatewya = x\n", "Gatewya"), ("", "names no")):
        with new_box(text) as relay:
            in_setup(relay, why)
            equal(relay.status()["spool"], "off", "Spool in setup mode")
    with Liar() as gateway, Relay(gateway.conf() + "Spool = off\n") as relay:
        equal(relay.status()["spool"], "off", "Spool")
    check(not os.path.exists(FOLDER), "the folder was made")


need_binary()
main(jobs=1)
