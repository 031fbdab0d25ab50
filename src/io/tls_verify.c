/* SPDX-License-Identifier: ISC */
/*
 * Is the peer's certificate what was wanted? The library builds the chain and checks signatures,
 * key sizes and usage; names, dates and pins are judged here. The library is told to accept
 * everything, and what must be refused is refused behind a later step of the handshake: so the
 * alert and the words fit, and a pin can do without the rest.
 */
#include "io/tls_part.h"

#include "base/certname.h"
#include "base/date.h"
#include "base/esc.h"

#include <mbedtls/platform.h>
#include <string.h>

#define LOOKS      12u /* how often the library may ask for candidates in one chain */
#define CANDIDATES 8u  /* CA certificates of one name that are tried */
#define NAMES_TOLD 2u  /* names of a certificate in words */
#define NAME_SHOWN 40u /* octets of one */

enum { SAN_DNS = 2, SAN_IP = 7, SAN_KIND = 0x1f };

static bool is_pinned(const struct tls_client_how *how, const mbedtls_x509_crt *crt)
{
	uint8_t key[DIGEST_SHA256];

	digest_sha256((struct bytes){ crt->pk_raw.p, crt->pk_raw.len }, key);
	for (uint32_t i = 0; i < how->pins; i++) {
		if (memcmp(how->pin[i], key, sizeof(key)) == 0)
			return true;
	}
	return false;
}

static bool same(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* ---- dates ---- */

static uint64_t seconds(const mbedtls_x509_time *x)
{
	if (x->year < 1970 || x->year > 9999 || x->mon < 1 || x->mon > 12 || x->day < 1)
		return 0;
	return (uint64_t)(date_days((uint32_t)x->year, (uint32_t)x->mon) + (uint32_t)x->day - 1) *
		   86400 +
	       (uint64_t)x->hour * 3600 + (uint64_t)x->min * 60 + (uint64_t)x->sec;
}

static uint8_t bad_dates(const struct tls_client_how *how, const mbedtls_x509_crt *crt)
{
	if (seconds(&crt->valid_to) < how->now)
		return TLS_BAD_EXPIRED;
	return !how->clock_unset && seconds(&crt->valid_from) > how->now ? TLS_BAD_FUTURE : 0;
}

static void check_dates(struct tls *t, const mbedtls_x509_crt *crt, bool is_ca)
{
	uint8_t bad = bad_dates(&t->how, crt);
	const mbedtls_x509_time *x = bad == TLS_BAD_FUTURE ? &crt->valid_from : &crt->valid_to;

	if (!bad)
		return;
	t->check.bad |= bad;
	t->check.ca_date = is_ca;
	t->check.year = (uint16_t)x->year;
	t->check.month = (uint8_t)x->mon;
	t->check.day = (uint8_t)x->day;
}

/* ---- names ---- */

static bool is_named(struct bytes name, const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_sequence *san = &crt->subject_alt_names;
	struct inet_addr address;
	bool is_address = inet_parse_addr(name, &address);

	if (name.n == 0)
		return false;
	for (; san && san->buf.p; san = san->next) {
		struct bytes x = { san->buf.p, san->buf.len };
		unsigned kind = (unsigned)san->buf.tag & SAN_KIND;

		if (is_address && kind == SAN_IP && certname_is_address(x, address.a))
			return true;
		if (!is_address && kind == SAN_DNS && certname_is_host(x, name))
			return true;
	}
	return false;
}

static void tell_san(struct fmt *f, const mbedtls_x509_sequence *san)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct inet_addr address = { .port = 0 };
	struct bytes x = { san->buf.p, san->buf.len };

	if (((unsigned)san->buf.tag & SAN_KIND) == SAN_DNS) {
		esc_text(f, bytes_first(x, NAME_SHOWN));
		if (x.n > NAME_SHOWN)
			fmt_str(f, "...");
		return;
	}
	if (x.n == 4)
		memcpy(address.a, mapped, sizeof(mapped));
	memcpy(address.a + (x.n == 4 ? sizeof(mapped) : 0), x.p, x.n);
	inet_print_addr(f, &address);
}

static bool is_told(const mbedtls_x509_sequence *san)
{
	unsigned kind = (unsigned)san->buf.tag & SAN_KIND;

	return kind == SAN_DNS || (kind == SAN_IP && (san->buf.len == 4 || san->buf.len == 16));
}

