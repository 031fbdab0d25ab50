#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What make run executes: without a terminal it does one mail; with one it serves until Ctrl-C."""

import glob
import os
import pty
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from lib.relay import Files, need_binary                                # noqa: E402
from lib.tap import case, check, contains, equal, main, wait_for        # noqa: E402

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def environment(folder, port, **more):
    return {**os.environ, "GATEPOST_DEMO": folder, "PORT": str(port), **more}


@case("without a terminal: one scan, its file, the Received line, status 0")
def _():
    with Files() as files:
        port = free_port()
        done = subprocess.run([RUN], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90,
                              env=environment(files.dir, port), check=False)
        equal((done.returncode, done.stderr), (0, ""), "status and stderr")
        mails = glob.glob(files.dir + "/*.eml")
        equal(len(mails), 1, "mails kept")
        contains(done.stdout, "1.eml")
        contains(done.stdout, "Received:")
        check(os.path.getsize(mails[0]) > 200_000, "a scan of some hundred KiB")


@case("a taken port: status 1, one line with the cure")
def _():
    with Files() as files, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([RUN], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env=environment(files.dir, port), check=False)
        equal(done.returncode, 1, "status")
        equal(len(done.stderr.splitlines()), 1, "lines on stderr")
        contains(done.stderr, str(port))
        contains(done.stderr, "PORT=")


@case("without the binary: status 1 and the reason")
def _():
    with Files() as files:
        done = subprocess.run([RUN], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env=environment(files.dir, free_port(), GATEPOST="/nonexistent/gatepost"), check=False)
        equal(done.returncode, 1, "status")
        contains(done.stderr, "make")


@case("with a terminal: a second mail is taken, Ctrl-C ends everything with status 0")
def _():
    with Files() as files:
        port = free_port()
        master, slave = pty.openpty()
        out = open(os.path.join(files.dir, "out"), "w+", encoding="utf-8")
        process = subprocess.Popen([RUN], stdin=slave, stdout=out, stderr=out, env=environment(files.dir, port))
        try:
            wait_for(lambda: "Ctrl-C" in open(out.name, encoding="utf-8").read() or process.poll() is not None, 60)
            with socket.create_connection(("127.0.0.1", port), 10) as sock:
                sock.settimeout(10)
                sock.sendall(b"EHLO d\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n")
                time.sleep(0.3)
                sock.sendall(b"Subject: second\r\n\r\nx\r\n.\r\nQUIT\r\n")
                wait_for(lambda: os.path.exists(os.path.join(files.dir, "2.eml")), 60, "a second mail")
            process.send_signal(signal.SIGINT)
            equal(process.wait(40), 0, "status")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(master)
            os.close(slave)
        contains(open(out.name, encoding="utf-8").read(), "2.eml")
        probe = socket.socket()
        check(probe.connect_ex(("127.0.0.1", port)) != 0, "the relay still listens")
        probe.close()


need_binary()
main(jobs=2)
