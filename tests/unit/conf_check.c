/* SPDX-License-Identifier: ISC */
/* Listeners, and the rules between options. */
#include "lib/conf_load.h"

TAP_GP_BUG

#define G "Gateway = gw\n"
#define L(listens) G "ESMTP_Listener { " listens " }"

/* --- Listen --- */

static const char *show_listens(void)
{
	static const char *const kinds[] = {"any", "any4", "any6", "address", "interface", "unix"};
	static char text[2000];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	for (uint32_t i = 0; i < conf.listens; i++) {
		const struct conf_listen *l = &conf.listen[i];

		if (i > 0)
			fmt_char(&f, '|');
		fmt_str(&f, kinds[l->kind]);
		if (l->name.n > 0) {
			fmt_char(&f, ' ');
			fmt_str(&f, (const char *)l->name.p);
		}
		if (l->kind == CONF_LISTEN_ADDRESS) {
			fmt_char(&f, ' ');
			inet_print_addr(&f, &l->addr);
		}
		if (l->kind != CONF_LISTEN_UNIX) {
			fmt_char(&f, ' ');
			fmt_u64(&f, l->port);
		}
		if (l->listener_sessions > 0) {
			fmt_str(&f, " at most ");
			fmt_u64(&f, l->listener_sessions);
		}
	}
	return text;
}

static const struct {
	const char *text, *want;
} listens[] = {
	{G, "any 25"},
	{L(""), "any 25"},
	{L("Peer 10.0.0.1 {} Peer_Sessions = 2"), "any 25"},
	/* DESIGN 3.3 */
	{L("Listen \":25\" {} Listen \"[::]:587\" {} Listen \"br-lan:26\" {}"), "any 25|any6 587|interface br-lan 26"},
	{L("Listen \"*:25\" {} Listen \"[*]:25\" {} Listen \"127.0.0.1:2525\" {} Listen \"[::1]:2525\" {}"),
		"any4 25|any6 25|address 127.0.0.1 2525|address ::1 2525"},
	{L("Listen \":0\" {} Listen \"0.0.0.0:26\" {}"), "any 0|any4 26"},
	{L("Listen \"[fe80::1%eth0]:25\" {} Listen \"eth0.10:26\" {}"), "address fe80::1%eth0 25|interface eth0.10 26"},
	{L("Listen \"/run/gp/in.sock\" {} Listen \"3g-wan:65535\" {}"), "unix /run/gp/in.sock|interface 3g-wan 65535"},
	{L("Listen \"[::ffff:127.0.0.1]:25\" {}"), "address 127.0.0.1 25"},
	{L("Listen :26 { Listener_Sessions = 2 } Listen :27 {} Listener_Sessions = 3"), "any 26 at most 2|any 27 at most 3"},
	{L("Listen :26 { Enable = false } Listen :27 {}"), "any 27"},
	{L("Enable = no Listen :26 { Enable = yes } Listen :27 {}"), "any 26"},
	{L("Listen :26 {} } ESMTP_Listener { Listen *:28 {} Listen \":26\" { Listener_Sessions = 7 }"), "any 26 at most 7|any4 28"},
	/* what takes the same port, but does not get in the way */
	{L("Listen *:26 {} Listen \"[*]:26\" {} Listen \":27\" {}"), "any4 26|any6 26|any 27"},
	{L("Listen 127.0.0.1:26 {} Listen 127.0.0.2:26 {} Listen \"[::1]:26\" {}"), "address 127.0.0.1 26|address 127.0.0.2 26|"
		"address ::1 26"},
	{L("Listen eth0:26 {} Listen eth1:26 {}"), "interface eth0 26|interface eth1 26"},
	{L("Listen \"[fe80::1%eth0]:26\" {} Listen \"[fe80::1%eth1]:26\" {}"), "address fe80::1%eth0 26|address fe80::1%eth1 26"},
	{L("Listen :0 {} Listen *:0 {}"), "any 0|any4 0"},
	{L("Listen :26 { Enable = no } Listen *:26 {}"), "any4 26"},
};

#define PORTS " wants a port: \":25\", \"*:25\", \"[*]:25\", \"127.0.0.1:25\", \"[::1]:25\", \"eth0:25\", or the path of a Unix " \
	"socket"

