#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Many clients and several gateways that behave at random, judged from both ends.

GATEPOST_SOAK=SECONDS runs it that long (make soak), GATEPOST_SEED=N chooses the seed. What must hold:
a client that was told 250 after its dot finds exactly that mail whole at one gateway, for just the recipients that
were answered 250; no mail arrives twice, cut short or mixed with another; a refusal that a gateway sent is what its
client gets; the relay keeps nothing when all are gone.
"""

import asyncio
import hashlib
import logging
import os
import random
import re
import signal
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.strain import Balance, engine                                  # noqa: E402

SECONDS = float(os.environ.get("GATEPOST_SOAK") or 20)
SEED = int(os.environ.get("GATEPOST_SEED") or (1 if SECONDS <= 20 else time.time_ns() % 1000000))
CLIENTS = int(os.environ.get("GATEPOST_CLIENTS") or 24)
GATEWAYS = 4
FAILS = (421, 432, 454, 500, 502, 503, 530, 535)
CONF = """Client_Timeout = 4s
Client_Patience = 3s
Connect_Timeout = 2s
EHLO_Timeout = 1s
MailFrom_Timeout = 1s
RcptTo_Timeout = 1s
Body_Timeout = 2s
Host_Failure_Retry = 1s
Idle_Timeout = 1s
Max_Deliveries_Per_Connection = 7
Max_Outbound_Connections = 3
"""


class Trouble(Failed):
    pass


class Gone(Exception):
    """The peer closed, or this side chose to."""


class Mail:
    """One mail as its client knows it."""

    def __init__(self, tag):
        self.tag = tag
        self.taken = []         # recipients answered 250
        self.hash = ""
        self.size = 0
        self.dot = False        # the end of data was sent, as far as the client could
        self.code = None        # the reply to it, None where none came
        self.story = []


class Arrival:
    """One mail as a gateway knows it."""

    def __init__(self, tag, rcpts):
        self.tag, self.rcpts = tag, rcpts
        self.whole = False
        self.hash = ""
        self.wanted = ()        # the codes of which the client must get one, () where anything may be
        self.header = b""
        self.early = False


class World:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.mails, self.arrivals = {}, {}
        self.troubles = []
        self.count = {}
        self.number = 0
        self.end = 0.0
        self.reloads = False

    def note(self, what):
        self.count[what] = self.count.get(what, 0) + 1

    def trouble(self, text):
        self.troubles.append(text)


def abort(writer):
    """Close so that the peer sees a reset."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# --- gateways ---

