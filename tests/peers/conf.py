#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The configuration from outside: check, eval, every kind of error and warning (DESIGN 3)."""

import os
import re
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

G = "Gateway = 10.0.0.1\n"
USER = "" if os.geteuid() else "User = nobody\n"


def run(text, *words, command="check", files=None):
    with Files(gatepost__conf=text + (USER if text.endswith("\n") else "")) as f:
        for name, content in (files or {}).items():
            f.put(name, content)
        code, out, err = gatepost(command, "-c", f.dir + "/gatepost.conf", *words)
        return code, out.replace(f.dir + "/", ""), err.replace(f.dir + "/", "")


def evaluate(text, *words, files=None):
    code, out, err = run(text, *words, command="eval", files=files)
    equal(code, 0, f"exit of eval ({err})")
    return out.strip()


def good(text, files=None):
    code, out, err = run(text, files=files)
    equal(code, 0, f"exit of check ({err.strip()})")
    equal(out, "gatepost.conf: ok\n", "stdout")
    return err


def bad(text, line, *parts, files=None, name="gatepost.conf"):
    """Exit 78, nothing on stdout, and an error of that line that holds these words."""
    code, out, err = run(text, files=files)
    equal((code, out), (78, ""), f"exit and stdout of check ({err.strip()})")
    rows = re.findall(r"(?m)^(\S+?):(\d+):(\d+): error: (.+)$", err)
    check(rows, lambda: f"no FILE:LINE:COLUMN: error: … in {err!r}")
    here = [r for r in rows if r[0] == name and int(r[1]) == line]
    check(here, lambda: f"no error for line {line} in {err!r}")
    for part in parts:
        check(any(part.lower() in r[3].lower() for r in here), lambda: f"no {part!r} in {here!r}")
    return rows


# --- what loads ---

@cases("loads: {0}", [
    ("one line", "Gateway = 10.0.0.1\n"), ("a name", "Gateway = my.local.smart.host\n"),
    ("a quoted value", 'Gateway = "10.0.0.1:587"\n'), ("bracketed IPv6", 'Gateway = "[fe80::a00]:1"\n'),
    ("a zone", 'Gateway = "[fe80::a00%eth0]:25"\n'), ("no end of line", "Gateway = 10.0.0.1"),
    ("CRLF", "Gateway = 10.0.0.1\r\nHostname = a.test\r\n"), ("any case", "GATEWAY = 10.0.0.1\nhostName = a.test\n"),
    ("white space is free", "Gateway\n=\n\n10.0.0.1\tHostname=a.test\n"),
    ("a comment", "# x\nGateway = 10.0.0.1 # y\n"), ("a long comment", "/* x\n y */ Gateway = /* z */ 10.0.0.1\n"),
    ("a list", G + 'Relay_Hosts = ( "127.0.0.0/8" "10.0.0.0/8" )\n'),
    ("a list with commas", G + 'Relay_Hosts = ( "127.0.0.0/8", "10.0.0.0/8" )\n'),
    ("stanzas", G + 'ESMTP_Listener {\n Listen ":25" {}\n Listen "[::]:2587" {}\n Peer "192.168.3.0/24" '
     '{ Max_Message_Size = 100m }\n}\n'),
    ("stanza names in any case", G + 'esmtp_LISTENER { LISTEN ":2525" {} }\nDOMAIN "a.test" { Gateway = 10.0.0.2 }\n'),
    ("Spool = off", G + "Spool = off\n"), ("TLS = no", G + "TLS = no\n"),
    ("Starttls = no", G + "Starttls = no\n"), ("Auth = no", G + "Auth = no\n"),
    ("only a Domain's gateway", 'Domain "a.test" { Gateway = 10.0.0.1 }\n'),
    ("only Routes", 'Routes = ( "10.0.0.1" )\n'),
    ("Routes with ports", 'Routes = ( "smtp://10.0.11.7?pref=10&port=587" "my.local.smart.host" )\n'),
    ("a Unix listener", G + 'ESMTP_Listener { Listen "/run/gatepost/in.sock" {} }\n'),
    ("listeners of all forms", G + 'ESMTP_Listener { Listen "*:2525" {} Listen "[*]:2526" {} Listen "127.0.0.1:2527" {} '
     'Listen "[::1]:2528" {} Listen "lo:2529" {} Listen ":0" {} }\n'),
    ("the design's scopes", 'Gateway = "10.10.10.50"\nDomain "local.example.com" { Gateway = 10.10.10.20 }\n'
     'Binding_Group "floor1" {\n  Bind_Address = "192.168.1.2"\n  Binding "scanners" {\n'
     '    EHLO_Hostname = "scan.example.com"\n    Domain "example.com" { Gateway = "[2001:db8::25]:587" }\n  }\n}\n'),
    ("a regex", G + 'Domain "/^(a|b)\\.test$/" { Gateway = 10.0.0.2 }\n'),
    ("a limit turned off", G + "Peer_Sessions = none\nInbound_Throttle_Messages = 0\n"),
    ("IPv6 peers with and without brackets", G + 'ESMTP_Listener { Peer "fd00::/8" {} Peer "[fe80::]/10" {} '
     'Peer "::1" {} Peer 10.1.2.3 {} }\n')])
