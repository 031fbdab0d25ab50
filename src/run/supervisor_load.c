/* SPDX-License-Identifier: ISC */
/* The configuration, or what is in force in its place. */
#include "run/supervisor_part.h"

#include "base/esc.h"
#include "base/limits.h"
#include "io/log.h"
#include "run/settings.h"
#include "run/stored.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static void sup_say(void *ctx, enum conf_severity severity, const char *line)
{
	(void)ctx;
	log_text(severity == CONF_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, line);
}

/* Another configuration takes the place: a helper that was to be forked with it does without. */
static void sup_forget(struct loaded *l)
{
	generation_forget_conf(&sup.old, &l->conf);
	generation_forget_conf(&sup.now, &l->conf);
	keys_close(&l->keys);
}

/* Is what was loaded there the user's own? */
static bool sup_is_own(const struct loaded *l)
{
	return l->setup.why[0] == '\0' && !l->setup.offered;
}

/*
 * A good configuration stays in force: nothing but another good one takes its place. Nor does a
 * broken one take the place of a gateway that is offered.
 */
static enum conf_status sup_read(struct loaded *l)
{
	const struct setup_room *room = &l->room;
	struct setup *s = &l->setup;
	enum conf_status status;

	memset(s, 0, sizeof(*s));
	if (!sup.how->setup.wanted || (sup.now.number != 0 && sup_is_own(sup.live)))
		return settings_load(room->conf, room->mem, room->n, sup.how->file, &l->how);
	status = setup_load(s, room, sup.how->file, &sup.how->setup, &l->how);
	return s->broken && sup.now.number != 0 && sup.live->setup.offered ? CONF_BAD : status;
}

/* Is the store what the files say that were loaded? */
static void sup_compare(struct loaded *l)
{
	static char path[CONF_PATH_MAX + 1];
	char *end;
	struct fmt why, f;

	fmt_init(&why, l->store, sizeof(l->store));
	if (sup.how->store == NULL)
		return;
	fmt_init(&f, path, sizeof(path));
	fmt_str(&f, sup.how->file);
	end = strrchr(path, '/');
	if (end != NULL)
		end[1] = '\0';
	else
		memcpy(path, ".", 2);
	switch (stored_compare(sup.how->store, path, &why)) {
	case STORED_OK:
	case STORED_NONE:
		l->store[0] = '\0';
		break;
	case STORED_DIFFERS:
		fmt_add(&why, ", and will be lost with the power");
		break;
	case STORED_BLANK:
	case STORED_BUSY:
	case STORED_DENIED:
	case STORED_UNFIT:
	case STORED_REFUSED:
	case STORED_FAILED:
		setup_add(&l->setup, l->store);
		break;
	}
}

void sup_tell(const struct loaded *l, const struct loaded *before)
{
	static char word[SUP_STORE + 80];
	struct fmt f;

	setup_log(&l->setup, &before->setup);
	if (l->store[0] == '\0')
		return;
	fmt_init(&f, word, sizeof(word));
	esc_word(&f, bytes_of(l->store));
	log_add(LOG_LEVEL_WARNING, "store reason=%s", word);
}

bool sup_load(struct loaded *l, bool at_start)
{
	static char text[512];
	struct fmt why;

	sup_forget(l);
	l->how = (struct settings_how){
		.say = at_start ? NULL : sup_say, .changes_user = geteuid() == 0, .files = true
	};
	l->room = (struct setup_room){ &l->conf, l->memory, sizeof(l->memory) };
	if (sup_read(l) != CONF_OK)
		return false;
	sup_compare(l);
	fmt_init(&why, text, sizeof(text));
	if (keys_open(&l->keys, &l->conf, &why))
		return true;
	sup_complain(EX_CONFIG, text);
	return at_start && sup_load_instead(l, text, true);
}

bool sup_load_instead(struct loaded *l, const char *why, bool keep_control)
{
	struct fmt f;

	if (!sup.how->setup.wanted || l->setup.why[0] != '\0')
		return false;
	keys_close(&l->keys);
	fmt_init(&f, l->setup.why, sizeof(l->setup.why));
	fmt_str(&f, why);
	return setup_instead(&l->setup, &l->room, keep_control ? sup.how->file : NULL,
		   &sup.how->setup, &l->how) == CONF_OK &&
	       keys_open(&l->keys, &l->conf, &f);
}
