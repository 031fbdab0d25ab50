/* SPDX-License-Identifier: ISC */
/* What is in force where the configuration cannot be used. */
#include "run/setup.h"

#include "base/limits.h"
#include "base/on.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/gatepost.setup.XXXXXX";
static char file[64], offer[64];
static _Alignas(16) uint8_t memory[CONFIG_CONF_MEMORY];
static struct conf conf;
static const struct setup_room room = { &conf, memory, sizeof(memory) };
static struct setup setup;
static struct setup_how how = { .wanted = true, .offer = offer };
static unsigned said;

static void count(void *ctx, enum conf_severity severity, const char *line)
{
	(void)ctx;
	(void)line;
	said += severity == CONF_ERROR;
}

static void put(const char *path, const char *text)
{
	int fd;

	unlink(path);
	if (text == NULL)
		return;
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		exit(2);
	close(fd);
}

static enum conf_status load(const char *text, const char *offered)
{
	const struct settings_how as = { .say = count, .files = true };

	put(file, text);
	put(offer, offered);
	said = 0;
	return setup_load(&setup, &room, file, &how, &as);
}

static bool is_at(unsigned i, const char *text)
{
	return conf.listens > i && bytes_same(conf.listen[i].text, bytes_of(text));
}

static const char *gateway(void)
{
	static char host[64];
	struct conf_sending s;
	struct fmt f;

	conf_sending(&conf, CONF_BINDING_DEFAULT, (struct bytes){ 0 }, &s);
	fmt_init(&f, host, sizeof(host));
	if (s.routes != NULL)
		fmt_bytes(&f, s.routes->route[0].host);
	return host;
}

static bool why(const char *part)
{
	if (part[0] == '\0' ? setup.why[0] == '\0' : strstr(setup.why, part) != NULL)
		return true;
	printf("# %s\n", setup.why);
	return false;
}

static void test_good(void)
{
	ok(load("Gateway = gw.test\n", "10.0.0.9\n") == CONF_OK && why("") && !setup.offered,
	    "a good configuration counts as it is");
	is_str(gateway(), "gw.test", "with its gateway");
	ok(load("Domain x.test { Gateway = gw.test }\n", "10.0.0.9\n") == CONF_OK && why("") &&
		gateway()[0] == '\0',
	    "one gateway in some stanza is one");
}

static void test_missing(void)
{
	ok(load(NULL, NULL) == CONF_OK && why("there is no configuration /tmp/"), "none: setup mode");
	ok(is_at(0, ":25") && conf.listens == 1 && gateway()[0] == '\0', "at :25, no gateway");
	ok(conf.global.spool == CONF_SPOOL_OFF, "and no spool");
	is_num(said, 0, "that is no error");
	how.listen = "[::1]:2525";
	ok(load(NULL, NULL) == CONF_OK && is_at(0, "[::1]:2525"), "at another address");
	ok(load(NULL, "10.0.0.9\n") == CONF_OK && why("") && setup.offered && is_at(0, "[::1]:2525"),
	    "with a gateway that is offered it relays");
	is_str(gateway(), "10.0.0.9", "to that");
	how.listen = "nowhere";
	ok(load(NULL, NULL) == CONF_BAD && said > 0, "at an address that is none it cannot be");
	how.listen = NULL;
}

static void test_broken(void)
{
	static const struct {
		const char *text, *control;
	} broken[] = {
		{ "x\n", "/run/gatepost/control.sock" },
		{ "control_socket=/tmp/c\nx\n", "/tmp/c" },
		{ " Control_Socket = \"/tmp/a b\"\nx\n", "/tmp/a b" },
		{ "Control_Socket = '/tmp/a\"b\\c'\nx\n", "/tmp/a\"b\\c" },
		{ "Control_Socket = \"/tmp/c\"\nControl_Socket = /tmp/d\nx\n", "/tmp/d" },
		{ "Control_Socket = tmp/c\n", "/run/gatepost/control.sock" },
		{ "Control_Socket = \"/tmp/\"\n", "/run/gatepost/control.sock" },
		{ "Control_Socket = \"/tmp/c\"; DROP\n", "/tmp/c" },
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		ok(load(broken[i].text, "10.0.0.9\n") == CONF_OK && why(file) &&
			!setup.offered && gateway()[0] == '\0',
		    "broken: setup mode, whatever is offered");
		is_str((const char *)conf.global.control_socket.p, broken[i].control,
		    "where status will ask");
	}
	load("Gatewya = x\nHostname = -\n", NULL);
	ok(why(":1:1: error: unknown option \"Gatewya\"") && said == 2, "the first error is kept, all are said");
}

