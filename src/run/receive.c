/* SPDX-License-Identifier: ISC */
/*
 * MAIL and RCPT: what the box itself allows, refuses and rewrites before the gateway is asked
 * (DESIGN 3.3 to 3.5).
 */
#include "io/random.h"
#include "run/pump.h"
#include "run/setup.h"

#include <string.h>

static uint8_t text[LIMIT_PATH + LIMIT_HOSTNAME + 2];

/* mailbox@domain in static storage. */
static struct bytes qualify(struct bytes mailbox, struct bytes domain)
{
	size_t n = mailbox.n < LIMIT_PATH ? mailbox.n : LIMIT_PATH;
	size_t d = domain.n < LIMIT_HOSTNAME ? domain.n : LIMIT_HOSTNAME;

	memcpy(text, mailbox.p, n);
	text[n] = '@';
	memcpy(text + n + 1, domain.p, d);
	return (struct bytes){ text, n + 1 + d };
}

static struct bytes domain_of(struct bytes mailbox)
{
	size_t at = mailbox.n;

	while (at > 0 && mailbox.p[at - 1] != '@')
		at--;
	return at ? bytes_skip(mailbox, at) : (struct bytes){ 0 };
}

/* Gets a leg at MAIL already, where no recipient could want another gateway. */
static bool dial_now(struct inbound *in)
{
	if (!in->may_relay || inbound_mode() == NET_ALWAYS ||
	    !conf_only_gateway(inbound_env.args->conf, in->receive.binding, &in->key))
		return false;
	in->key_set = true;
	return true;
}

static void begin_mail(struct inbound *in, const struct server_what *what)
{
	uint8_t random[TRACE_RANDOM];
	struct fmt f;

	random_bytes(random, sizeof(random));
	fmt_init(&f, in->id, sizeof(in->id));
	trace_id(&f, random);
	in->mail = what->mail;
	in->began = loop_now();
	in->said_code = 0;
	in->said[0] = 0;
	in->refused_here = 0;
	in->leg.gateway = NULL;
	in->leg.tls = in->leg.auth = NULL;
	in->gone_logged = in->content_ended = in->safe = false;
	in->waited = 0;
	in->key_set = false;
	in->fault = INBOUND_OK;
	in->server.data.size = 0;
	envelope_init(&in->envelope, &inbound_env.envelopes);
}

/* The mail came to nothing at MAIL. */
static void not_begun(struct inbound *in, struct bytes sender)
{
	if (!envelope_sender(&in->envelope, sender))
		return;
	say_log_mail(in);
	envelope_free(&in->envelope);
}

void receive_refused(struct inbound *in, const struct server_what *what)
{
	bool mail = net_is_idle(&in->net);

	if (mail)
		begin_mail(in, what);
	else if (what->put_off)
		net_put_off(&in->net);
	if (in->said_code < 400)
		say_noted(in, what->reason);
	if (mail)
		not_begun(in, what->path.mailbox);
	else
		in->refused_here++;
}

void receive_mail(struct inbound *in, const struct server_what *what)
{
	struct bytes sender = what->path.mailbox;
	struct conf_header header;

	begin_mail(in, what);
	if (setup_answer(in)) {
		not_begun(in, sender);
		return;
	}
	if (!policy_mail(
		inbound_peers(), in->who, &in->receive.inbound_throttle_messages, loop_now())) {
		say(in, "450 4.7.1 too many mails from you in a short time: please try later");
		say_log(LOG_LEVEL_WARNING, in, "throttled", "over Inbound_Throttle_Messages");
		not_begun(in, sender);
		return;
	}
	if (sender.n && !what->path.domain.n && in->receive.domain_for_unqualified_sender_address.n)
		sender = qualify(sender, in->receive.domain_for_unqualified_sender_address);
	in->sender_ok = conf_allows(in->receive.allowed_senders, sender);
	conf_header(inbound_env.args->conf, in->receive.binding, &header);
	in->rewritten = sender.n && header.envelope_from.n;
	if (in->rewritten)
		sender = header.envelope_from;
	if (!envelope_sender(&in->envelope, sender)) {
		say(in, "452 4.3.1 the box has no memory free for another mail: please try later");
		return;
	}
	say(in, "250 2.1.0 sender ok");
	pump_event(in, TXN_MAIL, dial_now(in));
}

