/* SPDX-License-Identifier: ISC */
/* TLS and logins towards gateways: what the options take, what is in force, what is refused. */
#include "conf/option.h"
#include "lib/conf_load.h"

TAP_GP_BUG

#define G "Gateway = gw\n"
#define LOGIN "Outbound_SMTP_AUTH_User = \"u@example.com\" Outbound_SMTP_AUTH_Pass = \"p w\"\n"
#define TOKEN "Outbound_SMTP_AUTH_User = \"u@example.com\" OAuth2_Client_Id = id\n"
#define ALLOW " Outbound_SMTP_AUTH_Allow_Plaintext = true"
#define CA "/etc/ssl/certs/ca-certificates.crt"
#define B64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

/* --- values --- */

/* What is written behind a Gateway, and what eval makes of it. */
static const struct {
	const char *text, *ask, *answer;
} good[] = {
	/* TLS: by port, by login */
	{"", "tls", "TLS = ifavailable"},
	{"TLS = auto", "tls", "TLS = ifavailable"},
	{LOGIN, "tls", "TLS = required"},
	{"Remote_SMTP_Port = 465", "tls", "TLS = implicit"},
	{"Gateway = \"gw:465\" " LOGIN, "tls", "TLS = implicit"},
	{"TLS = No", "tls", "TLS = no"},
	{"TLS = off", "tls", "TLS = no"},
	{"TLS = Required", "tls", "TLS = required"},
	{"TLS = implicit Remote_SMTP_Port = 2465", "tls", "TLS = implicit"},
	{"TLS = required Domain d.e { TLS = auto }", "domain d.e tls", "TLS = ifavailable"},
	{"Domain d.e { TLS = implicit Remote_SMTP_Port = 465 }", "domain d.e tls", "TLS = implicit"},
	{"Binding b { " LOGIN " }", "binding b tls", "TLS = required"},
	{"Binding b { " LOGIN " }", "tls", "TLS = ifavailable"},
	{"", "tls_verify", "TLS_Verify = no"},
	{"TLS = required", "tls_verify", "TLS_Verify = host"},
	{"TLS = implicit Remote_SMTP_Port = 465", "tls_verify", "TLS_Verify = no"},
	{LOGIN, "tls_verify", "TLS_Verify = host"},
	{LOGIN "TLS_Verify = no", "tls_verify", "TLS_Verify = no"},
	{LOGIN "TLS_Verify = no Domain d.e { TLS_Verify = auto }", "domain d.e tls_verify", "TLS_Verify = host"},
	{"TLS = required TLS_Verify = CA", "tls_verify", "TLS_Verify = ca"},
	{"", "tls_name", "TLS_Name = \"gw\""},
	{"TLS_Name = mx.example.net.", "tls_name", "TLS_Name = \"mx.example.net.\""},
	{"TLS_Name = 192.0.2.1", "tls_name", "TLS_Name = \"192.0.2.1\""},
	{"TLS_Name = \"[2001:db8::1]\"", "tls_name", "TLS_Name = \"[2001:db8::1]\""},
	{"TLS_Name = none", "tls_name", "TLS_Name = none"},
	{"", "tls_ca", "TLS_CA = \"" CA "\""},
	{"TLS_CA = ca.pem", "tls_ca", "TLS_CA = \"ca.pem\""},
	{"", "tls_pin", "unset"},
	{"TLS = required TLS_Pin = \"sha256:" B64 "\"", "tls_pin", "TLS_Pin = ( \"sha256:" B64 "\" )"},
	{"TLS = required TLS_Pin = ( SHA256:" HEX " \"sha256:" B64 "\" )", "tls_pin",
		"TLS_Pin = ( \"SHA256:" HEX "\" \"sha256:" B64 "\" )"},
	{"TLS_Pin = none", "tls_pin", "TLS_Pin = none"},
	{"", "tls_protocols", "TLS_Protocols = \"1.2 1.3\""},
	{"TLS_Protocols = 1.3", "tls_protocols", "TLS_Protocols = \"1.3\""},
	{"TLS_Protocols = \"TLSv1.3  tls1.2\"", "tls_protocols", "TLS_Protocols = \"1.2 1.3\""},
	/* logins: no secret is shown */
	{"", "outbound_smtp_auth_type", "Outbound_SMTP_AUTH_Type = auto"},
	{"Outbound_SMTP_AUTH_Type = plain", "outbound_smtp_auth_type", "Outbound_SMTP_AUTH_Type = PLAIN"},
	{"Outbound_SMTP_AUTH_Type = auto", "outbound_smtp_auth_type", "Outbound_SMTP_AUTH_Type = auto"},
	{"", "outbound_smtp_auth_user", "unset"},
	{LOGIN, "outbound_smtp_auth_user", "Outbound_SMTP_AUTH_User = \"u@example.com\""},
	{LOGIN, "outbound_smtp_auth_pass", "Outbound_SMTP_AUTH_Pass = \"***\""},
	{"", "outbound_smtp_auth_pass", "unset"},
	{"", "outbound_smtp_auth_allow_plaintext", "Outbound_SMTP_AUTH_Allow_Plaintext = false"},
	/* what depends on a login */
	{LOGIN, "max_outbound_connections", "Max_Outbound_Connections = 2"},
	{LOGIN "Max_Outbound_Connections = 7", "max_outbound_connections", "Max_Outbound_Connections = 7"},
	{LOGIN "Max_Outbound_Connections = none", "max_outbound_connections", "Max_Outbound_Connections = none"},
	{LOGIN "Domain d.e { Outbound_SMTP_AUTH_User = none }", "domain d.e max_outbound_connections",
		"Max_Outbound_Connections = 20"},
	{LOGIN "Domain d.e { Outbound_SMTP_AUTH_User = none }", "domain d.e tls", "TLS = ifavailable"},
	{LOGIN, "outbound_throttle_messages", "Outbound_Throttle_Messages = \"2000/86400\""},
	{LOGIN "Outbound_Throttle_Messages = none", "outbound_throttle_messages", "Outbound_Throttle_Messages = none"},
	{"", "outbound_throttle_messages", "Outbound_Throttle_Messages = none"},
};

