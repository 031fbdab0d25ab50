/* SPDX-License-Identifier: ISC */
/*
 * Named files, one behind the other in the order of their names: what a store holds. For each file
 *
 *   1  octets of the name
 *   …  the name
 *   4  octets of the content, the high one first
 *   …  the content
 *
 * A name is a path below the folder of the configuration: words of letters, digits and any of
 * + - . _ @ = , ~ parted by single slashes, none of them beginning with a dot.
 */
#ifndef STORE_BUNDLE_H
#define STORE_BUNDLE_H

#include "base/bytes.h"

#define BUNDLE_MAX  49152u /* octets of a bundle at the most */
#define BUNDLE_NAME 127u   /* octets of a name at the most */

struct bundle {
	uint8_t mem[BUNDLE_MAX];
	uint32_t n; /* octets in use; 0: no files */
};

struct bundle_file {
	struct bytes name, content; /* into the bundle */
};

enum bundle_status {
	BUNDLE_OK,
	BUNDLE_FULL,  /* it would not fit into `most` octets */
	BUNDLE_NAMED, /* that is no name for a file, see above */
	BUNDLE_FOLDER /* there is a folder of that name, or one of its folders is a file */
};

bool bundle_is_name(struct bytes name);

/* Is x a bundle, whole and in order? */
bool bundle_is_whole(struct bytes x);

/* All of it. */
struct bytes bundle_bytes(const struct bundle *b);

/* The file at *at (0 for the first), which is moved behind it. False at the end. */
bool bundle_next(const struct bundle *b, uint32_t *at, struct bundle_file *f);

/* The file of that name; false: there is none. */
bool bundle_get(const struct bundle *b, struct bytes name, struct bytes *content);

/*
 * Adds the file or replaces it; content must not lie in b. most: octets that the bundle may have
 * (BUNDLE_MAX, or store.room). On failure nothing has changed.
 */
enum bundle_status bundle_put(
    struct bundle *b, struct bytes name, struct bytes content, uint32_t most);

/* False where there was none. */
bool bundle_remove(struct bundle *b, struct bytes name);

#endif
