/* SPDX-License-Identifier: ISC */
/* Checks that print TAP. A test is a main() that calls them and ends with `return done();`. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned tap_count, tap_failed;

/* Each takes a name in the manner of printf at its end and returns whether it held. */
#define ok(cond, ...) tap_ok((cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_num(got, want, ...)                                 \
	tap_num((long long)(got), (long long)(want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...) is_bytes(bytes_of(got), bytes_of(want), __VA_ARGS__)
#define is_bytes(got, want, ...) tap_bytes((got), (want), __FILE__, __LINE__, __VA_ARGS__)

/* For a test in which nothing impossible may happen. */
#define TAP_GP_BUG                                             \
	_Noreturn void gp_stop(const char *what)                \
	{                                                      \
		printf("Bail out! gp_bug: %s\n", what);        \
		abort();                                       \
	}

static bool tap_vok(bool good, const char *file, int line, const char *name, va_list args)
{
	if (tap_count++ == 0)
		setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%sok %u - ", good ? "" : "not ", tap_count);
	vprintf(name, args);
	putchar('\n');
	if (!good) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	return good;
}

#define TAP_VOK(good)                                          \
	va_list args;                                          \
	va_start(args, name);                                  \
	tap_vok(held, file, line, name, args);                 \
	va_end(args)

__attribute__((format(printf, 4, 5), unused))
static bool tap_ok(bool held, const char *file, int line, const char *name, ...)
{
	TAP_VOK(held);
	return held;
}

__attribute__((format(printf, 5, 6), unused))
static bool tap_num(long long got, long long want, const char *file, int line,
		    const char *name, ...)
{
	bool held = got == want;

	TAP_VOK(held);
	if (!held)
		printf("#  got: %lld (%#llx)\n# want: %lld (%#llx)\n", got,
		       (unsigned long long)got, want, (unsigned long long)want);
	return held;
}

static void tap_show(const char *label, struct bytes x)
{
	printf("# %s (%zu): ", label, x.n);
	for (size_t i = 0; i < x.n && i < 4000; i++)
		printf(x.p[i] >= 32 && x.p[i] < 127 && x.p[i] != '\\' ? "%c" : "\\x%02x", x.p[i]);
	putchar('\n');
}

__attribute__((format(printf, 5, 6), unused))
static bool tap_bytes(struct bytes got, struct bytes want, const char *file, int line,
		      const char *name, ...)
{
	bool held = got.n == want.n && (got.n == 0 || memcmp(got.p, want.p, got.n) == 0);

	TAP_VOK(held);
	if (!held) {
		tap_show(" got", got);
		tap_show("want", want);
	}
	return held;
}

__attribute__((unused)) static void skip(const char *why)
{
	if (tap_count++ == 0)
		setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ok %u # SKIP %s\n", tap_count, why);
}

__attribute__((unused)) static int done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failed > 0;
}

#endif
