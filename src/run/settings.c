/* SPDX-License-Identifier: ISC */
#include "run/settings.h"

#include "base/on.h"
#include "io/disk_posix.h"
#include "io/errtext.h"
#include "io/files.h"
#include "io/ifaces.h"
#include "io/sockaddr.h"
#include "io/users.h"
#include "run/confine.h"
#include "run/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(CONF_NAME_MAX == FILES_NAME_MAX, "names are handed through");

struct reading {
	struct settings_how how;
	const char *file; /* the main one */
};

static enum conf_kind kind(void *ctx, const char *path)
{
	(void)ctx;
	switch (files_kind(path)) {
	case FILES_REGULAR:
		return CONF_KIND_FILE;
	case FILES_FOLDER:
		return CONF_KIND_FOLDER;
	case FILES_OTHER:
		return CONF_KIND_OTHER;
	case FILES_NONE:
		break;
	}
	return CONF_KIND_NONE;
}

/* Puts text behind what is there. */
static const char *append(const char *text, uint8_t *mem, size_t n, size_t *used)
{
	size_t octets = strlen(text);

	if (octets > n - *used)
		return conf_too_large;
	memcpy(mem + *used, text, octets);
	*used += octets;
	return NULL;
}

static const char *read_file(void *ctx, const char *path, void *mem, size_t n, size_t *used)
{
	const struct reading *r = ctx;
	bool main = strcmp(path, r->file) == 0;
	int64_t got;

	*used = 0;
	if (main && r->how.text != NULL)
		return append(r->how.text, mem, n, used);
	got = files_read(path, mem, n);
	if (got == -EFBIG)
		return conf_too_large;
	if (got < 0)
		return errtext((int)-got);
	*used = (size_t)got;
	return main && r->how.more != NULL ? append(r->how.more, mem, n, used) : NULL;
}

static bool next(void *ctx, const char *path, const char *after, char name[CONF_NAME_MAX + 1])
{
	(void)ctx;
	return files_next(path, after, name);
}

/* "FILE:LINE:COLUMN: error: what" */
static void report(
    void *ctx, enum conf_severity severity, const struct conf_place *at, struct bytes text)
{
	static char line[CONF_PATH_MAX + 1024];
	const struct settings_how *how = &((const struct reading *)ctx)->how;
	struct fmt f;
	size_t n;

	if (severity == CONF_WARNING ? how->no_warnings : how->no_errors)
		return;
	fmt_init(&f, line, sizeof(line) - 1);
	fmt_add(&f, "%s:%u:%u: %s: %.*s", at->file, (unsigned)at->line, (unsigned)at->column,
	    severity == CONF_ERROR ? "error" : "warning", SPAN(text));
	n = fmt_done(&f).n;
	if (how->first != NULL && how->first->n == 0 && severity == CONF_ERROR)
		fmt_bytes(how->first, fmt_done(&f));
	if (how->say) {
		line[n] = '\0';
		how->say(how->ctx, severity, line);
		return;
	}
	line[n++] = '\n';
	while (write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
		;
}

static bool user_exists(void *ctx, const char *name)
{
	struct user found;

	(void)ctx;
	return users_by_name(bytes_of(name), &found);
}

struct wanted {
	const uint8_t *a;
	uint32_t index; /* of the interface; 0: any */
	bool found;
};

static bool compare(void *ctx, const struct iface_addr *addr)
{
	struct wanted *w = ctx;

	w->found = inet_same(w->a, addr->a) && (w->index == 0 || w->index == addr->index);
	return !w->found;
}

static bool own_address(void *ctx, const uint8_t a[16], const char *interface)
{
	struct wanted w = { .a = a };

	(void)ctx;
	if (inet_is_loopback(a))
		return !interface || strcmp(interface, "lo") == 0;
	if (interface) {
		w.index = sockaddr_zone(interface);
		if (w.index == 0)
			return false;
	}
	return ifaces_walk(compare, &w) == 0 && w.found;
}

/* Is the folder there that it lies in, or would be made in? */
static bool has_parent(const char *path)
{
	static char above[CONF_PATH_MAX + 1];
	size_t n = strlen(path);
	struct stat st;

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 1 && path[n - 1] != '/')
		n--;
	if (n > CONF_PATH_MAX)
		return true;
	memcpy(above, path, n);
	above[n] = '\0';
	return stat(above, &st) == 0 || errno != ENOENT;
}

