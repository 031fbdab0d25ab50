/* SPDX-License-Identifier: ISC */
/*
 * What is in the files that a configuration names for TLS: CA sets, certificates, keys. Read by
 * the supervisor, inherited by its children, which have no files. keys_none.c where TLS is left
 * out.
 */
#ifndef RUN_KEYS_H
#define RUN_KEYS_H

#include "base/limits.h"
#include "conf/conf.h"
#include "io/ca_index.h"

#define KEYS_FILE_MAX 65536u /* octets of a file with a certificate chain or a key */

struct keys_pair {
	struct bytes chain, key; /* PEM; n = 0: the listener has none */
};

struct keys {
	struct ca_set ca[CONFIG_CA_SETS];
	const char *ca_file[CONFIG_CA_SETS]; /* of the configuration */
	unsigned nca;
	struct keys_pair pair[CONFIG_LISTENERS]; /* by index of conf->listen */
	uint8_t *mem; /* that the pairs lie in; each process has its own copy after a fork */
	size_t n;
};

/*
 * Reads all of them; that keys fit was checked when the configuration was loaded. False: why, with
 * the file's name, and nothing is left open. A default CA set that is not there is left out, and
 * only matters to who has to verify.
 */
bool keys_open(struct keys *k, const struct conf *c, struct fmt *why);

/* Gives back what keys_open made; harmless on what was closed, or is all zero. */
void keys_close(struct keys *k);

/* The set of that file (one of conf's strings), or NULL. */
const struct ca_set *keys_ca(const struct keys *k, const char *file);

/* In a child that needs no pairs any more: overwrites its copy of them. */
void keys_wipe(const struct keys *k);

/*
 * For conf_source.look: NULL, or what is wrong with the file, behind its name; valid until the next
 * call. What begins with "!" is only a warning. A key is checked against its certificate chain,
 * other. Leaves nothing behind.
 */
const char *keys_look(enum conf_file what, const char *path, const char *other);

#endif
