/* SPDX-License-Identifier: ISC */
/*
 * A set of CA certificates that is never parsed whole: DER, one behind the other, with an index by
 * subject. It lies in memory that is shared with the processes forked later (a sealed memfd made
 * from PEM, or the mapped file where that is an index already).
 */
#ifndef IO_CA_INDEX_H
#define IO_CA_INDEX_H

#include "base/fmt.h"

struct ca_set {
	const uint8_t *mem; /* NULL: closed */
	size_t n;
	uint32_t certificates;
};

/*
 * Opens a PEM file with one or more certificates, or an index made by ca_write. What in a PEM file
 * is no certificate is skipped, a broken one is counted in *broken. False: why, in words without
 * the file's name ("no such file", "there is no certificate in it").
 */
bool ca_open(struct ca_set *s, const char *path, uint32_t *broken, struct fmt *why);
void ca_close(struct ca_set *s);

/* The index as a file, for firmware: 0 or -errno. */
int ca_write(const struct ca_set *s, int fd);

/*
 * The certificates whose subject (a DER Name) is this one, one after the other: *at = 0 for the
 * first. n = 0 behind the last. Safe whatever the file holds.
 */
struct bytes ca_next(const struct ca_set *s, struct bytes subject, uint32_t *at);

#endif