static const struct {
	const char *name, *error;
} bad_listens[] = {
	{"25", "\"25\": a port alone is written with a colon: \":25\""},
	{"nonsense", "\"nonsense\"" PORTS},
	{"10.0.0.1", "\"10.0.0.1\"" PORTS},
	{"[::1]", "\"[::1]\"" PORTS},
	{"", "\"\"" PORTS},
	{":", "\":\"" PORTS},
	{":65536", "\":65536\"" PORTS},
	{":smtp", "\":smtp\"" PORTS},
	{"10.0.0.1:", "\"10.0.0.1:\"" PORTS},
	{"::1", "\"::1\": an IPv6 address wants brackets and a port: \"[ADDRESS]:25\""},
	{"2001:db8::1:25", "\"2001:db8::1:25\": an IPv6 address wants brackets and a port: \"[ADDRESS]:25\""},
	{"2001:db8:0:0:0:0:0:1:25", "\"2001:db8:0:0:0:0:0:1:25\": an IPv6 address wants brackets: \"[ADDRESS]:25\""},
	{"localhost:25", "\"localhost:25\": write the address: \"127.0.0.1:25\" or \"[::1]:25\""},
	{"10.0.0.256:25", "\"10.0.0.256:25\" names neither an address nor an interface"},
	{"a-very-long-name:25", "\"a-very-long-name:25\" names neither an address nor an interface"},
	{"a b:25", "\"a b:25\" names neither an address nor an interface"},
	{"[10.0.0.1x]:25", "\"[10.0.0.1x]:25\" names neither an address nor an interface"},
	{"run/sock", "\"run/sock\": the path of a Unix socket begins with a slash"},
	{"/run/", "\"/run/\" is not the path of a Unix socket (at most 107 octets)"},
};

#define CLASH(a, b) "error: Listen \"" a "\" and Listen \"" b "\" exclude each other: both take the same address and port\n"

static const struct {
	const char *text, *error;
} clashes[] = {
	{L("Listen :26 {} Listen *:26 {}"), CLASH("*:26", ":26")},
	{L("Listen \"[*]:26\" {} Listen :26 {}"), CLASH(":26", "[*]:26")},
	{L("Listen :26 {} Listen 127.0.0.1:26 {}"), CLASH("127.0.0.1:26", ":26")},
	{L("Listen *:26 {} Listen 127.0.0.1:26 {}"), CLASH("127.0.0.1:26", "*:26")},
	{L("Listen \"[::1]:26\" {} Listen \"[*]:26\" {}"), CLASH("[*]:26", "[::1]:26")},
	{L("Listen :26 {} Listen eth0:26 {}"), CLASH("eth0:26", ":26")},
	{L("Listen 10.0.0.1:26 {} Listen eth0:26 {}"), CLASH("eth0:26", "10.0.0.1:26")},
};

static void test_listens(void)
{
	char text[400], want[400];

	for (size_t i = 0; i < sizeof(listens) / sizeof(listens[0]); i++) {
		if (loads(listens[i].text))
			is_str(show_listens(), listens[i].want, "... listens there");
	}
	for (size_t i = 0; i < sizeof(bad_listens) / sizeof(bad_listens[0]); i++) {
		snprintf(text, sizeof(text), L("Listen \"%s\" { Enable = true }"), bad_listens[i].name);
		snprintf(want, sizeof(want), "t:2:25: error: Listen %s\n", bad_listens[i].error);
		load(text);
		is_str(said, want, "refused: Listen \"%s\"", bad_listens[i].name);
	}
	for (size_t i = 0; i < sizeof(clashes) / sizeof(clashes[0]); i++)
		ok(load(clashes[i].text) == CONF_BAD && strstr(said, clashes[i].error), "refused: %s", clashes[i].text);
	snprintf(text, sizeof(text), L("Listen \"/%0106d\" {}"), 1);
	ok(load(text) == CONF_OK, "a path of 107 octets");
	snprintf(text, sizeof(text), L("Listen \"/%0107d\" {}"), 1);
	ok(load(text) == CONF_BAD, "one of 108 is too long");
}

static void test_many_listens(void)
{
	static char text[60 * CONFIG_LISTENERS + 200];
	char want[120];
	size_t n = (size_t)sprintf(text, G "ESMTP_Listener { ");

	for (unsigned i = 0; i < CONFIG_LISTENERS; i++)
		n += (size_t)sprintf(text + n, "Listen *:%u {} ", 1000 + i);
	strcpy(text + n, "}");
	ok(load(text) == CONF_OK, "CONFIG_LISTENERS of one family");
	strcpy(text + n, "Listen *:999 {} }");
	snprintf(want, sizeof(want),
		"t:2:%zu: error: more addresses to listen on than this gatepost has room for", n - strlen(G) + 8);
	ok(load(text) == CONF_BAD && strstr(said, want), "one more is too many, and is pointed at");
	strcpy(text + n, "Listen *:999 { Enable = false } }");
	ok(load(text) == CONF_OK, "... unless it is not enabled");
	ok(load(L("Enable = false Listen :26 {}")) == CONF_OK &&
			strstr(said, "t:1:1: warning: no Listen is enabled: only sendmail on this machine is served\n"),
		"none that is enabled: a warning");
	is_num(conf.listens, 0, "... and none is opened");
}

