# SPDX-License-Identifier: ISC
"""A relay with a spool before a scripted gateway."""

import os
import shutil
from contextlib import contextmanager

from . import tap
from .liar import Liar
from .relay import Relay, temp

# Retries soon enough for a test; the folder may lie on a tmpfs.
QUICK = "Spool_Volatile = true\nRetry_Interval = 1\nMax_Retry_Interval = 2\nHost_Failure_Retry = 1\n"


class Folder:
    """A Spoolbase of the test's own."""

    def __init__(self):
        self.top = temp()
        self.path = os.path.join(self.top, "spool")

    @property
    def files(self):
        """Whatever lies in it, the spool's own counter left out. Ids are random letters: no part of a name tells anything."""
        out = []
        for where, _, names in os.walk(self.path):
            out += [os.path.relpath(os.path.join(where, n), self.path) for n in names]
        return sorted(n for n in out if n != "written" and not n.startswith("."))

    def empty(self, seconds=10):
        tap.wait_for(lambda: not self.files, seconds, f"an empty spool, not {self.files}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)


def conf_of(folder, mode="fallback", more=""):
    return f'Spool = {mode}\nSpoolbase = "{folder.path}"\n{QUICK}{more}'


@contextmanager
def spool_box(conf="", *scripts, mode="fallback", mortal=False, **script):
    """(relay, gateway, folder)"""
    with Folder() as folder, Liar(*scripts, **script) as gateway:
        with Relay(gateway.conf() + conf_of(folder, mode, conf), mortal=mortal) as relay:
            yield relay, gateway, folder
