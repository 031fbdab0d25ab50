/* SPDX-License-Identifier: ISC */
#include "io/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool textfile_open(struct textfile *t, const char *path)
{
	t->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	t->r = t->w = 0;
	t->skip = t->cut = false;
	return t->fd >= 0;
}

/* More octets behind those that are there: false at the end of the file, or on an error. */
static bool textfile_fill(struct textfile *t)
{
	ssize_t got;

	memmove(t->mem, t->mem + t->r, t->w - t->r);
	t->w -= t->r;
	t->r = 0;
	do
		got = read(t->fd, t->mem + t->w, sizeof(t->mem) - t->w);
	while (got < 0 && errno == EINTR);
	t->w += got > 0 ? (uint32_t)got : 0;
	return got > 0;
}

bool textfile_line(struct textfile *t, struct bytes *line)
{
	for (;;) {
		struct bytes held = {t->mem + t->r, t->w - t->r};
		size_t end = bytes_find(held, '\n');
		bool whole = end < held.n, skip = t->skip;

		if (!whole && held.n < sizeof(t->mem) && textfile_fill(t))
			continue;
		if (!whole && held.n == 0)
			return false;
		t->cut = t->skip = !whole && held.n == sizeof(t->mem);
		t->r += (uint32_t)end + whole;
		*line = bytes_first(held, end);
		if (!skip)
			return true;
	}
}

void textfile_close(struct textfile *t)
{
	close(t->fd);
}
