/* SPDX-License-Identifier: ISC */
/* What status says: the first line, and the three forms, of gateways in every state. */
#include "base/on.h"
#include "relay/verdict.h"
#include "run/gateway.h"
#include "run/stats.h"
#include "run/status.h"
#include "io/ipc.h"

#include "tap.h"

#include <sys/socket.h>

/* NULL where it is not built in. */
static status_fn *const prometheus = ON(CONFIG_STATUS_PROMETHEUS) ? status_prometheus : NULL;

static struct timer *slots[64];
static struct conf conf;
static struct engine_args args = {.conf = &conf, .names = -1, .control = -1, .generation = 7};
static struct status status;

/* The whole answer; notes a piece that did not fit. */
static bool too_long;

static const char *answer(status_fn *fn)
{
	static char all[65536];
	char piece[STATUS_PIECE];
	struct status_walk walk = {0};
	struct fmt f, whole;

	too_long = false;
	status_judge(&status, &args, 4711);
	fmt_init(&whole, all, sizeof(all));
	for (unsigned i = 0; i < 1000; i++) {
		fmt_init(&f, piece, sizeof(piece));
		if (!fn(&status, &walk, &f))
			return all;
		too_long = too_long || f.cut;
		fmt_bytes(&whole, fmt_done(&f));
	}
	return "never ends";
}

/* The first line with its times as T. */
static const char *first_line(void)
{
	static char out[STATUS_REASON];
	struct fmt f;
	bool inside = false;

	status_judge(&status, &args, 4711);
	fmt_init(&f, out, sizeof(out));
	for (const char *p = status.reason; *p != '\0'; p++) {
		if (*p == STATUS_TIME)
			inside = true;
		else if (*p == STATUS_TIME_END)
			fmt_char(&f, 'T');
		else if (!inside)
			fmt_char(&f, *p);
		inside = inside && *p != STATUS_TIME_END;
	}
	return out;
}

static bool has(const char *text, const char *part)
{
	bool found = strstr(text, part) != NULL;

	if (!found)
		printf("# no %s in:\n# %s\n", part, text);
	return found;
}

/* Two routes: one literal, one named. */
static struct {
	struct conf_routes head;
	struct conf_route route[2];
} both;

static struct gateway *first, *second;

static void set_up(void)
{
	struct conf_sending sending = {.host_failure_retry = 60, .remote_smtp_port = 25};
	struct inet_addr at = {.port = 2525};

	loop_init(slots, 64);
	conf.global.control_socket = BYTES("/run/gatepost/control.sock");
	inet_parse_v4(BYTES("127.0.0.1"), &args.listener[0].at);
	args.listener[0].at.port = at.port;
	args.listener[1].unix_socket = true;
	args.listener[1].index = ENGINE_SUBMIT;
	args.nlisteners = 2;
	gateway_init(&args);
	both.head.n = 2;
	both.route[0] = (struct conf_route){.host = BYTES("10.0.0.1"), .literal = true};
	inet_parse_v4(BYTES("10.0.0.1"), &both.route[0].addr);
	both.route[1] = (struct conf_route){.host = BYTES("smtp.example.com"), .port = 587, .explicit_port = true};
	stats.started_wall = 1;
	is_str(first_line(), "working: no gateway has been tried yet", "nothing is known yet");
	ok(!status.trouble, "that is no trouble");
	first = gateway_get(&both.route[0], &sending);
	is_str(first_line(), "working: gateway 10.0.0.1:25 has not been tried yet", "one is configured");
	gateway_worked(first);
	is_str(first_line(), "working: gateway 10.0.0.1:25 up since T", "it works");
}

