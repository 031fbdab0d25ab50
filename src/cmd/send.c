/* SPDX-License-Identifier: ISC */
/* A test mail straight to the gateway: no queue, and no relay needed. */
#include "cmd/send.h"

#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/reach.h"
#include "io/clock.h"
#include "relay/route.h"
#include "smtp/path.h"
#include "version.h"

#include <sys/mman.h>
#include <string.h>
#include <unistd.h>

#define GATEWAY_NAME (256 + 16)
#define WHY (LIMIT_REPLY_TEXT + 64)

static const uint8_t loopback[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};

int send_worse(int a, int b)
{
	static const int order[] = {EX_OK, EX_TEMPFAIL, EX_NOHOST, EX_PROTOCOL, EX_NOPERM,
		EX_UNAVAILABLE, EX_CONFIG};
	int worst = EX_OK;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (order[i] == a || order[i] == b)
			worst = order[i];
	}
	return worst;
}

void send_tell(const struct send *s, const char *gateway, bool ok, const char *why)
{
	static char line[GATEWAY_NAME + 200];
	char store[ASK_PATH];
	struct ask a = {0};
	struct fmt path, f;

	fmt_init(&path, store, sizeof(store));
	fmt_bytes(&path, s->conf->global.control_socket);
	fmt_init(&f, line, sizeof(line) - 1);
	fmt_add(&f, "learned %s%s", gateway, ok ? " ok" : PHRASE(" failed "));
	for (; !ok && *why != '\0'; why++)
		fmt_char(&f, (unsigned char)*why < 32 ? ' ' : *why);
	line[f.n] = '\n';
	(void)ask(&a, path.p, (struct bytes){(const uint8_t *)line, f.n + 1});
}

/* What a connection came to, if it goes on with another. */
static void say_next(const struct reach *r, const char *name, enum send_next next, const char *why)
{
	if (next == SEND_IN_CLEAR)
		cmd_say("%sgateway %s: %s; TLS is optional, so it is tried without\n",
		    r->verbose ? "* " : "", name, why);
	if (r->verbose && next == SEND_NEXT_ADDRESS && r->n > 0)
		cmd_say("* %s: %s; another address is tried\n", reach_text(&r->peer), why);
}

/* Along the addresses of one gateway. Did one of them decide? */
static bool try_addresses(const struct send_group *g, struct reach *r, struct send_gateway *to,
			  struct fmt *why, struct send_result *result)
{
	enum send_next next = SEND_NEXT_ADDRESS;
	bool ready = false;

	while (next == SEND_IN_CLEAR || (next == SEND_NEXT_ADDRESS && r->n > 0)) {
		int fd;

		to->clear = next == SEND_IN_CLEAR;
		fd = reach_dial(r, why);
		if (fd < 0)
			break;
		next = send_mail(g, to, fd, why, result);
		ready = ready || result->ready;
		say_next(r, to->name, next, why->p);
		if (next == SEND_IN_CLEAR)
			reach_again(r);
	}
	send_tell(g->s, to->name, ready, why->p);
	return next == SEND_DONE;
}

static void say_failed(const char *name, const struct fmt *why, const char *right)
{
	bool refused = bytes_begins_fold(fmt_done(why), BYTES("it refuses "));

	cmd_say("gateway %s%s%s\n%s", name, refused ? " " : PHRASE(" failed: "),
	    why->p + (refused ? strlen("it ") : 0), right);
}

/* Along the routes. Says what came of it. */
static int try_routes(const struct send_group *g)
{
	const struct conf_routes *routes = g->key->routes;
	static char name_store[GATEWAY_NAME], why_store[WHY];
	struct reach r = {.conf = g->s->conf, .key = g->key, .verbose = g->s->verbose};
	int worst = EX_OK;

	for (unsigned i = 0; i < routes->n; i++) {
		struct send_gateway to = {.route = &routes->route[route_pick(routes, 0, i)]};
		struct send_result result = {.status = EX_TEMPFAIL, .right = ""};
		struct fmt name, why;

		fmt_init(&name, name_store, sizeof(name_store));
		fmt_init(&why, why_store, sizeof(why_store));
		reach_name(&name, to.route, g->key);
		to.name = name.p;
		to.port = to.route->port != 0 ? to.route->port : g->key->remote_smtp_port;
		result.status = reach_look_up(&r, to.route, &why);
		if (result.status == EX_OK) {
			result.status = EX_TEMPFAIL;
			if (try_addresses(g, &r, &to, &why, &result))
				return result.status;
		}
		say_failed(name.p, &why, result.right);
		worst = i == 0 ? result.status : send_worse(worst, result.status);
	}
	return worst;
}

static struct bytes domain_of(const char *address)
{
	struct path p;

	if (path_parse_mailbox(bytes_of(address), &p) != PATH_OK)
		return (struct bytes){0};
	return p.domain;
}

