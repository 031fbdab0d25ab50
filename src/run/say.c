/* SPDX-License-Identifier: ISC */
/* What the client is told, and the log lines about it. */
#include "base/bug.h"
#include "base/esc.h"
#include "base/num.h"
#include "run/pump.h"
#include "run/say_path.h"
#include "run/stats.h"

#include <string.h>

/* Without a word of it in the log. */
static void answer(struct inbound *in, const struct reply *r)
{
	if (in->state == INBOUND_OPEN)
		server_answer(&in->server, &in->conn.out, r);
	in->since = loop_now();
}

void say_reply(struct inbound *in, const struct reply *r)
{
	struct fmt f;

	if (r->code != 354) {
		fmt_init(&f, in->said, sizeof(in->said));
		reply_line(&f, r);
		in->said_code = r->code;
	}
	answer(in, r);
}

void say_noted(struct inbound *in, const char *reply)
{
	struct fmt f;

	fmt_init(&f, in->said, sizeof(in->said));
	fmt_str(&f, reply);
	in->said_code = (uint16_t)((in->said[0] - '0') * 100);
	/* the number that would follow is not here */
	in->said[bytes_find(fmt_done(&f), ',')] = '\0';
}

/* The first code is the reply's, the other one goes as the beginning of its text. */
static const struct reply *own(const struct fmt *f)
{
	static struct reply r;
	struct bytes text = fmt_done(f);
	uint64_t code = 0;

	(void)num_u64(bytes_first(text, 3), 599, &code);
	reply_set(&r, (unsigned)code, "", bytes_skip(text, 4));
	return &r;
}

static char own_text[LIMIT_REPLY_TEXT];

const struct reply *say_own(const char *text)
{
	struct fmt f;

	fmt_init(&f, own_text, sizeof(own_text));
	fmt_str(&f, text);
	return own(&f);
}

void say_put(struct inbound *in, const char *format, ...)
{
	struct fmt f;
	va_list args;

	fmt_init(&f, own_text, sizeof(own_text));
	va_start(args, format);
	fmt_put_list(&f, format, args);
	va_end(args);
	say_reply(in, own(&f));
}

void say_none_accepted(struct inbound *in, bool put_off)
{
	answer(in, say_own(put_off ? PHRASE("451 4.5.1 no recipient was accepted, some were put "
					    "off: please try later")
				   : PHRASE("554 5.5.1 no recipient was accepted")));
}

static void say_no_room(struct inbound *in)
{
	say(in, "452 4.3.1 the box has no room to keep mail: please try later");
}

/* Would the mail be kept, if only there were room? */
static bool lacks_room(const struct inbound *in)
{
	const char *why;
	bool no_room;

	return in->net.mode != NET_OFF && !in->leg.doubt && !pump_day_one(&in->leg) &&
	       !tee_can(&no_room, &why) && no_room;
}

void say_failed(struct inbound *in)
{
	const struct leg *l = &in->leg;

	if (lacks_room(in)) {
		say_no_room(in);
		return;
	}
	say(in, "451 %s %s%s",
	    l->busy ? "4.3.2" : verdict_enhanced((enum verdict_trouble)l->trouble), l->why,
	    in->content_ended && l->doubt ? PHRASE("; the mail may have arrived all the same")
					  : "");
}

void say_fault(struct inbound *in)
{
	switch ((enum inbound_fault)in->fault) {
	case INBOUND_LONE_LF:
		say(in, "550 5.6.11 the mail has line ends other than CRLF");
		return;
	case INBOUND_NUL:
		say(in, "550 5.6.0 the mail holds a NUL octet");
		return;
	case INBOUND_TOO_BIG:
		say(in, "552 5.3.4 the mail is larger than this box takes (Max_Message_Size)");
		return;
	case INBOUND_HOPS:
		say(in, "554 5.4.6 the mail has come through too many hosts: it goes round in a "
			"loop");
		return;
	case INBOUND_OK:
		break;
	}
	gp_bug("say: no fault");
}

void say_no_spool(struct inbound *in)
{
	const char *why;
	bool no_room;

	if (tee_can(&no_room, &why))
		why = PHRASE("it could not be opened in time");
	if (in->tee.state == TEE_BROKEN) {
		no_room = in->tee.no_room;
		why = in->tee.why;
	}
	if (no_room)
		say_no_room(in);
	else if (in->leg.why[0] && in->leg.gateway)
		say_failed(in);
	else
		say(in, "451 4.3.0 the box cannot keep mail: %s", why);
}