def _(_name, text):
    good(text)


@cases("booleans: {0}", ["true", "false", "yes", "no", "on", "off", "1", "0", "TRUE", "Yes"])
def _(word):
    good(G + f"Open_Relay = {word}\n")


def same(option, one, other):
    equal(evaluate(G + f"{option} = {one}\n", option), evaluate(G + f"{option} = {other}\n", option), option)


@cases("values that are the same: {0} {1} and {2}", [
    ("Client_Timeout", "5m", "300"), ("Client_Timeout", "300s", "5m"), ("Idle_Timeout", "2h", "7200"),
    ("Body_Timeout", "1d", "24h"), ("Max_Message_Size", "64k", "65536"), ("Max_Message_Size", "25m", "26214400"),
    ("Max_Message_Size", "1g", "1073741824"), ("Lone_LF_Ends_Data", "on", "true"), ("Lone_LF_Ends_Data", "0", "no"),
    ("Max_Message_Size", "1M", "1m")])
def _(option, one, other):
    same(option, one, other)


@case("defaults are those of the design")
def _():
    for option, value in (("Remote_SMTP_Port", "25"), ("Max_Message_Size", "50m"), ("Client_Timeout", "5m"),
                          ("Client_Patience", "20s"), ("Connect_Timeout", "10s"), ("EHLO_Timeout", "30s"),
                          ("MailFrom_Timeout", "30s"), ("RcptTo_Timeout", "30s"), ("Body_Timeout", "10m"),
                          ("Idle_Timeout", "60s"), ("Host_Failure_Retry", "60s"), ("Max_Outbound_Connections", "20"),
                          ("Max_Deliveries_Per_Connection", "100"), ("Max_Recipients_Per_Message", "100"),
                          ("Lone_LF_Ends_Data", "false"), ("RFC2822_Date_Header", "ifneeded"), ("Spool", "off"),
                          ("RFC2822_MessageID_Header", "ifneeded"), ("RFC2822_Lone_LF_In_Body", "fix"),
                          ("RFC2822_Lone_LF_In_Headers", "fix"), ("Open_Relay", "false"),
                          ("Control_Socket", "/run/gatepost/control.sock"), ("Log", "stderr"), ("Clock", "rtc")):
        equal(evaluate(G, option), evaluate(G + f'{option} = "{value}"\n', option), f"default of {option}")


# --- errors ---

