/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include "base/limits.h"
#include "run/settings.h"

#include <stdalign.h>

static alignas(max_align_t) uint8_t memory[CONFIG_CONF_MEMORY];

int cmd_check(int argc, char **argv)
{
	const struct settings_how how = { .changes_user = true, .files = true };
	const char *file = SETTINGS_FILE;
	struct conf conf;
	struct opts o;
	int option;

	opts_init(&o, argc, argv, "c:file");
	while ((option = opts_next(&o)) != 0) {
		if (option < 0)
			return EX_USAGE;
		file = o.value;
	}
	if (o.at < argc)
		return cmd_usage("check", PHRASE("takes no arguments but -c FILE"));
	if (settings_load(&conf, memory, sizeof(memory), file, &how) != CONF_OK)
		return EX_CONFIG;
	return cmd_say(1, "%s: ok\n", file) ? EX_OK : EX_IOERR;
}
