/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include "base/limits.h"
#include "run/settings.h"

#include <stdalign.h>

static alignas(max_align_t) uint8_t memory[CONFIG_CONF_MEMORY];
static struct conf conf;

static const struct conf *load(const char *file, const struct settings_how *how)
{
	return settings_load(&conf, memory, sizeof(memory), file, how) == CONF_OK ? &conf : NULL;
}

const struct conf *cmd_conf(const char *file)
{
	static const struct settings_how how = { .no_warnings = true };

	return load(file, &how);
}

int cmd_check(int argc, char **argv)
{
	static const struct settings_how how = { .changes_user = true, .files = true };
	const char *file = SETTINGS_FILE;
	int at = opts_take(argc, argv, "c:file", &file);

	if (at == 0)
		return EX_USAGE;
	if (at < argc)
		return cmd_usage(PHRASE("takes no arguments but -c FILE"));
	if (load(file, &how) == NULL)
		return EX_CONFIG;
	return cmd_say("%s: ok\n", file);
}
