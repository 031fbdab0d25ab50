#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""gatepost image (DESIGN 7): signatures by openssl's judgement, and each refusal with its own words and exit status."""

import hashlib
import os
import struct
import subprocess
import sys
import zlib

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

DEVELOPMENT = os.path.join(TOP, "firmware/keys/development.key")


def openssl(*words, stdin=b""):
    done = subprocess.run(["openssl", *words], input=stdin, capture_output=True, timeout=30, check=False)
    equal(done.returncode, 0, f"openssl {words[0]}, which said {done.stderr!r}")
    return done.stdout


def make(f, board="qemu-nor", version="0.2.0", size=150000):
    """An image that is not signed -> its path"""
    paths = {}
    for name, n in (("kernel", size), ("a.dtb", 1800), ("b.dtb", 1801), ("root", 50000)):
        with open(os.path.join(f.dir, name), "wb") as out:
            out.write(hashlib.shake_128(name.encode()).digest(n))
        paths[name] = out.name
    image = os.path.join(f.dir, "x.img")
    subprocess.run(["/usr/bin/python3", os.path.join(TOP, "firmware/set.py"), "-b", board, "-v", version, "-k", paths["kernel"],
                    "-a", paths["a.dtb"], "-d", paths["b.dtb"], "-r", paths["root"], "-o", image], check=True)
    return image


def sign(image, key=DEVELOPMENT, status=0):
    code, out, err = gatepost("image", "sign", "-k", key, image)
    equal(code, status, f"exit status of sign; it said {err!r}")
    return err if status else out


def verify(image, *words, status=0):
    code, out, err = gatepost("image", "verify", *words, image)
    equal(code, status, f"exit status of verify; it said {out!r} {err!r}")
    return err if status else out


def change(image, at, octets):
    with open(image, "r+b") as f:
        f.seek(at)
        f.write(octets)


def read(image):
    with open(image, "rb") as f:
        return f.read()


def again(image):
    """The checksums as they have to be after a change."""
    change(image, 16, struct.pack("<I", zlib.crc32(read(image)[512:])))
    change(image, 444, struct.pack("<I", zlib.crc32(read(image)[:444])))


def key(f, name, curve="prime256v1", pkcs8=False):
    path = os.path.join(f.dir, name)
    text = openssl("ecparam", "-name", curve, "-genkey", "-noout")
    with open(path, "wb") as out:
        out.write(openssl("pkcs8", "-topk8", "-nocrypt", stdin=text) if pkcs8 else text)
    return path


@case("signed and verified: version, board, length and key in words")
def _():
    with Files() as f:
        image = make(f)
        size = os.path.getsize(image)
        want = (f"{image}: Gatepost 0.2.0 for qemu-nor, {size} octets, "
                "signed with the development key, which is public\n")
        equal(sign(image), want)
        equal(verify(image), want)
        equal(verify(image, "-b", "qemu-nor"), want)


@case("openssl finds the signature good, over all octets but those of the signature")
def _():
    with Files() as f:
        image = make(f)
        sign(image)
        octets = read(image)
        numbers = [int.from_bytes(octets[at:at + 32], "big") for at in (448, 480)]
        inner = b""
        for n in numbers:
            value = n.to_bytes(33, "big").lstrip(b"\0")
            value = b"\0" + value if value[0] & 0x80 else value
            inner += bytes([2, len(value)]) + value
        for name, data in (("signature", bytes([0x30, len(inner)]) + inner), ("data", octets[:448] + octets[512:]),
                           ("public", openssl("ec", "-in", DEVELOPMENT, "-pubout"))):
            with open(os.path.join(f.dir, name), "wb") as out:
                out.write(data)
        contains(openssl("dgst", "-sha256", "-verify", f"{f.dir}/public", "-signature", f"{f.dir}/signature",
                         f"{f.dir}/data").decode(), "Verified OK")


@case("the same key and image give the same signature, with a key in either form")
def _():
    with Files() as f:
        image = make(f)
        sign(image)
        first = read(image)
        sign(image)
        equal(read(image) == first, True, "the image is the same")
        own = key(f, "own.key")
        with open(os.path.join(f.dir, "own.p8"), "wb") as out:
            out.write(openssl("pkcs8", "-topk8", "-nocrypt", "-in", own))
        name = sign(image, own)
        other = read(image)
        equal(sign(image, out.name), name)
        equal(read(image) == other, True, "the image is the same")
        lacks(name, "development")


