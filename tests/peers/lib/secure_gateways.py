# SPDX-License-Identifier: ISC
"""Postfix with TLS (OpenSSL) and Cyrus SASL, Exim with TLS (GnuTLS) and an account in its configuration."""

import os
import pwd
import shutil
import subprocess

from . import certs
from .gateways import OWNER, PostfixGateway, _Gateway
from .ns import need_mounts
from .programs import libraries

USER, PASSWORD = "scanner@example.com", "Pa55 word,=!"

MAIN_CF = """\
smtpd_tls_security_level = encrypt
smtpd_tls_wrappermode = {wrapper}
smtpd_tls_cert_file = {chain}
smtpd_tls_key_file = {key}
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
smtpd_tls_mandatory_protocols = {protocols}
smtpd_sasl_auth_enable = yes
broken_sasl_auth_clients = yes
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
import_environment = MAIL_CONFIG LD_LIBRARY_PATH SASL_PATH
export_environment = MAIL_CONFIG LD_LIBRARY_PATH SASL_PATH
"""

SASL_CONF = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {dir}/accounts
mech_list: {mechanisms}
"""

EXIM_CONF = """\
primary_hostname = gw.example.net
exim_path = /run/peer/usr/sbin/exim4
keep_environment = LD_LIBRARY_PATH
deliver_drop_privilege = true
spool_directory = {dir}/spool
log_file_path = {dir}/exim-%slog
pid_file_path = {dir}/pid
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_on_connect_ports = {implicit}
tls_certificate = {dir}/chain.pem
tls_privatekey = {dir}/key.pem
tls_require_ciphers = {ciphers}
message_size_limit = {size}
log_selector = +tls_cipher +tls_resumption +smtp_connection
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  accept authenticated = *
  deny message = login first
data:
  accept
begin routers
box:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  maildir_format
  directory = {dir}/box
  delivery_date_add = false
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{word}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{user}}}}}{{eq{{$auth2}}{{{word}}}}}}}}}
  server_set_id = $auth1
  server_advertise_condition = ${{if def:tls_in_cipher}}
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{user}}}{{{word}}}fail}}
  server_set_id = $auth1
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""

# It has its users' names built in, and starts its own program again as its user, who may not enter the cache.
EXIM = """\
set -e
mount -t tmpfs -o mode=755 none /run
mkdir /run/peer
mount --bind {top} /run/peer
mount --bind {dir}/passwd /etc/passwd
mount --bind {dir}/group /etc/group
exec /run/peer/usr/sbin/exim4 -bdf -q1h -C {dir}/exim.conf
"""


def filled(text, **values):
    """Those in braces that are named here; the others stay for later."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text


class SecurePostfix(PostfixGateway):
    """Wants TLS, then a login. versions: as in the Liar with TLS."""

    def __init__(self, implicit=False, cert="good", mechanisms="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256", versions=("1.2", "1.3")):
        cert, self.implicit = certs.get(cert), implicit
        protocols = " ".join(f"TLSv{v}" if v in versions else f"!TLSv{v}" for v in ("1.2", "1.3"))
        self.mechanisms = mechanisms
        self.more = {
            "etc/main.cf": filled(MAIN_CF, wrapper="yes" if implicit else "no", chain=cert.chain, key=cert.key.path,
                                  protocols="!SSLv2, !SSLv3, !TLSv1, !TLSv1.1 " + protocols),
            "etc/master.cf": "tlsmgr unix - - n 1000? 1 tlsmgr\n",
        }
        super().__init__()

    def start(self, words, env=None):
        owner = pwd.getpwnam(OWNER)
        os.mkdir(os.path.join(self.dir, "etc", "sasl"))
        self.put("etc/sasl/smtpd.conf", SASL_CONF, mechanisms=self.mechanisms)
        database = os.path.join(self.dir, "accounts")
        env = {**env, "SASL_PATH": os.path.join(self.top, "usr/lib/x86_64-linux-gnu/sasl2")}
        if not os.path.isdir(env["SASL_PATH"]):
            env["SASL_PATH"] = next(f for f in libraries(self.top) if f.endswith("/sasl2"))
        realm = "gw.example.net"        # its own name, since smtpd_sasl_local_domain is empty
        subprocess.run([os.path.join(self.top, "usr/sbin/saslpasswd2"), "-p", "-c", "-u", realm, "-f", database, USER],
                       input=PASSWORD.encode(), env={**os.environ, **env}, check=True, capture_output=True, timeout=20)
        os.chown(database, owner.pw_uid, owner.pw_gid)
        return super().start(words, env)


class SecureExim(_Gateway):
    """Wants TLS (GnuTLS), then a login: PLAIN, LOGIN or CRAM-MD5."""

    def __init__(self, implicit=False, cert="good", versions=("1.2", "1.3")):
        need_mounts()
        self.implicit, self.cert, self.versions = implicit, certs.get(cert), versions
        super().__init__("exim")

    def launch(self):
        for name, row in (("passwd", "{}:x:{}:{}::/:/bin/sh\n"), ("group", "{}:x:{}:\n")):
            shutil.copy(f"/etc/{name}", self.dir)
            with open(os.path.join(self.dir, name), "a", encoding="ascii") as file:
                file.write(row.format("Debian-exim", 64011, 64011))
        for name in ("spool", "box"):
            os.mkdir(os.path.join(self.dir, name))
            os.chown(os.path.join(self.dir, name), 64011, 64011)
        os.chown(self.dir, 64011, 64011)
        for at, path in (("chain.pem", self.cert.chain), ("key.pem", self.cert.key.path)):
            shutil.copy(path, os.path.join(self.dir, at))
            os.chmod(os.path.join(self.dir, at), 0o644)
        ciphers = "NORMAL:-VERS-ALL" + "".join(f":+VERS-TLS{v}" for v in self.versions)
        self.put("exim.conf", EXIM_CONF, implicit=self.port if self.implicit else "", ciphers=ciphers, user=USER, word=PASSWORD)
        os.chmod(os.path.join(self.dir, "exim.conf"), 0o644)
        self.put("start", EXIM)
        here = [folder.replace(self.top, "/run/peer", 1) for folder in libraries(self.top)]
        return self.start(["unshare", "--mount", "sh", os.path.join(self.dir, "start")],
                          {"LD_LIBRARY_PATH": ":".join(here)})

    def log(self):
        out = super().log()
        for name in ("main", "panic", "reject"):
            path = os.path.join(self.dir, f"exim-{name}log")
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    out += file.read()
        return out
