/* SPDX-License-Identifier: ISC */
/* Does a name in a certificate mean this host (RFC 9525 section 6)? */
#ifndef BASE_CERTNAME_H
#define BASE_CERTNAME_H

#include "base/bytes.h"

/*
 * A dNSName against a host's name, ASCII letters of either case; a dot at the end of `host` does
 * not count. "*." in front stands for exactly one label, with at least two labels behind it. What
 * holds anything but letters, digits, `-`, `_` and dots means no host.
 */
bool certname_is_host(struct bytes dns_name, struct bytes host);

/* An iPAddress of 4 or 16 octets against an address, IPv4 in its mapped form. */
bool certname_is_address(struct bytes ip, const uint8_t address[16]);

#endif
