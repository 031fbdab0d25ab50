/* SPDX-License-Identifier: ISC */
/* What eval says of a place, what the whole looks like printed, and how much memory a load takes. */
#include "conf/option.h"
#include "lib/conf_load.h"

TAP_GP_BUG

/* DESIGN 3.2 and 3.3 */
static const char design[] =
	"Gateway = \"10.10.10.50\"\n"
	"Domain \"local.example.com\" { Gateway = 10.10.10.20 }\n"
	"Binding_Group \"floor1\" {\n"
	"  Bind_Address = \"192.168.1.2\"\n"
	"  Binding \"scanners\" {\n"
	"    EHLO_Hostname = \"scan.example.com\"\n"
	"    Domain \"example.com\" { Gateway = \"[2001:db8::25]:587\" }\n"
	"  }\n"
	"}\n"
	"Relay_Hosts = ( \"127.0.0.0/8\" \"192.168.0.0/16\" \"fd00::/8\" )\n"
	"ESMTP_Listener {\n"
	"  Listen \":25\" {}\n"
	"  Listen \"[::]:587\" { }\n"
	"  Listen \"br-lan:26\" { Peer 192.168.3.9 { Client_Patience = 9s } }\n"
	"  Peer \"192.168.3.0/24\" { Binding = \"scanners\"  Max_Message_Size = 100m }\n"
	"}\n"
	"Binding default { Idle_Timeout = 5s }\n";

static const struct {
	const char *words, *answer;
} asked[] = {
	{"gateway", "Gateway = \"10.10.10.50\""},
	{"GateWay", "Gateway = \"10.10.10.50\""},
	{"binding scanners domain example.com gateway", "Gateway = \"[2001:db8::25]:587\""},
	{"BINDING scanners DOMAIN Example.Com. GATEWAY", "Gateway = \"[2001:db8::25]:587\""},
	{"domain example.com binding scanners gateway", "Gateway = \"[2001:db8::25]:587\""},
	{"binding_group floor1 binding scanners domain example.com gateway", "Gateway = \"[2001:db8::25]:587\""},
	{"binding scanners domain local.example.com gateway", "Gateway = \"10.10.10.20\""},
	{"domain local.example.com gateway", "Gateway = \"10.10.10.20\""},
	{"domain nowhere gateway", "Gateway = \"10.10.10.50\""},
	{"binding scanners bind_address", "Bind_Address = \"192.168.1.2\""},
	{"binding_group floor1 bind_address", "Bind_Address = \"192.168.1.2\""},
	{"binding_group floor1 domain example.com gateway", "Gateway = \"10.10.10.50\""},
	{"bind_address", "unset"},
	{"domain example.com bind_address", "unset"},
	{"binding scanners ehlo_hostname", "EHLO_Hostname = \"scan.example.com\""},
	{"binding default idle_timeout", "Idle_Timeout = 5s"},
	{"idle_timeout", "Idle_Timeout = 60s"},
	{"binding scanners idle_timeout", "Idle_Timeout = 60s"},
	{"binding scanners envelope_from", "unset"},
	{"binding scanners routes", "unset"},
	{"peer 192.168.3.7 max_message_size", "Max_Message_Size = 100m"},
	{"peer 192.168.3.0/25 max_message_size", "Max_Message_Size = 100m"},
	{"peer 192.168.0.0/16 max_message_size", "Max_Message_Size = 50m"},
	{"peer ::ffff:192.168.3.7 binding", "Binding = \"scanners\""},
	{"peer [fd00::1] binding", "unset"},
	{"listen br-lan:26 peer 192.168.3.9 client_patience", "Client_Patience = 9s"},
	{"listen br-lan:26 peer 192.168.3.9 max_message_size", "Max_Message_Size = 50m"},
	{"listen br-lan:26 peer 192.168.3.8 max_message_size", "Max_Message_Size = 100m"},
	{"listen [*]:587 max_message_size", "Max_Message_Size = 50m"},
	{"esmtp_listener listen :25 enable", "Enable = true"},
	{"esmtp_listener peer 192.168.3.7 binding", "Binding = \"scanners\""},
	{"esmtp_listener relay_hosts", "Relay_Hosts = ( \"127.0.0.0/8\" \"192.168.0.0/16\" \"fd00::/8\" )"},
	{"binding", "unset"},
	/* questions that make no sense */
	{"gatway", "bad: unknown option \"gatway\" (is it Gateway?)"},
	{"xyzzy", "bad: unknown option \"xyzzy\""},
	{"binding nobody gateway", "bad: there is no Binding \"nobody\""},
	{"binding_group nobody gateway", "bad: there is no Binding_Group \"nobody\""},
	{"binding_group floor1 binding default gateway", "bad: that Binding is not in Binding_Group \"floor1\""},
	{"listen :99 enable", "bad: there is no Listen \":99\""},
	{"listen x enable", "bad: \"x\" is not the name of a Listen"},
	{"peer x binding", "bad: \"x\" is neither an address nor a block"},
	{"peer 10.0.0.1/8 binding", "bad: \"10.0.0.1/8\" is neither an address nor a block"},
	{"planet earth gateway", "bad: \"planet\" is neither a scope nor the last word"},
	{"gateway gateway", "bad: \"gateway\" is neither a scope nor the last word"},
	{"domain", "bad: a name is missing behind \"domain\""},
	{"binding scanners max_message_size", "bad: Max_Message_Size is not an option of Binding"},
	{"domain a.b envelope_from", "bad: Envelope_From is not an option of Domain"},
	{"peer 10.0.0.1 gateway", "bad: Gateway is not an option of Peer"},
	{"enable", "bad: Enable is not an option at global scope"},
	{"binding scanners peer 10.0.0.1 gateway",
		"bad: Binding, Binding_Group and Domain do not go with ESMTP_Listener, Listen and Peer"},
};

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static bool is_at(const struct option *o, enum scope_kind kind)
{
	return o->scopes >> kind & 1;
}