static const struct {
	const char *text, *ask, *answer;
} good_tokens[] = {
	{"", "oauth2_provider", "OAuth2_Provider = none"},
	{TOKEN "OAuth2_Provider = Microsoft", "oauth2_provider", "OAuth2_Provider = microsoft"},
	{TOKEN "OAuth2_Provider = microsoft", "oauth2_grant", "OAuth2_Grant = device"},
	{TOKEN "OAuth2_Provider = google", "oauth2_grant", "OAuth2_Grant = code"},
	{TOKEN "OAuth2_Provider = google OAuth2_Grant = auto", "oauth2_grant", "OAuth2_Grant = code"},
	{TOKEN "OAuth2_Token_URL = \"https://a.b/t\" OAuth2_Client_Secret = s", "oauth2_grant", "OAuth2_Grant = client"},
	{"", "oauth2_grant", "unset"},
	{TOKEN "OAuth2_Provider = microsoft", "oauth2_tenant", "OAuth2_Tenant = \"common\""},
	{TOKEN "OAuth2_Provider = google", "oauth2_tenant", "unset"},
	{TOKEN "OAuth2_Provider = microsoft OAuth2_Tenant = \"contoso.onmicrosoft.com\"", "oauth2_tenant",
		"OAuth2_Tenant = \"contoso.onmicrosoft.com\""},
	{TOKEN "OAuth2_Provider = microsoft OAuth2_Grant = client OAuth2_Client_Secret = s "
		"OAuth2_Tenant = 0f8fad5b-d9cb-469f-a165-70867728950e", "oauth2_client_secret", "OAuth2_Client_Secret = \"***\""},
	{TOKEN "OAuth2_Provider = google OAuth2_Refresh_Token = \"1//x\"", "oauth2_refresh_token",
		"OAuth2_Refresh_Token = \"***\""},
	{TOKEN "OAuth2_Provider = google", "tls", "TLS = required"},
	{TOKEN "OAuth2_Provider = google", "max_outbound_connections", "Max_Outbound_Connections = 2"},
	{TOKEN "OAuth2_Provider = google OAuth2_Scope = \"https://mail.google.com/\"", "oauth2_scope",
		"OAuth2_Scope = \"https://mail.google.com/\""},
	{TOKEN "OAuth2_Token_URL = \"https://[::1]:8443/t?x=%20\" OAuth2_Refresh_Token = r", "oauth2_token_url",
		"OAuth2_Token_URL = \"https://[::1]:8443/t?x=%20\""},
	/* a password and a token: which one is said */
	{LOGIN "OAuth2_Provider = google OAuth2_Client_Id = i Outbound_SMTP_AUTH_Type = LOGIN", "oauth2_grant", "unset"},
	{LOGIN "OAuth2_Provider = google OAuth2_Client_Id = i Outbound_SMTP_AUTH_Type = XOAUTH2", "oauth2_grant",
		"OAuth2_Grant = code"},
};

/* What is written on line 2, the column, and what is said. */
struct wrong {
	const char *text;
	unsigned column;
	const char *error;
};

#define URL_LIKE " is not an address of the web like \"https://login.example.com/token\""

