/* SPDX-License-Identifier: ISC */
/* Whose certificate is taken, whose is refused, and what a person is told. */
#include "unit/lib/tls_wire.h"

#include "base/der.h"
#include "base/digest.h"
#include "base/pem.h"

TAP_GP_BUG

enum { EC, RSA, EXPIRED, FUTURE, OTHER, CN, NUL, SELF, SHA1, SHORT, UNDER, DEEP, PAIRS };

static const char *const names[PAIRS] = {
	"ec", "rsa", "expired", "future", "other", "cn", "nul",
	"self", "sha1", "short", "under", "deep",
};

static struct ca_set root, elsewhere, both, self, old;

/* A session with these, pair PAIRS being what is loaded already; the words of the client where it failed. Checks what the server heard. */
static const char *outcome(const struct tls_client_how *how, unsigned pair, bool *verified)
{
	static char text[TLS_WHY];
	struct wire w;
	bool done;

	if (pair < PAIRS) {
		char chain[64], key[64];

		snprintf(chain, sizeof(chain), "%s.pem", names[pair]);
		snprintf(key, sizeof(key), "%s.key", names[pair]);
		load(0, chain, key);
	}
	done = wire_connect(&w, how, 0);
	snprintf(text, sizeof(text), "%s", done ? "" : tls_why(w.client));
	*verified = tls_verified(w.client);
	if (!done) {
		ok(tls_is_certificate(w.client), "it is the certificate: %s", text);
		ok(w.s == TLS_FAILED && !strncmp(tls_why(w.server), "it ", 3),
		   "the server hears of it: %s", tls_why(w.server));
	}
	wire_close(&w);
	return text;
}

static void refused(const char *what, const struct tls_client_how *how, unsigned pair,
		    const char *why)
{
	bool verified;
	const char *got = outcome(how, pair, &verified);

	is_str(got, why, "%s: refused", what);
	ok(!verified, "%s: not verified", what);
}

static void taken(const char *what, const struct tls_client_how *how, unsigned pair, bool want)
{
	bool verified;
	const char *got = outcome(how, pair, &verified);

	is_str(got, "", "%s: taken", what);
	is_num(verified, want, "%s: %s", what, want ? "verified" : "not verified");
}

static void test_name(void)
{
	static const char *const good[] = {
		"mail.example.net", "MAIL.Example.NET", "mail.example.net.", "a.wild.example.net",
		"127.0.0.1", "::1",
	};
	static const struct { const char *name, *why; } bad[] = {
		{"smtp.example.net", "its certificate is for mail.example.net, *.wild.example.net "
		 "and others, not smtp.example.net"},
		{"wild.example.net", "its certificate is for mail.example.net, *.wild.example.net "
		 "and others, not wild.example.net"},
		{"a.b.wild.example.net", "its certificate is for mail.example.net, "
		 "*.wild.example.net and others, not a.b.wild.example.net"},
		{"127.0.0.2", "its certificate is for mail.example.net, *.wild.example.net "
		 "and others, not 127.0.0.2"},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct tls_client_how how = how_of(good[i], TLS_VERIFY_HOST, &root);

		taken(good[i], &how, EC, true);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tls_client_how how = how_of(bad[i].name, TLS_VERIFY_HOST, &root);

		refused(bad[i].name, &how, EC, bad[i].why);
		how.verify = TLS_VERIFY_CA;
		taken("the CA alone", &how, EC, true);
	}
}

static void test_bad(void)
{
	struct tls_client_how how = how_of("mail.example.net", TLS_VERIFY_HOST, &root);

	taken("EC", &how, EC, true);
	taken("RSA", &how, RSA, true);
	refused("expired", &how, EXPIRED, "its certificate expired 2026-01-03");
	refused("not yet valid", &how, FUTURE, "its certificate is not valid before 2080-01-01");
	refused("another's", &how, OTHER, "its certificate is for a.example.org, b.example.org and "
		"others, not mail.example.net");
	refused("only in the subject", &how, CN,
		"its certificate is for no name at all, not even mail.example.net");
	refused("behind a NUL", &how, NUL,
		"its certificate is for mail.example.net\\x00.evil.example, not mail.example.net");
	refused("signed by itself", &how, SELF, "its certificate is signed by itself");
	refused("SHA-1", &how, SHA1, "its certificate is signed with a hash that is too weak");
	refused("RSA 1024", &how, SHORT,
		"its certificate, or its CA's, has a key that is too weak");
	how.ca = &elsewhere;
	refused("another CA", &how, EC, "its certificate is signed by a CA that is not known");
	how.ca = NULL;
	refused("no CA", &how, EC,
		"there are no CA certificates to check its own with (TLS_CA)");
	how.ca = &both;
	taken("one of two CAs", &how, EC, true);
	how.ca = &self;
	taken("signed by itself, and known", &how, SELF, true);
	how.ca = &old;
	refused("CA expired", &how, UNDER, "the certificate of its CA expired 2026-01-03");
	how.now = 1600000000;
	taken("CA expired since", &how, UNDER, true);
}

static void test_long(void)
{
	struct tls_client_how how = how_of("mail.example.net", TLS_VERIFY_HOST, &root);
	bool verified;
	const char *why = outcome(&how, DEEP, &verified);

	ok(strstr(why, "its chain of certificates is too long") == why, "eleven CAs: %s", why);
}

