/* SPDX-License-Identifier: ISC */
/* gatepost store: the configuration in flash. */
#include "cmd/cmd.h"

#include "base/date.h"
#include "base/limits.h"
#include "cmd/ask.h"
#include "cmd/store_files.h"
#include "io/clock.h"
#include "io/errtext.h"
#include "io/files.h"
#include "run/confine.h"
#include "run/settings.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 10000u /* for whoever has its lock */

static struct {
	struct stored_at at;
	const char *store; /* as given; NULL: that of this box */
	const char *file;  /* the configuration as given; NULL: the usual one */
	const char *name;  /* what the command has as its argument */
	bool own;          /* it is the store of this box: its files and its relay follow */
	char folder[STORE_FILES_PATH];
	char text[600];
	struct fmt why;
	struct bundle bundle, before;
} it;

static int fail(int status, const char *what, const char *why)
{
	cmd_say(2, "gatepost store: %s%s\n", what, why);
	return status;
}

/* What *why has to say, and the exit status that goes with it. */
static int ends(enum stored result)
{
	static const uint8_t status[] = {
		[STORED_OK] = EX_OK,
		[STORED_NONE] = EX_NOINPUT,
		[STORED_DIFFERS] = EX_SOFTWARE,
		[STORED_BLANK] = EX_NOINPUT,
		[STORED_BUSY] = EX_TEMPFAIL,
		[STORED_DENIED] = EX_NOPERM,
		[STORED_UNFIT] = EX_UNAVAILABLE,
		[STORED_REFUSED] = EX_DATAERR,
		[STORED_FAILED] = EX_IOERR,
	};

	return result == STORED_OK ? EX_OK : fail(status[result], it.text, "");
}

static void begin_why(void)
{
	fmt_init(&it.why, it.text, sizeof(it.text));
}

static enum stored open_it(enum flash_how how)
{
	begin_why();
	return stored_open(&it.at, it.store, how, WAIT_MS, &it.why);
}

static void number(struct fmt *f, const char *before, uint64_t v)
{
	fmt_add(f, "%s%ju", before, v);
}

/* Reads the bundle; one that has nothing to be read is told. */
static enum stored load(enum flash_how how)
{
	enum stored result = open_it(how);

	if (result == STORED_BLANK && how == FLASH_TO_MAKE)
		begin_why();
	else if (result != STORED_OK)
		return result;
	result = stored_load(&it.at, &it.bundle, &it.why);
	if (result != STORED_OK)
		return result;
	if (it.at.store.damaged) {
		number(&it.why, "bundle ", it.at.store.sequence);
		fail(0, it.text, PHRASE(" is damaged, the one before it counts"));
		begin_why();
	}
	if (it.at.store.unread)
		fail(0, PHRASE("a part of the store cannot be read: "), errtext(it.at.store.cause));
	return STORED_OK;
}

/* ---- reading ---- */

static uint32_t count(const struct bundle *b)
{
	struct bundle_file file;
	uint32_t n = 0, at = 0;

	while (bundle_next(b, &at, &file))
		n++;
	return n;
}

static void slot_text(struct fmt *f, uint32_t i)
{
	struct store_slot v;

	store_slot(&it.at.store, i, &v);
	number(f, "  slot ", i);
	switch (v.state) {
	case STORE_SLOT_NONE:
		fmt_add(f, ": nothing");
		return;
	case STORE_SLOT_NEWER:
		number(f, ": of a newer gatepost, format ", v.version);
		return;
	case STORE_SLOT_UNREAD:
		fmt_add(f, ": cannot be read");
		return;
	case STORE_SLOT_WHOLE:
	case STORE_SLOT_DAMAGED:
		break;
	}
	number(f, ": bundle ", v.sequence);
	fmt_str(f, ", ");
	date_rfc3339(f, v.written);
	number(f, ", ", v.n);
	fmt_str(f, v.state == STORE_SLOT_DAMAGED ? PHRASE(" octets, damaged") : " octets");
	if (i == it.at.store.newest)
		fmt_add(f, ", in use");
}

