# SPDX-License-Identifier: ISC
"""What the tests from outside share: TAP, the relay under test, a raw client, a scripted gateway."""

from contextlib import contextmanager

from .liar import CLOSE, EXTENSIONS, HALF, RESET, SILENT, Deaf, Endless, Liar, Over, Slow, Stall
from .raw import Client, Closed, Reply
from .relay import (BINARY, TOP, Files, Relay, descendants, gatepost, need_binary, parse_event, proc,
                    proc_status)
from .tap import (Failed, Skip, among, case, cases, check, contains, equal, lacks, main, short, skip_all,
                  wait_for, within)

__all__ = [n for n in dir() if not n.startswith("_")] + ["box", "peek", "refused_port"]

HELLO = b"Subject: x\r\n\r\nhello\r\n"


@contextmanager
def box(conf="", *scripts, hostname="box.test", receive=0, mortal=False, **script):
    """A relay before one scripted gateway: (relay, gateway)."""
    with Liar(*scripts, receive=receive, **script) as gateway:
        with Relay(gateway.conf() + conf, hostname=hostname, mortal=mortal) as relay:
            yield relay, gateway


def peek(conn, word, seconds=1.0):
    """In a gateway's script: are these octets there already, before anything was answered?"""
    conn.sock.settimeout(seconds)
    try:
        while word not in conn.have:
            conn.read()
        return True
    except Over:
        conn.how = ""
        return False
    finally:
        conn.sock.settimeout(120)


def refused_port():
    """A port of 127.0.0.1 where nothing listens (and where nobody gets one by chance soon)."""
    import socket
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    _kept.append(sock)
    return port


_kept = []
__all__ += ["HELLO"]