static void test_no(void)
{
	struct tls_client_how how = how_of("mail.example.net", TLS_VERIFY_NO, NULL);

	for (unsigned i = 0; i < PAIRS; i++) {
		how.versions = i == SHORT ? TLS_1_2 : TLS_1_2 | TLS_1_3;
		if (i != DEEP)
			taken(names[i], &how, i, false);
	}
	how.ca = &root;
	taken("TLS_Verify = no, but a good one", &how, EC, true);
	taken("TLS_Verify = no, and a bad one", &how, EXPIRED, false);
}

static void test_clock(void)
{
	struct tls_client_how how = how_of("mail.example.net", TLS_VERIFY_HOST, &root);

	how.clock_unset = true;
	how.now = 1577836800; /* the day from which they are valid, to the second */
	taken("clock unset", &how, EC, true);
	taken("clock unset, not yet valid", &how, FUTURE, true);
	taken("clock unset, expired later", &how, EXPIRED, true);
	how.now = 1767441600; /* 2026-01-03T12:00:00Z */
	taken("the last second", &how, EXPIRED, true);
	how.now++;
	refused("clock unset, expired", &how, EXPIRED, "its certificate expired 2026-01-03");
	how.ca = &elsewhere;
	refused("clock unset, another CA", &how, EC,
		"its certificate is signed by a CA that is not known");
	how = how_of("mail.example.net", TLS_VERIFY_HOST, &root);
	how.now = 1577836799;
	refused("a second too early", &how, EC, "its certificate is not valid before 2020-01-01");
}

/* SHA-256 of the SubjectPublicKeyInfo of the first certificate in a file. */
static void pin_of(const char *file, uint8_t pin[TLS_PIN_SIZE])
{
	static uint8_t der[8192];
	struct bytes text = file_of(file), rest, subject;
	struct pem block;
	struct der key;
	size_t n;

	if (!pem_next(&text, &block) || !pem_decode(&block, der, sizeof(der), &n) ||
	    !der_subject((struct bytes){der, n}, &subject))
		exit(1);
	rest.p = subject.p + subject.n;
	rest.n = (size_t)(der + n - rest.p);
	if (!der_next(&rest, &key))
		exit(1);
	digest_sha256(key.whole, pin);
}

static void test_pin(void)
{
	static const char none[] = "its key is none of those in TLS_Pin";
	uint8_t pin[2][TLS_PIN_SIZE];
	struct tls_client_how how = how_of("any.example", TLS_VERIFY_HOST, NULL);

	how.pin = (const uint8_t(*)[TLS_PIN_SIZE])pin;
	how.pins = 2;
	memset(pin, 0, sizeof(pin));
	refused("pins of nobody", &how, EC, none);
	pin_of("expired.pem", pin[1]);
	taken("pin of its key: CA, name and dates do not count", &how, EXPIRED, true);
	refused("pin of another's key", &how, EC, none);
	pin_of("self.pem", pin[1]);
	taken("pin of one signed by itself", &how, SELF, true);

	pin_of("inter.crt", pin[1]);
	refused("pin of a CA that was sent: the name counts", &how, EC,
		"its certificate is for mail.example.net, *.wild.example.net and others, "
		"not any.example");
	how.name = bytes_of("mail.example.net");
	taken("pin of a CA that was sent", &how, EC, true);
	taken("pin of a CA that was sent, RSA", &how, RSA, true);
	refused("pin of a CA that was sent: dates count", &how, EXPIRED,
		"its certificate expired 2026-01-03");
	refused("pin of a CA that was sent: not another's", &how, SELF, none);
	how.verify = TLS_VERIFY_NO;
	refused("pin of a CA that was sent: TLS_Verify = no or not", &how, EXPIRED,
		"its certificate expired 2026-01-03");

	pin_of("root.crt", pin[1]);
	refused("pin of a CA that is not there", &how, EC, none);
	how.ca = &both;
	taken("pin of a CA of the set", &how, EC, true);
	pin_of("elsewhere.crt", pin[1]);
	refused("pin of another CA of the set", &how, EC, none);
}

/* The chain holds a pinned certificate that signed nothing of it. */
static void test_stray(void)
{
	static char text[16384];
	uint8_t pin[1][TLS_PIN_SIZE];
	struct tls_client_how how = how_of("mail.example.net", TLS_VERIFY_HOST, &elsewhere);
	struct bytes self_text = file_of("self.pem"), more = file_of("inter.crt");
	struct fmt why;
	char words[200];

	memcpy(text, self_text.p, self_text.n);
	memcpy(text + self_text.n, more.p, more.n);
	fmt_init(&why, words, sizeof(words));
	ok(tls_load_pair(0, (struct bytes){(uint8_t *)text, self_text.n + more.n},
			 file_of("self.key"), &why), "a chain with a stray CA");
	pin_of("inter.crt", pin[0]);
	how.pin = (const uint8_t(*)[TLS_PIN_SIZE])pin;
	how.pins = 1;
	refused("pinned CA in the chain that signed nothing", &how, PAIRS,
		"its key is none of those in TLS_Pin");
}

int main(void)
{
	char text[256];
	struct fmt why;

	fmt_init(&why, text, sizeof(text));
	ok(tls_init(&why), "begun%s", text);
	root = ca_of("root.crt");
	elsewhere = ca_of("elsewhere.crt");
	both = ca_of("both.pem");
	self = ca_of("self.pem");
	old = ca_of("old.crt");
	test_name();
	test_bad();
	test_long();
	test_no();
	test_clock();
	test_pin();
	test_stray();
	is_num(tls_count(), 0, "all sessions are given back");
	return done();
}