/* --- who may relay --- */

static void test_open_relay(void)
{
	static const struct {
		const char *block, *shorter; /* NULL: may be used */
	} t[] = {
		{"0.0.0.0/0", "/16"}, {"8.8.0.0/15", "/16"}, {"8.8.0.0/16", NULL}, {"8.8.8.8", NULL},
		{"10.0.0.0/8", NULL}, {"127.0.0.0/8", NULL}, {"172.16.0.0/12", NULL}, {"172.0.0.0/8", "/16"},
		{"192.168.0.0/16", NULL}, {"192.0.0.0/8", "/16"}, {"100.64.0.0/10", NULL}, {"169.254.0.0/16", NULL},
		{"::/0", "/32"}, {"2001:db8::/31", "/32"}, {"2001:db8::/32", NULL}, {"fc00::/7", NULL}, {"fe80::/10", NULL},
		{"f000::/4", "/32"}, {"::ffff:0:0/96", "/16"}, {"::1", NULL},
	};
	char text[300], want[300];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(text, sizeof(text), G "Relay_Hosts = ( \"%s\" )", t[i].block);
		if (!t[i].shorter) {
			ok(load(text) == CONF_OK, "%s may relay", t[i].block);
			continue;
		}
		snprintf(want, sizeof(want), " is shorter than %s and would make an open relay: name your own networks, or set "
			"Open_Relay = true\n", t[i].shorter);
		ok(load(text) == CONF_BAD && strstr(said, "t:2:17: error: Relay_Hosts: the public block ") && strstr(said, want),
			"%s may not", t[i].block);
		snprintf(text, sizeof(text), G "Relay_Hosts = ( \"%s\" ) Open_Relay = true", t[i].block);
		ok(load(text) == CONF_OK, "... but with Open_Relay");
	}
	ok(load(G "ESMTP_Listener { Peer 10.0.0.1 { Relay_Hosts = \"0.0.0.0/0\" } }") == CONF_BAD, "in a Peer, too");
	ok(load(L("Listen :26 { Relay_Hosts = \"0.0.0.0/0\" }")) == CONF_BAD, "in a Listen, too");
}

static void test_relay_hosts(void)
{
	struct conf_receive r;

	loads(G);
	conf_receive(&conf, 0, NULL, &r);
	ok(r.relay_hosts->is_default && !r.relay_hosts->local, "the default");
	is_num(r.relay_hosts->n, 8, "... is eight blocks");
	loads(L("Listen eth0:25 {}"));
	conf_receive(&conf, 0, NULL, &r);
	ok(r.relay_hosts->is_default && r.relay_hosts->local && r.relay_hosts->n == 2, "an interface is named: loopback and local");
	loads(L("Listen eth0:25 { Enable = false } Listen :26 {}"));
	conf_receive(&conf, 0, NULL, &r);
	ok(!r.relay_hosts->local, "one that is not enabled does not count");
	loads(G "Relay_Hosts = ( \"10.0.0.0/8\" local )");
	conf_receive(&conf, 0, NULL, &r);
	ok(!r.relay_hosts->is_default && r.relay_hosts->local && r.relay_hosts->n == 1, "a block and local");
	loads(G "Relay_Hosts = ( )");
	conf_receive(&conf, 0, NULL, &r);
	ok(r.relay_hosts && r.relay_hosts->n == 0 && !r.relay_hosts->local, "nobody");
}

/* --- the relay itself as gateway --- */

