/* SPDX-License-Identifier: ISC */
/* A text file, line by line, in a fixed room. */
#ifndef IO_TEXTFILE_H
#define IO_TEXTFILE_H

#include "base/bytes.h"

#define TEXTFILE_LINE 1024 /* longest line that is given whole */

struct textfile {
	int fd;
	uint32_t r, w; /* what lies in mem unread */
	bool skip;     /* within a line whose beginning was given */
	bool cut;      /* the line given last was longer: this is its beginning */
	uint8_t mem[TEXTFILE_LINE];
};

/* False where it cannot be opened. */
bool textfile_open(struct textfile *t, const char *path);

/* The next line without its end, valid until the next call. False behind the last. */
bool textfile_line(struct textfile *t, struct bytes *line);

void textfile_close(struct textfile *t);

#endif
