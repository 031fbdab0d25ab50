#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Certificates, keys, CAs and secrets of a configuration, from outside: check, eval, start, reload (DESIGN 3.4, 3.6)."""

import os
import re
import signal
import ssl
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.memory import holds                                            # noqa: E402
from lib import certs                                                   # noqa: E402
from lib.strain import engine                                           # noqa: E402

G = "Gateway = 10.0.0.1\n"
USER = "" if os.geteuid() else "User = nobody\n"
PAGE = os.path.join(TOP, "src", "man", "gatepost.conf.5")


def run(command, text, *words, files=None, mode=0o600, user=None):
    with Files() as f:
        path = f.put("gatepost.conf", USER + text)
        os.chmod(path, mode)
        for name, (content, its) in (files or {}).items():
            os.chmod(f.put(name, content), its)
        code, out, err = gatepost(command, "-c", path, *words, cwd="/", user=user)
        return code, out.replace(f.dir + "/", ""), err.replace(f.dir + "/", "")


def read(path):
    with open(path, encoding="latin-1") as file:
        return file.read()


def pair(name="good", mode=0o600):
    """Both files, as box.crt and box.key."""
    one = certs.get(name)
    return {"box.crt": (one.text(), 0o644), "box.key": (read(one.key.path), mode)}


def foreign(kind):
    """A certificate with a key of this kind."""
    key = certs.openssl("genpkey", "-algorithm", kind)
    return certs.openssl("req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=x", stdin=key).decode()


BOX = "TLS_Certificate = box.crt\nTLS_Key = box.key\n"
LINE = 1 + USER.count("\n") + G.count("\n")     # of what stands behind G


def good(text, files=None, mode=0o600):
    code, out, err = run("check", text, files=files, mode=mode)
    equal((code, out), (0, "gatepost.conf: ok\n"), f"exit and stdout of check ({err.strip()})")
    return err


def bad(text, line, column, words, files=None):
    code, out, err = run("check", text, files=files)
    equal((code, out), (78, ""), f"exit and stdout of check ({err.strip()})")
    contains(err, f"gatepost.conf:{line}:{column}: error: {words}")


# --- the manual ---

def examples():
    """The examples of the page that are configurations."""
    text = read(PAGE)
    for block in re.findall(r"(?ms)^\.Bd -literal[^\n]*\n(.*?)^\.Ed", text):
        block = block.replace("\\(dq", '"').replace("\\e", "\\").replace("\\&", "")
        if "=" in block and "Option =" not in block and "openssl" not in block:
            yield block


@case("every example of gatepost.conf(5) loads")
def _():
    found = list(examples())
    check(len(found) >= 15, f"only {len(found)} examples")
    one = certs.get("good")
    files = {"box.example.crt": (one.text(), 0o644), "box.example.key": (read(one.key.path), 0o600)}
    for block in found:
        text = block if re.search(r"(?m)^\s*(Gateway|Routes) =", block) else G + block
        if 'Binding = "scanners"' in text and 'Binding "scanners"' not in text:
            text += 'Binding "scanners" { }\n'
        if block.count("\nGateway =") > 1:                              # one line each
            for row in block.splitlines():
                good(row + "\n")
            continue
        text = re.sub(r"\.\.\.", "x", text)
        code, _out, err = run("check", text, files=files)
        equal(code, 0, f"exit of check for\n{block}\n{err}")


# --- files ---

@case("a pair, beside the configuration, wherever one stands")
def _():
    equal(good(G + BOX, pair()), "", "no word")
    equal(good(G + BOX, pair("rsa root")), "", "RSA")


@cases("refused: {0}", [
    ("a key of another certificate", "box.key", lambda: read(certs.key("other").path), 2, 11,
     "TLS_Key: box.key: the key does not fit the certificate"),
    ("no key", "box.key", lambda: None, 2, 11, "TLS_Key: box.key: No such file or directory"),
    ("no certificate", "box.crt", lambda: None, 1, 19, "TLS_Certificate: box.crt: No such file or directory"),
    ("an empty key", "box.key", lambda: "", 2, 11, "TLS_Key: box.key: there is no private key in it"),
    ("an empty certificate", "box.crt", lambda: "", 1, 19, "TLS_Certificate: box.crt: there is no certificate in it (PEM)"),
    ("a key where the certificate belongs", "box.crt", lambda: read(certs.key("leaf").path), 1, 19,
     "TLS_Certificate: box.crt: there is no certificate in it (PEM)"),
    ("a certificate where the key belongs", "box.key", lambda: certs.get("good").text(), 2, 11,
     "TLS_Key: box.key: there is no private key in it"),
    ("a certificate that is broken", "box.crt",
     lambda: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 1, 19,
     "TLS_Certificate: box.crt: certificate 1 cannot be read"),
    ("a certificate of a kind that is not known", "box.crt", lambda: foreign("ed25519"), 1, 19,
     "TLS_Certificate: box.crt: certificate 1 cannot be read: RSA up to 4096 bits and EC (P-256, P-384) are known"),
    ("a certificate for clients", "box.crt", lambda: certs.get("for clients").text(), 1, 19,
     "TLS_Certificate: box.crt: the certificate is not one for a server"),
    ("too large a key", "box.key", lambda: "x" * 70000, 2, 11, "TLS_Key: box.key: it is larger than 64 KiB")])
