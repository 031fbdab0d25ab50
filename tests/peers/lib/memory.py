# SPDX-License-Identifier: ISC
"""What lies in the memory of a process."""

from .tap import check

LARGE = 1 << 28     # a sanitizer's shadow is larger; nothing of ours is


def holds(pid, needles):
    """Which of these octets lie in what the process can write to?"""
    found, seen = set(), 0
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for row in maps:
            span, rights = row.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if not rights.startswith("rw") or end - start > LARGE:
                continue
            try:
                mem.seek(start)
                data = mem.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            seen += len(data)
            found |= {n for n in needles if n in data}
    check(seen > 0, f"nothing of process {pid} could be read")
    return found
