/* SPDX-License-Identifier: ISC */
#include "run/refresh.h"

#include "base/digest.h"
#include "base/limits.h"
#include "io/clock.h"
#include "io/errtext.h"
#include "io/files.h"
#include "io/ipc.h"
#include "io/log.h"
#include "relay/policy.h"
#include "run/stored.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER      "oauth/"
#define PATH_OCTETS 1100u
#define BATCH       8u /* messages worked through in one turn */
#define WHY         320u

/*
 * Into the store: more than four logins need whose tokens are good for an hour and a single time.
 * A helper that was taken over shall not wear out the flash.
 */
static const struct num_rate most_stored = { 200, 86400 };

/* Tokens that no file would take. */
struct refresh_kept {
	char name[OAUTH_NAME]; /* "": free */
	uint32_t n;
	uint64_t since; /* seconds since 1970 */
	uint8_t token[OAUTH_TOKEN];
};

static struct refresh_kept kept[CONFIG_TOKENS];
static const char *store;

void refresh_path(struct fmt *f, const char *file, const char *name)
{
	const char *end = strrchr(file, '/');

	fmt_add(f, "%.*s" FOLDER "%s", end != NULL ? (int)(end + 1 - file) : 0, file, name);
}

static const char *path_of(const char *file, const char *name)
{
	static char path[PATH_OCTETS];
	struct fmt f;

	fmt_init(&f, path, sizeof(path));
	refresh_path(&f, file, name);
	return path;
}

int refresh_load(const char *file, const char *name, uint8_t *token)
{
	static uint8_t text[OAUTH_TOKEN + 2];
	int64_t got = files_read(path_of(file, name), text, sizeof(text));
	struct bytes x = { text, got > 0 ? (size_t)got : 0 };

	while (x.n > 0 && x.p[x.n - 1] <= ' ')
		x.n--;
	if (x.n > OAUTH_TOKEN)
		got = -EFBIG;
	if (got >= 0)
		memcpy(token, x.p, x.n);
	digest_wipe(text, sizeof(text));
	if (got == -ENOENT || got == -ENOTDIR)
		return 0;
	return got < 0 ? (int)got : (int)x.n;
}

void refresh_keep_in(const char *path)
{
	store = path;
}

static bool store_too(const char *name, struct bytes text, struct fmt *why)
{
	static struct policy_rate rate;
	char place[sizeof(FOLDER) + OAUTH_NAME];
	const struct stored_file file = { .name = place, .content = text };
	struct fmt f;

	fmt_init(&f, place, sizeof(place));
	fmt_add(&f, FOLDER "%s", name);
	if (store == NULL)
		return true;
	if (policy_rate_take(&rate, &most_stored, clock_monotonic_ms()))
		return stored_replace(store, &file, 1, why) == STORED_OK;
	fmt_add(why, "the store is spared after so many changes");
	return false;
}

bool refresh_store(const char *file, const char *name, struct bytes token, struct fmt *why)
{
	static uint8_t text[OAUTH_TOKEN + 1];
	struct bytes x = { text, token.n + 1 };
	bool good = false;
	int err = 0;

	if (token.n > OAUTH_TOKEN || !oauth_is_name(bytes_of(name)))
		err = -EINVAL;
	else if (mkdir(path_of(file, ""), 0700) < 0 && errno != EEXIST)
		err = -errno;
	if (err == 0) {
		memcpy(text, token.p, token.n);
		text[token.n] = '\n';
		err = files_replace(path_of(file, name), x, 0600);
		good = err == 0 && store_too(name, x, why);
		digest_wipe(text, sizeof(text));
	}
	if (err != 0) {
		refresh_path(why, file, name);
		fmt_add(why, ": %s", errtext(-err));
	}
	return good;
}

uint64_t refresh_age(const char *file, const char *name, uint64_t now)
{
	struct stat st;

	if (stat(path_of(file, name), &st) < 0)
		return UINT64_MAX;
	return (uint64_t)st.st_mtime < now ? now - (uint64_t)st.st_mtime : 0;
}

/* ---- the supervisor's part ---- */

