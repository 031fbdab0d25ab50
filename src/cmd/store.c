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
	struct fmt *why;
	struct bundle bundle, before;
} it;

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

	return result == STORED_OK ? EX_OK : cmd_fail(status[result], "%s", it.why->p);
}

static void begin_why(void)
{
	it.why = cmd_why();
}

static enum stored open_it(enum flash_how how)
{
	begin_why();
	return stored_open(&it.at, it.store, how, WAIT_MS, it.why);
}

/* Reads the bundle; one that has nothing to be read is told. */
static enum stored load(enum flash_how how)
{
	enum stored result = open_it(how);

	if (result == STORED_BLANK && how == FLASH_TO_MAKE)
		begin_why();
	else if (result != STORED_OK)
		return result;
	result = stored_load(&it.at, &it.bundle, it.why);
	if (result != STORED_OK)
		return result;
	if (it.at.store.damaged) {
		cmd_fail(EX_OK, "bundle %u is damaged, the one before it counts",
		    it.at.store.sequence);
	}
	if (it.at.store.unread)
		cmd_fail(
		    EX_OK, "a part of the store cannot be read: %s", errtext(it.at.store.cause));
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

static int say_slot(uint32_t i)
{
	struct store_slot v;

	store_slot(&it.at.store, i, &v);
	switch (v.state) {
	case STORE_SLOT_NONE:
		return cmd_say("  slot %u: nothing\n", i);
	case STORE_SLOT_NEWER:
		return cmd_say("  slot %u: of a newer gatepost, format %u\n", i, v.version);
	case STORE_SLOT_UNREAD:
		return cmd_say("  slot %u: cannot be read\n", i);
	case STORE_SLOT_WHOLE:
	case STORE_SLOT_DAMAGED:
		break;
	}
	begin_why();
	date_rfc3339(it.why, v.written);
	return cmd_say("  slot %u: bundle %u, %s, %u octets%s%s\n", i, v.sequence, it.why->p, v.n,
	    v.state == STORE_SLOT_DAMAGED ? PHRASE(", damaged") : "",
	    i == it.at.store.newest ? PHRASE(", in use") : "");
}

static int store_info(void)
{
	enum stored result = load(FLASH_TO_READ);
	const struct store *s = &it.at.store;
	int status;

	if (it.at.device.fd < 0 || s->slots == 0)
		return ends(result);
	if (result == STORED_OK)
		fmt_add(it.why, "%s: %u files, %u of %u octets", it.at.name, count(&it.bundle),
		    it.bundle.n, s->room);
	status = cmd_say("%s\n%u slots of %u octets, erased in blocks of %u\n", it.why->p,
	    s->slots, s->slot, s->flash.block);
	for (uint32_t i = 0; i < s->slots && status == EX_OK; i++)
		status = say_slot(i);
	if (status != EX_OK || result == STORED_OK || result == STORED_BLANK)
		return status;
	return result == STORED_FAILED ? EX_IOERR : EX_DATAERR;
}

static int store_list(void)
{
	enum stored result = load(FLASH_TO_READ);
	struct bundle_file file;
	uint32_t at = 0;
	int status = EX_OK;

	if (result != STORED_OK)
		return ends(result);
	while (status == EX_OK && bundle_next(&it.bundle, &at, &file)) {
		begin_why();
		for (size_t least = 10; least <= 100000; least *= 10) {
			if (file.content.n < least)
				fmt_char(it.why, ' ');
		}
		status = cmd_say(
		    "%s%zu %.*s\n", it.why->p, file.content.n, SPAN(file.name));
	}
	return status;
}

static int store_get(void)
{
	enum stored result = load(FLASH_TO_READ);
	struct bytes content;

	if (result != STORED_OK)
		return ends(result);
	if (!bundle_get(&it.bundle, bytes_of(it.name), &content))
		return cmd_fail(EX_NOINPUT, "%s: there is no such file in the store", it.name);
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
		return cmd_fail(EX_NOINPUT, "%s: there are no files in it", it.at.name);
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
		return cmd_fail(EX_CANTCREAT, "it is in the store, but not in %s", it.folder);
	if (relay == 0 || kill(relay, SIGHUP) != 0)
		return EX_OK;
	return cmd_say("The relay reads it now.\n");
}

/* it.bundle is checked and becomes what is in the store; one: a file of it, or all. */
static int save(const char *one)
{
	bool conf = one == NULL || strcmp(one, STORE_FILES_CONF) == 0, is_written;
	pid_t relay = it.own ? ask_relay(it.file) : 0;
	struct bytes content;
	enum stored result;
	int status;

	if ((conf || bundle_get(&it.bundle, BYTES(STORE_FILES_CONF), &content)) &&
	    !store_files_check(&it.bundle, it.folder, it.own)) {
		if (conf)
			return cmd_fail(
			    EX_CONFIG, "the configuration has errors, nothing was stored");
		cmd_fail(
		    EX_OK, "stored all the same: with it the configuration has errors");
	}
	begin_why();
	result = stored_save(&it.at, &it.bundle, &is_written, it.why);
	if (result != STORED_OK)
		return ends(result);
	status = cmd_say("%s%s.\n", it.at.name,
	    is_written ? PHRASE(": stored") : PHRASE(": that is in it already"));
	return status == EX_OK ? follow(relay, one) : status;
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
	cmd_fail(EX_OK, "standard input: %s", errtext(errno));
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
		    (struct bytes){ input, (size_t)n }, it.why);
	return result == STORED_OK ? save(it.name) : ends(result);
}

