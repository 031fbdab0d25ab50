/* SPDX-License-Identifier: ISC */
#include "token/oauth.h"

#include "base/bug.h"
#include "tap.h"
#include "token/url.h"

TAP_GP_BUG

static char text[OAUTH_URL];
static struct fmt f;

static const struct conf_sending microsoft = {
	.login_user = "scanner@example.com",
	.oauth_client_id = "id",
	.oauth_provider = CONF_PROVIDER_MICROSOFT,
};

static const struct conf_sending google = {
	.login_user = "scanner@gmail.com",
	.oauth_client_id = "id.apps",
	.oauth_client_secret = "s&c",
	.oauth_provider = CONF_PROVIDER_GOOGLE,
};

static const struct conf_sending other = {
	.login_user = "scanner",
	.oauth_client_id = "id",
	.oauth_client_secret = "secret",
	.oauth_token_url = "https://sso.example:8443/oauth/token?realm=x",
};

static const char *start(void)
{
	fmt_init(&f, text, sizeof(text));
	return text;
}

static void address(
    const struct conf_sending *s, enum oauth_address which, const char *want, const char *name)
{
	start();
	oauth_address(&f, s, which);
	is_str(text, want, "%s", name);
}

static void test_addresses(void)
{
	struct conf_sending s = microsoft;

	address(&s, OAUTH_TOKENS, "https://login.microsoftonline.com/common/oauth2/v2.0/token",
	    "Microsoft: tokens");
	address(&s, OAUTH_DEVICE, "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
	    "Microsoft: device");
	s.oauth_tenant = "contoso.example";
	address(&s, OAUTH_AUTHORIZE,
	    "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/authorize",
	    "Microsoft: code, with a tenant");
	address(&google, OAUTH_TOKENS, "https://oauth2.googleapis.com/token", "Google: tokens");
	address(&google, OAUTH_AUTHORIZE, "https://accounts.google.com/o/oauth2/v2/auth",
	    "Google: code");
	address(&other, OAUTH_TOKENS, other.oauth_token_url, "an address of its own");
	address(&other, OAUTH_DEVICE, "https://sso.example:8443/oauth/devicecode",
	    "the device's beside it");
	address(&other, OAUTH_AUTHORIZE, "https://sso.example:8443/oauth/authorize",
	    "the browser's beside it");
	s.oauth_token_url = "https://other.example/token";
	address(&s, OAUTH_TOKENS, "https://other.example/token", "it goes before the provider's");
}

static void missing(const struct conf_sending *s, const char *want, const char *name)
{
	bool ready;

	start();
	ready = oauth_is_ready(s, &f);
	if (want == NULL)
		ok(ready, "%s: ready", name);
	else if (ok(!ready, "%s: not ready", name))
		is_str(text, want, "%s: what is missing", name);
}

static void test_ready(void)
{
	struct conf_sending s = microsoft;

	missing(&s, NULL, "device");
	s.oauth_client_id = NULL;
	missing(&s, "OAuth2_Client_Id", "without an id");
	s = microsoft;
	s.oauth_grant = CONF_GRANT_CLIENT;
	missing(&s, "OAuth2_Client_Secret", "client without a secret");
	s.oauth_client_secret = "x";
	missing(&s, "OAuth2_Tenant", "client at Microsoft without a tenant");
	s.oauth_tenant = "t";
	missing(&s, NULL, "client");
	ok(!oauth_uses_refresh(&s), "which needs no refresh token");
	missing(&other, NULL, "another provider");
	s = other;
	s.oauth_token_url = NULL;
	missing(&s, "OAuth2_Provider or OAuth2_Token_URL", "nobody to ask");
	s = other;
	ok(!oauth_uses_refresh(&s), "without a provider: with the secret alone");
	s.oauth_refresh_token = "r";
	ok(oauth_uses_refresh(&s), "but with a refresh token where there is one");
}