/* "its certificate is for a.example, b.example and others, not c.example" */
static void tell_names(struct fmt *f, struct bytes wanted, const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_sequence *san = crt ? &crt->subject_alt_names : NULL;
	unsigned told = 0;

	fmt_add(f, "its certificate is for ");
	for (; san && san->buf.p; san = san->next) {
		if (!is_told(san))
			continue;
		if (told == NAMES_TOLD) {
			fmt_add(f, " and others");
			break;
		}
		fmt_str(f, told++ > 0 ? ", " : "");
		tell_san(f, san);
	}
	fmt_str(f, told > 0 ? ", not " : PHRASE("no name at all, not even "));
	esc_text(f, bytes_first(wanted, 2 * NAME_SHOWN));
}

/* ---- candidates for trust ---- */

/* CA certificates in the library's form: those that are valid now before the others. */
struct candidates {
	mbedtls_x509_crt *list[2];
	unsigned n;
};

static void candidates_free(mbedtls_x509_crt *list)
{
	mbedtls_x509_crt_free(list);
	mbedtls_free(list);
}

/* Takes it if it can be read, and has a pinned key where there are pins. False: no memory. */
static bool candidates_add(struct candidates *c, const struct tls_client_how *how, struct bytes der)
{
	mbedtls_x509_crt *crt = mbedtls_calloc(1, sizeof(*crt)), **end;

	if (!crt)
		return false;
	mbedtls_x509_crt_init(crt);
	if (mbedtls_x509_crt_parse_der_nocopy(crt, der.p, der.n) != 0 ||
	    (how->pins > 0 && !is_pinned(how, crt))) {
		candidates_free(crt);
		return true;
	}
	for (end = &c->list[bad_dates(how, crt) ? 1 : 0]; *end; end = &(*end)->next)
		;
	*end = crt;
	c->n++;
	return true;
}

/* A certificate that the peer sent may be a trust anchor where its key is pinned. */
static bool add_sent(struct candidates *c, const struct tls *t, const mbedtls_x509_crt *child)
{
	for (const mbedtls_x509_crt *crt = t->check.sent; crt; crt = crt->next) {
		if (crt == t->check.sent || !same(&crt->subject_raw, &child->issuer_raw))
			continue;
		if (c->n < CANDIDATES &&
		    !candidates_add(c, &t->how, (struct bytes){ crt->raw.p, crt->raw.len }))
			return false;
	}
	return true;
}

static bool add_known(struct candidates *c, const struct tls *t, const mbedtls_x509_crt *child)
{
	struct bytes issuer = { child->issuer_raw.p, child->issuer_raw.len };
	uint32_t at = 0;

	for (unsigned i = 0; t->how.ca && i < 4 * CANDIDATES && c->n < CANDIDATES; i++) {
		struct bytes der = ca_next(t->how.ca, issuer, &at);

		if (der.n == 0)
			break;
		if (!candidates_add(c, &t->how, der))
			return false;
	}
	return true;
}

/* The library asks for trusted certificates that may have signed `child`; it frees the list. */
static int candidates_of(void *ctx, mbedtls_x509_crt const *child, mbedtls_x509_crt **list)
{
	struct tls *t = ctx;
	struct candidates c = { .n = 0 };
	mbedtls_x509_crt **end;

	if (t->check.looked == 0)
		t->check.sent = child;
	if (++t->check.looked > LOOKS)
		return MBEDTLS_ERR_X509_FATAL_ERROR;
	if ((t->how.pins > 0 && !add_sent(&c, t, child)) || !add_known(&c, t, child)) {
		candidates_free(c.list[0]);
		candidates_free(c.list[1]);
		return MBEDTLS_ERR_X509_ALLOC_FAILED;
	}
	for (end = &c.list[0]; *end; end = &(*end)->next)
		;
	*end = c.list[1];
	*list = c.list[0];
	return 0;
}

/* ---- judging ---- */

/* Is this very certificate in the set? One signed by itself need be no CA. */
static bool is_known(const struct tls *t, const mbedtls_x509_crt *crt)
{
	struct bytes subject = { crt->subject_raw.p, crt->subject_raw.len };
	struct bytes raw = { crt->raw.p, crt->raw.len };
	uint32_t at = 0;

	for (unsigned i = 0; t->how.ca && i < 4 * CANDIDATES; i++) {
		struct bytes der = ca_next(t->how.ca, subject, &at);

		if (der.n == 0)
			return false;
		if (bytes_same(der, raw))
			return true;
	}
	return false;
}

