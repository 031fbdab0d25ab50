#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Listeners, peers, and who may relay (DESIGN 3.3)."""

import os
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import ns                                                      # noqa: E402


def relay(gateway, listener, more=""):
    return Relay(gateway.conf() + more + "ESMTP_Listener {\n" + listener + "\n}\n")


def may(r, wanted, address=None, source=None):
    with Client(address or r.address, source=source) as c:
        c.hello()
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", wanted)


@case("port 0 is any port, and status --json shows it")
def _():
    with Liar() as g, relay(g, 'Listen "127.0.0.1:0" {} Listen "127.0.0.2:0" {}') as r:
        equal(len(r.addresses), 2)
        check(all(p > 0 for _, p in r.addresses) and r.addresses[0] != r.addresses[1], repr(r.addresses))
        for one in r.addresses:
            may(r, "250", one)


@cases("Listen {0}: reached at {1}", [
    (":0", ("127.0.0.1", "::1")), ("*:0", ("127.0.0.1",)), ("[*]:0", ("::1",)), ("[::]:0", ("::1",)),
    ("127.0.0.1:0", ("127.0.0.1",)), ("[::1]:0", ("::1",)), ("lo:0", ("127.0.0.1",))])
def _(text, hosts):
    with Liar() as g, relay(g, f'Listen "{text}" {{}}') as r:
        ports = {p for _, p in r.addresses}
        for host in hosts:
            done = 0
            for port in ports:
                try:
                    with Client((host, port)) as c:
                        c.reply("220")
                        done += 1
                except ConnectionRefusedError:
                    pass
            check(done > 0, f"nobody answers at {host} {ports}")


@case("Listen on a path: its users may relay")
def _():
    with Files() as f:
        os.chmod(f.dir, 0o777)
        path = f.dir + "/in.sock"
        with Liar() as g, relay(g, f'Listen "{path}" {{}} Listen "127.0.0.1:0" {{}}', 'Relay_Hosts = ( "10.0.0.0/8" )\n') as r:
            contains(r.addresses, path)
            with Client(path) as c:
                c.hello()
                c.mail(wanted="250")
            equal(len(g.mails), 1)
            with r.session() if r.address != path else Client(r.addresses[1]) as c:
                pass


@case("an address that is not there yet is bound all the same")
def _():
    with Liar() as g, relay(g, 'Listen "192.0.2.77:0" {} Listen "127.0.0.1:0" {}') as r:
        contains([h for h, _ in r.addresses], "192.0.2.77")
        with Client(("127.0.0.1", dict(r.addresses)["127.0.0.1"])) as c:
            c.reply("220")


@case("Enable = false leaves a listener out")
def _():
    with Liar() as g, relay(g, 'Listen "127.0.0.1:0" {} Listen "127.0.0.2:0" { Enable = false }') as r:
        equal([h for h, _ in r.addresses], ["127.0.0.1"])


@cases("who may relay by default: loopback and private networks: {0}", [
    ("127.0.0.1", "250"), ("127.255.0.9", "250"), ("10.77.0.1", "250"), ("172.16.5.1", "250"), ("192.168.9.1", "250"),
    ("169.254.3.3", "250"), ("203.0.113.5", "550 5.7.1"), ("172.32.0.1", "550 5.7.1"), ("fd00::77", "250"),
    ("2001:db8::77", "550 5.7.1"), ("::1", "250")])
def _(source, wanted):
    with Liar() as g, relay(g, 'Listen ":0" {}') as r:
        port = r.port
        may(r, wanted, (source, port), source)
        if wanted.startswith("550"):
            equal(len(g.conns), 0, "connections of the gateway")


@cases("Relay_Hosts {0}: {1} gets {2}", [
    ("127.0.0.2", "127.0.0.2", "250"), ("127.0.0.2", "127.0.0.3", "550 5.7.1"), ("127.0.0.0/30", "127.0.0.3", "250"),
    ("127.0.0.0/30", "127.0.0.4", "550 5.7.1"), ("::1", "::1", "250"), ("[::1]", "::1", "250"), ("[fd00::]/8", "fd00::77", "250"),
    ("fd00::/8", "::1", "550 5.7.1"), ("::ffff:127.0.0.2", "127.0.0.2", "250"), ("local", "10.77.0.1", "250|550")])
def _(block, source, wanted):
    with Liar() as g, relay(g, 'Listen ":0" {}', f'Relay_Hosts = ( "{block}" )\n') as r:
        may(r, wanted, (source, r.port), source)


@case("the word local means the networks of the interfaces listened on")
def _():
    with Liar() as g, relay(g, 'Listen "lan0:0" {} Listen "127.0.0.1:0" {}', 'Relay_Hosts = ( "local" )\n') as r:
        contains([h for h, _ in r.addresses], "127.0.0.1")


@case("a listener named by an interface: default is loopback and local")
def _():
    with Liar() as g, relay(g, 'Listen "lo:0" {}') as r:
        may(r, "250", ("127.0.0.1", r.port), "127.0.0.1")


@case("Open_Relay = true lets a public block load, and relay")
def _():
    with Liar() as g, relay(g, 'Listen ":0" {}', 'Open_Relay = true\nRelay_Hosts = ( "0.0.0.0/0" )\n') as r:
        may(r, "250", ("203.0.113.5", r.port), "203.0.113.5")


