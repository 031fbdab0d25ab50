# SPDX-License-Identifier: ISC
"""What TLS costs: CPU beside Postfix's smtp client, handshakes, memory. For tests/bench/run."""

import os
import re
import statistics
import time

import measure
from hops import NGINX, Gatepost, Nginx
from lib_peers import certs
from lib_peers.gateways import PostfixGateway
from lib_peers.programs import free_port
from lib_peers.raw import Client
from lib_peers.relay import gatepost
from lib_peers.tap import wait_for
from lib_peers.tlsgateway import TlsLiar, context

# The sink speaks no TLS: nginx's mail proxy does it in front of it, for both alike.
WALL = NGINX.replace("smtp_auth none;", "smtp_auth none;\n\t\tstarttls on;\n\t\tssl_certificate {chain};"
                     "\n\t\tssl_certificate_key {key};\n\t\tssl_protocols TLSv1.3;")

MAIN_CF = """\
relayhost = [127.0.0.1]:WALL
virtual_mailbox_domains =
smtpd_relay_restrictions = permit_mynetworks, reject
mynetworks = 127.0.0.0/8
smtp_tls_security_level = encrypt
smtp_tls_connection_reuse = yes
smtp_connection_cache_on_demand = yes
smtp_connection_cache_destinations = [127.0.0.1]:WALL
smtp_connection_reuse_count_limit = 0
max_use = 1000000
max_idle = 1000
smtpd_client_connection_count_limit = 0
"""
MASTER_CF = "".join(f"{name} unix - - n - {limit} {name}\n" for name, limit in
                    (("smtp", "20"), ("scache", "1"), ("tlsproxy", "0"), ("tlsmgr", "1")))


class Wall(Nginx):
    """TLS in front of the sink."""

    def __init__(self, top, sink):
        cert = certs.get("good")
        super().__init__(top, sink, text=WALL.replace("{chain}", cert.chain).replace("{key}", cert.key.path))


class PostfixClient(PostfixGateway):
    """A whole Postfix that relays; what counts is its smtp client, with what holds its connections and does its TLS."""

    name = "Postfix"

    def __init__(self, wall):
        self.more = {"etc/main.cf": MAIN_CF.replace("WALL", str(wall)), "etc/master.cf": MASTER_CF}
        super().__init__()

    def pids(self):
        names = ("smtp", "tlsproxy", "scache", "tlsmgr")
        return [p for p in self.program.pids()
                if os.path.basename(os.path.realpath(f"/proc/{p}/exe")) in names]

    def sent(self):
        return self.log().count("status=sent")


class Secure(Gatepost):
    def __init__(self, port, more=""):
        root = certs.get("root").path
        super().__init__(port, more=f'TLS = required\nTLS_CA = "{root}"\nTLS_Name = "{certs.HOST}"\n' + more)

    def sent(self):
        return self.relay.log().count("status=sent")


def cpu(table, postfix, top, rounds, mails=2000):
    """CPU time per mail over kept TLS connections: all of the relay against the sending part of Postfix alone."""
    port = free_port()
    sink = postfix.sink(port)
    wall = Wall(top, port)
    pair = [PostfixClient(wall.port), Secure(wall.port)]
    seen = {hop.name: [] for hop in pair}
    try:
        for number in range(rounds + 1):
            for hop in pair if number % 2 else reversed(pair):
                count = mails if number else 100
                done, before = hop.sent(), measure.cpu_seconds(hop.pids())
                postfix.source(hop.port, count, 1024, kept=True)
                wait_for(lambda: hop.sent() - done >= count, 120, f"{count} mails through {hop.name}")     # noqa: B023
                time.sleep(0.1)
                if number:
                    seen[hop.name].append((measure.cpu_seconds(hop.pids()) - before) / count * 1e6)
    finally:
        for one in (*pair, wall, sink):
            one.stop()
    a, b = (statistics.median(seen[n]) for n in ("Postfix", "gatepost"))
    table.put("CPU, 1 KiB over kept TLS connections, 20 sessions", f"Postfix's smtp, tlsproxy, scache: {a:.1f} us",
              f"{b:.1f} us", f"{b / a:.2f} x", "<= 1.0 x", b <= a)


def one_each(hop, count):
    """CPU milliseconds of the relay per mail, each on its own connection to the gateway."""
    before = measure.cpu_seconds(hop.pids())
    with Client(("127.0.0.1", hop.port)) as client:
        client.hello("dev.example")
        for _ in range(count):
            client.mail(wanted="250")
    return (measure.cpu_seconds(hop.pids()) - before) / count * 1000