void say_unsafe(struct inbound *in)
{
	if (in->tee.no_room)
		say_no_room(in);
	else
		say(in, "451 4.3.0 the mail could not be stored: please send it again");
}

/* ---- the log ---- */

static void put_peer(struct fmt *f, const struct inbound *in)
{
	fmt_str(f, " peer=");
	if (in->local)
		fmt_str(f, "local");
	else
		inet_print_addr(f, &in->peer);
}

void say_log_put(enum log_level level, const struct inbound *in, const char *event,
    const char *format, ...)
{
	static char line[LOG_LINE], why[LOG_LINE / 2];
	struct fmt f, reason;
	va_list args;

	fmt_init(&reason, why, sizeof(why));
	va_start(args, format);
	fmt_put_list(&reason, format, args);
	va_end(args);
	fmt_init(&f, line, sizeof(line));
	fmt_add(&f, "session event=%s", event);
	put_peer(&f, in);
	if (reason.n > 0) {
		fmt_str(&f, " reason=");
		esc_word(&f, fmt_done(&reason));
	}
	log_line(level, fmt_done(&f));
}

/* Neither a blank nor a > of a quoted local-part ends the value. */
void say_path(struct fmt *f, const char *key, const uint8_t *path, size_t n)
{
	fmt_str(f, key);
	fmt_char(f, '<');
	for (size_t i = 0; i < n && i < 300; i++) {
		if (path[i] != ' ' && path[i] != '>') {
			esc_text(f, (struct bytes){ path + i, 1 });
			continue;
		}
		fmt_add(f, "\\x%02x", path[i]);
	}
	fmt_char(f, '>');
}

static void put_envelope(struct fmt *f, const struct inbound *in)
{
	static uint8_t text[LIMIT_PATH];
	struct envelope_cursor cur;
	struct bytes sender;

	(void)envelope_get_sender(&in->envelope, text, &sender);
	say_path(f, " from=", sender.p, sender.n);
	envelope_first(&in->envelope, &cur, text);
	(void)envelope_next(&in->envelope, &cur);
	say_path(f, " to=", cur.path.p, cur.path.n);
}

/* Counts what became of the recipients; the worst of it. */
static const char *count(struct inbound *in, uint32_t taken, uint32_t queued, uint32_t refused)
{
	bool sent = taken > 0, kept = queued > 0;

	stats.recipients_sent += taken;
	stats.recipients_refused += refused;
	stats.mails_sent += sent;
	stats.octets_sent += sent ? in->server.data.size : 0;
	stats.mails_queued += kept;
	stats.mails_refused += !sent && !kept;
	return refused || (!sent && !kept) ? "refused" : kept ? "queued" : "sent";
}

void say_log_mail(struct inbound *in)
{
	static char line[LOG_LINE];
	uint32_t nrcpt = in->envelope.count + in->refused_here;
	uint32_t taken = envelope_count_of(&in->envelope, RCPT_TAKEN);
	/* those that the gateway accepted, where the client did not wait for its last reply */
	uint32_t queued = in->safe ? envelope_count_of(&in->envelope, RCPT_KEPT) +
				envelope_count_of(&in->envelope, RCPT_ACCEPTED) : 0;
	uint32_t refused = nrcpt - taken - queued;
	const char *status;
	struct fmt f;

	if (nrcpt == 0 && in->said_code < 400) /* given up before it was one */
		return;
	status = count(in, taken, queued, refused);
	fmt_init(&f, line, sizeof(line));
	fmt_add(&f, "mail id=%s", in->id);
	put_peer(&f, in);
	put_envelope(&f, in);
	fmt_add(&f, " nrcpt=%u size=%ju gateway=", nrcpt, (uintmax_t)in->server.data.size);
	if (in->leg.gateway)
		gateway_print(&f, in->leg.gateway);
	else
		fmt_str(&f, "none");
	fmt_add(&f, " tls=%s auth=%s mode=%s delay=", in->leg.tls ? in->leg.tls : "no",
	    in->leg.auth ? in->leg.auth : "no", queued ? "queue" : "pass");
	fmt_ms(&f, loop_now() - in->began);
	fmt_add(&f, " status=%s sent=%u queued=%u refused=%u%s reply=\"", status, taken, queued,
	    refused, in->gone_logged ? " client=gone" : "");
	esc_text(&f, bytes_of(in->said));
	fmt_char(&f, '"');
	log_line(LOG_LEVEL_INFO, fmt_done(&f));
}
