/* SPDX-License-Identifier: ISC */
/* TLS is left out. */
#include "io/tls.h"

#include <errno.h>

static const char none[] = "TLS is not built into this gatepost";

bool tls_init(struct fmt *why)
{
	(void)why;
	return true;
}

bool tls_is_there(void)
{
	return false;
}

bool tls_check_pair(struct bytes chain, struct bytes key, struct fmt *why)
{
	(void)chain;
	(void)key;
	fmt_str(why, none);
	return false;
}

bool tls_load_pair(unsigned index, struct bytes chain, struct bytes key, struct fmt *why)
{
	(void)index;
	return tls_check_pair(chain, key, why);
}

bool tls_has_room(bool towards_gateway)
{
	(void)towards_gateway;
	return false;
}

void tls_when_room(void (*fn)(void))
{
	(void)fn;
}

struct tls *tls_connect(int fd, const struct tls_client_how *how)
{
	(void)fd;
	(void)how;
	return NULL;
}

struct tls *tls_accept(int fd, unsigned pair)
{
	(void)fd;
	(void)pair;
	return NULL;
}

/* There is never a session that these could be called for. */

enum tls_step tls_handshake(struct tls *t)
{
	(void)t;
	return TLS_FAILED;
}

int tls_read(struct tls *t, uint8_t *p, size_t n)
{
	(void)t;
	(void)p;
	(void)n;
	return -EPROTO;
}

int tls_write(struct tls *t, const uint8_t *p, size_t n)
{
	(void)t;
	(void)p;
	(void)n;
	return -EPROTO;
}

bool tls_pending(const struct tls *t)
{
	(void)t;
	return false;
}

uint64_t tls_wire_sent(const struct tls *t)
{
	(void)t;
	return 0;
}

void tls_shut(struct tls *t)
{
	(void)t;
}

void tls_end(struct tls *t, bool abrupt)
{
	(void)t;
	(void)abrupt;
}

const char *tls_why(const struct tls *t)
{
	(void)t;
	return none;
}

bool tls_is_certificate(const struct tls *t)
{
	(void)t;
	return false;
}

const char *tls_version(const struct tls *t)
{
	(void)t;
	return "";
}

bool tls_resumed(const struct tls *t)
{
	(void)t;
	return false;
}

bool tls_tried_memory(const struct tls *t)
{
	(void)t;
	return false;
}

const char *tls_offered(const struct tls *t)
{
	(void)t;
	return "";
}

bool tls_verified(const struct tls *t)
{
	(void)t;
	return false;
}

unsigned tls_count(void)
{
	return 0;
}

size_t tls_arena_high(void)
{
	return 0;
}
