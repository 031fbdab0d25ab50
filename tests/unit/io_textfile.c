/* SPDX-License-Identifier: ISC */
#include "io/textfile.h"
#include "tap.h"

#include <unistd.h>

TAP_GP_BUG

static char path[] = "/tmp/gatepost-text-XXXXXX";
static struct textfile t;
static struct bytes line;

static void put(const void *p, size_t n)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0)
		abort();
}

static bool next(const char *want)
{
	return textfile_line(&t, &line) && bytes_same(line, bytes_of(want)) && !t.cut;
}

static void test_short(void)
{
	put("one\n\n two \nlast", 15);
	ok(textfile_open(&t, path), "opened");
	ok(next("one") && next("") && next(" two ") && next("last"), "lines, the last without an end");
	ok(!textfile_line(&t, &line), "no more");
	textfile_close(&t);
	put("", 0);
	ok(textfile_open(&t, path) && !textfile_line(&t, &line), "an empty file has no line");
	textfile_close(&t);
	ok(!textfile_open(&t, "/nowhere/at/all"), "no file");
}

/* Lines of any length around the room, each followed by a short one. */
static void test_long(void)
{
	static char text[3 * TEXTFILE_LINE + 10];
	bool good = true;

	for (size_t n = TEXTFILE_LINE - 2; n < 3 * TEXTFILE_LINE; n++) {
		bool fits = n < TEXTFILE_LINE;

		memset(text, 'x', n);
		memcpy(text + n, "\nend\n", 5);
		put(text, n + 5);
		good &= textfile_open(&t, path) && textfile_line(&t, &line);
		good &= t.cut == !fits && line.n == (fits ? n : TEXTFILE_LINE);
		good &= next("end") && !textfile_line(&t, &line);
		textfile_close(&t);
	}
	ok(good, "a long line is cut, said so, and the next is whole");
	memset(text, 'x', 2 * TEXTFILE_LINE);
	put(text, 2 * TEXTFILE_LINE);
	ok(textfile_open(&t, path) && textfile_line(&t, &line) && t.cut, "a long last line");
	ok(!textfile_line(&t, &line), "once");
	textfile_close(&t);
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 2;
	close(fd);
	test_short();
	test_long();
	unlink(path);
	return done();
}