@case("the whole header and one octet in each part of the image are covered: a flipped bit is refused")
def _():
    with Files() as f:
        image = make(f)
        sign(image)
        good = read(image)
        places = list(range(0, 128, 3)) + list(range(128, 448, 61)) + [448, 479, 480, 511, 512, 4096, 100000, len(good) - 1]
        for at in places:
            change(image, at, bytes([good[at] ^ 1]))
            code, out, err = gatepost("image", "verify", image)
            among(code, (65, 76, 77), f"exit status with octet {at} changed; it said {out!r} {err!r}")
            change(image, at, good[at:at + 1])
        verify(image)


@case("each refusal: no image, cut, longer, damaged, another format, not signed, another key, another board")
def _():
    with Files() as f:
        image = make(f)
        contains(verify(image, status=77), "is not signed")
        sign(image)
        good = read(image)
        size = len(good)

        def refused(octets, status, text, *words):
            with open(image, "wb") as out:
                out.write(octets)
            contains(verify(image, *words, status=status), text)

        refused(b"", 65, "is not a Gatepost image")
        refused(b"\x7fELF" + good[4:], 65, "is not a Gatepost image")
        refused(good[:511], 65, "is cut off: has 511 octets, less than a header")
        refused(good[:-1], 65, f"is cut off: has {size - 1} octets in place of {size}")
        refused(good[:70000], 65, "is cut off")
        refused(good + b"\0", 65, f"has more behind its end: has {size + 1} octets in place of {size}")
        refused(good[:99999] + bytes([good[99999] ^ 0x40]) + good[100000:], 65, "is damaged: its checksum is wrong")
        refused(good[:20] + b"\0\0\0\0" + good[24:], 76, "an image of format 0, older than the 1 that this version knows")
        refused(good[:20] + b"\2\0\0\0" + good[24:], 76, "an image of format 2, newer than the 1 that this version knows")
        refused(good[:64] + b"\0" * 32 + good[96:], 65, "its header makes no sense")
        refused(good, 78, "is for the board qemu-nor, and this one is orangepi-pc", "-b", "orangepi-pc")
        change(image, 0, good[:64] + b"orangepi-pc".ljust(32, b"\0") + good[96:])
        contains(verify(image, status=65), "its header makes no sense")
        again(image)
        contains(verify(image, status=77), "was not signed with the development key")
        change(image, 0, good)
        change(image, 5000, b"evil")
        again(image)
        contains(verify(image, status=77), "was not signed with the development key")
        sign(image, key(f, "own.key"))
        contains(verify(image, status=77), "was not signed with the development key, which is public")


@case("what does not sign: no key, a locked one, another curve, RSA, no file; nor is what is no image signed")
def _():
    with Files() as f:
        image = make(f)
        before = read(image)
        for path, text in ((f.put("empty", "x\n"), "there is no private key in it"),
                           (key(f, "p384", "secp384r1"), "it is not a key on the curve P-256"),
                           (key(f, "k1", "secp256k1"), "the key cannot be read")):
            contains(sign(image, path, 65), text)
        with open(os.path.join(f.dir, "rsa"), "wb") as out:
            out.write(openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"))
        contains(sign(image, out.name, 65), "the key")
        with open(os.path.join(f.dir, "locked"), "wb") as out:
            out.write(openssl("ec", "-aes128", "-passout", "pass:x", "-in", DEVELOPMENT))
        contains(sign(image, out.name, 65), "locked by a passphrase")
        contains(sign(image, os.path.join(f.dir, "nix"), 66), "No such file")
        equal(read(image) == before, True, "the image is as it was")
        contains(sign(f.put("text", "no image at all"), status=65), "is not a Gatepost image")
        contains(verify(os.path.join(f.dir, "nix"), status=66), "nix: No such file")


@case("usage")
def _():
    for words in (("image",), ("image", "verify"), ("image", "sign", "x"), ("image", "paint", "x"), ("image", "verify", "x", "y"),
                  ("image", "verify", "-k", "y", "x")):
        code, _out, err = gatepost(*words)
        equal(code, 64, f"exit status of {words}")
        contains(err, "see: gatepost help image")


@case("version tells the key")
def _():
    _code, out, _err = gatepost("version")
    contains(out, "\nimages: signed with the development key, which is public\n")


main()
