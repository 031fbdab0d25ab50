/* SPDX-License-Identifier: ISC */
/* Octets to options and stanzas: comments, quotes, lists, braces, include; and where errors are told. */
#include "lib/conf_load.h"

TAP_GP_BUG

#define G "Gateway = gw\n"

static const struct {
	const char *what, *text, *ask, *answer;
} good[] = {
	{"one line", "Gateway = 10.0.0.1", "gateway", "Gateway = \"10.0.0.1\""},
	{"no blanks at all", "Gateway=gw", "gateway", "Gateway = \"gw\""},
	{"white space is free", "\n\tGateway\n=\r\n\v\f gw  Hostname=a", "hostname", "Hostname = \"a\""},
	{"CRLF", "Gateway = gw\r\nHostname = a\r\n", "hostname", "Hostname = \"a\""},
	{"a byte order mark", "\xef\xbb\xbfGateway = gw", "gateway", "Gateway = \"gw\""},
	{"a comment to the end of the line", "Gateway = gw# x = y {\nHostname = a", "hostname", "Hostname = \"a\""},
	{"a comment at the end", "Gateway = gw #", "gateway", "Gateway = \"gw\""},
	{"a long comment", "/* a\n# b */Gateway/**/=/* x */gw/***/", "gateway", "Gateway = \"gw\""},
	{"comments do not nest", "/* /* */ Gateway = gw", "gateway", "Gateway = \"gw\""},
	{"a hash in quotes is none", G "Control_Socket = \"/a#b\"", "control_socket", "Control_Socket = \"/a#b\""},
	{"a comment sign in quotes is none", G "Control_Socket = \"/a/*b\"", "control_socket", "Control_Socket = \"/a/*b\""},
	{"single quotes", G "Control_Socket = '/a\"b\\\"'", "control_socket", "Control_Socket = \"/a\\\"b\\\\\\\"\""},
	{"quotes within quotes", G "Control_Socket = \"/a\\\"b\\\\c\\d\"", "control_socket",
		"Control_Socket = \"/a\\\"b\\\\c\\\\d\""},
	{"strings that touch", "Gateway=\"gw\"Hostname=\"a\"", "hostname", "Hostname = \"a\""},
	{"a list without blanks", G "Allowed_Senders=(\"a@b\"\"@c\")", "allowed_senders", "Allowed_Senders = ( \"a@b\" \"@c\" )"},
	{"a list with commas", G "Allowed_Senders = (a@b,@c, d@e ,f@g,)", "allowed_senders",
		"Allowed_Senders = ( \"a@b\" \"@c\" \"d@e\" \"f@g\" )"},
	{"a list over lines with comments", G "Allowed_Senders = ( # one\n a@b /* two */\n@c\n)", "allowed_senders",
		"Allowed_Senders = ( \"a@b\" \"@c\" )"},
	{"a bare word may hold @ % * - + & ~", G "Local_Recipient = a+b&d%e*f~@g.h", "local_recipient",
		"Local_Recipient = \"a+b&d%e*f~@g.h\""},
	{"stanzas in any case", G "DOMAIN a.b{GATEWAY=x}esmtp_listener{LISTEN :26{}}", "domain a.b gateway", "Gateway = \"x\""},
	{"a stanza opened again adds up", G "Binding b { Bind_Address = 192.0.2.1 }\nBinding b { Idle_Timeout = 7s }",
		"binding b bind_address", "Bind_Address = \"192.0.2.1\""},
	{"a pattern keeps its backslashes", G "Domain \"/^a\\.b$/\" { Gateway = x }", "domain a.b gateway", "Gateway = \"x\""},
	{"an octet above 127", G "Header_From = \"\xc3\xbc@a.b\"", "header_from", "Header_From = \"\xc3\xbc@a.b\""},
	{"comments between all words", G "Binding# x\n/* y */b /* z **/ # {\n/***/{/* = */Idle_Timeout/**/=#\n7s}", "binding b idle_timeout",
		"Idle_Timeout = 7s"},
	{"an empty stanza", G "Binding b{}", "gateway", "Gateway = \"gw\""},
};