static bool import_file(void *ctx, const char *name, const char *path)
{
	static uint8_t content[BUNDLE_MAX];
	int64_t n = files_read(path, content, sizeof(content));

	(void)ctx;
	if (n >= 0)
		return stored_put(&it.at, &it.bundle, name,
			   (struct bytes){ content, (size_t)n }, it.why) == STORED_OK;
	fmt_add(it.why, "%s: %s", path,
	    n == -EFBIG ? PHRASE("is too large for the store") : errtext((int)-n));
	return false;
}

static int store_import(void)
{
	struct bytes content;
	enum stored result;

	if (files_kind(it.name) != FILES_FOLDER)
		return cmd_fail(EX_NOINPUT, "%s: there is no such folder", it.name);
	result = load(FLASH_TO_MAKE);
	if (result != STORED_OK)
		return ends(result);
	it.before = it.bundle;
	it.bundle.n = 0;
	if (!stored_walk(it.name, import_file, NULL, it.why))
		return ends(STORED_REFUSED);
	if (!bundle_get(&it.bundle, BYTES(STORE_FILES_CONF), &content))
		return cmd_fail(EX_NOINPUT, "%s: there is no " STORE_FILES_CONF " in it", it.name);
	return save(NULL);
}

static int store_erase_all(void)
{
	enum stored result = open_it(FLASH_TO_WRITE);

	if (it.at.device.fd < 0 || it.at.store.slots == 0)
		return ends(result);
	begin_why();
	if (store_erase(&it.at.store, clock_wall()) != STORE_OK)
		return cmd_fail(EX_IOERR,
		    "%s: could not be erased, parts of what was in it may be left", it.at.name);
	return cmd_say("%s: erased.\n", it.at.name);
}

/* ---- the command ---- */

struct verb {
	const char *word;
	const char *missing; /* told where its argument is not there; NULL: it takes none */
	int (*run)(void);
};

static int run(const struct verb *verb)
{
	int status;

	it.own = it.store == NULL || it.file != NULL || strcmp(it.store, CONFIG_STORE_PATH) == 0;
	if (it.store == NULL && CONFIG_STORE_PATH[0] == '\0')
		return cmd_usage(PHRASE("this build knows of no store: -s STORE names it"));
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
		{ "get", PHRASE("the name of a file is missing"), store_get },
		{ "put", PHRASE("the name of a file is missing"), store_put },
		{ "import", PHRASE("the folder is missing"), store_import },
		{ "export", PHRASE("the folder is missing"), store_export },
		{ "erase", NULL, store_erase_all },
	};
	const struct verb *v = verbs;
	const char *value[2] = { NULL };
	int at = opts_take(argc, argv, "c:file s:store", value);

	if (at == 0)
		return EX_USAGE;
	it.file = value[0];
	it.store = value[1];
	while (at == argc || strcmp(argv[at], v->word) != 0) {
		if (at == argc || ++v == verbs + sizeof(verbs) / sizeof(verbs[0]))
			return cmd_usage(
			    PHRASE("info, list, get, put, import, export or erase"));
	}
	at++;
	if (v->missing != NULL) {
		if (at == argc)
			return cmd_usage(v->missing);
		it.name = argv[at++];
	}
	if (at < argc)
		return cmd_usage(PHRASE("there are too many arguments"));
	return run(v);
}