def _(_name, file, content, line, column, words):
    files = pair()
    text = content()
    if text is None:
        del files[file]
    else:
        files[file] = (text, 0o600)
    bad(G + BOX, LINE + line - 1, column, words, files)


@case("an encrypted key is refused, and no passphrase asked for")
def _():
    text = certs.openssl("ec", "-in", certs.get("good").key.path, "-aes128", "-passout", "pass:x").decode()
    code, _out, err = run("check", G + BOX, files={**pair(), "box.key": (text, 0o600)})
    equal(code, 78, "exit")
    contains(err, "TLS_Key: box.key: ")
    contains(err, "passphrase")


@case("a folder, a device, what is no text: refused")
def _():
    for path in ("/etc", "/dev/zero", BINARY):
        code, _out, err = run("check", G + f'TLS = required\nTLS_CA = "{path}"\n')
        equal(code, 78, f"exit for {path}")
        contains(err, f"TLS_CA: {path}: ")


@case("a file of CAs: right, half broken, none in it, not there")
def _():
    root = read(certs.get("root").path)
    text = G + "TLS = required\nTLS_CA = ca.pem\n"
    equal(good(text, {"ca.pem": (root, 0o644)}), "", "right")
    equal(good(text, {"ca.pem": ("My own CA\r\n" + root.replace("\n", "\r\n"), 0o644)}), "", "with text and CRLF")
    err = good(text, {"ca.pem": (root + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0o644)})
    contains(err, f"gatepost.conf:{LINE + 1}:10: warning: TLS_CA: ca.pem: 1 of its certificates")
    bad(text, LINE + 1, 10, "TLS_CA: ca.pem: there is no certificate in it", {"ca.pem": ("x\n", 0o644)})
    bad(text, LINE + 1, 10, "TLS_CA: ca.pem: No such file or directory")


# --- who may read ---

@case("a file with a secret that others can read: a warning, which mode 0640 silences")
def _():
    login = G + "Outbound_SMTP_AUTH_User = u\nOutbound_SMTP_AUTH_Pass = Gehe1m\nTLS_Verify = no\n"
    equal(good(login, mode=0o640), "", "0640")
    err = good(login, mode=0o644)
    contains(err, f"gatepost.conf:{LINE + 1}:27: warning: Outbound_SMTP_AUTH_Pass: gatepost.conf: others can read it")
    lacks(err, "Gehe1m")
    equal(good(G, mode=0o644), "", "without a secret")
    equal(good(G + "include more\n", {"more": ("TLS_Verify = no\n", 0o644)}), "", "an included one without")
    contains(good(G + BOX, pair(mode=0o644)), "warning: TLS_Key: box.key: others can read it")


@case("no secret in eval, in no message, and not needed by who may not read the key")
def _():
    text = G + ('Outbound_SMTP_AUTH_User = "u@example.com"\nOutbound_SMTP_AUTH_Pass = "Gehe1m x"\n'
                'Auth_User "scanner" { Password = "Gehe1m y" }\nAuth_Requires_TLS = false\n')
    _code, out, _err = run("eval", text)
    contains(out, 'Outbound_SMTP_AUTH_Pass = "***"\n')
    lacks(out, "Gehe1m")
    code, out, _err = run("eval", text, "auth_user", "scanner")
    equal((code, out), (0, 'Password = "***"\n'), "an Auth_User")
    for wrong in ("Outbound_SMTP_AUTH_Pass = Gehe1m/x\n", "Outbound_SMTP_AUTH_Pass = x Gehe1m\n",
                  "Outbound_SMTP_AUTH_Pass = \"Gehe1m\n"):
        code, out, err = run("check", G + wrong)
        equal(code, 78, f"exit for {wrong}")
        lacks(out + err, "Gehe1m")
    if os.geteuid() == 0:
        code, out, err = run("eval", G + BOX, "gateway", files=pair(), mode=0o644, user=65534)
        equal((code, out), (0, 'Gateway = "10.0.0.1"\n'), f"eval as nobody ({err})")


