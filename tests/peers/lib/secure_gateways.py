# SPDX-License-Identifier: ISC
"""Postfix with TLS and Cyrus SASL, OpenSMTPD with TLS and a table of accounts."""

import os
import pwd
import shutil
import subprocess

from . import certs
from .gateways import OWNER, OpenSmtpdGateway, PostfixGateway
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

SMTPD_CONF = """\
smtp max-message-size {size}
pki gw.example.net cert "{dir}/chain.pem"
pki gw.example.net key "{dir}/key.pem"
table accounts file:{dir}/accounts
listen on 127.0.0.1 port {port} {mode} pki gw.example.net auth <accounts> hostname gw.example.net
action "box" maildir "{dir}/box" user box
match auth from any for domain "{domain}" action "box"
"""


def filled(text, **values):
    """Those in braces that are named here; the others stay for later."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text


class SecurePostfix(PostfixGateway):
    """Wants TLS, then a login. versions: as in the Liar with TLS."""

    def __init__(self, implicit=False, cert="good", mechanisms="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256", versions=("1.2", "1.3")):
        cert = certs.get(cert)
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


class SecureOpenSmtpd(OpenSmtpdGateway):
    """Wants TLS, then a login (PLAIN or LOGIN). Its key is RSA: with another one Debian's cannot sign."""

    def __init__(self, implicit=False, cert="rsa middle"):
        self.mode, self.cert = "smtps" if implicit else "tls-require", certs.get(cert)
        super().__init__()

    def put(self, name, text, **values):
        if name == "smtpd.conf":
            for at, path in (("chain.pem", self.cert.chain), ("key.pem", self.cert.key.path)):
                shutil.copy(path, os.path.join(self.dir, at))
                os.chmod(os.path.join(self.dir, at), 0o600)
            word = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD.encode(), capture_output=True,
                                  check=True, timeout=20).stdout.decode().strip()
            with open(os.path.join(self.dir, "accounts"), "w", encoding="ascii") as file:
                file.write(f"{USER} {word}\n")
            text, values = SMTPD_CONF, {"mode": self.mode}
        super().put(name, text, **values)
