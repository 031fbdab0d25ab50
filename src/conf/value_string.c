/* SPDX-License-Identifier: ISC */
/* Values of TLS and logins: strings that are kept as they are, files, pins. */
#include "conf/build.h"

#include "base/base64.h"
#include "base/on.h"

#include <string.h>

/* Reports without the value, which may be a secret. */
static const char *wrong(struct build *b, const struct build_value *v, const char *why)
{
	build_error(b, v->n > 0 ? &v->word[0].at : &v->at, "%s %s", option_name(v->option), why);
	return value_said;
}

static const char *keep(struct build *b, struct build_value *v, struct bytes x)
{
	value_keep(b, v, x.p, x.n);
	return NULL;
}

static bool has_control(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] < ' ' || x.p[i] == 127)
			return true;
	}
	return false;
}

static const char *parse_text(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text;

	if (x.n == 0)
		return wrong(b, v, PHRASE("is empty: write none to unset it"));
	if (has_control(x))
		return PHRASE("has a control character in it");
	return keep(b, v, x);
}

/* One in error is kept all the same: it is not missing, too. */
static const char *parse_secret(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text;

	if (x.n == 0)
		wrong(b, v, PHRASE("is empty"));
	else if (has_control(x))
		wrong(b, v, PHRASE("has a control character in it"));
	return keep(b, v, x);
}

static const char *parse_file(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text, folder = build_folder(b->main_file);
	const char *spec = option_spec(v->option);

	if (value_is_none(x) && spec[1] != '\0')
		return NULL;
	if (x.n == 0 || x.p[x.n - 1] == '/')
		return PHRASE("is not the name of a file");
	if (has_control(x))
		return PHRASE("has a control character in it");
	if (x.p[0] == '/')
		folder.n = 0;
	v->out.data = build_path(b, &v->word[0].at, folder, x);
	return NULL;
}

static const char *parse_folder(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text;

	while (x.n > 1 && x.p[x.n - 1] == '/')
		x.n--;
	if (x.n < 2 || x.p[0] != '/')
		return PHRASE("is not the whole path of a folder, beginning with a slash");
	if (has_control(x))
		return PHRASE("has a control character in it");
	v->out.data = build_path(b, &v->word[0].at, (struct bytes){ 0 }, x);
	return NULL;
}

static const char *parse_contact(struct build *b, struct build_value *v)
{
	const char *why = value_mailbox(b, v);

	return why ? why : keep(b, v, v->word[0].text);
}

static const char *parse_peer_name(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text;
	struct inet_addr addr;

	if (inet_parse_addr(x, &addr) && addr.zone[0] == '\0') {
		if (x.p[0] == '[')
			x = bytes_first(bytes_skip(x, 1), x.n - 2);
	} else if (!value_is_host(x)) {
		return PHRASE("is neither a host name nor an address");
	}
	return keep(b, v, tree_domain(x));
}

/* A directory of Microsoft: an id with hyphens, a domain, or common, organizations, consumers. */
static const char *parse_tenant(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text;

	if (!value_is_mail_domain(x) || bytes_find(x, '_') < x.n)
		return PHRASE("is neither the id nor the domain of a directory");
	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] >= 0x80)
			return PHRASE("is not plain ASCII");
	}
	return keep(b, v, x);
}

/* --- addresses of the web --- */

/* RFC 3986: no blanks, nothing beyond ASCII, none of the few that must be escaped. */
static bool is_url_text(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] <= ' ' || x.p[i] >= 127 || memchr("\"<>\\^`{|}#", x.p[i], 10))
			return false;
	}
	return true;
}

/* HOST, ADDRESS or [ADDRESS], with an optional port */
static bool is_authority(struct bytes x)
{
	struct bytes host = x;
	struct inet_addr addr;
	uint16_t port;
	size_t colon = x.n;

	while (colon > 0 && x.p[colon - 1] != ':' && x.p[colon - 1] != ']')
		colon--;
	if (colon > 0 && x.p[colon - 1] == ':') {
		if (!inet_parse_port(bytes_skip(x, colon), false, &port))
			return false;
		host = bytes_first(x, colon - 1);
	}
	if (host.n > 0 && host.p[0] == '[')
		return inet_parse_addr(host, &addr) && addr.zone[0] == '\0';
	return inet_parse_v4(host, &addr) || value_is_host(host);
}