@cases("error: {0}", [
    ("no gateway in any scope", "Hostname = a.test\n", None, ("gateway",)),
    ("an unknown option suggests the nearest", G + "Max_Mesage_Size = 1m\n", 2, ("Max_Mesage_Size", "Max_Message_Size")),
    ("an option out of its scope names its scopes", G + 'Domain "a.test" {\n  Max_Message_Size = 1m\n}\n', 3,
     ("Max_Message_Size", "Peer", "Listen")),
    ("a global option in a listener", G + "ESMTP_Listener {\n  Hostname = a.test\n}\n", 3, ("Hostname", "global")),
    ("Gateway in a Peer", G + 'ESMTP_Listener {\n  Peer "10.0.0.0/8" {\n Gateway = 10.0.0.2\n } }\n', 4, ("Gateway",)),
    ("Routes in a Binding", G + 'Binding "a" {\n  Routes = ( "10.0.0.1" )\n}\n', 3, ("Routes",)),
    ("an unknown stanza", G + 'Bindings "x" { }\n', 2, ("Bindings",)),
    ("IPv6 without brackets", "Gateway = fe80::a00\n", 1, ("bracket",)),
    ("IPv6 with port without brackets", 'Gateway = "2001:db8::1:25"\n', 1, ("bracket",)),
    ("port 0", 'Gateway = "10.0.0.1:0"\n', 1, ("port",)), ("port 65536", 'Gateway = "10.0.0.1:65536"\n', 1, ("port",)),
    ("port of letters", 'Gateway = "10.0.0.1:smtp"\n', 1, ("port",)),
    ("an empty gateway", 'Gateway = ""\n', 1, ()), ("an octet over 255", "Gateway = 10.0.0.256\n", 1, ()),
    ("a name with a blank", 'Gateway = "a b"\n', 1, ()), ("an unclosed bracket", 'Gateway = "[fe80::1"\n', 1, ()),
    ("__mx__ in Routes", 'Routes = ( "__mx__" )\n', 1, ("gateway",)),
    ("ttl in Routes", 'Routes = ( "smtp://10.0.0.1?ttl=5" )\n', 1, ("not needed",)),
    ("type in Routes", 'Routes = ( "smtp://10.0.0.1?type=x" )\n', 1, ("not needed",)),
    ("an unknown parameter in Routes", 'Routes = ( "smtp://10.0.0.1?colour=red" )\n', 1, ("colour",)),
    ("a bad pref", 'Routes = ( "smtp://10.0.0.1?pref=low" )\n', 1, ("pref",)),
    ("empty Routes", "Routes = ( )\n", 1, ()),
    ("a missing value", "Gateway =\n", None, ()), ("a missing equals sign", "Gateway 10.0.0.1\n", 1, ()),
    ("an unclosed quote", 'Gateway = "10.0.0.1\n', 1, ("quot",)), ("an unclosed stanza", G + 'Domain "a.test" {\n', None, ()),
    ("an unclosed comment", G + "/* x\n", 2, ("comment",)), ("a stray brace", G + "}\n", 2, ()),
    ("an unclosed list", G + 'Relay_Hosts = ( "10.0.0.0/8"\n', None, ()),
    ("a boolean that is none", G + "Open_Relay = maybe\n", 2, ("true", "maybe")),
    ("a time that is none", G + "Client_Timeout = 5x\n", 2, ("5x",)),
    ("a size that is none", G + "Max_Message_Size = 5q\n", 2, ("5q",)),
    ("a negative number", G + "Max_Recipients_Per_Message = -1\n", 2, ()),
    ("a number that overflows", G + "Max_Message_Size = 99999999999999999999g\n", 2, ()),
    ("a word that is none of the choices", G + "RFC2822_Date_Header = maybe\n", 2, ("ifneeded",)),
    ("a list where one value belongs", G + 'Hostname = ( "a" "b" )\n', 2, ()),
    ("a bad CIDR", G + 'Relay_Hosts = ( "10.0.0.0/33" )\n', 2, ("10.0.0.0/33",)),
    ("a bad IPv6 CIDR", G + 'Relay_Hosts = ( "fd00::/129" )\n', 2, ()),
    ("a Peer that is no block", G + 'ESMTP_Listener {\n Peer "scanner" {}\n}\n', 3, ("scanner",)),
    ("a public relay block without Open_Relay", G + 'Relay_Hosts = ( "0.0.0.0/0" )\n', 2, ("Open_Relay",)),
    ("a public /15", G + 'Relay_Hosts = ( "8.8.0.0/15" )\n', 2, ("Open_Relay",)),
    ("a public IPv6 /31", G + 'Relay_Hosts = ( "2001:db8::/31" )\n', 2, ("Open_Relay",)),
    ("an unknown binding", G + 'ESMTP_Listener {\n Binding = "nowhere"\n}\n', 3, ("nowhere",)),
    ("a binding name with a blank", G + 'Binding "a b" { EHLO_Hostname = a.test }\n', 2, ()),
    ("a binding name with a colon", G + 'Binding "a:b" { EHLO_Hostname = a.test }\n', 2, ()),
    ("Spool with a Spoolbase missing", G + "Spool = fallback\n", 2, ()),
    ("Starttls without a certificate", G + "Starttls = yes\n", 2, ("Starttls",)),
    ("Auth without a user", G + "Auth = yes\n", 2, ("Auth",)),
    ("a version of TLS that is too old", G + "TLS_Protocols = 1.1\n", 2, ("TLS_Protocols",)),
    ("a login with OAuth 2.0 without a user", G + "OAuth2_Provider = google\n", 2, ("OAuth2_Provider",)),
    ("a login in clear text", G + "TLS = no\nOutbound_SMTP_AUTH_User = u\nOutbound_SMTP_AUTH_Pass = p\n", 2,
     ("Outbound_SMTP_AUTH_Allow_Plaintext",)),
    ("half a login", G + "Outbound_SMTP_AUTH_Pass = p\n", 2, ("Outbound_SMTP_AUTH_User",)),
    ("half a pair", G + "TLS_Certificate = a\n", 2, ("TLS_",)),
    ("a user without a password", G + "Auth_User u { }\n", 2, ("Auth_User",)),
    ("a user that does not exist", G + "User = nosuchuser\n", 2, ("nosuchuser", "adduser")),
    ("own listener as literal gateway", 'Gateway = "127.0.0.1:2599"\nESMTP_Listener { Listen "127.0.0.1:2599" {} }\n', 1, ()),
    ("own wildcard listener as literal gateway", 'Gateway = "127.0.0.1:2599"\nESMTP_Listener { Listen ":2599" {} }\n', 1, ()),
    ("a broken regex", G + 'Domain "/(/" { Gateway = 10.0.0.2 }\n', 2, ()),
    ("a bad Listen", G + 'ESMTP_Listener {\n Listen "nonsense" {}\n}\n', 3, ("nonsense",)),
    ("a Listen port over 65535", G + 'ESMTP_Listener {\n Listen ":70000" {}\n}\n', 3, ()),
    ("an include that is not there", G + 'include "nowhere.conf"\n', 2, ("nowhere.conf",)),
    ("a bad throttle", G + 'Inbound_Throttle_Messages = "100/0"\n', 2, ()),
    ("more recipients than the build allows", G + "Max_Recipients_Per_Message = 99999999\n", 2, ()),
    ("a NUL", "Gateway = 10.0.0.1\0\n", 1, ()), ("binary garbage", "\x01\x02\x03\xff\n" + G, 1, ())])
