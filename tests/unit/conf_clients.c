/* SPDX-License-Identifier: ISC */
/* TLS and logins towards the LAN: listeners with certificates, STARTTLS, AUTH, users. */
#include "lib/conf_load.h"

TAP_GP_BUG

#define G "Gateway = gw\n"
#define PAIR "TLS_Certificate = c TLS_Key = k "
#define USER "Auth_User scanner { Password = \"p\" }\n"
#define CLEAR "Auth_Requires_TLS = false "
#define L(listens) "ESMTP_Listener { " listens " }\n"

static struct conf_receive at(uint32_t listen, const char *peer)
{
	struct inet_addr addr;
	struct conf_receive r;

	if (peer && !inet_parse_addr(bytes_of(peer), &addr))
		abort();
	conf_receive(&conf, listen, peer ? addr.a : NULL, &r);
	return r;
}

/* --- listeners --- */

static void test_listeners(void)
{
	loads(G PAIR L("Listen :25 {} Listen :465 { Use_SSL = yes } Listen :26 { TLS_Certificate = none TLS_Key = none } "
		"Listen :27 { TLS_Certificate = c2 TLS_Key = k2 }"));
	is_str(conf.listen[0].tls_certificate, "c", "a certificate for all");
	is_str(conf.listen[0].tls_key, "k", "... and its key");
	ok(!conf.listen[0].use_ssl && conf.listen[1].use_ssl, "TLS from the first octet");
	ok(conf.listen[0].tls_certificate == conf.listen[1].tls_certificate, "one name is one string");
	ok(!conf.listen[2].tls_certificate && !conf.listen[2].tls_key, "none here");
	is_str(conf.listen[3].tls_certificate, "c2", "another one here");
	is_str(eval("listen :27 tls_key"), "TLS_Key = \"k2\"", "... as eval tells");
	is_str(eval("listen :25 tls_key"), "TLS_Key = \"k\"", "... and the one for all");
	is_str(eval("listen :465 use_ssl"), "Use_SSL = yes", "Use_SSL");
	ok(at(0, NULL).starttls && !at(2, NULL).starttls && at(3, NULL).starttls, "STARTTLS where there is a certificate");
	ok(!at(CONF_LISTEN_NONE, NULL).starttls, "... not through no listener");
	is_str(eval("listen :26 starttls"), "Starttls = no", "... as eval tells");
	is_str(eval("listen :27 starttls"), "Starttls = yes", "... of both");
	loads(G PAIR L("Listen :26 { Peer 10.0.0.1 { Starttls = no } } Peer 10.0.0.2 { Starttls = no }") "Starttls = yes");
	ok(at(0, "10.0.0.3").starttls, "STARTTLS");
	ok(!at(0, "10.0.0.1").starttls && !at(0, "10.0.0.2").starttls, "... is hidden from some");
	loads(G L(PAIR "Listen :26 {}"));
	is_str(conf.listen[0].tls_key, "k", "a certificate in ESMTP_Listener");
	loads(G PAIR);
	is_str(conf.listen[0].tls_key, "k", "... and for the listener by default");
}

/* --- users --- */

static void test_users(void)
{
	const struct conf_auth_user *u;

	loads(G "Auth_User \"scan ner\" { Password = \"p w\" Binding = b }\nAuth_User x { Password = y }\nBinding b {}\n"
		"Auth_User z { Password = p Binding = default }\n" CLEAR);
	is_num(conf.auth_users, 3, "three users");
	u = conf_auth_user(&conf, BYTES("scan ner"));
	ok(u && bytes_same(u->password, BYTES("p w")), "one by its name, with its password");
	ok(u && u->has_binding && bytes_same(conf_binding_name(&conf, u->binding), BYTES("b")), "... and its binding");
	u = conf_auth_user(&conf, BYTES("x"));
	ok(u && !u->has_binding && u->binding == CONF_BINDING_DEFAULT, "one without a binding");
	u = conf_auth_user(&conf, BYTES("z"));
	ok(u && u->has_binding && u->binding == CONF_BINDING_DEFAULT, "... one with the default one");
	ok(!conf_auth_user(&conf, BYTES("X")) && !conf_auth_user(&conf, BYTES("")), "case counts");
	is_str(eval("auth_user \"scan"), "bad: there is no Auth_User \"\"scan\"", "eval knows no such user");
	is_str(eval("auth_user x password"), "Password = \"***\"", "... and shows no password");
	is_str(eval("auth_user z binding"), "Binding = \"default\"", "... but the binding");
	is_str(eval("auth_user x binding"), "unset", "... where it is set");
	is_str(eval("auth_user z"), "Binding = \"default\"\nPassword = \"***\"\n", "... all of a user");
	is_str(eval("auth_user z gateway"), "bad: Gateway is not an option of Auth_User", "... and no more");
	is_str(eval("auth_user z binding b gateway"), "bad: Auth_User goes with no other scope", "a user is no place of sending");
	is_str(eval("password"), "bad: Password is not an option at global scope", "nor is global scope a user");
	loads(G USER CLEAR);
	is_num(at(0, NULL).auth, CONF_AUTH_YES, "AUTH where there are users");
	is_str(eval("auth"), "Auth = yes", "... as eval tells");
	loads(G USER "Auth = no");
	is_num(at(0, NULL).auth, CONF_AUTH_NO, "... unless it is turned off");
	loads(G "Auth = any");
	is_num(at(0, "10.0.0.1").auth, CONF_AUTH_ANY, "any password");
	loads(G);
	is_num(at(0, NULL).auth, CONF_AUTH_NO, "no AUTH without users");
	ok(at(0, NULL).auth_requires_tls, "passwords want TLS");
	loads(G USER PAIR L("Listen :25 { Peer 10.0.0.1 { " CLEAR "} }"));
	ok(at(0, NULL).auth_requires_tls && !at(0, "10.0.0.1").auth_requires_tls, "... but for some");
}

