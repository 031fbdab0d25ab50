/* SPDX-License-Identifier: ISC */
/* Values that are hosts: names, addresses, gateways and lists of them. */
#include "conf/build.h"

#include "base/on.h"

#include <string.h>

static const struct bytes nothing;

/* Are all octets digits and dots? */
static bool is_numeric(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		if (!byte_is_digit(x.p[i]) && x.p[i] != '.')
			return false;
	}
	return x.n > 0;
}

/* RFC 1123 2.1, and the underscore; a dot at the end is allowed. */
bool value_is_host(struct bytes x)
{
	struct bytes name = tree_domain(x);

	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] >= 0x80)
			return false;
	}
	return value_is_mail_domain(name) && !is_numeric(name);
}

/* It is told to others without a dot at its end. */
const char *value_host(struct build *b, struct build_value *v)
{
	if (!value_is_host(v->word[0].text))
		return PHRASE("is not a host name");
	value_text(b, v, tree_domain(v->word[0].text));
	return NULL;
}

const char *value_helo(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text;

	if (!value_is_literal(x) && !value_is_host(x))
		return PHRASE(
		    "is neither a host name nor an address literal like \"[192.0.2.1]\" or "
		    "\"[IPv6:2001:db8::1]\"");
	value_text(b, v, tree_domain(x));
	return NULL;
}

static bool is_multicast(const uint8_t a[16])
{
	return inet_is_v4(a) ? a[12] >= 224 : a[0] == 0xff;
}

const char *value_address(struct build *b, struct build_value *v)
{
	struct inet_addr addr;

	if (!inet_parse_addr(v->word[0].text, &addr))
		return PHRASE("is not an address, which is written without a port");
	if (inet_is_any(addr.a) || is_multicast(addr.a))
		return PHRASE("is not the address of an interface");
	value_keep(b, v, &addr, sizeof(addr));
	return NULL;
}

/* --- one gateway --- */

struct endpoint {
	struct bytes host; /* without brackets and port */
	struct inet_addr addr;
	uint16_t port;
	bool literal, explicit_port;
};

/* What is behind the host: nothing, or a colon and a port. */
static const char *parse_end(struct bytes x, struct endpoint *e)
{
	if (x.n == 0)
		return NULL;
	if (x.p[0] != ':' || !inet_parse_port(bytes_skip(x, 1), false, &e->port))
		return PHRASE("has no port behind its host: 1 to 65535");
	e->explicit_port = true;
	return NULL;
}

static const char *parse_bracketed(struct bytes x, struct endpoint *e)
{
	size_t end = bytes_find(x, ']');
	struct bytes inner = bytes_first(bytes_skip(x, 1), end > 0 ? end - 1 : 0);
	struct inet_addr addr;

	if (end == x.n)
		return PHRASE("has no ] behind its address");
	if (inet_parse_v4(inner, &addr))
		return PHRASE("is an IPv4 address, which is written without brackets");
	if (!inet_parse_v6(inner, &e->addr))
		return bytes_find(inner, '%') < inner.n
			   ? PHRASE(
				 "is not a link-local IPv6 address with the zone of an interface")
			   : PHRASE("is not an IPv6 address in brackets");
	e->literal = true;
	e->host = inner;
	return parse_end(bytes_skip(x, end + 1), e);
}

static const char *parse_name(struct bytes x, struct endpoint *e)
{
	size_t colon = bytes_find(x, ':');
	struct bytes host = bytes_first(x, colon);

	if (bytes_same_fold(host, BYTES("__mx__")))
		return PHRASE(
		    "is not known here: this relay delivers to gateways only, never to the MX "
		    "of a domain");
	if (inet_parse_v4(host, &e->addr))
		e->literal = true;
	else if (is_numeric(host))
		return PHRASE("is not an IPv4 address");
	else if (x.n > 0 && x.p[x.n - 1] == ';')
		return PHRASE("is not a host: there are no semicolons in a configuration");
	else if (!value_is_host(host))
		return PHRASE("is neither an address nor a host name");
	e->host = tree_domain(host);
	return parse_end(bytes_skip(x, colon), e);
}