static const char *parse_url(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text, rest;

	if (!bytes_begins_fold(x, BYTES("https://")))
		return PHRASE(
		    "does not begin with https://: secrets are sent there, so it must be TLS");
	rest = bytes_skip(x, 8);
	if (!is_url_text(rest) || !is_authority(bytes_first(rest, bytes_find(rest, '/'))))
		return PHRASE(
		    "is not an address of the web like \"https://login.example.com/token\"");
	return keep(b, v, x);
}

/* --- pins --- */

static int hex_value(uint8_t c)
{
	uint8_t low = byte_lower(c);

	if (byte_is_digit(c))
		return c - '0';
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool parse_hex(struct bytes x, uint8_t out[32])
{
	if (x.n != 64)
		return false;
	for (size_t i = 0; i < 32; i++) {
		int high = hex_value(x.p[2 * i]), low = hex_value(x.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool parse_pin(struct bytes x, uint8_t out[32])
{
	struct bytes rest = bytes_skip(x, 7);
	size_t n;

	if (!bytes_begins_fold(x, BYTES("sha256:")))
		return false;
	if (parse_hex(rest, out))
		return true;
	return base64_decode(rest, out, 32, &n) && n == 32;
}

static const char *parse_pins(struct build *b, struct build_value *v)
{
	size_t size = sizeof(struct conf_pins) + v->n * 32;
	struct conf_pins *pins;
	bool good = true;

	if (v->n == 0)
		return wrong(b, v, PHRASE("is an empty list: write none to unset it"));
	pins = arena_temp(&b->arena, size);
	if (!pins)
		return NULL;
	memset(pins, 0, size);
	pins->n = (uint32_t)v->n;
	for (size_t i = 0; i < v->n; i++) {
		if (!parse_pin(v->word[i].text, pins->pin[i]))
			good = value_wrong(b, v, i,
			    PHRASE(
				"is not \"sha256:\" and a SHA-256 in base64 or in 64 hex digits"));
	}
	value_keep(b, v, pins, size);
	return good ? NULL : value_said;
}

/* --- versions --- */

static bool is_version(struct bytes x, const char *number)
{
	if (bytes_begins_fold(x, BYTES("TLS")))
		x = bytes_skip(x, 3);
	if (bytes_begins_fold(x, BYTES("v")))
		x = bytes_skip(x, 1);
	return bytes_same(x, bytes_of(number));
}

static const char *parse_protocols(struct build *b, struct build_value *v)
{
	static const char text[][8] = { "", "1.2", "1.3", "1.2 1.3" };
	struct bytes x = v->word[0].text;

	v->out.number = 0;
	while (x.n > 0) {
		size_t blank = bytes_find(x, ' ');
		struct bytes word = bytes_first(x, blank);

		x = bytes_skip(x, blank + 1);
		if (is_version(word, "1.2"))
			v->out.number |= 1;
		else if (is_version(word, "1.3"))
			v->out.number |= 2;
		else if (word.n > 0)
			return PHRASE("is not known here: TLS 1.2 and 1.3 only, \"1.2 1.3\"");
	}
	if (v->out.number == 0)
		return wrong(b, v, PHRASE("wants \"1.2\", \"1.3\" or \"1.2 1.3\""));
	v->canonical = bytes_of(text[v->out.number]);
	return NULL;
}

/* What only a part of the build has an option for is told by that alone. */
const char *value_string(struct build *b, struct build_value *v)
{
	unsigned type = v->option->type;

	if (type == TYPE_SECRET)
		return parse_secret(b, v);
	if (ON(CONFIG_TLS) && type == TYPE_FILE)
		return parse_file(b, v);
	if (ON(CONFIG_TLS) && type == TYPE_PEER_NAME)
		return parse_peer_name(b, v);
	if (ON(CONFIG_TLS) && type == TYPE_PINS)
		return parse_pins(b, v);
	if (ON(CONFIG_TLS) && type == TYPE_PROTOCOLS)
		return parse_protocols(b, v);
	if (ON(CONFIG_SPOOL) && type == TYPE_FOLDER)
		return parse_folder(b, v);
	if (ON(CONFIG_SPOOL) && type == TYPE_CONTACT)
		return parse_contact(b, v);
	if (ON(CONFIG_OAUTH) && type == TYPE_TENANT)
		return parse_tenant(b, v);
	if (ON(CONFIG_OAUTH) && type == TYPE_URL)
		return parse_url(b, v);
	return parse_text(b, v);
}
