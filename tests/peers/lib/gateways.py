# SPDX-License-Identifier: ISC
"""Real gateways: Postfix and OpenSMTPD, run from where they lie unpacked, and what they made of the mail."""

import os
import pwd
import shutil
import socket
import ssl
import tempfile

from .ns import need_mounts
from .programs import Program, fetch, free_port, libraries
from .tap import Failed, Skip, wait_for

OWNER = "daemon"            # every Debian has this user and this group, and nothing of theirs is in the way
DOMAIN = "example.net"
BOX = "box@" + DOMAIN         # the one mailbox that both have
SIZE = 12000000             # what they announce and take

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = {top}/usr/sbin
daemon_directory = {top}/usr/lib/postfix/sbin
shlib_directory = {top}/usr/lib/postfix
meta_directory = {top}/etc/postfix
mail_owner = {owner}
setgid_group = games
import_environment = MAIL_CONFIG LD_LIBRARY_PATH
export_environment = MAIL_CONFIG LD_LIBRARY_PATH
maillog_file = /dev/stdout
default_database_type = texthash
myhostname = gw.example.net
mydestination =
alias_maps =
local_recipient_maps =
mynetworks = 192.0.2.0/24
smtpd_relay_restrictions = reject_unauth_destination
smtpd_forbid_unauth_pipelining = yes
smtpd_forbid_bare_newline = reject
smtpd_forbid_bare_newline_exclusions =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_tls_security_level = none
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {dir}
virtual_mailbox_maps = static:box/
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
message_size_limit = {size}
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

# OpenSMTPD has its folders and its users' names built in: it gets a mount namespace where these exist. It starts its own
# program again as its users, who may not enter the cache if that lies in a home folder: hence /run/peer.
OPENSMTPD = """\
set -e
for at in /usr/libexec /var/spool /var/lib; do mount -t tmpfs -o mode=755 none $at; done
mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd /usr/libexec/opensmtpd
chmod 711 /var/lib/opensmtpd/empty /var/spool/smtpd
mount --bind {top}/usr/libexec/opensmtpd /usr/libexec/opensmtpd
mount --bind {dir}/passwd /etc/passwd
mount --bind {dir}/group /etc/group
mount -t tmpfs -o mode=755 none /run
mkdir /run/peer
mount --bind {top} /run/peer
exec /run/peer/usr/sbin/smtpd -d -f {dir}/smtpd.conf
"""

SMTPD_CONF = """\
smtp max-message-size {size}
listen on 127.0.0.1 port {port} hostname gw.example.net
action "box" maildir "{dir}/box" user box
match from any for domain "{domain}" action "box"
"""


