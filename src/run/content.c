/* SPDX-License-Identifier: ISC */
/* A mail's content: from the session through the header editor into the gateway's buffer. */
#include "base/date.h"
#include "io/clock.h"
#include "run/pump.h"

#include <string.h>

static struct bytes only_rcpt(struct inbound *in, uint8_t *path)
{
	struct envelope_cursor cur;
	struct bytes rcpt = { path + 1, 0 };

	if (envelope_count_of(&in->envelope, RCPT_ACCEPTED) != 1)
		return (struct bytes){ 0 };
	envelope_first(&in->envelope, &cur);
	while (envelope_next(&inbound_env.envelopes, &in->envelope, &cur, path + 1, &rcpt.n))
		if (cur.verdict == RCPT_ACCEPTED)
			break;
	path[0] = '<';
	path[rcpt.n + 1] = '>';
	return (struct bytes){ path, rcpt.n + 2 };
}

/*
 * The Received field goes into the gateway's buffer, which is empty behind DATA's reply, before all
 * else. (A gateway that said more than its reply takes nothing: the next step of the leg tells so.)
 */
static void put_received(struct inbound *in)
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
	struct bytes field;

	fmt_init(&f, text, sizeof(text));
	trace_received(&f, &t);
	field = fmt_done(&f);
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
	content_drop(in);
	leg_body_begins(&in->leg);
	put_received(in);
}

void content_take(struct inbound *in, struct bytes run)
{
	if (in->txn.phase != TXN_BODY)
		return;
	in->run = run;
	in->feeding = true;
}

void content_drop(struct inbound *in)
{
	in->run = in->piece = (struct bytes){ 0 };
	in->feeding = in->ending = false;
}

bool content_waits(const struct inbound *in)
{
	return in->feeding || in->piece.n || in->ending;
}

/* The next piece for the gateway; false when there is none. */
static bool next_piece(struct inbound *in)
{
	struct bytes piece = { 0 };
	bool found = in->feeding && head_step(&in->head, &in->run, &piece) == HEAD_RUN;

	in->feeding = found;
	if (!found && in->ending)
		found = in->ending = head_end(&in->head, &piece) == HEAD_RUN;
	if (found)
		in->piece = piece;
	return found;
}

bool content_move(struct inbound *in)
{
	bool moved = false;

	if (!content_waits(in) || in->leg.state != LEG_READY)
		return false;
	do {
		size_t before = in->piece.n;

		if (before)
			client_body(leg_client(&in->leg), &in->piece, leg_out(&in->leg));
		moved = moved || in->piece.n < before;
		if (in->piece.n && in->bulk) {
			leg_grow(&in->leg);
			client_body(leg_client(&in->leg), &in->piece, leg_out(&in->leg));
		}
		if (in->piece.n)
			return moved; /* no room */
	} while (next_piece(in));
	content_check(in);
	return true;
}

void content_check(struct inbound *in)
{
	static const uint8_t faults[] = { INBOUND_OK, INBOUND_LONE_LF, INBOUND_NUL,
		INBOUND_TOO_BIG };

	if (in->fault != INBOUND_OK || (in->txn.phase != TXN_BODY && in->txn.phase != TXN_VOID))
		return;
	if (in->server.data.fault != DATA_OK)
		in->fault = faults[in->server.data.fault];
	else if (in->txn.phase == TXN_BODY && head_hops(&in->head) > LIMIT_HOPS)
		in->fault = INBOUND_HOPS;
	if (in->fault != INBOUND_OK)
		pump_event(in, TXN_FAULT, 0);
}
