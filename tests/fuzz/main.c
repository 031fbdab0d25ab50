/* SPDX-License-Identifier: ISC */
/*
 * Replays the corpus of one fuzz target without a fuzzer: each file of tests/fuzz/corpus/NAME/ whole, cut short, and
 * with bytes changed by a fixed sequence. Inputs are heap copies of their exact size, so that the sanitizer sees the
 * first byte too many.
 *
 * usage: NAME [FILE]...     without a FILE: the corpus
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define CORPUS "tests/fuzz/corpus/" FUZZ_NAME
#define LONGEST (1 << 20)
#define CUTS 64
#define CHANGED 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t input[LONGEST];
static uint32_t state = 1;

static uint32_t next(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void one(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	memcpy(copy, p, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void changed(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	size_t times = 1 + next() % 4;

	if (!copy)
		abort();
	memcpy(copy, p, n);
	while (n && times--)
		copy[next() % n] = next() % 3 ? p[next() % n] : (uint8_t)next();
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static int replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n, i, step;

	if (!f)
		return 0;
	n = fread(input, 1, sizeof input, f);
	fclose(f);
	printf("# %s (%zu bytes)\n", path, n);
	one(input, n);
	step = n / CUTS + 1;
	for (i = 0; i < n; i += step)
		one(input, i);
	for (i = 0; i < CHANGED; i++)
		changed(input, n);
	return 1;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int argc, char **argv)
{
	struct dirent **names;
	char path[4096];
	int i, n, played = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	one(input, 0);
	for (i = 1; i < argc; i++)
		played += replay(argv[i]);
	if (argc == 1) {
		n = scandir(CORPUS, &names, NULL, by_name);
		for (i = 0; i < n; i++) {
			snprintf(path, sizeof path, "%s/%s", CORPUS, names[i]->d_name);
			if (names[i]->d_name[0] != '.')
				played += replay(path);
			free(names[i]);
		}
		if (n >= 0)
			free(names);
	}
	ok(played > 0, "%d inputs of " FUZZ_NAME " and what can be made of them", played);
	return done();
}
