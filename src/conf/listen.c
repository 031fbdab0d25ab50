/* SPDX-License-Identifier: ISC */
/* The names of Listen stanzas. */
#include "conf/build.h"

#include <string.h>

#define SUN_PATH 108u /* octets of a Unix socket's name with its NUL */

static bool is_interface(struct bytes x)
{
	if (x.n == 0 || x.n >= INET_ZONE || bytes_same(x, BYTES(".")) || bytes_same(x, BYTES("..")))
		return false;
	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] <= ' ' || x.p[i] >= 127 || memchr("/:%*[]", x.p[i], 6))
			return false;
	}
	return true;
}

static const char *parse_path(struct bytes x, struct conf_listen *out)
{
	if (x.p[0] != '/')
		return PHRASE(": the path of a Unix socket begins with a slash");
	if (x.n >= SUN_PATH || x.p[x.n - 1] == '/')
		return PHRASE(" is not the path of a Unix socket (at most 107 octets)");
	out->kind = CONF_LISTEN_UNIX;
	out->name = x;
	return NULL;
}

static bool parse_address(struct conf_listen *out, struct bytes host)
{
	struct inet_addr addr;

	if (!inet_parse_v4(host, &addr) &&
	    !(host.n > 2 && host.p[0] == '[' && inet_parse_addr(host, &addr)))
		return false;
	out->kind = CONF_LISTEN_ADDRESS;
	out->addr = addr;
	if (inet_is_any(addr.a)) {
		out->kind = inet_is_v4(addr.a) ? CONF_LISTEN_ANY_V4 : CONF_LISTEN_ANY_V6;
		memset(&out->addr, 0, sizeof(out->addr));
	}
	return true;
}

/* Splits at the last colon behind brackets. False: there is none. */
static bool split(struct bytes x, struct bytes *host, struct bytes *port)
{
	size_t i = x.n;

	while (i > 0 && x.p[i - 1] != ':' && x.p[i - 1] != ']')
		i--;
	if (i == 0 || x.p[i - 1] != ':')
		return false;
	*host = bytes_first(x, i - 1);
	*port = bytes_skip(x, i);
	return true;
}

const char *listen_parse(struct bytes x, struct conf_listen *out)
{
	struct bytes host, port;
	struct inet_addr addr;

	memset(out, 0, sizeof(*out));
	out->enable = true;
	if (bytes_find(x, '/') < x.n)
		return parse_path(x, out);
	if (x.n > 0 && x.p[0] != '[' && inet_parse_v6(x, &addr))
		return PHRASE(": an IPv6 address wants brackets and a port: \"[ADDRESS]:25\"");
	if (!split(x, &host, &port) || !inet_parse_port(port, true, &out->port))
		return PHRASE(
		    " wants a port: \":25\", \"*:25\", \"[*]:25\", "
		    "\"127.0.0.1:25\", \"[::1]:25\", \"eth0:25\", or the path of a Unix socket");
	if (host.n == 0)
		out->kind = CONF_LISTEN_ANY;
	else if (bytes_same(host, BYTES("*")))
		out->kind = CONF_LISTEN_ANY_V4;
	else if (bytes_same(host, BYTES("[*]")))
		out->kind = CONF_LISTEN_ANY_V6;
	else if (parse_address(out, host))
		return NULL;
	else if (inet_parse_v6(host, &addr))
		return PHRASE(": an IPv6 address wants brackets: \"[ADDRESS]:25\"");
	else if (bytes_same_fold(host, BYTES("localhost")))
		return PHRASE(": write the address: \"127.0.0.1:25\" or \"[::1]:25\"");
	else if (is_interface(host) &&
		 !(byte_is_digit(host.p[0]) && bytes_find(host, '.') < host.n))
		out->kind = CONF_LISTEN_INTERFACE;
	else
		return PHRASE(" names neither an address nor an interface");
	if (out->kind == CONF_LISTEN_INTERFACE)
		out->name = host;
	return NULL;
}

bool listen_same(const struct conf_listen *a, const struct conf_listen *b)
{
	return a->kind == b->kind && a->port == b->port && bytes_same(a->name, b->name) &&
	       inet_same(a->addr.a, b->addr.a) &&
	       memcmp(a->addr.zone, b->addr.zone, INET_ZONE) == 0;
}

/* Does it take connections over IPv4 (IPv6)? */
static bool takes_family(const struct conf_listen *l, bool v4)
{
	switch ((enum conf_listen_kind)l->kind) {
	case CONF_LISTEN_ANY:
	case CONF_LISTEN_INTERFACE:
		return true;
	case CONF_LISTEN_ANY_V4:
		return v4;
	case CONF_LISTEN_ANY_V6:
		return !v4;
	case CONF_LISTEN_ADDRESS:
		return inet_is_v4(l->addr.a) == v4;
	case CONF_LISTEN_UNIX:
		break;
	}
	return false;
}

bool listen_clash(const struct conf_listen *a, const struct conf_listen *b)
{
	bool both = (takes_family(a, true) && takes_family(b, true)) ||
		    (takes_family(a, false) && takes_family(b, false));

	if (a->kind == CONF_LISTEN_UNIX || b->kind == CONF_LISTEN_UNIX)
		return listen_same(a, b);
	if (!both || a->port != b->port || a->port == 0)
		return false;
	if (a->kind == CONF_LISTEN_INTERFACE && b->kind == CONF_LISTEN_INTERFACE)
		return bytes_same(a->name, b->name);
	if (a->kind == CONF_LISTEN_ADDRESS && b->kind == CONF_LISTEN_ADDRESS)
		return listen_same(a, b);
	return true;
}

bool listen_takes(
    const struct build *b, const struct conf_listen *l, const struct inet_addr *a, uint16_t port)
{
	const struct conf_source *src = b->src;
	const char *interface = NULL;

	if (l->kind == CONF_LISTEN_UNIX || l->port == 0 || l->port != port ||
	    !takes_family(l, inet_is_v4(a->a)))
		return false;
	if (l->kind == CONF_LISTEN_ADDRESS)
		return inet_same(l->addr.a, a->a) &&
		       (a->zone[0] == '\0' || l->addr.zone[0] == '\0' ||
			   memcmp(a->zone, l->addr.zone, INET_ZONE) == 0);
	if (l->kind == CONF_LISTEN_INTERFACE)
		interface = (const char *)l->name.p;
	else if (inet_is_loopback(a->a))
		return true;
	return src->own_address && src->own_address(src->ctx, a->a, interface);
}
