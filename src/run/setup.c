/* SPDX-License-Identifier: ISC */
#include "run/setup.h"

#include "base/esc.h"
#include "io/files.h"
#include "io/listen.h"
#include "run/pump.h"

#include <string.h>

#define MORE   64u  /* a Gateway, as an option */
#define TEXT   512u /* a whole configuration of ours */
#define SOCKET 107u /* octets of a Control_Socket */
#define ERROR  BYTES(": error: ") /* behind it: what an error says */

/* ---- what is in force instead ---- */

static void setup_quote(struct fmt *f, struct bytes x)
{
	fmt_char(f, '"');
	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] == '"' || x.p[i] == '\\')
			fmt_char(f, '\\');
		fmt_char(f, (char)x.p[i]);
	}
	fmt_char(f, '"');
}

/* Without a gateway there is nothing that a spool could wait for. */
static void setup_keep_nothing(struct conf *c)
{
	c->global.spool = CONF_SPOOL_OFF;
	c->global.suspend_delivery = false;
}

static enum conf_status setup_default(const struct setup_room *room, struct bytes control,
    const struct setup_how *how, const struct settings_how *as)
{
	static char text[TEXT];
	struct settings_how ours = *as;
	enum conf_status status;
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	if (control.n > 0) {
		fmt_add(&f, "Control_Socket = ");
		setup_quote(&f, control);
		ours.no_errors = true;
	}
	fmt_add(&f, "\nESMTP_Listener { Listen ");
	setup_quote(&f, bytes_of(how->listen != NULL ? how->listen : SETUP_LISTEN));
	fmt_add(&f, " {} }\n%s", as->more != NULL ? as->more : "");
	ours.text = text;
	ours.gateway_may_lack = as->more == NULL;
	ours.no_warnings = true;
	status = settings_load(room->conf, room->mem, room->n, "--setup", &ours);
	if (ours.gateway_may_lack)
		setup_keep_nothing(room->conf);
	return status;
}

enum conf_status setup_instead(struct setup *s, const struct setup_room *room, const char *file,
    const struct setup_how *how, const struct settings_how *as)
{
	static uint8_t control[SOCKET];
	struct bytes x = { 0 };

	if (file != NULL)
		x = settings_guess_control(file, room->mem, room->n);

	s->offered = false;
	if (x.n > 0 && x.n <= SOCKET) { /* whoever asks for the status looks there, too */
		memcpy(control, x.p, x.n);
		x.p = control;
		if (setup_default(room, x, how, as) == CONF_OK)
			return CONF_OK;
	}
	return setup_default(room, (struct bytes){ 0 }, how, as);
}

/* ---- the gateway that the network offers ---- */

/* As an option, in mem; NULL: none is offered, or the box itself: why tells. */
static const char *setup_offer(const char *file, char mem[MORE], struct fmt *why)
{
	uint8_t line[MORE / 2];
	int64_t got = file != NULL ? files_read(file, line, sizeof(line)) : 0;
	struct bytes host = { line, 0 };
	struct inet_addr at;
	struct fmt f;

	while ((int64_t)host.n < got && line[host.n] > ' ')
		host.n++;
	if (!inet_parse_v4(host, &at))
		return NULL;
	if (inet_is_loopback(at.a)) {
		fmt_add(why, "%.*s is this box itself", SPAN(host));
		return NULL;
	}
	fmt_init(&f, mem, MORE);
	fmt_add(&f, "\nGateway = \"%.*s\"\n", SPAN(host)); /* behind whatever the file ends in */
	return mem;
}

/* What is wrong with it is not said of a line of the file: setup_refuse has it. */
static void setup_hush(void *ctx, enum conf_severity severity, const char *line)
{
	(void)ctx;
	(void)severity;
	(void)line;
}

/* Setup mode, though one is offered: why, in words or as an error, "": none is. */
static void setup_refuse(struct setup *s, const struct fmt *why)
{
	struct fmt f = { .p = s->why, .cap = sizeof(s->why), .n = strlen(s->why) };
	struct bytes all = fmt_done(why), at = all;

	while (at.n > 0 && !bytes_begins_fold(at, ERROR))
		at = bytes_skip(at, 1);
	at = at.n > 0 ? bytes_skip(at, ERROR.n) : all;
	if (at.n > 0)
		fmt_add(&f, "; the gateway that the network (DHCP) offers is refused: %.*s",
		    SPAN(at));
}

/* ---- loading ---- */