static void test_names(void)
{
	struct conf_sending s = microsoft;
	char first[OAUTH_NAME];

	start();
	oauth_name(&f, &s);
	ok(strncmp(text, "scanner@example.com-", 20) == 0 && strlen(text) == 28, "a name: %s",
	    text);
	ok(oauth_is_name(fmt_done(&f)), "is one");
	memcpy(first, text, 29);
	s.oauth_client_id = "other";
	start();
	oauth_name(&f, &s);
	ok(strcmp(text, first) != 0, "another client: another name");
	s = microsoft;
	s.oauth_token_url = "https://other.example/token";
	start();
	oauth_name(&f, &s);
	ok(strcmp(text, first) != 0, "another endpoint: another name");
	s = microsoft;
	s.login_user =
	    "../../etc/passwd \xc3\xa9 a-very-long-name-that-goes-on-and-on-and-on@example.com";
	start();
	oauth_name(&f, &s);
	ok(oauth_is_name(fmt_done(&f)) && strchr(text, '/') == NULL && text[0] != '.',
	    "no path: %s", text);
	ok(!oauth_is_name(BYTES("a/b-01234567")) && !oauth_is_name(BYTES(".a-01234567")) &&
		!oauth_is_name(BYTES("")),
	    "what is none");
}

static void test_forms(void)
{
	start();
	oauth_form_device(&f, &microsoft);
	is_str(text,
	    "client_id=id&scope=https%3A%2F%2Foutlook.office.com%2FSMTP.Send%20offline_access",
	    "device");
	start();
	oauth_form_poll(&f, &microsoft, "D+C");
	is_str(text,
	    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=D%2BC&"
	    "client_id=id",
	    "device: asking again");
	start();
	oauth_form_code(&f, &google, BYTES("4/0A"), "verifier");
	is_str(text,
	    "grant_type=authorization_code&code=4%2F0A&redirect_uri=http%3A%2F%2Flocalhost&"
	    "code_verifier=verifier&client_id=id.apps&client_secret=s%26c",
	    "code");
	start();
	oauth_form_refresh(&f, &google, BYTES("1//r"));
	is_str(text,
	    "grant_type=refresh_token&refresh_token=1%2F%2Fr&client_id=id.apps&client_secret=s%26c",
	    "renewal at Google: without a scope");
	start();
	oauth_form_refresh(&f, &microsoft, BYTES("r"));
	is_str(text,
	    "grant_type=refresh_token&refresh_token=r&client_id=id&scope=https%3A%2F%2Foutlook."
	    "office.com%2FSMTP.Send%20offline_access",
	    "renewal at Microsoft: with it");
	start();
	oauth_form_client(&f, &other);
	is_str(text, "grant_type=client_credentials&client_id=id&client_secret=secret",
	    "client without a scope");
}

