# SPDX-License-Identifier: ISC
"""Postfix as far as its 250: mail of anybody here is taken, made safe, and held; nothing is delivered."""

import tempfile

from lib_peers.gateways import PostfixGateway


class Intake(PostfixGateway):
    name = "postfix"
    more = {"etc/main.cf": "mynetworks = 127.0.0.0/8\n"
                           "smtpd_relay_restrictions = permit_mynetworks, reject\n"
                           "smtpd_recipient_restrictions = check_client_access static:HOLD, permit_mynetworks, reject\n"
                           "smtpd_client_connection_count_limit = 0\n"
                           "relay_domains = static:yes\n"}

    def __init__(self, folder):
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            super().__init__()
        finally:
            tempfile.tempdir = before
