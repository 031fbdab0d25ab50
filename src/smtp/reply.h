/* SPDX-License-Identifier: ISC */
/*
 * Replies: a gateway's taken in piece by piece and made fit to be passed on; any reply printed
 * (RFC 5321 4.2, RFC 2034, RFC 3463).
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "base/buf.h"
#include "base/fmt.h"
#include "base/limits.h"

#define REPLY_ENHANCED 12 /* "5.999.999" and a NUL, rounded up */

struct reply {
	uint16_t code;                 /* as sent; 0: none */
	uint16_t n;                    /* octets in text */
	char enhanced[REPLY_ENHANCED]; /* "" when there was none */
	char text[LIMIT_REPLY_TEXT];   /* octets 32 to 126, lines parted by \n; without the codes */
};

/*
 * Our own reply. enhanced may be "". text is cut to what fits; a \n parts lines, other octets that
 * are not printable become `?`.
 */
void reply_set(struct reply *r, unsigned code, const char *enhanced, struct bytes text);

/*
 * The text on one line, lines joined by a blank, with code and enhanced code in front: for log,
 * status and reasons.
 */
void reply_line(struct fmt *f, const struct reply *r);

/*
 * Prints r as RFC 5321 4.2.1 wants it: each line with code and enhanced code, at most 512 octets
 * with CRLF (longer ones are split), at most LIMIT_REPLY_PRINTED octets in all. False, nothing
 * written, if out has less room than that.
 */
bool reply_print(struct buf *out, const struct reply *r);

/* The incremental parser. Keeps what fits struct reply and counts the rest. */
struct reply_parser {
	struct reply reply;
	uint32_t octets, lines;
	uint32_t line_at;    /* octets of the present line seen */
	uint16_t line_code;  /* its digits so far */
	uint16_t line_start; /* where its text begins in reply.text */
	uint8_t state;       /* enum in reply.c */
	uint8_t head_n;
	char head[REPLY_ENHANCED]; /* the beginning of its text, where an enhanced code may stand */
	bool cr;                   /* a CR was seen that may belong to its end */
	bool more;                 /* another line follows it */
	bool by_line;              /* set by the owner: see REPLY_LINE */
};

enum reply_status {
	REPLY_MORE, /* the reply is not whole yet; all input was taken */
	REPLY_LINE, /* with by_line: one line of a 2xx reply is whole, see reply_parser_line */
	REPLY_DONE, /* parser->reply is whole; what follows it is still in *in */
	/*
	 * No sense: not three digits and a blank, `-` or line end; a code below 200 or above 599;
	 * lines of different codes; over LIMIT_REPLY_LINES lines or LIMIT_REPLY_SIZE octets. The
	 * code is 0, the text what was said, where it was the first line that made no sense.
	 */
	REPLY_BAD,
};

void reply_parser_init(struct reply_parser *p);

/*
 * Takes from *in up to the end of one reply (or line, or of the nonsense). After REPLY_DONE and
 * REPLY_BAD the next call begins a new reply. Lines may end in LF alone. With by_line each line of
 * a 2xx reply is given by itself, so that none is lost to the limits of struct reply, which holds
 * the last one in the end.
 */
enum reply_status reply_parse(struct reply_parser *p, struct bytes *in);

/* Is no reply begun? */
bool reply_parser_idle(const struct reply_parser *p);

/* After REPLY_LINE: that line's text, and its number from 0 on. Valid until the next call. */
struct bytes reply_parser_line(const struct reply_parser *p, uint32_t *number);

#endif
