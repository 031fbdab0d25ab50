/* SPDX-License-Identifier: ISC */
/* Gateway and Routes: what is understood, what is refused and in which words. */
#include "lib/conf_load.h"

TAP_GP_BUG

/* What comes out: host, address, port (0: none given) and pref of each route. */
static const struct {
	const char *text, *want;
} good[] = {
	/* DESIGN 3.1 */
	{"Gateway = \"10.0.0.1\"", "10.0.0.1=10.0.0.1 0 0"},
	{"Gateway = \"[fe80::a00]:1\"", "fe80::a00=fe80::a00 1 0"},
	{"Gateway = \"my.local.smart.host\"", "my.local.smart.host 0 0"},
	{"Gateway = \"[fe80::a00%eth0]:25\"", "fe80::a00=fe80::a00%eth0 25 0"},
	{"Routes = ( \"smtp://10.0.11.7?pref=10&port=587\" \"my.local.smart.host\" )",
		"10.0.11.7=10.0.11.7 587 0|my.local.smart.host 0 1"},
	{"Gateway = 10.0.0.1:587", "10.0.0.1=10.0.0.1 587 0"},
	{"Gateway = \"[2001:db8::25]\"", "2001:db8::25=2001:db8::25 0 0"},
	{"Gateway = \"[2001:DB8:0::25]:65535\"", "2001:DB8:0::25=2001:db8::25 65535 0"},
	{"Gateway = \"[::ffff:10.0.0.1]\"", "::ffff:10.0.0.1=10.0.0.1 0 0"},
	{"Gateway = relay", "relay 0 0"},
	{"Gateway = relay.:25", "relay 25 0"},
	{"Gateway = my_host-1.example.com.", "my_host-1.example.com 0 0"},
	{"Gateway = 3com.example", "3com.example 0 0"},
	{"Gateway = 1.2.3.4.in-addr.arpa", "1.2.3.4.in-addr.arpa 0 0"},
	{"Gateway = none", "none 0 0"},
	/* the order of the list is the order of preference */
	{"Routes = ( a b:26 \"[::1]:27\" )", "a 0 0|b 26 1|::1=::1 27 2"},
	/* lower pref first, equal pref shared */
	{"Routes = ( \"a?pref=20\" \"b?pref=10\" \"c?pref=20\" )", "b 0 0|a 0 1|c 0 1"},
	{"Routes = ( \"smtp://a?pref=7\" \"smtp://b?pref=7\" )", "a 0 0|b 0 0"},
	{"Routes = ( \"a?pref=65535\" \"b?pref=0\" )", "b 0 0|a 0 1"},
	/* one without a pref stands behind the one before it, shared with none */
	{"Routes = ( \"a?pref=10\" \"b\" \"c?pref=10\" \"d\" \"e?pref=5\" )", "e 0 0|a 0 1|c 0 1|b 0 2|d 0 3"},
	{"Routes = ( \"a\" \"b?pref=1\" \"c\" )", "a 0 0|b 0 1|c 0 2"},
	{"Routes = ( \"SMTP://a:25?PORT=25\" )", "a 25 0"},
	{"Routes = ( \"smtp://[2001:db8::1]?port=587\" )", "2001:db8::1=2001:db8::1 587 0"},
	{"Routes = ( \"smtp://a/\" \"smtp://b:2/?port=2&\" )", "a 0 0|b 2 1"},
	{"Routes = \"smtp://a\"", "a 0 0"},
};

