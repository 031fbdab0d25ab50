/* SPDX-License-Identifier: ISC */
/*
 * The file of one mail in the spool. INTERNALS.md, "The spool", says when which part is written.
 * Numbers have their high octet first.
 *
 *   0  8  "GatePost"
 *   8  4  version of the format, 1. In every version the first 12 octets and the sum at 60 are this
 *  12  4  octets of the envelope
 *  16  4  number of recipients
 *  20  4  CRC-32 of the envelope
 *  24  8  octets of content
 *  32  4  CRC-32 of the content
 *  36  8  when it came, seconds since 1970 as the box had it
 *  44  4  RECORD_UTF8 …
 *  48 12  id
 *  60  4  CRC-32 of the 60 octets before
 *  64  8  stamp: the first moment at which the clock was set while the mail was here; 0: none yet
 *  72  4  0
 *  76  4  CRC-32 of the 12 octets before; a stamp without it is none
 *  80     envelope: peer as text, binding, sender, recipients; before each its length in 2 octets
 *         marks: one octet for each recipient, enum record_mark
 *         content as it will be sent: CRLF line ends, no dot-stuffing, header edited
 */
#ifndef SPOOL_RECORD_H
#define SPOOL_RECORD_H

#include "base/buf.h"
#include "base/limits.h"
#include "mail/envelope.h"

#define RECORD_VERSION     1u
#define RECORD_HEADER      64u
#define RECORD_STAMP_AT    64u
#define RECORD_STAMP       16u
#define RECORD_ENVELOPE_AT 80u
#define RECORD_ID          12u
#define RECORD_NAME        255u    /* octets of peer and binding */
#define RECORD_RECIPIENTS  100000u /* the most that any build takes */

_Static_assert(CONFIG_RECIPIENTS_MAX <= RECORD_RECIPIENTS, "what is written can be read");

/* Room that record_front takes at the most. */
#define RECORD_FRONT (RECORD_ENVELOPE_AT + 3u * 2 + 2 * RECORD_NAME + LIMIT_PATH)

#define RECORD_UTF8      1u /* came with SMTPUTF8 */
#define RECORD_8BIT      2u /* came with BODY=8BITMIME */
#define RECORD_CLOCK_SET 4u /* the clock was set when it came */
#define RECORD_REWRITTEN 16u /* its sender is not the client's: Envelope_From took its place */
#define RECORD_REPORT    8u /* a report of our own: none is made about it */

/* What has become of a recipient: an octet on the disk. */
enum record_mark {
	RECORD_NEW = 'n',     /* to be delivered */
	RECORD_TAKEN = 't',   /* the gateway has the mail for it */
	RECORD_REFUSED = 'r', /* refused to the client's face: nothing is owed */
	RECORD_FAILED = 'f',  /* given up; a report is owed */
	RECORD_REPORTED = 'd' /* given up, and all is said */
};

/* Numbers as they stand in files: the highest octet first. */
void record_put32(uint8_t *p, uint32_t v);
void record_put64(uint8_t *p, uint64_t v);
uint32_t record_get32(const uint8_t *p);
uint64_t record_get64(const uint8_t *p);

struct record_info {
	uint8_t id[RECORD_ID];
	uint32_t flags;
	uint64_t came;
	uint32_t recipients;
	uint32_t envelope;
	uint32_t envelope_sum;
	uint32_t content_sum;
	uint64_t content;
	uint64_t stamp; /* 0: none */
};

/* Where the mark of recipient `index` stands, where the content begins, where the file ends. */
uint64_t record_mark_at(const struct record_info *info, uint32_t index);
uint64_t record_content_at(const struct record_info *info);
uint64_t record_size(const struct record_info *info);

bool record_is_mark(uint8_t octet);

/* Does the mail stay for this recipient's sake? */
bool record_is_open(uint8_t mark);

/* The mark with which a recipient is stored. */
enum record_mark record_mark_of(enum envelope_verdict verdict);

/* "new", "taken", …; "?" for what is no mark */
const char *record_mark_name(uint8_t mark);

/*
 * ---- writing: record_front, record_rcpt for each recipient, record_marks, then the content, and
 * at last the header at octet 0. What is written before makes the file 80 octets of zeros longer,
 * so that half a file is never one.
 */

struct record_mail {
	uint8_t id[RECORD_ID];
	uint32_t flags;
	uint64_t came;
	uint32_t recipients;  /* 1 to CONFIG_RECIPIENTS_MAX */
	struct bytes peer;    /* at most RECORD_NAME octets */
	struct bytes binding; /* … */
	struct bytes sender;  /* path, at most LIMIT_PATH octets */
};

struct record_writer {
	struct record_info info;
	uint32_t written; /* recipients, then marks */
	bool marking;
};

/*
 * Appends header (zeros), stamp and the beginning of the envelope. False, nothing done: out has
 * less room than RECORD_FRONT. The slices are not needed afterwards.
 */
bool record_front(struct record_writer *w, const struct record_mail *mail, struct buf *out);

/* Appends the next recipient's path. False, nothing done: no room. As many as were announced. */
bool record_rcpt(struct record_writer *w, struct bytes path, struct buf *out);

/* Appends the marks, all RECORD_NEW; false: not yet all, go on with more room. */
bool record_marks(struct record_writer *w, struct buf *out);

/* x is the next of the content, which the caller writes as it is. */
void record_content(struct record_writer *w, struct bytes x);

/* The finished header. */
void record_header(const struct record_writer *w, uint8_t out[RECORD_HEADER]);

/* The stamp, to be written at RECORD_STAMP_AT. */
void record_stamp(uint64_t seconds, uint8_t out[RECORD_STAMP]);

/*
 * ---- reading: the file's octets from 0 on, cut anywhere.
 */

enum record_event {
	RECORD_MORE, /* *in is used up. At the end of the file: it is torn */
	RECORD_INFO, /* the header is right and fits the file's size: see reader.info */
	RECORD_PEER, /* *what … */
	RECORD_BINDING,
	RECORD_SENDER,
	RECORD_RCPT,    /* … the next recipient's path */
	RECORD_MARKS,   /* … marks of the next recipients; the envelope was right up to its sum */
	RECORD_CONTENT, /* … the next of the content */
	RECORD_END,     /* all was right, content and its sum too. And again if asked again */
	/*
	 * The file is not what it was, or not whole: what was given of it is to be forgotten.
	 * These three stay.
	 */
	RECORD_TORN,
	RECORD_FOREIGN, /* no file of ours */
	RECORD_NEWER    /* a version that this build does not know; well formed as far as seen */
};

struct record_reader {
	struct record_info info;
	uint64_t size, left; /* of the file; of the content or the marks */
	uint32_t sum;
	uint32_t at;      /* octets of the envelope seen; recipients whose marks were seen */
	uint32_t strings; /* of the envelope given */
	uint16_t held, want;
	uint8_t state; /* enum in record.c */
	uint8_t hold[LIMIT_PATH + 2];
};

/* size: octets of the file. */
void record_reader_init(struct record_reader *r, uint64_t size);

/*
 * Takes from *in and returns one event; *what is valid until the next call or while the input is.
 */
enum record_event record_read(struct record_reader *r, struct bytes *in, struct bytes *what);

#endif