def _(_name, text, line, words):
    if line is None:
        code, out, err = run(text)
        equal((code, out), (78, ""), f"exit and stdout ({err.strip()})")
        check(re.search(r"(?m)^gatepost\.conf:\d+:\d+: error: .+|^gatepost\.conf: error: .+", err), f"form of {err!r}")
        for word in words:
            contains(err.lower(), word.lower())
    else:
        bad(text, line, *words)


@cases("left out on purpose: {0} is refused with `not needed: why`", [
    "Require_EHLO", "Starttls_Injection_Policy", "Allow_Trailing_Whitespace_In_Commands", "Delivery_Method",
    "RFC2822_Trace_Headers", "TLS_Ifavailable_Fallback", "Received_Hostname", "Banner_Hostname", "TLS_Client_CA",
    "Max_Receptions_Per_Connection"])
def _(option):
    bad(G + f"{option} = true\n", 2, "not needed: ")


@case("all errors of one run are told, each with its line")
def _():
    rows = bad("Gatway = 10.0.0.1\nOpen_Relay = maybe\nGateway = 10.0.0.1\nClient_Timeout = x\n", 1, "Gateway")
    equal(sorted({int(r[1]) for r in rows}), [1, 2, 4], "lines with errors")


@cases("the column is where the trouble begins: {0}", [
    ("an option's name", G + "   Gatway = x\n", 2, 4), ("the first column", G + "Gatway = x\n", 2, 1),
    ("a value", G + "Open_Relay = maybe\n", 2, 14), ("a value after a tab", G + "\tOpen_Relay = maybe\n", 2, None)])