# --- start and reload ---

TWO = 'ESMTP_Listener {{ Listen "127.0.0.1:0" {{ TLS_Certificate = box.crt TLS_Key = box.key }} {0} }}\n'


def box(mortal=False, **more):
    return Relay(G + TWO.format(""), files={k: v for k, (v, _mode) in pair().items()}, mortal=mortal, **more)


def served(r):
    """The certificate that STARTTLS shows."""
    with r.session() as c:
        c.cmd("STARTTLS", "220")
        ctx = ssl.create_default_context()
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
        c.sock = ctx.wrap_socket(c.sock, suppress_ragged_eofs=False)
        return c.sock.getpeercert(True)


def put(r, name, text):
    with open(os.path.join(r.dir, name), "w", encoding="latin-1") as file:
        file.write(text)


@case("it does not start with a key that does not fit")
def _():
    with Files() as f:
        f.put("box.crt", certs.get("good").text())
        f.put("box.key", read(certs.key("other").path))
        path = f.put("gatepost.conf", USER + f'Control_Socket = "{f.dir}/c"\n' + G + BOX)
        code, _out, err = gatepost("run", "-c", path)
        equal(code, 78, "exit")
        contains(err, "box.key: the key does not fit the certificate")


@case("a reload with a key that does not fit, or CAs that are gone, changes nothing; the next one does")
def _():
    with box() as r:
        put(r, "ca.pem", read(certs.get("root").path))
        equal(served(r), certs.get("good").der, "the certificate served")
        other = certs.Cert("other.test", ("other.test",), own=certs.key("other"), issuer=certs.get("root"))
        put(r, "box.crt", other.text())
        r.reload()
        r.wait_log("not reloaded, everything stays as it was: the configuration has errors")
        r.wait_log("the key does not fit the certificate")
        equal(served(r), certs.get("good").der, "the certificate still served")
        equal(r.children(), r.kids, "the processes")
        put(r, "box.crt", certs.get("good").text())
        r.reload(G + "TLS = required TLS_CA = gone.pem\n" + TWO.format(""))
        r.wait_log("gone.pem: No such file or directory")
        equal(served(r), certs.get("good").der, "the certificate served all the while")
        put(r, "box.crt", other.text())
        put(r, "box.key", read(certs.key("other").path))
        r.reload(G + "TLS = required TLS_CA = ca.pem\n" + TWO.format(""))
        r.wait_log("serve .*generation=2")
        wait_for(lambda: served(r) == other.der, 60, "the new certificate")
        r.kids = r.children()


@case("an engine that died is followed by one with the same keys, though the files are gone")
def _():
    with box(mortal=True) as r:
        os.unlink(os.path.join(r.dir, "box.key"))
        os.kill(engine(r), signal.SIGKILL)
        r.wait_log("serve .*generation=2")
        r.wait_ready()
        equal(served(r), certs.get("good").der, "the certificate served")


@case("a relay that is not root, with keys of its own")
def _():
    if os.geteuid():
        raise Skip("only root can become another")
    with Relay(G, start=False, user=65534) as r:
        for name, (text, _mode) in pair().items():
            put(r, name, text)
        for path in (r.dir, *(os.path.join(r.dir, n) for n in ("box.crt", "box.key"))):
            os.chown(path, 65534, 65534)
        r.write(G + TWO.format(""))
        os.chown(r.conf, 65534, 65534)
        r.start()
        equal(served(r), certs.get("good").der, "the certificate served")


@case("the helper that asks for names knows no password")
def _():
    text = ('Gateway = "127.0.0.1:25"\nOutbound_SMTP_AUTH_User = "u"\nOutbound_SMTP_AUTH_Pass = "tops3cretA"\n'
            'Auth_User "x" { Password = "tops3cretB" }\n')
    with Relay(text) as r:
        found = [holds(pid, [b"tops3cretA", b"tops3cretB"]) for pid in r.children()]
        equal(len(found), 2, "processes beside the supervisor")
        equal(sorted(len(f) for f in found), [0, 2], "passwords in them")


if __name__ == "__main__":
    main()