static const struct wrong bad[] = {
	{"TLS_Verify = yes", 14, "TLS_Verify: \"yes\" is not one of auto, no, ca, host"},
	{"TLS_Name = \"a b\"", 12, "TLS_Name: \"a b\" is neither a host name nor an address"},
	{"TLS_Name = \"*.example.com\"", 12, "TLS_Name: \"*.example.com\" is neither a host name nor an address"},
	{"TLS_CA = \"\"", 10, "TLS_CA: \"\" is not the name of a file"},
	{"TLS_CA = \"/etc/ssl/\"", 10, "TLS_CA: \"/etc/ssl/\" is not the name of a file"},
	{"TLS_Pin = abc", 11, "TLS_Pin: \"abc\" is not \"sha256:\" and a SHA-256 in base64 or in 64 hex digits"},
	{"TLS_Pin = sha256:00", 11, "TLS_Pin: \"sha256:00\" is not \"sha256:\" and a SHA-256 in base64 or in 64 hex digits"},
	{"TLS_Pin = \"sha1:" B64 "\"", 11, "TLS_Pin: \"sha1:" B64 "\" is not \"sha256:\" and a SHA-256 in base64 or in 64 hex "
		"digits"},
	{"TLS_Pin = ( )", 1, "TLS_Pin is an empty list: write none to unset it"},
	{"TLS_Protocols = 1.1", 17, "TLS_Protocols: \"1.1\" is not known here: TLS 1.2 and 1.3 only, \"1.2 1.3\""},
	{"TLS_Protocols = \"1.0 1.2\"", 17, "TLS_Protocols: \"1.0 1.2\" is not known here: TLS 1.2 and 1.3 only, \"1.2 1.3\""},
	{"TLS_Protocols = SSLv3", 17, "TLS_Protocols: \"SSLv3\" is not known here: TLS 1.2 and 1.3 only, \"1.2 1.3\""},
	{"TLS_Protocols = \"\"", 17, "TLS_Protocols wants \"1.2\", \"1.3\" or \"1.2 1.3\""},
	{"Outbound_SMTP_AUTH_Type = NTLM", 27, "Outbound_SMTP_AUTH_Type: \"NTLM\" is not one of auto, PLAIN, LOGIN, CRAM-MD5, "
		"SCRAM-SHA-256, XOAUTH2"},
	{"Outbound_SMTP_AUTH_User = \"\"", 27, "Outbound_SMTP_AUTH_User is empty: write none to unset it"},
	{"Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Pass = \"\"", 55, "Outbound_SMTP_AUTH_Pass is empty"},
	/* a half login */
	{"Outbound_SMTP_AUTH_User = u", 27, "Outbound_SMTP_AUTH_User without Outbound_SMTP_AUTH_Pass: a login wants both"},
	{"Outbound_SMTP_AUTH_Pass = p", 27, "Outbound_SMTP_AUTH_Pass without Outbound_SMTP_AUTH_User: a login wants both"},
	{"Domain d.e { Outbound_SMTP_AUTH_User = u }", 40, "Outbound_SMTP_AUTH_User without Outbound_SMTP_AUTH_Pass: a login "
		"wants both"},
	/* a login in clear text */
	{"TLS = no Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Pass = p", 7, "TLS = no with a login, which would leave in "
		"clear text: write TLS = required, or Outbound_SMTP_AUTH_Allow_Plaintext = true"},
	{"Domain d.e { TLS = no } Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Pass = p", 20, "TLS = no with a login, which "
		"would leave in clear text: write TLS = required, or Outbound_SMTP_AUTH_Allow_Plaintext = true"},
	{"TLS = no Binding b { Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Pass = p }", 7, "TLS = no with a login, which "
		"would leave in clear text: write TLS = required, or Outbound_SMTP_AUTH_Allow_Plaintext = true"},
};

