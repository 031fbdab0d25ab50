/* SPDX-License-Identifier: ISC */
/* Why a connection to a gateway came to nothing, in words. */
#include "run/outbound_part.h"

void outbound_blame_put(
    struct outbound *o, enum verdict_trouble trouble, const char *format, ...)
{
	struct fmt f;
	va_list args;

	o->trouble = (uint8_t)trouble;
	fmt_init(&f, o->why, sizeof(o->why));
	if (o->naddr && !o->gateway->literal && o->present < o->naddr) {
		inet_print_addr(&f, &o->addr[o->present]);
		fmt_str(&f, ": ");
	}
	va_start(args, format);
	fmt_put_list(&f, format, args);
	va_end(args);
}

void outbound_blame_reply(struct outbound *o, enum client_command command, const struct reply *r)
{
	char text[160];
	struct fmt f;
	enum verdict_trouble trouble = verdict_trouble_of(r);

	fmt_init(&f, text, sizeof(text));
	if (command == CLIENT_CMD_GREETING)
		fmt_add(&f, "greets with \"");
	else
		fmt_add(&f, "answered %s with \"", client_command_name(command));
	reply_line(&f, r);
	fmt_str(&f, "\"");
	outbound_blame(o, trouble, "%s%s",
	    trouble == VERDICT_LOGIN ? PHRASE("wants a login: ") : "", text);
}

void outbound_blame_failure(
    struct outbound *o, enum client_failure why, enum client_command command)
{
	const struct reply *r = client_last(&o->client);

	if (why == CLIENT_NO_STARTTLS && !r->code) {
		outbound_blame(
		    o, VERDICT_TLS, "offers no encryption (STARTTLS), which TLS asks for");
	} else if (why == CLIENT_NO_STARTTLS) {
		outbound_blame_reply(o, CLIENT_CMD_STARTTLS, r);
		o->trouble = VERDICT_TLS;
	} else if (why == CLIENT_BAD_LOGIN) {
		outbound_blame(
		    o, VERDICT_LOGIN, "the login failed: %s", client_login_why(&o->client));
	} else if (why == CLIENT_HELLO_REFUSED) {
		char text[160];
		struct fmt f;

		fmt_init(&f, text, sizeof(text));
		fmt_add(&f, "%s (", o->ehlo);
		reply_line(&f, r);
		fmt_add(&f, "); set EHLO_Hostname to a name it takes");
		outbound_blame(o, VERDICT_PROTOCOL, "refuses EHLO %s", text);
	} else if (why == CLIENT_BAD_REPLY && !r->code) {
		outbound_blame(
		    o, VERDICT_PROTOCOL, "sent no proper reply: %.*s", (int)r->n, r->text);
	} else if (r->code) {
		outbound_blame_reply(o, command, r);
	} else if (why == CLIENT_OUT_OF_STEP) {
		outbound_blame_unasked(o);
	} else {
		outbound_blame(o, VERDICT_PROTOCOL, "went out of step after %s",
		    client_command_name(command));
	}
}

void outbound_blame_lost(struct outbound *o)
{
	enum client_command awaited = client_awaits(&o->client);

	if (awaited == CLIENT_CMD_NONE)
		outbound_blame(o, VERDICT_LOST, "the connection was lost");
	else
		outbound_blame(o, VERDICT_LOST, "the connection was lost before the reply to %s",
		    client_command_name(awaited));
}

void outbound_blame_unasked(struct outbound *o)
{
	outbound_blame(o, VERDICT_PROTOCOL, "sent a reply that was not asked for");
}

const char *outbound_waits(const struct outbound *o, enum verdict_trouble *trouble)
{
	*trouble = VERDICT_TLS;
	switch ((enum outbound_state)o->state) {
	case OB_PLACE:
		*trouble = VERDICT_TIMEOUT;
		return PHRASE("this box has no room for another TLS session");
	case OB_SECURE:
		return PHRASE("its TLS handshake took too long");
	case OB_TURN:
		*trouble = VERDICT_LOGIN;
		return PHRASE("another login to it is under way for too long");
	case OB_TOKEN:
		*trouble = VERDICT_LOGIN;
		return PHRASE("the login's access token did not come in time");
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
