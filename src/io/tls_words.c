/* SPDX-License-Identifier: ISC */
/* The library's errors in words for a person. */
#include "io/tls_part.h"

#include "io/errtext.h"

#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>

#include <errno.h>
#include <string.h>

/* What the peer says with an alert (RFC 8446 section 6.2). */
static const char *alert_words(uint8_t alert)
{
	switch (alert) {
	case MBEDTLS_SSL_ALERT_MSG_CLOSE_NOTIFY:
	case MBEDTLS_SSL_ALERT_MSG_USER_CANCELED:
		return PHRASE("it ended the handshake");
	case MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC:
	case MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR:
		return PHRASE("it could not decrypt what we sent, or check a signature");
	case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE:
	case MBEDTLS_SSL_ALERT_MSG_INSUFFICIENT_SECURITY:
		return PHRASE("it takes none of our ciphers");
	case MBEDTLS_SSL_ALERT_MSG_NO_CERT:
	case MBEDTLS_SSL_ALERT_MSG_CERT_REQUIRED:
		return PHRASE("it wants a certificate of ours");
	case MBEDTLS_SSL_ALERT_MSG_BAD_CERT:
	case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
	case MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED:
	case MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN:
		return PHRASE("it does not take our certificate");
	case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED:
		return PHRASE("it finds our certificate expired");
	case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA:
		return PHRASE("it does not know the CA of our certificate");
	case MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED:
		return PHRASE("it denies access");
	case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION:
	case MBEDTLS_SSL_ALERT_MSG_INAPROPRIATE_FALLBACK:
		return PHRASE("it takes none of our TLS versions");
	case MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR:
		return PHRASE("it has an internal error");
	case MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME:
		return PHRASE("it does not know the name that we call it by");
	default:
		return PHRASE("it does not understand what we sent");
	}
}

static void tell_alert(struct fmt *f, const struct tls *t)
{
	uint8_t alert = t->ssl.in_msg ? t->ssl.in_msg[1] : 0;

	if (t->client && alert == MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION)
		fmt_add(f, "it speaks no TLS version that TLS_Protocols allows");
	else
		fmt_str(f, alert_words(alert));
	fmt_add(f, " (alert %u)", alert);
}

/* Is what came first text, and no record (whose first octet is 20 to 24)? */
static bool is_clear_text(const struct tls *t)
{
	return t->nfirst > 0 && t->first[0] >= ' ' && t->first[0] < 0x7f;
}

static bool is_no_certificate(int ret)
{
	return ret == MBEDTLS_ERR_X509_FATAL_ERROR || ret == MBEDTLS_ERR_SSL_BAD_CERTIFICATE ||
	       (-ret >= 0x2080 && -ret < 0x3000);
}

static bool is_memory(const struct tls *t, int ret)
{
	return tls_arena_use(t->id)->failed || ret == MBEDTLS_ERR_SSL_ALLOC_FAILED;
}

static void tell_end(struct fmt *f, const struct tls *t)
{
	if (t->error != 0 && t->error != ECONNRESET && t->error != EPIPE) {
		fmt_add(f, "the connection failed: %s", errtext(t->error));
	} else {
		fmt_str(f, t->done ? PHRASE("it closed the connection without saying so")
				   : PHRASE("it closed the connection in the handshake"));
	}
}

static const char *error_words(const struct tls *t, int ret)
{
	switch (ret) {
	case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
		return t->client ? PHRASE("it speaks no TLS version that TLS_Protocols allows")
				 : PHRASE("it speaks no TLS 1.2 or 1.3");
	case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
		return t->check.judged
			   ? PHRASE("it could not prove that its certificate is its own")
			   : PHRASE("it has no cipher in common with us");
	case MBEDTLS_ERR_SSL_BAD_INPUT_DATA:
		return PHRASE("it sent a message that is too large");
	case MBEDTLS_ERR_SSL_INVALID_RECORD:
	case MBEDTLS_ERR_SSL_UNEXPECTED_RECORD:
		return t->nfirst > 0 && !t->done && (t->first[0] < 20 || t->first[0] > 24)
			   ? PHRASE("it does not speak TLS")
			   : PHRASE("it sent a record that is none");
	case MBEDTLS_ERR_SSL_INVALID_MAC:
		return t->done ? PHRASE("what it sent was changed on the way")
			       : PHRASE("it broke off the handshake, or what it sent was changed "
					"on the way");
	case MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE:
	case MBEDTLS_ERR_SSL_DECODE_ERROR:
	case MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER:
	case MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION:
		return PHRASE("it breaks the rules of TLS");
	case MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED:
		return PHRASE("there is no certificate here to show it");
	default:
		/* those of RSA and elliptic curves */
		return -ret >= 0x4080 && -ret < 0x5000 ? PHRASE("its signature is wrong")
						       : PHRASE("TLS failed");
	}
}

static bool needs_code(int ret)
{
	return ret != MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION &&
	       ret != MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE;
}

static void tell_code(struct fmt *f, int ret)
{
	fmt_add(f, " (mbedTLS -0x%04x)", (unsigned)-ret);
}

void tls_explain(struct tls *t, int ret)
{
	struct fmt f;

	fmt_init(&f, t->why, sizeof(t->why));
	if (is_memory(t, ret)) {
		fmt_add(&f, "it wants more memory than a TLS session has here");
	} else if (ret == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
		tell_alert(&f, t);
	} else if (t->error != 0 || ret == MBEDTLS_ERR_SSL_CONN_EOF ||
		   ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
		tell_end(&f, t);
	} else if (!t->done && is_clear_text(t)) {
		fmt_str(
		    &f, t->client
			    ? PHRASE("it does not speak TLS at this port: it answers in clear text")
			    : PHRASE("it does not speak TLS: it sent clear text"));
	} else if (is_no_certificate(ret)) {
		t->check.is_it = true;
		fmt_str(&f, t->check.looked > 0 ? PHRASE("its chain of certificates is too long")
						: PHRASE("its certificate cannot be read"));
		tell_code(&f, ret);
	} else {
		fmt_str(&f, error_words(t, ret));
		if (needs_code(ret))
			tell_code(&f, ret);
	}
}

/* ---- what an old client had to offer ---- */

/* Where in the first octets its version stands: a record with a ClientHello, or one of SSL 2. */
static const uint8_t *version_at(const struct tls *t)
{
	if (t->nfirst >= 11 && t->first[0] == 22 && t->first[5] == 1)
		return t->first + 9;
	if (t->nfirst >= 5 && (t->first[0] & 0x80) && t->first[2] == 1)
		return t->first + 3;
	return NULL;
}

const char *tls_offered(const struct tls *t)
{
	static const char names[][8] = { "SSL 3", "TLS 1.0", "TLS 1.1", "TLS 1.2" };
	const uint8_t *v = t->client ? NULL : version_at(t);

	if (!v)
		return "";
	if (v[0] == 0 && v[1] == 2)
		return "SSL 2";
	return v[0] == 3 && v[1] < 4 ? names[v[1]] : "";
}