def _(_name, text, line, column):
    rows = bad(text, line)
    if column:
        equal([int(r[2]) for r in rows if int(r[1]) == line], [column], "column")


@case("run refuses the same configuration with the same words and exit 78")
def _():
    with Files(gatepost__conf="Gatway = 10.0.0.1\n") as f:
        one = gatepost("check", "-c", f.dir + "/gatepost.conf")
        two = gatepost("run", "-c", f.dir + "/gatepost.conf")
        equal(two[0], 78, "exit of run")
        for row in one[2].splitlines():
            if ": error: " in row:
                contains(two[2], row)


@case("a file that is not there: an error that names it, EX_CONFIG or EX_NOINPUT")
def _():
    code, out, err = gatepost("check", "-c", "/nonexistent/gatepost.conf")
    among(code, (66, 78), "exit")
    equal(out, "")
    contains(err, "/nonexistent/gatepost.conf")


@case("a folder in place of the file")
def _():
    with Files() as f:
        code, _out, err = gatepost("check", "-c", f.dir)
        check(code != 0, "exit 0")
        contains(err, f.dir)


# --- warnings ---

@case("a warning where a Binding's Gateway beats a global Domain's")
def _():
    err = good(G + 'Domain "a.test" { Gateway = 10.0.0.2 }\nBinding "b" { Gateway = 10.0.0.3 }\n'
               'ESMTP_Listener { Listen ":2525" {} Binding = "b" }\n')
    check(re.search(r"(?m)^gatepost\.conf:\d+:\d+: warning: .+", err), f"form of {err!r}")


@case("no user is named and gatepost does not exist: nobody with a warning")
def _():
    import pwd
    try:
        pwd.getpwnam("gatepost")
        return
    except KeyError:
        pass
    with Files(gatepost__conf=G) as f:
        code, _out, err = gatepost("check", "-c", f.dir + "/gatepost.conf")
        equal(code, 0, f"exit ({err})")
        contains(err, "nobody")
        contains(err, "warning")


# --- include ---

@case("include of a file beside the including one")
def _():
    equal(evaluate('include "more.conf"\n', "gateway", files={"more.conf": "Gateway = 10.0.0.9\n"}),
          'Gateway = "10.0.0.9"')


@case("include of a folder: alphabetical, no dot files, no recursion")
def _():
    files = {"conf.d/20.conf": "Gateway = 10.0.0.20\n", "conf.d/10.conf": "Gateway = 10.0.0.10\n",
             "conf.d/.99.conf": "Gateway = 10.0.0.99\n", "conf.d/sub/30.conf": "Gateway = 10.0.0.30\n"}
    equal(evaluate('include "conf.d"\n', "gateway", files=files), 'Gateway = "10.0.0.20"')


@case("include is valid in any scope")
def _():
    text = G + 'Domain "a.test" {\n include "d.conf"\n}\nESMTP_Listener { include "l.conf" }\n'
    equal(evaluate(text, "domain", "a.test", "gateway", files={
        "d.conf": "Gateway = 10.0.0.9\n", "l.conf": 'Listen ":2525" {}\n'}), 'Gateway = "10.0.0.9"')


@case("a file included from a file is looked for beside it first")
def _():
    files = {"sub/a.conf": 'include "b.conf"\n', "sub/b.conf": "Gateway = 10.0.0.2\n", "b.conf": "Gateway = 10.0.0.1\n"}
    equal(evaluate('include "sub/a.conf"\n', "gateway", files=files), 'Gateway = "10.0.0.2"')


