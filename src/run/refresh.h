/* SPDX-License-Identifier: ISC */
/*
 * Refresh tokens: one file each in the folder oauth/ beside the configuration (0700, files 0600).
 * On firmware they are in its store as well, where they outlast the power. Only the supervisor and
 * `gatepost login` (and send) touch them. The names helper asks the supervisor for each when it
 * needs it, and hands it what the provider gives in its place, over a SOCK_SEQPACKET pair.
 */
#ifndef RUN_REFRESH_H
#define RUN_REFRESH_H

#include "base/fmt.h"
#include "token/oauth.h"

/*
 * Seconds after which a stored token is replaced by one that the provider gives though the stored
 * one stays good: flash is written seldom.
 */
#define REFRESH_OLD (7u * 86400)

#define REFRESH_FILES 64u /* in the folder, beyond which the supervisor makes none */

enum refresh_what {
	REFRESH_GET = 'g',      /* helper: the token of name is wanted */
	REFRESH_FOUND = 'f',    /* supervisor: here it is */
	REFRESH_FAILED = 'e',   /* supervisor: it cannot be read */
	REFRESH_NONE = 'n',     /* supervisor: there is none */
	REFRESH_PUT = 'p',      /* helper: the one that counts from now on; not answered */
	REFRESH_PUT_LAZY = 'l', /* the same, where the one before stays good: kept if that is old */
};

struct refresh_message {
	uint32_t id;  /* chosen by the asker, given back */
	uint8_t what; /* enum refresh_what */
	uint8_t spare;
	uint16_t n; /* octets of token */
	char name[OAUTH_NAME];
	uint8_t token[OAUTH_TOKEN];
};

/*
 * Reads the token of that name (oauth_name) into token, OAUTH_TOKEN octets. Octets; 0 where there
 * is none; -errno. file: the configuration's.
 */
int refresh_load(const char *file, const char *name, uint8_t *token);

/*
 * Where tokens are kept beside their files, from now on: a store as in run/stored.h. NULL, as at
 * the beginning: nowhere. The text stays the caller's.
 */
void refresh_keep_in(const char *store);

/*
 * Stores it, synced; makes the folder. False, with the reason in why: it is not in its file, or in
 * its file alone and not in the store.
 */
bool refresh_store(const char *file, const char *name, struct bytes token, struct fmt *why);

/* Seconds since it was stored; UINT64_MAX where there is none. */
uint64_t refresh_age(const char *file, const char *name, uint64_t now);

/* The file's path, for a person. */
void refresh_path(struct fmt *f, const char *file, const char *name);

/*
 * For the supervisor: works through what the helper sent over fd (our end of its pair). What cannot
 * be stored is logged, kept in memory, and tried again with each further message.
 */
void refresh_serve(int fd, const char *file);

#endif
