/* SPDX-License-Identifier: ISC */
#include "run/stored.h"

#include "base/digest.h"
#include "base/limits.h"
#include "io/clock.h"
#include "io/errtext.h"
#include "io/files.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define WAIT_MS 1000u /* of the supervisor for a lock */

/* Of one call; wiped and given back at its end. */
struct room {
	struct bundle bundle;
	uint8_t file[BUNDLE_MAX + 1];
};

static struct room *room;

static enum stored say(
    const struct stored_at *s, enum stored result, struct fmt *why, const char *text)
{
	fmt_add(why, "%s: %s", s->name, text);
	return result;
}

enum stored stored_judge(const struct stored_at *s, enum store_status status, struct fmt *why)
{
	static const char *const words[] = {
		[STORE_BLANK] = PHRASE("is blank"),
		[STORE_FOREIGN] = PHRASE("is not a store, or not one bundle in it is whole: "
					 "gatepost store erase makes it one"),
		[STORE_NEWER] = PHRASE("was written by a newer gatepost, whose format this one "
				       "does not know"),
		[STORE_SMALL] = PHRASE("is too small for a store"),
		[STORE_LARGE] = PHRASE("has no room for that"),
		[STORE_UNREAD] = PHRASE("cannot be read"),
		[STORE_UNWRITTEN] = PHRASE("cannot be written, and is as it was"),
	};

	if (status == STORE_OK)
		return STORED_OK;
	say(s, STORED_FAILED, why, words[status]);
	if (status == STORE_BLANK)
		return STORED_BLANK;
	if (status != STORE_UNREAD && status != STORE_UNWRITTEN)
		return STORED_REFUSED;
	/* unless it is that something else was read than was written */
	fmt_add(why, ": %s",
	    s->store.cause != 0 ? errtext(s->store.cause)
				: PHRASE("what is read back is not what was written"));
	return STORED_FAILED;
}

enum stored stored_open(struct stored_at *s, const char *store, enum flash_how how,
    unsigned wait_ms, struct fmt *why)
{
	static const uint8_t results[] = {
		[FLASH_OPEN] = STORED_OK,
		[FLASH_BUSY] = STORED_BUSY,
		[FLASH_MISSING] = STORED_NONE,
		[FLASH_UNFIT] = STORED_UNFIT,
		[FLASH_DENIED] = STORED_DENIED,
		[FLASH_FAILED] = STORED_FAILED,
	};
	enum stored result;
	struct flash flash;
	char text[160];
	struct fmt f;

	s->name = store != NULL ? store : CONFIG_STORE_PATH;
	s->device.fd = -1;
	if (s->name[0] == '\0') {
		fmt_add(why, "no store is configured");
		return STORED_NONE;
	}
	fmt_init(&f, text, sizeof(text));
	result = results[flash_open(&s->device, s->name, how, wait_ms, &flash, &f)];
	if (result != STORED_OK)
		return say(s, result, why, text);
	return stored_judge(s, store_open(&s->store, flash), why);
}

void stored_close(struct stored_at *s)
{
	flash_close(&s->device);
}

enum stored stored_load(struct stored_at *s, struct bundle *b, struct fmt *why)
{
	return stored_judge(s, store_load(&s->store, b), why);
}

enum stored stored_put(struct stored_at *s, struct bundle *b, const char *name,
    struct bytes content, struct fmt *why)
{
	static const char *const words[] = {
		[BUNDLE_FULL] = PHRASE("there is no room for it in the store"),
		[BUNDLE_NAMED] = PHRASE("is no name for a file in the store: letters, digits and "
					"+-._@=,~ in words parted by single slashes, no dot in "
					"front"),
		[BUNDLE_FOLDER] = PHRASE("cannot be both a file and a folder"),
	};
	enum bundle_status status = bundle_put(b, bytes_of(name), content, s->store.room);

	if (status == BUNDLE_OK)
		return STORED_OK;
	fmt_add(why, "%s: %s", name, words[status]);
	return STORED_REFUSED;
}

enum stored stored_save(struct stored_at *s, struct bundle *b, bool *written, struct fmt *why)
{
	*written = !store_holds(&s->store, b);
	if (!*written)
		return STORED_OK;
	return stored_judge(s, store_write(&s->store, b, clock_wall()), why);
}

static enum stored end(struct stored_at *s, enum stored result)
{
	if (room != NULL) {
		digest_wipe(&room->bundle, sizeof(room->bundle));
		munmap(room, sizeof(*room));
	}
	room = NULL;
	stored_close(s);
	return result;
}

static bool take_room(struct fmt *why)
{
	void *p = mmap(NULL, sizeof(*room), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);

	if (p == MAP_FAILED) {
		fmt_str(why, errtext(errno));
		return false;
	}
	madvise(p, sizeof(*room), MADV_DONTDUMP);
	room = p;
	return true;
}

/* Opens it and reads the bundle; closed again where that fails. */
static enum stored begin(
    struct stored_at *s, const char *store, enum flash_how how, struct fmt *why)
{
	enum stored result = stored_open(s, store, how, WAIT_MS, why);

	if (result == STORED_OK || (result == STORED_BLANK && how == FLASH_TO_MAKE)) {
		fmt_init(why, why->p, why->cap);
		result = take_room(why) ? stored_load(s, &room->bundle, why) : STORED_FAILED;
	}
	return result == STORED_OK ? result : end(s, result);
}