static void alone(void)
{
	gateway_failed(first, VERDICT_NO_CONNECT, BYTES("connection refused"));
	is_str(first_line(), "gateway 10.0.0.1:25 is down since T (connection refused); mails are refused",
	       "the only one is down");
	ok(status.trouble, "that is trouble");
	if (prometheus) {
		ok(has(answer(prometheus), "gatepost_gateway_up{gateway=\"10.0.0.1:25\"} 0\n"), "0 in metrics");
		ok(has(answer(prometheus), "gatepost_trouble 1\n"), "and trouble");
	}
	gateway_worked(first);
	memcpy(first->last_reply, "wants a login: answered MAIL", sizeof("wants a login: answered MAIL"));
	first->wants_login = true;
	is_str(first_line(), "gateway 10.0.0.1:25 takes no mail (wants a login: answered MAIL); mails are refused",
	       "one that wants a login");
	ok(status.trouble, "is trouble, too");
	first->wants_login = false;
	is_str(first_line(), "working: gateway 10.0.0.1:25 up since T", "until it has taken a mail");
	gateway_login_refused(first, BYTES("refuses the login: 535 5.7.139 no"));
	is_str(first_line(), "gateway 10.0.0.1:25 refuses the login since T (535 5.7.139 no); it has taken none since the "
	       "configuration was loaded; mails are refused", "a login that never worked");
	gateway_worked(first);
	health_accepted(&first->health);
	gateway_login_refused(first, BYTES("log in again: gatepost login"));
	is_str(first_line(), "gateway 10.0.0.1:25 has no login since T (log in again: gatepost login); mails are refused",
	       "one whose token has ended");
	gateway_worked(first);
}

static void routes(void)
{
	struct conf_sending sending = {.host_failure_retry = 60, .remote_smtp_port = 25, .routes = &both.head};

	gateway_get(&both.route[0], &sending);
	second = gateway_get(&both.route[1], &sending);
	is_str(first_line(), "working: gateway 10.0.0.1:25 up since T, and 1 more gateway", "two");
	gateway_failed(first, VERDICT_NO_CONNECT, BYTES("no answer"));
	is_str(first_line(),
	       "gateway 10.0.0.1:25 is down since T (no answer); mails go to gateway smtp.example.com:587",
	       "the other one of the routes stands in");
	ok(status.trouble, "it is trouble all the same");
	gateway_failed(second, VERDICT_NO_NAME, BYTES("no such host"));
	is_str(first_line(),
	       "gateway 10.0.0.1:25 is down since T (no answer); mails are refused; gateways down in all: 2",
	       "both are down");
}

static void forms(void)
{
	const char *text;

	stats.mails_sent = 12;
	stats.mails_refused = 3;
	memset(second->last_reply, '"', sizeof(second->last_reply) - 1);
	text = answer(status_json);
	ok(!too_long, "each piece of JSON fits");
	ok(has(text, "{\"state\":\"trouble\",\n\"reason\":\"gateway 10.0.0.1:25 is down"), "it begins with the state");
	ok(has(text, "\"generation\":7,\n\"pid\":4711,"), "generation and pid");
	ok(has(text, "{\"address\":\"127.0.0.1:2525\",\"sessions\":0}"), "a listener");
	ok(has(text, "{\"address\":\"/run/gatepost/submit.sock\",\"sessions\":0}"), "submit.sock");
	ok(has(text, "{\"gateway\":\"10.0.0.1:25\",\"state\":\"down\",\"since\":\"2"), "a gateway");
	ok(has(text, "\"addresses\":[\"10.0.0.1\"]}"), "its address");
	ok(has(text, "\"last_reply\":\"\\\"\\\""), "quotes are escaped");
	ok(has(text, "\"mails\":{\"sent\":12,\"refused\":3,\"queued\":0}"), "mails");
	ok(has(text, "\"spool\":\"off\""), "the spool");
	text = answer(status_text);
	ok(!too_long, "each piece of text fits");
	ok(has(text, "; mails are refused; gateways down in all: 2\n"), "it begins with the reason");
	ok(has(text, "mails: 12 sent, 3 refused\n"), "mails");
	ok(has(text, "listening on 127.0.0.1:2525, sessions 0\n"), "a listener");
	if (!prometheus)
		return;
	text = answer(prometheus);
	ok(!too_long, "each piece of metrics fits");
	ok(has(text, "gatepost_mails_total{status=\"sent\"} 12\ngatepost_mails_total{status=\"refused\"} 3\n"), "mails");
}

static void pool(void)
{
	gateway_worked(first);
	gateway_worked(second);
	stats.sessions_now = CONFIG_SESSIONS;
	first_line();
	ok(status.trouble && has(status.reason, "client sessions are taken"), "no session is free");
	stats.sessions_now = 0;
	first_line();
	ok(!status.trouble, "all is well again");
}