static const struct wrong bad_tokens[] = {
	{"OAuth2_Provider = yahoo", 19, "OAuth2_Provider: \"yahoo\" is not one of none, microsoft, google"},
	{"OAuth2_Grant = implicit", 16, "OAuth2_Grant: \"implicit\" is not one of auto, device, code, client"},
	{"OAuth2_Tenant = \"a/b\"", 17, "OAuth2_Tenant: \"a/b\" is neither the id nor the domain of a directory"},
	{"OAuth2_Token_URL = \"http://a.b/token\"", 20, "OAuth2_Token_URL: \"http://a.b/token\" does not begin with https://: "
		"secrets are sent there, so it must be TLS"},
	{"OAuth2_Token_URL = a.b", 20, "OAuth2_Token_URL: \"a.b\" does not begin with https://: secrets are sent there, so it "
		"must be TLS"},
	{"OAuth2_Token_URL = \"https://\"", 20, "OAuth2_Token_URL: \"https://\"" URL_LIKE},
	{"OAuth2_Token_URL = \"https://u:p@a.b/t\"", 20, "OAuth2_Token_URL: \"https://u:p@a.b/t\"" URL_LIKE},
	{"OAuth2_Token_URL = \"https://a.b/t t\"", 20, "OAuth2_Token_URL: \"https://a.b/t t\"" URL_LIKE},
	{"OAuth2_Token_URL = \"https://a.b/t#x\"", 20, "OAuth2_Token_URL: \"https://a.b/t#x\"" URL_LIKE},
	{"OAuth2_Token_URL = \"https://a.b:0/t\"", 20, "OAuth2_Token_URL: \"https://a.b:0/t\"" URL_LIKE},
	{"OAuth2_Token_URL = \"https://::1/t\"", 20, "OAuth2_Token_URL: \"https://::1/t\"" URL_LIKE},
	{"OAuth2_Provider = google", 19, "OAuth2_Provider without Outbound_SMTP_AUTH_User: the login wants the name of the "
		"mailbox"},
	{"Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Type = XOAUTH2 OAuth2_Client_Id = i", 82, "a login with OAuth 2.0 "
		"wants OAuth2_Provider = microsoft or google, or OAuth2_Token_URL"},
	{"Outbound_SMTP_AUTH_User = u OAuth2_Provider = google", 47, "a login with OAuth 2.0 wants OAuth2_Client_Id, the id of "
		"an application that you register with the provider"},
	{"Outbound_SMTP_AUTH_User = u OAuth2_Client_Id = i OAuth2_Provider = google OAuth2_Grant = device", 90, "Google allows "
		"no mail with OAuth2_Grant = device: write code, and run gatepost login"},
	{"Outbound_SMTP_AUTH_User = u OAuth2_Client_Id = i OAuth2_Provider = google OAuth2_Client_Secret = s "
		"OAuth2_Grant = client", 115, "Google gives no token for mail with OAuth2_Grant = client: write code, and run "
		"gatepost login"},
	{"Outbound_SMTP_AUTH_User = u OAuth2_Client_Id = i OAuth2_Provider = microsoft OAuth2_Tenant = t OAuth2_Grant = client",
		111, "OAuth2_Grant = client wants OAuth2_Client_Secret"},
	{"Outbound_SMTP_AUTH_User = u OAuth2_Client_Id = i OAuth2_Provider = microsoft OAuth2_Client_Secret = s "
		"OAuth2_Grant = client", 118, "OAuth2_Grant = client wants OAuth2_Tenant, the id or domain of the directory"},
	{"Outbound_SMTP_AUTH_User = u OAuth2_Client_Id = i OAuth2_Provider = microsoft OAuth2_Client_Secret = s "
		"OAuth2_Grant = client OAuth2_Tenant = Common", 118, "OAuth2_Grant = client wants OAuth2_Tenant, the id or domain "
		"of the directory"},
	{"Outbound_SMTP_AUTH_User = u OAuth2_Client_Id = i OAuth2_Provider = google Outbound_SMTP_AUTH_Pass = p", 101, "a "
		"password and OAuth2_Provider are both in force: say with Outbound_SMTP_AUTH_Type which of them is meant"},
};

#define IFAVAILABLE " keeps no mail back with TLS = ifavailable, which goes on in clear text where the "

static const struct wrong warnings[] = {
	{"TLS = no TLS_Verify = host", 23, "TLS_Verify has no say where TLS = no"},
	{"TLS = no TLS_Name = a.b", 21, "TLS_Name has no say where TLS = no"},
	{"TLS = no TLS_CA = a", 19, "TLS_CA has no say where TLS = no"},
	{"TLS = no TLS_Pin = sha256:" HEX, 20, "TLS_Pin has no say where TLS = no"},
	{"TLS_Verify = host", 14, "TLS_Verify" IFAVAILABLE "certificate is wrong: TLS = required does"},
	{"TLS = ifavailable TLS_Verify = ca", 32, "TLS_Verify" IFAVAILABLE "certificate is wrong: TLS = required does"},
	{"TLS_Pin = sha256:" HEX, 11, "TLS_Pin" IFAVAILABLE "key is another: TLS = required does"},
	{"TLS = required Remote_SMTP_Port = 465", 7, "at port 465 a gateway waits for TLS from the first octet: TLS = "
		"implicit"},
	{"TLS = ifavailable Remote_SMTP_Port = 465", 7, "at port 465 a gateway waits for TLS from the first octet: TLS "
		"= implicit"},
	{"TLS = no Remote_SMTP_Port = 465", 7, "at port 465 a gateway waits for TLS from the first octet: TLS = implicit"},
	{"TLS = implicit Remote_SMTP_Port = 587", 7, "at ports 25 and 587 a gateway waits for STARTTLS: TLS = required"},
	{"Envelope_From = a@b.c Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Pass = p", 17, "Envelope_From without "
		"Header_From: many gateways with a login refuse mail whose From is not the account's address"},
	{"Header_From = a@b.c Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Pass = p", 15, "Header_From without "
		"Envelope_From: many gateways with a login refuse mail whose envelope sender is not the account's address"},
};

/* Near what is refused or warned of, but right. */
static const char *const fine[] = {
	"TLS = no Domain d.e { " LOGIN " TLS = required }",
	"TLS = no " LOGIN " Outbound_SMTP_AUTH_Allow_Plaintext = true",
	"TLS = ifavailable " LOGIN,
	"TLS = ifavailable TLS_Verify = host " LOGIN,
	LOGIN "Domain d.e { TLS = no Outbound_SMTP_AUTH_User = none }",
	"Domain d.e { Outbound_SMTP_AUTH_User = u } Outbound_SMTP_AUTH_Pass = p Outbound_SMTP_AUTH_User = v",
	"TLS_CA = ca.pem Domain d.e { TLS = no }",
	"TLS_Verify = no",
	"TLS_Verify = auto TLS = ifavailable",
	"TLS = required TLS_Verify = ca Remote_SMTP_Port = 587",
	"TLS = implicit TLS_Verify = host Remote_SMTP_Port = 465",
	"Gateway = \"gw:465\" TLS_Verify = host",
	"Envelope_From = a@b.c Header_From = a@b.c " LOGIN,
	"Envelope_From = a@b.c",
	"Binding b { Envelope_From = a@b.c Outbound_SMTP_AUTH_User = none } " LOGIN,
	"OAuth2_Provider = none OAuth2_Grant = auto",
};