class Gateway:
    """One connection of a gateway with moods."""

    def __init__(self, world, reader, writer, calm):
        self.w, self.r, self.out, self.calm = world, reader, writer, calm
        self.tag, self.rcpts, self.doubled = None, [], False

    async def say(self, text):
        data = text.encode("latin-1") + b"\r\n"
        if self.w.random.random() < 0.05:
            cut = self.w.random.randrange(len(data))
            self.out.write(data[:cut])
            await asyncio.sleep(0.01)
            data = data[cut:]
        self.out.write(data)
        await self.out.drain()

    async def trouble(self, good):
        """Once in a while something other than the good reply; the code said."""
        dice = self.w.random.random() * (20 if self.calm else 1)
        if dice < 0.02:
            self.out.write((good + "\r\n").encode()[:self.w.random.randrange(len(good) + 2)])
            self.end()
        elif dice < 0.03:
            await asyncio.sleep(2.5)
            raise Gone
        elif dice < 0.05:
            await asyncio.sleep(self.w.random.random() * 0.4)
            await self.say(good)
            return int(good[:3])
        elif dice < 0.13:
            code = self.w.random.choice((450, 452, 550, 554, 451, 421, 432, 503, 250 if good[0] == "3" else 354))
            await self.say(f"{code} {code // 100}.0.0 mood")
            return code
        elif dice < 0.14:
            self.doubled = True  # what is awaited after it may take the second one for its answer
            await self.say(good + "\r\n250 2.0.0 and another")
            return int(good[:3])
        else:
            await self.say(good)
            return int(good[:3])

    def end(self):
        if self.w.random.random() < 0.5:
            abort(self.out)
        raise Gone

    async def line(self):
        line = await self.r.readline()
        if not line.endswith(b"\r\n"):
            raise Gone
        return line[:-2]

    async def serve(self):
        dice = self.w.random.random() * (30 if self.calm else 1)
        if dice < 0.02:
            self.end()
        await self.say("220 gw.test" if dice > 0.04 else "421 4.3.2 not now")
        while True:
            line = await self.line()
            verb = line[:4].upper()
            if verb == b"EHLO":
                few = self.w.random.random() < 0.2
                await self.say("250 gw.test" if few else "250-gw.test\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250 8BITMIME")
            elif verb == b"MAIL":
                self.tag = re.search(rb"<(\w*)@", line).group(1).decode()
                self.rcpts = []
                if await self.trouble("250 2.1.0 ok") != 250:
                    self.tag = None
            elif verb == b"RCPT":
                if self.tag is None:
                    await self.say("503 5.5.1 no MAIL")
                    continue
                got = await self.trouble("250 2.1.5 ok")
                if got == 250:
                    self.rcpts.append(re.search(rb"<(.*)>", line).group(1).decode())
            elif verb == b"DATA":
                if await self.trouble("354 go on") == 354:
                    await self.body()
                    self.tag = None
            elif verb == b"QUIT":
                await self.say("221 2.0.0 bye")
                raise Gone
            else:
                self.tag = None
                await self.trouble("250 2.0.0 ok")

    async def body(self):
        w = self.w
        mail = Arrival(self.tag, self.rcpts)
        mail.early = self.doubled
        w.arrivals.setdefault(self.tag, []).append(mail)
        dice = w.random.random() * (20 if self.calm else 1)
        early, cut = 0, w.random.randrange(1, 60000)
        if dice < 0.03:
            early = w.random.choice((552, 452, 421, 250))
        kind = hashlib.sha256()
        in_header, count, first = True, 0, True
        while True:
            line = await self.r.readline()
            if not line.endswith(b"\n"):
                raise Gone
            if not line.endswith(b"\r\n"):
                w.trouble(f"{self.tag}: a bare LF at the gateway: {short(line[-60:])}")
            if line == b".\r\n":
                break
            if line.startswith(b"."):
                line = line[1:]
            count += len(line)
            if in_header:
                mail.header += line
                in_header = line != b"\r\n"
            else:
                kind.update(line)
            if first and early and count > cut:
                first = False
                mail.wanted, mail.early = ((451,) if early in FAILS or early == 250 else (early,)), True
                await self.say(f"{early} {early // 100}.0.0 enough")
            elif 0.03 < dice < 0.06 and count > cut:
                self.end()
            elif 0.06 < dice < 0.08 and count > cut:
                cut += 30000
                await asyncio.sleep(0.2)
            elif 0.08 < dice < 0.085 and count > cut:
                await asyncio.sleep(3)
                raise Gone
        mail.whole, mail.hash = True, kind.hexdigest()
        if early and not first:
            raise Gone
        mail.wanted = (451,)
        said = None
        good = "250 2.0.0 queued"
        dice = w.random.random() * (20 if self.calm else 1)
        if dice < 0.02:
            await asyncio.sleep(2.6)
            raise Gone
        if dice < 0.04:
            self.out.write(good.encode()[:w.random.randrange(len(good))])
            self.end()
        if dice < 0.06:
            await asyncio.sleep(w.random.random())
        said = 250 if dice > 0.13 else w.random.choice((250, 451, 452, 550, 554, 421, 530, 354))
        mail.wanted = (451,) if said in FAILS or said == 354 else (said,)
        await self.say(f"{said} {said // 100}.0.0 verdict")
        if 0.11 < dice < 0.13:
            mail.wanted += (451,)  # a reset may overtake the reply
            self.end()

    async def run(self):
        try:
            await asyncio.wait_for(self.serve(), 60)
        except (Gone, OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass
        except Exception as error:
            self.w.trouble(f"gateway: {error!r}")
        finally:
            self.out.close()


# --- clients ---

class Client:
    def __init__(self, world, address, source):
        self.w, self.address, self.source = world, address, source

    async def reply(self):
        """The code of the next reply."""
        while True:
            try:
                line = await asyncio.wait_for(self.r.readline(), 20)
            except asyncio.TimeoutError:
                raise Trouble(f"no reply within 20 s, story {self.story[-12:]}") from None
            if not line.endswith(b"\r\n"):
                raise Gone
            if line[3:4] != b"-":
                self.story.append(line[:40].decode("latin-1").strip())
                return int(line[:3])

    async def send(self, data):
        self.story.append(f"> {data[:24]!r} {len(data)}")
        dice = self.w.random.random()
        if dice < 0.03 and len(data) < 3000:
            step = self.w.random.randrange(1, 9)
            for at in range(0, min(len(data), 200), step):
                self.out.write(data[at:at + step])
                await asyncio.sleep(0.001)
            data = data[len(range(0, min(len(data), 200), step)) * step:]
        elif dice < 0.05:
            half = len(data) // 2
            self.out.write(data[:half])
            await asyncio.sleep(0.1)
            data = data[half:]
        elif dice < 0.07:
            self.out.write(data[:self.w.random.randrange(len(data))])
            self.vanish()
        self.out.write(data)
        await self.out.drain()

    def vanish(self):
        self.w.note("vanished")
        if self.w.random.random() < 0.5:
            abort(self.out)
        raise Gone

    def content(self, mail):
        rng = self.w.random
        body = b""
        for _ in range(rng.choice((0, 1, 3, 20, 20, 300, rng.randrange(2000)))):
            body += rng.choice((b"", b".", b"..", b".x", b"QUIT", b"RSET", b"a" * rng.randrange(70),
                                b"MAIL FROM:<evil@x.test>", rng.randbytes(30).translate(PRINT))) + b"\r\n"
        if rng.random() < 0.1:
            body += b"L" * rng.randrange(200000) + b"\r\n"
        mail.hash, mail.size = hashlib.sha256(body).hexdigest(), len(body)
        text = b"From: <a@a.test>\r\nSubject: " + mail.tag.encode() + b"\r\n\r\n" + body
        return re.sub(rb"(?m)^\.", b"..", text) + b".\r\n"

    async def mail(self):
        w, rng = self.w, self.w.random
        w.number += 1
        mail = Mail(f"m{w.number}")
        w.mails[mail.tag] = mail
        mail.story = self.story
        domain = f"g{rng.randrange(GATEWAYS + 1)}.test"
        rcpts = [f"{mail.tag}r{i}@{domain}" for i in range(rng.choice((1, 1, 2, 3, 12)))]
        other = f"{mail.tag}o@g{rng.randrange(GATEWAYS)}.test" if rng.random() < 0.1 else None
        if other and not other.endswith(domain):
            rcpts.insert(rng.randrange(1, len(rcpts) + 1), other)
        commands = [f"MAIL FROM:<{mail.tag}@a.test>"] + [f"RCPT TO:<{x}>" for x in rcpts]
        text = self.content(mail)
        how = rng.choice(("step", "step", "pipe", "pipe", "blind"))
        if how == "step":
            codes = await self.in_step(commands)
        else:
            last = "".join(c + "\r\n" for c in commands + ["DATA"]).encode() + (text if how == "blind" else b"")
            mail.dot = how == "blind"
            await self.send(last)
            codes = [await self.reply() for _ in commands]
        mail.taken = [x for x, code in zip(rcpts, codes[1:]) if code == 250]
        if how == "step":
            if rng.random() < 0.06:
                await self.send(b"RSET\r\n")
                if await self.reply() != 250:
                    raise Trouble("RSET refused")
                return
            await self.send(b"DATA\r\n")
        data = await self.reply()
        if data == 354 and not mail.taken:
            raise Trouble(f"354 without a recipient: {self.story[-9:]}")
        if data != 354:
            mail.dot = False
            if how == "blind":
                raise Gone
            return
        if how != "blind":
            mail.dot = True
            await self.send(text)
        half = rng.random() < 0.03
        if half:
            self.out.write_eof()
        elif rng.random() < 0.03:
            self.vanish()
        mail.code = await self.reply()
        w.note(f"end of data {mail.code}")
        if half:
            raise Gone

    async def in_step(self, commands):
        codes = []
        for one in commands:
            if self.w.random.random() < 0.01:
                self.vanish()
            await self.send(one.encode() + b"\r\n")
            codes.append(await self.reply())
        return codes

    async def session(self):
        self.story = []
        self.r, self.out = await asyncio.open_connection(*self.address, local_addr=(self.source, 0), limit=1 << 20)
        try:
            code = await self.reply()
            if code == 421:
                self.w.note("turned away")
                await asyncio.sleep(0.05)
                raise Gone
            if code != 220:
                raise Trouble(f"greeting: {self.story}")
            await self.send(b"EHLO dev.test\r\n")
            if await self.reply() != 250:
                raise Trouble(f"EHLO: {self.story}")
            for _ in range(self.w.random.choice((0, 1, 1, 1, 2, 6))):
                await self.mail()
            if self.w.random.random() < 0.7:
                await self.send(b"QUIT\r\n")
                if await self.reply() != 221:
                    raise Trouble(f"QUIT: {self.story[-5:]}")
        except (Gone, OSError):
            if not self.story[-1:] or not self.story[-1].startswith("421") or self.w.reloads:
                self.w.note("sessions cut")
        finally:
            self.out.close()

    async def run(self):
        while time.monotonic() < self.w.end:
            try:
                await self.session()
            except Trouble as error:
                if "421" not in str(error) or not self.w.reloads:
                    self.w.trouble(f"client: {error}")
            except (ConnectionRefusedError, asyncio.TimeoutError) as error:
                self.w.trouble(f"client: {error!r}")
            except OSError:
                self.w.note("connect failed")
            except Exception as error:
                self.w.trouble(f"client: {error!r} {self.story[-8:]}")


PRINT = bytes(32 + i % 95 for i in range(256))


# --- the judgement ---

def judge_arrival(w, mail, one):
    if mail is None:
        w.trouble(f"a mail {one.tag} that no client sent")
        return
    names = re.findall(rb"(?im)^(subject|date|message-id|received)[ \t]*:", one.header)
    if one.whole:
        if not mail.dot:
            w.trouble(f"{one.tag}: arrived whole, but its end of data was never sent")
        if one.hash != mail.hash:
            w.trouble(f"{one.tag}: arrived with another content ({mail.size} octets were sent)")
        if sorted(n.lower() for n in names) != [b"date", b"message-id", b"received", b"subject"]:
            w.trouble(f"{one.tag}: header {one.header!r}")
    subject = re.search(rb"(?m)^Subject: (\w+)\r\n", one.header)
    if subject and subject.group(1).decode() != one.tag:
        w.trouble(f"{one.tag}: mixed with {subject.group(1)!r}")
    if mail.code is not None and one.rcpts != mail.taken and not one.early:
        w.trouble(f"{one.tag}: recipients at the gateway {one.rcpts}, answered 250 {mail.taken}")


def judge(w):
    for tag, arrived in w.arrivals.items():
        for one in arrived:
            judge_arrival(w, w.mails.get(tag), one)
    for tag, mail in w.mails.items():
        arrived = [a for a in w.arrivals.get(tag, []) if a.whole]
        if len(arrived) > 1:
            w.trouble(f"{tag}: arrived {len(arrived)} times")
        if mail.code is None:
            continue
        if mail.code == 250 and len(arrived) != 1:
            w.trouble(f"{tag}: 250, but it arrived {len(arrived)} times")
        for one in arrived:
            if mail.code not in one.wanted and not (one.early and mail.code in (250, 451)):
                w.trouble(f"{tag}: the client got {mail.code}, the gateway meant {one.wanted}: {mail.story[-4:]}")


async def play(w, relay):
    crew = [asyncio.create_task(Client(w, relay.address, f"127.0.7.{1 + n % 8}").run()) for n in range(CLIENTS)]
    while not all(t.done() for t in crew):
        if w.reloads and time.monotonic() < w.end - 3:
            await asyncio.sleep(w.random.uniform(2, 7))
            relay.signal(signal.SIGHUP)
            w.note("reloads")
        else:
            await asyncio.wait(crew, timeout=1)
        if len(w.troubles) > 20:
            break
    for one in crew:
        one.cancel()


async def world(seed, seconds, reloads):
    w = World(seed)
    w.reloads = reloads
    servers, visits = [], set()

    def entry(calm):
        def arrive(reader, writer):
            one = asyncio.ensure_future(Gateway(w, reader, writer, calm).run())
            visits.add(one)
            one.add_done_callback(visits.discard)
        return arrive
    for n in range(GATEWAYS):
        servers.append(await asyncio.start_server(entry(n == 0), "127.0.0.1", 0, limit=1 << 20))
    ports = [s.sockets[0].getsockname()[1] for s in servers]
    conf = CONF + f'Gateway = "127.0.0.1:{ports[0]}"\n' + "".join(
        f'Domain "g{n}.test" {{ Gateway = "127.0.0.1:{port}" }}\n' for n, port in enumerate(ports))
    conf += f'Domain "g{GATEWAYS}.test" {{ Routes = ( "127.0.0.1:{ports[1]}" "127.0.0.1:{ports[2]}" ) }}\n'
    with Relay(conf) as relay:
        balance = None if reloads else Balance(relay)
        w.end = time.monotonic() + seconds
        await play(w, relay)
        await asyncio.sleep(0.3)
        if reloads:
            await asyncio.to_thread(wait_for, lambda: len(relay.children()) == 2, 40, "the old generation's end")
            relay.kids = relay.children()
        else:
            await asyncio.to_thread(balance.settle)
        await asyncio.sleep(0.2)
        log = relay.log()
    for one in servers:
        one.close()
    if visits:
        await asyncio.wait(visits, timeout=5)
    judge(w)
    for word in ("cannot happen", "engine died", "started again", "killed by"):
        if word in log:
            w.trouble(f"in the log: {re.search('.*' + word + '.*', log).group(0)}")
    sent = sum(1 for m in w.mails.values() if m.code == 250)
    print(f"# seed {seed}, {seconds:g} s: {len(w.mails)} mails, {sent} accepted; "
          + ", ".join(f"{k} {v}" for k, v in sorted(w.count.items())))
    check(not w.troubles, lambda: f"seed {seed}: {len(w.troubles)} troubles:\n" + "\n".join(w.troubles[:20]))
    check(sent > seconds, "hardly a mail went through")


@case(f"clients and gateways of all moods, {SECONDS * 0.7:g} s, seed {SEED}")
def _():
    asyncio.run(world(SEED, SECONDS * 0.7, False))


@case(f"the same with reloads, {SECONDS * 0.3:g} s")
def _():
    asyncio.run(world(SEED + 1, SECONDS * 0.3, True))


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    need_binary()
    main(jobs=1, limit=SECONDS * 2 + 120)