/* ---- the spool ---- */

static int disk[2];

static void stop(struct deadline *d)
{
	(void)d;
	loop_stop();
}

/* The disk process tells how things are. */
static void disk_says(const struct disk_state *state)
{
	static uint32_t serial = 1;
	static struct deadline end;
	struct disk_message m = {.op = DISK_STATE, .life = 1, .engine = 7, .job = DISK_NOTHING, .block = DISK_NOTHING};

	m.serial = serial;
	m.state = *state;
	if (ipc_send(disk[1], &m, sizeof(m)) != 0)
		abort();
	if (serial > 0) {
		tee_init(&(struct tee_args){.disk = disk[0], .engine = 7});
	} else {
		loop_after(&end, 5, stop);
		loop_run();
	}
	serial = 0;
}

static void spool(void)
{
	struct disk_state s = {.usable = 1, .scanned = 1, .next_ms = UINT64_MAX};
	const char *text;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, disk) != 0)
		abort();
	conf.global.spool = CONF_SPOOL_FALLBACK;
	conf.global.spoolbase = "/s";
	disk_says(&s);
	is_str(first_line(), "working: gateway 10.0.0.1:25 up since T, and 1 more gateway", "an empty spool");
	gateway_failed(second, VERDICT_NO_CONNECT, BYTES("no answer"));
	health_accepted(&first->health);
	gateway_failed(first, VERDICT_NO_CONNECT, BYTES("no answer"));
	is_str(first_line(), "gateway 10.0.0.1:25 is down since T (no answer); mails are kept; gateways down in all: 2",
	       "mails will be kept");
	s.mails = 3;
	s.octets = 12 * 1024 - 1;
	s.oldest = 1000;
	s.next_ms = 40000;
	s.today = 5 << 20;
	s.ever = 3ull << 30;
	disk_says(&s);
	is_str(first_line(), "gateway 10.0.0.1:25 is down since T (no answer); gateways down in all: 2; 3 mails kept",
	       "some are");
	text = answer(status_text);
	ok(has(text, "\nspool: fallback, /s: 3 mails (12k), oldest since \0021000\003, next try in 40 s, 0 in doubt, "
		     "0 being delivered; written today 5m, ever 3g\n"), "the spool in text");
	text = answer(status_json);
	ok(has(text, "\"spool\":\"fallback\",\n\"queue\":{\"mails\":3,\"octets\":12287,\"oldest\":\"1970-01-01T00:16:40Z\","
		     "\"next\":40,\"in_doubt\":0,"), "in JSON");
	if (prometheus) {
		text = answer(prometheus);
		ok(has(text, "\ngatepost_queue_messages 3\n") && has(text, "\ngatepost_queue_bytes 12287\n"), "in metrics");
	}
	gateway_worked(first);
	is_str(first_line(), "gateway smtp.example.com:587 is down since T (no answer); mails go to gateway 10.0.0.1:25; "
	       "3 mails kept", "another gateway takes the new ones");
	gateway_worked(second);
	s.mails = 1;
	disk_says(&s);
	is_str(first_line(), "working: gateway 10.0.0.1:25 up since T, and 1 more gateway; 1 mail kept", "one waits");
	ok(!status.trouble, "that is no trouble");
	s.usable = 0;
	strcpy(s.why, "/s: no such folder");
	disk_says(&s);
	is_str(first_line(), "working: gateway 10.0.0.1:25 up since T, and 1 more gateway; 1 mail kept; the net is gone "
	       "(/s: no such folder): mail passes through without it", "a spool that cannot be used");
	ok(!status.trouble, "is no trouble while the gateway works");
	ok(has(answer(status_text), "\nspool: cannot be used: /s: no such folder\n"), "in text");
	ok(has(answer(status_json), ",\"usable\":false,\"why\":\"/s: no such folder\","), "in JSON");
	conf.global.spool = CONF_SPOOL_ALWAYS;
	is_str(first_line(), "the spool cannot be used (/s: no such folder); mails are refused; 1 mail kept", "with always");
	ok(status.trouble, "it is trouble");
	s.usable = s.in_memory = 1;
	s.why[0] = '\0';
	disk_says(&s);
	ok(has(answer(status_text), "\nspool: in memory (Spool_Volatile): mail is lost with the power\n"), "in memory");
	conf.global.suspend_delivery = true;
	is_str(first_line(), "delivery is suspended (Suspend_Delivery); 1 mail kept", "suspended");
	ok(status.trouble && has(answer(status_json), "\"next\":null,"), "there is no next try");
	conf.global.suspend_delivery = false;
	conf.global.spool = CONF_SPOOL_FALLBACK;
}

