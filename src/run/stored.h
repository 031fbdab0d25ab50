/* SPDX-License-Identifier: ISC */
/*
 * The store of this box as files by name, for the supervisor and for `gatepost store`. Each call
 * opens it under its lock, does one thing, and closes it. store: a file, a block device, /dev/mtdN
 * or mtd:NAME; NULL: CONFIG_STORE_PATH, where that is not empty. stored_none.c without STORE.
 */
#ifndef RUN_STORED_H
#define RUN_STORED_H

#include "io/flash_device.h"
#include "store/store.h"

enum stored {
	STORED_OK,
	STORED_NONE,    /* no store is configured, built in or there; or no such file in it */
	STORED_DIFFERS, /* stored_compare only */
	STORED_BLANK,   /* nothing was ever written */
	STORED_BUSY,    /* another holds its lock */
	STORED_DENIED,  /* no right to do that */
	STORED_UNFIT,   /* nothing that a store can lie on */
	STORED_REFUSED, /* it is no store, or of a newer format, or has no room for that */
	STORED_FAILED   /* it cannot be opened, read or written; it is as it was */
};

/* One file of a transaction. */
struct stored_file {
	const char *name;     /* "gatepost.conf", "oauth/NAME": see store/bundle.h */
	struct bytes content;
	bool remove;          /* it goes; that it is not there is no error */
};

/*
 * *why (never NULL) gets the reason, mostly behind the store's name, "mtd:store: is blank",
 * whenever the result is not STORED_OK. None of them waits for a lock longer than a second.
 */

/* Reads a file into mem, n octets; *used: its size. Larger ones: STORED_REFUSED. */
enum stored stored_read(
    const char *store, const char *name, void *mem, size_t n, size_t *used, struct fmt *why);

/*
 * Replaces those files, all or none, even where the power fails. What does not change is not
 * written. A blank store takes it. Takes up to some seconds on flash.
 */
enum stored stored_replace(
    const char *store, const struct stored_file *files, unsigned n, struct fmt *why);

/*
 * Is the folder what the store says? STORED_OK: yes; STORED_DIFFERS: *why names the first file that
 * is not the same, or is in one of them alone ("gatepost.conf differs from the store"). Names that
 * begin with a dot do not count. A store that is blank: STORED_BLANK.
 */
enum stored stored_compare(const char *store, const char *folder, struct fmt *why);

/* ---- in steps, for `gatepost store` ---- */

struct stored_at {
	struct flash_device device;
	struct store store;
	const char *name;
};

/*
 * Opens it, waiting for its lock at most wait_ms. STORED_OK and STORED_REFUSED (b is empty then)
 * leave it open. A blank store is STORED_BLANK, and open, too.
 */
enum stored stored_open(struct stored_at *s, const char *store, enum flash_how how,
    unsigned wait_ms, struct fmt *why);

/* Reads the newest bundle. */
enum stored stored_load(struct stored_at *s, struct bundle *b, struct fmt *why);

/* Writes b, unless it is what the store holds. *written: it was. */
enum stored stored_save(struct stored_at *s, struct bundle *b, bool *written, struct fmt *why);

/* Puts one file into b, or the reason why not into *why: STORED_OK or STORED_REFUSED. */
enum stored stored_put(struct stored_at *s, struct bundle *b, const char *name,
    struct bytes content, struct fmt *why);

void stored_close(struct stored_at *s);

/* "NAME: what" for a status of the store. */
enum stored stored_judge(const struct stored_at *s, enum store_status status, struct fmt *why);

/*
 * Calls each for every file below folder, in the order of names; those that begin with a dot are
 * left out. name: below folder. Ends early where it returns false. False then, or, with the reason
 * in *why, where folders lie too deep.
 */
bool stored_walk(const char *folder, bool (*each)(void *ctx, const char *name, const char *path),
    void *ctx, struct fmt *why);

#endif