@case("an error in an included file names that file, its line and column")
def _():
    bad(G + 'include "more.conf"\n', 2, "Gatway", files={"more.conf": "\nGatway = x\n"}, name="more.conf")


@case("files that include each other are an error, not a crash")
def _():
    code, _out, err = run(G + 'include "a.conf"\n', files={"a.conf": 'include "b.conf"\n', "b.conf": 'include "a.conf"\n'})
    equal(code, 78, "exit")
    contains(err, "error: ")


# --- eval ---

DESIGN = ('Gateway = "10.10.10.50"\nDomain "local.example.com" { Gateway = 10.10.10.20 }\n'
          'Binding_Group "floor1" {\n  Bind_Address = "192.168.1.2"\n  Binding "scanners" {\n'
          '    EHLO_Hostname = "scan.example.com"\n    Domain "example.com" { Gateway = "[2001:db8::25]:587" }\n  }\n}\n')


@cases("eval {0}: {1}", [
    ("gateway", 'Gateway = "10.10.10.50"'), ("binding scanners domain example.com gateway",
                                             'Gateway = "[2001:db8::25]:587"'),
    ("domain local.example.com gateway", 'Gateway = "10.10.10.20"'),
    ("domain LOCAL.example.com. gateway", 'Gateway = "10.10.10.20"'),
    ("domain other.test gateway", 'Gateway = "10.10.10.50"'),
    ("binding scanners ehlo_hostname", 'EHLO_Hostname = "scan.example.com"'),
    ("binding scanners bind_address", 'Bind_Address = "192.168.1.2"'),
    ("binding_group floor1 bind_address", 'Bind_Address = "192.168.1.2"'),
    ("binding scanners domain local.example.com gateway", 'Gateway = "10.10.10.20"'),
    ("GATEWAY", 'Gateway = "10.10.10.50"')])
def _(words, wanted):
    equal(evaluate(DESIGN, *words.split()), wanted)


@case("eval of what is unset: exit 1 and no output")
def _():
    code, out, _err = run(DESIGN, "bind_address", command="eval")
    equal((code, out), (1, ""))


@case("eval without an option prints all, each as the configuration writes it")
def _():
    rows = evaluate(DESIGN).splitlines()
    contains(rows, 'Gateway = "10.10.10.50"')
    check(len(rows) > 20, f"only {len(rows)} lines")
    check(all(re.match(r"[A-Za-z0-9_]+ = ", r) for r in rows), f"form of {rows!r}")


@case("what eval prints of all options loads again to the same")
def _():
    rows = evaluate(G + "Hostname = a.test\nIdle_Timeout = 7s\n")
    text = "\n".join(r for r in rows.splitlines() if not r.lower().startswith("user"))
    equal(evaluate(text + "\n"), rows, "eval of what eval printed")


@case("eval of an unknown option, scope or binding is an error")
def _():
    for words in (("gatway",), ("planet", "earth", "gateway"), ("binding", "nobody", "gateway")):
        code, out, err = run(DESIGN, *words, command="eval")
        check(code not in (0, 1) or (code == 1 and err), f"{words}: exit {code}, {out!r}, {err!r}")


@case("a configuration as large as the memory for it is refused in words")
def _():
    text = G + "".join(f'Domain "d{n}.example.com" {{ Gateway = "10.1.{n // 250}.{n % 250 + 1}" }}\n' for n in range(20000))
    code, _out, err = run(text)
    among(code, (0, 78), "exit")
    check(code == 0 or "error: " in err, f"{err[:300]!r}")


@case("a line of 1 MiB and a nesting of 10,000 braces are refused, not a crash")
def _():
    for text in (G + "Hostname = " + "a" * (1 << 20) + "\n", G + 'Domain "a" { ' * 10000, "(" * 100000):
        code, _out, err = run(text)
        equal(code, 78, f"exit ({err[:200]!r})")


need_binary()
main(jobs=3)