static void test_no_gateway(void)
{
#define BOX "Hostname = box.test\nESMTP_Listener { Listen \"*:2525\" {} }\n"
	ok(load(ON(CONFIG_SPOOL) ? BOX "Spoolbase = \"/var/none\"\n" : BOX, NULL) == CONF_OK && why(" names no gateway"),
	    "no gateway: setup mode");
	ok(is_at(0, "*:2525") && bytes_same(conf.global.hostname, BYTES("box.test")), "all else counts");
	ok(conf.global.spool == CONF_SPOOL_OFF, "but the spool");
	is_num(said, 0, "that is no error");
	ok(load("Remote_SMTP_Port = 26", "10.0.0.9") == CONF_OK && setup.offered && why(""),
	    "completed by what is offered, though the file does not end its line");
	is_str(gateway(), "10.0.0.9", "the gateway");
	ok(load("Hostname = box.test # ", "10.0.0.9") == CONF_OK && setup.offered, "behind a comment");
	ok(load("Hostname = box.test /* ", "10.0.0.9") == CONF_OK && !setup.offered && why("error: "),
	    "but not where the file does not end");
	ok(load("Outbound_SMTP_AUTH_User = u\nOutbound_SMTP_AUTH_Pass = p\n", "10.0.0.9") == CONF_OK &&
		!setup.offered && why("names no gateway"),
	    "no login goes to a gateway that is offered");
	ok(load("Binding b { Outbound_SMTP_AUTH_Type = PLAIN }\n", "10.0.0.9") == CONF_OK && !setup.offered,
	    "not even a part of one");
	for (const char *const *p = (const char *const[]){ "gw.test", "10.0.0.9:26", "10.0.0", "::1",
		     "10.0.0.9\"", "\"10.0.0.9\"", "", "\n10.0.0.9", NULL }; *p != NULL; p++)
		ok(load("", *p) == CONF_OK && !setup.offered && why("names no gateway") && !strstr(setup.why, "refused"),
		    "what is no IPv4 address is not offered");
	ok(load("", "10.0.0.9\r\nx") == CONF_OK && setup.offered, "the first line counts");
}

/* What is offered would bring the mail back here, or is no host. */
static void test_refused(void)
{
	static const struct {
		const char *offered, *why;
	} bad[] = {
		{ "127.0.0.1", "127.0.0.1 is this box itself" },
		{ "127.9.9.9\n", "127.9.9.9 is this box itself" },
		{ "0.0.0.0", "Gateway: \"0.0.0.0\" is not the address of a host" },
		{ "224.0.0.1", "Gateway: \"224.0.0.1\" is not the address of a host" },
		{ "255.255.255.255", "Gateway: \"255.255.255.255\" is not the address of a host" },
	};
	char text[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "; the gateway that the network (DHCP) offers is refused: %s", bad[i].why);
		ok(load(NULL, bad[i].offered) == CONF_OK && !setup.offered && why("there is no configuration ") && why(text),
		    "%s is refused", bad[i].why);
		ok(load("Hostname = box.test", bad[i].offered) == CONF_OK && !setup.offered &&
			why(" names no gateway;") && why(text),
		    "and beside a configuration");
		is_num(said, 0, "that is no error");
	}
	ok(load("ESMTP_Listener { Listen \"10.0.0.9:25\" {} }\n", "10.0.0.9") == CONF_OK && !setup.offered &&
		why("refused: 10.0.0.9:25 is this relay itself, which listens there"),
	    "an address at which it listens is refused");
	is_num(said, 0, "nor is that one");
	ok(load("Remote_SMTP_Port = 26\nESMTP_Listener { Listen \"10.0.0.9:25\" {} }\n", "10.0.0.9") == CONF_OK &&
		setup.offered && why(""),
	    "at another port it is another program");
	ok(load("Gateway = gw.test\n", "127.0.0.1") == CONF_OK && why("") && !setup.offered,
	    "whoever has a gateway hears nothing of that");
}

static void test_instead(void)
{
	const struct settings_how as = { .say = count };

	load("Control_Socket = /tmp/c\nGateway = gw.test\n", NULL);
	memcpy(setup.why, "no luck", 8);
	ok(setup_instead(&setup, &room, file, &how, &as) == CONF_OK && why("no luck") && is_at(0, ":25") &&
		bytes_same(conf.global.control_socket, BYTES("/tmp/c")),
	    "setup mode for one that cannot be served, with its control socket");
	ok(setup_instead(&setup, &room, NULL, &how, &as) == CONF_OK &&
		bytes_same(conf.global.control_socket, BYTES("/run/gatepost/control.sock")),
	    "and without it");
	setup_add(&setup, "nor store");
	ok(why("no luck; nor store"), "something else is wrong, too");
	setup.why[0] = '\0';
	setup_add(&setup, "nor store");
	ok(why(""), "where nothing else is it is not setup mode");
}

int main(void)
{
	if (mkdtemp(folder) == NULL)
		return 2;
	snprintf(file, sizeof(file), "%s/gatepost.conf", folder);
	snprintf(offer, sizeof(offer), "%s/offer", folder);
	test_good();
	test_missing();
	test_broken();
	test_no_gateway();
	test_refused();
	test_instead();
	unlink(file);
	unlink(offer);
	rmdir(folder);
	return done();
}
