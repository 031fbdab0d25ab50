/* SPDX-License-Identifier: ISC */
/* Loads a configuration from files in memory and keeps what was said. */
#ifndef TESTS_CONF_LOAD_H
#define TESTS_CONF_LOAD_H

#include "base/on.h"
#include "conf/conf.h"
#include "conf/print.h"
#include "tap.h"

#include <stdalign.h>

struct mem_file {
	const char *path; /* NULL: the end of the list */
	const char *text;
};

#define SAID_MAX 60000
#define PLENTY (1u << 20)

static struct conf conf;
static alignas(max_align_t) uint8_t conf_mem[PLENTY];
static size_t conf_mem_size = PLENTY;
static const struct mem_file *conf_files;
static char said[SAID_MAX];  /* "FILE:LINE:COLUMN: error: what\n" … */
static char printed[200000]; /* what conf_print or conf_eval put */
static size_t printed_n;
static struct conf_source conf_src;

static const struct mem_file *find_file(const char *path)
{
	for (const struct mem_file *f = conf_files; f && f->path; f++) {
		if (strcmp(f->path, path) == 0)
			return f;
	}
	return NULL;
}

static enum conf_kind mem_kind(void *ctx, const char *path)
{
	size_t n = strlen(path);

	(void)ctx;
	if (strcmp(path, "/dev/zero") == 0)
		return CONF_KIND_OTHER;
	if (find_file(path))
		return CONF_KIND_FILE;
	for (const struct mem_file *f = conf_files; f && f->path; f++) {
		if (strncmp(f->path, path, n) == 0 && (f->path[n] == '/' || (n && path[n - 1] == '/')))
			return CONF_KIND_FOLDER;
	}
	return CONF_KIND_NONE;
}

static const char *mem_read(void *ctx, const char *path, void *mem, size_t n, size_t *used)
{
	const struct mem_file *f = find_file(path);

	(void)ctx;
	if (!f || !f->text)
		return "no such file";
	if (strlen(f->text) > n)
		return conf_too_large;
	*used = strlen(f->text);
	memcpy(mem, f->text, *used);
	return NULL;
}

static bool mem_next(void *ctx, const char *path, const char *after, char name[CONF_NAME_MAX + 1])
{
	size_t n = strlen(path);
	bool found = false;

	(void)ctx;
	if (n > 0 && path[n - 1] == '/')
		n--;
	for (const struct mem_file *f = conf_files; f && f->path; f++) {
		char entry[CONF_NAME_MAX + 1];

		if (strncmp(f->path, path, n) != 0 || f->path[n] != '/')
			continue;
		snprintf(entry, sizeof(entry), "%.*s", (int)strcspn(f->path + n + 1, "/"), f->path + n + 1);
		if (strcmp(entry, after) <= 0 || (found && strcmp(entry, name) >= 0))
			continue;
		strcpy(name, entry);
		found = true;
	}
	return found;
}

static void mem_report(void *ctx, enum conf_severity severity, const struct conf_place *at,
	struct bytes text)
{
	size_t n = strlen(said);

	(void)ctx;
	snprintf(said + n, sizeof(said) - n, "%s:%u:%u: %s: %.*s\n", at->file, at->line, at->column,
		severity == CONF_ERROR ? "error" : "warning", (int)text.n, (const char *)text.p);
}

static bool mem_user_exists(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "gatepost") == 0 || strcmp(name, "nobody") == 0;
}

/* 192.0.2.1 is on eth0, 192.0.2.2 on eth1 */
static bool mem_own_address(void *ctx, const uint8_t a[16], const char *interface)
{
	struct inet_addr one, two;

	(void)ctx;
	inet_parse_v4(BYTES("192.0.2.1"), &one);
	inet_parse_v4(BYTES("192.0.2.2"), &two);
	if (inet_same(a, one.a))
		return !interface || strcmp(interface, "eth0") == 0;
	if (inet_same(a, two.a))
		return !interface || strcmp(interface, "eth1") == 0;
	return inet_is_loopback(a) && interface && strcmp(interface, "lo") == 0;
}

static void fresh_source(void)
{
	conf_src = (struct conf_source){
		.kind = mem_kind,
		.read = mem_read,
		.next = mem_next,
		.report = mem_report,
		.user_exists = mem_user_exists,
		.own_address = mem_own_address,
		.hostname = "box.example.net",
	};
}

/* The first file is the main one. */
__attribute__((unused)) static enum conf_status load_files(const struct mem_file *files)
{
	if (!conf_src.read)
		fresh_source();
	conf_files = files;
	said[0] = '\0';
	memset(conf_mem, 0xa5, conf_mem_size); /* the loader must not count on zeros */
	return conf_load(&conf, conf_mem, conf_mem_size, &conf_src, files[0].path);
}

__attribute__((unused)) static enum conf_status load(const char *text)
{
	static struct mem_file files[2];

	files[0] = (struct mem_file){"t", text};
	return load_files(files);
}

/* Loads without a word, or the test fails. */
__attribute__((unused)) static bool loads(const char *text)
{
	return ok(load(text) == CONF_OK && !said[0], "loads: %.60s", text) || (printf("# %s\n", said), false);
}

/* Holds the text a Domain pattern that this build does not know? */
__attribute__((unused)) static bool lacks_patterns(const char *text)
{
	return !ON(CONFIG_CONF_REGEX) && strstr(text, "Domain \"/") != NULL;
}

static void put_printed(void *ctx, struct bytes x)
{
	(void)ctx;
	if (x.n > sizeof(printed) - 1 - printed_n)
		abort();
	memcpy(printed + printed_n, x.p, x.n);
	printed_n += x.n;
	printed[printed_n] = '\0';
}

__attribute__((unused)) static const char *print_all(const struct conf *c)
{
	const struct conf_sink sink = {put_printed, NULL};

	printed_n = 0;
	printed[0] = '\0';
	conf_print(c, &sink);
	return printed;
}

/* The words, parted by blanks; what is printed, or "unset", or "bad: why". */
__attribute__((unused)) static const char *eval(const char *words)
{
	static char copy[1000], text[300];
	const struct conf_sink sink = {put_printed, NULL};
	const char *word[20];
	size_t n = 0;
	struct fmt why;

	printed_n = 0;
	printed[0] = '\0';
	snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = strtok(copy, " "); w && n < 20; w = strtok(NULL, " "))
		word[n++] = w;
	fmt_init(&why, text, sizeof(text));
	switch (conf_eval(&conf, word, n, &sink, &why)) {
	case CONF_EVAL_OK:
		if (printed_n > 0 && strchr(printed, '\n') == printed + printed_n - 1)
			printed[printed_n - 1] = '\0';
		return printed;
	case CONF_EVAL_UNSET:
		return "unset";
	case CONF_EVAL_BAD:
		break;
	}
	snprintf(printed, sizeof(printed), "bad: %s", text);
	return printed;
}

#endif
