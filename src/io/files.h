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

/*
 * What lies below a folder as it is going to be: files in memory, not those that are there. For
 * commands, which ask whether a configuration that is not in its place yet will do.
 */
struct files_view {
	const char *folder; /* absolute, without a slash at its end */
	void *ctx;
	/* name: below the folder. False: there is no such file. */
	bool (*get)(void *ctx, struct bytes name, struct bytes *content);
	/* as files_next; folder: below the folder, "" for itself */
	bool (*next)(void *ctx, struct bytes folder, const char *after, char *name);
};

/*
 * Until the next call files_kind, files_open, files_read, files_next and files_for_all tell what v
 * says; NULL: what is there.
 */
void files_show(const struct files_view *v);

/* Opens it to be read; -1: errno. */
int files_open(const char *path);

/* May everybody read it? */
bool files_for_all(const char *path);

/* What the name leads to; symbolic links are followed. */
enum files_kind files_kind(const char *path);

/* Reads to the end, at most n octets; more: -EFBIG. Returns how many were read. */
int64_t files_read(const char *path, void *mem, size_t n);

/*
 * The entry of a folder that follows `after` in the order of octets ("" for the first; "." and ".."
 * are not given). False at the end, where errno is 0, or where the folder cannot be read.
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
