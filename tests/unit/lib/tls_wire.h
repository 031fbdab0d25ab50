/* SPDX-License-Identifier: ISC */
/* Both sides of a TLS connection over a socket pair, with the certificates of lib/certs. */
#ifndef TESTS_UNIT_LIB_TLS_WIRE_H
#define TESTS_UNIT_LIB_TLS_WIRE_H

#include "io/tls.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CERTS "tests/unit/lib/certs/"
#define NOW 1795000000u /* 2026-11-18 */

static char file_mem[8][16384];

/* A file of lib/certs; up to eight at a time. */
__attribute__((unused))
static struct bytes file_of(const char *name)
{
	static unsigned turn;
	char *mem = file_mem[turn++ % 8], path[256];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), CERTS "%s", name);
	f = fopen(path, "r");
	if (!f) {
		printf("Bail out! no %s\n", path);
		exit(1);
	}
	n = fread(mem, 1, sizeof(file_mem[0]), f);
	fclose(f);
	return (struct bytes){(const uint8_t *)mem, n};
}

/* Loads NAME.pem and its key as pair `index`. */
__attribute__((unused))
static void load(unsigned index, const char *chain, const char *key)
{
	char text[256];
	struct fmt why;

	fmt_init(&why, text, sizeof(text));
	if (!tls_load_pair(index, file_of(chain), file_of(key), &why)) {
		printf("Bail out! %s: %s\n", chain, text);
		exit(1);
	}
}

__attribute__((unused))
static struct ca_set ca_of(const char *name)
{
	struct ca_set s;
	char path[256], text[256];
	uint32_t broken;
	struct fmt why;

	fmt_init(&why, text, sizeof(text));
	snprintf(path, sizeof(path), CERTS "%s", name);
	if (!ca_open(&s, path, &broken, &why)) {
		printf("Bail out! %s: %s\n", path, text);
		exit(1);
	}
	return s;
}

struct wire {
	struct tls *client, *server;
	int fd[2];
	enum tls_step c, s;
};

static struct tls_client_how how_of(const char *name, enum tls_verify verify,
				    const struct ca_set *ca)
{
	return (struct tls_client_how){
		.name = bytes_of(name),
		.ca = ca,
		.verify = (uint8_t)verify,
		.versions = TLS_1_2 | TLS_1_3,
		.now = NOW,
		.memory = TLS_NO_MEMORY,
	};
}

static void wire_open(struct wire *w)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, w->fd) < 0)
		exit(1);
	w->client = w->server = NULL;
	w->c = w->s = TLS_AGAIN;
}

/* Steps of both sides until both are done or one has failed and the other has heard of it. */
static void wire_shake(struct wire *w)
{
	for (int i = 0; i < 200; i++) {
		if (w->c != TLS_DONE && w->c != TLS_FAILED)
			w->c = tls_handshake(w->client);
		if (w->s != TLS_DONE && w->s != TLS_FAILED)
			w->s = tls_handshake(w->server);
	}
}

__attribute__((unused))
static bool wire_connect(struct wire *w, const struct tls_client_how *how, unsigned pair)
{
	wire_open(w);
	w->client = tls_connect(w->fd[0], how);
	w->server = tls_accept(w->fd[1], pair);
	if (!w->client || !w->server) {
		printf("Bail out! no room\n");
		exit(1);
	}
	wire_shake(w);
	return w->c == TLS_DONE && w->s == TLS_DONE;
}

__attribute__((unused))
static void wire_close(struct wire *w)
{
	tls_end(w->client, false);
	tls_end(w->server, false);
	close(w->fd[0]);
	close(w->fd[1]);
}

#endif
