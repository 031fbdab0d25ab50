/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include "base/date.h"
#include "base/on.h"
#include "version.h"

static const struct part {
	const char *name;
	bool on;
} parts[] = {
	{"SPOOL", ON(CONFIG_SPOOL)},
	{"TLS", ON(CONFIG_TLS)},
	{"SERVER_AUTH", ON(CONFIG_SERVER_AUTH)},
	{"SASL_CRAM", ON(CONFIG_SASL_CRAM)},
	{"SASL_SCRAM", ON(CONFIG_SASL_SCRAM)},
	{"OAUTH", ON(CONFIG_OAUTH)},
	{"IMAGE", ON(CONFIG_IMAGE)},
	{"CMD_SEND", ON(CONFIG_CMD_SEND)},
	{"CMD_SENDMAIL", ON(CONFIG_CMD_SENDMAIL)},
	{"SANDBOX_SECCOMP", ON(CONFIG_SANDBOX_SECCOMP)},
	{"STATUS_PROMETHEUS", ON(CONFIG_STATUS_PROMETHEUS)},
	{"CONF_REGEX", ON(CONFIG_CONF_REGEX)},
	{"LOG_SYSLOG", ON(CONFIG_LOG_SYSLOG)},
};

#define TEXT_OF(number) #number
#define TEXT(symbol) TEXT_OF(symbol)
#define LIMIT(name) " " #name "=" TEXT(CONFIG_##name)

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

int cmd_version(int argc, char **argv)
{
	static char store[1600];
	struct fmt f;

	(void)argv;
	if (argc > 1)
		return cmd_usage(PHRASE("takes no arguments"));
	fmt_init(&f, store, sizeof(store));
	fmt_str(&f, "gatepost " GATEPOST_VERSION);
	if (sizeof(GATEPOST_COMMIT) > 1)
		fmt_str(&f, " (" GATEPOST_COMMIT ")");
	fmt_add(&f, "\nbuilt from sources of ");
	date_rfc3339(&f, BUILD_DATE);
	fmt_add(&f, "\nparts:");
	for (size_t i = 0; i < COUNT(parts); i++) {
		fmt_add(&f, "%s%s", parts[i].on ? " " : " no-", parts[i].name);
	}
	fmt_add(&f, "\nlimits:" LIMIT(SESSIONS) LIMIT(GATEWAY_CONNECTIONS) LIMIT(GATEWAYS)
	    LIMIT(GATEWAY_ADDRESSES) LIMIT(RECIPIENTS_MAX) LIMIT(ENVELOPE_BLOCKS)
	    LIMIT(LISTENERS) LIMIT(CONF_MEMORY) LIMIT(MESSAGE_SIZE_MAX) LIMIT(CONTROL_SESSIONS)
	    LIMIT(TLS_SESSIONS) LIMIT(TLS_HANDSHAKES)
	    "\nmbedTLS: " MBEDTLS_HERE "\n");
	if (ON(CONFIG_IMAGE))
		fmt_add(&f, "images: signed with the " IMAGE_KEY_NAME "\n");
	return cmd_write(1, fmt_done(&f)) ? EX_OK : EX_IOERR;
}