static void test_round(void)
{
	static char first[sizeof(printed)];

	loads(G "Binding b {}\nAuth_User 'a \"b\\' { Password = 'x\"y\\' Binding = b }\n" PAIR USER);
	snprintf(first, sizeof(first), "%s", print_all(&conf));
	ok(load(first) == CONF_OK, "printed, it loads again");
	is_str(print_all(&conf), first, "... to the same");
	ok(conf_auth_user(&conf, BYTES("a \"b\\")) &&
			bytes_same(conf_auth_user(&conf, BYTES("a \"b\\"))->password, BYTES("x\"y\\")), "... passwords too");
}

/* --- what is refused, or warned of --- */

#define NAME_WRONG "the name of an Auth_User has 1 to 128 octets, without control characters"
#define NOT_OFFERED "warning: AUTH is not offered without TLS: set TLS_Certificate and TLS_Key, or Auth_Requires_TLS = false"

static const struct {
	const char *text, *said;
} said_of[] = {
	{G "TLS_Certificate = c", "t:2:19: error: TLS_Certificate without TLS_Key: name the file with its private key"},
	{G "TLS_Key = k", "t:2:11: error: TLS_Key without TLS_Certificate: name the file with the certificate (gatepost cert "
		"makes both)"},
	{G L("Listen :25 { TLS_Key = k } Listen :26 {}"), "t:2:41: error: TLS_Key without TLS_Certificate: name the file with the "
		"certificate (gatepost cert makes both)"},
	{G PAIR L("Listen :25 { TLS_Key = none } Listen :26 {}"), "t:2:19: error: TLS_Certificate without TLS_Key: name the file "
		"with its private key"},
	{G "TLS_Certificate = \"\"", "t:2:19: error: TLS_Certificate: \"\" is not the name of a file"},
	{G L("Use_SSL = yes Listen :25 {} Listen :26 {}"), "t:2:28: error: Use_SSL wants TLS_Certificate and TLS_Key: gatepost "
		"cert makes them"},
	{G L("Listen :25 { Use_SSL = yes }"), "t:2:41: error: Use_SSL wants TLS_Certificate and TLS_Key: gatepost cert makes them"},
	{G "Starttls = yes", "t:2:12: error: Starttls wants TLS_Certificate and TLS_Key: gatepost cert makes them"},
	{G L("Listen :25 { Starttls = yes } Listen :26 { " PAIR "}"), "t:2:42: error: Starttls wants TLS_Certificate and TLS_Key: "
		"gatepost cert makes them"},
	{G L("Listen :25 { Peer 10.0.0.1 { Starttls = yes } }"), "t:2:58: error: Starttls wants TLS_Certificate and TLS_Key: "
		"gatepost cert makes them"},
	{G "Auth = yes", "t:2:8: error: Auth = yes wants an Auth_User: write Auth_User \"name\" { Password = ... }"},
	{G L("Peer 10.0.0.1 { Auth = yes }"), "t:2:41: error: Auth = yes wants an Auth_User: write Auth_User \"name\" { Password = "
		"... }"},
	{G CLEAR "Auth_User u { }", "t:2:37: error: Auth_User \"u\" has no Password"},
	{G CLEAR "Auth_User u { Password = \"\" }", "t:2:52: error: Password is empty"},
	{G CLEAR USER USER, "t:3:11: error: there is an Auth_User \"scanner\" already"},
	{G CLEAR "Auth_User \"\" { Password = p }", "t:2:37: error: " NAME_WRONG},
	{G CLEAR "Auth_User { Password = p }", "t:2:27: error: Auth_User wants a name: Auth_User \"...\" { ... }"},
	{G CLEAR "Auth_User u { Password = p Binding = x }", "t:2:64: error: there is no Binding \"x\": write Binding \"x\" { ... } at "
		"global scope or in a Binding_Group"},
	{G CLEAR "Auth_User u { Password = p Max_Message_Size = 1 }", "t:2:54: error: Max_Message_Size is not valid in Auth_User: it "
		"is valid in Peer, Listen, ESMTP_Listener and at global scope"},
	{G "Password = p", "t:2:1: error: Password is not valid at global scope: it is valid in Auth_User"},
	{G L("Auth_User u { Password = p }"), "t:2:18: error: Auth_User is not valid in ESMTP_Listener: it is valid at global "
		"scope"},
	{G USER, "t:2:11: " NOT_OFFERED},
	{G USER "Auth = yes", "t:2:11: " NOT_OFFERED},
	{G USER L("Listen :25 { Auth = yes } Listen :26 { " PAIR "}"), "t:3:38: " NOT_OFFERED},
	{G L("Listen :465 { " PAIR "}"), "t:2:25: warning: at port 465 clients begin with TLS: Use_SSL = yes"},
};