static const struct {
	const char *text, *error; /* behind "t:1:COLUMN: error: OPTION: " */
} bad[] = {
	{"Gateway = 2001:db8::25", "an IPv6 address is written in brackets: \"[2001:db8::25]\""},
	{"Gateway = fe80::a00%eth0", "an IPv6 address is written in brackets: \"[fe80::a00%eth0]\""},
	{"Gateway = ::1", "an IPv6 address is written in brackets: \"[::1]\""},
	{"Gateway = 2001:db8::g:25", "\"2001:db8::g:25\" is not a gateway: an IPv6 address is written in brackets, \"[ADDRESS]\" or "
		"\"[ADDRESS]:PORT\""},
	{"Gateway = a:b:c", "\"a:b:c\" is not a gateway: an IPv6 address is written in brackets, \"[ADDRESS]\" or "
		"\"[ADDRESS]:PORT\""},
	{"Gateway = \"[2001:db8::25\"", "\"[2001:db8::25\" has no ] behind its address"},
	{"Gateway = \"[10.0.0.1]:25\"", "\"[10.0.0.1]:25\" is an IPv4 address, which is written without brackets"},
	{"Gateway = \"[relay]:25\"", "\"[relay]:25\" is not an IPv6 address in brackets"},
	{"Gateway = \"[]\"", "\"[]\" is not an IPv6 address in brackets"},
	{"Gateway = \"[2001:db8::1%eth0]\"", "\"[2001:db8::1%eth0]\" is not a link-local IPv6 address with the zone of an interface"},
	{"Gateway = \"[fe80::1%]\"", "\"[fe80::1%]\" is not a link-local IPv6 address with the zone of an interface"},
	{"Gateway = \"[::1]x\"", "\"[::1]x\" has no port behind its host: 1 to 65535"},
	{"Gateway = \"[::1]:\"", "\"[::1]:\" has no port behind its host: 1 to 65535"},
	{"Gateway = a:0", "\"a:0\" has no port behind its host: 1 to 65535"},
	{"Gateway = a:65536", "\"a:65536\" has no port behind its host: 1 to 65535"},
	{"Gateway = a:smtp", "\"a:smtp\" has no port behind its host: 1 to 65535"},
	{"Gateway = a:-1", "\"a:-1\" has no port behind its host: 1 to 65535"},
	{"Gateway = :25", "\":25\" is neither an address nor a host name"},
	{"Gateway = 10.0.0.256", "\"10.0.0.256\" is not an IPv4 address"},
	{"Gateway = 10.0.0", "\"10.0.0\" is not an IPv4 address"},
	{"Gateway = 10.0.0.01", "\"10.0.0.01\" is not an IPv4 address"},
	{"Gateway = 587", "\"587\" is not an IPv4 address"},
	{"Gateway = 0.0.0.0", "\"0.0.0.0\" is not the address of a host"},
	{"Gateway = \"[::]:25\"", "\"[::]:25\" is not the address of a host"},
	{"Gateway = 224.0.0.1", "\"224.0.0.1\" is not the address of a host"},
	{"Gateway = 255.255.255.255", "\"255.255.255.255\" is not the address of a host"},
	{"Gateway = \"[ff02::1]\"", "\"[ff02::1]\" is not the address of a host"},
	{"Gateway = 10.0.0.1;", "\"10.0.0.1;\" is not a host: there are no semicolons in a configuration"},
	{"Gateway = a.b;", "\"a.b;\" is not a host: there are no semicolons in a configuration"},
	{"Gateway = \"smtp://a\"", "\"smtp://a\" is not a host: write the host alone, with :PORT if needed"},
	{"Gateway = \"a b\"", "\"a b\" is neither an address nor a host name"},
	{"Gateway = -a", "\"-a\" is neither an address nor a host name"},
	{"Gateway = a..b", "\"a..b\" is neither an address nor a host name"},
	{"Gateway = user@host", "\"user@host\" is neither an address nor a host name"},
	{"Gateway = b\xc3\xbc.de", "\"b\xc3\xbc.de\" is neither an address nor a host name"},
	{"Gateway = __mx__", "\"__mx__\" is not known here: this relay delivers to gateways only, never to the MX of a domain"},
	{"Routes = __MX__", "\"__MX__\" is not known here: this relay delivers to gateways only, never to the MX of a domain"},
	{"Routes = \"smtp://__mx__\"", "\"smtp://__mx__\" is not known here: this relay delivers to gateways only, never to the MX of "
		"a domain"},
	{"Routes = \"smtp://a?ttl=5\"", "\"smtp://a?ttl=5\" has a ttl, which is not needed: how long an address holds is told by the "
		"name server"},
	{"Routes = \"smtp://a?type=mx\"", "\"smtp://a?type=mx\" has a type, which is not needed: AAAA and A of the name are used, MX "
		"where it has neither"},
	{"Routes = \"smtp://a?colour=red\"", "\"smtp://a?colour=red\" has an unknown parameter: there are pref and port"},
	{"Routes = \"a?pref\"", "\"a?pref\" wants one pref, 0 to 65535"},
	{"Routes = \"a?pref=65536\"", "\"a?pref=65536\" wants one pref, 0 to 65535"},
	{"Routes = \"a?pref=1&pref=2\"", "\"a?pref=1&pref=2\" wants one pref, 0 to 65535"},
	{"Routes = \"a?port=0\"", "\"a?port=0\" wants one port, 1 to 65535"},
	{"Routes = \"a?port=\"", "\"a?port=\" wants one port, 1 to 65535"},
	{"Routes = \"a:25?port=26\"", "\"a:25?port=26\" wants one port, 1 to 65535"},
	{"Routes = \"a?port=25&port=25\"", "\"a?port=25&port=25\" wants one port, 1 to 65535"},
	{"Routes = \"lmtp://a\"", "\"lmtp://a\" is of an unknown kind: write \"smtp://HOST\""},
	{"Routes = \"smtps://a\"", "\"smtps://a\" is of an unknown kind: write \"smtp://HOST\""},
	{"Routes = \"smtp://\"", "\"smtp://\" is empty: a gateway is an address or a host name"},
	{"Routes = \"smtp://a/b\"", "\"smtp://a/b\" is not a host: write the host alone, with :PORT if needed"},
	{"Routes = 2001:db8::1", "\"2001:db8::1\" is not a gateway: an IPv6 address is written in brackets, \"[ADDRESS]\" or "
		"\"[ADDRESS]:PORT\""},
};

