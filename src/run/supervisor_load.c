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

static _Alignas(16) uint8_t memory[2][CONFIG_CONF_MEMORY];

static void sup_say(void *ctx, enum conf_severity severity, const char *line)
{
	(void)ctx;
	log_text(severity == CONF_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, line);
}

/* Another configuration takes the place: a helper that was to be forked with it does without. */
static void sup_forget(unsigned slot)
{
	generation_forget_conf(&sup.old, &sup.conf[slot]);
	generation_forget_conf(&sup.now, &sup.conf[slot]);
	keys_close(&sup.keys[slot]);
}

static struct settings_how sup_settings(bool at_start)
{
	return (struct settings_how){ .say = at_start ? NULL : sup_say,
		.changes_user = geteuid() == 0,
		.files = true };
}

static struct setup_room sup_room(unsigned slot)
{
	return (struct setup_room){ &sup.conf[slot], memory[slot], sizeof(memory[slot]) };
}

/* Is what was loaded there the user's own? */
static bool sup_is_own(unsigned slot)
{
	return sup.setup[slot].why[0] == '\0' && !sup.setup[slot].offered;
}

/*
 * A good configuration stays in force: nothing but another good one takes its place. Nor does a
 * broken one take the place of a gateway that is offered.
 */
static enum conf_status sup_read(unsigned slot, const struct settings_how *how)
{
	struct setup_room room = sup_room(slot);
	struct setup *s = &sup.setup[slot];
	enum conf_status status;

	memset(s, 0, sizeof(*s));
	if (!sup.how->setup.wanted || (sup.now.number != 0 && sup_is_own(sup.live)))
		return settings_load(room.conf, room.mem, room.n, sup.how->file, how);
	status = setup_load(s, &room, sup.how->file, &sup.how->setup, how);
	return s->broken && sup.now.number != 0 && sup.setup[sup.live].offered ? CONF_BAD : status;
}

/* Is the store what the files say that were loaded? */
static void sup_compare(unsigned slot)
{
	static char path[CONF_PATH_MAX + 1];
	char *end;
	struct fmt why, f;

	fmt_init(&why, sup.store[slot], sizeof(sup.store[slot]));
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
		fmt_init(&why, sup.store[slot], sizeof(sup.store[slot]));
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
		setup_add(&sup.setup[slot], sup.store[slot]);
		break;
	}
}

void sup_tell(unsigned slot, unsigned before)
{
	char word[SUP_STORE + 80];
	struct fmt f;

	setup_log(&sup.setup[slot], &sup.setup[before]);
	if (sup.store[slot][0] == '\0')
		return;
	fmt_init(&f, word, sizeof(word));
	esc_word(&f, bytes_of(sup.store[slot]));
	log_add(LOG_LEVEL_WARNING, "store reason=%s", word);
}

bool sup_load(unsigned slot, bool at_start)
{
	struct settings_how how = sup_settings(at_start);
	char text[512];
	struct fmt why;

	sup_forget(slot);
	if (sup_read(slot, &how) != CONF_OK)
		return false;
	sup_compare(slot);
	fmt_init(&why, text, sizeof(text));
	if (keys_open(&sup.keys[slot], &sup.conf[slot], &why))
		return true;
	sup_complain(EX_CONFIG, text);
	return at_start && sup_load_instead(slot, text, true);
}

bool sup_load_instead(unsigned slot, const char *why, bool keep_control)
{
	struct settings_how how = sup_settings(true);
	struct setup_room room = sup_room(slot);
	struct fmt f;

	if (!sup.how->setup.wanted || sup.setup[slot].why[0] != '\0')
		return false;
	keys_close(&sup.keys[slot]);
	fmt_init(&f, sup.setup[slot].why, sizeof(sup.setup[slot].why));
	fmt_str(&f, why);
	return setup_instead(&sup.setup[slot], &room, keep_control ? sup.how->file : NULL,
		   &sup.how->setup, &how) == CONF_OK &&
	       keys_open(&sup.keys[slot], room.conf, &f);
}