static int store_info(void)
{
	enum stored result = load(FLASH_TO_READ);
	const struct store *s = &it.at.store;
	struct fmt f = it.why;

	if (it.at.device.fd < 0 || s->slots == 0)
		return ends(result);
	if (result == STORED_OK) {
		fmt_str(&f, it.at.name);
		number(&f, ": ", count(&it.bundle));
		number(&f, " files, ", it.bundle.n);
		number(&f, " of ", s->room);
		fmt_add(&f, " octets");
	}
	number(&f, "\n", s->slots);
	number(&f, " slots of ", s->slot);
	number(&f, " octets, erased in blocks of ", s->flash.block);
	for (uint32_t i = 0; i < s->slots; i++) {
		if (!cmd_say(1, "%s\n", it.text))
			return EX_IOERR;
		fmt_init(&f, it.text, sizeof(it.text));
		slot_text(&f, i);
	}
	if (!cmd_say(1, "%s\n", it.text))
		return EX_IOERR;
	if (result == STORED_OK || result == STORED_BLANK)
		return EX_OK;
	return result == STORED_FAILED ? EX_IOERR : EX_DATAERR;
}

static int store_list(void)
{
	enum stored result = load(FLASH_TO_READ);
	struct bundle_file file;
	uint32_t at = 0;

	if (result != STORED_OK)
		return ends(result);
	while (bundle_next(&it.bundle, &at, &file)) {
		begin_why();
		for (size_t least = 10; least <= 100000; least *= 10) {
			if (file.content.n < least)
				fmt_char(&it.why, ' ');
		}
		number(&it.why, "", file.content.n);
		fmt_add(&it.why, " %.*s", SPAN(file.name));
		if (!cmd_say(1, "%s\n", it.text))
			return EX_IOERR;
	}
	return EX_OK;
}

static int store_get(void)
{
	enum stored result = load(FLASH_TO_READ);
	struct bytes content;

	if (result != STORED_OK)
		return ends(result);
	if (!bundle_get(&it.bundle, bytes_of(it.name), &content))
		return fail(EX_NOINPUT, it.name, PHRASE(": there is no such file in the store"));
	return cmd_write(1, content) ? EX_OK : EX_IOERR;
}

/* When the bundle in use was written. */
static uint64_t written(void)
{
	struct store_slot v = {0};

	if (it.at.store.newest != STORE_NO_SLOT)
		store_slot(&it.at.store, it.at.store.newest, &v);
	return v.written;
}

static int store_export(void)
{
	enum stored result = load(FLASH_TO_READ);

	if (result != STORED_OK)
		return ends(result);
	if (it.bundle.n == 0)
		return fail(EX_NOINPUT, it.at.name, PHRASE(": there are no files in it"));
	return store_files_unpack(&it.bundle, NULL, it.name, written()) ? EX_OK : EX_CANTCREAT;
}

/* ---- writing ---- */

/* What follows once it is in the store: files, all or that one, and the relay. */
static int follow(pid_t relay, const char *one)
{
	bool good = true;
	struct bytes content;

	if (!it.own || files_kind(it.folder) != FILES_FOLDER)
		return EX_OK;
	if (one == NULL)
		good = store_files_unpack(&it.bundle, &it.before, it.folder, written());
	else if (bundle_get(&it.bundle, bytes_of(one), &content))
		good = store_files_put(bytes_of(one), content, it.folder, written());
	if (!good)
		return fail(EX_CANTCREAT, PHRASE("it is in the store, but not in "), it.folder);
	if (relay == 0 || kill(relay, SIGHUP) != 0)
		return EX_OK;
	return cmd_say(1, "The relay reads it now.\n") ? EX_OK : EX_IOERR;
}

/* it.bundle is checked and becomes what is in the store; one: a file of it, or all. */
static int save(const char *one)
{
	bool conf = one == NULL || strcmp(one, STORE_FILES_CONF) == 0, is_written;
	pid_t relay = it.own ? ask_relay(it.file) : 0;
	struct bytes content;
	enum stored result;

	if ((conf || bundle_get(&it.bundle, BYTES(STORE_FILES_CONF), &content)) &&
	    !store_files_check(&it.bundle, it.folder, it.own)) {
		if (conf)
			return fail(EX_CONFIG, PHRASE("the configuration has errors, "),
			    PHRASE("nothing was stored"));
		fail(0, PHRASE("stored all the same: with it "),
		    PHRASE("the configuration has errors"));
	}
	begin_why();
	result = stored_save(&it.at, &it.bundle, &is_written, &it.why);
	if (result != STORED_OK)
		return ends(result);
	if (!cmd_say(1, "%s%s.\n", it.at.name,
		is_written ? PHRASE(": stored") : PHRASE(": that is in it already")))
		return EX_IOERR;
	return follow(relay, one);
}

/* Standard input to its end; -1 after a complaint. */
static ssize_t read_input(uint8_t *mem, size_t n)
{
	size_t used = 0;
	ssize_t got;

	do {
		got = read(0, mem + used, n - used);
		used += got > 0 ? (size_t)got : 0;
	} while ((got > 0 && used < n) || (got < 0 && errno == EINTR));
	if (got >= 0)
		return (ssize_t)used;
	fail(0, PHRASE("standard input: "), errtext(errno));
	return -1;
}