/* NULL, or what is wrong, in words that fit behind the value. */
static const char *parse_endpoint(struct bytes x, struct endpoint *e)
{
	size_t colon = bytes_find(x, ':'), slash = bytes_find(x, '/');
	const char *why;

	memset(e, 0, sizeof(*e));
	if (x.n == 0)
		return PHRASE("is empty: a gateway is an address or a host name");
	if (slash < x.n)
		return PHRASE("is not a host: write the host alone, with :PORT if needed");
	if (x.p[0] == '[')
		why = parse_bracketed(x, e);
	else if (colon < x.n && bytes_find(bytes_skip(x, colon + 1), ':') + colon + 1 < x.n)
		why = PHRASE(
		    "is not a gateway: an IPv6 address is written in brackets, \"[ADDRESS]\" or "
		    "\"[ADDRESS]:PORT\"");
	else
		why = parse_name(x, e);
	if (!why && e->literal && (inet_is_any(e->addr.a) || is_multicast(e->addr.a)))
		why = PHRASE("is not the address of a host");
	return why;
}

/* For an IPv6 address without brackets: how to write it. */
static bool report_unbracketed(struct build *b, const struct build_value *v)
{
	struct inet_addr addr;

	if (!inet_parse_v6(v->word[0].text, &addr))
		return false;
	build_error(b, &v->word[0].at, "%s: an IPv6 address is written in brackets: \"[%.*s]\"",
	    option_name(v->option), SPAN(v->word[0].text));
	return true;
}

static void fill_route(
    struct build *b, struct conf_route *r, const struct endpoint *e, uint32_t pref)
{
	r->host = arena_string(&b->arena, bytes_first(e->host, bytes_find(e->host, '%')));
	r->addr = e->addr;
	r->literal = e->literal;
	r->explicit_port = e->explicit_port;
	r->port = e->port;
	r->pref = pref;
}

const char *value_gateway(struct build *b, struct build_value *v)
{
	size_t size = sizeof(struct conf_routes) + sizeof(struct conf_route);
	struct conf_routes *routes;
	struct endpoint e;
	const char *why = parse_endpoint(v->word[0].text, &e);

	if (why)
		return report_unbracketed(b, v) ? value_said : why;
	routes = arena_temp(&b->arena, size);
	if (!routes)
		return NULL;
	memset(routes, 0, size);
	routes->n = 1;
	fill_route(b, &routes->route[0], &e, 0);
	value_keep(b, v, routes, size);
	return NULL;
}

/* --- Routes --- */

struct route_params {
	uint64_t pref;
	bool has_pref;
	struct bytes port;
};

/* One NAME=VALUE behind the question mark. */
static const char *parse_param(struct bytes x, struct route_params *p)
{
	size_t equals = bytes_find(x, '=');
	struct bytes name = bytes_first(x, equals), value = bytes_skip(x, equals + 1);

	if (bytes_same_fold(name, BYTES("pref"))) {
		if (p->has_pref || !num_u64(value, 65535, &p->pref))
			return PHRASE("wants one pref, 0 to 65535");
		p->has_pref = true;
		return NULL;
	}
	if (bytes_same_fold(name, BYTES("port"))) {
		if (p->port.n > 0 || value.n == 0)
			return PHRASE("wants one port, 1 to 65535");
		p->port = value;
		return NULL;
	}
	if (bytes_same_fold(name, BYTES("ttl")))
		return PHRASE(
		    "has a ttl, which is not needed: how long an address holds is told by the "
		    "name server");
	if (bytes_same_fold(name, BYTES("type")))
		return PHRASE(
		    "has a type, which is not needed: AAAA and A of the name are used, MX where "
		    "it has neither");
	return PHRASE("has an unknown parameter: there are pref and port");
}

static const char *parse_params(struct bytes x, struct route_params *p)
{
	const char *why = NULL;

	while (x.n > 0 && !why) {
		size_t end = bytes_find(x, '&');

		why = parse_param(bytes_first(x, end), p);
		x = bytes_skip(x, end + 1);
	}
	return why;
}

/* [smtp://]HOST[:PORT][?pref=N&port=N] */
static const char *parse_route(struct bytes x, struct endpoint *e, struct route_params *p)
{
	size_t question = bytes_find(x, '?');
	struct bytes host = bytes_first(x, question);
	const char *why;
	size_t colon;

	memset(p, 0, sizeof(*p));
	colon = bytes_find(host, ':');
	if (bytes_begins_fold(bytes_skip(host, colon), BYTES("://"))) {
		if (!bytes_same_fold(bytes_first(host, colon), BYTES("smtp")))
			return PHRASE("is of an unknown kind: write \"smtp://HOST\"");
		host = bytes_skip(host, colon + 3);
		if (host.n > 0 && host.p[host.n - 1] == '/')
			host.n--;
	}
	why = parse_endpoint(host, e);
	if (!why)
		why = parse_params(bytes_skip(x, question + 1), p);
	if (!why && p->port.n > 0) {
		uint16_t port;

		if (!inet_parse_port(p->port, false, &port) ||
		    (e->explicit_port && port != e->port))
			return PHRASE("wants one port, 1 to 65535");
		e->port = port;
		e->explicit_port = true;
	}
	return why;
}

