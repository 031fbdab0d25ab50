# SPDX-License-Identifier: ISC
"""What the gates share: TAP points, the files of the tree, and small trees to prove that a gate finds something.

A gate is a function check(top) that returns a list of complaints; gate() runs it on the tree, finds() on a tree
made of the files given, where it must complain about each text expected and about nothing else.
"""
import os
import subprocess
import sys
import tempfile

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BUILD = os.path.join(TOP, os.environ.get("O", "build/host"))

_count = 0
_bad = 0


def ok(good, name, notes=()):
    global _count, _bad
    _count += 1
    _bad += not good
    print("%sok %d - %s" % ("" if good else "not ", _count, name))
    for note in notes:
        print("# %s" % note)
    return good


def skip(name, why):
    global _count
    _count += 1
    print("ok %d - %s # SKIP %s" % (_count, name, why))


def done():
    print("1..%d" % _count)
    sys.exit(1 if _bad else 0)


def run(*argv, text=None, cwd=None):
    """-> (status, standard output and error together)"""
    p = subprocess.run(argv, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace", cwd=cwd, check=False)
    return p.returncode, p.stdout


def library():
    """-> the folder of mbedTLS as the product is built with it, or None where it has none."""
    try:
        with open(os.path.join(BUILD, "mbedtls"), encoding="utf-8") as f:
            folder = f.read().strip()
    except OSError:
        return None
    return folder if os.path.isdir(folder) else None


def files(top, links=False):
    """Every file of the tree that is, or could be, committed; paths from the top. links: those too that lead nowhere here."""
    there = os.path.lexists if links else os.path.isfile
    if os.path.exists(os.path.join(top, ".git")):
        p = subprocess.run(["git", "-c", "safe.directory=" + top, "-C", top, "ls-files", "-z", "-co",
                            "--exclude-standard"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        if p.returncode == 0:
            names = p.stdout.decode("utf-8", "surrogateescape").split("\0")
            return sorted(n for n in names if n and there(os.path.join(top, n)))
    found = []
    for where, dirs, names in os.walk(top):
        if where == top:
            dirs[:] = [d for d in dirs if d not in ("build", ".git")]
        dirs[:] = [d for d in dirs if d != "__pycache__"]
        found += [os.path.relpath(os.path.join(where, n), top) for n in (*names, *dirs)
                  if n in names or os.path.islink(os.path.join(where, n))]
    return sorted(n for n in found if there(os.path.join(top, n)))


def sources(top, *ends):
    return [f for f in files(top) if f.startswith("src/") and f.endswith(ends)]


def lines(top, name):
    with open(os.path.join(top, name), encoding="utf-8", errors="replace") as f:
        return f.read().split("\n")


def without_comments(text):
    """The same number of lines; comments become blanks, the insides of strings become x."""
    out, i, n = [], 0, len(text)
    while i < n:
        two = text[i:i + 2]
        if two == "/*":
            end = text.find("*/", i + 2)
            end = n if end < 0 else end + 2
            out.append("".join(c if c == "\n" else " " for c in text[i:end]))
            i = end
        elif two == "//":
            end = text.find("\n", i)
            end = n if end < 0 else end
            out.append(" " * (end - i))
            i = end
        elif text[i] in "\"'":
            quote, j = text[i], i + 1
            while j < n and text[j] != quote and text[j] != "\n":
                j += 2 if text[j] == "\\" else 1
            out.append(quote + "x" * max(0, min(j, n) - i - 1) + quote)
            i = j + 1
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def gate(name, check):
    found = check(TOP)
    ok(not found, name, found)


def finds(name, check, tree, expected):
    """tree: {path: content}; expected: pieces of text, one complaint each."""
    with tempfile.TemporaryDirectory() as top:
        for path, content in tree.items():
            full = os.path.join(top, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(content)
        found = check(top)
    good = len(found) == len(expected) and all(any(e in c for c in found) for e in expected)
    ok(good, "self-test: " + name, [] if good else ["found: %r" % found, "expected: %r" % (expected,)])