/* All recipients that share the first one's delivery key. */
static int send_together(struct send *s, int first, bool *together, bool *taken)
{
	static struct conf_sending key, other;
	struct send_group g = {.s = s, .key = &key, .together = together, .taken = taken};
	int status;

	conf_sending(s->conf, s->binding, domain_of(s->to[first]), &key);
	for (int i = 0; i < s->nto; i++) {
		together[i] = false;
		if (i < first || s->to[i] == NULL)
			continue;
		conf_sending(s->conf, s->binding, domain_of(s->to[i]), &other);
		together[i] = memcmp(&key, &other, sizeof(key)) == 0;
	}
	if (key.routes != NULL)
		status = try_routes(&g);
	else
		status = cmd_fail(
		    EX_CONFIG, "no gateway is configured for mail to %s", s->to[first]);
	for (int i = 0; i < s->nto; i++) {
		if (together[i])
			s->to[i] = NULL;
	}
	return status;
}

static int send_all(struct send *s)
{
	bool *flags = mmap(NULL, (size_t)s->nto * 2, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = clock_begin(BUILD_DATE, s->conf->global.clock == CONF_CLOCK_NTP, false);
	struct fmt *why = cmd_why();
	int worst = EX_OK;

	if (flags == MAP_FAILED)
		return EX_OSERR;
	if (fd >= 0)
		close(fd);
	if (!tls_init(why))
		return cmd_fail(EX_OSERR, "%s", why->p);
	for (int i = 0; i < s->nto; i++) {
		if (s->to[i] != NULL)
			worst = send_worse(worst, send_together(s, i, flags, flags + s->nto));
	}
	reach_end();
	return worst;
}

/* An address of the command line into out; null: "" and <> are the null sender. */
static bool take_address(const char *text, bool null, char *out, size_t n)
{
	struct path p;
	struct fmt f;

	fmt_init(&f, out, n);
	if (null && (*text == '\0' || strcmp(text, "<>") == 0))
		return true;
	if (path_parse_mailbox(bytes_of(text), &p) != PATH_OK || p.domain.n == 0)
		return false;
	fmt_bytes(&f, p.mailbox);
	return !f.cut;
}

static void author_here(struct fmt *f, const struct send *s)
{
	fmt_add(f, "gatepost@%s", s->host);
}

/* Who sends: -f, else what the relay writes into the mail of this box, else gatepost@ this host. */
static bool choose_sender(struct send *s)
{
	struct conf_header header;
	struct fmt f;

	conf_header(s->conf, s->binding, &header);
	fmt_init(&f, s->sender, sizeof(s->sender));
	if (header.envelope_from.n > 0)
		fmt_bytes(&f, header.envelope_from);
	else
		author_here(&f, s);
	if (s->from != NULL && !take_address(s->from, true, s->sender, sizeof(s->sender)))
		return false;
	fmt_init(&f, s->author, sizeof(s->author));
	if (s->from == NULL && header.header_from.n > 0)
		fmt_bytes(&f, header.header_from);
	else if (s->sender[0] != '\0')
		fmt_str(&f, s->sender);
	else
		author_here(&f, s);
	return true;
}

static int check_addresses(struct send *s)
{
	static char address[LIMIT_PATH];

	if (!choose_sender(s))
		return cmd_fail(EX_USAGE, "not a sender's address: %s", s->from);
	for (int i = 0; i < s->nto; i++) {
		if (!take_address(s->to[i], false, address, sizeof(address)))
			return cmd_fail(
			    EX_USAGE, "not an address (local-part@domain): %s", s->to[i]);
		memcpy(s->to[i], address, strlen(address) + 1); /* shorter, if anything */
	}
	return EX_OK;
}

int cmd_send(int argc, char **argv)
{
	enum { CONF, FROM, SUBJECT, VERBOSE, OPTIONS };
	const char *value[OPTIONS] = { NULL };
	static struct send s;
	struct conf_receive receive;
	struct fmt f;
	int at = opts_take(argc, argv, "c: f:from s:subject v.verbose", value), status;

	if (at == 0)
		return EX_USAGE;
	if (at == argc)
		return cmd_usage(PHRASE("a recipient is missing"));
	s.conf = cmd_conf(value[CONF]);
	if (s.conf == NULL)
		return EX_CONFIG;
	s.config = value[CONF];
	s.from = value[FROM];
	s.subject = value[SUBJECT];
	s.verbose = value[VERBOSE] != NULL;
	s.to = argv + at;
	s.nto = argc - at;
	conf_receive(s.conf, CONF_LISTEN_NONE, loopback, &receive);
	s.binding = receive.binding;
	fmt_init(&f, s.host, sizeof(s.host));
	fmt_bytes(&f, s.conf->global.hostname);
	status = check_addresses(&s);
	return status == EX_OK ? send_all(&s) : status;
}