static const char *const fine[] = {
	G USER PAIR,
	G USER L("Listen :25 {} Listen :587 { " PAIR "}"),
	G USER L("Listen :25 { Auth = yes " CLEAR "} Listen :587 { " PAIR "}"),
	G USER "Auth = no",
	G USER "Auth = any",
	G "Auth = any",
	G "Auth = any Relay_Hosts = \"0.0.0.0/0\" Open_Relay = true",
	G "Starttls = no",
	G L("Listen :25 { Enable = no TLS_Key = k } Listen :26 { }"),
	G PAIR L("Listen :465 { Use_SSL = true } Starttls = yes"),
};

static void test_rules(void)
{
	char text[600];

	for (size_t i = 0; i < sizeof(said_of) / sizeof(said_of[0]); i++) {
		bool error = strstr(said_of[i].said, ": error: ") != NULL;

		ok((load(said_of[i].text) == CONF_BAD) == error, "%s: %s", error ? "refused" : "warned of", said_of[i].said);
		snprintf(text, sizeof(text), "%s\n", said_of[i].said);
		is_str(said, text, "... and no more is said");
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		loads(fine[i]);
	snprintf(text, sizeof(text), G CLEAR "Auth_User \"%0128d\" { Password = p }", 1);
	loads(text);
	snprintf(text, sizeof(text), G CLEAR "Auth_User \"%0129d\" { Password = p }", 1);
	ok(load(text) == CONF_BAD && strstr(said, NAME_WRONG), "a name of 129 octets");
}

/* --- files --- */

static char looked[400];

static const char *mem_look(void *ctx, enum conf_file what, const char *path, const char *other)
{
	static const char *const names[] = {"conf", "ca", "certificate", "key"};
	size_t n = strlen(looked);

	(void)ctx;
	snprintf(looked + n, sizeof(looked) - n, "%s %s %s\n", names[what], path, other ? other : "-");
	if (strcmp(path, "none") == 0)
		return "no such file";
	if (what == CONF_FILE_KEY && strcmp(path, "open") == 0)
		return "!others can read it";
	return what == CONF_FILE_KEY && strcmp(path, "k") != 0 ? "the key does not fit the certificate" : NULL;
}

static void test_files(void)
{
	conf_src.look = mem_look;
	loads(G PAIR L("Listen :25 {} Listen :26 {}"));
	is_str(looked, "certificate c -\nkey k c\n", "certificate and key are looked at once");
	looked[0] = '\0';
	load(G "TLS_Certificate = \"none\" TLS_Key = k");
	load(G "TLS_Certificate = ./none TLS_Key = k");
	load(G "TLS_Certificate = c TLS_Key = other");
	is_str(said, "t:2:31: error: TLS_Key: other: the key does not fit the certificate\n", "a key of another certificate");
	load(G "TLS_Certificate = c TLS_Key = open");
	is_str(said, "t:2:31: warning: TLS_Key: open: others can read it\n", "a key that others can read");
	load(G PAIR L("Listen :26 { TLS_Certificate = \"d\" TLS_Key = open } Listen :27 {}"));
	is_str(said, "t:2:95: warning: TLS_Key: open: others can read it\n", "... of one listener");
	loads(G L("Listen :25 { Enable = no " PAIR "} Listen :26 {}"));
	conf_src.look = NULL;
}

static void test_without(void)
{
	ok(load(G USER) == CONF_BAD && strstr(said, "t:2:11: error: Auth_User is not built into this gatepost\n") == said,
		"no users in this build");
	ok(load(G "Auth = yes") == CONF_BAD && strstr(said, "is not built into this gatepost\n"), "no logins");
	loads(G "Auth = no");
}

int main(void)
{
	load(G);
	if (ON(CONFIG_TLS) && ON(CONFIG_SERVER_AUTH)) {
		test_listeners();
		test_users();
		test_round();
		test_rules();
		test_files();
	} else if (!ON(CONFIG_SERVER_AUTH)) {
		test_without();
	} else {
		loads(G USER CLEAR);
	}
	return done();
}
