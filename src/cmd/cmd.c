/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include "base/likeness.h"
#include "base/on.h"

#include <string.h>

#define COMMAND(name_, args_, brief_, text_)        \
	static const struct cmd command_##name_ = { \
		.name = #name_,                     \
		.run = cmd_##name_,                 \
		.args = PHRASE(args_),              \
		.brief = PHRASE(brief_),            \
		.text = PHRASE(text_),              \
	}

COMMAND(run, " [-c FILE] [-d | --syslog] [-s STORE] [--setup [--listen ADDRESS] [--offer FILE]]",
	"serve: take mail and pass it on",
	"Serves in the foreground and logs to standard error, until SIGTERM. SIGHUP reads the\n"
	"configuration again; one with errors is reported and changes nothing.\n"
	"\n"
	"  -c FILE           the configuration (/etc/gatepost/gatepost.conf)\n"
	"  -d                go to the background once it serves; log to syslog\n"
	"  --syslog          log to syslog\n"
	"  -s STORE          the store that keeps configuration and tokens (gatepost help store)\n"
	"  --setup           come up whatever is in the configuration: where it is missing,\n"
	"                    broken or without a gateway each mail gets 451 and the address of\n"
	"                    this box, until SIGHUP finds a good one\n"
	"  --listen ADDRESS  where, if the configuration does not say (:25)\n"
	"  --offer FILE      the address of a gateway that the network offers (DHCP option 69);\n"
	"                    it counts while neither a gateway nor a login is configured\n"
	"\n"
	"Started as root it takes ports below 1024 and then runs as User (gatepost, else nobody).\n"
	"Started by another user it serves all the same, on ports above 1023.\n");

COMMAND(check, " [-c FILE]", "is the configuration right?",
	"Prints \"FILE: ok\" and ends with 0, or prints every error with its line, and what would\n"
	"be right, and ends with 78.\n"
	"\n"
	"  -c FILE   the configuration (/etc/gatepost/gatepost.conf)\n");

COMMAND(eval, " [-c FILE] [SCOPE NAME]... [OPTION]", "the value of an option, where it counts",
	"Prints the value in force, and ends with 1 where the option is not set. Without OPTION:\n"
	"all of them.\n"
	"\n"
	"  gatepost eval gateway\n"
	"  gatepost eval domain example.com gateway\n"
	"  gatepost eval binding scanners domain example.com gateway\n"
	"\n"
	"  -c FILE   the configuration (/etc/gatepost/gatepost.conf)\n");

COMMAND(send, " [-c FILE] [-f FROM] [-s SUBJECT] [-v] TO...", "send a test mail: does it work?",
	"Sends one short mail straight to the gateway that the configuration names for each\n"
	"recipient, and tells in the gateway's own words what became of it. Nothing is queued,\n"
	"and the relay need not run; one that runs is told what was learnt.\n"
	"\n"
	"  -c FILE      the configuration (/etc/gatepost/gatepost.conf)\n"
	"  -f FROM      the sender (Envelope_From, else gatepost@ this host)\n"
	"  -s SUBJECT   the subject\n"
	"  -v           print the dialogue: > what we say, < what the gateway says; a password or\n"
	"               token shows as ***\n"
	"\n"
	"Ends with 0 when the gateway took it for every recipient, 69 when it refused one for\n"
	"good, 77 when it refuses the login, 76 when TLS or the login cannot be as configured (no\n"
	"TLS, a certificate that is not to be trusted), 75 when trying later may help, 68 when\n"
	"the gateway's name does not exist, 78 when no gateway is configured for a recipient.\n");

COMMAND(status, " [-c FILE] [--json | --prometheus]", "why does mail not flow?",
	"Asks the running relay. The first line says whether mail flows and, if not, why. Ends\n"
	"with 0 when it works and 1 when there is trouble.\n"
	"\n"
	"  -c FILE        the configuration, for the place of the control socket\n"
	"  --json         everything, for programs\n"
	"  --prometheus   the same as metrics\n");