/* What must not hide behind a 250. */
static void day_one(void)
{
	second->health.accepted_once = false;
	gateway_failed(first, VERDICT_NO_CONNECT, BYTES("no answer"));
	gateway_login_refused(second, BYTES("refuses the login: 535 no"));
	gateway_worked(first);
	gateway_failed(first, VERDICT_NO_CONNECT, BYTES("no answer"));
	first->health.accepted_once = false;
	gateway_login_refused(first, BYTES("refuses the login: 535 no"));
	is_str(first_line(), "gateway 10.0.0.1:25 refuses the login since T (535 no); it has taken none since the "
	       "configuration was loaded; mails are refused; gateways down in all: 2; 1 mail kept", "day one");
	conf.global.spool = CONF_SPOOL_ALWAYS;
	ok(!strstr(first_line(), "refused;"), "always keeps it all the same");
	conf.global.spool = CONF_SPOOL_OFF;
	conf.global.spoolbase = NULL;
	gateway_worked(first);
	gateway_worked(second);
}

/* Names and texts as long as they can be. */
static void longest(void)
{
	static char host[251], why[400];
	static struct conf_route route = {.port = 65535, .explicit_port = true};
	struct conf_sending sending = {.host_failure_retry = 60};
	struct gateway *g;

	memset(host, 'h', sizeof(host));
	memset(why, '\\', sizeof(why));
	route.host = (struct bytes){(const uint8_t *)host, sizeof(host)};
	g = gateway_get(&route, &sending);
	gateway_failed(g, VERDICT_LOST, (struct bytes){(const uint8_t *)why, sizeof(why)});
	memset(g->last_reply, '\\', sizeof(g->last_reply) - 1);
	g->naddr = CONFIG_GATEWAY_ADDRESSES;
	for (unsigned i = 0; i < g->naddr; i++) {
		memset(g->addr[i].a.a, 0xfe, 16);
		memcpy(g->addr[i].a.zone, "interface012345", INET_ZONE);
	}
	answer(status_text);
	ok(!too_long, "the longest text fits its pieces");
	answer(status_json);
	ok(!too_long, "the longest JSON too");
	if (prometheus) {
		answer(prometheus);
		ok(!too_long, "the longest metrics too");
	}
	ok(strlen(status.reason) < STATUS_REASON - 1, "and the first line");
}

static void not_set_up(void)
{
	args.setup = "there is no configuration";
	is_str(first_line(), "not set up yet, mails are refused: there is no configuration", "setup mode");
	ok(status.trouble, "is trouble");
	if (ON(CONFIG_SETUP))
		ok(has(answer(status_json), "\"setup\":true"), "and a member in JSON");
	args.setup = NULL;
	if (ON(CONFIG_SETUP))
		ok(has(answer(status_json), "\"setup\":false"), "which says when it is over");
}

static void store(void)
{
	static char longest[240];

	args.store = "gatepost.conf differs from the store";
	ok(has(answer(status_text), "\nstore: gatepost.conf differs from the store\n"), "what the store lacks");
	ok(!status.trouble, "is no trouble");
	ok(has(answer(status_json), "\"store\":\"gatepost.conf differs from the store\""), "in JSON, too");
	memset(longest, '"', sizeof(longest) - 1);
	args.store = longest;
	answer(status_text);
	ok(!too_long, "the longest text fits");
	answer(status_json);
	ok(!too_long, "in JSON, too");
	args.store = "";
	ok(strstr(answer(status_text), "\nstore: ") == NULL, "nothing is said where it lacks nothing");
}

int main(void)
{
	set_up();
	not_set_up();
	if (ON(CONFIG_STORE))
		store();
	alone();
	routes();
	forms();
	pool();
	if (ON(CONFIG_SPOOL)) {
		spool();
		day_one();
	}
	longest();
	return done();
}
