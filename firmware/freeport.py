#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""usage: freeport.py FIRST      prints the first TCP port from FIRST up that nobody listens on at 127.0.0.1"""

import socket
import sys

for port in range(int(sys.argv[1]), 65536):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break
else:
    sys.exit("freeport.py: none is free")