static void setup_why(struct setup *s, const char *before, const char *file, const char *after)
{
	struct fmt f;

	fmt_init(&f, s->why, sizeof(s->why));
	fmt_add(&f, "%s%s%s", before, file, after);
}

static enum conf_status setup_missing(struct setup *s, const struct setup_room *room,
    const char *file, const struct setup_how *how, const struct settings_how *as)
{
	struct settings_how ours = *as;

	ours.say = setup_hush;
	s->offered = as->more != NULL &&
		     setup_default(room, (struct bytes){ 0 }, how, &ours) == CONF_OK;
	if (s->offered)
		return CONF_OK;
	setup_why(s, PHRASE("there is no configuration "), file, "");
	setup_refuse(s, as->first);
	ours = *as;
	ours.more = NULL;
	ours.first = NULL;
	return setup_instead(s, room, file, how, &ours);
}

/* A good configuration but for the gateway. False: nothing is offered that fits it. */
static bool setup_completed(const struct setup_room *room, const char *file,
    const struct settings_how *as)
{
	struct settings_how quiet = *as;

	quiet.no_warnings = true;
	quiet.say = setup_hush;
	if (as->more != NULL && !room->conf->login_set &&
	    settings_load(room->conf, room->mem, room->n, file, &quiet) == CONF_OK)
		return true;
	quiet.more = NULL;
	quiet.gateway_may_lack = true;
	(void)settings_load(room->conf, room->mem, room->n, file, &quiet);
	return false;
}

enum conf_status setup_load(struct setup *s, const struct setup_room *room, const char *file,
    const struct setup_how *how, const struct settings_how *as)
{
	static char text[SETUP_WHY];
	char more[MORE];
	struct settings_how ours = *as;
	struct fmt first, refused;
	enum conf_status status;

	memset(s, 0, sizeof(*s));
	fmt_init(&refused, text, sizeof(text));
	if (files_kind(file) == FILES_NONE) {
		ours.first = &refused;
		ours.more = setup_offer(how->offer, more, &refused);
		return setup_missing(s, room, file, how, &ours);
	}
	fmt_init(&first, s->why, sizeof(s->why));
	ours.first = &first;
	ours.gateway_may_lack = true;
	status = settings_load(room->conf, room->mem, room->n, file, &ours);
	s->broken = status != CONF_OK;
	if (s->broken)
		return setup_instead(s, room, file, how, as);
	if (!room->conf->no_gateway)
		return CONF_OK;
	ours = *as;
	ours.first = &refused;
	ours.more = setup_offer(how->offer, more, &refused);
	s->offered = setup_completed(room, file, &ours);
	if (s->offered)
		return CONF_OK;
	setup_why(s, PHRASE("the configuration "), file, PHRASE(" names no gateway"));
	setup_refuse(s, &refused);
	setup_keep_nothing(room->conf);
	return room->conf->tree != NULL ? CONF_OK : setup_instead(s, room, file, how, as);
}

void setup_add(struct setup *s, const char *what)
{
	struct fmt f = { .p = s->why, .cap = sizeof(s->why), .n = strlen(s->why) };

	if (f.n > 0)
		fmt_add(&f, "; %s", what);
}

void setup_log(const struct setup *s, const struct setup *before)
{
	static char word[LOG_LINE];
	struct fmt f;

	if (s->why[0] == '\0' && before->why[0] != '\0')
		log_add(LOG_LEVEL_INFO, "setup mode=off");
	if (s->offered)
		log_add(LOG_LEVEL_INFO,
		    "setup gateway=offered reason=\"none is configured, the network (DHCP) offers "
		    "one\"");
	if (s->why[0] == '\0')
		return;
	fmt_init(&f, word, sizeof(word));
	esc_word(&f, bytes_of(s->why));
	log_add(LOG_LEVEL_WARNING, "setup mode=on reason=%s", word);
}

/* ---- the engine ---- */

bool setup_answer(struct inbound *in)
{
	char text[INET_TEXT];
	struct inet_addr at;
	struct fmt f;
	bool v4;

	if (inbound_env.args->setup == NULL)
		return false;
	listen_local(in->conn.watch.fd, &at);
	if (in->local || inet_is_any(at.a)) {
		say(in, "451 4.3.5 not set up yet: gatepost status tells why");
		return true;
	}
	at.zone[0] = '\0';
	v4 = inet_is_v4(at.a);
	fmt_init(&f, text, sizeof(text));
	inet_print_addr(&f, &at);
	say(in, "451 4.3.5 not set up yet: open http://%s%s%s/", v4 ? "" : "[", text,
	    v4 ? "" : "]");
	return true;
}