/* On what the spool lies. */
static const char *look_at_spool(const char *path)
{
	switch (ON(CONFIG_SPOOL) ? disk_posix_kind_at(path) : DISK_KIND_OTHER) {
	case DISK_KIND_MEMORY:
		return "lies in memory (tmpfs or ramfs)";
	case DISK_KIND_JFFS2:
		return "!lies on jffs2, which writes every mail through to the flash, also one "
		       "that passes at once: ubifs spares it";
	case DISK_KIND_NO_FILES:
		return "#no file can be kept there: it is the kernel's (proc, sysfs)";
	case DISK_KIND_UBIFS:
	case DISK_KIND_OTHER:
		break;
	}
	if (ON(CONFIG_SPOOL) && !has_parent(path))
		return "!the folder above it is not there: the relay makes none but Spoolbase, and "
		       "keeps no mail until it can";
	return NULL;
}

static const char *look(void *ctx, enum conf_file what, const char *path, const char *other)
{
	const char *wrong = what == CONF_FILE_SPOOL ? look_at_spool(path)
						    : keys_look(what, path, other);
	bool secret = what == CONF_FILE_CONF || what == CONF_FILE_KEY;

	(void)ctx;
	return !wrong && secret && files_for_all(path) ? "!others can read it: chmod o-r" : wrong;
}

enum conf_status settings_load(
    struct conf *c, void *mem, size_t n, const char *file, const struct settings_how *how)
{
	struct reading reading = { *how, file != NULL ? file : SETTINGS_FILE };
	struct conf_source src = {
		.ctx = &reading,
		.kind = kind,
		.read = read_file,
		.next = next,
		.report = report,
		.user_exists = user_exists,
		.look = how->files ? look : NULL,
		.own_address = own_address,
		.changes_user = how->changes_user,
		.gateway_may_lack = how->gateway_may_lack,
	};
	char hostname[256] = "";

	confine_secrets();
	if (gethostname(hostname, sizeof(hostname) - 1) == 0)
		src.hostname = hostname;
	return conf_load(c, mem, n, &src, reading.file);
}

const char *settings_store(const char *file, const char *given)
{
	static const char path[] = CONFIG_STORE_PATH;

	if (given == NULL && path[0] != '\0' && strcmp(file, SETTINGS_FILE) == 0)
		return path;
	return given;
}

struct bytes settings_guess_control(const char *file, uint8_t *mem, size_t n)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = fd >= 0 ? read(fd, mem, n) : -1;
	struct bytes text = { mem, got > 0 ? (size_t)got : 0 }, found = { 0 };

	if (fd >= 0)
		close(fd);
	while (text.n > 0) {
		struct bytes line = bytes_first(text, bytes_find(text, '\n'));

		text = bytes_skip(text, line.n + 1);
		line = bytes_trim(line);
		if (!bytes_begins_fold(line, BYTES("Control_Socket")))
			continue;
		line = bytes_trim(bytes_skip(line, sizeof("Control_Socket") - 1));
		if (line.n == 0 || line.p[0] != '=')
			continue;
		line = bytes_trim(bytes_skip(line, 1));
		if (line.n > 0 && (line.p[0] == '"' || line.p[0] == '\'')) {
			uint8_t quote = line.p[0];

			line = bytes_skip(line, 1);
			found = bytes_first(line, bytes_find(line, quote));
		} else {
			found = bytes_word(&line);
		}
	}
	return found.n > 0 && found.p[0] == '/' ? found : bytes_first(found, 0);
}
