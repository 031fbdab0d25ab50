/* SPDX-License-Identifier: ISC */
/* A mail's content: from the session through the header editor into the gateway's buffer. */
#include "base/date.h"
#include "io/clock.h"
#include "run/pump.h"

#include <string.h>

static struct bytes only_rcpt(struct inbound *in, uint8_t *path)
{
	struct envelope_cursor cur;

	if (envelope_count_of(&in->envelope, RCPT_ACCEPTED) +
		envelope_count_of(&in->envelope, RCPT_KEPT) != 1)
		return (struct bytes){ 0 };
	envelope_first(&in->envelope, &cur, path + 1);
	while (envelope_next(&in->envelope, &cur))
		if (cur.verdict == RCPT_ACCEPTED || cur.verdict == RCPT_KEPT)
			break;
	path[0] = '<';
	path[cur.path.n + 1] = '>';
	return (struct bytes){ path, cur.path.n + 2 };
}

struct bytes content_received(struct inbound *in)
{
	static char text[TRACE_RECEIVED_SIZE];
	static uint8_t path[LIMIT_PATH + 2];
	const struct engine_args *args = inbound_env.args;
	struct trace t = {
		.hello = { (const uint8_t *)in->server.hello, in->server.hello_n },
		.peer = in->local ? NULL : &in->peer,
		.hostname = args->conf->global.hostname,
		.esmtp = in->server.esmtp,
		.utf8 = in->mail.utf8,
		.tls = in->server.secure,
		.tls_version = in->conn.tls ? tls_version(in->conn.tls) : "",
		.auth = in->user != NULL,
		.id = bytes_of(in->id),
		.rcpt = only_rcpt(in, path),
		.seconds = loop_wall(),
	};
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	trace_received(&f, &t);
	return fmt_done(&f);
}

/*
 * The Received field goes into the gateway's buffer, which is empty behind DATA's reply, before all
 * else. (A gateway that said more than its reply takes nothing: the next step of the leg tells so.)
 */
static void put_received(struct inbound *in)
{
	struct bytes field = content_received(in);

	client_body(leg_client(&in->leg), &field, leg_out(&in->leg));
}

void content_begin(struct inbound *in)
{
	struct bytes hostname = inbound_env.args->conf->global.hostname;
	struct conf_header header;
	struct fmt f;

	memset(&in->head_params, 0, sizeof(in->head_params));
	conf_header(inbound_env.args->conf, in->receive.binding, &header);
	in->head_params.header_from = header.header_from;
	in->head_params.add_reply_to = header.add_reply_to;
	if (in->receive.rfc2822_date_header && !clock_unset()) {
		fmt_init(&f, in->date, sizeof(in->date));
		date_rfc5322(&f, loop_wall());
		in->head_params.date = fmt_done(&f);
	}
	if (in->receive.rfc2822_messageid_header) {
		fmt_init(&f, in->message_id, sizeof(in->message_id));
		trace_message_id(&f, bytes_of(in->id), hostname);
		in->head_params.message_id = fmt_done(&f);
	}
	head_init(&in->head, &in->head_params);
	in->run = in->piece = in->kept = (struct bytes){ 0 };
	in->feeding = in->ending = false;
	in->to_leg = net_feeds_leg(&in->net);
	if (!in->to_leg)
		return;
	leg_body_begins(&in->leg);
	put_received(in);
}

void content_take(struct inbound *in, struct bytes run)
{
	if (!in->to_leg && !in->to_tee)
		return;
	in->run = run;
	in->feeding = true;
}

void content_drop(struct inbound *in)
{
	in->run = in->piece = in->kept = (struct bytes){ 0 };
	in->feeding = in->ending = in->to_leg = in->to_tee = false;
}

void content_no_leg(struct inbound *in)
{
	in->to_leg = false;
	in->piece.n = 0;
	if (!in->to_tee)
		content_drop(in);
}

void content_no_tee(struct inbound *in)
{
	in->to_tee = false;
	in->kept.n = 0;
	if (!in->to_leg)
		content_drop(in);
}

bool content_waits(const struct inbound *in)
{
	return in->feeding || in->piece.n || in->kept.n || in->ending;
}

/* The next piece; false when there is none. */
static bool next_piece(struct inbound *in)
{
	struct bytes piece = { 0 };
	bool found = in->feeding && head_step(&in->head, &in->run, &piece) == HEAD_RUN;

	in->feeding = found;
	if (!found && in->ending)
		found = in->ending = head_end(&in->head, &piece) == HEAD_RUN;
	if (!found)
		return false;
	if (in->to_leg)
		in->piece = piece;
	if (in->to_tee)
		in->kept = piece;
	return true;
}

/* To the gateway, what it has room for. */
static bool move_to_leg(struct inbound *in)
{
	size_t before = in->piece.n;

	if (!before || in->leg.state != LEG_READY)
		return false;
	client_body(leg_client(&in->leg), &in->piece, leg_out(&in->leg));
	if (in->piece.n && in->bulk) {
		leg_grow(&in->leg);
		client_body(leg_client(&in->leg), &in->piece, leg_out(&in->leg));
	}
	return in->piece.n < before;
}

/* To the spool's file. */
static bool move_to_tee(struct inbound *in)
{
	size_t room = in->kept.n ? tee_room(&in->tee) : 0;

	if (!room)
		return false;
	tee_put(&in->tee, bytes_first(in->kept, room));
	in->kept = bytes_skip(in->kept, room);
	return true;
}

bool content_move(struct inbound *in)
{
	bool moved = false;

	if (!content_waits(in))
		return false;
	do {
		moved = move_to_leg(in) || moved;
		moved = move_to_tee(in) || moved;
		if (moved)
			in->since = loop_now();
		if (in->piece.n || in->kept.n)
			return moved; /* no room */
	} while (next_piece(in));
	content_check(in);
	return true;
}

void content_check(struct inbound *in)
{
	bool feeds = net_feeds_leg(&in->net) || net_feeds_tee(&in->net);

	if (in->fault != INBOUND_OK || !(feeds || net_is_void(&in->net)))
		return;
	if (in->server.data.fault != DATA_OK)
		in->fault = in->server.data.fault;
	else if (feeds && head_hops(&in->head) > LIMIT_HOPS)
		in->fault = INBOUND_HOPS;
	if (in->fault != INBOUND_OK)
		pump_event(in, TXN_FAULT, 0);
}
