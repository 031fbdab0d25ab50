#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Names, addresses, down and probing, loops (DESIGN 2: Addresses, Down, Loops; 3.1)."""

import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import ns                                                      # noqa: E402

def send(r, wanted="250"):
    with r.session() as c:
        start = time.monotonic()
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>", wanted, 30)
        if got.code == 250:
            c.data()
            c.send(HELLO + b".\r\n").reply("250")
        return got, time.monotonic() - start


_ports = iter(range(20001, 29999))


def name(*addresses):
    """A name of its own with these addresses, by /etc/hosts."""
    one = f"gw{next(_ports)}.test"
    ns.hosts(*[f"{a} {one}" for a in addresses])
    return one


@case("a name with one address")
def _():
    with Liar() as g, Relay(f'Gateway = "{name("127.0.0.1")}:{g.port}"\n') as r:
        send(r)
        equal(len(g.mails), 1)


@case("a name without a port uses Remote_SMTP_Port")
def _():
    with Liar() as g, Relay(f'Gateway = "{name("127.0.0.1")}"\nRemote_SMTP_Port = {g.port}\n') as r:
        send(r)
        equal(len(g.mails), 1)


@case("IPv6: a literal gateway")
def _():
    with Liar(host="::1") as g, Relay(g.conf()) as r:
        send(r)
        equal(len(g.mails), 1)


@case("an address literal of IPv6 as EHLO name")
def _():
    with Liar(host="::1") as g, Relay(g.conf(), hostname="box") as r:
        send(r)
        equal(g.conn().lines[0], b"EHLO [IPv6:::1]")


@case("the EHLO name is the literal of the real outgoing address")
def _():
    with Liar(host="10.77.0.1") as g, Relay(g.conf(), hostname="box") as r:
        send(r)
        equal(g.conn().lines[0], b"EHLO [10.77.0.1]")


@case("Bind_Address is the source")
def _():
    with Liar() as g, Relay(g.conf() + "Bind_Address = 127.0.0.66\n") as r:
        send(r)
        equal(g.conn().peer[0], "127.0.0.66")


@case("the first address refuses: the second is used; the next mail goes to it at once")
def _():
    with Liar(host="127.0.5.2") as g, Relay(f'Gateway = "{name("127.0.5.1", "127.0.5.2")}:{g.port}"\n') as r:
        send(r)
        _, took = send(r)
        within(took, 0, 1)
        equal(len(g.mails), 2)


@case("all addresses refuse: 451 4.4.1")
def _():
    with Relay(f'Gateway = "{name("127.0.5.3", "127.0.5.4")}:{refused_port()}"\n') as r:
        send(r, "451 4.4.1")


@cases("the first address {0}: the second is used", [
    ("greets with 554", {"GREETING": "554 no"}), ("closes", {"GREETING": CLOSE}), ("refuses EHLO", {"EHLO": "550", "HELO": "550 no"}),
    ("answers MAIL with 421", {"MAIL": "421 no"})])
def _(_name, script):
    port = next(_ports)
    with Liar(host="127.0.6.1", port=port, **script), Liar(host="127.0.6.2", port=port) as g:
        with Relay(f'Gateway = "{name("127.0.6.1", "127.0.6.2")}:{port}"\n') as r:
            send(r)
            equal(len(g.mails), 1)


@case("a silent address gets company after 3 s, and is tried last for the next mail")
def _():
    with Liar(host="127.0.5.6") as g, Deaf("127.0.5.5", g.port), Relay(
            f'Gateway = "{name("127.0.5.5", "127.0.5.6")}:{g.port}"\nMax_Deliveries_Per_Connection = 1\n') as r:
        _, took = send(r)
        within(took, 2.3, 5)
        _, took = send(r)
        within(took, 0, 1.5)
        equal(len(g.mails), 2)


@case("a single silent address: 451 4.4.1 after Connect_Timeout")
def _():
    with Deaf() as d, Relay(f'Gateway = "{d.at}"\nConnect_Timeout = 2s\n') as r:
        _, took = send(r, "451 4.4.1")
        within(took, 1.3, 4)


@case("a single silent address: 451 when the patience is over")
def _():
    with Deaf() as d, Relay(f'Gateway = "{d.at}"\nClient_Patience = 2s\n') as r:
        _, took = send(r, "451")
        within(took, 1.3, 4)


