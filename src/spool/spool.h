/* SPDX-License-Identifier: ISC */
/*
 * The spool: one file per mail (spool/record.h) in one folder (spool/disk.h), and an index of
 * bounded size in memory. INTERNALS.md names the states on the disk.
 *
 * Storing: spool_begin, spool_write, spool_body, spool_write, spool_commit, spool_settle. Only when
 * spool_settle says SPOOL_OK is the mail safe: that is the moment for 250. Any number of mails may
 * be committed before one spool_settle.
 *
 * All calls may take as long as the disk does. Times are milliseconds of the monotonic clock.
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include "spool/disk.h"
#include "spool/record.h"

#define SPOOL_NONE       UINT32_MAX
#define SPOOL_CORRUPT    32u /* files that corrupt/ takes */
#define SPOOL_SCRATCH    2048u
#define SPOOL_HOURS      24u
#define SPOOL_SAVE_EVERY (64u << 20) /* octets written after which the counter is saved */

enum spool_status {
	SPOOL_OK,
	SPOOL_FULL,   /* Spool_Max_Size, Spool_Reserve, the disk, or every entry is in use */
	SPOOL_WORN,   /* Spool_Write_Limit */
	SPOOL_ABSENT, /* there is no such mail */
	SPOOL_TORN,   /* its file is not whole */
	SPOOL_BROKEN  /* the disk fails; spool.trouble tells how */
};

enum spool_entry_state {
	SPOOL_FREE,
	SPOOL_STORING, /* under its temporary name */
	SPOOL_RENAMED, /* under its name, which may not be on the medium yet */
	SPOOL_QUEUED,
	SPOOL_REMOVED  /* nobody waits for it; its file, of either name, could not be removed yet */
};

/* What is known of a mail without looking at its file. */
struct spool_entry {
	uint8_t id[RECORD_ID];
	uint32_t next;   /* private */
	uint32_t octets; /* of the file */
	uint32_t open;   /* recipients for whose sake it stays */
	/*
	 * Seconds since 1970, the first moment at which the clock was set while it was here; 0:
	 * not yet.
	 */
	uint32_t stamp;
	uint8_t state; /* enum spool_entry_state */
	uint8_t flags; /* RECORD_UTF8 … */
	bool held;     /* open: being stored, delivered, or in doubt */
	bool listed;   /* private */
	/* For who delivers; zeros at first. Entries with the latest try_at make room first. */
	uint32_t try_at;
	int32_t since;
	uint32_t taken;
	uint16_t tries, gateway;
};

_Static_assert(sizeof(struct spool_entry) <= 48, "one for each mail of the index");

/* The memory for an index of n mails. */
#define SPOOL_HEADS(n) ((n) / 4u + 1u)

struct spool_params {
	struct disk disk;
	struct spool_entry *entries; /* capacity of them */
	uint32_t *heads;             /* SPOOL_HEADS(capacity) of them */
	uint32_t capacity;
	uint64_t max_size;    /* octets of all files; UINT64_MAX: no limit */
	uint64_t reserve;     /* octets that stay free on the disk */
	uint64_t write_limit; /* octets in 24 h; 0: no limit */
};

