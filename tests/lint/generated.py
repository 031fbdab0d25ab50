#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Gate: what is made from a table and committed is current, and the page holds every option."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import gate  # noqa: E402

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(gate.TOP, "src", "man"))
import options  # noqa: E402

PAGE = "src/man/gatepost.conf.5"
TABLE = "src/conf/options.def"


def check(top):
    page = options.read(os.path.join(top, PAGE))
    table = options.read(os.path.join(top, TABLE))
    if page != options.fill(page, table):
        return ["%s is not what src/man/options.py makes of %s: run it" % (PAGE, TABLE)]
    declared = re.findall(r'^(?:OPTION\(\w+, |REFUSED\()"(\w+)"', table, re.M)
    shown = re.findall(r"^\.It Ic (\w+)", page, re.M)
    return ["%s is not in %s" % (n, PAGE) for n in declared if n not in shown]


def with_table(change):
    page = options.read(os.path.join(gate.TOP, PAGE))
    table = options.read(os.path.join(gate.TOP, TABLE))
    return {PAGE: page, TABLE: change(table)}


gate.gate("the man page's table of options is made from options.def", check)
gate.finds("a changed default", check, with_table(lambda t: t.replace('"5m"', '"6m"')), ["run it"])
gate.finds("a new option", check, with_table(
    lambda t: t + 'OPTION(X, "Xyzzy", BOOL, G, x, "", 0, "false", "Nothing happens.")\n'), ["run it"])
gate.finds("a changed comment is fine", check, with_table(lambda t: t.replace("Every option, declared once.", "")), [])
gate.done()