static struct refresh_kept *kept_find(const char *name)
{
	for (unsigned i = 0; i < CONFIG_TOKENS; i++) {
		if (strcmp(kept[i].name, name) == 0)
			return &kept[i];
	}
	return NULL;
}

static void kept_forget(struct refresh_kept *k)
{
	if (k->name[0] != '\0')
		digest_wipe(k, sizeof(*k));
}

static void say(const char *name, const char *what, const char *why)
{
	log_add(LOG_LEVEL_WARNING, "token login=%s reason=\"%s: %s\"", name, what, why);
}

static void kept_try_again(const char *file)
{
	char text[WHY];
	struct fmt why;

	for (unsigned i = 0; i < CONFIG_TOKENS; i++) {
		struct refresh_kept *k = &kept[i];

		if (k->name[0] == '\0')
			continue;
		fmt_init(&why, text, sizeof(text));
		/* a login since then has stored a better one */
		if (clock_wall() - k->since > refresh_age(file, k->name, clock_wall()) ||
		    refresh_store(file, k->name, (struct bytes){ k->token, k->n }, &why))
			kept_forget(k);
	}
}

/* Would one more be too many? A helper that was taken over shall not fill the flash. */
static bool is_full(const char *file, const char *name)
{
	char last[2][FILES_NAME_MAX + 1] = { "", "" };
	unsigned n = 0;

	if (files_kind(path_of(file, name)) != FILES_NONE)
		return false;
	while (n < REFRESH_FILES && files_next(path_of(file, ""), last[n & 1], last[~n & 1]))
		n++;
	return n == REFRESH_FILES;
}

static void serve_put(const struct refresh_message *m, const char *file)
{
	struct refresh_kept *k = kept_find(m->name);
	char text[WHY];
	struct fmt why;

	if (m->what == REFRESH_PUT_LAZY && k == NULL &&
	    refresh_age(file, m->name, clock_wall()) < REFRESH_OLD)
		return;
	if (is_full(file, m->name)) {
		say(m->name, PHRASE("there are too many refresh tokens in oauth/"),
		    errtext(ENOSPC));
		return;
	}
	fmt_init(&why, text, sizeof(text));
	if (refresh_store(file, m->name, (struct bytes){ m->token, m->n }, &why)) {
		if (k != NULL)
			kept_forget(k);
		return;
	}
	say(m->name, PHRASE("the new refresh token is in memory alone, it cannot be stored"),
	    text);
	if (k == NULL)
		k = kept_find("");
	if (k == NULL)
		return;
	memcpy(k->name, m->name, sizeof(k->name));
	memcpy(k->token, m->token, m->n);
	k->n = m->n;
	k->since = clock_wall();
}

static void serve_get(struct refresh_message *m, int fd, const char *file)
{
	const struct refresh_kept *k = kept_find(m->name);
	int n;

	if (k != NULL) {
		memcpy(m->token, k->token, k->n);
		n = (int)k->n;
	} else {
		n = refresh_load(file, m->name, m->token);
	}
	if (n < 0)
		say(m->name, PHRASE("the refresh token cannot be read"), errtext(-n));
	m->what = n > 0 ? REFRESH_FOUND : n < 0 ? REFRESH_FAILED : REFRESH_NONE;
	m->n = (uint16_t)(n > 0 ? n : 0);
	(void)ipc_send(fd, m, sizeof(*m)); /* else the helper's deadline */
}

void refresh_serve(int fd, const char *file)
{
	static struct refresh_message m;

	for (unsigned i = 0; i < BATCH && ipc_take(fd, &m, sizeof(m)) == 1; i++) {
		m.name[sizeof(m.name) - 1] = '\0';
		if (!oauth_is_name(bytes_of(m.name)) || m.n > OAUTH_TOKEN)
			continue;
		kept_try_again(file);
		if (m.what == REFRESH_GET)
			serve_get(&m, fd, file);
		else if ((m.what == REFRESH_PUT || m.what == REFRESH_PUT_LAZY) && m.n > 0)
			serve_put(&m, file);
	}
	digest_wipe(&m, sizeof(m));
}