/* Read what is public; change nothing. */
struct spool {
	const struct spool_params *p;
	uint8_t trouble; /* enum disk_status: the last that was not DISK_OK, for SPOOL_BROKEN */
	bool scanned;    /* all of the folder was seen once */
	/* private */
	bool listing; /* in the middle of the folder */
	bool pending; /* name: given by the disk, and there was no room for it */
	bool missed;  /* in this turn: a mail for which the index has no room */
	/* public */
	uint32_t mails;   /* with their final names, in the index or not */
	uint32_t indexed; /* … of these in the index */
	uint64_t octets;  /* of all files, half ones and corrupt/ too */
	uint32_t buried;  /* files in corrupt/ */
	uint32_t skipped; /* in this turn: torn, foreign, unreadable ones that stay there … */
	uint32_t newer;   /* … mails of a newer version, left alone */
	uint32_t removed; /* entries that are SPOOL_REMOVED: no longer in mails or indexed */
	uint64_t ever;    /* octets written, ever */
	/* private */
	/* Of the first turn, which may begin again: counted and not in the index. */
	uint32_t turn_mails;
	uint64_t turn_octets;
	uint32_t free, fresh, renamed;
	uint32_t ticket, settled; /* changes to the folder; … that are on the medium */
	uint64_t room;            /* octets that may be written before the disk is asked again */
	uint32_t now, saved_at;   /* hours */
	uint64_t saved;
	uint32_t sequence;
	uint64_t hour[SPOOL_HOURS]; /* octets written in each */
	char name[DISK_NAME + 1];
	uint8_t scratch[SPOOL_SCRATCH];
	struct record_reader reader;
};

enum spool_mail_state {
	SPOOL_MAIL_CLOSED,
	SPOOL_MAIL_FRONT, /* what comes before the content is written */
	SPOOL_MAIL_BODY,
	SPOOL_MAIL_FAILED, /* it cannot be committed */
	SPOOL_MAIL_OPEN    /* it is committed */
};

/* A mail that is being stored, or is open. All private but info. */
struct spool_mail {
	uint8_t state; /* enum spool_mail_state; zero before its first use */
	bool lazy;
	int file;
	uint32_t entry;
	uint64_t at;
	struct record_writer record;
};

/*
 * Begins: params outlive s. wall: seconds since 1970, 0 where the clock is unset. Reads the counter
 * and looks at corrupt/; mails are found by spool_scan, and may be stored before that has ended.
 */
enum spool_status spool_init(
    struct spool *s, const struct spool_params *params, uint64_t now_ms, uint64_t wall);

/* Time goes on: before other calls. Saves the counter where that is due. */
void spool_tick(struct spool *s, uint64_t now_ms, uint64_t wall);

/* The end: saves the counter. */
void spool_stop(struct spool *s, uint64_t wall);

/* Octets written in the last 24 hours, those of aborted mails too. */
uint64_t spool_today(const struct spool *s);

/* ---- what is there ---- */

enum spool_scan {
	SPOOL_SCAN_MORE,
	SPOOL_SCAN_PAUSED, /* the index is full; go on when a mail has left it */
	SPOOL_SCAN_DONE,
	SPOOL_SCAN_FAILED /* see spool.trouble; the next call begins again */
};

/*
 * Looks at the next names of the folder, at most so many: half files are removed, mails come into
 * the index, torn and foreign files go to corrupt/. The first turn sees all of the folder and
 * counts it. A mail that nobody waits for any more is removed.
 */
enum spool_scan spool_scan(struct spool *s, uint32_t names);

/* Would spool_scan find mails for which the index has room? */
bool spool_wants_scan(const struct spool *s);

/* Entries from 0 to capacity - 1, and where an id's is (SPOOL_NONE: not in the index). */
struct spool_entry *spool_at(const struct spool *s, uint32_t index);
uint32_t spool_find(const struct spool *s, const uint8_t id[RECORD_ID]);

/*
 * Others wait for a place in the index: takes an entry out that is QUEUED and not held. Its mail
 * comes back in a later turn. Not before its next try is due, or turns would be without pause.
 */
void spool_forget(struct spool *s, uint32_t index);

/* ---- storing ---- */

/*
 * A new file. Takes an entry; where there is none, in the place of one that is not held. m is
 * closed.
 * Whatever fails until spool_commit leaves m to spool_abort.
 */
enum spool_status spool_begin(struct spool *s, struct spool_mail *m, const uint8_t id[RECORD_ID]);

/* Appends. */
enum spool_status spool_write(struct spool *s, struct spool_mail *m, struct bytes x);