static void try_good(const char *text, const char *ask, const char *answer)
{
	static char all[1000];

	snprintf(all, sizeof(all), G "%s\n", text);
	if (loads(all))
		is_str(eval(ask), answer, "... %s", ask);
}

static void try_wrong(const struct wrong *w, const char *severity)
{
	static char all[1000], want[1000];
	bool error = severity[0] == 'e';

	snprintf(all, sizeof(all), G "%s\n", w->text);
	snprintf(want, sizeof(want), "t:2:%u: %s: %s\n", w->column, severity, w->error);
	ok((load(all) == CONF_BAD) == error, "%s: %s", error ? "refused" : "warned of", w->text);
	is_str(said, want, "... in these words");
}

/* --- what the rest of the relay is told --- */

static struct conf_sending sending_for(const char *domain)
{
	struct conf_sending s;

	conf_sending(&conf, CONF_BINDING_DEFAULT, bytes_of(domain), &s);
	return s;
}

static void test_functions(void)
{
	struct conf_sending s, d;
	uint8_t want[32];

	load(G LOGIN "Domain d.e { Outbound_SMTP_AUTH_User = none }");
	s = sending_for("x");
	d = sending_for("d.e");
	ok(conf_has_login(&s) && !conf_wants_token(&s), "a login with a password");
	is_str(s.login_pass, "p w", "... the password");
	is_num(conf_tls_of(&s, 25), CONF_TLS_REQUIRED, "... wants TLS");
	is_num(conf_tls_of(&s, 465), CONF_TLS_IMPLICIT, "... at port 465 from the first octet");
	is_num(conf_verify_of(&s), CONF_VERIFY_HOST, "... of that very host");
	is_num(s.max_outbound_connections, 2, "... over two connections");
	is_num(s.outbound_throttle_messages.seconds, 86400, "... with a limit a day");
	ok(!conf_has_login(&d) && d.login_pass == s.login_pass, "no user, no login");
	is_num(conf_tls_of(&d, 25), CONF_TLS_IFAVAILABLE, "... TLS where it works");
	is_num(d.outbound_throttle_messages.count, 0, "... no limit");
	is_str(s.tls_ca, CA, "the system's CAs");
	is_str(conf_ca_file(&conf, 0), CA, "... are needed for the login");
	ok(!conf_ca_file(&conf, 1), "... and no others");
	ok(conf_ca_file(&conf, 0) == s.tls_ca && conf_ca_default(&conf) == s.tls_ca, "... one string");
	is_num(s.tls_protocols, 3, "both versions of TLS");

	load(G "TLS = required TLS_Pin = \"sha256:" B64 "\" Domain d.e { TLS_Pin = sha256:" HEX " }");
	s = sending_for("x");
	d = sending_for("d.e");
	for (unsigned i = 0; i < 32; i++)
		want[i] = (uint8_t)i;
	ok(s.tls_pin && s.tls_pin->n == 1 && memcmp(s.tls_pin->pin[0], want, 32) == 0, "a pin");
	ok(memcmp(&s, &d, sizeof(s)) == 0, "... the same in base64 and in hex is one delivery key");
	ok(conf_ca_file(&conf, 0) == conf_ca_default(&conf), "... the CA whose key it is may be one of the default set");

	load(G "TLS_CA = a Domain d.e { TLS = required TLS_CA = b } Domain f.g { TLS = required } Binding x { TLS = no TLS_CA = c }");
	is_str(conf_ca_file(&conf, 0), "b", "the files of CAs that something is verified with");
	is_str(conf_ca_file(&conf, 1), "a", "... each once");
	ok(!conf_ca_file(&conf, 2), "... the others are left out");

	if (ON(CONFIG_OAUTH)) {
		load(G TOKEN "OAuth2_Provider = microsoft");
		s = sending_for("x");
		ok(conf_has_login(&s) && conf_wants_token(&s), "a login with a token");
	}
}

static void test_equal(void)
{
	static const char *const halves[] = {LOGIN, "TLS_CA = a.pem", "TLS_Name = a.b", "TLS_Protocols = 1.3", "TLS = required",
		"Outbound_SMTP_AUTH_Type = LOGIN", "TLS_Name = none"};
	char text[600];
	struct conf_sending a, b, c;

	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		snprintf(text, sizeof(text), G "Domain a.b { %s } Domain c.d { %s }", halves[i], halves[i]);
		load(text);
		a = sending_for("a.b");
		b = sending_for("c.d");
		c = sending_for("e.f");
		ok(memcmp(&a, &b, sizeof(a)) == 0, "equal values, one delivery key: %s", halves[i]);
		if (!strstr(halves[i], "none"))
			ok(memcmp(&a, &c, sizeof(a)) != 0, "... which another has not");
	}
}