def handshakes(table, rounds, count=60):
    """What a handshake costs, whole and resumed: that of a mail with a connection of its own, less one without TLS."""
    more = "Max_Deliveries_Per_Connection = 1\n"
    rows = [("plain", None, None)]
    rows += [(f"TLS {v}, {k} key, {w}", (v, k), w)
             for v in ("1.3", "1.2") for k in ("EC", "RSA") for w in ("whole", "resumed")]
    gates, hops, seen = {}, {}, {name: [] for name, _, _ in rows}
    try:
        for name, how, way in rows:
            if how is None:
                gates[name] = TlsLiar(EHLO="250 gw.example")
                hops[name] = Gatepost(gates[name].port, more=more)
                continue
            cert = certs.get({"EC": "ec root", "RSA": "rsa large root"}[how[1]])
            # with one context the server knows its tickets again, with one for each connection it knows none
            number = 1 if way == "resumed" else (rounds + 1) * count
            gates[name] = TlsLiar(contexts=[context(cert, (how[0],)) for _ in range(number)])
            root = certs.get({"EC": "root", "RSA": "large root"}[how[1]]).path
            hops[name] = Secure(gates[name].port, more + f'TLS_CA = "{root}"\n')
        for number in range(rounds + 1):
            for name in seen:
                value = one_each(hops[name], count if number else 5)
                if number:
                    seen[name].append(value)
        for name, _, way in rows:
            if way and any(c.reused != (way == "resumed") for c in gates[name].secure[1:]):
                raise RuntimeError(f"{name}: {sum(c.reused for c in gates[name].secure)} sessions were resumed")
    finally:
        for one in (*hops.values(), *gates.values()):
            one.stop()
    middle = {name: statistics.median(values) for name, values in seen.items()}
    for name in list(middle)[1::2]:
        whole, again = middle[name] - middle["plain"], middle[name.replace("whole", "resumed")] - middle["plain"]
        table.put(f"CPU, handshake, {name.replace(', whole', '')}: whole, resumed", "", f"{whole:.2f} ms, {again:.2f} ms",
                  f"{again / whole:.2f} x", "", None)


def gateway_sessions(number, tls):
    """KiB of PSS with so many connections to the gateway, each with a mail under way."""
    gate = TlsLiar(**({} if tls else {"EHLO": "250 gw.example"}))
    hop = Secure(gate.port) if tls else Gatepost(gate.port)
    try:
        clients = []
        for _ in range(number):
            one = Client(("127.0.0.1", hop.port))
            one.hello("dev.example")
            one.start("scanner@example.com", "office@example.net")
            one.data()
            one.send(b"Subject: x\r\n\r\n" + (b"y" * 76 + b"\r\n") * 400)
            clients.append(one)
        time.sleep(0.5)
        size = measure.pss(hop.pids())
        for one in clients:
            one.close()
        return size
    finally:
        hop.stop()
        gate.stop()


def client_sessions(number, tls):
    """KiB of PSS with so many idle clients."""
    cert = certs.get("good")
    pair = f'TLS_Certificate = "{cert.chain}" TLS_Key = "{cert.key.path}"'
    hop = Gatepost(9, more=f'ESMTP_Listener {{ Listen "127.0.0.1:0" {{ {pair} }} }}\n')
    try:
        clients = []
        for _ in range(number):
            one = Client(("127.0.0.1", hop.port))
            one.hello("dev.example")
            if tls:
                one.cmd("STARTTLS", "220")
                one.secure()
                one.cmd("EHLO dev.example", "250")
            clients.append(one)
        time.sleep(0.5)
        size = measure.pss(hop.pids())
        for one in clients:
            one.close()
        return size
    finally:
        hop.stop()


def memory(table):
    with_set = Gatepost(9, more=f'TLS = required\nTLS_CA = "{certs.many()}"\n')
    try:
        time.sleep(0.5)
        size = measure.pss(with_set.pids())
    finally:
        with_set.stop()
    table.put("PSS, idle, TLS with a CA set of 140 certificates", "", f"{size:,} KiB", "", "<= 1,024 KiB", size <= 1024)
    for what, function in (("gateway", gateway_sessions), ("LAN", client_sessions)):
        few, many = 2, 12
        one, grown = [], []
        for tls in (True, False):
            sizes = [function(n, tls) for n in (0, few, many)]
            grown.append((sizes[2] - sizes[1]) / (many - few))
            one.append(sizes[1] - sizes[0])
        steady = grown[0] - grown[1]
        table.put(f"PSS more per TLS session, {what} side (2 to 12)", f"plain: {grown[1]:.1f} KiB", f"{grown[0]:.1f} KiB",
                  f"TLS: {steady:.1f} KiB", "<= 40 KiB", steady <= 40)
        first = (one[0] - one[1]) / few
        table.put(f"PSS more for each of the first 2 sessions, {what} side, handshake included",
                  f"plain: {one[1] / few:.1f} KiB", f"{one[0] / few:.1f} KiB", f"TLS: {first:.1f} KiB", "<= 64 KiB", first <= 64)


def built_in():
    return re.search(r"(?m)^mbedTLS: \d", gatepost("version")[1]) is not None


def run(table, postfix, top, rounds):
    if not built_in():
        return
    memory(table)
    handshakes(table, max(rounds - 2, 1))
    cpu(table, postfix, top, rounds)
