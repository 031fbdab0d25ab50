/* SPDX-License-Identifier: ISC */
#include "cmd/reach.h"

#include "cmd/cmd.h"
#include "io/dial.h"
#include "io/ifaces.h"
#include "io/ipc.h"
#include "io/sockaddr.h"
#include "relay/route.h"
#include "run/names.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 30000 /* the longest wait for the names helper */
#define OWN 64          /* addresses of this box that are looked at */

static struct {
	int names; /* our end of the pair; 0: there is no helper yet */
	pid_t pid;
	struct timer *slots[2 + DIAL_PARALLEL];
	bool loop;
	struct deadline begin;
	struct dial dial;
	struct reach *reach;
	struct fmt *why;
	bool tried[CONFIG_GATEWAY_ADDRESSES];
	int fd;
	struct inet_addr own[OWN];
	unsigned nown;
	uint32_t iface; /* only addresses of this interface; 0: of all */
} way;

void reach_name(struct fmt *f, const struct conf_route *route, const struct conf_sending *key)
{
	uint16_t port = route->port != 0 ? route->port : key->remote_smtp_port;

	if (route->literal) {
		struct inet_addr a = route->addr;

		a.port = port;
		inet_print_port(f, &a);
		return;
	}
	fmt_add(f, "%.*s:%u", SPAN(route->host), port);
}

/* ---- look-up ---- */

static void no_lock(void)
{
}

static bool start_helper(void)
{
	int pair[2];

	if (way.names > 0)
		return true;
	if (ipc_pair(pair) != 0)
		return false;
	way.pid = _Fork();
	if (way.pid == 0) {
		const struct names_args args = {
			.names = pair[1], .tokens = -1, .refresh = -1, .lock = no_lock
		};

		close(pair[0]);
		names_main(&args);
	}
	close(pair[1]);
	if (way.pid < 0) {
		close(pair[0]);
		return false;
	}
	way.names = pair[0];
	return true;
}

void reach_end(void)
{
	if (way.names <= 0)
		return;
	close(way.names);
	way.names = 0;
	waitpid(way.pid, NULL, 0);
}

static bool ask_helper(const struct names_question *q, struct names_answer *a)
{
	struct pollfd p = {.events = POLLIN};

	if (!start_helper() || ipc_send(way.names, q, sizeof(*q)) != 0)
		return false;
	p.fd = way.names;
	return poll(&p, 1, ANSWER_MS) > 0 && ipc_take(way.names, a, sizeof(*a)) == 1;
}

static int look_up(struct reach *r, const struct conf_route *route, struct fmt *why)
{
	struct names_question q = {.id = 1, .allow_mx = !route->explicit_port};
	struct names_answer a;
	size_t n = route->host.n < NAMES_HOST ? route->host.n : NAMES_HOST - 1;

	memcpy(q.host, route->host.p, n);
	if (!ask_helper(&q, &a)) {
		fmt_add(why, "the name server did not answer");
		return EX_TEMPFAIL;
	}
	if (a.status != NAMES_OK || a.n == 0) {
		a.text[sizeof(a.text) - 1] = '\0';
		fmt_str(why, a.text);
		return a.status == NAMES_NO_HOST ? EX_NOHOST : EX_TEMPFAIL;
	}
	for (unsigned i = 0; i < a.n && i < CONFIG_GATEWAY_ADDRESSES; i++)
		r->addr[r->n++] = a.addr[i];
	return EX_OK;
}

static bool add_own(void *ctx, const struct iface_addr *a)
{
	(void)ctx;
	if (way.iface != 0 && way.iface != a->index)
		return true;
	memset(&way.own[way.nown], 0, sizeof(way.own[0]));
	memcpy(way.own[way.nown].a, a->a, sizeof(a->a));
	return ++way.nown < OWN;
}