static void test_owns(void)
{
	struct conf_sending s;
	char copy[] = "p w";

	load(G LOGIN);
	s = sending_for("x");
	ok(conf_owns(&conf, s.login_pass) && conf_owns(&conf, s.login_user) && conf_owns(&conf, s.tls_ca),
		"strings of the configuration are its own");
	ok(!conf_owns(&conf, copy) && !conf_owns(&conf, NULL) && !conf_owns(&conf, (const char *)conf_mem + conf.memory),
		"... others are not");
	memset(conf_mem + conf.memory - 8, 'x', 8);
	ok(!conf_owns(&conf, (const char *)conf_mem + conf.memory - 4), "... nor what has no end");
}

/* --- files --- */

static void test_paths(void)
{
	static const struct mem_file files[] = {{"/etc/gp/t.conf", G "TLS = required TLS_CA = ca.pem\n"
		"include \"x/y\"\nDomain d.e { TLS_CA = \"/ca.pem\" }"},
		{"/etc/gp/x/y", "Domain f.g { TLS_CA = \"sub/ca.pem\" }"}, {NULL, NULL}};
	static const struct mem_file system[] = {{"t", G "TLS = required"}, {"/etc/ssl/cert.pem", ""}, {NULL, NULL}};
	static const struct mem_file firmware[] = {{"t", G "TLS = required"}, {"/etc/ssl/cert.pem", ""},
		{"/usr/share/gatepost/ca.idx", ""}, {NULL, NULL}};
	static const struct mem_file own[] = {{"t", G "TLS = required"}, {"/usr/share/gatepost/ca.idx", ""},
		{"/etc/gatepost/ca.idx", ""}, {NULL, NULL}};
	static const struct mem_file none[] = {{"t", G "TLS = required"}, {NULL, NULL}};
	char text[1100];

	load_files(files);
	is_str(sending_for("x").tls_ca, "/etc/gp/ca.pem", "a file beside the main file");
	is_str(sending_for("f.g").tls_ca, "/etc/gp/sub/ca.pem", "... beside that from an included one, too");
	is_str(sending_for("d.e").tls_ca, "/ca.pem", "... a whole path is taken as it is");
	load_files(system);
	is_str(conf_ca_default(&conf), "/etc/ssl/cert.pem", "the system's CAs are looked for");
	load_files(firmware);
	is_str(conf_ca_default(&conf), "/usr/share/gatepost/ca.idx", "... the firmware's index comes before them");
	load_files(own);
	is_str(conf_ca_default(&conf), "/etc/gatepost/ca.idx", "... and one's own before that");
	load_files(none);
	is_str(conf_ca_default(&conf), "/etc/ssl/certs/ca-certificates.crt", "... where there is none, Debian's is named");
	snprintf(text, sizeof(text), G "TLS_CA = \"/%0*d\"", CONF_STRING_MAX - 1, 1);
	ok(load(text) == CONF_OK, "a long name");
}

static unsigned looks;

/* What is wrong with a file is in its name. */
static const char *mem_look(void *ctx, enum conf_file what, const char *path, const char *other)
{
	(void)ctx;
	(void)other;
	looks++;
	if (strstr(path, "missing") || (what == CONF_FILE_CA && strcmp(path, CA) == 0))
		return "no such file";
	if (strstr(path, "broken"))
		return "!2 of its certificates cannot be understood";
	return what == CONF_FILE_CONF ? "!others can read it" : NULL;
}

static void test_looks(void)
{
	static const struct mem_file files[] = {{"t", G "include a\nDomain d.e { include b }\n" TOKEN},
		{"a", "Outbound_SMTP_AUTH_Pass = \"x\"\nOAuth2_Client_Secret = \"y\""},
		{"b", "OAuth2_Refresh_Token = \"z\"\n"}, {NULL, NULL}};

	conf_src.look = mem_look;
	load(G "TLS = required TLS_CA = missing.pem");
	is_str(said, "t:2:25: error: TLS_CA: missing.pem: no such file\n", "a file of CAs that is not there");
	load(G "TLS = required TLS_CA = broken.pem");
	is_str(said, "t:2:25: warning: TLS_CA: broken.pem: 2 of its certificates cannot be understood\n", "... or is half broken");
	load(G "TLS = required TLS_CA = good.pem Domain d.e { TLS_CA = missing }");
	is_str(said, "t:2:56: error: TLS_CA: missing: no such file\n", "... in a Domain");
	load(G "TLS = required\nDomain d.e { TLS_CA = good.pem } Domain f.g { Gateway = x }");
	is_str(said, "t:1:11: warning: no CA certificates at " CA " (no such file): put them there, or set TLS_CA\n",
		"the system has none, and one is needed");
	load(G "TLS = ifavailable");
	is_str(said, "", "... where none is, nothing is said");
	load(G "TLS = required TLS_Verify = no");
	is_str(said, "", "... nor without verification");
	load(G "TLS = required TLS_Pin = sha256:" HEX);
	is_str(said, "", "... nor with a pin");
	if (ON(CONFIG_OAUTH)) {
		load_files(files);
		ok(strstr(said, "a:1:27: warning: Outbound_SMTP_AUTH_Pass: a: others can read it\n") != NULL,
			"a file with a secret that others can read");
		ok(!strstr(said, "a:2:"), "... is named once");
		ok(strstr(said, "b:1:24: warning: OAuth2_Refresh_Token: b: others can read it\n") != NULL, "... and the other one");
	}
	looks = 0;
	load(G);
	is_num(looks, 0, "no secret, no certificate: no file is looked at");
	conf_src.look = NULL;
}

