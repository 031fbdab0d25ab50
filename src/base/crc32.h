/* SPDX-License-Identifier: ISC */
/* CRC-32 as in ISO 3309, Ethernet and gzip. */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include "base/bytes.h"

/* The sum of what was summed so far (0: nothing) with x behind it. */
uint32_t crc32_add(uint32_t crc, struct bytes x);

#endif
