#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""run --setup --offer: a gateway that the network offers (DHCP option 69), in namespaces of the test's own (DESIGN 7)."""

import os
import re
import signal
import socket
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import ns                                                      # noqa: E402
from lib.setup import in_setup, new_box, refuses, relays                # noqa: E402

need_binary()
HERE, THERE = "10.98.0.1", "10.98.0.2"      # where gateways stand; the relay listens at 127.0.0.1
ns.enter(addresses=(f"{HERE}/24", f"{THERE}/24"))


def offered(text, offer, g=None):
    """A box with that configuration, to whom the network offers that gateway."""
    r = new_box("", start=False, mortal=True)
    r.offer = os.path.join(r.dir, "offer")
    r.arguments += ["--offer", r.offer]
    if offer is not None:
        with open(r.offer, "w", encoding="latin-1") as file:
            file.write(offer)
    r.write(text + (f"Remote_SMTP_Port = {g.port}\n" if g else ""))
    return r.start()


@cases("the network offers a gateway, {0}: it is used", [
    ("none is configured", "10.98.0.1\n"), ("as the first of some lines", "10.98.0.1 \r\n10.0.0.1\n"), ("without a line end", "10.98.0.1")])
def _(_name, offer):
    with Liar(host=HERE) as g, offered("", offer, g) as r:
        relays(r, g)
        r.wait_log("setup gateway=offered")
        r.reload("Gatewya = x\n")                               # not even a broken one takes its place …
        r.wait_log("not reloaded, everything stays as it was: the configuration has errors")
        relays(r, g)
        with Liar() as own:                                     # … but a good one
            r.reload(own.conf())
            r.wait_log("generation=2")
            relays(r, own)
            r.reload("")                                        # and nothing offered takes that one's
            r.wait_log("(?s)not reloaded, everything.*not reloaded, everything")
            relays(r, own)
            r.write(own.conf())


@cases("the network offers a gateway, {0}: it is not used", [
    ("a login is configured", 'Outbound_SMTP_AUTH_User = "u@x.test"\nOutbound_SMTP_AUTH_Pass = "secret"\n', "10.98.0.1", "names no gateway"),
    ("a login in a stanza", 'Binding "b" { Outbound_SMTP_AUTH_User = "u@x.test"  Outbound_SMTP_AUTH_Pass = "secret" }\n', "10.98.0.1",
     "names no gateway"),
    ("a part of a login", "OAuth2_Provider = google\n", "10.98.0.1", "names no gateway"),
    ("the configuration is broken", "Gatewya = x\n", "10.98.0.1", "Gatewya"),
    ("a name", "", "gateway.test\n", "names no gateway"), ("an IPv6 address", "", "::1\n", "names no gateway"),
    ("a configuration", "", '10.98.0.1"\nOpen_Relay = true\n', "names no gateway"), ("nothing", "", "", "names no gateway"),
    ("endless", "", "1" * 100000, "names no gateway"), ("no file", "", None, "names no gateway")])
def _(_name, text, offer, reason):
    with Liar(host=HERE) as g, offered(text, offer, g) as r:
        in_setup(r, reason)
        refuses(r)
        equal(len(g.mails), 0)


REFUSED = "; the gateway that the network (DHCP) offers is refused: "


SELF = f"{THERE}:{{port}} is this relay itself, which listens there"


@cases("the network offers {1}{0}: refused, setup mode says why until another one is offered", [
    ("", "127.0.0.1", "127.0.0.1 is this box itself", ""), ("", "127.255.0.9", "127.255.0.9 is this box itself", ""),
    ("", "0.0.0.0", 'Gateway: "0.0.0.0" is not the address of a host', ""),
    ("", "224.0.0.25", 'Gateway: "224.0.0.25" is not the address of a host', ""),
    ("", "255.255.255.255", 'Gateway: "255.255.255.255" is not the address of a host', ""),
    (", at which it listens", THERE, SELF, f'ESMTP_Listener {{{{ Listen "{THERE}:{{port}}" {{{{}}}} }}}}\n'),
    (", one of those at which it listens", THERE, SELF, 'ESMTP_Listener {{ Listen ":{port}" {{}} }}\n')])
def _(_name, offer, reason, text):
    with Liar(host="127.0.0.1") as g, Liar(host=HERE, port=g.port) as other:
        with socket.socket() as s:
            s.bind((THERE, 0))
            own = s.getsockname()[1]
        text, reason = text.format(port=own), reason.format(port=own)
        port = own if text else g.port
        with offered(f"Remote_SMTP_Port = {port}\n{text}", offer + "\n") as r:
            in_setup(r, f"the configuration {r.conf} names no gateway{REFUSED}{reason}")
            r.wait_log(r'setup mode=on reason=".* is refused: .*' + re.escape(offer))
            lacks(r.log(), ": error: ")
            with Client((THERE, own) if text else r.address) as c:
                c.hello()
                c.cmd("MAIL FROM:<a@dev.test>", "451 4.3.5")
            equal(g.conns, [], "connections to what was offered")
            if text:
                return
            with open(r.offer, "w", encoding="ascii") as file:
                file.write(HERE)
            r.signal(signal.SIGHUP)
            relays(r, other)


@case("offered later, another one, and none any more")
def _():
    with Liar(host=HERE) as g, Liar(host=THERE, port=g.port) as h, offered("", None, g) as r:
        in_setup(r, "names no gateway")
        for liar, address in ((g, f"{HERE}\n"), (h, f"{THERE}\n")):
            with open(r.offer, "w", encoding="ascii") as file:
                file.write(address)
            r.signal(signal.SIGHUP)
            wait_for(lambda: r.status()["gateways"] and r.status()["gateways"][0]["gateway"].startswith(address.strip()),
                     what="the gateway")
            relays(r, liar)
        os.unlink(r.offer)
        r.signal(signal.SIGHUP)
        in_setup(r, "names no gateway")


main()