/* Too many files of CAs. */
static void test_sets(void)
{
	char text[4000], want[300];
	size_t n = (size_t)sprintf(text, G "TLS = required TLS_CA = ca\n");

	for (unsigned i = 1; i < CONFIG_CA_SETS; i++)
		n += (size_t)sprintf(text + n, "Domain d%u { TLS_CA = ca%u }\n", i, i);
	ok(load(text) == CONF_OK, "%d files of CAs", CONFIG_CA_SETS);
	sprintf(text + n, "Domain x { TLS_CA = more }\n");
	snprintf(want, sizeof(want), "t:%d:21: error: more files of CA certificates than this gatepost has room for: at most %d "
		"(CONFIG_CA_SETS)\n", CONFIG_CA_SETS + 2, CONFIG_CA_SETS);
	load(text);
	is_str(said, want, "... one more");
}

/* --- secrets --- */

/* Whatever is wrong around a secret, it is not told. */
static void test_secrets(void)
{
	static const char *const lines[] = {
		"Outbound_SMTP_AUTH_Pass = SECRET/SECRET",
		"Outbound_SMTP_AUTH_Pass = SECRET=SECRET",
		"Outbound_SMTP_AUTH_Pass = x SECRET",
		"Outbound_SMTP_AUTH_Pass = x SECRET = SECRET",
		"Outbound_SMTP_AUTH_Pass = x \"SECRET\"",
		"Outbound_SMTP_AUTH_Pass = x \"SECRET",
		"Outbound_SMTP_AUTH_Pass = x{SECRET}",
		"Outbound_SMTP_AUTH_Pass = x(SECRET)",
		"Outbound_SMTP_AUTH_Pass = x{SECRET { SECRET",
		"Outbound_SMTP_AUTH_Pass = ( SECRET SECRET )",
		"Outbound_SMTP_AUTH_Pass =\n  x SECRET",
		"Outbound_SMTP_AUTH_Pass = \"a\tSECRET\"",
		"Outbound_SMTP_AUTH_Pass = \"\" SECRET",
		"ESMTP_Listener { Outbound_SMTP_AUTH_Pass = SECRET }",
		"OAuth2_Client_Secret = x=SECRET",
		"OAuth2_Refresh_Token = x/SECRET",
		"Outbound_SMTP_AUTH_Pass = xSECRET",
		"Auth_User u { Password = SECRET/SECRET }",
		"Auth_User u { Password = x SECRET }",
		"Auth_User u { Password = ( SECRET ) }",
		"Auth_User \"\" { Password = a/SECRET }",
		"Auth_User u { } Auth_User u { Password = a/SECRET }",
		"Aut_User u { Password = a/SECRET\n Binding = SECRET }",
		"Outbound_SMTP_AUTH_Password = a/SECRET",
		"Outbound_SMTP_AUTH_Password = a SECRET",
		"Out_Pw = a/SECRET",
	};
	static char text[9000];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), G "%s\nClock = gps\n", lines[i]);
		load(text);
		ok(said[0] && !strstr(said, "SECRET"), "not told: %s", lines[i]);
		if (strstr(said, "SECRET"))
			printf("# %s\n", said);
	}
	load(G "Outbound_SMTP_AUTH_Pass = x SECRET\nOutbound_SMTP_AUTH_User = u" ALLOW "\nClock = gps\n");
	is_str(said, "t:2:29: error: this is no option: a secret with blanks or signs in it wants quotes\n"
		"t:4:9: error: Clock: \"gps\" is not one of rtc, ntp\n", "... but what is wrong is");
	loads(G "Outbound_SMTP_AUTH_Pass = \"a#/'b\" Outbound_SMTP_AUTH_User = u Clock = ntp" ALLOW);
	is_str(sending_for("x").login_pass, "a#/'b", "a password with everything in it");
	ok(!strstr(eval(""), "a#/'b") && strstr(printed, "Outbound_SMTP_AUTH_Pass = \"***\"\n"), "... is not in eval");
	ok(strstr(print_all(&conf), "Outbound_SMTP_AUTH_Pass = \"a#/'b\"\n") != NULL, "... the whole, printed, can be loaded again");
	snprintf(text, sizeof(text), G "Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Pass = \"%0*d\"" ALLOW, CONF_SECRET_MAX, 1);
	loads(text);
	is_num(strlen(sending_for("x").login_pass), CONF_SECRET_MAX, "a secret of %u octets", CONF_SECRET_MAX);
	snprintf(text, sizeof(text), G "Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Pass = \"%0*d\"", CONF_SECRET_MAX + 1, 1);
	ok(load(text) == CONF_BAD && strstr(said, "t:2:55: error: a value has at most 8192 octets\n") == said, "... one more");
}