static int store_put(void)
{
	static uint8_t input[BUNDLE_MAX + 1]; /* one more than can be stored */
	ssize_t n = read_input(input, sizeof(input));
	enum stored result;

	if (n < 0)
		return EX_IOERR;
	result = load(FLASH_TO_MAKE);
	if (result == STORED_OK)
		result = stored_put(&it.at, &it.bundle, it.name,
		    (struct bytes){ input, (size_t)n }, &it.why);
	return result == STORED_OK ? save(it.name) : ends(result);
}

static bool import_file(void *ctx, const char *name, const char *path)
{
	static uint8_t content[BUNDLE_MAX];
	int64_t n = files_read(path, content, sizeof(content));

	(void)ctx;
	if (n >= 0)
		return stored_put(&it.at, &it.bundle, name,
			   (struct bytes){ content, (size_t)n }, &it.why) == STORED_OK;
	fmt_add(&it.why, "%s: %s", path,
	    n == -EFBIG ? PHRASE("is too large for the store") : errtext((int)-n));
	return false;
}

static int store_import(void)
{
	struct bytes content;
	enum stored result;

	if (files_kind(it.name) != FILES_FOLDER)
		return fail(EX_NOINPUT, it.name, PHRASE(": there is no such folder"));
	result = load(FLASH_TO_MAKE);
	if (result != STORED_OK)
		return ends(result);
	it.before = it.bundle;
	it.bundle.n = 0;
	if (!stored_walk(it.name, import_file, NULL, &it.why))
		return ends(STORED_REFUSED);
	if (!bundle_get(&it.bundle, BYTES(STORE_FILES_CONF), &content))
		return fail(EX_NOINPUT, it.name, ": there is no " STORE_FILES_CONF " in it");
	return save(NULL);
}

static int store_erase_all(void)
{
	enum stored result = open_it(FLASH_TO_WRITE);

	if (it.at.device.fd < 0 || it.at.store.slots == 0)
		return ends(result);
	begin_why();
	if (store_erase(&it.at.store, clock_wall()) != STORE_OK)
		return fail(EX_IOERR, it.at.name,
		    PHRASE(": could not be erased, parts of what was in it may be left"));
	return cmd_say(1, "%s: erased.\n", it.at.name) ? EX_OK : EX_IOERR;
}

/* ---- the command ---- */

struct verb {
	const char *word;
	const char *missing; /* told where its argument is not there; NULL: it takes none */
	int (*run)(void);
};

static int run(const struct verb *verb, struct opts *o)
{
	int status;

	if (verb->missing != NULL) {
		if (o->at >= o->argc)
			return cmd_usage("store", verb->missing);
		it.name = o->argv[o->at++];
	}
	if (o->at < o->argc)
		return cmd_usage("store", PHRASE("there are too many arguments"));
	it.own = it.store == NULL || it.file != NULL || strcmp(it.store, CONFIG_STORE_PATH) == 0;
	if (it.store == NULL && CONFIG_STORE_PATH[0] == '\0')
		return cmd_usage(
		    "store", PHRASE("this build knows of no store: -s STORE names it"));
	if (!store_files_folder(it.file != NULL ? it.file : SETTINGS_FILE, it.folder))
		return EX_USAGE;
	confine_secrets();
	it.at.device.fd = -1;
	status = verb->run();
	stored_close(&it.at);
	return status;
}

int cmd_store(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "info", NULL, store_info },
		{ "list", NULL, store_list },
		{ "get", "the name of a file is missing", store_get },
		{ "put", "the name of a file is missing", store_put },
		{ "import", "the folder is missing", store_import },
		{ "export", "the folder is missing", store_export },
		{ "erase", NULL, store_erase_all },
	};
	struct opts o;
	int c;

	opts_init(&o, argc, argv, "c:file s:store");
	while ((c = opts_next(&o)) > 0) {
		if (c == 'c')
			it.file = o.value;
		else
			it.store = o.value;
	}
	if (c < 0)
		return EX_USAGE;
	if (o.at >= o.argc)
		return cmd_usage("store", PHRASE("info, list, get, put, import, export or erase"));
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(o.argv[o.at], verbs[i].word) == 0) {
			o.at++;
			return run(&verbs[i], &o);
		}
	}
	return cmd_usage("store", PHRASE("info, list, get, put, import, export or erase"));
}
