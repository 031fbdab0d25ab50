/* SPDX-License-Identifier: ISC */
/* Which scope's value is in force: every combination of the places where an option may be set. */
#include "conf/option.h"
#include "lib/conf_load.h"

TAP_GP_BUG

/* --- sending: six places --- */

enum { PLACES = 6 };

/* From the most specific place to the most general: DESIGN 3.2. %s takes the setting, or nothing. */
static const char *const nested =
	"Binding_Group g {\n"
	"  Binding b { Domain d.e { %1$s } %3$s }\n"
	"  Domain d.e { %2$s }\n"
	"  %4$s\n"
	"}\n"
	"Domain d.e { %5$s }\n"
	"%6$s\n";

/* Options of sending and of the header, with a value for each place. */
static const struct {
	enum option_id id;
	const char *value[PLACES];
} six[] = {
	{OPTION_GATEWAY, {"g1", "g2", "g3", "g4", "g5", "g6"}},
	{OPTION_REMOTE_SMTP_PORT, {"1", "2", "3", "4", "5", "6"}},
	{OPTION_BIND_ADDRESS, {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"}},
	{OPTION_EHLO_HOSTNAME, {"h1", "h2", "h3", "h4", "h5", "h6"}},
	{OPTION_MAX_OUTBOUND_CONNECTIONS, {"1", "2", "3", "4", "5", "6"}},
	{OPTION_MAX_DELIVERIES_PER_CONNECTION, {"1", "2", "3", "4", "5", "6"}},
	{OPTION_IDLE_TIMEOUT, {"1s", "2s", "3s", "4s", "5s", "6s"}},
	{OPTION_CONNECT_TIMEOUT, {"1s", "2s", "3s", "4s", "5s", "6s"}},
	{OPTION_EHLO_TIMEOUT, {"1s", "2s", "3s", "4s", "5s", "6s"}},
	{OPTION_MAILFROM_TIMEOUT, {"1s", "2s", "3s", "4s", "5s", "6s"}},
	{OPTION_RCPTTO_TIMEOUT, {"1s", "2s", "3s", "4s", "5s", "6s"}},
	{OPTION_BODY_TIMEOUT, {"1s", "2s", "3s", "4s", "5s", "6s"}},
	{OPTION_HOST_FAILURE_RETRY, {"1s", "2s", "3s", "4s", "5s", "6s"}},
	{OPTION_PROHIBITED_HOSTS, {"10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6"}},
	{OPTION_OUTBOUND_THROTTLE_MESSAGES, {"\"1/9\"", "\"2/9\"", "\"3/9\"", "\"4/9\"", "\"5/9\"", "\"6/9\""}},
};

/* The last digit of the value that is in force in the resolved struct; 0: unset or the default. */
static unsigned digit_of(enum option_id id, const struct conf_sending *s)
{
	switch ((int)id) {
	case OPTION_GATEWAY:
		return s->routes ? s->routes->route[0].host.p[1] - (unsigned)'0' : 0;
	case OPTION_REMOTE_SMTP_PORT:
		return s->remote_smtp_port % 25;
	case OPTION_BIND_ADDRESS:
		return s->bind_address ? s->bind_address->a[15] : 0;
	case OPTION_EHLO_HOSTNAME:
		return s->ehlo_hostname.n == 2 ? s->ehlo_hostname.p[1] - (unsigned)'0' : 0;
	case OPTION_MAX_OUTBOUND_CONNECTIONS:
		return s->max_outbound_connections <= 6 ? s->max_outbound_connections : 0;
	case OPTION_MAX_DELIVERIES_PER_CONNECTION:
		return s->max_deliveries_per_connection % 100;
	case OPTION_IDLE_TIMEOUT:
		return s->idle_timeout % 60;
	case OPTION_CONNECT_TIMEOUT:
		return s->connect_timeout % 10;
	case OPTION_EHLO_TIMEOUT:
		return s->ehlo_timeout % 30;
	case OPTION_MAILFROM_TIMEOUT:
		return s->mailfrom_timeout % 30;
	case OPTION_RCPTTO_TIMEOUT:
		return s->rcptto_timeout % 30;
	case OPTION_BODY_TIMEOUT:
		return s->body_timeout % 600;
	case OPTION_HOST_FAILURE_RETRY:
		return s->host_failure_retry % 60;
	case OPTION_PROHIBITED_HOSTS:
		return s->prohibited_hosts ? s->prohibited_hosts->net[0].a[15] : 0;
	case OPTION_OUTBOUND_THROTTLE_MESSAGES:
		return s->outbound_throttle_messages.count;
	default:
		return 99;
	}
}

static uint32_t binding_named(const char *name)
{
	for (uint32_t id = 0; id < conf.bindings; id++) {
		if (bytes_same(conf_binding_name(&conf, id), bytes_of(name)))
			return id;
	}
	return UINT32_MAX;
}

/* The text with the option set in the places of the mask. A Gateway in a far Domain keeps it loadable. */
static void build(char *text, size_t size, const char *form, unsigned i, unsigned mask)
{
	char set[PLACES][100];

	for (unsigned k = 0; k < PLACES; k++) {
		set[k][0] = '\0';
		if (mask >> k & 1)
			snprintf(set[k], sizeof(set[k]), "%s = %s", option_name(&option_table[six[i].id]), six[i].value[k]);
	}
	snprintf(text, size, form, set[0], set[1], set[2], set[3], set[4], set[5]);
	strncat(text, "Domain far.away { Gateway = far }\n", size - strlen(text) - 1);
}

/* Which place's value is expected for each kind of mail: the lowest bit of the mask that counts for it. */
static unsigned expected(unsigned mask, unsigned counting)
{
	mask &= counting;
	for (unsigned k = 0; k < PLACES; k++) {
		if (mask >> k & 1)
			return k + 1;
	}
	return 0;
}

static void test_six_places(const char *form, const char *name, bool with_default)
{
	char text[1500];

	for (unsigned i = 0; i < sizeof(six) / sizeof(six[0]); i++) {
		unsigned held = 0;

		for (unsigned mask = 0; mask < 1u << PLACES; mask++) {
			struct conf_sending s;
			uint32_t b;
			bool good;

			build(text, sizeof(text), form, i, mask);
			if (load(text) != CONF_OK) {
				printf("# %s%s", text, said);
				continue;
			}
			b = with_default ? CONF_BINDING_DEFAULT : binding_named("b");
			conf_sending(&conf, b, BYTES("d.e"), &s);
			good = digit_of(six[i].id, &s) == expected(mask, 0x3f);
			conf_sending(&conf, b, BYTES("other"), &s);
			good &= digit_of(six[i].id, &s) == expected(mask, 0x2c);
			conf_sending(&conf, b, (struct bytes){0}, &s);
			good &= digit_of(six[i].id, &s) == expected(mask, 0x2c);
			if (!with_default) {
				conf_sending(&conf, CONF_BINDING_DEFAULT, BYTES("D.E."), &s);
				good &= digit_of(six[i].id, &s) == expected(mask, 0x30);
				conf_sending(&conf, CONF_BINDING_DEFAULT, BYTES("e"), &s);
				good &= digit_of(six[i].id, &s) == expected(mask, 0x20);
			}
			held += good;
		}
		is_num(held, 1u << PLACES, "%s in %s: each subset of the six places", option_name(&option_table[six[i].id]), name);
	}
}

static void test_sending(void)
{
	test_six_places(nested, "a Binding in a group", false);
	/* the same with stanzas opened again and in another order */
	test_six_places("%6$s\nDomain D.E. { %5$s }\nBinding_Group g { Domain d.E { %2$s } Binding b { %3$s } }\n"
			"Binding_Group g { Binding b { Domain d.e. { %1$s } } %4$s }\n", "stanzas opened again", false);
	test_six_places("Binding default { Domain d.e { %1$s } %3$s }\nBinding_Group default { Domain d.e { %2$s } %4$s }\n"
			"Domain d.e { %5$s }\n%6$s\n", "Binding and group default, apart", true);
	test_six_places("Binding_Group default { Binding default { Domain d.e { %1$s } %3$s } Domain d.e { %2$s } %4$s }\n"
			"Domain d.e { %5$s }\n%6$s\n", "Binding default in group default", true);
	/* patterns stand for domains */
	if (ON(CONFIG_CONF_REGEX))
		test_six_places("Binding_Group g { Binding b { Domain \"/^d\\.e$/\" { %1$s } %3$s } Domain \"/^d/\" { %2$s } %4$s }\n"
			"Domain \"/e$/\" { %5$s }\nDomain e {}\n%6$s\n", "patterns", false);
}

static void test_routes(void)
{
	static const struct {
		const char *text, *ask, *gateway, *routes;
	} t[] = {
		{"Gateway = a Routes = ( b c )", "", "unset", "Routes = ( \"b\" \"c\" )"},
		{"Routes = ( b c ) Gateway = a", "", "unset", "Routes = ( \"b\" \"c\" )"},
		{"Routes = b Domain d.e { Gateway = a }", "domain d.e ", "Gateway = \"a\"", "unset"},
		{"Gateway = b Domain d.e { Routes = a }", "domain d.e ", "unset", "Routes = ( \"a\" )"},
		{"Gateway = b Domain d.e { Routes = a } Binding b { Gateway = c }", "binding b domain d.e ",
			"Gateway = \"c\"", "unset"},
		{"Routes = b Binding b { Gateway = c }", "binding b domain d.e ", "Gateway = \"c\"", "unset"},
		{"Gateway = b Binding b { Gateway = c Domain d.e { Routes = a } }", "binding b domain d.e ", "unset",
			"Routes = ( \"a\" )"},
	};
	char ask[100];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct conf_sending s;
		const char *first;

		ok(load(t[i].text) == CONF_OK, "%s", t[i].text);
		snprintf(ask, sizeof(ask), "%sgateway", t[i].ask);
		is_str(eval(ask), t[i].gateway, "... gateway");
		snprintf(ask, sizeof(ask), "%sroutes", t[i].ask);
		is_str(eval(ask), t[i].routes, "... routes");
		conf_sending(&conf, strstr(t[i].ask, "binding") ? 1 : 0, BYTES("d.e"), &s);
		first = strchr(strcmp(t[i].gateway, "unset") ? t[i].gateway : t[i].routes, '"') + 1;
		is_num(s.routes->route[0].host.p[0], *first, "... resolved");
	}
}

static void test_header(void)
{
	static const char form[] = "Gateway = x Binding_Group g { Binding b { %s } %s } %s";

	for (unsigned mask = 0; mask < 8; mask++) {
		static const char *const set[3] = {"Envelope_From = e1@x Header_From = h1@x Add_Reply_To = true",
			"Envelope_From = e2@x Header_From = h2@x Add_Reply_To = false",
			"Envelope_From = e3@x Header_From = h3@x Add_Reply_To = true"};
		unsigned want = mask & 1 ? 1 : mask & 2 ? 2 : mask & 4 ? 3 : 0;
		struct conf_header h;
		char text[400];

		snprintf(text, sizeof(text), form, mask & 1 ? set[0] : "", mask & 2 ? set[1] : "", mask & 4 ? set[2] : "");
		loads(text);
		conf_header(&conf, 1, &h);
		is_num(h.envelope_from.n ? h.envelope_from.p[1] - '0' : 0, want, "Envelope_From, places %u", mask);
		is_num(h.header_from.n ? h.header_from.p[1] - '0' : 0, want, "Header_From");
		is_num(h.add_reply_to, want == 1 || want == 3, "Add_Reply_To");
		conf_header(&conf, CONF_BINDING_DEFAULT, &h);
		is_num(h.header_from.n ? h.header_from.p[1] - '0' : 0, mask & 4 ? 3 : 0, "... not for other mail");
	}
	loads("Gateway = x Envelope_From = a@b Binding b { Envelope_From = none }");
	{
		struct conf_header h;

		conf_header(&conf, 1, &h);
		is_num(h.envelope_from.n, 0, "none takes a value back");
	}
}

/* --- receiving: Peer, Listen, ESMTP_Listener, global --- */

static const uint8_t peer_a[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 7};
static const uint8_t peer_b[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 11, 0, 0, 7};

static void test_receiving(void)
{
	/* 1 Peer of the Listen, 2 Peer of the listener, 3 Listen, 4 ESMTP_Listener, 5 global */
	static const char form[] = "Gateway = x\nESMTP_Listener { Listen :26 { %s %s } Listen :27 { } %s %s } %s\n";

	for (unsigned mask = 0; mask < 32; mask++) {
		char set[5][80] = {"", "", "", "", ""}, text[500];
		struct conf_receive r;
		unsigned want;

		for (unsigned k = 0; k < 5; k++) {
			if (mask >> k & 1)
				snprintf(set[k], sizeof(set[k]), k < 2 ? "Peer \"10.0.0.0/8\" { Max_Message_Size = %u }"
								       : "Max_Message_Size = %u", k + 1);
		}
		snprintf(text, sizeof(text), form, set[0], set[2], set[1], set[3], set[4]);
		loads(text);
		conf_receive(&conf, 0, peer_a, &r);
		want = mask & 1 ? 1 : mask & 2 ? 2 : mask & 4 ? 3 : mask & 8 ? 4 : mask & 16 ? 5 : 52428800;
		is_num(r.max_message_size, want, "places %u: the client of the Peer", mask);
		conf_receive(&conf, 0, peer_b, &r);
		want = mask & 4 ? 3 : mask & 8 ? 4 : mask & 16 ? 5 : 52428800;
		is_num(r.max_message_size, want, "... another client");
		conf_receive(&conf, 0, NULL, &r);
		is_num(r.max_message_size, want, "... one without an address");
		conf_receive(&conf, 1, peer_a, &r);
		want = mask & 2 ? 2 : mask & 8 ? 4 : mask & 16 ? 5 : 52428800;
		is_num(r.max_message_size, want, "... at the other Listen");
		conf_receive(&conf, CONF_LISTEN_NONE, NULL, &r);
		want = mask & 8 ? 4 : mask & 16 ? 5 : 52428800;
		is_num(r.max_message_size, want, "... at submit.sock");
	}
}

static uint64_t size_for(const char *address)
{
	struct conf_receive r;
	struct inet_addr a;

	if (!inet_parse_addr(bytes_of(address), &a))
		abort();
	conf_receive(&conf, 0, a.a, &r);
	return r.max_message_size;
}

static void test_peers(void)
{
	loads("Gateway = x ESMTP_Listener { Peer \"10.0.0.0/8\" { Max_Message_Size = 8 Client_Patience = 8s } "
	      "Peer \"10.1.0.0/16\" { Max_Message_Size = 16 } Peer \"10.1.2.3\" { Max_Message_Size = 32 } "
	      "Peer \"::ffff:12.0.0.0/104\" { Max_Message_Size = 104 } Peer \"0.0.0.0/0\" { Max_Message_Size = 1 } "
	      "Peer \"[fd00::]/8\" { Max_Message_Size = 2 } Peer \"::/0\" { Max_Message_Size = 3 } Peer ::1 { "
	      "Max_Message_Size = 4 } Peer \"10.1.0.0/16\" { Peer_Sessions = 2 } }");
	is_num(size_for("10.2.0.1"), 8, "a /8");
	is_num(size_for("10.1.9.9"), 16, "the longest prefix wins");
	is_num(size_for("10.1.2.3"), 32, "an address alone");
	is_num(size_for("10.1.2.4"), 16, "the one beside it");
	is_num(size_for("::ffff:10.1.2.3"), 32, "IPv4-mapped IPv6 is IPv4");
	is_num(size_for("12.3.4.5"), 104, "a mapped block is one of IPv4");
	is_num(size_for("13.3.4.5"), 1, "all IPv4");
	is_num(size_for("fd12::1"), 2, "IPv6");
	is_num(size_for("2001:db8::1"), 3, "all IPv6");
	is_num(size_for("::1"), 4, "an IPv6 address without brackets");
	is_str(eval("peer 10.1.0.0/16 peer_sessions"), "Peer_Sessions = 2", "a Peer opened again adds up");
	is_str(eval("peer 10.1.0.0/16 max_message_size"), "Max_Message_Size = 16", "... and keeps what it had");
	is_str(eval("peer 10.1.0.1 client_patience"), "Client_Patience = 20s", "but one Peer alone is in force");
}

/* A Binding may be opened again outside of its group, and may join one later. */
static void test_binding_again(void)
{
	loads("Gateway = x Binding_Group g { Gateway = g Binding b { Idle_Timeout = 5 } } "
	      "Binding b { Connect_Timeout = 7 }");
	is_num(conf.bindings, 2, "one binding");
	is_str(eval("binding b gateway"), "Gateway = \"g\"", "it stays in its group");
	is_str(eval("binding b idle_timeout"), "Idle_Timeout = 5s", "... keeps what it had");
	is_str(eval("binding b connect_timeout"), "Connect_Timeout = 7s", "... and what came outside of the group");
	loads("Gateway = x Binding a { } Binding b { Idle_Timeout = 5 } Binding c { } "
	      "Binding_Group g { Gateway = g Binding b { Connect_Timeout = 7 } Binding a { } Binding c { } } "
	      "Binding late { Gateway = l }");
	is_num(conf.bindings, 5, "four bindings");
	is_str(eval("binding b gateway"), "Gateway = \"g\"", "one opened before joins the group");
	is_str(eval("binding a gateway"), "Gateway = \"g\"", "... so does the first");
	is_str(eval("binding c gateway"), "Gateway = \"g\"", "... and the last");
	is_str(eval("binding late gateway"), "Gateway = \"l\"", "... and another is still added outside");
	is_str(eval("binding b idle_timeout"), "Idle_Timeout = 5s", "it keeps what it had");
	is_str(eval("binding b connect_timeout"), "Connect_Timeout = 7s", "... and what came in the group");
}

static void test_binding_of_mail(void)
{
	struct conf_receive r;

	loads("Gateway = x Binding one { } Binding_Group g { Binding two { } } Binding three { } Binding default { } "
	      "ESMTP_Listener { Binding = three Listen :26 { Binding = two } Listen :27 { } "
	      "Peer \"10.0.0.0/8\" { Binding = one } Peer \"10.9.0.0/16\" { Binding = default } }");
	is_num(conf.bindings, 4, "four bindings");
	conf_receive(&conf, 0, peer_a, &r);
	is_str((const char *)conf_binding_name(&conf, r.binding).p, "one", "of the Peer");
	conf_receive(&conf, 0, peer_b, &r);
	is_str((const char *)conf_binding_name(&conf, r.binding).p, "two", "of the Listen");
	conf_receive(&conf, 1, peer_b, &r);
	is_str((const char *)conf_binding_name(&conf, r.binding).p, "three", "of the ESMTP_Listener");
	is_str(eval("peer 10.9.1.1 binding"), "Binding = \"default\"", "back to the default");
	loads("Gateway = x");
	conf_receive(&conf, 0, peer_b, &r);
	is_num(r.binding, CONF_BINDING_DEFAULT, "none");
	is_str((const char *)conf_binding_name(&conf, 0).p, "default", "... which is called default");
}

/* --- domains --- */

static const char *gateway_for(const char *domain)
{
	static char host[64];
	struct conf_sending s;

	conf_sending(&conf, 0, bytes_of(domain), &s);
	if (!s.routes)
		return "none";
	snprintf(host, sizeof(host), "%.*s", (int)s.routes->route[0].host.n, (const char *)s.routes->route[0].host.p);
	return host;
}

static void test_domains(void)
{
	loads("Domain Example.COM { Gateway = plain } Domain a.example.com { Gateway = exact } "
	      "Domain \"[192.0.2.1]\" { Gateway = literal } Domain \"b\xc3\xbc.de\" { Gateway = utf } "
	      "Domain \"[IPv6:2001:db8::1]\" { Gateway = six }");
	is_str(gateway_for("example.com"), "plain", "a plain name");
	is_str(gateway_for("EXAMPLE.com."), "plain", "... in any case, with a dot at its end");
	is_str(gateway_for("a.example.com"), "exact", "another");
	is_str(gateway_for("b.example.com"), "none", "a name means that domain alone");
	is_str(gateway_for("x.org"), "none", "no gateway is in force");
	is_str(gateway_for(""), "none", "no domain");
	is_str(gateway_for("."), "none", "only a dot");
	is_str(gateway_for("[192.0.2.1]"), "literal", "an address literal");
	is_str(gateway_for("[ipv6:2001:DB8::1]"), "six", "... of IPv6");
	is_str(gateway_for("b\xc3\xbc.de"), "utf", "UTF-8");
}

static void test_patterns(void)
{
	static char longest[300];
	struct conf_sending only;

	loads("Domain Example.COM { Gateway = plain } Domain \"/\\.example\\.com$/\" { Gateway = sub } "
	      "Domain \"/^(a|b)\\./\" { Gateway = ab } Domain \"/com$/\" { Gateway = com } "
	      "Domain a.example.com { Gateway = exact } Domain \"/com$/\" { Idle_Timeout = 5s }");
	is_str(gateway_for("example.com"), "plain", "plain names go before patterns");
	is_str(gateway_for("a.example.com"), "exact", "... where they stand behind them, too");
	is_str(gateway_for("b.example.com"), "sub", "patterns in the order of the file");
	is_str(gateway_for("A.org"), "ab", "a pattern does not mind case");
	is_str(gateway_for("x.com."), "com", "... nor a dot at the end");
	is_str(gateway_for("x.org"), "none", "none matches");
	is_str(gateway_for(""), "none", "no domain");
	memset(longest, 'a', 252);
	strcpy(longest + 252, "com");
	is_str(gateway_for(longest), "com", "255 octets are held against patterns");
	memset(longest, 'a', 253);
	strcpy(longest + 253, "com");
	is_str(gateway_for(longest), "none", "256 are not");
	is_str(eval("domain /com$/ gateway"), "Gateway = \"com\"", "eval knows a pattern by its text");
	is_str(eval("domain /com$/ idle_timeout"), "Idle_Timeout = 5s", "a pattern opened again adds up");
	loads("Gateway = gw Domain \"/x/\" { }");
	ok(conf_only_gateway(&conf, 0, &only), "an empty pattern changes nothing");
	loads("Gateway = gw Domain \"/x/\" { Idle_Timeout = 60s }");
	ok(!conf_only_gateway(&conf, 0, &only), "a pattern may match anything");
	ok(load("Gateway = gw Domain \"/a(/\" { } Domain \"/a\" { } Domain \"/\" { }") == CONF_BAD, "broken patterns");
	is_str(said, "t:1:21: error: Domain \"/a(/\": ( without )\n"
		     "t:1:39: error: a pattern ends with a slash, too: \"/a/\"\n"
		     "t:1:55: error: a pattern ends with a slash, too: \"//\"\n", "... are refused");
}

/* --- delivery keys --- */

static bool same_key(uint32_t b1, const char *d1, uint32_t b2, const char *d2)
{
	struct conf_sending one, two;

	memset(&one, 0x11, sizeof(one));
	memset(&two, 0x22, sizeof(two));
	conf_sending(&conf, b1, bytes_of(d1), &one);
	conf_sending(&conf, b2, bytes_of(d2), &two);
	return memcmp(&one, &two, sizeof(one)) == 0;
}

static void test_keys(void)
{
	struct conf_sending s, only;

	loads("Gateway = \"gw:587\" Prohibited_Hosts = ( 10.0.0.1 10.0.0.2 ) Bind_Address = 192.0.2.1 Domain a.b { Gateway = other } "
	      "Domain c.d { Gateway = \"gw:587\" Prohibited_Hosts = ( 10.0.0.1 10.0.0.2 ) Bind_Address = 192.0.2.1 "
	      "EHLO_Hostname = box.example.net } Domain e.f { Idle_Timeout = 61s } Domain g.h { Routes = gw:587 } "
	      "Domain i.j { Prohibited_Hosts = none } Binding b { Envelope_From = x@y }");
	ok(same_key(0, "x", 0, "y"), "two domains without a stanza share a key");
	ok(same_key(0, "x", 0, "c.d"), "equal values written twice are one key");
	ok(!same_key(0, "x", 0, "a.b"), "another gateway is another key");
	ok(!same_key(0, "x", 0, "e.f"), "another time-out is another key");
	ok(same_key(0, "x", 0, "g.h"), "Routes of one are a Gateway");
	ok(!same_key(0, "x", 0, "i.j"), "hosts that are not prohibited there are another key");
	ok(same_key(0, "x", 1, "x"), "a binding that only changes the header has the same key");
	ok(!conf_only_gateway(&conf, 0, &only), "more than one gateway is possible");
	loads("Gateway = gw Domain a.b { Gateway = gw } Binding b { Domain q.r { Gateway = hq } } Binding c { }");
	conf_sending(&conf, 0, BYTES("a.b"), &s);
	ok(conf_only_gateway(&conf, 0, &only) && memcmp(&s, &only, sizeof(s)) == 0, "only one is possible");
	ok(!conf_only_gateway(&conf, 1, &only), "... but not for the binding with a Domain of its own");
	ok(conf_only_gateway(&conf, 2, &only), "... for the other binding");
	loads("Domain a.b { Gateway = gw }");
	ok(!conf_only_gateway(&conf, 0, &only), "a gateway for one domain is not one for all");
	loads("Gateway = gw Binding_Group g { Domain a.b { Idle_Timeout = 5s } Binding b { Idle_Timeout = 5s Domain a.b {} } }");
	ok(conf_only_gateway(&conf, 1, &only), "a Domain that says what counts anyway does no harm");
	load("Gateway = gw Domain a.b { Gateway = x } Binding b { Gateway = y Domain z.z { Gateway = y } }");
	ok(conf_only_gateway(&conf, 1, &only) && strstr(said, "warning"), "a binding's Gateway beats that of a global Domain");
}

int main(void)
{
	test_sending();
	test_routes();
	test_header();
	test_receiving();
	test_peers();
	test_binding_again();
	test_binding_of_mail();
	test_domains();
	if (ON(CONFIG_CONF_REGEX))
		test_patterns();
	else
		ok(load("Gateway = gw Domain \"/a/\" { }") == CONF_BAD && strstr(said, "t:1:21: error: Domain \"/a/\": patterns "
				"are not built into this gatepost (CONFIG_CONF_REGEX)\n"), "patterns are not built in");
	test_keys();
	return done();
}