static const struct {
	const char *text;
	const char *itself; /* NULL: loads */
} own[] = {
	{"Gateway = 127.0.0.1", "127.0.0.1:25"},
	{"Gateway = 127.9.9.9:25", "127.9.9.9:25"},
	{"Gateway = \"[::1]:25\"", "[::1]:25"},
	{"Gateway = 127.0.0.1:2525", NULL},
	{"Gateway = 127.0.0.1 Remote_SMTP_Port = 2525", NULL},
	{"Gateway = 127.0.0.1 Remote_SMTP_Port = 26 ESMTP_Listener { Listen :26 {} }", "127.0.0.1:26"},
	{"Gateway = 192.0.2.1", "192.0.2.1:25"},
	{"Gateway = 192.0.2.3", NULL},
	{"Gateway = 192.0.2.1 ESMTP_Listener { Listen eth0:25 {} }", "192.0.2.1:25"},
	{"Gateway = 192.0.2.2 ESMTP_Listener { Listen eth0:25 {} }", NULL},
	{"Gateway = 127.0.0.1 ESMTP_Listener { Listen eth0:25 {} }", NULL},
	{"Gateway = 127.0.0.1 ESMTP_Listener { Listen lo:25 {} }", "127.0.0.1:25"},
	{"Gateway = 127.0.0.1 ESMTP_Listener { Listen \"[*]:25\" {} }", NULL},
	{"Gateway = \"[::1]\" ESMTP_Listener { Listen *:25 {} }", NULL},
	{"Gateway = 127.0.0.1 ESMTP_Listener { Listen *:25 { Enable = false } Listen :26 {} }", NULL},
	{"Gateway = 127.0.0.1 ESMTP_Listener { Listen 127.0.0.2:25 {} }", NULL},
	{"Gateway = 127.0.0.2 ESMTP_Listener { Listen 127.0.0.2:25 {} }", "127.0.0.2:25"},
	{"Gateway = 198.51.100.1 ESMTP_Listener { Listen 198.51.100.1:25 {} }", "198.51.100.1:25"},
	{"Gateway = \"[fe80::1%eth0]\" ESMTP_Listener { Listen \"[fe80::1%eth0]:25\" {} }", "[fe80::1%eth0]:25"},
	{"Gateway = \"[fe80::1%eth1]\" ESMTP_Listener { Listen \"[fe80::1%eth0]:25\" {} }", NULL},
	{"Gateway = \"[fe80::1]\" ESMTP_Listener { Listen \"[fe80::1%eth0]:25\" {} }", "[fe80::1]:25"},
	{"Gateway = 127.0.0.1 ESMTP_Listener { Listen :0 {} }", NULL},
	{"Gateway = gw Routes = ( gw \"smtp://127.0.0.1?port=25\" )", "127.0.0.1:25"},
	{"Gateway = gw Domain a.b { Gateway = 127.0.0.1 }", "127.0.0.1:25"},
	{"Gateway = gw Domain a.b { Gateway = 127.0.0.1 Remote_SMTP_Port = 26 }", NULL},
	{"Gateway = gw Binding b { Remote_SMTP_Port = 26 Domain a.b { Gateway = 127.0.0.1 } }", NULL},
	{"Gateway = gw Binding_Group g { Remote_SMTP_Port = 26 Binding b { Gateway = 127.0.0.1 } }", NULL},
	{"Gateway = gw Remote_SMTP_Port = 26 Binding_Group g { Remote_SMTP_Port = 25 Domain \"/a/\" { Gateway = 127.0.0.1 } }",
		"127.0.0.1:25"},
	{"Gateway = gw Binding_Group g { Gateway = 127.0.0.1 }", "127.0.0.1:25"},
	{"Gateway = localhost", NULL},
};

static void test_own_address(void)
{
	char want[200];

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		enum conf_status status = load(own[i].text);

		if (lacks_patterns(own[i].text))
			continue;
		snprintf(want, sizeof(want), "error: %s is this relay itself, which listens there (Listen \"",
			own[i].itself ? own[i].itself : "");
		ok(own[i].itself ? status == CONF_BAD && strstr(said, want) != NULL : status == CONF_OK, "%s: %s",
			own[i].itself ? "refused" : "loads", own[i].text);
	}
	fresh_source();
	conf_src.own_address = NULL;
	ok(load("Gateway = 192.0.2.1") == CONF_OK, "addresses of interfaces are not known: loads");
	ok(load("Gateway = 127.0.0.1") == CONF_BAD, "... loopback is");
	fresh_source();
}

/* --- bindings and warnings --- */

static void test_bindings(void)
{
	load(G "Binding \"a b\" { } Binding a:b { } Binding \"\" { } Binding_Group \"c d\" { }");
	is_str(said,
		"t:2:9: error: the name of a Binding has 1 to 64 characters, without blanks and colons\n"
		"t:2:27: error: the name of a Binding has 1 to 64 characters, without blanks and colons\n"
		"t:2:43: error: the name of a Binding has 1 to 64 characters, without blanks and colons\n"
		"t:2:64: error: the name of a Binding_Group has 1 to 64 characters, without blanks and colons\n",
		"names");
	load(G "Binding_Group g { Binding b { } }\nBinding_Group h { Binding b { } }\nBinding b { }");
	is_str(said,
		"t:3:27: error: Binding \"b\" is in Binding_Group \"g\" already: a binding is in one group at most\n",
		"a binding in two groups");
	loads(G "Binding b { } Binding B { } Binding_Group b { }");
	is_num(conf.bindings, 3, "names are case-sensitive");
	load(G "ESMTP_Listener { Peer 10.0.0.1 { Binding = B } }\nBinding b { }");
	is_str(said, "t:2:44: error: there is no Binding \"B\": write Binding \"B\" { ... } at global scope or in a Binding_Group\n",
		"an unknown binding");
	loads("ESMTP_Listener { Binding = late } Binding late { Gateway = gw }");
}

