#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A name server that is silent, slow or mad while many clients need many names: nobody waits longer than the patience,
other gateways are served, nothing is left."""

import sys
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import ns                                                      # noqa: E402
from lib.strain import Balance, Idle, engine, good                      # noqa: E402

need_binary()
ns.enter()
COUNT = 60
DNS = ns.Dns()


def zone(word, value):
    for n in range(COUNT):
        for kind in ("A", "AAAA", "MX"):
            DNS.zone[f"{word}{n}.test", kind] = value if kind == "A" or isinstance(value, str) else []


def conf(g, word):
    return g.conf() + "Client_Patience = 3s\n" + "".join(
        f'Domain "d{n}.test" {{ Gateway = "{word}{n}.test:{g.port}" }}\n' for n in range(COUNT))


def crowd(r, wanted, seconds):
    """One client for each name, all at once; the codes and texts of their RCPT."""
    got, bad = [], []

    def one(n):
        try:
            with r.session(wait=seconds) as c:
                c.cmd("MAIL FROM:<a@a.test>", "250")
                got.append(c.cmd(f"RCPT TO:<x@d{n}.test>", wanted))
        except BaseException as error:  # told below
            bad.append(error)
    crew = [threading.Thread(target=one, args=(n,)) for n in range(COUNT)]
    for t in crew:
        t.start()
    return crew, got, bad


@cases("{0} names at once, the name server {1}: 451 within the patience, another gateway serves meanwhile", [
    (COUNT, "silent", "silent"), (COUNT, "fails", "servfail"), (COUNT, "knows none", "nxdomain")])
def _(_count, word, value):
    word = word.replace(" ", "")
    zone(word, value)
    with Liar() as g, Relay(conf(g, word)) as r:
        balance = Balance(r)
        crew, got, bad = crowd(r, "451 4", 8)
        time.sleep(0.5)
        good(r, g, "good", wait=4)
        for t in crew:
            t.join()
        if bad:
            raise bad[0]
        equal(len(got), COUNT, "replies")
        with Idle(r, 0.2):
            time.sleep(1)
        balance.settle(40)
        good(r, g, "after")
        equal(len(r.children()), 2, "processes")


@case("the name server comes back: the names are found")
def _():
    zone("back", "silent")
    with Liar(host="0.0.0.0") as g, Relay(conf(g, "back").replace("0.0.0.0", "127.0.0.1")) as r:
        pid = engine(r)
        crew, _got, bad = crowd(r, "451 4", 8)
        for t in crew:
            t.join()
        if bad:
            raise bad[0]
        zone("back", ["127.0.0.1"])

        def served():
            with r.session(wait=10) as c:
                c.cmd("MAIL FROM:<a@a.test>", "250")
                return c.cmd("RCPT TO:<x@d7.test>").code == 250
        wait_for(served, 60, "a mail by a name that is found again")
        equal(engine(r), pid, "the engine")


if __name__ == "__main__":
    main(jobs=2, limit=180)
