#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The provider's name, looked up on the way to a token; in namespaces with a name server of the test's own."""

import os
import re
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import certs, ns                                               # noqa: E402
from lib.endpoint import *                                              # noqa: E402,F403

NAME = certs.HOST
MORE = "OAuth2_Tenant = contoso.test\n"

need_binary()
ns.enter(("10.97.0.1/32", "10.97.0.2/32"))
DNS = ns.Dns({(NAME, "A"): ["10.97.0.2", "10.97.0.1"], ("servfail.test", "*"): "servfail", ("silent.test", "*"): "silent",
              ("other.test", "A"): ["10.97.0.1"], ("local.test", "AAAA"): ["fe80::1"], ("empty.test", "TXT"): []})


def endpoint(name=NAME):
    return Endpoint(grant="client", secret=SECRET, at="10.97.0.1", name=name)


def login(e):
    with Files(gatepost__conf='Gateway = "127.0.0.1:2525"\n' + e.conf(more=MORE)) as files:
        return gatepost("login", "-c", os.path.join(files.dir, "gatepost.conf"), wait=60)


@case("it is looked up, and the second address taken where the first one refuses")
def _():
    with endpoint() as e:
        code, out, err = login(e)
        equal((code, err), (0, ""), f"exit and stderr, {out}")
        equal(len(e.asked()), 1, "token requests")


@case("the relay's helper does the same")
def _():
    with endpoint() as e:
        with TlsLiar(login=TokenLogin(e)) as gateway, Relay(gateway.conf() + e.conf(more=MORE)) as r:
            with r.session() as c:
                c.mail(wanted="250")


@cases("{0}: {1}", [("absent.test", "no such host"), ("servfail.test", "name server did not answer"),
                    ("empty.test", "no such host"), ("local.test", "it has no address"), ("other.test", "certificate")])
def _(name, words):
    with endpoint(name) as e:
        code, _out, err = login(e)
        equal(code, 69, "exit")
        check(re.search(rf"{name}: .*{words}", err), f"stderr: {err}")
        equal(e.requests, [], "requests")


@case("a name server that is silent: within 30 s")
def _():
    with endpoint("silent.test") as e:
        start = time.monotonic()
        code, _out, err = login(e)
        equal(code, 69, "exit")
        contains(err, "silent.test: ")
        within(time.monotonic() - start, 1, 31)


if __name__ == "__main__":
    main()