static void test_all(void)
{
	static char first[20000];
	unsigned set = 0;

	load(design);
	/* all that has a value at global scope */
	for (unsigned i = 0; i < OPTIONS; i++)
		set += is_at(&option_table[i], SCOPE_GLOBAL) && strcmp(eval(option_name(&option_table[i])), "unset") != 0;
	snprintf(first, sizeof(first), "%s", eval(""));
	is_num(count_lines(first), set, "no option: all that is in force, %u", set);
	ok(strstr(first, "Gateway = \"10.10.10.50\"\n") && strstr(first, "Max_Message_Size = 50m\n"), "... each on its line");
	ok(load(first) == CONF_OK, "... which loads again");
	is_str(eval(""), first, "... to the same");
	load(design);
	ok(strstr(eval("binding scanners"), "Bind_Address = \"192.168.1.2\"\n") && !strstr(printed, "Max_Message_Size"),
		"all of a Binding: options of sending and of the header");
	ok(strstr(eval("peer 192.168.3.1"), "Binding = \"scanners\"\n") && !strstr(printed, "Gateway"),
		"all of a Peer: options of receiving");
	ok(strstr(eval("listen :25"), "Enable = true\n") && !strstr(printed, "Hostname"), "all of a Listen");
	load("Routes = ( a b )");
	ok(strstr(eval(""), "Routes = ( \"a\" \"b\" )\n") && !strstr(printed, "Gateway"), "Routes in place of Gateway");
}

/* --- printed and loaded again --- */