static void test_warnings(void)
{
	load(G "Domain a.b { Gateway = x }\nBinding b { Gateway = y }");
	is_str(said, "t:2:24: warning: Domain \"a.b\" has no say over mail of Binding \"b\", whose own Gateway counts\n",
		"a Binding's Gateway beats a Domain's");
	load(G "Domain a.b { Routes = x }\nBinding_Group g { Gateway = y Binding b { } Binding c { } }");
	is_str(said, "t:2:23: warning: Domain \"a.b\" has no say over mail of Binding_Group \"g\", whose own Gateway counts\n",
		"a Binding_Group's, and one warning only");
	loads(G "Domain a.b { Gateway = x }\nBinding b { Domain a.b { Gateway = y } }");
	loads(G "Domain a.b { Idle_Timeout = 5s }\nBinding b { Gateway = y }");
	load(G "Binding_Group default { } Binding_Group g { Binding default { } }");
	is_str(said, "t:2:15: warning: Binding_Group \"default\" has no say: Binding \"default\" is in Binding_Group \"g\"\n",
		"a default group that is beaten");
}

static bool nobody_only(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "nobody") == 0;
}

static void test_system(void)
{
	static const char *const names[][2] = {{"box.example.net", "box.example.net"}, {"box", "box"}, {"", "gatepost"},
		{"(none)", "gatepost"}, {"10.0.0.1", "gatepost"}, {"a b", "gatepost"}, {"-x", "gatepost"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fresh_source();
		conf_src.hostname = names[i][0];
		loads(G);
		is_bytes(conf.global.hostname, bytes_of(names[i][1]), "the system is called \"%s\"", names[i][0]);
	}
	conf_src.hostname = NULL;
	loads(G);
	is_bytes(conf.global.hostname, BYTES("gatepost"), "... nothing");
	loads(G "Hostname = relay.example.com. EHLO_Hostname = scan.example.com.");
	is_bytes(conf.global.hostname, BYTES("relay.example.com"), "a dot at the end is not told to others");
	{
		struct conf_sending s;

		conf_sending(&conf, 0, BYTES(""), &s);
		is_bytes(s.ehlo_hostname, BYTES("scan.example.com"), "... in EHLO, too");
	}
	fresh_source();
	conf_src.user_exists = nobody_only;
	loads(G);
	is_bytes(conf.global.user, BYTES("nobody"), "no user gatepost: nobody");
	conf_src.changes_user = true;
	load(G);
	is_str(said, "t:1:1: warning: there is no user gatepost, nobody is used: adduser --system --group --no-create-home "
		"gatepost\n", "... with a warning where it matters");
	loads(G "User = 1000");
	conf_src.user_exists = NULL;
	loads(G "User = whoever");
	fresh_source();
}

static void test_allows(void)
{
	struct conf_receive r;

	loads(G "Allowed_Senders = ( Scan@Example.com @corp.example \"<>\" ) Allowed_Recipients = @corp.example");
	conf_receive(&conf, 0, NULL, &r);
	ok(conf_allows(r.allowed_senders, BYTES("scan@example.COM")), "an address, in any case");
	ok(conf_allows(r.allowed_senders, BYTES("x@corp.example.")), "a domain, with a dot at its end");
	ok(conf_allows(r.allowed_senders, BYTES("")), "the null sender");
	ok(!conf_allows(r.allowed_senders, BYTES("other@example.com")), "not another address");
	ok(!conf_allows(r.allowed_senders, BYTES("x@sub.corp.example")), "not a domain below");
	ok(!conf_allows(r.allowed_senders, BYTES("@corp.example")), "not a domain alone");
	ok(!conf_allows(r.allowed_recipients, BYTES("")), "no null sender unless it is named");
	ok(conf_allows(NULL, BYTES("any")) && conf_allows(NULL, BYTES("")), "no list: all");
}

int main(void)
{
	test_listens();
	test_many_listens();
	test_open_relay();
	test_relay_hosts();
	test_own_address();
	test_bindings();
	test_warnings();
	test_system();
	test_allows();
	return done();
}