COMMAND(queue, " [-c FILE] [list | show ID | flush [ID] | remove ID] [--json]",
	"the mail that waits in the spool",
	"Asks the running relay.\n"
	"\n"
	"  list        all mail that waits: id, age, size, recipients that are open, tries, when\n"
	"              it is tried next, sender, and what its gateway said last\n"
	"  show ID     one mail: its envelope, what became of each recipient, its header\n"
	"  flush [ID]  try it now, or all of it, whatever its wait is\n"
	"  remove ID   take it out; nobody gets a report\n"
	"\n"
	"  -c FILE     the configuration, for the place of the control socket\n"
	"  --json      for programs\n"
	"\n"
	"Whoever may connect may list; the rest is for root and the relay's own user. Mail that\n"
	"is being delivered, or whose gateway has not said yet whether it has it, can be neither\n"
	"shown, flushed nor removed. Ends with 0 when it is done, 66 when there is no such mail,\n"
	"69 when there is no spool, 75 when no relay runs or the mail is being delivered, 77 when\n"
	"that is not for you.\n");

COMMAND(login, " [-c FILE] [-s STORE] [SCOPE NAME]...", "log in at the provider with OAuth 2.0",
	"For gateways that want OAuth 2.0 (Microsoft 365, Gmail): lets the relay log in as\n"
	"Outbound_SMTP_AUTH_User. With OAuth2_Grant = device it shows an address and a code to be\n"
	"typed in there; with code an address, and asks for the one that the browser ends at;\n"
	"with client it tries the client's secret. What the relay needs from then on is kept in\n"
	"the folder oauth beside the configuration; a relay that runs is told.\n"
	"\n"
	"  gatepost login\n"
	"  gatepost login binding scanners\n"
	"\n"
	"  -c FILE    the configuration (/etc/gatepost/gatepost.conf)\n"
	"  -s STORE   the store that keeps it, too\n"
	"\n"
	"Ends with 0 when it works, 77 when the provider refused, 69 when it failed or could not\n"
	"be reached, 73 when the token could not be kept, 78 when no such login is configured.\n");

COMMAND(cert, " [-o FOLDER] NAME...", "a certificate for TLS towards the devices",
	"Makes a key and a certificate for it, signed by itself, for listeners with TLS, and\n"
	"prints the lines that belong into the configuration. The names are those under which\n"
	"devices find this box, host names and addresses; the files are called after the first:\n"
	"NAME.crt and NAME.key. Nothing is overwritten.\n"
	"\n"
	"  -o FOLDER   where the files go (the current folder)\n"
	"\n"
	"  gatepost cert -o /etc/gatepost box.lan 192.168.1.2\n");

COMMAND(image, " verify [-b BOARD] FILE", "is a firmware image whole and to be trusted?",
	"Reads a firmware image to its end and tells its version, its board and the key that it\n"
	"was signed with; or why it is refused.\n"
	"\n"
	"  -b BOARD   the board that it must be for (on a box: this one)\n"
	"\n"
	"  gatepost image verify gatepost-qemu-nor.img\n"
	"\n"
	"A version for the build machine signs, too: gatepost image sign -k KEY FILE, KEY a file\n"
	"with a private key on the curve P-256 in PEM. The same key and image give the same\n"
	"signature.\n"
	"\n"
	"Ends with 65 when it is no image, damaged or cut off, 76 when it is of another format,\n"
	"77 when it is not signed with this version's key, 78 when it is for another board.\n");

COMMAND(store,
	" [-c FILE] [-s STORE] info | list | get NAME | put NAME | import DIR | export DIR | erase",
	"the configuration in flash",
	"A store keeps the files of /etc/gatepost as one bundle and replaces it as a whole: after\n"
	"a power cut there is the old one or the new one.\n"
	"\n"
	"  info         what is in which slot\n"
	"  list         the files, with their sizes\n"
	"  get NAME     prints a file\n"
	"  put NAME     a file, from standard input\n"
	"  import DIR   the files of a folder in the place of all others\n"
	"  export DIR   all files into a folder\n"
	"  erase        nothing stays\n"
	"\n"
	"  -s STORE     a file, a block device, /dev/mtdN, or mtd:NAME; firmware has a default\n"
	"  -c FILE      the configuration (/etc/gatepost/gatepost.conf)\n"
	"\n"
	"put and import take no configuration that gatepost check refuses. Without -s, or with\n"
	"-c, the files beside the configuration are replaced, too, and the relay reads them.\n"
	"\n"
	"Ends with 0 when it is done, 65 when that is no store, 66 when there is nothing, 75 when\n"
	"another uses it, 78 when the configuration has errors.\n");