@case("two silent addresses and a good third one")
def _():
    with Liar(host="127.0.5.9") as g, Deaf("127.0.5.7", g.port), Deaf("127.0.5.8", g.port), Relay(
            f'Gateway = "{name("127.0.5.7", "127.0.5.8", "127.0.5.9")}:{g.port}"\n') as r:
        _, took = send(r)
        within(took, 4.5, 9)
        equal(len(g.mails), 1)


@case("Prohibited_Hosts are left out")
def _():
    port = next(_ports)
    with Liar(host="127.0.6.5", port=port) as bad, Liar(host="127.0.6.6", port=port) as g:
        with Relay(f'Gateway = "{name("127.0.6.5", "127.0.6.6")}:{port}"\nProhibited_Hosts = ( "127.0.6.5/32" )\n') as r:
            send(r)
            equal((len(bad.conns), len(g.mails)), (0, 1))


@case("only prohibited addresses: 451 with the reason")
def _():
    with Liar() as g, Relay(f'Gateway = "{name("127.0.0.1")}:{g.port}"\nProhibited_Hosts = ( "127.0.0.0/8" )\n') as r:
        send(r, "451 4.4.1")
        equal(len(g.conns), 0)


# --- names ---

@cases("a name that {0}: 451 4.4.1 with the cause in words, never 5xx", [
    ("does not exist", "nowhere.test"), ("the server fails on", "servfail.test"), ("has no address", "empty.test")])
def _(_name, host):
    with Relay(f'Gateway = "{host}:2525"\nClient_Patience = 15s\n') as r:
        got, _ = send(r, "451 4.4.1")
        contains(got.text, host)


@case("a name server that does not answer: 451 when the patience is over")
def _():
    with Relay('Gateway = "silent.test:2525"\nClient_Patience = 3s\n') as r:
        _, took = send(r, "451")
        within(took, 0, 5)


@case("addresses that worked are used when the name server does not answer any more")
def _():
    with Liar(host="127.0.7.1") as g, Relay(f'Gateway = "fading.test:{g.port}"\nMax_Deliveries_Per_Connection = 1\n') as r:
        send(r)
        DNS.zone["fading.test", "A"] = DNS.zone["fading.test", "AAAA"] = "silent"
        for one in g.conns:
            wait_for(lambda one=one: one.closed, 60, "the first connection closed")
        send(r)
        equal(len(g.mails), 2)


@case("A and AAAA, not MX, where there is an address")
def _():
    with Liar(host="127.0.7.2", port=25) as g, Liar(host="127.0.7.3", port=25) as mx, Relay('Gateway = "both.test"\n') as r:
        send(r)
        equal((len(g.mails), len(mx.conns)), (1, 0))


@case("MX where there is neither, the lower preference first")
def _():
    with Liar(host="127.0.7.5", port=25) as g, Liar(host="127.0.7.6", port=25) as two, Relay('Gateway = "mxonly.test"\n') as r:
        send(r)
        equal((len(g.mails), len(two.conns)), (1, 0))
        g.stop()
        wait_for(lambda: g.conns[0].closed, 60, "closed")
        send(r)
        equal(len(two.mails), 1)


@case("MX never with a port")
def _():
    with Liar(host="127.0.7.8") as g, Relay(f'Gateway = "mxport.test:{g.port}"\n') as r:
        send(r, "451 4.4.1")
        equal(len(g.conns), 0)


@case("1,000 addresses and a loop of CNAMEs are bounded")
def _():
    with Relay('Gateway = "loop.test:2525"\nClient_Patience = 8s\n') as r:
        _, took = send(r, "451")
        within(took, 0, 11)


# --- loops ---

@case("an address and port on which the box itself listens is skipped when it was looked up")
def _():
    port = next(_ports)
    host = name("127.0.8.1", "127.0.8.2")
    with Liar(host="127.0.8.2", port=port) as g:
        with Relay(f'Gateway = "{host}:{port}"\nESMTP_Listener {{ Listen "127.0.8.1:{port}" {{}} }}\n') as r:
            with Client(("127.0.8.1", port)) as c:
                c.hello()
                c.mail(wanted="250")
            equal(len(g.mails), 1)
            equal(len(g.mails[0].fields("Received")), 1)


