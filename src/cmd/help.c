/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include "version.h"

#include <string.h>

static int overview(void)
{
	static const char blanks[] = "            ";
	const struct cmd *c;
	int status = cmd_say(
	    "Gatepost " GATEPOST_VERSION " takes mail by SMTP from the devices of your network,\n"
	    "scanners and printers say, and passes all of it on to one mail server: the gateway.\n"
	    "\n"
	    "First steps\n"
	    "  1. Name the gateway. This one line in /etc/gatepost/gatepost.conf is a whole\n"
	    "     configuration:\n"
	    "         Gateway = \"mail.example.com\"\n"
	    "     or \"10.0.0.1\", \"mail.example.com:587\", \"[2001:db8::25]:25\" ...\n"
	    "  2. Is it understood?          gatepost check\n"
	    "  3. Send a test mail:          gatepost send -v you@example.com\n"
	    "  4. Serve (port 25, so as root): gatepost run\n"
	    "     and give the devices the address of this box as their mail server, without a "
	    "login.\n"
	    "  5. Does mail flow? If not, why: gatepost status\n"
	    "\n"
	    "Commands\n");

	for (unsigned i = 0; (c = cmd_at(i)) != NULL; i++) {
		size_t n = strlen(c->name);

		if (status == EX_OK)
			status = cmd_say("  %s%s%s\n", c->name,
			    n < sizeof(blanks) ? blanks + n : "", c->brief);
	}
	if (status != EX_OK)
		return status;
	return cmd_say("\n"
		       "gatepost help COMMAND tells more; so do the manual pages gatepost(8) and\n"
		       "gatepost.conf(5).\n");
}

int cmd_help(int argc, char **argv)
{
	const struct cmd *c;

	if (argc < 2)
		return overview();
	c = cmd_find(argv[1]);
	if (c == NULL)
		return cmd_fail(
		    EX_USAGE, "there is no command %s; see: gatepost help", argv[1]);
	if (c->run == cmd_help)
		return overview();
	return cmd_say("gatepost %s%s\n\n%s", c->name, c->args, c->text);
}
