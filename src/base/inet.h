/* SPDX-License-Identifier: ISC */
/*
 * Addresses: parse, print, match. IPv4 is held as IPv4-mapped IPv6, so that one form compares with
 * the other.
 */
#ifndef BASE_INET_H
#define BASE_INET_H

#include "base/fmt.h"

#define INET_ZONE 16     /* IFNAMSIZ: 15 octets and a NUL */
#define INET_TEXT 72     /* longest text of inet_print_*, NUL included */

struct inet_addr {
	uint8_t a[16];
	char zone[INET_ZONE]; /* interface name or number of a link-local address, else "" */
	uint16_t port;        /* 0: none given */
};

struct inet_net {
	uint8_t a[16];
	uint8_t bits; /* 0 to 128, on the mapped form: 10.0.0.0/8 has 104 */
};

/*
 * RFC 5321 4.1.3 dotted quad without leading zeros; RFC 4291 text with a %zone on link-local
 * addresses, if wanted. No port, no brackets.
 */
bool inet_parse_v4(struct bytes x, struct inet_addr *out);
bool inet_parse_v6(struct bytes x, struct inet_addr *out);

/* An address of either family, IPv6 with or without brackets, no port. */
bool inet_parse_addr(struct bytes x, struct inet_addr *out);

/* Decimal port, 1 to 65535 (0 too where zero_ok). */
bool inet_parse_port(struct bytes x, bool zero_ok, uint16_t *out);

/*
 * An address or CIDR block, IPv6 with or without brackets (`[fd00::]/8` and `fd00::/8`). Host bits
 * must be zero: false, and *host_bits = true, if not. An IPv4-mapped IPv6 block counts as IPv4.
 */
bool inet_parse_net(struct bytes x, struct inet_net *out, bool *host_bits);

bool inet_is_v4(const uint8_t a[16]);

/* An IPv6 block, ::/0 too, holds no IPv4 address. */
bool inet_in_net(const uint8_t a[16], const struct inet_net *net);
bool inet_same(const uint8_t a[16], const uint8_t b[16]);

bool inet_is_loopback(const uint8_t a[16]);   /* 127/8, ::1 */
bool inet_is_link_local(const uint8_t a[16]); /* 169.254/16, fe80::/10 */
bool inet_is_any(const uint8_t a[16]);        /* 0.0.0.0, :: */

/* The address alone: 10.0.0.1, fe80::a00%eth0 (RFC 5952). */
void inet_print_addr(struct fmt *f, const struct inet_addr *a);

/* With port, IPv6 in brackets: 10.0.0.1:25, [fe80::a00%eth0]:25. */
void inet_print_port(struct fmt *f, const struct inet_addr *a);

/* An RFC 5321 address literal: [10.0.0.1], [IPv6:2001:db8::7] (no zone). */
void inet_print_literal(struct fmt *f, const struct inet_addr *a);

/* 10.0.0.0/8, fd00::/8. */
void inet_print_net(struct fmt *f, const struct inet_net *n);

#endif