class _Gateway:
    def __init__(self, name):
        if os.geteuid() != 0:
            raise Skip(f"{name} needs root")
        self.top = os.path.join(fetch(name), name)
        # Now and then, on a busy machine, Postfix's master listens and nothing more ever comes of it: then once more.
        for left in (2, 1, 0):
            try:
                self.begin()
                return
            except Failed:
                if not left:
                    raise

    def begin(self):
        self.dir = tempfile.mkdtemp(prefix="gatepost-test-")
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        self.log_path = os.path.join(self.dir, "log")
        try:
            self.program = self.launch()
            self.program.wait_port(self.port)
            wait_for(self.greets, 45, "a greeting")
        except BaseException as error:
            if isinstance(error, Failed):
                error.args = (f"{error}; its log ends: {self.log()[-800:]}",)
            self.stop()
            raise

    program = None
    implicit = False    # TLS from the first octet
    more = {}           # a subclass's own lines, by file

    def greets(self):
        """Somebody listens early; on a busy machine those who serve come much later."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 15) as sock:
                if not self.implicit:
                    return sock.recv(4).startswith(b"220")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with context.wrap_socket(sock) as secure:
                    return secure.recv(4).startswith(b"220")
        except OSError:
            return False

    def start(self, words, env=None):
        with open(self.log_path, "ab") as out:
            return Program(words, env, out=out)

    def put(self, name, text, **values):
        text += self.more.get(name, "")
        if name == "etc/main.cf":       # each process warns of a line that takes the place of an earlier one
            text = "\n".join({row.split(" =")[0]: row for row in text.splitlines()}.values()) + "\n"
        with open(os.path.join(self.dir, name), "w", encoding="ascii") as file:
            file.write(text.format(dir=self.dir, top=self.top, port=self.port, domain=DOMAIN, size=SIZE, **values))

    def conf(self):
        return f'Gateway = "127.0.0.1:{self.port}"\n'

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def says(self, words):
        """Wait until its log has these words: another of its processes writes it."""
        wait_for(lambda: words in self.log(), 30, f"{words!r} in the gateway's log")

    def mails(self):
        """What lies in the mailbox, as files with line feeds, in the order of its coming."""
        try:
            names = sorted(os.scandir(os.path.join(self.dir, "box", "new")), key=lambda f: f.stat().st_mtime_ns)
        except FileNotFoundError:
            return []
        out = []
        for one in names:
            with open(one.path, "rb") as file:
                out.append(file.read())
        return out

    def find(self, part, seconds=30):
        """The one mail that holds these octets."""
        found = wait_for(lambda: [m for m in self.mails() if part in m], seconds, f"a mail with {part!r}")
        if len(found) != 1:
            raise Failed(f"{len(found)} mails hold {part!r}")
        return found[0]

    def stop(self):
        if self.program:
            self.program.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _where):
        if isinstance(error, Failed):
            error.args = (f"{error}\nthe gateway's log ends: {self.log()[-1500:]}",)
        self.stop()


class PostfixGateway(_Gateway):
    """master, smtpd, cleanup, qmgr and virtual, which delivers to a maildir."""

    def __init__(self):
        super().__init__("postfix")

    def launch(self):
        owner = pwd.getpwnam(OWNER)
        for name in ("etc", "queue", "queue/pid", "data", "box"):
            os.makedirs(os.path.join(self.dir, name))
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
                     "saved", "trace", "maildrop", "public"):
            path = os.path.join(self.dir, "queue", name)
            os.mkdir(path, 0o700)
            os.chown(path, owner.pw_uid, owner.pw_gid)
        for name in ("data", "box"):
            os.chown(os.path.join(self.dir, name), owner.pw_uid, owner.pw_gid)
        self.put("etc/main.cf", MAIN_CF, owner=OWNER, uid=owner.pw_uid, gid=owner.pw_gid)
        self.put("etc/master.cf", MASTER_CF)
        env = {"MAIL_CONFIG": os.path.join(self.dir, "etc"), "LD_LIBRARY_PATH": ":".join(libraries(self.top))}
        return self.start([os.path.join(self.top, "usr/lib/postfix/sbin/master"), "-d", "-c", env["MAIL_CONFIG"]], env)


class OpenSmtpdGateway(_Gateway):
    """smtpd, which delivers to the maildir of a user `box` that only its namespace knows."""

    def __init__(self):
        need_mounts()
        super().__init__("opensmtpd")

    def launch(self):
        for name in ("passwd", "group"):
            shutil.copy(f"/etc/{name}", self.dir)
        with open(os.path.join(self.dir, "passwd"), "a", encoding="ascii") as file:
            for at, name in enumerate(("opensmtpd", "opensmtpq", "box")):
                file.write(f"{name}:x:{64001 + at}:{64001 + at}::{self.dir}:/bin/sh\n")
        with open(os.path.join(self.dir, "group"), "a", encoding="ascii") as file:
            for at, name in enumerate(("opensmtpd", "opensmtpq", "box")):
                file.write(f"{name}:x:{64001 + at}:\n")
        os.mkdir(os.path.join(self.dir, "box"))
        os.chown(os.path.join(self.dir, "box"), 64003, 64003)
        self.put("smtpd.conf", SMTPD_CONF)
        os.chmod(os.path.join(self.dir, "smtpd.conf"), 0o600)
        self.put("start", OPENSMTPD)
        here = [folder.replace(self.top, "/run/peer", 1) for folder in libraries(self.top)]
        return self.start(["unshare", "--mount", "sh", os.path.join(self.dir, "start")],
                          {"LD_LIBRARY_PATH": ":".join(here)})