static void test_print(void)
{
	static const char *const texts[] = {
		design,
		"Gateway = gw",
		"Routes = ( a \"smtp://b?pref=1\" ) Gateway = x",
		"Gateway = gw Control_Socket = '/a\"b\\c\\\\d\\\"' Domain \"/^a\\.b\\\\$/\" { Gateway = x } Allowed_Senders = none",
		"Gateway = gw Relay_Hosts = ( ) Prohibited_Hosts = none Peer_Sessions = 0 Log = stderr User = 7 Clock = NTP",
		"Gateway = gw ESMTP_Listener { } Binding_Group default { Domain d.e. { } Binding default { Envelope_From = '\"a\"@b' } }",
	};
	static char once[20000];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (lacks_patterns(texts[i]))
			continue;
		ok(load(texts[i]) == CONF_OK, "loads: %.50s", texts[i]);
		snprintf(once, sizeof(once), "%s", print_all(&conf));
		ok(load(once) == CONF_OK, "... printed it loads again");
		is_str(print_all(&conf), once, "... to the same");
	}
	load(design);
	is_str(print_all(&conf),
		"Gateway = \"10.10.10.50\"\n"
		"Relay_Hosts = ( \"127.0.0.0/8\" \"192.168.0.0/16\" \"fd00::/8\" )\n"
		"Domain \"local.example.com\" {\n"
		"\tGateway = \"10.10.10.20\"\n"
		"}\n"
		"Binding_Group \"floor1\" {\n"
		"\tBind_Address = \"192.168.1.2\"\n"
		"\tBinding \"scanners\" {\n"
		"\t\tEHLO_Hostname = \"scan.example.com\"\n"
		"\t\tDomain \"example.com\" {\n"
		"\t\t\tGateway = \"[2001:db8::25]:587\"\n"
		"\t\t}\n"
		"\t}\n"
		"}\n"
		"ESMTP_Listener {\n"
		"\tListen \":25\" {\n"
		"\t}\n"
		"\tListen \"[::]:587\" {\n"
		"\t}\n"
		"\tListen \"br-lan:26\" {\n"
		"\t\tPeer \"192.168.3.9\" {\n"
		"\t\t\tClient_Patience = 9s\n"
		"\t\t}\n"
		"\t}\n"
		"\tPeer \"192.168.3.0/24\" {\n"
		"\t\tBinding = \"scanners\"\n"
		"\t\tMax_Message_Size = 100m\n"
		"\t}\n"
		"}\n"
		"Binding \"default\" {\n"
		"\tIdle_Timeout = 5s\n"
		"}\n",
		"the design's configuration printed");
}

/* --- memory --- */

static void test_memory(void)
{
	static char many[1 << 18];
	size_t least = 0, n = 0;
	unsigned good = 0, told = 0, tried = 0;

	/* each size from too small to enough: an error in words or the whole result */
	for (conf_mem_size = 2048; conf_mem_size <= 20480; conf_mem_size += 16) {
		enum conf_status status = load(design);

		tried++;
		if (status == CONF_OK) {
			good++;
			least = least ? least : conf_mem_size;
			if (strcmp(eval("binding scanners domain example.com gateway"), "Gateway = \"[2001:db8::25]:587\"") != 0)
				break;
		} else {
			told += strstr(said, "the configuration does not fit in ") != NULL && !conf.tree;
		}
	}
	is_num(good + told, tried, "each of %u sizes of memory loads or says that it is too small", tried);
	ok(least > 0 && least < 8192, "the design's configuration needs %zu octets", least);
	conf_mem_size = 8192;
	ok(load("Gateway = gw") == CONF_OK && conf.memory < 4096, "one line needs %u octets", conf.memory);
	conf_mem_size = CONFIG_CONF_MEMORY;
	n = (size_t)sprintf(many, "Gateway = gw\n");
	for (unsigned i = 0; n < sizeof(many) - 100; i++)
		n += (size_t)sprintf(many + n, "Domain \"d%u.example.com\" { Gateway = \"g%u.example.net\" }\n", i, i);
	ok(load(many) == CONF_BAD && strstr(said, "t:1:1: error: the configuration does not fit in "),
		"256 KiB of Domains are too many for CONFIG_CONF_MEMORY");
	ok(strstr(said, "(CONFIG_CONF_MEMORY)\n") && count_lines(said) == 1, "... and that is all that is said");
	conf_mem_size = PLENTY;
	n = (size_t)sprintf(many, "Gateway = gw\n");
	for (unsigned i = 0; i < 500; i++)
		n += (size_t)sprintf(many + n, "Domain \"d%u.example.com\" { Gateway = gw }\n", i);
	ok(load(many) == CONF_OK, "500 Domains, %u octets of memory each", (conf.memory - 2048) / 500);
	{
		struct conf_sending s;

		ok(conf_only_gateway(&conf, 0, &s), "... all with one gateway");
	}
}

int main(void)
{
	load(design);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		is_str(eval(asked[i].words), asked[i].answer, "eval %s", asked[i].words);
	load("Gateway = gw");
	is_str(eval("listen :25 enable"), "Enable = true", "the Listen that is there by default");
	test_all();
	test_print();
	test_memory();
	return done();
}