#define QUOTES "error: a value with / [ ] or = in it wants quotes: "

/* All that is said. */
static const struct {
	const char *text, *said;
} bad[] = {
	{"", "t:1:1: error: there is no gateway: write Gateway = \"HOST\", the host that takes all mail\n"},
	{"# nothing", "t:1:1: error: there is no gateway: write Gateway = \"HOST\", the host that takes all mail\n"},
	{G "Gateway", "t:2:1: error: = is missing behind \"Gateway\"\n"},
	{G "Hostname a", "t:2:1: error: = is missing behind \"Hostname\"\n"},
	{G "Hostname \"a\"\nClock = ntp", "t:2:1: error: = is missing behind \"Hostname\"\n"},
	{G "Hostname =", "t:2:1: error: Hostname has no value\n"},
	{G "Hostname =\nClock = rtc\n", "t:2:1: error: Hostname has no value\n"},
	{G "Hostname = }\n", "t:2:1: error: Hostname has no value\nt:2:12: error: } without {\n"},
	{G "Hostname = = a\nClock = gps\n", "t:2:1: error: Hostname has no value\n"
		"t:3:9: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	{G "Hostname = a b\nClock = gps\n", "t:2:14: error: = is missing behind \"b\"\n"
		"t:3:9: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	{G "= x\n", "t:2:1: error: an option or stanza is expected here, not \"=\"\n"},
	{G "\"Hostname\" = x\n", "t:2:1: error: an option or stanza is expected here, not \"Hostname\"\n"},
	{G "( a )\n", "t:2:1: error: an option or stanza is expected here, not \"(\"\n"},
	{G "{ Clock = gps }\nClock = gps\n", "t:2:1: error: an option or stanza is expected here, not \"{\"\n"
		"t:3:9: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	{G "}\n}\n", "t:2:1: error: } without {\nt:3:1: error: } without {\n"},
	{G "Domain a.b {\n", "t:2:12: error: this { is not closed\n"},
	{G "ESMTP_Listener {\nListen :26 {\n", "t:3:12: error: this { is not closed\nt:2:16: error: this { is not closed\n"},
	{G "Domain a.b\n", "t:2:1: error: { is missing: write Domain \"name\" { ... }\n"},
	{G "ESMTP_Listener\nClock = gps", "t:2:1: error: { is missing: write ESMTP_Listener { ... }\n"
		"t:3:9: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	{G "Domain { }\n", "t:2:1: error: Domain wants a name: Domain \"...\" { ... }\n"},
	{G "Peer { }\n", "t:2:1: error: Peer is not valid at global scope: it is valid in Listen and ESMTP_Listener\n"},
	{G "ESMTP_Listener x { }\n", "t:2:16: error: ESMTP_Listener takes no name\n"},
	{G "Binding b { Binding_Group g { } }\n", "t:2:13: error: Binding_Group is not valid in Binding: it is valid at global "
		"scope\n"},
	{G "Domain a.b { Domain c.d { } }\n", "t:2:14: error: Domain is not valid in Domain: it is valid in Binding, Binding_Group "
		"and at global scope\n"},
	{G "Spool_User \"scanner\" { Password = \"x\" Clock = gps }\nClock = gps\n", "t:2:1: error: unknown stanza \"Spool_User\"\n"
		"t:3:9: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	{G "Domian a.b { }\n", "t:2:1: error: unknown stanza \"Domian\": is Domain meant?\n"},
	{G "Hostname { }\n", "t:2:1: error: Hostname is an option: write Hostname = ...\n"},
	{G "Foo { Bar { Baz = ( 1 } } }\nClock = gps\n", "t:2:1: error: unknown stanza \"Foo\"\n"
		"t:2:27: error: } without {\nt:3:9: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	{G "Hostname = \"a\nClock = gps\n", "t:2:12: error: this quoted string has no end: close it with \" on the same line\n"
		"t:3:9: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	{G "Hostname = 'a", "t:2:12: error: this quoted string has no end: close it with ' on the same line\n"},
	{G "Hostname = \"a\\\"", "t:2:12: error: this quoted string has no end: close it with \" on the same line\n"
		"t:2:12: error: Hostname: \"a\"\" is not a host name\n"},
	{G "Local_Recipient = \"a\001b@c\"", "t:2:19: error: a control character in a string\n"
		"t:2:19: error: Local_Recipient: \"a?b@c\" is not an address like scanner@example.com\n"},
	{G "\001\002 Hostname = a\nClock = gps", "t:2:1: error: a control character: a configuration is plain text\n"
		"t:3:9: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	{G "/* x\n", "t:2:1: error: this comment has no end: close it with */\n"},
	{G "/*/ x\n", "t:2:1: error: this comment has no end: close it with */\n"},
	{G "Allowed_Senders = ( a@b\nClock = rtc\n", "t:2:19: error: this list is not closed: ) is missing\n"},
	{G "Allowed_Senders = ( a@b { )\nClock = gps\n", "t:2:19: error: this list is not closed: ) is missing\n"},
	{G "Clock = ( rtc )\n", "t:2:9: error: Clock takes one value, not a list\n"},
	/* quotes are needed where a value holds one of / [ ] = ( ) { } ' " # or white space */
	{G "Control_Socket = /run/x\n", "t:2:18: " QUOTES "\"/run/x\"\n"},
	{G "Inbound_Throttle_Messages = 100/60\n", "t:2:29: " QUOTES "\"100/60\"\n"},
	{G "Gateway = [::1]:2525\n", "t:2:11: " QUOTES "\"[::1]:2525\"\n"},
	{G "Routes = ( smtp://a?pref=10&port=587 )\n", "t:2:12: " QUOTES "\"smtp://a?pref=10&port=587\"\n"},
	{G "ESMTP_Listener { Peer 10.0.0.0/8 { } }\n", "t:2:23: " QUOTES "\"10.0.0.0/8\"\n"},
	{G "Relay_Hosts = ( 10.0.0.0/8/* x */ )\n", "t:2:17: " QUOTES "\"10.0.0.0/8\"\n"},
	{G "include /etc/x\n", "t:2:9: " QUOTES "\"/etc/x\"\nt:2:9: error: there is no file or folder /etc/x\n"},
	{G "Hostname = ]\n", "t:2:12: " QUOTES "\"]\"\nt:2:12: error: Hostname: \"]\" is not a host name\n"},
	{G "Domain \"*.a.b\" { }\n", "t:2:8: error: Domain \"*.a.b\" is not a domain: a pattern is a regular expression between "
		"slashes, \"/\\.example\\.com$/\"\n"},
	{G "Domain a..b { }\n", "t:2:8: error: Domain \"a..b\" is not a domain\n"},
	/* the column counts octets, a tab is one */
	{G "\t\tClock = gps", "t:2:11: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	{G "/* \xc3\xbc */ Clock = gps", "t:2:18: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	{G "/*\n\n*/ Clock = gps", "t:4:12: error: Clock: \"gps\" is not one of rtc, ntp\n"},
	/* all of one run, in order */
	{"Gatway = x\nClock = gps\nDomain \"a b\" { }\nHostname = -\n", "t:1:1: error: unknown option \"Gatway\": is Gateway meant?\n"
		"t:2:9: error: Clock: \"gps\" is not one of rtc, ntp\nt:3:8: error: Domain \"a b\" is not a domain\n"
		"t:4:12: error: Hostname: \"-\" is not a host name\n"},
	/* a gateway in error is not called missing, too */
	{"Gateway = a_b..c", "t:1:11: error: Gateway: \"a_b..c\" is neither an address nor a host name\n"},
};

static void test_include(void)
{
	static const struct mem_file beside[] = {{"/etc/gp/t", "include \"sub/a\""},
		{"/etc/gp/sub/a", "include \"b\" Domain x.y { include 'b' }"}, {"/etc/gp/sub/b", "Gateway = right"},
		{"/etc/gp/b", "Gateway = wrong"}, {NULL, NULL}};
	static const struct mem_file fall_back[] = {{"/etc/gp/t", "include \"sub/a\""}, {"/etc/gp/sub/a", "include \"b\""},
		{"/etc/gp/b", "Gateway = main"}, {NULL, NULL}};
	static const struct mem_file folder[] = {{"t", "include \"d\""}, {"d/20", "Gateway = d20"}, {"d/10", "Gateway = d10"},
		{"d/.30", "Gateway = dot"}, {"d/sub/40", "Gateway = sub"}, {"d/9", "Hostname = nine"}, {NULL, NULL}};
	static const struct mem_file slash[] = {{"t", "Include \"d/\""}, {"d/1", "Gateway = one"}, {NULL, NULL}};
	static const struct mem_file absolute[] = {{"x/t", "include \"/e/f\""}, {"/e/f", "Gateway = abs"}, {NULL, NULL}};
	static const struct mem_file scopes[] = {{"t", G "ESMTP_Listener { include \"l\" } Binding b { include \"i\" include \"i\" }"},
		{"l", "Listen \":26\" { include \"p\" }"}, {"p", "Peer 10.0.0.1 { include \"o\" }"}, {"o", "Peer_Sessions = 3"},
		{"i", "Idle_Timeout = 9s"}, {NULL, NULL}};
	static const struct mem_file errors[] = {{"t", "include \"d\"\ninclude \"none\"\ninclude \"/dev/zero\"\ninclude\ninclude \"\"\n"},
		{"d/a", "\n Clock = gps"}, {"d/b", "}\nDomain x.y {"}, {NULL, NULL}};
	static const struct mem_file unreadable[] = {{"t", NULL}, {NULL, NULL}};
	static char longest[2200];
	static const struct mem_file itself[] = {{"t", G "include \"t\""}, {NULL, NULL}};
	static const struct mem_file circle[] = {{"t", G "include \"a\""}, {"a", "include \"b\""}, {"b", "include \"a\""}, {NULL, NULL}};

	ok(load_files(beside) == CONF_OK, "a file beside the including one");
	is_str(eval("gateway"), "Gateway = \"right\"", "... is taken first");
	is_str(eval("domain x.y gateway"), "Gateway = \"right\"", "... in a Domain, too");
	ok(load_files(fall_back) == CONF_OK, "else one beside the main file");
	is_str(eval("gateway"), "Gateway = \"main\"", "... is taken");
	ok(load_files(folder) == CONF_OK, "a folder");
	is_str(eval("gateway"), "Gateway = \"d20\"", "... in order, no dot files, no folders in it");
	is_str(eval("hostname"), "Hostname = \"nine\"", "... all files");
	ok(load_files(slash) == CONF_OK, "a folder with a slash");
	is_str(eval("gateway"), "Gateway = \"one\"", "... is the same");
	ok(load_files(absolute) == CONF_OK, "a whole path");
	is_str(eval("gateway"), "Gateway = \"abs\"", "... is taken as it is");
	ok(load_files(scopes) == CONF_OK && !said[0], "in any scope, and twice");
	is_str(eval("listen :26 peer 10.0.0.1 peer_sessions"), "Peer_Sessions = 3", "... down to a Peer");
	is_str(eval("binding b idle_timeout"), "Idle_Timeout = 9s", "... in a Binding");
	load_files(errors);
	is_str(said,
		"d/a:2:10: error: Clock: \"gps\" is not one of rtc, ntp\n"
		"d/b:1:1: error: } without {\nd/b:2:12: error: this { is not closed\n"
		"t:2:9: error: there is no file or folder none\nt:3:9: error: /dev/zero is neither a file nor a folder\n"
		"t:4:1: error: include wants the name of a file or folder\n"
		"t:5:1: error: include wants the name of a file or folder\n"
		"t:1:1: error: there is no gateway: write Gateway = \"HOST\", the host that takes all mail\n",
		"errors name the file");
	ok(load_files(unreadable) == CONF_BAD &&
			strstr(said, "t:1:1: error: cannot be read: no such file\n") == said, "a main file that cannot be read");
	snprintf(longest, sizeof(longest), G "include \"d/%0990d\" ESMTP_Listener { include \"%0990d\" }", 1, 1);
	ok(load(longest) == CONF_BAD && strstr(said, "error: there is no file or folder d/000"), "a long name");
	load_files(itself);
	is_str(said, "t:2:9: error: t includes itself\n", "a file that includes itself");
	load_files(circle);
	is_str(said, "b:1:9: error: a includes itself\n", "files that include each other");
}

static void test_depth(void)
{
	static struct mem_file files[CONFIG_CONF_INCLUDE_DEPTH + 3];
	static char names[CONFIG_CONF_INCLUDE_DEPTH + 3][8], texts[CONFIG_CONF_INCLUDE_DEPTH + 3][40];
	const unsigned most = CONFIG_CONF_INCLUDE_DEPTH;

	for (unsigned i = 0; i <= most; i++) {
		snprintf(names[i], sizeof(names[i]), "f%u", i);
		snprintf(texts[i], sizeof(texts[i]), "include \"f%u\"", i + 1);
		files[i] = (struct mem_file){names[i], texts[i]};
	}
	snprintf(texts[most - 1], sizeof(texts[0]), G);
	ok(load_files(files) == CONF_OK, "%u files that include each other", most);
	snprintf(texts[most - 1], sizeof(texts[0]), "include \"f%u\"", most);
	snprintf(texts[most], sizeof(texts[0]), G);
	ok(load_files(files) == CONF_BAD && strstr(said, "too many files include each other"), "one more is too many");
}

static void test_long(void)
{
	static char text[40000];
	size_t n = 0;

	n += (size_t)sprintf(text, G "Control_Socket = \"/");
	memset(text + n, 'a', 2000);
	strcpy(text + n + 2000, "\"\nClock = gps\n");
	ok(load(text) == CONF_BAD && strstr(said, "t:2:18: error: a value has at most 1000 octets\n") &&
			strstr(said, "t:3:9: error: Clock"), "a value of 2,001 octets");
	n = (size_t)sprintf(text, G "Clock = ");
	memset(text + n, 'a', 161);
	strcpy(text + n + 161, "\n");
	load(text);
	ok(strstr(said, "aaaa...\" is not one of rtc, ntp\n") && strspn(strchr(said, '"') + 1, "a") == 160,
		"a value of 161 octets is shown without the last one");
	text[n + 160] = '\n';
	load(text);
	ok(strstr(said, "aaaa\" is not one of rtc, ntp\n") && strspn(strchr(said, '"') + 1, "a") == 160, "... one of 160 whole");
	is_num(load("\"a\tb\" = 1\n"), CONF_BAD, "a tab in quotes");
	ok(strstr(said, "\"a?b\""), "... is shown as a question mark");
	n = 0;
	for (unsigned i = 0; i < 150; i++)
		n += (size_t)sprintf(text + n, "X = 1\n");
	load(text);
	n = 0;
	for (const char *s = said; (s = strstr(s, "error: unknown option")) != NULL; s++)
		n++;
	is_num(n, 100, "100 errors are told");
	ok(strstr(said, "t:100:1: error: too many errors: the rest is not looked at\n"), "... and that there are more");
	n = 0;
	for (unsigned i = 0; i < 1500; i++)
		n += (size_t)sprintf(text + n, "Binding b { ");
	ok(load(text) == CONF_BAD && strstr(said, "is not closed"), "1,500 braces within each other");
	memset(text, '(', sizeof(text) - 1);
	ok(load(text) == CONF_BAD, "brackets only");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (lacks_patterns(good[i].text))
			continue;
		ok(load(good[i].text) == CONF_OK && !said[0], "%s", good[i].what);
		if (said[0])
			printf("# %s\n", said);
		else if (good[i].answer)
			is_str(eval(good[i].ask), good[i].answer, "... %s", good[i].ask);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(load(bad[i].text) == CONF_BAD, "refused: %s", bad[i].said);
		is_str(said, bad[i].said, "... in these words alone");
	}
	test_include();
	test_depth();
	test_long();
	return done();
}
