/* SPDX-License-Identifier: ISC */
/*
 * What is in the files that a configuration names for TLS: CA sets, certificates, keys. Read by
 * the supervisor, inherited by its children, which have no files.
 */
#ifndef RUN_KEYS_H
#define RUN_KEYS_H

#include "conf/conf.h"
#include "io/ca_index.h"

struct keys_pair {
	struct bytes chain, key; /* PEM; n = 0: the listener has none */
};

struct keys {
	struct ca_set ca[CONFIG_CA_SETS];
	const char *ca_file[CONFIG_CA_SETS];   /* of the configuration */
	unsigned nca;
	struct keys_pair pair[CONFIG_LISTENERS]; /* by index of conf->listen */
	uint8_t *mem; /* that the pairs lie in */
	size_t n;
};

/*
 * Reads all of them. False: why, with the file's name. A default CA set that is not there is left
 * out, and only matters to who has to verify.
 */
bool keys_open(struct keys *k, const struct conf *c, struct fmt *why);
void keys_close(struct keys *k);

/* The set of that file (one of conf's strings), or NULL. */
const struct ca_set *keys_ca(const struct keys *k, const char *file);

/* In a child that needs no pairs any more: wipes them. */
void keys_wipe(struct keys *k);

#endif
