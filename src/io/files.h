/* SPDX-License-Identifier: ISC */
/* Files and folders by name. Errors are -errno. */
#ifndef IO_FILES_H
#define IO_FILES_H

#include "base/bytes.h"

#define FILES_NAME_MAX 255u /* octets of a name in a folder, without its NUL */

enum files_kind {
	FILES_NONE, /* there is nothing of that name, or it cannot be looked at */
	FILES_REGULAR,
	FILES_FOLDER,
	FILES_OTHER,
};

/* What the name leads to; symbolic links are followed. */
enum files_kind files_kind(const char *path);

/* Reads to the end, at most n octets; more: -EFBIG. Returns how many were read. */
int64_t files_read(const char *path, void *mem, size_t n);

/*
 * The entry of a folder that follows `after` in the order of octets ("" for the first; "." and ".."
 * are not given). False at the end, or where the folder cannot be read.
 */
bool files_next(const char *path, const char *after, char name[FILES_NAME_MAX + 1]);

/*
 * Puts x there, whole or not at all, even where the power fails: written beside it, synced,
 * renamed, the folder synced. The folder exists. 0 or -errno.
 */
int files_replace(const char *path, struct bytes x, unsigned mode);

/* Syncs the folder that the file of that path lies in. 0 or -errno. */
int files_sync_folder(const char *path);

#endif