@case("where only the box's own address is left: 451, no loop")
def _():
    port = next(_ports)
    host = name("127.0.8.3")
    with Relay(f'Gateway = "{host}:{port}"\nESMTP_Listener {{ Listen ":{port}" {{}} }}\n') as r:
        with Client(("127.0.0.1", port)) as c:
            c.hello()
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451")
        del r


# --- down ---

def down(r):
    return r.gateway_state() == "down"


@case("all addresses failed at connect: down, 451 at once, no dialling for the clients")
def _():
    with Liar(GREETING="554 no") as g, Relay(g.conf()) as r:
        send(r, "451 4.4.2")
        wait_for(lambda: down(r), 60, "state down")
        before = len(g.conns)
        start = time.monotonic()
        for _ in range(5):
            _, took = send(r, "451")
            within(took, 0, 0.5)
        within(len(g.conns) - before, 0, 1 + int((time.monotonic() - start) / 2), "connections meanwhile")


@case("the box probes: after 2 s, then 4 s, one at a time")
def _():
    with Liar(GREETING="554 no") as g, Relay(g.conf()) as r:
        send(r, "451")
        start = g.conns[0].opened
        time.sleep(8)
        times = [c.opened - start for c in g.conns]
        equal(len(times), 3, f"connections ({times})")
        within(times[1], 1.5, 3.2, "first probe")
        within(times[2] - times[1], 3, 5.5, "second probe later")


@cases("down by {0}, up again by the probe, without a client", [
    ("greeting", {"GREETING": "421 no"}), ("EHLO", {"EHLO": "421 no"}), ("a close", {"GREETING": CLOSE})])
def _(_name, script):
    with Liar(script, {}) as g, Relay(g.conf()) as r:
        send(r, "451")
        wait_for(lambda: down(r), 60, "state down")
        wait_for(lambda: not down(r), 6, "state up")
        send(r)
        equal(len(g.mails), 1)


@case("a gateway that comes to life")
def _():
    port = next(_ports)
    with Relay(f'Gateway = "127.0.9.1:{port}"\n') as r:
        send(r, "451 4.4.1")
        equal(r.gateway_state(), "down")
        with Liar(host="127.0.9.1", port=port) as g:
            wait_for(lambda: not down(r), 6, "state up")
            send(r)
            equal(len(g.mails), 1)


@case("the probe says QUIT and sends no mail")
def _():
    with Liar({"GREETING": "421 no"}, {}) as g, Relay(g.conf()) as r:
        send(r, "451")
        g.conn(1, 6)
        g.wait(lambda: g.conns[1].lines, 5, "the probe's EHLO")
        time.sleep(0.3)
        lacks(g.conns[1].verbs, "MAIL")


@case("status of a gateway that is down: exit 1, and the first line says why")
def _():
    with Liar(GREETING="554 5.7.1 your address is on a list") as g, Relay(g.conf()) as r:
        send(r, "451")
        wait_for(lambda: down(r), 60, "state down")
        code, out, _err = gatepost("status", "-c", r.conf)
        equal(code, 1, "exit")
        contains(out.splitlines()[0], g.at)
        contains(out.splitlines()[0], "your address is on a list")


need_binary()
ns.enter(("10.77.0.1/24",))
DNS = ns.Dns({
    ("servfail.test", "*"): "servfail", ("silent.test", "*"): "silent", ("empty.test", "TXT"): [],
    ("fading.test", "A"): ["127.0.7.1"], ("both.test", "A"): ["127.0.7.2"], ("both.test", "MX"): [(10, "m.test")],
    ("m.test", "A"): ["127.0.7.3"], ("mxonly.test", "MX"): [(20, "m6.test"), (10, "m5.test")], ("m5.test", "A"): ["127.0.7.5"],
    ("m6.test", "A"): ["127.0.7.6"], ("mxport.test", "MX"): [(10, "m8.test")], ("m8.test", "A"): ["127.0.7.8"],
    ("loop.test", "CNAME"): ["loop2.test"], ("loop2.test", "CNAME"): ["loop.test"]})
main(jobs=8)
