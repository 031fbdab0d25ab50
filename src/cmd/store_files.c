/* SPDX-License-Identifier: ISC */
#include "cmd/store_files.h"

#include "base/digest.h"
#include "base/limits.h"
#include "cmd/cmd.h"
#include "io/errtext.h"
#include "io/files.h"
#include "run/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the configuration, as it is going to be ---- */

static bool view_get(void *ctx, struct bytes name, struct bytes *content)
{
	return bundle_get(ctx, name, content);
}

/* The word of a name that lies in that folder; n = 0: it lies elsewhere. */
static struct bytes word_in(struct bytes name, struct bytes folder)
{
	if (folder.n > 0) {
		if (name.n <= folder.n || name.p[folder.n] != '/' ||
		    !bytes_same(bytes_first(name, folder.n), folder))
			return (struct bytes){ NULL, 0 };
		name = bytes_skip(name, folder.n + 1);
	}
	return bytes_first(name, bytes_find(name, '/'));
}

static bool view_next(void *ctx, struct bytes folder, const char *after, char *name)
{
	char word[BUNDLE_NAME + 1];
	struct bundle_file file;
	bool found = false;
	uint32_t at = 0;

	while (bundle_next(ctx, &at, &file)) {
		struct bytes x = word_in(file.name, folder);

		if (x.n == 0)
			continue;
		memcpy(word, x.p, x.n);
		word[x.n] = '\0';
		if (strcmp(word, after) <= 0 || (found && strcmp(word, name) >= 0))
			continue;
		memcpy(name, word, x.n + 1);
		found = true;
	}
	return found;
}

static void path_in(struct fmt *f, char path[STORE_FILES_PATH], const char *folder,
    struct bytes name)
{
	fmt_init(f, path, STORE_FILES_PATH);
	fmt_add(f, "%s/%.*s", folder, SPAN(name));
}

bool store_files_check(const struct bundle *b, const char *folder, bool own)
{
	static _Alignas(max_align_t) uint8_t memory[CONFIG_CONF_MEMORY];
	static char path[STORE_FILES_PATH];
	const struct settings_how how = { .changes_user = own, .files = true };
	const struct files_view view = { folder, (void *)(uintptr_t)b, view_get, view_next };
	struct conf conf;
	struct fmt f;
	bool good;

	path_in(&f, path, folder, BYTES(STORE_FILES_CONF));
	files_show(&view);
	good = settings_load(&conf, memory, sizeof(memory), path, &how) == CONF_OK;
	files_show(NULL);
	digest_wipe(memory, sizeof(memory));
	return good;
}

/* ---- the folder ---- */

static bool complain(const char *path, int err)
{
	return cmd_fail(false, "%s: %s", path, errtext(err));
}

bool store_files_folder(const char *given, char folder[STORE_FILES_PATH])
{
	struct fmt f;

	folder[0] = '\0';
	/* the C library's getcwd brings a heap */
	if (given[0] != '/' && syscall(SYS_getcwd, folder, STORE_FILES_PATH) < 0)
		return complain(given, errno);
	fmt_init(&f, folder + strlen(folder), STORE_FILES_PATH - strlen(folder));
	if (given[0] != '/')
		fmt_char(&f, '/');
	fmt_str(&f, given);
	while (f.n > 0 && f.p[f.n - 1] != '/')
		f.n--;
	while (f.n > 0 && f.p[f.n - 1] == '/')
		f.n--;
	f.p[f.n] = '\0';
	return !f.cut || complain(given, ENAMETOOLONG);
}

/* The folders above the file, within the first one; 0 or an errno. */
static int make_folders(char *path, size_t first)
{
	for (char *p = path + first; (p = strchr(p, '/')) != NULL; p++) {
		int err;

		*p = '\0';
		err = mkdir(path, 0700) != 0 && errno != EEXIST ? errno : 0;
		*p = '/';
		if (err != 0)
			return err;
	}
	return 0;
}

bool store_files_put(
    struct bytes name, struct bytes content, const char *folder, uint64_t written)
{
	static char path[STORE_FILES_PATH];
	const struct timespec times[2] = { { .tv_sec = (time_t)written },
		{ .tv_sec = (time_t)written } };
	struct fmt f;
	int err;

	path_in(&f, path, folder, name);
	err = f.cut ? ENAMETOOLONG : make_folders(path, strlen(folder));
	if (err == 0)
		err = -files_replace(path, content, 0600);
	if (err != 0)
		return complain(path, err);
	(void)utimensat(AT_FDCWD, path, times, 0); /* it only tells how old a token is */
	return true;
}

static bool remove_file(struct bytes name, const char *folder)
{
	static char path[STORE_FILES_PATH];
	struct fmt f;

	path_in(&f, path, folder, name);
	return unlink(path) == 0 || errno == ENOENT || complain(path, errno);
}

bool store_files_unpack(const struct bundle *b, const struct bundle *before, const char *folder,
    uint64_t written)
{
	struct bundle_file file;
	struct bytes content;
	bool good = true;
	uint32_t at = 0;

	while (bundle_next(b, &at, &file))
		good = store_files_put(file.name, file.content, folder, written) && good;
	at = 0;
	while (before != NULL && bundle_next(before, &at, &file)) {
		if (!bundle_get(b, file.name, &content))
			good = remove_file(file.name, folder) && good;
	}
	return good;
}