static uint8_t bad_flags(uint32_t flags)
{
	uint8_t bad = 0;

	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		bad |= TLS_BAD_TRUST;
	if (flags & MBEDTLS_X509_BADCERT_BAD_MD)
		bad |= TLS_BAD_HASH;
	if (flags & (MBEDTLS_X509_BADCERT_BAD_KEY | MBEDTLS_X509_BADCERT_BAD_PK))
		bad |= TLS_BAD_KEY;
	if (flags & (MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE))
		bad |= TLS_BAD_USAGE;
	return bad;
}

/* Called for each certificate of the chain, the one nearest to the trust anchor first. */
static int look(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls *t = ctx;
	uint8_t bad = bad_flags(*flags);

	t->check.seen = true;
	*flags = 0;
	check_dates(t, crt, depth > 0);
	if (depth == 0) {
		t->check.leaf_pinned = t->how.pins > 0 && is_pinned(&t->how, crt);
		if (t->how.pins == 0 && (bad & TLS_BAD_TRUST) && is_known(t, crt))
			bad &= (uint8_t) ~(unsigned)TLS_BAD_TRUST;
		if (!is_named(t->how.name, crt))
			bad |= TLS_BAD_NAME;
	}
	t->check.bad |= bad;
	return 0;
}

void tls_verify_begin(struct tls *t)
{
	mbedtls_ssl_conf_authmode(&t->conf, MBEDTLS_SSL_VERIFY_OPTIONAL);
	mbedtls_ssl_conf_ca_cb(&t->conf, candidates_of, t);
	mbedtls_ssl_conf_verify(&t->conf, look, t);
}

static void tell_trust(struct fmt *f, const struct tls *t, const mbedtls_x509_crt *leaf)
{
	if (t->how.pins > 0)
		fmt_add(f, "its key is none of those in TLS_Pin");
	else if (!t->how.ca || t->how.ca->certificates == 0)
		fmt_add(f, "there are no CA certificates to check its own with (TLS_CA)");
	else if (leaf && same(&leaf->subject_raw, &leaf->issuer_raw))
		fmt_add(f, "its certificate is signed by itself");
	else
		fmt_add(f, "its certificate is signed by a CA that is not known");
}

static void tell_date(struct fmt *f, const struct tls_check *c)
{
	fmt_add(f, "%s%s%04u-%02u-%02u",
	    c->ca_date ? PHRASE("the certificate of its CA ") : PHRASE("its certificate "),
	    c->bad & TLS_BAD_EXPIRED ? PHRASE("expired ") : PHRASE("is not valid before "), c->year,
	    c->month, c->day);
}

/* Tells the worst of what is bad, and returns the alert for it. */
static uint8_t tell(struct tls *t, uint8_t bad)
{
	const mbedtls_ssl_session *s = t->ssl.session_negotiate;
	const mbedtls_x509_crt *leaf = s ? s->peer_cert : NULL;
	struct fmt f;

	fmt_init(&f, t->why, sizeof(t->why));
	if (bad & TLS_BAD_TRUST) {
		tell_trust(&f, t, leaf);
		return MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA;
	}
	if (bad & (TLS_BAD_EXPIRED | TLS_BAD_FUTURE)) {
		tell_date(&f, &t->check);
		return bad & TLS_BAD_EXPIRED ? MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED
					     : MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
	}
	if (bad & TLS_BAD_NAME) {
		tell_names(&f, t->how.name, leaf);
		return MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
	}
	if (bad & TLS_BAD_HASH)
		fmt_add(&f, "its certificate is signed with a hash that is too weak");
	else if (bad & TLS_BAD_KEY)
		fmt_add(&f, "its certificate, or its CA's, has a key that is too weak");
	else
		fmt_add(&f, "its certificate is not one for a server");
	return MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT;
}

void tls_verify_judge(struct tls *t)
{
	struct tls_check *c = &t->check;
	uint8_t bad;

	if (!c->seen || c->judged)
		return;
	c->judged = true;
	c->sent = NULL;
	c->bad |= bad_flags(mbedtls_ssl_get_verify_result(&t->ssl));
	bad = c->bad;
	if (c->leaf_pinned)
		bad = 0;
	else if (t->how.pins == 0 && t->how.verify == TLS_VERIFY_CA)
		bad &= (uint8_t) ~(unsigned)TLS_BAD_NAME;
	c->verified = bad == 0;
	if (bad == 0 || (t->how.pins == 0 && t->how.verify == TLS_VERIFY_NO))
		return;
	if (tls_arena_use(t->id)->failed) { /* signatures could not be checked */
		tls_explain(t, MBEDTLS_ERR_SSL_ALLOC_FAILED);
		c->alert = MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR;
		return;
	}
	c->is_it = true;
	c->alert = tell(t, bad);
}