bool value_is_route(struct bytes x, const struct conf_route *r)
{
	struct route_params params;
	struct endpoint e;

	return !parse_route(x, &e, &params) && e.literal == r->literal && e.port == r->port &&
	       inet_same(e.addr.a, r->addr.a) && memcmp(e.addr.zone, r->addr.zone, INET_ZONE) == 0;
}

/* Insertion keeps the order of equal ones. */
static void sort(struct conf_routes *routes)
{
	for (uint32_t i = 1; i < routes->n; i++) {
		struct conf_route r;
		uint32_t k = i;

		memcpy(&r, &routes->route[i], sizeof(r));
		for (; k > 0 && routes->route[k - 1].pref > r.pref; k--)
			memcpy(&routes->route[k], &routes->route[k - 1], sizeof(r));
		memcpy(&routes->route[k], &r, sizeof(r));
	}
}

/* The smallest numbers of the same order: equal lists are equal, however they were written. */
static void rank(struct conf_routes *routes)
{
	uint32_t last = 0, rank = 0;

	for (uint32_t i = 0; i < routes->n; i++) {
		uint32_t pref = routes->route[i].pref;

		if (i > 0 && pref != last)
			rank++;
		last = pref;
		routes->route[i].pref = rank;
	}
}

/*
 * Explicit preferences are spread, so that one without stands behind the one before it in the
 * list, and is shared with none.
 */
static uint32_t next_pref(const struct route_params *p, uint32_t before, size_t i)
{
	return p->has_pref ? (uint32_t)p->pref << 16 : (before & 0xffff0000u) | (uint32_t)(i + 1);
}

const char *value_routes(struct build *b, struct build_value *v)
{
	size_t size = sizeof(struct conf_routes) + v->n * sizeof(struct conf_route);
	struct conf_routes *routes;
	uint32_t pref = 0;
	bool good = true;

	if (v->n == 0 || v->n > UINT16_MAX - 1) {
		build_error(
		    b, &v->at, "%s: the list wants at least one gateway", option_name(v->option));
		return value_said;
	}
	routes = arena_temp(&b->arena, size);
	if (!routes)
		return NULL;
	memset(routes, 0, size);
	routes->n = (uint32_t)v->n;
	for (size_t i = 0; i < v->n; i++) {
		struct route_params params;
		struct endpoint e;
		const char *why = parse_route(v->word[i].text, &e, &params);

		if (why) {
			good = value_wrong(b, v, i, why);
			continue;
		}
		pref = next_pref(&params, pref, i);
		fill_route(b, &routes->route[i], &e, pref);
	}
	sort(routes);
	rank(routes);
	value_keep(b, v, routes, size);
	return good ? NULL : value_said;
}

/* --- Log --- */

const char *value_log(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text, host;
	struct conf_log_value log;
	struct endpoint e = { 0 };

	memset(&log, 0, sizeof(log));
	if (bytes_same_fold(x, BYTES("stderr"))) {
		log.log = CONF_LOG_STDERR;
		v->canonical = BYTES("stderr");
	} else if (bytes_same_fold(x, BYTES("syslog"))) {
		log.log = CONF_LOG_SYSLOG;
		v->canonical = BYTES("syslog");
	} else {
		host = bytes_begins_fold(x, BYTES("syslog://")) ? bytes_skip(x, 9) : nothing;
		if (host.n == 0 || parse_endpoint(host, &e) || !e.literal)
			return PHRASE("is none of stderr, syslog, \"syslog://ADDRESS\" and "
				      "\"syslog://ADDRESS:PORT\" (an IPv6 address in brackets)");
		log.log = CONF_LOG_SYSLOG_ADDR;
		log.addr = e.addr;
		log.addr.port = e.explicit_port ? e.port : 514;
	}
	if (log.log != CONF_LOG_STDERR && !ON(CONFIG_LOG_SYSLOG))
		return PHRASE("is not built into this gatepost");
	value_keep(b, v, &log, sizeof(log));
	return NULL;
}