enum stored stored_read(
    const char *store, const char *name, void *mem, size_t n, size_t *used, struct fmt *why)
{
	struct stored_at s;
	enum stored result = begin(&s, store, FLASH_TO_READ, why);
	struct bytes content;

	if (result != STORED_OK)
		return result;
	if (!bundle_get(&room->bundle, bytes_of(name), &content)) {
		result = say(&s, STORED_NONE, why, name);
		fmt_add(why, ": there is no such file");
	} else if (content.n > n) {
		result = say(&s, STORED_REFUSED, why, name);
		fmt_add(why, ": is too large");
	} else {
		memcpy(mem, content.p, content.n);
		*used = content.n;
	}
	return end(&s, result);
}

enum stored stored_replace(
    const char *store, const struct stored_file *files, unsigned n, struct fmt *why)
{
	struct stored_at s;
	enum stored result = begin(&s, store, FLASH_TO_MAKE, why);
	bool written;

	if (result != STORED_OK)
		return result;
	for (unsigned i = 0; i < n && result == STORED_OK; i++) {
		const struct stored_file *f = &files[i];

		if (f->remove)
			(void)bundle_remove(&room->bundle, bytes_of(f->name));
		else
			result = stored_put(&s, &room->bundle, f->name, f->content, why);
	}
	if (result == STORED_OK)
		result = stored_save(&s, &room->bundle, &written, why);
	return end(&s, result);
}

/* ---- a folder beside it ---- */

#define PATH  1100u
#define DEPTH 8u

struct walk {
	char path[PATH];
	struct fmt f;
	size_t below; /* where the names begin */
	unsigned depth;
	char name[FILES_NAME_MAX + 1], after[DEPTH][FILES_NAME_MAX + 1];
	bool (*each)(void *ctx, const char *name, const char *path);
	void *ctx;
	struct fmt *why;
};

static bool walk_entry(struct walk *w);

/* w->path is a folder. */
static bool walk_folder(struct walk *w)
{
	struct fmt folder = w->f;
	bool good = true;
	char *after;

	if (w->depth == DEPTH) {
		fmt_add(w->why, "%s: folders lie too deep", w->path);
		return false;
	}
	after = w->after[w->depth++];
	after[0] = '\0';
	while (good && files_next(w->path, after, w->name)) {
		memcpy(after, w->name, sizeof(w->name));
		if (after[0] == '.')
			continue;
		fmt_add(&w->f, "/%s", after);
		good = walk_entry(w);
		w->f = folder;
		w->path[folder.n] = '\0';
	}
	if (good && errno != 0) {
		fmt_add(w->why, "%s: %s", w->path, errtext(errno));
		good = false;
	}
	w->depth--;
	return good;
}

static bool walk_entry(struct walk *w)
{
	if (w->f.cut) {
		fmt_add(w->why, "%s: is too long", w->path);
		return false;
	}
	switch (files_kind(w->path)) {
	case FILES_FOLDER:
		return walk_folder(w);
	case FILES_REGULAR:
		return w->each(w->ctx, w->path + w->below, w->path);
	case FILES_NONE:
	case FILES_OTHER:
		break;
	}
	return true;
}

bool stored_walk(const char *folder, bool (*each)(void *ctx, const char *name, const char *path),
    void *ctx, struct fmt *why)
{
	static struct walk w;

	w.each = each;
	w.ctx = ctx;
	w.why = why;
	w.depth = 0;
	fmt_init(&w.f, w.path, sizeof(w.path));
	fmt_str(&w.f, folder);
	w.below = w.f.n + 1;
	return walk_folder(&w);
}

static bool is_same(const char *path, struct bytes wanted)
{
	int64_t n = files_read(path, room->file, sizeof(room->file));
	bool same = n >= 0 && bytes_same((struct bytes){ room->file, (size_t)n }, wanted);

	if (n > 0)
		digest_wipe(room->file, (size_t)n);
	return same;
}

static bool compare_file(void *ctx, const char *name, const char *path)
{
	struct fmt *why = ctx;
	struct bytes wanted;

	if (bundle_get(&room->bundle, bytes_of(name), &wanted) && is_same(path, wanted))
		return true;
	fmt_add(why, "%s differs from the store", name);
	return false;
}

static bool find_missing(const char *folder, struct fmt *why)
{
	static char path[PATH];
	struct bundle_file file;
	uint32_t at = 0;

	while (bundle_next(&room->bundle, &at, &file)) {
		struct fmt f;

		fmt_init(&f, path, sizeof(path));
		fmt_add(&f, "%s/%.*s", folder, SPAN(file.name));
		if (files_kind(path) == FILES_REGULAR)
			continue;
		fmt_add(why, "%.*s is in the store alone", SPAN(file.name));
		return true;
	}
	return false;
}

enum stored stored_compare(const char *store, const char *folder, struct fmt *why)
{
	struct stored_at s;
	enum stored result = begin(&s, store, FLASH_TO_READ, why);

	if (result != STORED_OK)
		return result;
	if (!stored_walk(folder, compare_file, why, why) || find_missing(folder, why))
		result = STORED_DIFFERS;
	return end(&s, result);
}
