# SPDX-License-Identifier: ISC
"""A scanned page as PDF, and the mail that a multifunction printer makes of it."""

import base64
import random
import zlib

WIDE, HIGH = 827, 1169          # A4 at 100 dots an inch, 8 bits of grey


def page(seed):
    """Paper with the noise of a scanner and lines of something like writing."""
    dice = random.Random(seed)
    paper = bytes(252 + (n & 3) for n in range(256))
    ink = bytes(40 + (n & 31) for n in range(256))
    rows = [dice.randbytes(WIDE).translate(paper) for _ in range(HIGH)]
    for top in range(150, HIGH - 120, 26):
        words, at = [], 90
        while at < WIDE - 150:
            wide = dice.randrange(12, 70)
            words.append((at, min(wide, WIDE - 90 - at)))
            at += wide + 10
        for y in range(top, top + 10):
            row = bytearray(rows[y])
            for start, wide in words:
                for x in range(start, start + wide):
                    if dice.random() < 0.45:
                        row[x] = ink[row[x]]
            rows[y] = bytes(row)
    return b"".join(rows)


def pdf(seed, title):
    """A valid PDF 1.4 of one page: the picture, and a line of text over it."""
    picture = zlib.compress(page(seed), 6)
    text = f"q 595 0 0 842 0 0 cm /Scan Do Q BT /F1 16 Tf 65 770 Td ({title}) Tj ET".encode("ascii")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [ 3 0 R ] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 595 842 ] /Contents 4 0 R "
        b"/Resources << /XObject << /Scan 5 0 R >> /Font << /F1 6 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 "
        b"/Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (WIDE, HIGH, len(picture), picture),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    out += b"".join(b"%010d 00000 n \n" % p for p in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, start)
    return bytes(out)


def mail(sender, recipient, document):
    """As such devices write it: their own boundary, no Date and no Message-ID, base64 in lines of 76."""
    code = base64.b64encode(document)
    rows = [code[n:n + 76] for n in range(0, len(code), 76)]
    head = (f"From: \"Scanner\" <{sender}>\r\n"
            f"To: {recipient}\r\n"
            "Subject: Scan from the second floor\r\n"
            "X-Mailer: MFP-Scan2Mail 4.1\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=\"----=_MFP_0001_27A5\"\r\n"
            "\r\n"
            "This is a multi-part message in MIME format.\r\n"
            "\r\n"
            "------=_MFP_0001_27A5\r\n"
            "Content-Type: text/plain; charset=\"us-ascii\"\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "Please find the scanned document attached.\r\n"
            "Number of pages: 1\r\n"
            "Attachment type: PDF\r\n"
            "\r\n"
            "------=_MFP_0001_27A5\r\n"
            "Content-Type: application/pdf; name=\"scan.pdf\"\r\n"
            "Content-Transfer-Encoding: base64\r\n"
            "Content-Disposition: attachment; filename=\"scan.pdf\"\r\n"
            "\r\n").encode("ascii")
    return head + b"\r\n".join(rows) + b"\r\n\r\n------=_MFP_0001_27A5--\r\n"