/* --- builds without --- */

static void not_built(const char *line)
{
	char text[400];

	snprintf(text, sizeof(text), G "%s\n", line);
	ok(load(text) == CONF_BAD && strstr(said, "is not built into this gatepost\n"), "not built: %s", line);
}

static void test_without_tls(void)
{
	static const char *const lines[] = {"TLS = required", "TLS = ifavailable", "TLS = implicit", "TLS_Verify = host",
		"TLS_Name = a.b", "TLS_CA = a", "TLS_Pin = none", "TLS_Protocols = 1.3", "Starttls = yes",
		"TLS_Certificate = a", "TLS_Key = a", "ESMTP_Listener { Use_SSL = yes }",
		"Outbound_SMTP_AUTH_Type = CRAM-MD5", "Outbound_SMTP_AUTH_Type = SCRAM-SHA-256"};
	struct conf_sending s;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		not_built(lines[i]);
	loads(G "TLS = no Starttls = no");
	s = sending_for("x");
	is_num(conf_tls_of(&s, 465), CONF_TLS_NO, "no TLS at any port");
	ok(!s.tls_ca, "no CAs");
	load(G LOGIN);
	is_str(said, "t:2:27: error: this gatepost has no TLS, so that the login would leave in clear text: "
		"Outbound_SMTP_AUTH_Allow_Plaintext = true would allow that\n", "a login in clear text");
	loads(G LOGIN "Outbound_SMTP_AUTH_Allow_Plaintext = true");
}

static void test_without_tokens(void)
{
	static const char *const lines[] = {"OAuth2_Provider = google", "OAuth2_Grant = code", "OAuth2_Client_Id = x",
		"OAuth2_Client_Secret = x", "OAuth2_Tenant = x", "OAuth2_Scope = x", "OAuth2_Token_URL = x",
		"OAuth2_Refresh_Token = x", "Outbound_SMTP_AUTH_Type = XOAUTH2"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		not_built(lines[i]);
	ok(load(G "OAuth2_Client_Secret = SECRET") == CONF_BAD && !strstr(said, "SECRET"), "... no secret is told");
}

#define EACH(i, list) for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++)

static void test_tls(void)
{
	char text[500];

	EACH(i, good)
		try_good(good[i].text, good[i].ask, good[i].answer);
	EACH(i, bad)
		try_wrong(&bad[i], "error");
	EACH(i, warnings)
		try_wrong(&warnings[i], "warning");
	EACH(i, fine) {
		snprintf(text, sizeof(text), G "%s\n", fine[i]);
		loads(text);
	}
	test_functions();
	test_equal();
	test_owns();
	test_paths();
	test_looks();
	test_sets();
}

static void test_tokens(void)
{
	EACH(i, good_tokens)
		try_good(good_tokens[i].text, good_tokens[i].ask, good_tokens[i].answer);
	EACH(i, bad_tokens)
		try_wrong(&bad_tokens[i], "error");
	load(G TOKEN "OAuth2_Provider = google OAuth2_Tenant = a.b");
	is_str(said, "t:3:42: warning: OAuth2_Tenant counts with OAuth2_Provider = microsoft only\n", "a tenant of Google's");
	loads(G TOKEN "OAuth2_Token_URL = \"https://a.b/t\" OAuth2_Refresh_Token = r");
	loads(G TOKEN "OAuth2_Token_URL = \"https://a.b/t\" OAuth2_Grant = device");
	loads(G TOKEN "OAuth2_Provider = microsoft OAuth2_Grant = client OAuth2_Client_Secret = s "
		"OAuth2_Token_URL = \"https://a.b/t\"");
}

/* The rules are looked at where one of them is set: they stand together in the table. */
static void test_order(void)
{
	unsigned apart = 0;

	for (unsigned i = 0; i < OPTIONS; i++) {
		struct bytes name = bytes_of(option_name(&option_table[i]));
		bool secure = option_table[i].group == GROUP_SENDING && (bytes_begins_fold(name, BYTES("TLS")) ||
			bytes_begins_fold(name, BYTES("OAuth2")) || bytes_begins_fold(name, BYTES("Outbound_SMTP_AUTH")));

		apart += secure != (i >= OPTION_TLS && i <= OPTION_OAUTH2_REFRESH_TOKEN);
	}
	is_num(apart, 0, "options of TLS and logins at gateways stand together");
}

int main(void)
{
	load(G);
	test_order();
	if (ON(CONFIG_TLS))
		test_tls();
	else
		test_without_tls();
	if (ON(CONFIG_OAUTH))
		test_tokens();
	else
		test_without_tokens();
	test_secrets();
	return done();
}