static const char *show(const struct conf_routes *routes)
{
	static char text[1000];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	for (uint32_t i = 0; routes && i < routes->n; i++) {
		const struct conf_route *r = &routes->route[i];

		if (i > 0)
			fmt_char(&f, '|');
		fmt_bytes(&f, r->host);
		if (r->literal) {
			fmt_char(&f, '=');
			inet_print_addr(&f, &r->addr);
		}
		fmt_char(&f, ' ');
		fmt_u64(&f, r->port);
		fmt_char(&f, ' ');
		fmt_u64(&f, r->pref);
		if (r->explicit_port != (r->port != 0) || r->addr.port != 0 || r->host.p[r->host.n] != '\0')
			fmt_str(&f, " BROKEN");
	}
	return text;
}

int main(void)
{
	struct conf_sending s;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!loads(good[i].text))
			continue;
		conf_sending(&conf, 0, BYTES("any.where"), &s);
		is_str(show(s.routes), good[i].want, "... and means that");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *equals = strstr(bad[i].text, " = ");
		char want[400];

		snprintf(want, sizeof(want), "t:1:%zu: error: %.*s: %s\n", (size_t)(equals - bad[i].text) + 4,
			(int)(equals - bad[i].text), bad[i].text, bad[i].error);
		load(bad[i].text);
		is_str(said, want, "refused: %s", bad[i].text);
	}
	load("Routes = ( a \"b?x=1\" c:0 )");
	is_str(said,
		"t:1:14: error: Routes: \"b?x=1\" has an unknown parameter: there are pref and port\n"
		"t:1:22: error: Routes: \"c:0\" has no port behind its host: 1 to 65535\n",
		"each of a list is looked at");
	return done();
}