COMMAND(version, "", "version, parts and limits of this build",
	"Prints the version, the parts that were built in, and the limits of this build.\n");

COMMAND(help, " [COMMAND]", "this page, or more about a command", "");

COMMAND(sendmail, " [-t] [-i] [-f FROM] [TO...]", "submit a mail from standard input",
	"What the programs of this box call, by a link named sendmail to this program. Reads a\n"
	"mail and hands it to the running relay through its submit.sock; ends with 0 only when\n"
	"the relay has taken it.\n"
	"\n"
	"  -t        take recipients from To, Cc and Bcc too; remove Bcc\n"
	"  -i, -oi   a line with a lone dot does not end the mail\n"
	"  -f FROM   the sender (USER@HOST)\n"
	"  -F NAME   the name in a From that is added where the mail has none\n"
	"  -C FILE   submit.sock lies beside the Control_Socket that this configuration names\n"
	"\n"
	"GATEPOST_SUBMIT in the environment names another submit.sock. Other options that\n"
	"sendmail has for delivery are taken and ignored. Ends with 75 when no relay runs or it\n"
	"asks to try later, 69 when the mail was refused.\n");

/* In the order of the overview. */
static const struct cmd *const table[] = {
	&command_run,
	&command_check,
	&command_eval,
	ON(CONFIG_CMD_SEND) ? &command_send : NULL,
	&command_status,
	ON(CONFIG_SPOOL) ? &command_queue : NULL,
	ON(CONFIG_TLS) ? &command_cert : NULL,
	ON(CONFIG_IMAGE) ? &command_image : NULL,
	ON(CONFIG_STORE) ? &command_store : NULL,
	ON(CONFIG_CMD_SENDMAIL) ? &command_sendmail : NULL,
	ON(CONFIG_OAUTH) ? &command_login : NULL,
	&command_version,
	&command_help,
};

#define COUNT (sizeof(table) / sizeof(table[0]))

const struct cmd *cmd_at(unsigned i)
{
	for (unsigned k = 0; k < COUNT; k++) {
		if (table[k] != NULL && i-- == 0)
			return table[k];
	}
	return NULL;
}

const struct cmd *cmd_find(const char *name)
{
	const struct cmd *c;

	for (unsigned i = 0; (c = cmd_at(i)) != NULL; i++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

static int unknown(const char *name)
{
	struct likeness l;
	const struct cmd *c;

	likeness_begin(&l, bytes_of(name));
	for (unsigned i = 0; (c = cmd_at(i)) != NULL; i++)
		likeness_try(&l, c->name);
	if (l.best == NULL)
		return cmd_fail(EX_USAGE, "there is no command %s; see: gatepost help", name);
	return cmd_fail(EX_USAGE, "there is no command %s; did you mean %s? See: gatepost help",
	    name, l.best);
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static int as_sendmail(int argc, char **argv)
{
	cmd_named("sendmail");
	if (ON(CONFIG_CMD_SENDMAIL))
		return cmd_sendmail(argc, argv);
	return cmd_fail(EX_UNAVAILABLE, "not built into this gatepost");
}

int cmd_main(int argc, char **argv)
{
	static char help_word[] = "help";
	const char *slash, *base;
	const struct cmd *c;

	if (argc < 1)
		return EX_USAGE;
	slash = strrchr(argv[0], '/');
	base = slash != NULL ? slash + 1 : argv[0];
	if (strcmp(base, "sendmail") == 0)
		return as_sendmail(argc, argv);
	if (argc == 1)
		return cmd_help(argc, argv);
	if (is_one_of(argv[1], "-h", "--help"))
		return cmd_help(argc - 1, argv + 1);
	if (is_one_of(argv[1], "-V", "--version"))
		return cmd_version(argc - 1, argv + 1);
	c = cmd_find(argv[1]);
	if (c == NULL)
		return unknown(argv[1]);
	if (argc > 2 && is_one_of(argv[2], "-h", "--help")) {
		char *ask[] = {help_word, argv[1], NULL};

		return cmd_help(2, ask);
	}
	cmd_named(c->name);
	return c->run(argc - 1, argv + 1);
}
