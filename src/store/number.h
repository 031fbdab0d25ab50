/* SPDX-License-Identifier: ISC */
/* Numbers on the medium: the high octet first. */
#ifndef STORE_NUMBER_H
#define STORE_NUMBER_H

#include "base/bytes.h"

static inline uint32_t number_get(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void number_put(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

#endif
