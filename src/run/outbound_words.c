/* SPDX-License-Identifier: ISC */
/* Why a connection to a gateway came to nothing, in words. */
#include "run/outbound_part.h"

void outbound_blame(
    struct outbound *o, enum verdict_trouble trouble, const char *words, struct bytes more)
{
	struct fmt f;

	o->trouble = (uint8_t)trouble;
	fmt_init(&f, o->why, sizeof(o->why));
	if (o->naddr && !o->gateway->literal && o->present < o->naddr) {
		inet_print_addr(&f, &o->addr[o->present]);
		fmt_str(&f, ": ");
	}
	fmt_add(&f, "%s%.*s", words, SPAN(more));
}

void outbound_blame_reply(struct outbound *o, enum client_command command, const struct reply *r)
{
	char text[160];
	struct fmt f;
	bool login = r->code == 530 || r->code == 534 || r->code == 535 || r->code == 538;

	fmt_init(&f, text, sizeof(text));
	fmt_str(
	    &f, command == CLIENT_CMD_GREETING ? PHRASE("greets with \"") : PHRASE("answered "));
	if (command != CLIENT_CMD_GREETING) {
		fmt_add(&f, "%s with \"", client_command_name(command));
	}
	reply_line(&f, r);
	fmt_str(&f, "\"");
	outbound_blame(o, login ? VERDICT_LOGIN : VERDICT_PROTOCOL, login ? "wants a login: " : "",
	    fmt_done(&f));
}

void outbound_blame_failure(
    struct outbound *o, enum client_failure why, enum client_command command)
{
	const struct reply *r = client_last(&o->client);

	if (why == CLIENT_NO_STARTTLS && !r->code) {
		outbound_blame(o, VERDICT_TLS,
		    "offers no encryption (STARTTLS), which TLS asks for", (struct bytes){ 0 });
	} else if (why == CLIENT_NO_STARTTLS) {
		outbound_blame_reply(o, CLIENT_CMD_STARTTLS, r);
		o->trouble = VERDICT_TLS;
	} else if (why == CLIENT_BAD_LOGIN) {
		outbound_blame(
		    o, VERDICT_LOGIN, "the login failed: ", bytes_of(client_login_why(&o->client)));
	} else if (why == CLIENT_HELLO_REFUSED) {
		char text[160];
		struct fmt f;

		fmt_init(&f, text, sizeof(text));
		fmt_add(&f, "%s (", o->ehlo);
		reply_line(&f, r);
		fmt_add(&f, "); set EHLO_Hostname to a name it takes");
		outbound_blame(o, VERDICT_PROTOCOL, "refuses EHLO ", fmt_done(&f));
	} else if (why == CLIENT_BAD_REPLY && !r->code) {
		outbound_blame(o, VERDICT_PROTOCOL,
		    "sent no proper reply: ", (struct bytes){ (const uint8_t *)r->text, r->n });
	} else if (r->code) {
		outbound_blame_reply(o, command, r);
	} else if (why == CLIENT_OUT_OF_STEP) {
		outbound_blame(o, VERDICT_PROTOCOL, "sent a reply that was not asked for",
		    (struct bytes){ 0 });
	} else {
		outbound_blame(o, VERDICT_PROTOCOL, "went out of step after ",
		    bytes_of(client_command_name(command)));
	}
}

void outbound_blame_lost(struct outbound *o)
{
	enum client_command awaited = client_awaits(&o->client);

	outbound_blame(o, VERDICT_LOST,
	    awaited == CLIENT_CMD_NONE ? "the connection was lost"
				       : "the connection was lost before the reply to ",
	    awaited == CLIENT_CMD_NONE ? (struct bytes){ 0 }
				       : bytes_of(client_command_name(awaited)));
}

const char *outbound_waits(const struct outbound *o, enum verdict_trouble *trouble)
{
	*trouble = VERDICT_TLS;
	switch ((enum outbound_state)o->state) {
	case OB_PLACE:
		*trouble = VERDICT_TIMEOUT;
		return "this box has no room for another TLS session";
	case OB_SECURE:
		return "its TLS handshake took too long";
	case OB_TURN:
		*trouble = VERDICT_LOGIN;
		return "another login to it is under way for too long";
	case OB_TOKEN:
		*trouble = VERDICT_LOGIN;
		return "the login's access token did not come in time";
	case OB_LOOKUP:
	case OB_DIAL:
	case OB_HELLO:
	case OB_LOGIN:
	case OB_READY:
	case OB_RESET:
	case OB_QUIT:
		break;
	}
	return NULL;
}
