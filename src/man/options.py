#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Writes the tables of options in gatepost.conf.5 from src/conf/options.def.

usage: options.py         rewrites what stands between the page's marks
       options.py -n      prints the page as it should be
"""
import os
import re
import sys
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "gatepost.conf.5")
TABLE = os.path.join(HERE, "..", "conf", "options.def")

SCOPES = {
    "G": "global",
    "R": "Peer, Listen, ESMTP_Listener, global",
    "A": "Auth_User, Peer, Listen, ESMTP_Listener, global",
    "U": "Auth_User",
    "C": "Listen, ESMTP_Listener, global",
    "L": "Listen, ESMTP_Listener",
    "S": "Domain, Binding, Binding_Group, global",
    "D": "Domain, global",
    "B": "Binding, Binding_Group, global",
}
VALUES = {
    "BOOL": "true | false", "SIZE": "size", "COUNT": "number", "COUNT_POOL": "number", "TIME": "time",
    "RATE": "\"number/seconds\"", "PORT": "port", "HOST": "name", "HELO": "name", "DOMAIN": "domain",
    "MAILBOX": "address", "ALLOWED": "list", "ADDRESS": "address", "NETS": "list", "GATEWAY": "host[:port]",
    "ROUTES": "list", "BINDING": "name", "USER": "user", "SOCKET": "path", "LOG": "where",
    "TEXT": "text", "SECRET": "text", "FILE": "file", "FOLDER": "folder", "CONTACT": "address", "PEER_NAME": "name", "TENANT": "tenant", "URL": "address",
    "PINS": "list", "PROTOCOLS": "versions",
}


def unquote(text):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)).replace('\\"', '"')


def arguments(text):
    """The comma-separated arguments of a macro call; commas within strings stay."""
    found, part, quoted, i = [], "", False, 0
    while i < len(text):
        c = text[i]
        if quoted and c == "\\":
            part += text[i:i + 2]
            i += 2
            continue
        quoted ^= c == '"'
        if c == "," and not quoted:
            found.append(part.strip())
            part = ""
        else:
            part += c
        i += 1
    return found + [part.strip()]


def calls(source):
    """Yields (macro, arguments) and ("heading", [text]) in the order of the file."""
    text = r"[^()\"]|\"(?:[^\"\\]|\\.)*\""
    for m in re.finditer(r"^(OPTION|REFUSED)\(((?:%s|\((?:%s)*\))*)\)|^/\* (.*) \*/$" % (text, text), source, re.M):
        if m.group(3):
            yield "heading", [m.group(3)]
        else:
            yield m.group(1), arguments(m.group(2))


def mdoc(text):
    """Plain text as mdoc: no line may begin with a dot or quote, quotes are written as the language's."""
    lines = []
    for line in textwrap.wrap(text.replace("\\", "\\e").replace('"', "\\(dq"), 76, break_long_words=False,
                              break_on_hyphens=False):
        lines.append("\\&" + line if line[0] in ".'" else line)
    return lines


def option(args):
    _id, name, kind, scopes, _field, spec, _most, default, help_text = args
    name, spec, default, help_text = map(unquote, (name, spec, default, help_text))
    words = [w.lstrip("~+@^&%") for w in spec.split("|")]
    value = " | ".join(words) if kind == "WORD" else VALUES[kind]
    lines = [".It Ic %s No = Ar %s" % (name, value.replace('"', "\\(dq").replace("|", "\\*(Ba"))]
    lines += mdoc(help_text)
    if args[7].startswith("CONFIG_"):
        lines += mdoc("Not set by default, unless the build says so: %s." % args[7])
    else:
        lines += mdoc("Default: %s." % default if default else "Not set by default.")
    if spec.startswith("CONFIG_"):
        lines += mdoc("Bounded by the build: %s." % spec)
    lines += mdoc("Scopes: %s." % SCOPES[scopes])
    return lines


def tables(source):
    """-> the lines of the table of options, and of the list of those that are not needed"""
    options, refused = [], []
    for macro, args in calls(source):
        if macro == "heading" and args[0].startswith("SPDX"):
            continue
        if macro == "heading":
            options += [".El"] if options else []
            options += [".Ss " + args[0].rstrip("."), ".Bl -tag -width Ds"]
        elif macro == "OPTION":
            options += option(args)
        else:
            refused += [".It Ic " + unquote(args[0])] + mdoc(unquote(args[1]) + ".")
    return options + [".El"], [".Bl -tag -width Ds"] + refused + [".El"]


def fill(page, source):
    options, refused = tables(source)
    for mark, lines in (("options", options), ("not needed", refused)):
        begin, end = '.\\" %s, made from options.def: begin\n' % mark, '.\\" %s: end\n' % mark
        head, rest = page.split(begin)
        page = head + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1]
    return page


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def main():
    page = fill(read(PAGE), read(TABLE))
    if sys.argv[1:] == ["-n"]:
        sys.stdout.write(page)
    elif page != read(PAGE):
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(page)


if __name__ == "__main__":
    main()