/*
 * What was written so far is what record_front, record_rcpt and record_marks made (SPOOL_TORN: it
 * is of another size, or another mail's); what follows is the content. lazy: most such mails are
 * aborted, so their sum is only made at commit, by reading the content again.
 */
enum spool_status spool_body(
    struct spool *s, struct spool_mail *m, const struct record_info *info, bool lazy);

/*
 * Header, sync of the file, rename. What stands before the content is read once more: SPOOL_TORN
 * where it is not right. On failure the file is removed and m closed. On success m is open; the
 * mail is not safe before spool_settle.
 */
enum spool_status spool_commit(struct spool *s, struct spool_mail *m);

/* Several are to be committed: begins to write each of them out, which then is one work. */
void spool_hurry(struct spool *s, struct spool_mail *m);

/*
 * Closes m, which is not committed, and removes its file. Where that fails its entry is
 * SPOOL_REMOVED.
 */
void spool_abort(struct spool *s, struct spool_mail *m);

/* Has the folder changed since the last spool_settle? */
bool spool_is_unsettled(const struct spool *s);

/*
 * One sync of the folder for all that was committed and removed since the last. On failure none of
 * these mails is kept: their files are removed (else they are SPOOL_REMOVED), those that are open
 * are to be closed. What was removed may be back after a crash, whatever later calls say.
 */
enum spool_status spool_settle(struct spool *s);

/* ---- a mail of the queue ---- */

/* Opens the mail of an entry that is QUEUED and not held. m is closed. */
enum spool_status spool_open(struct spool *s, struct spool_mail *m, uint32_t index);

/* Octets of the file, for record_read. *n: room; then how many were read, 0 at the end. */
enum spool_status spool_read(
    struct spool *s, struct spool_mail *m, uint64_t at, uint8_t *to, size_t *n);

/*
 * Marks a recipient: of a mail in SPOOL_MAIL_BODY (the commit syncs it) or open (spool_sync does).
 * The same mark again writes nothing. SPOOL_ABSENT: no such recipient, or mark.
 */
enum spool_status spool_mark(
    struct spool *s, struct spool_mail *m, uint32_t recipient, enum record_mark mark);

/* The clock is set now: notes the moment, if none is noted yet. Needs no sync. */
enum spool_status spool_stamp(struct spool *s, struct spool_mail *m, uint64_t wall);

/*
 * Its marks are on the medium. On failure nobody knows which are; the mail stays, and each mark
 * is to be set again by spool_mark_again before another sync means anything.
 */
enum spool_status spool_sync(struct spool *s, struct spool_mail *m);
enum spool_status spool_mark_again(
    struct spool *s, struct spool_mail *m, uint32_t recipient, enum record_mark mark);

/*
 * Counts anew for whom an open mail stays (all, where that cannot be read): after a sync that
 * failed the file may have lost marks that were counted.
 */
void spool_recount(struct spool *s, struct spool_mail *m);

/*
 * Removes an open mail and closes m. Not on the medium before spool_settle. Where the file cannot
 * be removed its recipients are marked as taken, if that can be, so that not even the next start
 * takes it for one that waits; its entry is SPOOL_REMOVED.
 */
enum spool_status spool_remove(struct spool *s, struct spool_mail *m);

/* Tries again to remove the files of all entries that are SPOOL_REMOVED. */
void spool_sweep(struct spool *s);

/* Reads all of an open mail: is it what was written? False also where it cannot be read. */
bool spool_is_whole(struct spool *s, struct spool_mail *m);

/* Its content is torn: moves the file to corrupt/ (or leaves it alone) and closes m. */
void spool_bury(struct spool *s, struct spool_mail *m);

/* Gives an open mail back to the queue. Also one whose settling failed. */
void spool_close(struct spool *s, struct spool_mail *m);

const struct record_info *spool_info(const struct spool_mail *m);
const char *spool_status_name(enum spool_status status);

#endif