/* RFC 7636 appendix B. */
static void test_browse(void)
{
	char url[OAUTH_URL], value[100];
	struct fmt u, v;
	struct bytes query;

	fmt_init(&u, url, sizeof(url));
	oauth_browse(&u, &google, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "state-1");
	query = bytes_skip(fmt_done(&u), bytes_find(fmt_done(&u), '?') + 1);
	ok(!u.cut && strncmp(url, "https://accounts.google.com/o/oauth2/v2/auth?", 45) == 0,
	    "the address to open");
#define HAS(name, want)                             \
	fmt_init(&v, value, sizeof(value));         \
	ok(form_get(query, name, &v), "has " name); \
	is_str(value, want, "  which is right")
	HAS("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
	HAS("code_challenge_method", "S256");
	HAS("response_type", "code");
	HAS("client_id", "id.apps");
	HAS("redirect_uri", "http://localhost");
	HAS("scope", "https://mail.google.com/");
	HAS("state", "state-1");
	HAS("access_type", "offline");
	HAS("login_hint", "scanner@gmail.com");
}

static void pasted(const char *what, enum oauth_paste want, const char *code)
{
	char store[60];
	struct fmt c;
	enum oauth_paste got;

	fmt_init(&c, store, sizeof(store));
	got = oauth_pasted(bytes_of(what), "St-1", &c);
	if (ok(got == want, "pasted: %s", what) && code != NULL)
		is_str(store, code, "  what is in it");
}

static void test_pasted(void)
{
	pasted("http://localhost/?state=St-1&code=4%2F0A-x&scope=https://mail.google.com/",
	    OAUTH_PASTED, "4/0A-x");
	pasted("  http://localhost?code=abc&state=St-1#frag\r\n", OAUTH_PASTED, "abc");
	pasted("code=abc&state=St-1", OAUTH_PASTED, "abc");
	pasted("?code=abc&state=St-1", OAUTH_PASTED, "abc");
	pasted("4/0A-x", OAUTH_PASTED, "4/0A-x");
	pasted("4%2F0A-x\n", OAUTH_PASTED, "4/0A-x");
	pasted("http://localhost/?error=access_denied&state=St-1", OAUTH_REFUSED_THERE,
	    "access_denied");
	pasted("http://localhost/?code=abc&state=St-2", OAUTH_STRANGE_STATE, NULL);
	pasted("http://localhost/?code=abc", OAUTH_STRANGE_STATE, NULL);
	pasted("http://localhost/?error=access_denied", OAUTH_STRANGE_STATE, NULL);
	pasted("http://localhost/?state=St-1", OAUTH_NO_CODE, NULL);
	pasted("http://localhost/?code=&state=St-1", OAUTH_NO_CODE, NULL);
	pasted("http://localhost/?code=%zz&state=St-1", OAUTH_NO_CODE, NULL);
	pasted("I do not know", OAUTH_NO_CODE, NULL);
	pasted("", OAUTH_NO_CODE, NULL);
	pasted(
	    "http://localhost/?code=0123456789012345678901234567890123456789012345678901234567890"
	    "&state=St-1",
	    OAUTH_NO_CODE, NULL);
}

static struct oauth_tokens t;

static enum oauth_outcome answer(unsigned status, const char *body)
{
	memset(&t, 0x55, sizeof(t));
	return oauth_answer(&t, status, bytes_of(body));
}

static void test_given(void)
{
	is_num(
	    answer(200, "{\"token_type\":\"bearer\",\"expires_in\":3599,\"access_token\":\"abc\","
			"\"refresh_token\":\"def\"}"),
	    OAUTH_GIVEN, "given");
	is_str(t.access, "abc", "the access token");
	is_str(t.refresh, "def", "the refresh token");
	ok(t.naccess == 3 && t.nrefresh == 3 && t.life == 3599, "their sizes and life");
	is_num(answer(200, "{\"access_token\":\"abc\"}"), OAUTH_GIVEN, "with nothing else");
	ok(t.nrefresh == 0 && t.life == OAUTH_LIFE, "an hour is taken for granted");
	is_num(answer(200, "{\"access_token\":\"a\",\"expires_in\":\"60\"}"), OAUTH_GIVEN,
	    "its life as a string");
	is_num(t.life, 60, "is understood");
	is_num(answer(200, "{\"access_token\":\"a\",\"expires_in\":9999999999}"), OAUTH_GIVEN,
	    "an absurd life");
	is_num(t.life, 7 * 86400, "is a week");
	is_num(
	    answer(200, "{\"access_token\":\"a\",\"expires_in\":0}"), OAUTH_GIVEN, "none at all");
	is_num(t.life, 1, "is a second");
	is_num(answer(200, "{\"access_token\":\"a\\u0001b\"}"), OAUTH_FAILED,
	    "a control character in a token");
	is_num(answer(200, "{\"access_token\":\"a b\"}"), OAUTH_FAILED, "a blank in a token");
	is_num(answer(200, "{\"access_token\":\"\"}"), OAUTH_FAILED, "an empty token");
	is_num(answer(200, "{\"access_token\":\"a\",\"access_token\":\"b\"}"), OAUTH_FAILED, "two");
	is_num(answer(201, "{\"access_token\":\"a\"}"), OAUTH_FAILED, "another status");
}

static void refusal(unsigned status, const char *body, enum oauth_outcome want, const char *why)
{
	is_num(answer(status, body), want, "%u %s", status, body);
	is_str(t.why, why, "  in words");
	ok(t.naccess == 0 && t.nrefresh == 0, "  and no token");
}

static void test_refused(void)
{
	refusal(
	    400, "{\"error\":\"authorization_pending\"}", OAUTH_PENDING, "authorization_pending");
	refusal(400, "{\"error\":\"slow_down\"}", OAUTH_SLOW_DOWN, "slow_down");
	refusal(400,
	    "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS700082: The refresh "
	    "token has expired. Trace ID: 1 Correlation ID: 2\"}",
	    OAUTH_FINAL, "invalid_grant: AADSTS700082: The refresh token has expired.");
	refusal(503, "{\"error\":\"invalid_grant\"}", OAUTH_FAILED, "invalid_grant");
	refusal(400, "{\"error\":\"expired_token\"}", OAUTH_FINAL,
	    "the code expired before it was used: expired_token");
	refusal(401,
	    "{\"error\":\"invalid_client\",\"error_description\":\"Unauthorized\\nline 2\"}",
	    OAUTH_FAILED,
	    "OAuth2_Client_Id or OAuth2_Client_Secret is wrong: invalid_client: "
	    "Unauthorized");
	refusal(400,
	    "{\"error\":\"x\",\"error_description\":\"token "
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ caf\\u00e9 \\u0007\"}",
	    OAUTH_FAILED, "x: token ... caf?? ?");
	refusal(400, "{\"error\":\"  \\n\"}", OAUTH_FAILED, "an error without a name");
	refusal(400, "{\"error\":5}", OAUTH_FAILED, "it answers with HTTP status 400");
	refusal(502, "<html>", OAUTH_FAILED, "it answers with HTTP status 502");
	refusal(200, "<html>", OAUTH_FAILED, "its answer is not JSON");
	refusal(200, "{}", OAUTH_FAILED, "its answer holds no token");
}

static void test_long_reason(void)
{
	static char body[4000];
	size_t n = (size_t)sprintf(body, "{\"error\":\"e\",\"error_description\":\"");

	for (unsigned i = 0; i < 300; i++)
		n += (size_t)sprintf(body + n, "word%u ", i);
	sprintf(body + n, "\"}");
	is_num(answer(400, body), OAUTH_FAILED, "a long reason");
	ok(strlen(t.why) < OAUTH_WHY && strcmp(t.why + strlen(t.why) - 4, " ...") == 0,
	    "is cut: %s", t.why);
}

static void test_device(void)
{
	static struct oauth_device d;

	is_num(oauth_device(&d, 200,
		   BYTES("{\"device_code\":\"D\",\"user_code\":\"AB-CD\",\"verification_uri\":"
			 "\"https://a.example/device\",\"expires_in\":900,\"interval\":7}")),
	    OAUTH_GIVEN, "a device's code");
	ok(d.interval == 7 && d.life == 900, "its times");
	is_str(d.user_code, "AB-CD", "what is to be typed in");
	is_str(d.address, "https://a.example/device", "and where");
	is_num(oauth_device(&d, 200,
		   BYTES("{\"device_code\":\"D\",\"user_code\":\"A\","
			 "\"verification_url\":\"https://g.example\"}")),
	    OAUTH_GIVEN, "without times, the address by its other name");
	ok(d.interval == 5 && d.life == 900, "5 s, and a quarter of an hour");
	is_num(oauth_device(&d, 200,
		   BYTES("{\"device_code\":\"D\",\"user_code\":\"\\u001b[2J\","
			 "\"verification_uri\":\"https://g.example\"}")),
	    OAUTH_FAILED, "nothing for a terminal to obey");
	is_num(oauth_device(&d, 400, BYTES("{\"error\":\"unauthorized_client\"}")), OAUTH_FAILED,
	    "an error");
	is_str(d.why, "the application may not log in this way: unauthorized_client", "in words");
}

int main(void)
{
	test_addresses();
	test_ready();
	test_names();
	test_forms();
	test_browse();
	test_pasted();
	test_given();
	test_refused();
	test_long_reason();
	test_device();
	return done();
}