@case("Relay_Hosts of a Peer, a Listen, a listener: the Peer's wins, then Listen's")
def _():
    text = ('Relay_Hosts = ( "127.0.0.9" )\n Listen "127.0.0.1:0" { Relay_Hosts = ( "127.0.0.2" ) }\n'
            'Listen "127.0.0.2:0" { }\nPeer "127.0.0.7" { Relay_Hosts = ( "127.0.0.7" ) }')
    with Liar() as g, relay(g, text) as r:
        a, b = r.addresses
        for at, source, wanted in ((a, "127.0.0.2", "250"), (b, "127.0.0.2", "550"), (a, "127.0.0.9", "550"),
                                   (b, "127.0.0.9", "250"), (a, "127.0.0.7", "250"), (b, "127.0.0.7", "250")):
            may(r, wanted, at, source)


def size_seen(address, source):
    with Client(address, source=source) as c:
        return [x for x in c.hello().lines if x.startswith("SIZE ")][0].split()[1]


@case("the longest prefix wins, whatever the order")
def _():
    text = ('Listen "127.0.0.1:0" {}\nPeer "127.0.0.0/24" { Max_Message_Size = 2000 }\nPeer "127.0.0.5" { Max_Message_Size '
            '= 5000 }\nPeer "127.0.0.0/16" { Max_Message_Size = 1000 }\nPeer "127.0.0.4/30" { Max_Message_Size = 4000 }')
    with Liar() as g, relay(g, text, "Max_Message_Size = 9000\n") as r:
        for source, wanted in (("127.0.0.1", "2000"), ("127.0.0.5", "5000"), ("127.0.1.1", "1000"), ("127.0.0.6", "4000"),
                               ("127.1.0.1", "9000")):
            equal(size_seen(r.address, source), wanted, source)


@case("Listen's peers before the listener's")
def _():
    text = ('Listen "127.0.0.1:0" { Peer "127.0.0.0/8" { Max_Message_Size = 1000 } }\nListen "127.0.0.2:0" {}\n'
            'Peer "127.0.0.5" { Max_Message_Size = 2000 }')
    with Liar() as g, relay(g, text) as r:
        equal([size_seen(a, "127.0.0.5") for a in r.addresses], ["1000", "2000"])


@case("receiving options: Peer, then Listen, then listener, then global")
def _():
    text = ('Max_Message_Size = 3000\nListen "127.0.0.1:0" { Max_Message_Size = 2000 }\nListen "127.0.0.2:0" {}\n'
            'Peer "127.0.0.5" { Max_Message_Size = 1000 }')
    with Liar() as g, relay(g, text, "Max_Message_Size = 4000\n") as r:
        a, b = r.addresses
        equal([size_seen(a, "127.0.0.5"), size_seen(a, "127.0.0.6"), size_seen(b, "127.0.0.6")], ["1000", "2000", "3000"])


@case("two ESMTP_Listener stanzas, and one opened twice, all listen")
def _():
    with Liar() as g:
        text = 'ESMTP_Listener { Listen "127.0.0.1:0" {} }\nESMTP_Listener { Listen "127.0.0.2:0" {} }\n'
        with Relay(g.conf() + text) as r:
            equal(sorted(h for h, _ in r.addresses), ["127.0.0.1", "127.0.0.2"])


@case("the binding comes from the Peer, else the Listen, else the listener")
def _():
    text = ('Binding = "three"\nListen "127.0.0.1:0" { Binding = "two" }\nListen "127.0.0.2:0" {}\n'
            'Peer "127.0.0.5" { Binding = "one" }')
    more = "".join(f'Binding "{n}" {{ EHLO_Hostname = {n}.test }}\n' for n in ("one", "two", "three"))
    with Liar() as g, relay(g, text, more) as r:
        a, b = r.addresses
        for at, source in ((a, "127.0.0.5"), (a, "127.0.0.6"), (b, "127.0.0.6")):
            may(r, "250", at, source)
        equal([c.lines[0] for c in g.conns], [b"EHLO one.test", b"EHLO two.test", b"EHLO three.test"])


@case("without an ESMTP_Listener it listens on :25")
def _():
    with Liar() as g:
        r = Relay(g.conf(), start=False)
        with open(r.conf, "w", encoding="ascii") as file:
            file.write(f'{g.conf()}Control_Socket = "{r.control}"\nUser = "nobody"\n')
        with r.start():
            with Client(("127.0.0.1", 25)) as c:
                c.reply("220")
            with Client(("::1", 25)) as c:
                c.reply("220")


@case("a port that another program holds is one clear error, and the exit is not 0")
def _():
    import socket
    with socket.create_server(("127.0.0.1", 0)) as taken, Liar() as g, Files() as f:
        port = taken.getsockname()[1]
        path = f.put("gatepost.conf", g.conf() + f'User = nobody\nControl_Socket = "{f.dir}/c"\n'
                     f'ESMTP_Listener {{ Listen "127.0.0.1:{port}" {{}} }}\n')
        code, _out, err = gatepost("run", "-c", path)
        check(code != 0, "exit 0")
        contains(err, str(port))


need_binary()
ns.enter(("10.77.0.1/24", "172.16.5.1/32", "172.32.0.1/32", "192.168.9.1/32", "169.254.3.3/32", "203.0.113.5/32",
          "fd00::77/128", "2001:db8::77/128"))
ns.interface("lan0")
main()