/* Would this Listen be reached at that address? */
static bool listens(const struct conf_listen *l, const struct inet_addr *to)
{
	static const struct inet_addr any_v4 = {.a = {[10] = 0xff, [11] = 0xff}};
	struct inet_addr at = {0};

	if (l->kind == CONF_LISTEN_UNIX || l->port == 0)
		return false;
	if (l->kind == CONF_LISTEN_ANY_V6 && inet_is_v4(to->a))
		return false;
	if (l->kind == CONF_LISTEN_ADDRESS)
		at = l->addr;
	else if (l->kind == CONF_LISTEN_ANY_V4)
		at = any_v4;
	at.port = l->port;
	way.nown = 0;
	way.iface = 0;
	if (l->kind == CONF_LISTEN_INTERFACE) {
		char name[INET_ZONE];
		struct fmt f;

		fmt_init(&f, name, sizeof(name));
		fmt_bytes(&f, l->name);
		way.iface = sockaddr_zone(name);
	}
	(void)ifaces_walk(add_own, NULL);
	return route_is_self(to, &at, way.own, way.nown);
}

static bool is_self(const struct conf *c, const struct inet_addr *to)
{
	for (uint32_t i = 0; i < c->listens; i++) {
		if (listens(&c->listen[i], to))
			return true;
	}
	return false;
}

int reach_look_up(struct reach *r, const struct conf_route *route, struct fmt *why)
{
	const struct conf_nets *prohibited = r->key->prohibited_hosts;
	uint16_t port = route->port != 0 ? route->port : r->key->remote_smtp_port;
	const char *left_out = PHRASE("it has no address");
	unsigned n = 0;
	int status = EX_OK;

	r->n = 0;
	if (route->literal)
		r->addr[r->n++] = route->addr;
	else
		status = look_up(r, route, why);
	for (unsigned i = 0; i < r->n; i++) {
		struct inet_addr *a = &r->addr[i];

		a->port = port;
		if (prohibited != NULL && route_prohibited(a, prohibited->net, prohibited->n))
			left_out = PHRASE("its addresses are Prohibited_Hosts");
		else if (is_self(r->conf, a))
			left_out = PHRASE("this box itself listens there: a loop");
		else
			r->addr[n++] = *a;
	}
	r->n = (uint8_t)n;
	if (status != EX_OK || n > 0)
		return status;
	fmt_str(why, left_out);
	return EX_CONFIG;
}

/* ---- connection ---- */

const char *reach_text(const struct inet_addr *a)
{
	static char text[INET_TEXT];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	inet_print_port(&f, a);
	return text;
}

static void address_failed(struct dial *d, unsigned index, int err)
{
	way.tried[index] = true;
	fmt_init(way.why, way.why->p, way.why->cap);
	fmt_str(way.why, dial_error(err));
	if (way.reach->verbose)
		cmd_say("* %s: %s\n", reach_text(&d->addr[index]), way.why->p);
}

static void dialled(struct dial *d, int fd, unsigned index)
{
	way.fd = fd;
	loop_stop();
	if (fd < 0)
		return;
	way.tried[index] = true;
	way.reach->peer = d->addr[index];
	if (way.reach->verbose)
		cmd_say("* connected to %s\n", reach_text(&way.reach->peer));
}

/* The loop knows the time only once it turns. */
static void begin(struct deadline *d)
{
	(void)d;
	dial_start(&way.dial);
}

int reach_dial(struct reach *r, struct fmt *why)
{
	unsigned n = 0;

	if (!way.loop)
		loop_init(way.slots, sizeof(way.slots) / sizeof(way.slots[0]));
	way.loop = true;
	memset(way.tried, 0, sizeof(way.tried));
	way.reach = r;
	way.why = why;
	way.dial.addr = r->addr;
	way.dial.n = r->n;
	way.dial.source = r->key->bind_address;
	way.dial.connect_ms = r->key->connect_timeout * 1000;
	way.dial.failed = address_failed;
	way.dial.done = dialled;
	loop_deadline(&way.begin, 0, begin);
	loop_run();
	for (unsigned i = 0; i < r->n; i++) {
		if (!way.tried[i])
			r->addr[n++] = r->addr[i];
	}
	r->n = (uint8_t)n;
	return way.fd;
}

void reach_again(struct reach *r)
{
	if (r->n == CONFIG_GATEWAY_ADDRESSES)
		return;
	memmove(r->addr + 1, r->addr, r->n * sizeof(r->addr[0]));
	r->addr[0] = r->peer;
	r->n++;
}
