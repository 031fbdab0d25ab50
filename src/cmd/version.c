/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include "base/date.h"
#include "base/on.h"
#include "version.h"

static const struct part {
	const char *name;
	bool on;
} parts[] = {
	{"CMD_SEND", ON(CONFIG_CMD_SEND)},
	{"CMD_SENDMAIL", ON(CONFIG_CMD_SENDMAIL)},
	{"SANDBOX_SECCOMP", ON(CONFIG_SANDBOX_SECCOMP)},
	{"STATUS_PROMETHEUS", ON(CONFIG_STATUS_PROMETHEUS)},
	{"CONF_REGEX", ON(CONFIG_CONF_REGEX)},
	{"LOG_SYSLOG", ON(CONFIG_LOG_SYSLOG)},
};

static const struct limit {
	const char *name;
	uint64_t value;
} limits[] = {
	{"SESSIONS", CONFIG_SESSIONS},
	{"GATEWAY_CONNECTIONS", CONFIG_GATEWAY_CONNECTIONS},
	{"GATEWAYS", CONFIG_GATEWAYS},
	{"GATEWAY_ADDRESSES", CONFIG_GATEWAY_ADDRESSES},
	{"RECIPIENTS_MAX", CONFIG_RECIPIENTS_MAX},
	{"ENVELOPE_BLOCKS", CONFIG_ENVELOPE_BLOCKS},
	{"LISTENERS", CONFIG_LISTENERS},
	{"CONF_MEMORY", CONFIG_CONF_MEMORY},
	{"MESSAGE_SIZE_MAX", CONFIG_MESSAGE_SIZE_MAX},
	{"CONTROL_SESSIONS", CONFIG_CONTROL_SESSIONS},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

int cmd_version(int argc, char **argv)
{
	static char store[1600];
	struct fmt f;

	(void)argv;
	if (argc > 1)
		return cmd_usage("version", "takes no arguments");
	fmt_init(&f, store, sizeof(store));
	fmt_str(&f, "gatepost " GATEPOST_VERSION);
	if (sizeof(GATEPOST_COMMIT) > 1)
		fmt_str(&f, " (" GATEPOST_COMMIT ")");
	fmt_str(&f, "\nbuilt from sources of ");
	date_rfc3339(&f, BUILD_DATE);
	fmt_str(&f, "\nparts:");
	for (size_t i = 0; i < COUNT(parts); i++) {
		fmt_str(&f, parts[i].on ? " " : " no-");
		fmt_str(&f, parts[i].name);
	}
	fmt_str(&f, "\nlimits:");
	for (size_t i = 0; i < COUNT(limits); i++) {
		fmt_char(&f, ' ');
		fmt_str(&f, limits[i].name);
		fmt_char(&f, '=');
		fmt_u64(&f, limits[i].value);
	}
	fmt_str(&f, "\nmbedTLS: none built in\n");
	return cmd_write(1, fmt_done(&f)) ? EX_OK : EX_IOERR;
}