/* Where a recipient that names this box, or nobody's domain, goes. */
static struct bytes rewrite(const struct inbound *in, const struct path *path)
{
	const struct conf_receive *r = &in->receive;
	struct bytes host = inbound_env.args->conf->global.hostname;

	if (r->local_recipient.n && (!path->domain.n || bytes_same_fold(path->domain, host) ||
					bytes_same_fold(path->domain, BYTES("localhost"))))
		return r->local_recipient;
	if (!path->domain.n && r->domain_for_unqualified_recipient_addresses.n)
		return qualify(path->mailbox, r->domain_for_unqualified_recipient_addresses);
	return path->mailbox;
}

/* reply: a phrase. */
static void refuse(struct inbound *in, const char *reply)
{
	in->refused_here++;
	say(in, "%s", reply);
	if (in->said_code < 500)
		net_put_off(&in->net);
}

/*
 * Takes the mail's place in Outbound_Throttle_Messages of its (first) gateway; false when there is
 * none left. over() in pump.c gives it back.
 */
static bool take_rate(struct inbound *in, const struct conf_sending *s)
{
	if (!s->outbound_throttle_messages.count || in->rated)
		return true;
	in->rated = gateway_get(&s->routes->route[0], s);
	if (in->rated &&
	    policy_rate_take(&in->rated->rate, &s->outbound_throttle_messages, loop_now()))
		return true;
	in->rated = NULL;
	return false;
}

/* Why the box does not take a recipient, as a reply; NULL: it does, and *s is how it is sent. */
static const char *objection(const struct inbound *in, struct bytes rcpt, struct conf_sending *s)
{
	if (!in->may_relay && in->params.auth == SERVER_AUTH_NO)
		return PHRASE("550 5.7.1 this box does not relay for your address (Relay_Hosts)");
	if (!in->may_relay)
		return PHRASE("550 5.7.1 this box does not relay for your address without a login");
	if (!in->sender_ok)
		return PHRASE("550 5.7.1 this sender may not send through this box "
			      "(Allowed_Senders)");
	if (!conf_allows(in->receive.allowed_recipients, rcpt))
		return PHRASE("550 5.7.1 this box sends no mail to this recipient "
			      "(Allowed_Recipients)");
	conf_sending(inbound_env.args->conf, in->receive.binding, domain_of(rcpt), s);
	return s->routes ? NULL : PHRASE("550 5.4.4 no gateway is set for this recipient");
}

void receive_rcpt(struct inbound *in, const struct server_what *what)
{
	struct bytes rcpt = rewrite(in, &what->path);
	struct conf_sending s;
	bool other, keeps, no_room;
	const char *why = objection(in, rcpt, &s);

	if (why) {
		refuse(in, why);
		return;
	}
	other = in->key_set && memcmp(&in->key, &s, sizeof(s)) != 0;
	keeps = inbound_mode() != NET_OFF && tee_can(&no_room, &why);
	if (other && !keeps) {
		in->refused_here++;
		pump_event(in, TXN_RCPT_OTHER, 0);
		return;
	}
	if (!keeps && !take_rate(in, &s)) {
		refuse(in, PHRASE("451 4.7.1 the gateway's limit of mails is reached: please try "
				  "later (Outbound_Throttle_Messages)"));
		return;
	}
	if (envelope_add(&in->envelope, rcpt) == ENVELOPE_NONE) {
		refuse(in, PHRASE("452 4.3.1 the box has no memory free for another recipient: "
				  "please send the mail again to the others"));
		return;
	}
	if (!other)
		in->key = s;
	in->key_set = true;
	/* over the limit of Outbound_Throttle_Messages it waits in the spool */
	pump_event(in, other || (keeps && !take_rate(in, &s)) ? TXN_RCPT_OTHER : TXN_RCPT, 0);
}
